package chaos_test

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hindcast/hindcast/internal/lake"
	"github.com/hindcast/hindcast/internal/pgtest"
	"github.com/hindcast/hindcast/internal/redshifttest"
	"github.com/hindcast/hindcast/internal/redshifttest/control"
	"github.com/hindcast/hindcast/internal/redshifttest/dataapi"
	"github.com/hindcast/hindcast/internal/s3test"
)

// onRedshift is the stand-in for Redshift with its control plane and Data API, and S3, with two machines that share nothing else.
type onRedshift struct {
	*remote
	server  *redshifttest.Server
	plane   *control.Server
	api     *dataapi.Server
	access  *harm // to the bucket, as the cluster has it
	woe     *woe
	scheme  string // of the warehouse's URL
	resized string // the block of the pipeline file; "" leaves the warehouse as it is
}

// What the control plane has, and the sizes for loads.
const (
	clusterName   = "dw"
	workgroupName = "etl"
	nodes         = 4
	moreNodes     = 8
	rpu           = 32
	moreRPU       = 256
)

// The schemes of the warehouse's URL.
const (
	byPassword = "redshift"
	byIAM      = "redshift+iam"
	byDataAPI  = "redshift-data"
)

// newOnRedshift makes the demo's tables and pipeline.
func newOnRedshift(t *testing.T, base string, count int) *onRedshift {
	t.Helper()
	all := &servers{s3: s3test.Start(t), clusters: []*pgtest.Cluster{pgtest.Start(t, "", "fsync=off", "max_connections=300")}}
	s := &onRedshift{server: redshifttest.StartOn(t, all.clusters[0], all.s3)}
	s.remote = &remote{servers: all, base: base, database: s.server.Name, bucket: all.s3.Bucket(t), count: count, lasts: 3 * leaseTTL, hosts: named, harm: &harm{}}
	s.begin(t) // by way of the PostgreSQL behind it: only there the demo can be made
	s.surround(t)

	// Whoever connects by IAM may do what the owner of the tables may.
	if err := s.server.Lend(control.Identity, control.Identity, "", 0, true); err != nil {
		t.Fatal(err)
	}
	s.server.Exec(t, fmt.Sprintf(`GRANT ALL ON SCHEMA public TO %[1]q; GRANT ALL ON ALL TABLES IN SCHEMA public TO %[1]q;
		ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO %[1]q`, control.Identity))
	change(t, s, s.warehouse(), s.location())
	change(t, s, "\nlake: ", fmt.Sprintf("\nredshift: {iam_role: %q}\n\nlake: ", redshifttest.Role))
	return s
}

// surround starts what is around the stand-in.
func (s *onRedshift) surround(t *testing.T) {
	t.Helper()
	s.scheme, s.access, s.woe = byPassword, &harm{}, &woe{}
	s.server.Endpoint = s.s3.Proxy(t, s.access.rule).Endpoint
	s.server.Rule(s.woe.statement)
	s.plane, s.api = control.Start(t), dataapi.Start(t)
	s.plane.Rule(s.woe.control)
	s.api.Rule(s.woe.call)
	s.plane.Add(&control.Cluster{Name: clusterName, NodeType: "ra3.4xlarge", Nodes: nodes, Allowed: []int{2, nodes, moreNodes}, Database: s.server, Resizing: s.server.Disconnect})
	s.plane.AddWorkgroups(&control.Workgroup{Name: workgroupName, RPU: rpu, Database: s.server, Resizing: s.server.Disconnect})
	s.api.Cluster(clusterName, s.server)
	s.api.Workgroup(workgroupName, s.server)
	s.env, s.leaves = append(s.plane.Env(), s.api.Env()...), "|hindcast_stage_.*"
}

