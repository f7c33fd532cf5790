//go:build unix

package redshift_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/child"
	"github.com/hindcast/hindcast/internal/hosted"
	"github.com/hindcast/hindcast/internal/redshifttest"
	"github.com/hindcast/hindcast/internal/redshifttest/control"
	"github.com/hindcast/hindcast/internal/s3test"
	"github.com/hindcast/hindcast/internal/warehouse/redshift"
	"github.com/hindcast/hindcast/internal/warehouse/warehousetest"
)

// cloud is a stand-in that AWS leads to: as a cluster, and as a workgroup.
type cloud struct {
	*stand
	aws *control.Server
}

func beginCloud(t *testing.T, server *s3test.Server, setup string) *cloud {
	t.Helper()
	c := &cloud{stand: begin(t, server, setup), aws: control.Start(t)}
	c.aws.Add(&control.Cluster{Name: "shop", NodeType: "ra3.xlplus", Nodes: 2, Database: c.Server},
		&control.Cluster{Name: "asleep", NodeType: "ra3.xlplus", Nodes: 2, Database: c.Server, Status: "paused"},
		&control.Cluster{Name: "new", NodeType: "ra3.xlplus", Nodes: 2, Status: "creating"})
	c.aws.AddWorkgroups(&control.Workgroup{Name: "evenings", RPU: 8, Database: c.Server})
	for _, role := range []string{control.Identity, "loader"} {
		c.User(t, role, "no password of anybody's")
		c.Exec(t, `GRANT ALL ON SCHEMA public TO "`+role+`"; GRANT ALL ON ALL TABLES IN SCHEMA public TO "`+role+`"`)
	}
	return c
}

func (c *cloud) spec() child.Spec {
	s := c.stand.spec()
	s.Env = append(s.Env, c.aws.Env()...)
	return s
}

func (c *cloud) options(url string) redshift.Options {
	o := c.stand.options()
	o.URL = url
	return o
}

func (c *cloud) open(t *testing.T, url string) *hosted.Client {
	t.Helper()
	return warehousetest.Started(t, func(ctx context.Context) (*hosted.Client, error) { return redshift.Open(ctx, c.spec(), c.options(url)) })
}

// A cluster or a workgroup is found by its name, and lets in whom AWS says. What the URL says is not asked for.
func TestTemporaryCredentials(t *testing.T) {
	c := beginCloud(t, s3test.Start(t), "CREATE TABLE sales (day date, n bigint)")
	for url, calls := range map[string][]string{
		"redshift+iam://shop/DB": {"DescribeClusters", "GetClusterCredentialsWithIAM"},
		"redshift+iam://shop/DB?region=" + control.Region + "&user=loader":                                         {"DescribeClusters", "GetClusterCredentials"},
		"redshift+iam://evenings/DB":                                                                               {"DescribeClusters", "GetWorkgroup", "GetCredentials"},
		"redshift+iam://evenings/DB?serverless=true":                                                               {"GetWorkgroup", "GetCredentials"},
		"redshift+iam://shop/DB?serverless=false&host=AT":                                                          {"GetClusterCredentialsWithIAM"},
		"redshift+iam://shop.abc1." + control.Region + ".redshift.amazonaws.com/DB?host=AT":                        {"GetClusterCredentialsWithIAM"},
		"redshift+iam://evenings.123456789012." + control.Region + ".redshift-serverless.amazonaws.com/DB?host=AT": {"GetCredentials"},
	} {
		before := len(c.aws.Calls(""))
		w := c.open(t, strings.NewReplacer("DB", c.Name, "AT", c.Address()).Replace(url))
		if tables, err := w.Describe(t.Context(), []string{"sales"}); err != nil || len(tables) != 1 {
			t.Errorf("%s: %v, %v", url, tables, err)
		}
		var made []string
		for _, call := range c.aws.Calls("")[before:] {
			made = append(made, call.Action)
		}
		if strings.Join(made, " ") != strings.Join(calls, " ") {
			t.Errorf("%s: calls %v, want %v", url, made, calls)
		}
	}
}

