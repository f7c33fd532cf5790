package redshift

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/awsquery"
)

// kind is what a name names.
type kind int

const (
	unknown kind = iota
	cluster
	workgroup
)

func (k kind) String() string {
	return map[kind]string{unknown: "cluster or workgroup", cluster: "cluster", workgroup: "workgroup"}[k]
}

// account is what AWS knows of a cluster or workgroup: where it is, and who may connect for a while. Passwords stay in this
// process.
type account struct {
	aws                  *awsquery.Client
	name, database, user string

	asking gate // guards what follows, and is held while AWS is asked
	kind   kind
	keys   keys
}

// keys let a user of the database connect until they expire. A session that they began goes on.
type keys struct {
	user, password string
	until          time.Time
}

// early is how long before their end keys are replaced: connecting takes time, and clocks differ.
const early = time.Minute

func newAccount(ctx context.Context, a *address) (*account, error) {
	client, err := awsquery.Open(ctx, a.region)
	if err != nil {
		return nil, err
	}
	return &account{aws: client, name: a.name, database: a.database, user: a.user, asking: newGate(), kind: a.kind}, nil
}

// place is where a cluster or workgroup is, and in which state.
type place struct {
	status string
	host   string // "" while it is being made
	port   int
}

// find asks AWS for the cluster of the name, and where there is none for the workgroup.
func (a *account) find(ctx context.Context) (place, error) {
	if err := a.asking.lock(ctx); err != nil {
		return place{}, err
	}
	defer a.asking.unlock()
	if a.kind != workgroup {
		p, err := a.cluster(ctx)
		if err == nil {
			a.kind = cluster
			return p, nil
		}
		if a.kind == cluster || awsquery.Code(err) != "ClusterNotFound" { // denied, say: there may be a cluster
			return p, a.explain("redshift", "DescribeClusters", err)
		}
	}

	p, err := a.workgroup(ctx)
	if err == nil {
		a.kind = workgroup
		return p, nil
	}
	return p, a.explain("redshift-serverless", "GetWorkgroup", err)
}

func (a *account) cluster(ctx context.Context) (p place, err error) {
	var out struct {
		Clusters []struct {
			Status  string `xml:"ClusterStatus"`
			Address string `xml:"Endpoint>Address"`
			Port    int    `xml:"Endpoint>Port"`
		} `xml:"DescribeClustersResult>Clusters>Cluster"`
	}
	if err := a.aws.Query(ctx, awsquery.Redshift, "DescribeClusters", url.Values{"ClusterIdentifier": {a.name}}, &out); err != nil {
		return p, err
	}
	if len(out.Clusters) == 0 {
		return p, &awsquery.Answer{Code: "ClusterNotFound", Message: "Cluster " + a.name + " not found."}
	}
	c := out.Clusters[0]
	return place{status: c.Status, host: c.Address, port: c.Port}, nil
}

func (a *account) workgroup(ctx context.Context) (p place, err error) {
	var out struct {
		Workgroup struct {
			Status   string
			Endpoint struct {
				Address string
				Port    int
			}
		}
	}
	err = a.aws.JSON(ctx, awsquery.RedshiftServerless, "GetWorkgroup", map[string]string{"workgroupName": a.name}, &out)
	w := out.Workgroup
	return place{status: strings.ToLower(w.Status), host: w.Endpoint.Address, port: w.Endpoint.Port}, err
}

// explain is the error of a call, with what to do.
func (a *account) explain(service, action string, err error) error {
	e, ours := errors.AsType[*hindcast.Error](err)
	if !ours {
		return err
	}
	is := *e
	switch {
	case awsquery.NotFound(err):
		is.Code, is.Class = hindcast.EWarehouse, hindcast.ClassPermanent
		is.Message = fmt.Sprintf("there is no %s %s in %s", a.kind, a.name, a.aws.Region())
		is.Next = "correct the name or the region under `warehouse:`, or choose the account with AWS_PROFILE"
	case is.Code == hindcast.EPermission:
		is.Next = fmt.Sprintf("allow %s:%s on %s to the identity that runs hindcast", service, action, a.resource(service, action))
		if strings.HasPrefix(action, "Describe") || action == "GetWorkgroup" {
			is.Next += ", or avoid the call: in the URL, serverless=true (a workgroup) or false (a cluster) says which it is, and the endpoint as its host or host=HOST:PORT where it is"
		}
	}
	return &is
}