// location is the warehouse's URL as the pipeline file has it.
func (s *onRedshift) location() string {
	if s.scheme == byPassword {
		return fmt.Sprintf("%s://%s:${CHAOS_PASSWORD}@%s/%s", s.scheme, pgtest.User, s.server.Address(), s.server.Name)
	}
	if strings.Contains(s.resized, "workgroup") {
		return fmt.Sprintf("%s://%s/%s?serverless=true", s.scheme, workgroupName, s.server.Name)
	}
	return fmt.Sprintf("%s://%s/%s?serverless=false", s.scheme, clusterName, s.server.Name)
}

// fork copies the database and the bucket, with a stand-in and proxies of their own.
func (s *onRedshift) fork(t *testing.T, base string, _ int) site {
	t.Helper()
	copied := &onRedshift{remote: &remote{servers: s.servers, base: base, count: s.count, lasts: s.lasts, hosts: s.hosts, harm: &harm{}}, server: s.server.Copy(t)}
	copied.surround(t)
	copied.database, copied.bucket = copied.server.Name, s.s3.BucketFrom(t, s.bucket)
	copied.url = s3test.URL(s.s3.Proxy(t, copied.harm.rule).Endpoint, copied.bucket, "lake").String()
	copied.makeFolders(t)

	for i, m := range copied.machines() {
		copyTree(t, s.machines()[i].dir, m.dir)
		edit(t, m.dir, s.location(), copied.location())
		edit(t, m.dir, s.url, copied.url)
	}

	return copied
}

// vary chooses how the warehouse is reached, and whether it is resized.
func (s *onRedshift) vary(c *trial) {
	was := s.location()
	s.scheme = []string{byPassword, byIAM, byDataAPI}[c.random.IntN(3)]
	s.resized = []string{"", "", fmt.Sprintf("{cluster: %s, nodes: %d}", clusterName, moreNodes), fmt.Sprintf("{workgroup: %s, rpu: %d}", workgroupName, moreRPU)}[c.random.IntN(4)]
	change(c.T, s, was, s.location())
	if s.resized != "" {
		change(c.T, s, "redshift: {", "redshift: {resize: "+s.resized+", ")
	}
	c.tally.other("by " + s.scheme)
}

// silenced: sessions of the Data API end by themselves.
func (s *onRedshift) silenced() func() { return s.server.Silenced() }

// rest lets the sessions of the Data API expire that no living process can have: in time they do by themselves, in 45 seconds.
func (s *onRedshift) rest(c *trial) {
	if s.scheme != byDataAPI {
		return
	}
	if err := buried(c.mark, burial, ""); err != nil {
		c.Fatalf("before a round: %v", err)
	}
	s.api.Expire()
}

// places: what a cancelled UNLOAD wrote is in the folder of an attempt that nothing names.
func (s *onRedshift) places() map[string]*regexp.Regexp {
	places := s.remote.places()
	bucket := filepath.Join(s.s3.Root, s.bucket)
	places[bucket] = regexp.MustCompile(places[bucket].String() + `|^lake/cloud_costs/(facts/billing/[0-9-]+|dimensions/accounts)/g\d+-\w+-f\d+-a\d+/unload_manifest$`)
	return places
}

// strays are tables that rows were staged in, by a statement of a process that had died.
func (s *onRedshift) strays(c *trial) (tables []string) {
	db := s.open(c.T, false)
	defer db.close()
	for _, row := range db.ask(c.T, "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname LIKE 'hindcast_stage_%'") {
		tables = append(tables, row[0])
	}
	return tables
}

var stagedBy = regexp.MustCompile(`^hindcast_stage_[0-9a-f]+_f([0-9]+)_`)

func (s *onRedshift) settle(c *trial) {
	s.remote.settle(c)
	s.woe.end()
	s.access.storm(0, 0, 0)
	s.access.expire(0)
	s.quiet(c)
}