// Credentials that have expired by the cluster's clock are replaced when they are refused, in the middle of a load too. Sessions that
// they began go on.
func TestCredentialsExpire(t *testing.T) {
	c := beginCloud(t, s3test.Start(t), "")
	w := c.open(t, "redshift+iam://shop/"+c.Name)
	prepare(t, w, 1)
	c.Rule(func(s redshifttest.Statement) redshifttest.Fault {
		if strings.HasPrefix(s.Text, "COPY") {
			c.Advance(time.Hour)
		}
		return redshifttest.None
	})
	if _, err := january(t, "r1", 1).Into(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	if n := len(c.aws.Calls("GetClusterCredentialsWithIAM")); n != 1 {
		t.Errorf("credentials were fetched %d times for sessions that last", n)
	}

	c.Advance(time.Hour)
	c.Disconnect()
	rows, err := w.Committed(t.Context(), "p", true)
	if err != nil {
		rows, err = w.Committed(t.Context(), "p", true) // the session that was there is gone
	}
	if err != nil || len(rows) != 1 {
		t.Errorf("%v, %v", rows, err)
	}
	if n := len(c.aws.Calls("GetClusterCredentialsWithIAM")); n != 2 {
		t.Errorf("credentials were fetched %d times", n)
	}
}

// What AWS refuses says what to do, and never the password.
func TestAWSRefuses(t *testing.T) {
	c := beginCloud(t, s3test.Start(t), "")
	for _, r := range []struct {
		url, message, next string
		code               hindcast.Code
		class              hindcast.Class
		fault              func(control.Call) control.Fault
	}{
		{"redshift+iam://nowhere/DB", "there is no cluster or workgroup nowhere in " + control.Region, "correct the name or the region", hindcast.EWarehouse, hindcast.ClassPermanent, nil},
		{"redshift+iam://nowhere/DB?serverless=false", "there is no cluster nowhere", "correct the name", hindcast.EWarehouse, hindcast.ClassPermanent, nil},
		{"redshift+iam://asleep/DB", "the cluster asleep is paused", "aws redshift resume-cluster --cluster-identifier asleep", hindcast.EWarehouse, hindcast.ClassPermanent, nil},
		{"redshift+iam://asleep/DB?host=127.0.0.1:1&serverless=false", "the cluster asleep is paused", "resume-cluster", hindcast.EWarehouse, hindcast.ClassPermanent, nil},
		{"redshift+iam://new/DB", "the cluster new is creating", "wait", hindcast.EWarehouse, hindcast.ClassTransient, nil},
		{"redshift+iam://shop/DB?user=stranger", "the user IAM:stranger", "see that the user is there", hindcast.EPermission, hindcast.ClassPermanent, nil},
		{"redshift+iam://evenings/DB?user=loader", "a workgroup gives credentials to IAM identities", "leave user out", hindcast.EWarehouse, hindcast.ClassPermanent, nil},
		{"redshift+iam://shop/DB", "redshift:GetClusterCredentialsWithIAM", "allow redshift:GetClusterCredentialsWithIAM on arn:aws:redshift:" + control.Region + ":*:dbname:shop/DB",
			hindcast.EPermission, hindcast.ClassPermanent, forbid("GetClusterCredentialsWithIAM")},
		{"redshift+iam://shop/DB?user=loader", "redshift:GetClusterCredentials", "dbuser:shop/loader", hindcast.EPermission, hindcast.ClassPermanent, forbid("GetClusterCredentials")},
		{"redshift+iam://shop/DB", "redshift:DescribeClusters", "host=HOST:PORT", hindcast.EPermission, hindcast.ClassPermanent, forbid("DescribeClusters", "GetWorkgroup")},
		{"redshift+iam://evenings/DB", "redshift:DescribeClusters", "serverless=true (a workgroup)", hindcast.EPermission, hindcast.ClassPermanent, forbid("DescribeClusters")},
		{"redshift+iam://evenings/DB", "redshift-serverless:GetCredentials", "allow redshift-serverless:GetCredentials", hindcast.EPermission, hindcast.ClassPermanent, forbid("GetCredentials")},
		{"redshift+iam://someone:secret@shop/DB", "the credentials come from AWS", "?user=NAME", hindcast.EWarehouse, hindcast.ClassPermanent, nil},
		{"redshift+iam://shop/DB?password=x", "password is not one of its parameters", "region", hindcast.EWarehouse, hindcast.ClassPermanent, nil},
		{"redshift+iam://db.example.com/DB", "neither a name nor an endpoint", "host=HOST:PORT", hindcast.EWarehouse, hindcast.ClassPermanent, nil},
	} {
		c.aws.Rule(r.fault)
		name := strings.NewReplacer("DB", c.Name)
		_, err := redshift.Open(context.Background(), c.spec(), c.options(name.Replace(r.url)))
		e := hindcast.AsError(err)
		if e == nil || e.Code != r.code || e.Class != r.class || !strings.Contains(e.Message, r.message) || !strings.Contains(e.Next, name.Replace(r.next)) {
			t.Errorf("%s: %s %v\nnext: %s", r.url, e.Code, err, e.Next)
		}
	}
}

func forbid(actions ...string) func(control.Call) control.Fault {
	return func(c control.Call) control.Fault {
		for _, action := range actions {
			if c.Action == action {
				return control.Forbid
			}
		}
		return control.None
	}
}

// Throttling and lost answers are waited out.
func TestAWSIsBusy(t *testing.T) {
	c := beginCloud(t, s3test.Start(t), "")
	c.aws.Rule(func(call control.Call) control.Fault {
		return map[int]control.Fault{1: control.Throttle, 2: control.Lose}[call.Nth]
	})
	c.open(t, "redshift+iam://shop/"+c.Name)
}
