package preflight

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/awsquery"
	"github.com/hindcast/hindcast/internal/numbers"
)

// The schemes of a URL of Redshift.
const (
	byPassword = "redshift"
	byIAM      = "redshift+iam"
	byDataAPI  = "redshift-data"
)

// cluster is the Redshift that a warehouse's URL names.
type cluster struct {
	name     string // a cluster's or a workgroup's; "" if the URL names none
	region   string // "" is the client's
	kind     kind   // as far as the URL says it
	account  string // as far as the URL says it, which it does of a workgroup
	reached  bool   // the URL says by which host: nobody has to find it by its name
	database string
	user     string // of the database; "" is the one of the IAM identity
	secret   string
}

// kind says what of Redshift it is.
type kind string

// The kinds; "" is not known.
const (
	provisioned kind = "cluster"
	serverless  kind = "workgroup"
)

// endpointOf takes apart the address of a cluster, or of a workgroup.
var endpointOf = regexp.MustCompile(`^([a-z0-9-]+)\.([a-z0-9]+)\.([a-z0-9-]+)\.(redshift|redshift-serverless)\.amazonaws\.(?:com|com\.cn|eu)$`)

// clusterOf reads the URL of a warehouse: an address of Amazon's, or the name alone.
func clusterOf(p *hindcast.Pipeline) (c cluster) {
	if !strings.HasPrefix(p.Warehouse.Scheme, "redshift") || p.Warehouse.URL == nil {
		return c
	}
	u, query := p.Warehouse.URL, p.Warehouse.URL.Query()
	if u.Scheme != byPassword {
		c = cluster{name: u.Hostname(), reached: query.Has("host"), user: query.Get("user"), secret: query.Get("secret")}
		c.kind = map[string]kind{"true": serverless, "false": provisioned}[query.Get("serverless")]
	}
	if m := endpointOf.FindStringSubmatch(u.Hostname()); m != nil {
		c.name, c.region, c.kind, c.reached = m[1], m[3], provisioned, true
		if m[4] == "redshift-serverless" {
			c.kind, c.account = serverless, m[2]
		}
	} else if strings.Contains(c.name, ".") {
		return cluster{}
	}
	if c.name != "" {
		c.region, c.database = cmp.Or(query.Get("region"), c.region), strings.Trim(u.Path, "/")
	}
	return c
}

// Region is where a pipeline's account is asked: where its jobs are, or its warehouse, or its lake, as far as the pipeline file says it.
func Region(p *hindcast.Pipeline) string {
	switch c := clusterOf(p); {
	case p.Transform.Glue.Region != "":
		return p.Transform.Glue.Region
	case c.region != "":
		return c.region
	case p.Lake.Scheme == "s3":
		return p.Lake.URL.Query().Get("region")
	}
	return ""
}

// cluster is the pipeline's, in a region that is known.
func (l *look) cluster() cluster {
	c := clusterOf(l.Pipeline)
	if c.name != "" && c.region == "" {
		c.region = l.Client.Region()
	}
	return c
}

// standing is what Redshift says of a cluster, or of a workgroup and its namespace; it is empty if it says nothing.
type standing struct {
	what    kind
	arn     string // of a workgroup, whose name is not in it
	status  string
	size    string
	roles   []string
	pending []string // roles that are being attached
	usual   string   // the default role
}

// redshift looks at the warehouse's cluster.
func (l *look) redshift(ctx context.Context, c cluster, f *findings) (is standing) {
	if c.name == "" {
		if strings.HasPrefix(l.Pipeline.Warehouse.Scheme, "redshift") {
			f.add(Unknown, "warehouse", "its address is not one of Amazon's: nothing is asked of it")
		}
		return is
	}
	if c.account != "" && c.account != l.who.account {
		f.add(Unknown, "warehouse "+c.name, "is of another account, which can be asked only there")
		return is
	}
	is, err := l.describeWarehouse(ctx, c)
	switch {
	case awsquery.NotFound(err) && c.reached: // a connection needs nobody who finds it
		f.add(Unknown, "warehouse "+c.name, "is not in this account in "+c.region+": what has its address is asked nothing")
		return standing{}
	case awsquery.NotFound(err):
		f.wrong("warehouse "+c.name, "is not in "+c.region, &hindcast.Error{Place: l.Pipeline.Places["warehouse"],
			Message: "there is no " + string(cmp.Or(c.kind, "cluster or workgroup")) + " " + c.name + " in " + c.region, Next: "correct `warehouse` in the pipeline file, or its region"})
		return standing{}
	case err != nil:
		f.unknown("warehouse "+c.name, err)
		return standing{}
	}

	what := string(is.what) + " " + c.name
	switch {
	case strings.HasPrefix(is.status, "available"): // which it is also while a resize is cleaned up
		f.add(Fine, what, "is "+is.status+" in "+c.region+", "+is.size)
	case slices.ContainsFunc(closed, func(s string) bool { return strings.HasPrefix(is.status, s) }):
		f.wrong(what, "is "+is.status, &hindcast.Error{Place: l.Pipeline.Places["warehouse"],
			Message: what + " is " + is.status + ": nothing connects to it", Next: "resume it, or wait until it is available; then run again"})
	default:
		f.add(Noted, what, "is "+is.status+" in "+c.region+", "+is.size)
	}
	f.note(fmt.Sprintf("redshift: %s, %s, %s", is.what, is.status, is.size))
	l.attached(ctx, is, f)
	return is
}

// closed are what the statuses begin with in which Redshift takes no connection.
var closed = []string{"paus", "resum", "creat", "delet", "final-snapshot", "hardware-failure", "incompatible-"}

