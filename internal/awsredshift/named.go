// Package awsredshift says which Amazon Redshift a warehouse's URL names, and what AWS knows of it: a cluster, or a workgroup of Redshift
// Serverless. Whoever connects, looks at the account before a run, prices it or resizes it asks here, so that all of them mean the same one.
package awsredshift

import (
	"cmp"
	"net"
	"net/url"
	"regexp"
	"strings"
)

// The schemes of a URL.
const (
	ByPassword = "redshift"
	ByIAM      = "redshift+iam"
	ByDataAPI  = "redshift-data"
)

// DefaultPort is where a cluster or workgroup listens unless it was made otherwise.
const DefaultPort = "5439"

// Kind says what of Redshift a name is of.
type Kind string

// The kinds. Unknown is for AWS to say.
const (
	Unknown   Kind = ""
	Clustered Kind = "cluster"
	Grouped   Kind = "workgroup"
)

func (k Kind) String() string { return cmp.Or(string(k), "cluster or workgroup") }

// Named is the cluster or workgroup that a URL names.
type Named struct {
	Scheme   string
	Name     string // "" if the URL has a host of somebody else's
	Region   string // "" if the URL does not say it
	Kind     Kind   // as far as the URL says it
	Account  string // of a workgroup, whose endpoint has it
	Address  string // HOST:PORT to connect to; "" is for AWS to say
	Database string
	User     string // of the database; "" is the one of the IAM identity
	Secret   string
}

// BadURL is the error of a URL that names nothing, with what to write instead.
type BadURL struct{ Reason, Next string }

func (e *BadURL) Error() string { return e.Reason }

// endpoint is the host name of a cluster, or of a workgroup, which says by itself what it is of: the name, the account or something that
// stands for it, and the region.
var endpoint = regexp.MustCompile(`^([a-z0-9-]+)\.([a-z0-9]+)\.([a-z0-9-]+)\.(redshift|redshift-serverless)\.amazonaws\.(?:com|com\.cn|eu)$`)

// Endpoint reports whether a host name is of a cluster or a workgroup.
func Endpoint(host string) bool { return endpoint.MatchString(strings.ToLower(host)) }

// Read reads a URL of one of the schemes. The error is a *BadURL.
func Read(u *url.URL) (Named, error) {
	query := u.Query()
	n := Named{Scheme: u.Scheme, Database: strings.Trim(u.Path, "/"), Region: query.Get("region")}
	if n.Scheme == ByPassword {
		n.Address = u.Host
		if u.Port() == "" {
			n.Address = net.JoinHostPort(u.Hostname(), DefaultPort)
		}
		n.readEndpoint(u.Hostname())
		return n, nil
	}
	return n.readAWS(u, query)
}

// readEndpoint takes from an endpoint of Amazon's what it says, and reports whether the host is one.
func (n *Named) readEndpoint(host string) bool {
	m := endpoint.FindStringSubmatch(strings.ToLower(host))
	if m == nil {
		return false
	}
	n.Name, n.Region, n.Kind = m[1], cmp.Or(n.Region, m[3]), Clustered
	if m[4] == "redshift-serverless" {
		n.Kind, n.Account = Grouped, m[2]
	}
	return true
}

// readAWS reads what says which cluster or workgroup it is, and who we are there.
func (n Named) readAWS(u *url.URL, query url.Values) (Named, error) {
	if u.User != nil {
		return n, &BadURL{"it holds a user or a password, and the credentials come from AWS", "write ?user=NAME for a database user, or leave it out"}
	}
	n.Name, n.User, n.Secret = u.Hostname(), query.Get("user"), query.Get("secret")
	if n.User != "" && n.Secret != "" {
		return n, &BadURL{"it has both user and secret", "leave one of them out: the secret has a user in it"}
	}
	switch query.Get("serverless") {
	case "":
	case "true":
		n.Kind = Grouped
	case "false":
		n.Kind = Clustered
	default:
		return n, &BadURL{"serverless is neither true nor false", "leave it out, and AWS is asked"}
	}

	host, port := query.Get("host"), u.Port()
	switch {
	case n.readEndpoint(u.Hostname()):
		host = cmp.Or(host, u.Hostname())
	case strings.Contains(n.Name, "."):
		return n, &BadURL{n.Name + " is neither a name nor an endpoint of AWS", "write the cluster's or workgroup's name, and host=HOST:PORT for another way to it"}
	case port != "":
		return n, &BadURL{"a name has no port", "write host=HOST:PORT behind the ?"}
	}
	if h, p, err := net.SplitHostPort(host); err == nil {
		host, port = h, p
	}
	if host != "" {
		n.Address = net.JoinHostPort(host, cmp.Or(port, DefaultPort))
	}
	return n, n.Fits(n.Kind)
}

// Fits refuses a URL that asks for what a cluster has and a workgroup does not.
func (n Named) Fits(k Kind) error {
	if k == Grouped && n.User != "" {
		return &BadURL{"a workgroup gives credentials to IAM identities, and user names another", "leave user out"}
	}
	return nil
}

// Asks reports whether AWS has to be asked before a connection, or a statement of the Data API: for what of Redshift it is, or where.
func (n Named) Asks() bool {
	return n.Scheme != ByPassword && (n.Kind == Unknown || n.Scheme == ByIAM && n.Address == "")
}