// check is the remote site's, and looks at what is left at the cluster and at its size.
func (s *onRedshift) check(c *trial) {
	s.remote.check(c)
	s.checkSize(c)
	s.quiet(c)

	fence := s.fence(c)
	for _, table := range s.strays(c) {
		if m := stagedBy.FindStringSubmatch(table); m == nil || m[1] == fence {
			c.Errorf("%s is left of the run, whose last fence is %s", table, fence)
		}
	}
}

// fence is that of the last process that had the lease.
func (s *onRedshift) fence(c *trial) string {
	body, _, err := c.store.Get(c.Context(), lake.LeaseKey(pipeline))
	if err != nil {
		c.Fatal(err)
	}
	m := regexp.MustCompile(`"fence":\s*(\d+)`).FindSubmatch(body)
	if m == nil {
		c.Fatalf("the lease has no fence: %s", body)
	}
	return string(m[1])
}

// quiet waits until nothing runs at the cluster any more.
func (s *onRedshift) quiet(c *trial) {
	for end := time.Now().Add(burial); ; time.Sleep(5 * time.Millisecond) {
		s.api.Expire() // again and again: a statement may have been running in one
		if s.server.Sessions() == 0 && s.api.Sessions() == 0 {
			return
		}
		if time.Now().After(end) {
			c.Errorf("%d sessions are left at the cluster, %d of the Data API", s.server.Sessions(), s.api.Sessions())
			return
		}
	}
}

// checkSize checks that the warehouse has the size that it had, or is known not to have it, and then gets it.
func (s *onRedshift) checkSize(c *trial) {
	if s.resized == "" {
		return
	}
	if st := c.state(); st.Resized != nil && st.Resized.Open {
		c.tally.other("sizes given back afterwards")
		p := c.launch(c.anywhere(), "resize", "--back")
		if code := p.await(); code != 0 {
			c.Errorf("hindcast resize --back: exit %d\n%s", code, p.output())
		}
	}

	cluster, group := s.plane.Cluster(clusterName), s.plane.Workgroup(workgroupName)
	if cluster.Nodes != nodes || !cluster.Settled() || len(cluster.Tags) > 0 {
		c.Errorf("the cluster has %d nodes (settled: %v) and the tags %v", cluster.Nodes, cluster.Settled(), cluster.Tags)
	}
	if group.RPU != rpu || !group.Settled() || len(group.Tags) > 0 {
		c.Errorf("the workgroup has %d RPU (settled: %v) and the tags %v", group.RPU, group.Settled(), group.Tags)
	}
	if n := len(s.plane.Calls("ResizeCluster")) + len(s.plane.Calls("UpdateWorkgroup")); n > 0 {
		c.tally.other("resized")
	}
}

// TestRedshift is TestMachines for Redshift and S3, over connections and over the Data API, with a resize around the loads or without: the
// stand-in is cut off and comes back at the same address, statements fail, are cancelled and lose their answers, credentials expire, and so
// on. The long form:
//
//	go test ./tests/chaos -run TestRedshift -chaos.seeds 300 -timeout 180m -v
func TestRedshift(t *testing.T) {
	worlds := prepare(t, newOnRedshift(t, t.TempDir(), tables))
	tally := newTally()
	tally.seeds, tally.first = cmp.Or(*seedsFlag, 2), 1
	trials(t, worlds, tally, *seedFlag != 0 && *seedsFlag == 0, (*trial).run)
	t.Log(tally)
}

// keep saves what the cluster was told, too.
func (s *onRedshift) keep(c *trial) {
	s.remote.keep(c)
	var log strings.Builder
	for _, st := range s.server.Statements() {
		log.WriteString(strconv.Itoa(int(st.PID)) + " " + strings.ReplaceAll(st.Text, "\n", " ") + "\n")
	}
	for _, call := range s.plane.Calls("") {
		log.WriteString("control " + call.Action + " " + call.Text + "\n")
	}
	if err := os.WriteFile(filepath.Join(c.base, "statements.log"), []byte(log.String()), 0o644); err != nil {
		c.Error(err)
	}
}
