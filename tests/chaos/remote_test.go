package chaos_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast/internal/pgtest"
	"github.com/hindcast/hindcast/internal/s3test"
)

// servers are what remote sites share: an S3 server, and a PostgreSQL for each slot, because restarting one must not
// disturb another slot's trial.
type servers struct {
	s3       *s3test.Server
	clusters []*pgtest.Cluster
}

// remote is PostgreSQL and S3, with two machines that share nothing else.
type remote struct {
	*servers
	slot     int
	base     string // contains the machines' folders
	database string
	bucket   string
	url      string        // the lake's, as written in the pipeline file
	env      []string      // of the machines, more than all have
	count    int           // of slices
	lasts    time.Duration // how long a lease does
	hosts    [2]string     // names of the machines
	leaves   string        // names of tables that may be left beside the demo's and hindcast's own: "|name"
	harm     *harm
}

// named are the hosts' names.
var named = [2]string{"chaos-one", "chaos-two"}

// leaseTTL is how long a trial waits before another machine may take a run over.
const leaseTTL = time.Second

// newRemote makes the demo's tables and pipeline. Everything is made in the first cluster; share makes the others.
func newRemote(t *testing.T, base string) *remote {
	t.Helper()

	// What PostgreSQL would lose if the machine crashed does not matter: here only its processes die.
	all := &servers{s3: s3test.Start(t), clusters: []*pgtest.Cluster{pgtest.Start(t, "", "fsync=off")}}
	s := &remote{servers: all, base: base, database: nameOf(t, all.clusters[0].Database(t)), bucket: all.s3.Bucket(t), count: tables, lasts: leaseTTL, hosts: named, harm: &harm{}}
	s.begin(t)
	return s
}

// begin makes the demo's tables and pipeline.
func (s *remote) begin(t *testing.T) {
	t.Helper()
	s.makeFolders(t)
	s.url = s3test.URL(s.s3.Endpoint, s.bucket, "lake").String()
	calmly(t, s, "demo", ".", "--no-run", "--slices", fmt.Sprint(s.count), "--rows", fmt.Sprint(rows), "--warehouse", s.warehouse(), "--lake", s.url)
	copyTree(t, s.machines()[0].dir, s.machines()[1].dir)
	change(t, s, "retries: 10, on_failure: stop", fmt.Sprintf("retries: 12, lease_ttl: %s, on_failure: stop", s.lasts))
}

// nameOf is the name of a database.
func nameOf(t *testing.T, url string) string {
	t.Helper()
	config, err := pgconn.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	return config.Database
}

// share makes the clusters of the other slots, with everything that is now in the first one.
func (s *remote) share(t *testing.T) {
	t.Helper()
	for len(s.clusters) < *atOnce {
		s.clusters = append(s.clusters, s.clusters[0].Clone(t))
	}
}

