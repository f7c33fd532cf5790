package redshift

import (
	"cmp"
	"context"
	"maps"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast/internal/pgclient"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// The schemes of a URL.
const (
	byPassword = "redshift"
	byIAM      = "redshift+iam"
	byDataAPI  = "redshift-data"
)

const (
	defaultConnections = 8 // Redshift's queues have five slots by default, and sessions that only wait take none
	defaultPort        = "5439"
	searchPath         = "search_path"
)

// ofWire are the parameters that a connection of PostgreSQL's protocol has, as the driver or pgconn know them; everything else would
// be sent to the cluster, which refuses a connection for it.
var ofWire = []string{"sslmode", "sslrootcert", "sslcert", "sslkey", "sslpassword", "connect_timeout", "application_name"}

// known are the parameters of a URL of each scheme.
var known = map[string][]string{
	byPassword: slices.Concat(ofWire, []string{searchPath, "max_connections"}),
	byIAM:      slices.Concat(ofWire, []string{searchPath, "max_connections", "region", "user", "host", "serverless"}),
	byDataAPI:  {searchPath, "max_connections", "region", "user", "secret", "serverless"},
}

// address is what a URL says.
type address struct {
	url      *url.URL // with a host and a port if they are known, and what pgconn knows of the query
	scheme   string
	most     int    // connections
	path     string // search_path
	database string

	// Of those that AWS leads to:
	name         string // of the cluster or workgroup
	region       string // "" is that of the AWS configuration
	user, secret string // of the database; "" is the one of the IAM identity
	kind         kind
}

// read reads a URL.
func read(text string) (*address, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, badURL(byPassword, "it is not a URL", "") // its own words may quote a password
	}
	a := &address{url: u, scheme: u.Scheme, most: defaultConnections, database: strings.Trim(u.Path, "/")}
	query := u.Query()
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if !slices.Contains(known[a.scheme], name) {
			return nil, badURL(a.scheme, name+" is not one of its parameters", "use "+strings.Join(known[a.scheme], ", "))
		}
	}
	if u.Hostname() == "" || a.database == "" {
		return nil, badURL(a.scheme, "it names no "+map[bool]string{true: "host", false: "cluster or workgroup"}[a.scheme == byPassword]+", or no database", "")
	}

	if n := query.Get("max_connections"); n != "" {
		if a.most, err = strconv.Atoi(n); err != nil || a.most < 1 {
			return nil, badURL(a.scheme, "max_connections is not a number above 0", "write a number, such as max_connections=4, or leave it out")
		}
	}
	a.path = query.Get(searchPath)
	if a.scheme != byPassword {
		if err := a.readAWS(query); err != nil {
			return nil, err
		}
	}

	for name := range query {
		if !slices.Contains(ofWire, name) {
			query.Del(name)
		}
	}
	if query.Get("sslmode") == "" {
		query.Set("sslmode", "require")
	}
	u.RawQuery = strings.ReplaceAll(query.Encode(), "+", "%20")
	return a, nil
}

// endpoint is the host name of a cluster, or of a workgroup, which says by itself what it is of.
var endpoint = regexp.MustCompile(`^([a-z0-9-]+)\.[a-z0-9]+\.([a-z0-9-]+)\.(redshift|redshift-serverless)\.amazonaws\.(?:com|com\.cn|eu)$`)

