package hindcast

// Redshift says how a warehouse that is Amazon Redshift reaches the lake's bucket.
type Redshift struct {
	Role        string `json:"iam_role,omitempty"`      // "default", or ARNs with commas between
	Region      string `json:"region,omitempty"`        // the bucket's, for UNLOAD
	MaxFileSize int64  `json:"max_file_size,omitempty"` // bytes of a file that UNLOAD writes
	Resize      Resize `json:"resize,omitzero"`         // around the loads

	// What it is, for what it costs: nodes of a type, or the base capacity of a serverless workgroup; zero where nobody said.
	NodeType string `json:"node_type,omitempty"` // ra3.4xlarge
	Nodes    int    `json:"nodes,omitempty"`
	RPU      int    `json:"rpu,omitempty"`
}