// makeFolders makes the machines' folders.
func (s *remote) makeFolders(t *testing.T) {
	t.Helper()
	for _, m := range s.machines() {
		for _, dir := range []string{m.dir, s.temporary(m), s.cache(m)} {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func (s *remote) cluster() *pgtest.Cluster { return s.clusters[s.slot] }

// warehouse is the database's URL as the pipeline file has it.
func (s *remote) warehouse() string {
	return fmt.Sprintf("postgres://%s:${CHAOS_PASSWORD}@127.0.0.1:%d/%s?sslmode=disable", pgtest.User, s.cluster().Port, s.database)
}

func (s *remote) machines() []machine {
	var all []machine
	for i, name := range []string{"one", "two"} {
		home := filepath.Join(s.base, name)
		m := machine{name: s.hosts[i], dir: filepath.Join(home, "pipeline")}
		m.env = append(s.s3.Env(), "HOME="+home, "XDG_CACHE_HOME="+s.cache(m), "TMPDIR="+s.temporary(m), "CHAOS_PASSWORD="+pgtest.Password)
		m.env = append(m.env, s.env...)
		all = append(all, m)
	}

	return all
}

func (s *remote) temporary(m machine) string { return filepath.Join(filepath.Dir(m.dir), "tmp") }
func (s *remote) cache(m machine) string     { return filepath.Join(filepath.Dir(m.dir), "cache") }
func (s *remote) objects() string            { return filepath.Join(s.s3.Root, s.bucket, "lake") }

// fork copies the database and the bucket, and puts a separate proxy in front of the bucket.
func (s *remote) fork(t *testing.T, base string, slot int) site {
	t.Helper()
	copied := &remote{servers: s.servers, slot: slot, base: base, count: s.count, lasts: s.lasts, hosts: s.hosts, harm: &harm{}}
	copied.database = nameOf(t, copied.cluster().DatabaseFrom(t, s.database))
	copied.bucket = s.s3.BucketFrom(t, s.bucket)
	copied.url = s3test.URL(s.s3.Proxy(t, copied.harm.rule).Endpoint, copied.bucket, "lake").String()
	copied.makeFolders(t)

	for i, m := range copied.machines() {
		copyTree(t, s.machines()[i].dir, m.dir)
		edit(t, m.dir, s.warehouse(), copied.warehouse())
		edit(t, m.dir, s.url, copied.url)
	}

	return copied
}

func (s *remote) slices() int { return s.count }

func (s *remote) vary(*trial) {}

func (s *remote) rest(*trial) {}

func (s *remote) ttl() time.Duration { return s.lasts }

func (s *remote) silenced() func() { return func() {} }

func (s *remote) settle(*trial) { s.harm.storm(0, 0, 0) }

func (s *remote) late() bool { return true }

func (s *remote) strays(*trial) []string { return nil }

// places: no generation is ever without its manifest, and what was staged is gone.
func (s *remote) places() map[string]*regexp.Regexp {
	places := map[string]*regexp.Regexp{
		filepath.Join(s.s3.Root, s.bucket): regexp.MustCompile(`^lake/(` + objects + `|_hindcast/cloud_costs/runs/\w+/journal-\d+/\d+\.jsonl)$`)}
	for _, m := range s.machines() {
		places[m.dir] = regexp.MustCompile(`^(` + ownFiles + `)$`)
	}
	return places
}

// open connects as the superuser, by the socket.
func (s *remote) open(t *testing.T, _ bool) session {
	t.Helper()
	conn, err := pgconn.Connect(t.Context(), s.cluster().URL(s.database))
	if err != nil {
		t.Fatal(err)
	}

	p := postgresSession{conn}
	p.ask(t, "SET TimeZone = 'UTC'")
	return p
}

type postgresSession struct{ conn *pgconn.PgConn }

func (s postgresSession) ask(t *testing.T, query string) [][]string {
	t.Helper()
	return pgtest.Query(t, s.conn, query)
}

func (s postgresSession) close() { _ = s.conn.Close(context.Background()) }

// check checks that no session of ours and nothing that one created for itself is left, no upload is unfinished, and
// the next command on each machine leaves nothing there but copies of the lake's files.
func (s *remote) check(c *trial) {
	s.checkSessions(c)
	if left := s.s3.Uploads(c, s.bucket); len(left) > 0 {
		c.Errorf("unfinished uploads: %v", left)
	}

	for _, m := range s.machines() {
		if p := c.launch(m, "verify", "--files"); p.await() != 0 || !strings.Contains(p.output(), "all equal") {
			c.Errorf("hindcast verify on %s: exit %d\n%s", m.name, p.code(), p.output())
		}
		empty(c, s.temporary(m))
		left, _ := filepath.Glob(filepath.Join(s.cache(m), "hindcast", "scratch", "*"))
		for _, path := range left {
			if filepath.Base(path) != "cache" {
				c.Errorf("left in the scratch folder of %s: %s", m.name, path)
			}
		}
	}
}

// checkSessions waits for the backends of processes that have just ended.
func (s *remote) checkSessions(c *trial) {
	db := s.open(c.T, false)
	defer db.close()
	var left [][]string
	for end := time.Now().Add(burial); ; time.Sleep(5 * time.Millisecond) {
		left = db.ask(c.T, "SELECT pid, application_name, state, query FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
		if len(left) == 0 || time.Now().After(end) {
			break
		}
	}

	if len(left) > 0 {
		c.Errorf("sessions that outlived their processes: %v", left)
	}

	made := db.ask(c.T, "SELECT oid::regclass::text FROM pg_class WHERE relkind <> 'i' AND relkind <> 'v' AND (relpersistence = 't' OR "+
		"relnamespace = 'public'::regnamespace AND relname !~ '^(billing_20\\d\\d_\\d\\d|accounts|skus|cost_summary|hindcast_status|hindcast_lease"+s.leaves+")$')")
	if len(made) > 0 {
		c.Errorf("relations that are not ours to leave: %v", made)
	}
	if prepared := db.ask(c.T, "SELECT gid FROM pg_prepared_xacts"); len(prepared) > 0 {
		c.Errorf("prepared transactions: %v", prepared)
	}
}

// keep copies the bucket, the database and the server's log.
func (s *remote) keep(c *trial) {
	copyTree(c.T, filepath.Join(s.s3.Root, s.bucket), filepath.Join(c.base, "bucket"))
	log := s.cluster().Log()
	if err := os.WriteFile(filepath.Join(c.base, "postgres.log"), []byte(log[max(0, len(log)-1<<20):]), 0o644); err != nil {
		c.Error(err)
	}

	dump, err := exec.Command(s.cluster().Program("pg_dump"), s.cluster().URL(s.database)).CombinedOutput()
	if err != nil {
		c.Errorf("pg_dump: %v", err)
	}
	if err := os.WriteFile(filepath.Join(c.base, "postgres.sql"), dump, 0o644); err != nil {
		c.Error(err)
	}
}
