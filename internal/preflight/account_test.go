package preflight_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/awsquery"
	"github.com/hindcast/hindcast/internal/objstore/s3"
	"github.com/hindcast/hindcast/internal/preflight"
	"github.com/hindcast/hindcast/internal/preflight/preflighttest"
	"github.com/hindcast/hindcast/internal/pythontest"
)

// world is a pipeline and the account that it is for.
type world struct {
	*testing.T
	account *preflighttest.Account
	p       *hindcast.Pipeline

	application *hindcast.EMRApplication // what EMR Serverless says of one
	refusal     error                    // and why it cannot run the pipeline
}

func newWorld(t *testing.T) *world {
	a := preflighttest.Start(t)
	for _, pair := range a.Env() {
		name, value, _ := strings.Cut(pair, "=")
		t.Setenv(name, value)
	}
	w := &world{T: t, account: a}
	w.again()
	return w
}

// again is the pipeline for which nothing is missing.
func (w *world) again() {
	w.p = &hindcast.Pipeline{Name: "costs"}
	w.p.Transform = hindcast.Transform{Engine: "glue", Glue: hindcast.Glue{Role: "hindcast-glue", Region: preflighttest.Region, Version: "5.1", WorkerType: "G.2X", Workers: 75,
		Jobs: 12, RunsPerJob: 3, Class: "STANDARD", Connections: []string{"vpc-a", "vpc-b", "vpc-c"}}}
	w.p.Redshift.Role = "arn:aws:iam::" + preflighttest.Number + ":role/redshift"
	w.at("redshift://u@SHOP:5439/shop", "my-lake")
}

func (w *world) at(warehouse, bucket string) {
	w.Helper()
	u, err := url.Parse(strings.Replace(warehouse, "SHOP", w.account.Address, 1))
	if err != nil {
		w.Fatal(err)
	}
	w.p.Warehouse = hindcast.Location{Scheme: u.Scheme, URL: u}
	w.p.Lake = hindcast.Location{Scheme: "s3", URL: &url.URL{Scheme: "s3", Host: bucket, Path: "/costs", RawQuery: "endpoint=" + url.QueryEscape(w.account.Endpoint)}}
}

func (w *world) look() *preflight.Report {
	w.Helper()
	client, err := awsquery.Open(w.Context(), preflight.Region(w.p))
	if err != nil {
		w.Fatal(err)
	}
	application := func(context.Context) (*hindcast.EMRApplication, error) { return w.application, w.refusal }
	bucket, err := s3.Open(w.Context(), w.p.Lake.URL)
	if err != nil {
		w.Fatal(err)
	}
	r, err := preflight.Look(w.Context(), preflight.Options{Pipeline: w.p, Client: client.Once(), Bucket: bucket, Jobs: "hindcast-costs-1234", Slices: 36, Version: "dev", Application: application})
	if err != nil {
		w.Fatal(err)
	}
	return r
}

// says looks for a check whose text matches.
func (w *world) says(r *preflight.Report, pattern string) {
	w.Helper()
	var all strings.Builder
	for _, c := range r.Checks {
		fmt.Fprintf(&all, "%s | %s | %s\n", c.What, c.State, c.Found)
	}
	for _, e := range r.Missing {
		fmt.Fprintf(&all, "%s %s -> %s\n", e.Code, e.Message, e.Next)
	}
	if !regexp.MustCompile("(?m)" + pattern).MatchString(all.String()) {
		w.Errorf("nothing matches %s in\n%s", pattern, all.String())
	}
}

