package postgres

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast/internal/pgclient"
	"github.com/hindcast/hindcast/internal/pgcopy"
	"github.com/hindcast/hindcast/internal/warehouse"
)

const defaultConnections = 8 // a server that others use is not flooded

// ignored are libpq's connection parameters that mean nothing here: keep-alives are always on, and a URL or a service that psql
// takes should not be refused for them.
var ignored = []string{"gssencmode", "fallback_application_name", "sslcompression", "keepalives", "keepalives_idle",
	"keepalives_interval", "keepalives_count", "tcp_user_timeout", "client_encoding", "load_balance_hosts", "gsslib", "gssdelegation"}

// unknown are libpq's connection parameters that the driver does not have and that must not be ignored: most of them say what
// a server has to prove.
var unknown = []string{"sslcrl", "sslcrldir", "requirepeer", "requiressl", "ssl_min_protocol_version", "ssl_max_protocol_version", "replication",
	"scram_client_key", "scram_server_key"}

// configure reads a URL as libpq does, with its environment, service file and password file, and takes out
// max_connections, which is ours: how many connections there may be at the same time.
func configure(text string) (config *pgconn.Config, most int, err error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, 0, badURL("it is not a URL", "write postgres://USER:${PASSWORD}@HOST:PORT/DATABASE") // its own words may quote a password
	}

	if u.Host == "" && u.Path == "" {
		u.Path = "/" // or the two slashes would be left out
	}

	u.RawQuery = strings.ReplaceAll(u.RawQuery, "+", "%2B") // libpq does not read a plus sign as a blank
	onlyAddress(u)
	if config, err = pgconn.ParseConfig(u.String()); err != nil {
		_, reason, _ := strings.Cut(err.Error(), "`: ") // after the URL
		return nil, 0, badURL(reason, nextOf(reason))
	}

	if most, err = ours(config); err != nil {
		return nil, 0, err
	}

	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "hindcast"
	}

	pgclient.Harden(config)
	return config, most, nil
}

// ours takes out of the settings for the server what is not meant for it: max_connections and hostaddr, and what is ignored.
func ours(config *pgconn.Config) (most int, err error) {
	settings := config.RuntimeParams
	most = defaultConnections
	if n := settings["max_connections"]; n != "" {
		if most, err = strconv.Atoi(n); err != nil || most < 1 {
			return 0, badURL("max_connections is not a number above 0", "write a number, such as max_connections=4, or leave it out")
		}
	}

	for _, name := range unknown {
		if settings[name] != "" {
			return 0, badURL(name+" is not supported", "leave it out, if what it asks for is not needed")
		}
	}

	err = lookUp(config, cmp.Or(settings["hostaddr"], os.Getenv("PGHOSTADDR")))
	for _, name := range append(ignored, "max_connections", "hostaddr") {
		delete(settings, name)
	}

	return most, err
}

// onlyAddress takes the address for the host if none is given: libpq connects by hostaddr alone, too.
func onlyAddress(u *url.URL) {
	query := u.Query()
	address := cmp.Or(query.Get("hostaddr"), os.Getenv("PGHOSTADDR"))
	if address == "" || u.Host != "" || query.Get("host") != "" || query.Get("service") != "" || os.Getenv("PGHOST")+os.Getenv("PGSERVICE") != "" {
		return
	}
	query.Set("host", address)
	u.RawQuery = strings.ReplaceAll(query.Encode(), "+", "%20")
}

// lookUp makes the hosts resolve to these addresses, as libpq's hostaddr does: their names then count for certificates and
// passwords only.
func lookUp(config *pgconn.Config, addresses string) error {
	if addresses == "" {
		return nil
	}

	hosts := []string{config.Host}
	for _, f := range config.Fallbacks {
		if !slices.Contains(hosts, f.Host) {
			hosts = append(hosts, f.Host)
		}
	}

	list := strings.Split(addresses, ",")
	if len(list) != len(hosts) || strings.HasPrefix(hosts[0], "/") {
		return badURL("hostaddr does not name one address for each host", "write as many addresses as hosts, with commas between")
	}

	config.LookupFunc = func(_ context.Context, host string) ([]string, error) {
		if i := slices.Index(hosts, host); i >= 0 && list[i] != "" {
			return list[i : i+1], nil
		}
		return []string{host}, nil
	}
	return nil
}

