package redshift

import (
	"context"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast/internal/pgclient"
	"github.com/hindcast/hindcast/internal/warehouse"
)

const (
	defaultConnections = 8 // Redshift's queues have five slots by default, and sessions that only wait take none
	defaultPort        = "5439"
	searchPath         = "search_path"
)

// known are the parameters of a URL that the driver or pgconn has; everything else would be sent to the cluster, which
// refuses a connection for it.
var known = []string{"sslmode", "sslrootcert", "sslcert", "sslkey", "sslpassword", "connect_timeout", "application_name", searchPath, "max_connections"}

// configure reads a URL. TLS is required unless the URL says otherwise. The environment of libpq does not count, but for a
// password that the URL does not have.
func configure(text string) (config *pgconn.Config, most int, err error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, 0, badURL("it is not a URL", "") // its own words may quote a password
	}
	query := u.Query()
	for name := range query {
		if !slices.Contains(known, name) {
			return nil, 0, badURL(name+" is not one of its parameters", "use "+strings.Join(known, ", "))
		}
	}
	if u.Hostname() == "" || strings.Trim(u.Path, "/") == "" {
		return nil, 0, badURL("it names no host, or no database", "")
	}

	most = defaultConnections
	if n := query.Get("max_connections"); n != "" {
		if most, err = strconv.Atoi(n); err != nil || most < 1 {
			return nil, 0, badURL("max_connections is not a number above 0", "write a number, such as max_connections=4, or leave it out")
		}
		query.Del("max_connections")
	}
	if query.Get("sslmode") == "" {
		query.Set("sslmode", "require")
	}
	u.Scheme, u.RawQuery = "postgres", strings.ReplaceAll(query.Encode(), "+", "%20")
	if u.Port() == "" {
		u.Host += ":" + defaultPort
	}

	if config, err = pgconn.ParseConfig(u.String()); err != nil {
		_, reason, _ := strings.Cut(err.Error(), "`: ") // after the URL
		return nil, 0, badURL(reason, "")
	}
	for name := range config.RuntimeParams {
		if !slices.Contains(known, name) { // of PGOPTIONS and the like
			delete(config.RuntimeParams, name)
		}
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "hindcast"
	}
	pgclient.Harden(config)
	return config, most, nil
}

func badURL(reason, next string) error {
	if next == "" {
		next = "write redshift://USER:${PASSWORD}@HOST:5439/DATABASE"
	}
	return permanent("the URL under `warehouse:` cannot be used: "+reason, next)
}

// settings are what every session begins with; the user's own come after them. Times are read as they are written here.
var settings = []string{"SET timezone TO 'UTC'", "SET datestyle TO 'ISO'", "SET statement_timeout TO 0"}

// prepareSession makes a new connection ready.
func (w *Owner) prepareSession(ctx context.Context, s *session, path string) error {
	if err := s.run(ctx, settings...); err != nil {
		return err
	}
	if path != "" {
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
