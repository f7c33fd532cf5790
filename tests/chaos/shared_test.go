package chaos_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/pgtest"
	"github.com/hindcast/hindcast/internal/s3test"
)

// TestShared is trial after trial of two pipelines of one lake over the same tables of PostgreSQL, which run at the same time and are killed
// until both are done, while what they no longer need is cleaned away. In the end both have all rows; then the first one's part of the lake goes, and
// the second one misses nothing. Every other trial has its lake in a bucket. The long form:
//
//	go test ./tests/chaos -run TestShared -chaos.seeds 100 -timeout 80m -v
func TestShared(t *testing.T) {
	seed := cmp.Or(*seedFlag, rand.Uint64N(1_000_000_000)*1_000+1)
	trials := cmp.Or(*seedsFlag, 3)
	if *seedFlag != 0 && *seedsFlag == 0 {
		trials = 1
	}
	var server *s3test.Server
	for i := range trials {
		if (seed+uint64(i))%2 == 0 && server == nil {
			server = s3test.Start(t)
		}
	}
	for i := range trials {
		t.Run(fmt.Sprintf("seed=%d", seed+uint64(i)), func(t *testing.T) { newPair(t, seed+uint64(i), server).run() })
	}
}

// pair is a trial of two pipelines.
type pair struct {
	*testing.T
	random *rand.Rand
	mark   string
	base   string
	env    []string
	lake   string // its folder; "" of one in a bucket
}

const (
	pairMonths = 12
	pairRows   = 400 // a month
)

func newPair(t *testing.T, seed uint64, server *s3test.Server) *pair {
	t.Helper()
	c := &pair{T: t, random: rand.New(rand.NewPCG(seed, 1)), mark: fmt.Sprintf("%s=%d %s", mark, os.Getpid(), t.Name()), base: folder(t)}
	url := pgtest.Shared(t).Database(t)
	conn, err := pgconn.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.Exec(t.Context(), fmt.Sprintf(`CREATE TABLE sales AS SELECT (DATE '2024-01-01' + n %% 366) AS day, n AS id, (n %% 97)::numeric(10,2) AS amount, repeat('x', n %% 50) AS note
		FROM generate_series(0, %d) AS numbers(n)`, pairMonths*pairRows)).ReadAll(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kill(processes(c.mark)...) })

	lake := filepath.Join(c.base, "lake")
	c.lake = lake
	c.env = append(os.Environ(), c.mark, "TMPDIR="+folder(t), "XDG_CACHE_HOME="+folder(t))
	if seed%2 == 0 {
		c.lake, lake = "", s3test.URL(server.Endpoint, server.Bucket(t), "lake").String()
		c.env = append(c.env, server.Env()...)
	}
	for k, name := range []string{"one", "two"} {
		columns := ""
		if k == 1 && c.random.IntN(2) == 0 {
			columns = ", columns: used"
		}
		c.write(name+".yml", fmt.Sprintf(`pipeline: %s
warehouse: %q
lake: %q
history: {from: 2024-01-01, to: 2025-01-01, every: 1 month}
facts:
  s%d: {table: sales, time: day%s}
transform: {dialect: duckdb, sql: %[1]s.sql}
target: {table: out_%[1]s, time: month}
run: {retries: 10, retry_wait: 1ms, lease_ttl: 1s, unload_parallel: 2}
`, name, url, lake, k, columns))
		c.write(name+".sql", fmt.Sprintf("SELECT date_trunc('month', day)::DATE AS month, count(*) AS n, sum(id)::BIGINT AS ids, sum(amount)::DECIMAL(18,2) AS amount FROM s%d GROUP BY 1", k))
	}
	return c
}

// folder is a new one, whose name no engine takes for a pattern.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "hindcast-chaos-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !t.Failed() {
			_ = os.RemoveAll(dir) // what is left goes with the machine's temporary files
		}
	})
	return dir
}

func (c *pair) write(name, text string) {
	c.Helper()
	if err := os.WriteFile(filepath.Join(c.base, name), []byte(text), 0o644); err != nil {
		c.Fatal(err)
	}
}

// hindcast is a command of one of the two pipelines.
func (c *pair) hindcast(name string, args ...string) (*exec.Cmd, *bytes.Buffer) {
	var out bytes.Buffer
	cmd := exec.Command(os.Args[0], append(args, "-f", name+".yml")...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = c.base, c.env, &out, &out
	return cmd, &out
}

// calmly is a command that nobody kills.
func (c *pair) calmly(name string, args ...string) string {
	c.Helper()
	cmd, out := c.hindcast(name, args...)
	if err := cmd.Run(); err != nil {
		c.Fatalf("%s: hindcast %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return out.String()
}

// run has both pipelines run and killed until they are done, and then looks at what they have.
func (c *pair) run() {
	var group sync.WaitGroup
	for k, name := range []string{"one", "two"} {
		random := rand.New(rand.NewPCG(c.random.Uint64(), uint64(k)))
		group.Go(func() { c.until(name, random) })
	}
	group.Wait()
	if c.Failed() {
		return
	}
	c.right("one")
	c.right("two")

	// The first one reads all again and cleans, or is gone altogether.
	if c.random.IntN(2) == 0 {
		c.calmly("one", "run", "--fresh")
		c.calmly("one", "run", "--fresh")
		c.calmly("one", "clean", "--delete")
	} else if c.lake != "" {
		for _, dir := range []string{"one", "_hindcast/one"} {
			if err := os.RemoveAll(filepath.Join(c.lake, filepath.FromSlash(dir))); err != nil {
				c.Fatal(err)
			}
		}
	}
	c.right("two")
	c.calmly("two", "run", "--force")
	c.right("two")
}

// until runs a pipeline, and kills it, until it is done.
func (c *pair) until(name string, random *rand.Rand) {
	begun := false
	for round := 0; ; round++ {
		if round > 30 {
			c.Errorf("%s does not get done", name)
			return
		}
		args := []string{"run", "--id", "r1"}
		if begun && random.IntN(2) == 0 {
			args = []string{"resume", "r1"}
		}
		if begun && random.IntN(4) == 0 {
			args = []string{"clean", "--delete"}
		}
		cmd, out := c.hindcast(name, args...)
		if err := cmd.Start(); err != nil {
			c.Error(err)
			return
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		killed := false
		var err error
		if round < 4 {
			select {
			case err = <-ended:
			case <-time.After(time.Duration(200+random.IntN(2500)) * time.Millisecond):
				_ = syscall.Kill(cmd.Process.Pid, syscall.SIGKILL)
				err, killed = <-ended, true
			}
		} else {
			err = <-ended
		}
		text := out.String()
		switch {
		case err == nil && args[0] != "clean":
			return
		case err == nil, killed:
			begun = begun || strings.Contains(text, "started")
		case strings.Contains(text, string(hindcast.ELeaseHeld)), strings.Contains(text, string(hindcast.ERun)):
		default:
			c.Errorf("%s: hindcast %s: %v\n%s", name, strings.Join(args, " "), err, text)
			return
		}
	}
}

// right compares a pipeline's copies and results with the tables.
func (c *pair) right(name string) {
	c.Helper()
	if out := c.calmly(name, "verify", "--deep", "--files"); !strings.Contains(out, "all equal") {
		c.Errorf("%s: verify:\n%s", name, out)
	}
	if out := c.calmly(name, "plan"); !strings.Contains(out, "nothing to do") {
		c.Errorf("%s: plan:\n%s", name, out)
	}
}
