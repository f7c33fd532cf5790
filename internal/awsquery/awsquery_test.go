package awsquery_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/awsquery"
)

// configured sets where the AWS tools look for things.
func configured(t *testing.T, more ...string) {
	t.Helper()
	for _, pair := range append([]string{"AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret", "AWS_SESSION_TOKEN=", "AWS_PROFILE=", "AWS_REGION=eu-central-1", "AWS_ENDPOINT_URL=",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_CA_BUNDLE=", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null"}, more...) {
		name, value, _ := strings.Cut(pair, "=")
		t.Setenv(name, value)
	}
}

func open(t *testing.T, region string) *awsquery.Client {
	t.Helper()
	c, err := awsquery.Open(t.Context(), region)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A request has the action's parameters in the service's protocol, and a signature for service and region.
func TestRequests(t *testing.T) {
	var last *http.Request
	var body string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		last, body = r, string(text)
		if r.Header.Get("X-Amz-Target") != "" {
			_, _ = io.WriteString(w, `{"Quota":{"Value":12.0}}`)
			return
		}
		_, _ = io.WriteString(w, `<R xmlns="https://x"><R2><Arn>a:b</Arn></R2></R>`)
	}))
	defer server.Close()
	configured(t, "AWS_ENDPOINT_URL="+server.URL)
	c := open(t, "")

	var who struct {
		ARN string `xml:"R2>Arn"`
	}
	if err := c.Query(t.Context(), awsquery.IAM, "GetRole", url.Values{"RoleName": {"a b&c"}}, &who); err != nil || who.ARN != "a:b" {
		t.Fatalf("%v, %+v", err, who)
	}
	if form, err := url.ParseQuery(body); err != nil || form.Get("Action") != "GetRole" || form.Get("Version") != "2010-05-08" || form.Get("RoleName") != "a b&c" {
		t.Errorf("asked with %s (%v)", body, err)
	}
	if got := last.Header.Get("Authorization"); !strings.Contains(got, "/us-east-1/iam/aws4_request") {
		t.Errorf("IAM's signature is %s", got)
	}

	var quota struct{ Quota struct{ Value float64 } }
	if err := c.In("us-west-2").JSON(t.Context(), awsquery.ServiceQuotas, "GetServiceQuota", map[string]string{"QuotaCode": "L-1"}, &quota); err != nil || quota.Quota.Value != 12 {
		t.Fatalf("%v, %+v", err, quota)
	}
	if got := last.Header.Get("Authorization"); !strings.Contains(got, "/us-west-2/servicequotas/aws4_request") || body != `{"QuotaCode":"L-1"}` ||
		last.Header.Get("X-Amz-Target") != "ServiceQuotasV20190624.GetServiceQuota" {
		t.Errorf("asked with %s, %s, %v", got, body, last.Header)
	}
}

// What a service answers is told by its code, however the protocol writes it; what only reads is asked again where that may help.
func TestFaults(t *testing.T) {
	var answers []func(http.ResponseWriter)
	calls := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls++
		answers[min(calls, len(answers))-1](w)
	}))
	defer server.Close()
	configured(t, "AWS_ENDPOINT_URL="+server.URL)
	c := open(t, "").Hurry()
	says := func(status int, text string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { w.WriteHeader(status); _, _ = io.WriteString(w, text) }
	}
	throttled := says(400, `<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>`)
	broken := says(500, "<html>")
	fine := says(200, "<R/>")

	for name, test := range map[string]struct {
		action  string
		answers []func(http.ResponseWriter)
		calls   int
		code    hindcast.Code
		class   hindcast.Class
		text    string
	}{
		"throttled, then fine":      {"ResizeCluster", []func(http.ResponseWriter){throttled, fine}, 2, "", "", ""},
		"throttled on and on":       {"DescribeClusters", []func(http.ResponseWriter){throttled}, 4, hindcast.EAWS, hindcast.ClassTransient, "Rate exceeded"},
		"broken while it reads":     {"DescribeClusters", []func(http.ResponseWriter){broken, fine}, 2, "", "", ""},
		"broken while it changes":   {"ResizeCluster", []func(http.ResponseWriter){broken}, 1, hindcast.EAWS, hindcast.ClassTransient, "redshift:ResizeCluster failed: HTTP 500"},
		"denied as IAM has it":      {"GetRole", []func(http.ResponseWriter){says(403, `<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>`)}, 1, hindcast.EPermission, hindcast.ClassPermanent, "access denied: redshift:GetRole: no"},
		"denied as EC2 has it":      {"DescribeSubnets", []func(http.ResponseWriter){says(403, `<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors></Response>`)}, 1, hindcast.EPermission, hindcast.ClassPermanent, "no"},
		"denied as JSON has it":     {"GetJob", []func(http.ResponseWriter){says(400, `{"__type":"com.amazon#AccessDeniedException","Message":"no"}`)}, 1, hindcast.EPermission, hindcast.ClassPermanent, "no"},
		"keys that are unknown":     {"GetJob", []func(http.ResponseWriter){says(403, `{"__type":"UnrecognizedClientException","message":"bad token"}`)}, 1, hindcast.ECredentials, hindcast.ClassPermanent, "UnrecognizedClientException, bad token"},
		"a clock that is off":       {"GetJob", []func(http.ResponseWriter){says(403, `<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>Signature expired: x</Message></Error></ErrorResponse>`)}, 1, hindcast.EClock, hindcast.ClassPermanent, "clock"},
		"an answer that is neither": {"ResizeCluster", []func(http.ResponseWriter){says(200, "<html")}, 1, hindcast.EAWS, hindcast.ClassPermanent, "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			answers, calls = test.answers, 0
			var out struct{}
			err := c.Query(t.Context(), awsquery.Redshift, test.action, nil, &out)
			if calls != test.calls {
				t.Errorf("%d calls", calls)
			}
			if test.code == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			e, is := errors.AsType[*hindcast.Error](err)
			if !is || e.Code != test.code || e.Class != test.class || !strings.Contains(e.Message, test.text) || e.Next == "" {
				t.Errorf("%+v", err)
			}
		})
	}
}