// resource is what a policy names.
func (a *account) resource(service, action string) string {
	in := "arn:aws:" + service + ":" + a.aws.Region() + ":*:"
	switch action {
	case "GetClusterCredentials":
		return in + "dbuser:" + a.name + "/" + a.user + " and " + in + "dbname:" + a.name + "/" + a.database
	case "GetClusterCredentialsWithIAM":
		return in + "dbname:" + a.name + "/" + a.database
	case "DescribeClusters":
		return in + "cluster:" + a.name
	}
	return in + "workgroup/*"
}

// up is an error unless somebody could connect.
func (p place) up(name string, is kind) error {
	e := &hindcast.Error{Code: hindcast.EWarehouse, Class: hindcast.ClassPermanent, Message: fmt.Sprintf("the %s %s is %s", is, name, p.status)}
	switch first, _, _ := strings.Cut(p.status, ","); {
	case first == "paused", first == "pausing":
		e.Next = "resume it, then run hindcast again: aws redshift resume-cluster --cluster-identifier " + name
	case slices.Contains([]string{"deleting", "final-snapshot", "hardware-failure", "incompatible-hsm", "incompatible-network", "incompatible-parameters", "incompatible-restore"}, first):
		e.Next = "see what the console says of it"
	case p.host == "":
		e.Class, e.Next = hindcast.ClassTransient, "wait until it is available"
	default:
		return nil
	}
	return e
}

// current are keys that can be used now; fresh ones if those that there are were refused.
func (a *account) current(ctx context.Context, refused keys) (keys, error) {
	if err := a.asking.lock(ctx); err != nil {
		return keys{}, err
	}
	defer a.asking.unlock()
	if a.keys.password != "" && a.keys != refused && time.Until(a.keys.until) > early {
		return a.keys, nil
	}
	k, err := a.fetch(ctx)
	if err == nil {
		a.keys = k
	}
	return k, err
}

func (a *account) fetch(ctx context.Context) (k keys, err error) {
	if a.kind == workgroup {
		var out struct {
			User     string  `json:"dbUser"`
			Password string  `json:"dbPassword"`
			Until    float64 `json:"expiration"`
		}
		err := a.aws.JSON(ctx, awsquery.RedshiftServerless, "GetCredentials", map[string]string{"workgroupName": a.name, "dbName": a.database}, &out)
		return keys{out.User, out.Password, time.Unix(int64(out.Until), 0)}, a.explain("redshift-serverless", "GetCredentials", err)
	}

	action, form := "GetClusterCredentialsWithIAM", url.Values{"ClusterIdentifier": {a.name}, "DbName": {a.database}}
	if a.user != "" {
		action = "GetClusterCredentials"
		form.Set("DbUser", a.user)
	}
	return a.ofCluster(ctx, action, form)
}

// given are keys as a cluster's answers have them.
type given struct {
	User     string    `xml:"DbUser"`
	Password string    `xml:"DbPassword"`
	Until    time.Time `xml:"Expiration"`
}

func (a *account) ofCluster(ctx context.Context, action string, form url.Values) (keys, error) {
	var out struct {
		IAM  given `xml:"GetClusterCredentialsWithIAMResult"`
		User given `xml:"GetClusterCredentialsResult"`
	}
	if err := a.aws.Query(ctx, awsquery.Redshift, action, form, &out); err != nil {
		return keys{}, a.explain("redshift", action, err)
	}
	g := out.IAM
	if a.user != "" {
		g = out.User
	}
	return keys{g.User, g.Password, g.Until}, nil
}

// lead has a URL without a host lead to the place.
func (a *address) lead(p place) {
	port := defaultPort
	if p.port != 0 {
		port = strconv.Itoa(p.port)
	}
	a.url.Host = net.JoinHostPort(p.host, port)
}
