package resize

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/awsquery"
	"github.com/hindcast/hindcast/internal/awsredshift"
)

// cluster is a provisioned cluster.
type cluster struct {
	name   string
	client *awsquery.Client
}

func openCluster(ctx context.Context, rules hindcast.Resize) (*cluster, error) {
	client, err := awsquery.Open(ctx, rules.Region)
	if err != nil {
		return nil, err
	}
	return &cluster{name: rules.Cluster, client: client.Once()}, nil // what may be repeated is decided here
}

func (c *cluster) query(ctx context.Context, action string, params url.Values, out any) error {
	return c.client.Query(ctx, awsquery.Redshift, action, params, out)
}

func (c *cluster) params(more ...string) url.Values {
	form := url.Values{"ClusterIdentifier": {c.name}}
	for i := 0; i+1 < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return form
}

// look takes a cluster to be settled only where its two states agree: one is "available" too while the data is spread again.
func (c *cluster) look(ctx context.Context) (standing, error) {
	is, err := awsredshift.DescribeCluster(ctx, c.client, c.name)
	if err != nil {
		return standing{}, err
	}
	now := standing{size: is.Nodes, kind: is.NodeType, state: is.State(), arn: c.arn(is.Namespace), tags: map[string]string{},
		settled: is.Status == "available" && is.Availability == "Available"}
	for _, t := range is.Tags {
		now.tags[t.Key] = t.Value
	}
	return now, nil
}

// arn is the cluster's, which no answer has: partition, region and account are those of its namespace.
func (c *cluster) arn(namespace string) string {
	parts := strings.Split(namespace, ":")
	const enough = 5
	if len(parts) < enough {
		return ""
	}
	return strings.Join(parts[:enough], ":") + ":cluster:" + c.name
}

// allowed are numbers of nodes of the same type.
func (c *cluster) allowed(ctx context.Context, now standing, insist func(call func() error) error) ([]int, error) {
	sizes, marker := []int{}, ""
	for {
		var answer struct {
			Options []struct {
				NodeType      string
				NumberOfNodes int
			} `xml:"DescribeNodeConfigurationOptionsResult>NodeConfigurationOptionList>NodeConfigurationOption"`
			Marker string `xml:"DescribeNodeConfigurationOptionsResult>Marker"`
		}
		form := c.params("ActionType", "resize-cluster")
		if marker != "" {
			form.Set("Marker", marker)
		}
		err := insist(func() error { return c.query(ctx, "DescribeNodeConfigurationOptions", form, &answer) })
		if err != nil {
			return nil, err
		}
		for _, o := range answer.Options {
			if o.NodeType == now.kind {
				sizes = append(sizes, o.NumberOfNodes)
			}
		}
		if answer.Marker == "" || answer.Marker == marker {
			slices.Sort(sizes)
			return slices.Compact(sizes), nil
		}
		marker = answer.Marker
	}
}

// ask asks for an elastic resize: a classic one, which takes hours and reads only, is never wanted.
func (c *cluster) ask(ctx context.Context, size int) error {
	return c.query(ctx, "ResizeCluster", c.params("NumberOfNodes", strconv.Itoa(size), "Classic", "false"), &struct{}{})
}

func (c *cluster) why(ctx context.Context) string {
	var answer struct {
		Status  string `xml:"DescribeResizeResult>Status"`
		Message string `xml:"DescribeResizeResult>Message"`
	}
	if err := c.query(ctx, "DescribeResize", c.params(), &answer); err != nil {
		return ""
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s", answer.Status, answer.Message))
}

func (c *cluster) tag(ctx context.Context, now standing, key, value string) error {
	return c.query(ctx, "CreateTags", url.Values{"ResourceName": {now.arn}, "Tags.Tag.1.Key": {key}, "Tags.Tag.1.Value": {value}}, &struct{}{})
}

func (c *cluster) untag(ctx context.Context, now standing, key string) error {
	return c.query(ctx, "DeleteTags", url.Values{"ResourceName": {now.arn}, "TagKeys.TagKey.1": {key}}, &struct{}{})
}