// An account that has everything: all of it was asked, nothing is missing, and the cap is named.
func (w *world) everything() {
	r := w.look()
	if len(r.Missing) > 0 || r.Unknowns > 0 || len(r.Unasked) > 0 {
		w.Errorf("missing %v, unasked %v", r.Missing, r.Unasked)
	}
	for _, pattern := range []string{
		`^identity \| ok \| arn:aws:iam::123456789012:user/etl$`, `^credentials \| ok \| the variables`, `^region \| ok \| eu-central-1$`,
		`^bucket my-lake \| ok \| is there, in eu-central-1$`, `^Glue 5.1 \| note \| AWS had not ended it by`,
		`^role hindcast-glue \| ok \| is there, and trusts glue`, `^quotas \| ok \| 4 values`,
		`^connection vpc-a \| ok \| subnet-\w+ in eu-central-1a, 4,091 free addresses$`, `^zones \| ok \| eu-central-1a, eu-central-1b, eu-central-1c$`,
		`^route to S3 \| ok \| from subnet-\w+ by the gateway endpoint of vpc-`, `^security groups \| ok \|`,
		`^cluster shop \| ok \| is available in eu-central-1, 4 nodes of ra3.4xlarge$`, `^role redshift \| ok \| is attached`, `^role redshift \| ok \| is there, and trusts redshift`,
		`^your rights \| ok \| 14 of 14 actions allowed`, `^rights of role hindcast-glue \| ok \| 4 of 4`, `^rights of role redshift \| ok \| 3 of 3`,
	} {
		w.says(r, pattern)
	}
	for _, l := range r.Limits {
		if l.Smallest != (l.Name == "DPU of the account") || l.Smallest && (l.Runs != 6 || l.Asked != 36) {
			w.Errorf("%+v", l)
		}
	}
	w.private(r)
}

// private: nothing in the lines for an issue names anything of the account's.
func (w *world) private(r *preflight.Report) {
	text := strings.Join(r.Paste, "\n")
	for _, name := range []string{preflighttest.Number, w.account.ID, w.account.Secret, "etl", "my-lake", "far-lake", "hindcast-glue", "vpc-a", "subnet-", "shop", w.account.Group} {
		if strings.Contains(text, name) {
			w.Errorf("%s is in\n%s", name, text)
		}
	}
	if len(r.Paste) < 4 {
		w.Errorf("little to report: %s", text)
	}
}

// Each thing that is missing is named by itself.
func TestAnAccount(t *testing.T) {
	w := newWorld(t)
	w.everything()

	w.p.Transform.Glue.Role = "nobody"
	w.p.Transform.Glue.Connections = []string{"vpc-a", "vpc-small", "none", "no-subnet"}
	w.p.Redshift.Role = "arn:aws:iam::" + preflighttest.Number + ":role/other"
	w.at("redshift://u@SHOP:5439/shop", "far-lake")
	r := w.look()
	for _, pattern := range []string{
		`^E-AWS there is no role nobody in this account`, `^E-AWS Glue has no connection none in eu-central-1`, `^E-AWS connection no-subnet names no subnet`,
		`^E-AWS subnet-\w+ of connection vpc-small has 59 free addresses, and one run takes 75`, `^E-AWS workers in subnet-\w+ \(connection vpc-small\) have no route to S3`,
		`^E-AWS role other is not attached to the cluster`, `^E-AWS the lake's bucket is in us-west-2 and the warehouse is in eu-central-1`,
		`^zones \| note \| all runs are in eu-central-1a`, `^regions \| note \| the bucket is in us-west-2, the jobs are in eu-central-1`,
	} {
		w.says(r, pattern)
	}
	w.private(r)

	w.again()
	w.at("redshift+iam://gone/shop", "no-such-lake")
	w.p.Transform.Glue.Role = "redshift"
	r = w.look()
	w.says(r, `^E-WAREHOUSE there is no cluster or workgroup gone in eu-central-1`)
	w.says(r, `^E-BUCKET there is no bucket no-such-lake`)
	w.says(r, `^E-AWS role redshift does not let glue.amazonaws.com assume it`)

	w.at("redshift+iam://quick/shop", "my-lake")
	w.p.Redshift.Role = "default"
	w.says(w.look(), `^E-AWS redshift.iam_role is default, and the workgroup has no default role`)
	w.p.Redshift.Role = "arn:aws:iam::" + preflighttest.Number + ":role/redshift"
	w.says(w.look(), `^workgroup quick \| ok \| is available in eu-central-1, 128 RPU$`)
}

