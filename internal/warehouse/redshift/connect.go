package redshift

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast/internal/awsredshift"
	"github.com/hindcast/hindcast/internal/pgclient"
	"github.com/hindcast/hindcast/internal/warehouse"
)

const (
	defaultConnections = 8 // Redshift's queues have five slots by default, and sessions that only wait take none
	searchPath         = "search_path"
)

// ofWire are the parameters that a connection of PostgreSQL's protocol has, as the driver or pgconn know them; everything else would
// be sent to the cluster, which refuses a connection for it.
var ofWire = []string{"sslmode", "sslrootcert", "sslcert", "sslkey", "sslpassword", "connect_timeout", "application_name"}

// known are the parameters of a URL of each scheme.
var known = map[string][]string{
	awsredshift.ByPassword: slices.Concat(ofWire, []string{searchPath, "max_connections"}),
	awsredshift.ByIAM:      slices.Concat(ofWire, []string{searchPath, "max_connections", "region", "user", "host", "serverless"}),
	awsredshift.ByDataAPI:  {searchPath, "max_connections", "region", "user", "secret", "serverless"},
}

// address is what a URL says.
type address struct {
	url    *url.URL // with a host and a port if they are known, and what pgconn knows of the query
	scheme string
	most   int               // connections
	path   string            // search_path
	named  awsredshift.Named // with what AWS leads to
}

// read reads a URL.
func read(text string) (*address, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, badURL(awsredshift.ByPassword, "it is not a URL", "") // its own words may quote a password
	}
	a := &address{url: u, scheme: u.Scheme, most: defaultConnections}
	query := u.Query()
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if !slices.Contains(known[a.scheme], name) {
			return nil, badURL(a.scheme, name+" is not one of its parameters", "use "+strings.Join(known[a.scheme], ", "))
		}
	}
	if u.Hostname() == "" || strings.Trim(u.Path, "/") == "" {
		return nil, badURL(a.scheme, "it names no "+map[bool]string{true: "host", false: "cluster or workgroup"}[a.scheme == awsredshift.ByPassword]+", or no database", "")
	}

	if n := query.Get("max_connections"); n != "" {
		if a.most, err = strconv.Atoi(n); err != nil || a.most < 1 {
			return nil, badURL(a.scheme, "max_connections is not a number above 0", "write a number, such as max_connections=4, or leave it out")
		}
	}
	a.path = query.Get(searchPath)
	if a.named, err = awsredshift.Read(u); err != nil {
		return nil, a.bad(err)
	}
	if a.scheme != awsredshift.ByPassword {
		a.url.Host = a.named.Address
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

// fits refuses a URL that asks for what a cluster has and a workgroup does not.
func (a *address) fits(k awsredshift.Kind) error { return a.bad(a.named.Fits(k)) }

// bad is the user's error of a URL that names nothing; nil of nil.
func (a *address) bad(err error) error {
	if e, is := errors.AsType[*awsredshift.BadURL](err); is {
		return badURL(a.scheme, e.Reason, e.Next)
	}
	return err
}

// configure is pgconn's configuration. TLS is required unless the URL says otherwise. The environment of libpq does not count, but for
// a password that the URL does not have.
func (a *address) configure() (*pgconn.Config, error) {
	u := *a.url
	if u.Scheme = "postgres"; u.Port() == "" {
		u.Host += ":" + awsredshift.DefaultPort
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
	awsredshift.ByPassword: "redshift://USER:${PASSWORD}@HOST:5439/DATABASE",
	awsredshift.ByIAM:      "redshift+iam://CLUSTER-OR-WORKGROUP/DATABASE?region=REGION",
	awsredshift.ByDataAPI:  "redshift-data://CLUSTER-OR-WORKGROUP/DATABASE?region=REGION",
}

func badURL(scheme, reason, next string) error {
	return permanent("the URL under `warehouse:` cannot be used: "+reason, cmp.Or(next, "write "+cmp.Or(forms[scheme], forms[awsredshift.ByPassword])))
}

// settings are what every session begins with; the user's own come after them. Times are read as they are written here.
var settings = []string{"SET timezone TO 'UTC'", "SET datestyle TO 'ISO'", "SET statement_timeout TO 0"}

// spoken is what the meaning of SQL depends on besides its text.
type spoken struct{ collation, timeZone, dateStyle string }

// spokenBy asks a session that nothing has been set in. A database that does not tell its collation has one that is unknown.
func spokenBy(ctx context.Context, s *session) (*spoken, error) {
	zone, err := s.one(ctx, "SHOW timezone")
	if err != nil {
		return nil, err
	}
	style, err := s.one(ctx, "SHOW datestyle")
	if err != nil {
		return nil, err
	}
	is := &spoken{collation: "unknown", timeZone: zone.Text(0), dateStyle: style.Text(0)}
	r, err := s.one(ctx, "SELECT db_collation()")
	switch {
	case err == nil:
		is.collation = r.Text(0)
	case ctx.Err() != nil || s.link.closed():
		return nil, err
	}
	return is, nil
}

// prepareSession makes a new connection ready.
func (w *Owner) prepareSession(ctx context.Context, s *session) error {
	if w.spoken == nil { // the session that NewOwner connects by
		is, err := spokenBy(ctx, s)
		if err != nil {
			return err
		}
		w.spoken = is
	}
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