// readAWS reads what says which cluster or workgroup it is, and who we are there.
func (a *address) readAWS(query url.Values) error {
	if a.url.User != nil {
		return badURL(a.scheme, "it holds a user or a password, and the credentials come from AWS", "write ?user=NAME for a database user, or leave it out")
	}
	a.name, a.region, a.user, a.secret = a.url.Hostname(), query.Get("region"), query.Get("user"), query.Get("secret")
	if a.user != "" && a.secret != "" {
		return badURL(a.scheme, "it has both user and secret", "leave one of them out: the secret has a user in it")
	}
	switch query.Get("serverless") {
	case "":
	case "true":
		a.kind = workgroup
	case "false":
		a.kind = cluster
	default:
		return badURL(a.scheme, "serverless is neither true nor false", "leave it out, and AWS is asked")
	}

	host, port := query.Get("host"), a.url.Port()
	if m := endpoint.FindStringSubmatch(a.name); m != nil {
		host = cmp.Or(host, a.name)
		a.name, a.region = m[1], cmp.Or(a.region, m[2])
		a.kind = map[string]kind{"redshift": cluster, "redshift-serverless": workgroup}[m[3]]
	} else if strings.Contains(a.name, ".") {
		return badURL(a.scheme, a.name+" is neither a name nor an endpoint of AWS", "write the cluster's or workgroup's name, and host=HOST:PORT for another way to it")
	} else if port != "" {
		return badURL(a.scheme, "a name has no port", "write host=HOST:PORT behind the ?")
	}
	if h, p, err := net.SplitHostPort(host); err == nil {
		host, port = h, p
	}
	a.url.Host = ""
	if host != "" {
		a.url.Host = net.JoinHostPort(host, cmp.Or(port, defaultPort))
	}
	return a.fits(a.kind)
}

// fits refuses a URL that asks for what a cluster has and a workgroup has not.
func (a *address) fits(k kind) error {
	if k == workgroup && a.user != "" {
		return badURL(a.scheme, "a workgroup gives credentials to IAM identities, and user names another", "leave user out")
	}
	return nil
}

// configure is pgconn's configuration. TLS is required unless the URL says otherwise. The environment of libpq does not count, but for
// a password that the URL does not have.
func (a *address) configure() (*pgconn.Config, error) {
	u := *a.url
	if u.Scheme = "postgres"; u.Port() == "" {
		u.Host += ":" + defaultPort
	}

	config, err := pgconn.ParseConfig(u.String())
	if err != nil {
		_, reason, _ := strings.Cut(err.Error(), "`: ") // after the URL
		return nil, badURL(a.scheme, reason, "")
	}
	for name := range config.RuntimeParams {
		if name != "application_name" { // of PGOPTIONS and the like
			delete(config.RuntimeParams, name)
		}
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "hindcast"
	}
	pgclient.Harden(config)
	return config, nil
}

// forms are what a URL of each scheme looks like.
var forms = map[string]string{
	byPassword: "redshift://USER:${PASSWORD}@HOST:5439/DATABASE",
	byIAM:      "redshift+iam://CLUSTER-OR-WORKGROUP/DATABASE?region=REGION",
	byDataAPI:  "redshift-data://CLUSTER-OR-WORKGROUP/DATABASE?region=REGION",
}

func badURL(scheme, reason, next string) error {
	return permanent("the URL under `warehouse:` cannot be used: "+reason, cmp.Or(next, "write "+cmp.Or(forms[scheme], forms[byPassword])))
}

// settings are what every session begins with; the user's own come after them. Times are read as they are written here.
var settings = []string{"SET timezone TO 'UTC'", "SET datestyle TO 'ISO'", "SET statement_timeout TO 0"}

// prepareSession makes a new connection ready.
func (w *Owner) prepareSession(ctx context.Context, s *session) error {
	if err := s.run(ctx, settings...); err != nil {
		return err
	}
	if path := w.address.path; path != "" {
		if err := s.run(ctx, "SET search_path TO "+path); err != nil {
			return err
		}
	}
	for i, set := range w.options.Session {
		if err := s.run(ctx, set); err != nil {
			return warehouse.OfSession(i, w.options.Places, w.translate(err))
		}
	}
	return s.run(ctx, settings[:2]...)
}

var versionText = regexp.MustCompile(`Redshift ([0-9][0-9.]*)`)

// versionOf finds Redshift's own version in what version() says: it begins with PostgreSQL's, 8.0.2.
func versionOf(text string) string {
	if m := versionText.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return "unknown"
}