// What may work is refused by nothing.
func TestWhatMayWork(t *testing.T) {
	w := newWorld(t)
	w.elsewhere()
	w.again()
	w.unlisted()
	w.warehouseRights()
}

// An application of EMR Serverless is looked at as a job of Glue is: by itself, in its subnets, and against what the pipeline asks of it.
func TestAnApplication(t *testing.T) {
	w := newWorld(t)
	w.p.Transform = hindcast.Transform{Engine: "emr-serverless", EMR: hindcast.EMRServerless{Application: "00fexample", Role: "arn:aws:iam::" + preflighttest.Number + ":role/emr",
		Region: preflighttest.Region, Release: "emr-7.12.0", Runs: 24, Executors: 3, Driver: hindcast.EMRWorker{Cores: 4, Memory: 16}, Executor: hindcast.EMRWorker{Cores: 4, Memory: 16}}}
	ready := hindcast.EMRApplication{Type: "Spark", Release: "emr-7.12.0", State: "STARTED", StartsItself: true, Subnets: []string{w.account.Subnets["a"], w.account.Subnets["b"]}}
	w.application = &ready
	r := w.look()
	if len(r.Missing) > 0 || r.Unknowns > 0 || len(r.Unasked) > 0 || r.Run != "4 workers: 16 vCPU, 64 GB" {
		t.Errorf("missing %v, %d unknown, unasked %v, a run is %s", r.Missing, r.Unknowns, r.Unasked, r.Run)
	}
	for _, pattern := range []string{`^application 00fexample \| ok \| has the release emr-7.12.0 and is STARTED$`, `^role emr \| ok \| is there, and trusts emr-serverless`,
		`^subnet \| ok \| subnet-\w+ in eu-central-1b, 4,091 free addresses$`, `^zones \| ok \| eu-central-1a, eu-central-1b$`, `^route to S3 \| ok \|`,
		`^your rights \| ok \| 11 of 11`, `^rights of role emr \| ok \| 4 of 4`} {
		w.says(r, pattern)
	}
	w.caps(r, "emr_serverless.runs", 24)
	w.private(r)

	for name, c := range map[string]struct {
		change func(*hindcast.EMRApplication)
		says   string
		cap    string
		runs   int
	}{
		"stopped":         {func(a *hindcast.EMRApplication) { a.State = "STOPPED" }, `ok .*STOPPED; the first run starts it$`, "emr_serverless.runs", 24},
		"never by itself": {func(a *hindcast.EMRApplication) { a.State, a.StartsItself = "CREATED", false }, `note .*CREATED; it does not start by itself: .*emr-serverless:StartApplication`, "emr_serverless.runs", 24},
		"stopping":        {func(a *hindcast.EMRApplication) { a.State = "STOPPING" }, `note .*STOPPING: runs wait`, "emr_serverless.runs", 24},
		"capacity":        {func(a *hindcast.EMRApplication) { a.CPU, a.Memory = 400, 320 }, `ok`, "maximumCapacity of the application", 5},
		"a queue":         {func(a *hindcast.EMRApplication) { a.Runs = 7 }, `ok`, "maxConcurrentRuns of the application", 7},
		"small subnets":   {func(a *hindcast.EMRApplication) { a.Subnets = []string{w.account.Small} }, `ok`, "addresses of all subnets", 14},
		"no subnets":      {func(a *hindcast.EMRApplication) { a.Subnets = nil }, `ok`, "emr_serverless.runs", 24},
	} {
		is := ready
		c.change(&is)
		w.application = &is
		r := w.look()
		w.says(r, `^application 00fexample \| `+c.says)
		w.caps(r, c.cap, c.runs)
		if strings.Contains(name, "small") {
			w.says(r, `^E-AWS workers in subnet-\w+ \(the application\) have no route to S3`)
		} else if len(r.Stops()) > 0 {
			t.Errorf("%s: %v", name, r.Stops())
		}
	}

	w.application = &ready
	w.account.Quota("L-D05C8A75", 16)
	w.caps(w.look(), "vCPU of the account", 1)
	w.application, w.refusal = nil, &hindcast.Error{Code: hindcast.EEMR, Class: hindcast.ClassPermanent, Message: "EMR Serverless in eu-central-1 has no application 00fexample"}
	w.says(w.look(), `^E-EMR EMR Serverless in eu-central-1 has no application 00fexample`)
	w.refusal = &hindcast.Error{Code: hindcast.EPermission, Class: hindcast.ClassPermanent, Message: "access denied: emr-serverless:GetApplication: no policy allows it"}
	if r := w.look(); len(r.Stops()) > 0 || len(r.Unasked) != 1 {
		t.Errorf("%v, unasked %v", r.Stops(), r.Unasked)
	}
}

