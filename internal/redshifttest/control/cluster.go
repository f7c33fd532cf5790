//go:build unix

package control

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Cluster is a provisioned cluster. What is exported is set before it is added.
type Cluster struct {
	Name     string
	NodeType string
	Nodes    int
	Allowed  []int // numbers of nodes that an elastic resize can lead to
	Tags     map[string]string
	Resizing func()   // called when a resize reaches the state in which sessions are held or dropped; may be nil
	Status   string   // paused and the like; "" is available
	Database Database // what credentials let into, and where it is; may be nil

	change *change
	last   *change // the last resize, also when it has ended
}

// Add adds clusters.
func (s *Server) Add(clusters ...*Cluster) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, c := range clusters {
		if c.Tags == nil {
			c.Tags = map[string]string{}
		}
		s.clusters[c.Name] = c
	}
}

// Cluster is what a cluster is now, by a copy.
func (s *Server) Cluster(name string) Cluster {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	c := *s.clusters[name]
	c.Tags = maps.Clone(c.Tags)
	return c
}

// Settled reports whether no resize of it is under way.
func (c Cluster) Settled() bool { return c.change == nil }

// clusterActions are the actions on clusters, by their names.
func clusterActions() map[string]queryAction {
	actions := credentialActions()
	maps.Copy(actions, map[string]queryAction{
		"DescribeClusters":                 (*Server).describeClusters,
		"DescribeNodeConfigurationOptions": (*Server).describeOptions,
		"DescribeResize":                   (*Server).describeResize,
		"ResizeCluster":                    (*Server).resizeCluster,
		"CreateTags":                       (*Server).createTags,
		"DeleteTags":                       (*Server).deleteTags,
	})
	return actions
}

// phase is a state that an elastic resize goes through.
type phase struct{ status, availability string }

var phases = []phase{{"available, prep-for-resize", "Available"}, {"resizing", "Modifying"}, {"available, resize-cleanup", "Available"}}

// The phases at which sessions are dropped, and at which the new number of nodes shows.
const (
	resizing = 1
	cleanup  = 2
)

func (c *Cluster) phase() phase {
	if c.Status != "" {
		return phase{c.Status, "Unavailable"}
	}
	if c.change == nil {
		return phase{"available", "Available"}
	}
	return phases[c.change.at]
}

// advance moves a resize on. A failed one ends before it has changed anything.
func (c *Cluster) advance() {
	if c.change == nil {
		return
	}
	c.change.fresh = false
	c.change.at++
	switch {
	case c.change.at == resizing && c.Resizing != nil:
		c.Resizing()
	case c.change.at == cleanup && c.change.failed:
		c.change = nil
	case c.change.at == cleanup:
		c.Nodes = c.change.to
	case c.change.at >= len(phases):
		c.change = nil
	}
}

// tag and the types that follow are elements of answers, in the order of botocore's model.
type tag struct{ Key, Value string }

type tagList struct {
	Tag []tag
}

type clusterElement struct {
	ClusterIdentifier                string
	NodeType                         string
	ClusterStatus                    string
	ClusterAvailabilityStatus        string
	MasterUsername                   string
	DBName                           string
	Endpoint                         *endpointElement `xml:",omitempty"`
	PendingModifiedValues            pending
	NumberOfNodes                    int
	PubliclyAccessible               bool
	Encrypted                        bool
	Tags                             tagList
	ElasticResizeNumberOfNodeOptions string
	ResizeInfo                       *resizeInfo `xml:",omitempty"`
	ClusterNamespaceArn              string
}

type pending struct {
	NumberOfNodes int `xml:",omitempty"`
}

type resizeInfo struct {
	ResizeType        string
	AllowCancelResize bool
}

func (c *Cluster) element() clusterElement {
	at := c.phase()
	e := clusterElement{ClusterIdentifier: c.Name, NodeType: c.NodeType, ClusterStatus: at.status, ClusterAvailabilityStatus: at.availability,
		MasterUsername: "admin", DBName: "dev", Endpoint: endpointOf(c.Database), NumberOfNodes: c.Nodes,
		ElasticResizeNumberOfNodeOptions: strings.ReplaceAll(fmt.Sprint(c.Allowed), " ", ","),
		ClusterNamespaceArn:              fmt.Sprintf("arn:aws:redshift:%s:%s:namespace:00000000-0000-4000-8000-000000000001", Region, Account)}
	for _, key := range slices.Sorted(maps.Keys(c.Tags)) {
		e.Tags.Tag = append(e.Tags.Tag, tag{key, c.Tags[key]})
	}
	if c.change != nil {
		e.ResizeInfo = &resizeInfo{"ElasticResize", false}
		e.PendingModifiedValues.NumberOfNodes = c.change.to
	}
	return e
}

func (s *Server) named(form url.Values) (*Cluster, *Refusal) {
	name := form.Get("ClusterIdentifier")
	if c := s.clusters[name]; c != nil {
		return c, nil
	}
	return nil, refuse(http.StatusNotFound, "ClusterNotFound", "Cluster %s not found.", name)
}

func (s *Server) describeClusters(form url.Values) (any, *Refusal) {
	type list struct{ Cluster []clusterElement }
	var all list
	if form.Get("ClusterIdentifier") != "" {
		c, refused := s.named(form)
		if refused != nil {
			return nil, refused
		}
		all.Cluster = []clusterElement{c.element()}
		if !s.held {
			c.advance()
		}
	} else {
		for _, name := range slices.Sorted(maps.Keys(s.clusters)) {
			all.Cluster = append(all.Cluster, s.clusters[name].element())
		}
	}
	return struct{ Clusters list }{all}, nil
}