func badURL(reason, next string) error {
	return permanent("the URL under `warehouse:` cannot be used: "+reason, next)
}

// nextOf says what to do where the driver refuses a URL, a variable of libpq's or a service file.
func nextOf(reason string) string {
	for _, known := range []struct{ part, next string }{
		{"sslmode", "write sslmode=disable, allow, prefer, require, verify-ca or verify-full in the URL (PGSSLMODE is read too)"},
		{"CA file", "name a file of certificates that can be read here: sslrootcert=FILE in the URL (PGSSLROOTCERT is read too)"},
		{"CA to cert pool", "name a file that holds certificates in PEM: sslrootcert=FILE in the URL (PGSSLROOTCERT is read too)"},
		{"ssl", "correct sslcert, sslkey and sslpassword in the URL (PGSSLCERT and PGSSLKEY are read too)"},
		{"cert", "correct sslcert, sslkey and sslpassword in the URL (PGSSLCERT and PGSSLKEY are read too)"},
		{"service", "correct service and servicefile in the URL (PGSERVICE and PGSERVICEFILE are read too)"},
		{"port", "write the port as a number from 1 to 65535, after the host or in PGPORT"},
		{"connect_timeout", "write connect_timeout in seconds (PGCONNECT_TIMEOUT is read too)"},
	} {
		if strings.Contains(reason, known.part) {
			return known.next
		}
	}
	return "correct that in the URL: postgres://USER:${PASSWORD}@HOST:PORT/DATABASE?SETTING=VALUE"
}

// settings are what every session begins with; the user's own come after them. Time limits that the role or the
// database has were made for other work. A commit that is reported must be on disk, whatever the role's default.
const settings = `SET statement_timeout = 0; SET lock_timeout = '60s'; SET idle_in_transaction_session_timeout = 0;
SET standard_conforming_strings = on; SET jit = off; SET default_transaction_isolation = 'read committed';
SET tcp_keepalives_idle = %d; SET tcp_keepalives_interval = %d; SET tcp_keepalives_count = %d;
SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';
`

// prepareSession makes a new connection ready.
func (w *Owner) prepareSession(ctx context.Context, conn *pgconn.PgConn) error {
	v, err := versionOf(conn)
	if err != nil {
		return err
	}

	if err := w.refuseShared(ctx, conn); err != nil {
		return err
	}

	text := fmt.Sprintf(settings, pgclient.KeepAliveIdle, pgclient.KeepAliveInterval, pgclient.KeepAliveCount)
	if v.major >= 14 {
		text += "SET idle_session_timeout = 0;"
	}
	if v.major >= 17 {
		text += "SET transaction_timeout = 0;"
	}
	if w.options.ReadOnly {
		text += "SELECT set_config('hindcast.read_only', current_setting('default_transaction_read_only'), false); SET default_transaction_read_only = on;"
	}
	if err := unlimited(ctx, conn, text); err != nil {
		return err
	}
	if v.major >= 14 { // a server on a system that cannot do it refuses it
		_ = pgclient.Run(ctx, conn, "SET client_connection_check_interval = '10s'")
	}
	for i, set := range w.options.Session {
		if err := pgclient.Run(ctx, conn, set); err != nil {
			return warehouse.OfSession(i, w.options.Places, w.translate(err))
		}
	}
	return pgclient.Run(ctx, conn, strings.Join(pgcopy.Settings, ";"))
}

// unlimited runs the settings, one of which lets statements take any time. Until then the role's own limit holds, and on a busy
// server a tight one may end the statement that lifts it.
func unlimited(ctx context.Context, conn *pgconn.PgConn, settings string) error {
	for try := 1; ; try++ {
		err := pgclient.Run(ctx, conn, settings)
		if try == 10 || !pgclient.IsState(err, pgclient.Canceled) || ctx.Err() != nil {
			return err
		}
		_ = pgclient.Run(ctx, conn, "SET statement_timeout = 0") // by itself: what fails with others is rolled back with them
	}
}