// caps checks which limit is the smallest.
func (w *world) caps(r *preflight.Report, name string, runs int) {
	w.Helper()
	for _, l := range r.Limits {
		if l.Smallest != (l.Name == name) || l.Smallest && l.Runs != runs {
			w.Errorf("%+v; want %s: %d", l, name, runs)
		}
	}
}

// What is reached by an address of its own may be another account's.
func (w *world) elsewhere() {
	for at, pattern := range map[string]string{
		"redshift://u@shop.abc.eu-central-1.redshift.amazonaws.com:5439/shop":                              `^cluster shop \| unknown \| has another address than`,
		"redshift+iam://shop.abc.eu-central-1.redshift.amazonaws.com/shop":                                 `^cluster shop \| unknown \| has another address than`,
		"redshift://u@SHOP:5440/shop":                                                                      `^cluster shop \| note \| listens on port 5439, and .warehouse:. says 5440`,
		"redshift+iam://shop/shop?host=localhost:15439":                                                    `^cluster shop \| ok \| is available`,
		"redshift://u@other.abc.eu-central-1.redshift.amazonaws.com:5439/shop":                             `^warehouse other \| unknown \| is not in this account in eu-central-1`,
		"redshift://u@quick.210987654321.eu-central-1.redshift-serverless.amazonaws.com/shop":              `^warehouse quick \| unknown \| is of another account`,
		"redshift+iam://other/shop?serverless=true&host=localhost:5439":                                    `^warehouse other \| unknown \| is not in this account`,
		"redshift://u@quick." + preflighttest.Number + ".eu-central-1.redshift-serverless.amazonaws.com/a": `^workgroup quick \| ok \| is available`,
	} {
		w.at(at, "my-lake")
		r := w.look()
		w.says(r, pattern)
		if len(r.Missing) > 0 {
			w.Errorf("%s: %v", at, r.Missing)
		}
	}
	w.at("redshift+iam://quick/shop?serverless=false", "my-lake")
	w.says(w.look(), `^E-WAREHOUSE there is no cluster quick in eu-central-1`)
}

