//go:build unix

package redshift_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/child"
	"github.com/hindcast/hindcast/internal/hosted"
	"github.com/hindcast/hindcast/internal/pgtest"
	"github.com/hindcast/hindcast/internal/redshifttest"
	"github.com/hindcast/hindcast/internal/redshifttest/control"
	"github.com/hindcast/hindcast/internal/redshifttest/dataapi"
	"github.com/hindcast/hindcast/internal/s3test"
	"github.com/hindcast/hindcast/internal/warehouse"
	"github.com/hindcast/hindcast/internal/warehouse/redshift"
	"github.com/hindcast/hindcast/internal/warehouse/warehousetest"
)

const secretARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop-AbCdEf"

// viaAPI is a stand-in that the Data API leads to.
type viaAPI struct {
	*cloud
	api *dataapi.Server
}

func beginAPI(t *testing.T, server *s3test.Server, setup string) *viaAPI {
	t.Helper()
	v := &viaAPI{beginCloud(t, server, setup), dataapi.Start(t)}
	v.api.Cluster("shop", v.Server)
	v.api.Workgroup("evenings", v.Server)
	v.api.Secret(secretARN, dataapi.Secret{User: pgtest.User, Password: pgtest.Password})
	return v
}

func (v *viaAPI) spec() child.Spec {
	s := v.cloud.spec()
	s.Env = append(s.Env, v.api.Env()...)
	return s
}

// url is one by which the superuser connects.
func (v *viaAPI) url() string {
	return "redshift-data://shop/" + v.Name + "?region=" + control.Region + "&serverless=false&secret=" + secretARN
}

func (v *viaAPI) open(t *testing.T, url string) *hosted.Client {
	t.Helper()
	return warehousetest.Started(t, func(ctx context.Context) (*hosted.Client, error) { return redshift.Open(ctx, v.spec(), v.options(url)) })
}

// Over the Data API the driver does all that it does on a connection.
func TestConformanceOverTheDataAPI(t *testing.T) {
	server := s3test.Start(t)
	warehousetest.Run(t, func(t *testing.T) *warehousetest.World {
		v := beginAPI(t, server, warehousetest.Setup)
		w := warehousetest.Hosted(t, func(ctx context.Context) (*hosted.Client, error) {
			return redshift.Open(ctx, v.spec(), v.options(v.url()))
		})
		kill := w.Kill
		w.Kill = func(t *testing.T) {
			kill(t)
			v.api.Expire() // as 45 seconds do
		}
		w.Exec = func(t *testing.T, statement string) { v.Exec(t, statement) }
		w.Query = func(t *testing.T, query string) string { return warehousetest.Text(v.Exec(t, query)) }
		return w
	})
}

