package redshift

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/awsquery"
	"github.com/hindcast/hindcast/internal/awsredshift"
)

// account is what AWS knows of a cluster or workgroup: where it is, and who may connect for a while. Passwords stay in this
// process.
type account struct {
	aws *awsquery.Client

	asking gate // guards what follows, and is held while AWS is asked
	named  awsredshift.Named
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
	client, err := awsquery.Open(ctx, a.named.Region)
	if err != nil {
		return nil, err
	}
	return &account{aws: client, asking: newGate(), named: a.named}, nil
}

// find asks AWS for what the URL names, and remembers what that is.
func (a *account) find(ctx context.Context) (awsredshift.Found, error) {
	if err := a.asking.lock(ctx); err != nil {
		return awsredshift.Found{}, err
	}
	defer a.asking.unlock()
	found, err := awsredshift.Find(ctx, a.aws, a.named)
	if err == nil {
		a.named.Kind = found.Kind()
	}
	return found, err
}

// explain is the error of a call, with what to do.
func (a *account) explain(service, action string, err error) error {
	if err == nil {
		return nil
	}
	return a.named.Explain(service, action, a.aws.Region(), err)
}

// up is an error unless somebody could connect.
func up(name string, is awsredshift.Found) error {
	status := is.State()
	host, _ := is.Endpoint()
	e := &hindcast.Error{Code: hindcast.EWarehouse, Class: hindcast.ClassPermanent, Message: fmt.Sprintf("the %s %s is %s", is.Kind(), name, status)}
	switch first, _, _ := strings.Cut(status, ","); {
	case first == "paused", first == "pausing":
		e.Next = "resume it, then run hindcast again: aws redshift resume-cluster --cluster-identifier " + name
	case slices.Contains([]string{"deleting", "final-snapshot", "hardware-failure", "incompatible-hsm", "incompatible-network", "incompatible-parameters", "incompatible-restore"}, first):
		e.Next = "see what the console says of it"
	case host == "":
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
	n := a.named
	if n.Kind == awsredshift.Grouped {
		var out struct {
			User     string  `json:"dbUser"`
			Password string  `json:"dbPassword"`
			Until    float64 `json:"expiration"`
		}
		err := a.aws.JSON(ctx, awsquery.RedshiftServerless, "GetCredentials", map[string]string{"workgroupName": n.Name, "dbName": n.Database}, &out)
		return keys{out.User, out.Password, time.Unix(int64(out.Until), 0)}, a.explain("redshift-serverless", "GetCredentials", err)
	}

	action, form := "GetClusterCredentialsWithIAM", url.Values{"ClusterIdentifier": {n.Name}, "DbName": {n.Database}}
	if n.User != "" {
		action = "GetClusterCredentials"
		form.Set("DbUser", n.User)
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
	if a.named.User != "" {
		g = out.User
	}
	return keys{g.User, g.Password, g.Until}, nil
}

// lead has a URL without a host lead to where it was found.
func (a *address) lead(found awsredshift.Found) {
	host, number := found.Endpoint()
	port := awsredshift.DefaultPort
	if number != 0 {
		port = strconv.Itoa(number)
	}
	a.url.Host = net.JoinHostPort(host, port)
}