// What a connection with credentials of AWS takes is simulated, by what the URL says and Redshift answers.
func (w *world) warehouseRights() {
	redshift := "arn:aws:redshift:" + preflighttest.Region + ":" + preflighttest.Number + ":"
	workgroup := "arn:aws:redshift-serverless:" + preflighttest.Region + ":" + preflighttest.Number + ":workgroup/0f9e8d7c-1234-4321-9876-0123456789ab"
	data := []string{"redshift-data:CancelStatement *", "redshift-data:DescribeStatement *", "redshift-data:GetStatementResult *"}
	secret := "arn:aws:secretsmanager:eu-central-1:" + preflighttest.Number + ":secret:shop"
	for at, want := range map[string][]string{
		"redshift://u@SHOP:5439/shop":                        nil,
		"redshift+iam://shop/shop":                           {"redshift:DescribeClusters *", "redshift:GetClusterCredentialsWithIAM " + redshift + "dbname:shop/shop"},
		"redshift+iam://shop/shop?serverless=false&host=h:1": {"redshift:GetClusterCredentialsWithIAM " + redshift + "dbname:shop/shop"},
		"redshift+iam://shop/shop?user=me":                   {"redshift:DescribeClusters *", "redshift:GetClusterCredentials " + redshift + "dbname:shop/shop", "redshift:GetClusterCredentials " + redshift + "dbuser:shop/me"},
		"redshift+iam://quick/shop":                          {"redshift-serverless:GetCredentials " + workgroup, "redshift-serverless:GetWorkgroup " + workgroup},
		"redshift-data://shop/shop?secret=" + secret:         append([]string{"redshift-data:ExecuteStatement " + redshift + "cluster:shop", "redshift:DescribeClusters *", "secretsmanager:GetSecretValue " + secret}, data...),
		"redshift-data://quick/shop?serverless=true":         append([]string{"redshift-data:ExecuteStatement " + workgroup, "redshift-serverless:GetCredentials " + workgroup}, data...),
	} {
		w.account.Forms = nil
		w.at(at, "my-lake")
		w.look()
		var got []string
		for _, form := range w.account.Forms {
			for name, values := range form {
				about, _, _ := strings.Cut(values[0], ":")
				if strings.HasPrefix(name, "ActionNames.") && (strings.HasPrefix(about, "redshift") || about == "secretsmanager") {
					got = append(got, values[0]+" "+form.Get("ResourceArns.member.1"))
				}
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			w.Errorf("%s:\n%s", at, strings.Join(got, "\n"))
		}
	}
	w.account.Deny("redshift:DescribeClusters")
	w.at("redshift+iam://gone/shop", "my-lake")
	w.says(w.look(), `^warehouse gone \| unknown \| cannot be asked: redshift:DescribeClusters is denied`)
	for _, at := range []string{"redshift+iam://quick/shop", "redshift-data://quick/shop"} { // there may be a cluster of the name: a connection asks the same
		w.at(at, "my-lake")
		r := w.look()
		w.says(r, `^E-PERMISSION access denied: redshift:DescribeClusters: .* -> allow .* serverless=true \(a workgroup\)`)
		if len(r.Stops()) != 1 {
			w.Errorf("%s: %v stop a run", at, r.Stops())
		}
	}
	w.account.Decide("redshift-serverless:GetCredentials", "implicitDeny")
	w.at("redshift+iam://quick/shop?serverless=true", "my-lake")
	w.says(w.look(), `^E-PERMISSION user/etl may not do redshift-serverless:GetCredentials on arn:aws:redshift-serverless:`)
}

// refused is a bucket that may not be listed without a prefix.
type refused struct{}

func (refused) Region(context.Context) (string, error) {
	return preflighttest.Region, &hindcast.Error{Code: hindcast.EPermission, Message: "access denied: s3:ListBucket"}
}

// A bucket that may be listed below a prefix alone says where it is, and stops nothing.
func (w *world) unlisted() {
	client, err := awsquery.Open(w.Context(), preflighttest.Region)
	if err != nil {
		w.Fatal(err)
	}
	r, err := preflight.Look(w.Context(), preflight.Options{Pipeline: w.p, Client: client, Bucket: refused{}})
	if err != nil || len(r.Missing) > 0 {
		w.Errorf("%v, %v", err, r)
	}
	w.says(r, `^bucket my-lake \| note \| is there, in eu-central-1; it cannot be listed as a whole`)
}

// A right that is not there is a problem; what could not be asked is unknown.
func TestRights(t *testing.T) {
	w := newWorld(t)
	w.account.Decide("iam:PassRole", "implicitDeny")
	w.account.Decide("s3:DeleteObject", "explicitDeny")
	r := w.look()
	w.says(r, `^E-PERMISSION user/etl may not do iam:PassRole on arn:aws:iam::123456789012:role/jobs/hindcast-glue, as IAM simulates it -> allow it in a policy of user/etl$`)
	w.says(r, `^E-PERMISSION role hindcast-glue may not do s3:DeleteObject on arn:aws:s3:::my-lake/costs/object, .* -> a policy denies it by name`)
	if len(r.Stops()) > 0 {
		t.Errorf("a simulation stops a run: %v", r.Stops())
	}
	if len(r.Missing) != 3 {
		t.Errorf("%v", r.Missing)
	}

	for _, action := range []string{"ec2:DescribeSubnets", "iam:SimulatePrincipalPolicy", "iam:GetRole", "servicequotas:GetServiceQuota", "glue:GetJobRuns", "redshift:DescribeClusters"} {
		w.account.Deny(action)
	}
	r = w.look()
	if len(r.Missing) != 0 || len(r.Unasked) != 6 || r.Unknowns < 6 {
		t.Errorf("missing %v, unasked %v, %d unknown", r.Missing, r.Unasked, r.Unknowns)
	}
	w.says(r, `^subnets \| unknown \| cannot be asked: ec2:DescribeSubnets is denied$`)
	w.says(r, `^quotas \| unknown \|`)
	for _, l := range r.Limits {
		if strings.Contains(l.Name, "account") != l.Assumed && l.Name != "concurrent runs of a job" {
			t.Errorf("%+v", l)
		}
	}
	w.private(r)
	w.account.Deny("glue:GetConnection")
	w.account.Deny("ec2:DescribeRouteTables")
	w.says(w.look(), `^connection vpc-c \| unknown \| cannot be asked: glue:GetConnection is denied$`)
	w.account.Deny("sts:GetCallerIdentity")
	client, err := awsquery.Open(t.Context(), preflighttest.Region)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := preflight.Look(t.Context(), preflight.Options{Pipeline: w.p, Client: client}); hindcast.AsError(err).Code != hindcast.EPermission {
		t.Errorf("%v", err)
	}
}

// botocore writes the same request for a simulation, and reads the stand-in's answers, so that they have the documented form.
func TestTheStandInSpeaksAsBotocoreDoes(t *testing.T) {
	w := newWorld(t)
	w.look()
	ours := map[string]url.Values{}
	for _, form := range w.account.Forms {
		if form.Get("PolicySourceArn") == "arn:aws:iam::"+preflighttest.Number+":user/etl" {
			ours[form.Get("ActionNames.member.1")] = form
		}
	}
	w.account.Forms = nil
	out := runPython(t.Context(), t, w.account, `
import boto3, json, sys
iam, quotas, serverless = boto3.client("iam"), boto3.client("service-quotas"), boto3.client("redshift-serverless")
role = "arn:aws:iam::123456789012:role/jobs/hindcast-glue"
is_ = iam.simulate_principal_policy(PolicySourceArn="arn:aws:iam::123456789012:user/etl", ActionNames=["iam:PassRole"], ResourceArns=[role],
    ContextEntries=[{"ContextKeyName": "iam:PassedToService", "ContextKeyType": "string", "ContextKeyValues": ["glue.amazonaws.com"]}])
print(json.dumps([is_["EvaluationResults"][0]["EvalDecision"], is_["EvaluationResults"][0]["EvalActionName"],
    quotas.get_service_quota(ServiceCode="glue", QuotaCode="L-08F3B322")["Quota"]["Value"],
    serverless.get_workgroup(workgroupName="quick")["workgroup"]["baseCapacity"], serverless.get_namespace(namespaceName="quick-space")["namespace"]["iamRoles"]]))
for call in (lambda: quotas.get_service_quota(ServiceCode="glue", QuotaCode="L-0"), lambda: serverless.get_workgroup(workgroupName="gone")):
    try:
        call()
    except Exception as e:
        print(type(e).__name__)
`)
	var said []any
	first, rest, _ := strings.Cut(out, "\n")
	if err := json.Unmarshal([]byte(first), &said); err != nil || fmt.Sprint(said[:4]) != "[allowed iam:PassRole 1000 128]" || rest != "NoSuchResourceException\nResourceNotFoundException\n" {
		t.Errorf("%v: %s", err, out)
	}
	if len(w.account.Forms) != 1 || w.account.Forms[0].Encode() != ours["iam:PassRole"].Encode() {
		t.Errorf("ours %v\nbotocore's %v", ours["iam:PassRole"], w.account.Forms)
	}
}

func runPython(ctx context.Context, t *testing.T, a *preflighttest.Account, script string) string {
	t.Helper()
	command := exec.CommandContext(ctx, pythontest.Python(t, "aws"), "-c", script)
	command.Env = append(os.Environ(), a.Env()...)
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