// describeOptions answers in pages of two, so that a client has to ask for the next.
func (s *Server) describeOptions(form url.Values) (any, *Refusal) {
	const page = 2
	if form.Get("ActionType") != "resize-cluster" {
		return nil, refuse(http.StatusBadRequest, "UnsupportedOperation", "The action type %q is not supported here.", form.Get("ActionType"))
	}
	c, refused := s.named(form)
	if refused != nil {
		return nil, refused
	}

	type option struct {
		NodeType                        string
		NumberOfNodes                   int
		EstimatedDiskUtilizationPercent float64
	}
	type list struct{ NodeConfigurationOption []option }
	var answer struct {
		NodeConfigurationOptionList list
		Marker                      string `xml:",omitempty"`
	}
	var all []option
	for _, n := range c.Allowed {
		all = append(all, option{c.NodeType, n, 20})
	}
	all = append(all, option{"ra3.16xlarge", 2, 5}) // another type, which an elastic resize can change to as well
	first, _ := strconv.Atoi(form.Get("Marker"))
	last := min(len(all), first+page)
	answer.NodeConfigurationOptionList.NodeConfigurationOption = all[min(first, last):last]
	if last < len(all) {
		answer.Marker = strconv.Itoa(last)
	}
	return answer, nil
}

func (s *Server) describeResize(form url.Values) (any, *Refusal) {
	c, refused := s.named(form)
	if refused != nil {
		return nil, refused
	}
	if c.last == nil {
		return nil, refuse(http.StatusNotFound, "ResizeNotFound", "A resize operation for the specified cluster is not found.")
	}

	answer := struct {
		TargetNodeType              string
		TargetNumberOfNodes         int
		TargetClusterType           string
		Status                      string
		ResizeType                  string
		Message                     string `xml:",omitempty"`
		DataTransferProgressPercent float64
	}{c.NodeType, c.last.to, "multi-node", "SUCCEEDED", "ElasticResize", "", 100}
	switch {
	case c.change != nil:
		answer.Status, answer.DataTransferProgressPercent = "IN_PROGRESS", 50
	case c.last.failed:
		answer.Status, answer.Message = "FAILED", "The resize did not complete."
	}
	return answer, nil
}

func (s *Server) resizeCluster(form url.Values) (any, *Refusal) {
	c, refused := s.named(form)
	if refused != nil {
		return nil, refused
	}
	to, err := strconv.Atoi(form.Get("NumberOfNodes"))
	switch {
	case c.change != nil:
		return nil, refuse(http.StatusBadRequest, "InvalidClusterState", "There is an operation running on the Cluster. Please try to perform your operation again later.")
	case form.Get("Classic") == "true":
		return nil, refuse(http.StatusBadRequest, "UnsupportedOperation", "The stand-in does elastic resizes only.")
	case err != nil || !slices.Contains(c.Allowed, to):
		return nil, refuse(http.StatusBadRequest, "UnsupportedOptionFault", "The requested number of nodes is not supported for an elastic resize.")
	case to == c.Nodes:
		return nil, refuse(http.StatusBadRequest, "InvalidParameterValue", "The cluster has that number of nodes already.")
	}
	c.change = &change{from: c.Nodes, to: to, fresh: true}
	c.last = c.change
	return struct{ Cluster clusterElement }{c.element()}, nil
}

// tagged is the cluster of a resource name.
func (s *Server) tagged(form url.Values) (*Cluster, *Refusal) {
	arn := form.Get("ResourceName")
	prefix := fmt.Sprintf("arn:aws:redshift:%s:%s:cluster:", Region, Account)
	if c := s.clusters[strings.TrimPrefix(arn, prefix)]; c != nil && strings.HasPrefix(arn, prefix) {
		return c, nil
	}
	return nil, refuse(http.StatusNotFound, "ResourceNotFoundFault", "%s was not found.", arn)
}

func (s *Server) createTags(form url.Values) (any, *Refusal) {
	c, refused := s.tagged(form)
	if refused != nil {
		return nil, refused
	}
	for i := 1; form.Has(fmt.Sprintf("Tags.Tag.%d.Key", i)); i++ {
		key, value := form.Get(fmt.Sprintf("Tags.Tag.%d.Key", i)), form.Get(fmt.Sprintf("Tags.Tag.%d.Value", i))
		if refused := checkTag(key, value, "InvalidTagFault"); refused != nil {
			return nil, refused
		}
		c.Tags[key] = value
	}
	return nil, nil
}

func (s *Server) deleteTags(form url.Values) (any, *Refusal) {
	c, refused := s.tagged(form)
	if refused != nil {
		return nil, refused
	}
	for i := 1; form.Has(fmt.Sprintf("TagKeys.TagKey.%d", i)); i++ {
		delete(c.Tags, form.Get(fmt.Sprintf("TagKeys.TagKey.%d", i)))
	}
	return nil, nil
}

// checkTag holds a tag to what Amazon takes of one.
func checkTag(key, value, code string) *Refusal {
	const most, mostOfKey = 256, 128
	plain := func(text string) bool {
		return strings.IndexFunc(text, func(r rune) bool {
			return !strings.ContainsRune(" +-=._:/@", r) && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
		}) < 0
	}
	if key == "" || len(key) > mostOfKey || len(value) > most || strings.HasPrefix(key, "aws:") || !plain(key) || !plain(value) {
		return refuse(http.StatusBadRequest, code, "The tag is invalid.")
	}
	return nil
}
