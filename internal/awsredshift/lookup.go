package awsredshift

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/hindcast/hindcast/internal/awsquery"
)

// Cluster is what Redshift says of a cluster.
type Cluster struct {
	Status       string `xml:"ClusterStatus"`
	Availability string `xml:"ClusterAvailabilityStatus"`
	NodeType     string `xml:"NodeType"`
	Nodes        int    `xml:"NumberOfNodes"`
	Host         string `xml:"Endpoint>Address"` // "" while it is being made
	Port         int    `xml:"Endpoint>Port"`
	Namespace    string `xml:"ClusterNamespaceArn"`
	DefaultRole  string `xml:"DefaultIamRoleArn"`
	Roles        []Role `xml:"IamRoles>ClusterIamRole"`
	Tags         []Tag  `xml:"Tags>Tag"`
}

// Role is one that is attached to a cluster.
type Role struct {
	ARN    string `xml:"IamRoleArn"`
	Status string `xml:"ApplyStatus"`
}

// Tag is a label of a cluster's.
type Tag struct{ Key, Value string }

// State is the cluster's status, or, of one that is available and still changes, in which way.
func (c *Cluster) State() string {
	if c.Status == "available" && c.Availability != "" && c.Availability != "Available" {
		return strings.ToLower(c.Availability)
	}
	return c.Status
}

// DescribeCluster asks for a cluster.
func DescribeCluster(ctx context.Context, client *awsquery.Client, name string) (*Cluster, error) {
	var out struct {
		Clusters []Cluster `xml:"DescribeClustersResult>Clusters>Cluster"`
	}
	if err := client.Query(ctx, awsquery.Redshift, "DescribeClusters", url.Values{"ClusterIdentifier": {name}}, &out); err != nil {
		return nil, err
	}
	if len(out.Clusters) == 0 {
		return nil, &awsquery.Answer{Status: http.StatusOK, Code: "ClusterNotFound", Message: "Cluster " + name + " not found."}
	}
	return &out.Clusters[0], nil
}

// Workgroup is what Redshift Serverless says of a workgroup.
type Workgroup struct {
	Status    string
	Namespace string `json:"namespaceName"`
	RPU       int    `json:"baseCapacity"`
	ARN       string `json:"workgroupArn"`
	Endpoint  struct {
		Address string // "" while it is being made
		Port    int
	}
}

// State is the workgroup's status, in lower case as a cluster's is.
func (w *Workgroup) State() string { return strings.ToLower(w.Status) }

// GetWorkgroup asks for a workgroup.
func GetWorkgroup(ctx context.Context, client *awsquery.Client, name string) (*Workgroup, error) {
	var out struct{ Workgroup Workgroup }
	if err := client.JSON(ctx, awsquery.RedshiftServerless, "GetWorkgroup", map[string]string{"workgroupName": name}, &out); err != nil {
		return nil, err
	}
	return &out.Workgroup, nil
}

// Found is what AWS says of what a URL names: one of the two.
type Found struct {
	Cluster   *Cluster
	Workgroup *Workgroup
}

// Kind says which of the two it is.
func (f Found) Kind() Kind {
	switch {
	case f.Cluster != nil:
		return Clustered
	case f.Workgroup != nil:
		return Grouped
	}
	return Unknown
}

// State is its status.
func (f Found) State() string {
	if f.Cluster != nil {
		return f.Cluster.State()
	}
	return f.Workgroup.State()
}

// Endpoint is where it listens. The host is "" while it is being made.
func (f Found) Endpoint() (host string, port int) {
	if f.Cluster != nil {
		return f.Cluster.Host, f.Cluster.Port
	}
	return f.Workgroup.Endpoint.Address, f.Workgroup.Endpoint.Port
}

// Find asks for what the URL says it is, or else for the cluster of the name, and where there is none for the workgroup. Where clusters may
// not be asked for it looks no further: there may be one, which is another database than the workgroup's. Errors say what to do.
func Find(ctx context.Context, client *awsquery.Client, n Named) (Found, error) {
	if n.Kind != Grouped {
		c, err := DescribeCluster(ctx, client, n.Name)
		if err == nil {
			return Found{Cluster: c}, nil
		}
		if n.Kind == Clustered || !awsquery.NotFound(err) {
			return Found{}, n.Explain("redshift", "DescribeClusters", client.Region(), err)
		}
	}

	w, err := GetWorkgroup(ctx, client, n.Name)
	if err != nil {
		return Found{}, n.Explain("redshift-serverless", "GetWorkgroup", client.Region(), err)
	}
	return Found{Workgroup: w}, nil
}