// Nothing that is missing here leads to a call, and nobody who does not answer to a crash.
func TestWhatIsMissing(t *testing.T) {
	ctx := t.Context()
	ask := func(c *awsquery.Client) error {
		return c.Once().Query(ctx, awsquery.STS, "GetCallerIdentity", nil, &struct{}{})
	}
	configured(t, "AWS_REGION=", "AWS_DEFAULT_REGION=")
	if _, err := awsquery.Open(ctx, ""); hindcast.AsError(err).Code != hindcast.EValue {
		t.Errorf("without a region: %v", err)
	}
	configured(t, "AWS_ENDPOINT_URL=http://127.0.0.1:1")
	if err := ask(open(t, "")); hindcast.AsError(err).Code != hindcast.EUnreachable || !strings.Contains(err.Error(), "refused") {
		t.Errorf("with nobody there: %v", err)
	}
	configured(t, "AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY=")
	if err := ask(open(t, "")); hindcast.AsError(err).Code != hindcast.ECredentials {
		t.Errorf("without credentials: %v", err)
	}
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	configured(t)
	if err := open(t, "").Query(canceled, awsquery.STS, "GetCallerIdentity", nil, &struct{}{}); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}

// Endpoints are looked for in the SDKs' order.
func TestEndpoints(t *testing.T) {
	asked := ""
	serve := func(name string) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { asked = name; _, _ = io.WriteString(w, "{}") }))
		t.Cleanup(server.Close)
		return server.URL
	}
	all, one, file := serve("all"), serve("one"), serve("file")
	settings := filepath.Join(t.TempDir(), "config")
	text := fmt.Sprintf("[default]\nservices = here\n[services here]\nservice_quotas =\n  endpoint_url = %s\n", file)
	if err := os.WriteFile(settings, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		env  []string
		want string
	}{
		{[]string{"AWS_ENDPOINT_URL=" + all}, "all"},
		{[]string{"AWS_ENDPOINT_URL=" + all, "AWS_ENDPOINT_URL_SERVICE_QUOTAS=" + one}, "one"},
		{[]string{"AWS_ENDPOINT_URL=" + all, "AWS_ENDPOINT_URL_SERVICE_QUOTAS=", "AWS_CONFIG_FILE=" + settings}, "file"},
	} {
		configured(t, test.env...)
		c := open(t, "")
		asked = ""
		if err := c.JSON(t.Context(), awsquery.ServiceQuotas, "GetServiceQuota", json.RawMessage("{}"), &struct{}{}); err != nil || asked != test.want {
			t.Errorf("%v: asked %q, %v", test.env, asked, err)
		}
		if c.Own(t.Context(), awsquery.ServiceQuotas) {
			t.Errorf("%v: taken for Amazon's", test.env)
		}
	}
	configured(t, "AWS_ENDPOINT_URL="+all, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true", "AWS_ENDPOINT_URL_SERVICE_QUOTAS=")
	if c := open(t, ""); !c.Own(t.Context(), awsquery.ServiceQuotas) {
		t.Error("an endpoint that is to be ignored is not")
	}
}