// describeWarehouse asks for what the URL says it is, or first for a cluster and then for a workgroup. Where clusters may not be asked for it
// looks for a workgroup all the same, which a connection does not do: nothing is read or written here, so the wrong one does no harm.
func (l *look) describeWarehouse(ctx context.Context, c cluster) (is standing, err error) {
	client := l.Client.In(c.region)
	var denied error
	if c.kind != serverless {
		is, err = describeCluster(ctx, client, c)
		if err == nil || c.kind == provisioned {
			return is, err
		}
		if hindcast.AsError(err).Code == hindcast.EPermission {
			denied = err
		} else if !awsquery.NotFound(err) {
			return is, err
		}
	}
	if is, err = describeWorkgroup(ctx, client, c); err != nil && denied != nil {
		return is, denied
	}
	return is, err
}

// describeCluster asks for a cluster.
func describeCluster(ctx context.Context, client *awsquery.Client, c cluster) (standing, error) {
	var is struct {
		List []struct {
			Status       string `xml:"ClusterStatus"`
			Availability string `xml:"ClusterAvailabilityStatus"`
			NodeType     string `xml:"NodeType"`
			Nodes        int    `xml:"NumberOfNodes"`
			Default      string `xml:"DefaultIamRoleArn"`
			Roles        []struct {
				ARN    string `xml:"IamRoleArn"`
				Status string `xml:"ApplyStatus"`
			} `xml:"IamRoles>ClusterIamRole"`
		} `xml:"DescribeClustersResult>Clusters>Cluster"`
	}
	if err := client.Query(ctx, awsquery.Redshift, "DescribeClusters", url.Values{"ClusterIdentifier": {c.name}}, &is); err != nil {
		return standing{}, err
	}
	if len(is.List) != 1 {
		return standing{}, fmt.Errorf("the answer of Redshift has %d clusters", len(is.List))
	}
	found := is.List[0]
	s := standing{what: provisioned, status: found.Status, size: numbers.Counted(found.Nodes, "node") + " of " + found.NodeType, usual: found.Default}
	if found.Status == "available" && found.Availability != "" && found.Availability != "Available" {
		s.status = strings.ToLower(found.Availability)
	}
	for _, r := range found.Roles {
		if r.Status == "in-sync" {
			s.roles = append(s.roles, r.ARN)
		} else {
			s.pending = append(s.pending, r.ARN)
		}
	}
	return s, nil
}

// describeWorkgroup asks for a workgroup of Redshift Serverless, and for its namespace, which has the roles.
func describeWorkgroup(ctx context.Context, client *awsquery.Client, c cluster) (standing, error) {
	var group struct {
		Workgroup struct {
			Status, NamespaceName string
			BaseCapacity          int
			ARN                   string `json:"workgroupArn"`
		}
	}
	if err := client.JSON(ctx, awsquery.RedshiftServerless, "GetWorkgroup", map[string]string{"workgroupName": c.name}, &group); err != nil {
		return standing{}, err
	}
	var space struct {
		Namespace struct {
			Roles   []string `json:"iamRoles"`
			Default string   `json:"defaultIamRoleArn"`
		}
	}
	if err := client.JSON(ctx, awsquery.RedshiftServerless, "GetNamespace", map[string]string{"namespaceName": group.Workgroup.NamespaceName}, &space); err != nil {
		return standing{}, err
	}
	s := standing{what: serverless, arn: group.Workgroup.ARN, status: strings.ToLower(group.Workgroup.Status), size: fmt.Sprintf("%d RPU", group.Workgroup.BaseCapacity),
		usual: space.Namespace.Default}
	for _, text := range space.Namespace.Roles { // an ARN, or IamRole(applyStatus=in-sync, iamRoleArn=arn:…)
		_, rest, _ := strings.Cut(text, "arn:")
		rest, _, _ = strings.Cut(strings.TrimSuffix(rest, ")"), ",")
		arn := "arn:" + rest
		if strings.Contains(text, "applyStatus=") && !strings.Contains(text, "applyStatus=in-sync") {
			s.pending = append(s.pending, arn)
		} else {
			s.roles = append(s.roles, arn)
		}
	}
	return s, nil
}

// attached looks whether the role of UNLOAD and COPY is the cluster's to assume.
func (l *look) attached(ctx context.Context, is standing, f *findings) {
	first, _, _ := strings.Cut(l.Pipeline.Redshift.Role, ",") // the others of a chain are assumed by this one
	first = strings.TrimSpace(first)
	place := l.Pipeline.Places["redshift.iam_role"]
	attach := "attach it: Redshift, " + string(is.what) + ", Manage IAM roles"
	switch {
	case first == "":
		return
	case first == "default" && is.usual == "":
		f.wrong("role default", "the "+string(is.what)+" has no default role", &hindcast.Error{Place: place,
			Message: "redshift.iam_role is default, and the " + string(is.what) + " has no default role", Next: "set one in Redshift, or write the role's ARN"})
		return
	case first == "default":
		first = is.usual
	case slices.Contains(is.pending, first):
		f.add(Noted, "role "+short(first), "is not attached to the "+string(is.what)+" yet, or is being detached: wait until Redshift shows it as in-sync")
		return
	case !slices.Contains(is.roles, first):
		f.wrong("role "+short(first), "is not attached to the "+string(is.what), &hindcast.Error{Place: place,
			Message: "role " + short(first) + " is not attached to the " + string(is.what) + ", so UNLOAD and COPY cannot use it", Next: attach})
		return
	}
	f.add(Fine, "role "+short(first), "is attached to the "+string(is.what))
	l.trusted(ctx, "role "+short(first), first, "redshift.amazonaws.com", "redshift.iam_role", f)
}

// short is the name of a role.
func short(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }
