package hindcast

// Redshift says how a warehouse that is Amazon Redshift reaches the lake's bucket.
type Redshift struct {
	Role        string `json:"iam_role,omitempty"`      // "default", or ARNs with commas between
	Region      string `json:"region,omitempty"`        // the bucket's, for UNLOAD
	MaxFileSize int64  `json:"max_file_size,omitempty"` // bytes of a file that UNLOAD writes
	Resize      Resize `json:"resize,omitzero"`         // around the loads
}
