package preflight

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/awsquery"
	"github.com/hindcast/hindcast/internal/awsredshift"
	"github.com/hindcast/hindcast/internal/numbers"
)

// warehouseOf is the Redshift that a pipeline's warehouse names; none where the URL has a host of somebody else's, or cannot be read, which
// whoever connects says better.
func warehouseOf(p *hindcast.Pipeline) awsredshift.Named {
	if !strings.HasPrefix(p.Warehouse.Scheme, "redshift") || p.Warehouse.URL == nil {
		return awsredshift.Named{}
	}
	n, err := awsredshift.Read(p.Warehouse.URL)
	if err != nil {
		return awsredshift.Named{}
	}
	return n
}

// Region is where a pipeline's account is asked: where its jobs are, or its warehouse, or its lake, as far as the pipeline file says it.
func Region(p *hindcast.Pipeline) string {
	switch n := warehouseOf(p); {
	case p.Transform.Engine == "emr-serverless" && p.Transform.EMR.Region != "":
		return p.Transform.EMR.Region
	case p.Transform.Glue.Region != "":
		return p.Transform.Glue.Region
	case n.Region != "":
		return n.Region
	case p.Lake.Scheme == "s3":
		return p.Lake.URL.Query().Get("region")
	}
	return ""
}

// warehouse is the pipeline's, in a region that is known.
func (l *look) warehouse() awsredshift.Named {
	n := warehouseOf(l.Pipeline)
	if n.Name != "" && n.Region == "" {
		n.Region = l.Client.Region()
	}
	return n
}

// standing is what Redshift says of a cluster, or of a workgroup and its namespace; it is empty if it says nothing.
type standing struct {
	what    awsredshift.Kind
	arn     string // of a workgroup, whose name is not in it
	status  string
	size    string
	roles   []string
	pending []string // roles that are being attached
	usual   string   // the default role
}

// redshift looks at the warehouse's cluster or workgroup.
func (l *look) redshift(ctx context.Context, n awsredshift.Named, f *findings) (is standing) {
	if n.Name == "" {
		if strings.HasPrefix(l.Pipeline.Warehouse.Scheme, "redshift") {
			f.add(Unknown, "warehouse", "its address is not one of Amazon's: it was not checked")
		}
		return is
	}
	if n.Account != "" && n.Account != l.who.account {
		f.add(Unknown, "warehouse "+n.Name, "is of another account, which can be asked only there")
		return is
	}

	client := l.Client.In(n.Region)
	found, err := awsredshift.Find(ctx, client, n)
	if err != nil {
		l.notFound(n, err, f)
		return is
	}
	if l.another(n, found, f) {
		return is
	}
	if is, err = stands(ctx, client, found); err != nil {
		f.unknown("warehouse "+n.Name, err)
		return standing{}
	}
	l.state(n, is, f)
	l.attached(ctx, is, f)
	return is
}

// notFound says what follows from an error of looking for the warehouse: a run stops where a connection has to look for it as well.
func (l *look) notFound(n awsredshift.Named, err error, f *findings) {
	what, asks := "warehouse "+n.Name, n.Asks()
	e := *hindcast.AsError(err)
	e.Place = l.Pipeline.Places["warehouse"]
	switch {
	case awsquery.NotFound(err) && !asks: // a connection needs nobody who finds it
		f.add(Unknown, what, "is not in this account in "+n.Region+": what has its address was not checked")
	case awsquery.NotFound(err):
		f.wrong(what, "is not in "+n.Region, &e)
	case e.Code == hindcast.EPermission && asks:
		f.unknown(what, err)
		f.missing = append(f.missing, &e)
	default:
		f.unknown(what, err)
	}
}

// another reports whether the cluster that was found is not the one that the URL leads to, or may not be: clusters of two accounts may have
// the same name, and only their addresses tell them apart.
func (l *look) another(n awsredshift.Named, found awsredshift.Found, f *findings) bool {
	host, port, err := net.SplitHostPort(n.Address)
	if err != nil || found.Cluster == nil || !awsredshift.Endpoint(host) { // a workgroup's has the account, and others say nothing of whose they are
		return false
	}
	what := string(found.Kind()) + " " + n.Name
	switch at, listens := found.Endpoint(); {
	case at == "":
		f.add(Unknown, what, "is "+found.State()+" and has no address yet: it may be another one than the one that `warehouse:` leads to")
	case !strings.EqualFold(at, host):
		f.add(Unknown, what, "has another address than `warehouse:`, which may be a cluster of another account, or an endpoint of another network: it was not checked")
	case listens != 0 && strconv.Itoa(listens) != port:
		f.add(Noted, what, fmt.Sprintf("listens on port %d, and `warehouse:` says %s", listens, port))
		return false
	default:
		return false
	}
	return true
}

// state says how the warehouse is.
func (l *look) state(n awsredshift.Named, is standing, f *findings) {
	what := string(is.what) + " " + n.Name
	switch {
	case strings.HasPrefix(is.status, "available"): // which it is also while a resize is cleaned up
		f.add(Fine, what, "is "+is.status+" in "+n.Region+", "+is.size)
	case slices.ContainsFunc(closed, func(s string) bool { return strings.HasPrefix(is.status, s) }):
		f.wrong(what, "is "+is.status, &hindcast.Error{Place: l.Pipeline.Places["warehouse"],
			Message: what + " is " + is.status + ": nothing connects to it", Next: "resume it, or wait until it is available; then run again"})
	default:
		f.add(Noted, what, "is "+is.status+" in "+n.Region+", "+is.size)
	}
	f.note(fmt.Sprintf("redshift: %s, %s, %s", is.what, is.status, is.size))
}

// closed are what the statuses begin with in which Redshift takes no connection.
var closed = []string{"paus", "resum", "creat", "delet", "final-snapshot", "hardware-failure", "incompatible-"}

// stands is what there is to know of what was found.
func stands(ctx context.Context, client *awsquery.Client, found awsredshift.Found) (standing, error) {
	s := standing{what: found.Kind(), status: found.State()}
	if found.Workgroup != nil {
		return ofWorkgroup(ctx, client, found.Workgroup, s)
	}
	c := found.Cluster
	s.size, s.usual = numbers.Counted(c.Nodes, "node")+" of "+c.NodeType, c.DefaultRole
	for _, r := range c.Roles {
		if r.Status == "in-sync" {
			s.roles = append(s.roles, r.ARN)
		} else {
			s.pending = append(s.pending, r.ARN)
		}
	}
	return s, nil
}

// ofWorkgroup asks for a workgroup's namespace, which has the roles.
func ofWorkgroup(ctx context.Context, client *awsquery.Client, w *awsredshift.Workgroup, s standing) (standing, error) {
	var space struct {
		Namespace struct {
			Roles   []string `json:"iamRoles"`
			Default string   `json:"defaultIamRoleArn"`
		}
	}
	if err := client.JSON(ctx, awsquery.RedshiftServerless, "GetNamespace", map[string]string{"namespaceName": w.Namespace}, &space); err != nil {
		return s, err
	}
	s.arn, s.size, s.usual = w.ARN, fmt.Sprintf("%d RPU", w.RPU), space.Namespace.Default
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