// Whoever connects by the Data API is who it says.
func TestUsersOfTheDataAPI(t *testing.T) {
	v := beginAPI(t, s3test.Start(t), "CREATE TABLE sales (day date, n bigint)")
	for _, url := range []string{"redshift-data://shop/DB", "redshift-data://shop/DB?user=loader", "redshift-data://evenings/DB", "redshift-data://shop/DB?secret=" + secretARN} {
		w := v.open(t, strings.Replace(url, "DB", v.Name, 1))
		if tables, err := w.Describe(t.Context(), []string{"sales"}); err != nil || len(tables) != 1 {
			t.Errorf("%s: %v, %v", url, tables, err)
		}
	}
	for url, says := range map[string]string{
		"redshift-data://shop/DB?user=stranger":              `role "stranger" does not exist`,
		"redshift-data://evenings/DB?user=loader":            "a workgroup gives credentials to IAM identities",
		"redshift-data://shop/DB?user=a&secret=b":            "both user and secret",
		"redshift-data://shop/DB?sslmode=require":            "sslmode is not one of its parameters",
		"redshift-data://shop/DB?serverless=false&secret=no": "Secrets Manager",
		"redshift-data://nowhere/DB?serverless=true":         "endpoint doesn't exist",
		"redshift-data://asleep/DB":                          "is paused",
	} {
		_, err := redshift.Open(context.Background(), v.spec(), v.options(strings.Replace(url, "DB", v.Name, 1)))
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// Whatever becomes of a call, the slice has either its old rows with their status or the new ones with theirs, and a lost answer to
// COMMIT costs nothing: the call is made again, and one token is one statement.
func TestFaultsOfTheDataAPI(t *testing.T) {
	server := s3test.Start(t)
	for _, c := range []struct {
		name      string
		statement string // that meets the fault at the cluster
		atCluster redshifttest.Fault
		action    string // that meets one at the API
		body      string // in such a call
		atAPI     dataapi.Fault
		fails     bool
		done      bool
	}{
		{name: "lost ExecuteStatement", action: "ExecuteStatement", body: `"COMMIT"`, atAPI: dataapi.Lose, done: true},
		{name: "refused ExecuteStatement", action: "ExecuteStatement", body: `"COMMIT"`, atAPI: dataapi.Refuse, done: true},
		{name: "throttled ExecuteStatement", action: "ExecuteStatement", body: `INSERT INTO`, atAPI: dataapi.Throttle, done: true},
		{name: "lost DescribeStatement", action: "DescribeStatement", atAPI: dataapi.Lose, done: true},
		{name: "lost GetStatementResult", action: "GetStatementResult", atAPI: dataapi.Lose, done: true},
		{name: "crowded", action: "ExecuteStatement", body: `"COPY`, atAPI: dataapi.Crowded, fails: true},
		{name: "1023 at COMMIT", statement: "COMMIT", atCluster: redshifttest.Conflict, fails: true},
		{name: "connection lost at COMMIT", statement: "COMMIT", atCluster: redshifttest.Lose, fails: true, done: true},
		{name: "connection refused at COMMIT", statement: "COMMIT", atCluster: redshifttest.Refuse, fails: true},
		{name: "1023 at DELETE", statement: "DELETE FROM", atCluster: redshifttest.Conflict, fails: true},
		{name: "COPY refused", statement: "COPY", atCluster: redshifttest.Refuse, fails: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := beginAPI(t, server, "")
			w := v.open(t, v.url())
			prepare(t, w, 1)
			if _, err := january(t, "r1", 1).Into(t.Context(), w); err != nil {
				t.Fatal(err)
			}

			var met atomic.Bool
			v.Rule(func(s redshifttest.Statement) redshifttest.Fault {
				if c.statement != "" && strings.HasPrefix(s.Text, c.statement) && met.CompareAndSwap(false, true) {
					return c.atCluster
				}
				return redshifttest.None
			})
			v.api.Rule(func(call dataapi.Call) dataapi.Fault {
				if call.Action == c.action && strings.Contains(call.Body, c.body) && met.CompareAndSwap(false, true) {
					return c.atAPI
				}
				return dataapi.None
			})
			l := january(t, "r2", 2)
			_, err := l.Into(t.Context(), w)
			if e := hindcast.AsError(err); (err != nil) != c.fails || err != nil && e.Class != hindcast.ClassTransient {
				t.Fatalf("got %v", err)
			}
			if !met.Load() {
				t.Fatal("the fault was not met")
			}
			v.api.Expire() // of sessions whose transaction nobody could end
			rows, err := w.Committed(t.Context(), "p", true)
			if e := hindcast.AsError(err); err != nil && e.Class == hindcast.ClassTransient { // the session that was there is gone
				rows, err = w.Committed(t.Context(), "p", true)
			}
			if err != nil || len(rows) != 1 {
				t.Fatalf("%+v, %v", rows, err)
			}
			want := map[bool]string{true: "2", false: "1"}[rows[0].Run == "r2"]
			if got := warehousetest.Text(v.Exec(t, "SELECT n FROM result")); got != want || (rows[0].Run == "r2") != c.done {
				t.Errorf("the target has %s, and the status says %s", got, rows[0].Run)
			}
			if _, err := l.Into(t.Context(), w); err != nil {
				t.Errorf("the next try: %v", err)
			}
			if got := warehousetest.Text(v.Exec(t, "SELECT n FROM result")); got != "2" {
				t.Errorf("after the next try the target has %s", got)
			}
		})
	}
}

// What can never pass is not called a lost connection: it would be tried until the retries are used up. A session that has ended is.
func TestRefusedByTheDataAPI(t *testing.T) {
	v := beginAPI(t, s3test.Start(t), "")
	w := v.open(t, v.url())
	prepare(t, w, 1)
	v.api.Rule(func(call dataapi.Call) dataapi.Fault {
		if call.Action == "ExecuteStatement" && strings.Contains(call.Body, "SELECT count(*)") {
			return dataapi.Invalid
		}
		return dataapi.None
	})
	_, err := january(t, "r1", 1).Into(t.Context(), w)
	if e := hindcast.AsError(err); e == nil || e.Class != hindcast.ClassPermanent || !strings.Contains(e.Message, "StatementName is not valid") {
		t.Fatalf("a call that is not valid: %v", err)
	}

	v.api.Rule(func(call dataapi.Call) dataapi.Fault {
		if call.Action == "ExecuteStatement" && strings.Contains(call.Body, "SELECT count(*)") {
			v.api.Expire()
		}
		return dataapi.None
	})
	_, err = january(t, "r1", 1).Into(t.Context(), w)
	if e := hindcast.AsError(err); e == nil || e.Class != hindcast.ClassTransient || !strings.Contains(e.Message, "was lost") {
		t.Errorf("a session that has ended: %v", err)
	}
}

// A statement that somebody stops waiting for is cancelled at the cluster.
func TestCancellingOverTheDataAPI(t *testing.T) {
	v := beginAPI(t, s3test.Start(t), "CREATE TABLE sales (id bigint); INSERT INTO sales SELECT generate_series(1, 100)")
	w := v.open(t, v.url())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	held := make(chan struct{})
	var once atomic.Bool
	v.Rule(func(s redshifttest.Statement) redshifttest.Fault {
		if strings.Contains(s.Text, "sum(") && once.CompareAndSwap(false, true) {
			cancel()
			<-held
		}
		return redshifttest.None
	})
	v.api.Rule(func(call dataapi.Call) dataapi.Fault {
		if call.Action == "CancelStatement" && call.Nth == 1 {
			close(held)
		}
		return dataapi.None
	})
	if _, err := w.Sum(ctx, warehouse.Extract{Table: "sales", Columns: []hindcast.Column{{Name: "id", Type: "BIGINT", Source: "bigint"}}}); err == nil {
		t.Fatal("it was not cancelled")
	}
	if _, err := w.Describe(t.Context(), []string{"sales"}); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// What no statement has room for is refused by name, and what can be said in several is.
func TestLongStatementsOverTheDataAPI(t *testing.T) {
	v := beginAPI(t, s3test.Start(t), "")
	var list []string
	for i := range 900 {
		list = append(list, fmt.Sprintf("a_column_with_a_long_name_%d bigint", i))
	}
	v.Exec(t, "CREATE TABLE wide ("+strings.Join(list, ", ")+")")
	w := v.open(t, v.url())
	tables, err := w.Describe(t.Context(), []string{"wide"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Hash(t.Context(), warehouse.Extract{Table: "wide", Columns: tables["wide"].Columns})
	if e := hindcast.AsError(err); e == nil || !strings.Contains(e.Message, "the Data API takes 100000") || !strings.Contains(e.Next, "redshift+iam://") {
		t.Errorf("got %v", err)
	}

	prepare(t, w, 1)
	if _, err := january(t, "r1", 1).Into(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	keys := []string{"2020-01"}
	for i := range 20_000 {
		keys = append(keys, fmt.Sprintf("no slice of this name %d", i))
	}
	if rows, err := w.Details(t.Context(), "p", "result", keys); err != nil || len(rows) != 1 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}
