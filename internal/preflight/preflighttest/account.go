// Package preflighttest has a stand-in for an AWS account: moto's server, which knows identities, roles, networks, connections, buckets and clusters, and
// before it what moto does not know, as Amazon documents it: simulations of policies, quotas of Glue and Redshift Serverless.
package preflighttest

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/hindcast/hindcast/internal/pythontest"
)

//go:embed seed.py
var seed string

// What the account is.
const (
	Number = "123456789012" // moto's
	Region = "eu-central-1"

	workgroupARN = "arn:aws:redshift-serverless:" + Region + ":" + Number + ":workgroup/0f9e8d7c-1234-4321-9876-0123456789ab"
)

// Account is a stand-in.
type Account struct {
	Endpoint string
	ID       string `json:"id"` // of an access key of the user etl
	Secret   string `json:"secret"`
	Address  string `json:"address"` // of the cluster shop
	Group    string `json:"group"`
	VPC      string `json:"vpc"`
	Small    string `json:"small"` // a subnet of 59 addresses, without a route to S3
	Subnets  map[string]string

	mutex     sync.Mutex
	denied    map[string]bool    // actions that may not be called
	decisions map[string]string  // of simulations, where they are not allowed
	quotas    map[string]float64 // which the account has itself
	Forms     []url.Values       // of the simulations that were asked for
}

// Start makes an account that has a pipeline's needs.
func Start(t testing.TB) *Account {
	t.Helper()
	moto, err := url.Parse(pythontest.Moto(t))
	if err != nil {
		t.Fatal(err)
	}
	a := &Account{denied: map[string]bool{}, decisions: map[string]string{}, quotas: map[string]float64{"L-5E4153CA": 200, "L-F574AED9": 1000, "L-08F3B322": 1000, "L-D05C8A75": 400}}
	behind := httputil.NewSingleHostReverseProxy(moto)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !a.answer(w, r) {
			behind.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	a.Endpoint = server.URL

	command := exec.CommandContext(t.Context(), pythontest.Python(t, "aws"), "-c", seed, Region, Number)
	command.Env = append(os.Environ(), a.env("testing", "testing")...)
	command.Stderr = os.Stderr
	said, err := command.Output()
	if err == nil {
		err = json.Unmarshal(said, a)
	}
	if err != nil {
		t.Fatalf("making an account: %v", err)
	}
	return a
}

// Env are the variables by which the AWS tools reach the account as its user.
func (a *Account) Env() []string { return a.env(a.ID, a.Secret) }

func (a *Account) env(id, secret string) []string {
	return []string{"AWS_ENDPOINT_URL=" + a.Endpoint, "AWS_ACCESS_KEY_ID=" + id, "AWS_SECRET_ACCESS_KEY=" + secret, "AWS_REGION=" + Region, "AWS_DEFAULT_REGION=" + Region,
		"AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null"}
}

// Deny refuses an action from here on, ec2:DescribeSubnets for one.
func (a *Account) Deny(action string) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.denied[action] = true
}

// Decide has simulations of an action end so: implicitDeny or explicitDeny.
func (a *Account) Decide(action, decision string) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.decisions[action] = decision
}

// Quota sets a value of the account's quotas.
func (a *Account) Quota(code string, value float64) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.quotas[code] = value
}

var signedFor = regexp.MustCompile(`/([a-z0-9-]+)/aws4_request`)

// answer answers what moto does not know, and what is refused.
func (a *Account) answer(w http.ResponseWriter, r *http.Request) bool {
	found := signedFor.FindStringSubmatch(r.Header.Get("Authorization"))
	if len(found) == 0 || found[1] == "s3" {
		return false
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return false
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	form, err := url.ParseQuery(string(body))
	if err != nil {
		form = url.Values{}
	}
	_, action, isJSON := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if !isJSON {
		action = form.Get("Action")
	}

	a.mutex.Lock()
	defer a.mutex.Unlock()
	switch service := found[1]; {
	case a.denied[service+":"+action]:
		a.refuse(w, service, action, isJSON)
	case action == "SimulatePrincipalPolicy":
		a.simulate(w, form)
	case service == "servicequotas":
		a.quota(w, body)
	case action == "GetWorkgroup":
		serverless(w, body, "workgroupName", `{"workgroup":{"workgroupName":"quick","workgroupArn":"`+workgroupARN+`","namespaceName":"quick-space","status":"AVAILABLE","baseCapacity":128,"creationDate":"2026-01-02T03:04:05.000Z"}}`)
	case action == "GetNamespace":
		serverless(w, body, "namespaceName", `{"namespace":{"namespaceName":"quick-space","status":"AVAILABLE","iamRoles":["IamRole(applyStatus=in-sync, iamRoleArn=arn:aws:iam::`+
			Number+`:role/redshift)"]}}`)
	default:
		return false
	}
	return true
}

func writeJSON(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

func writeXML(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

// refuse is an answer to those who may not ask, as each protocol has it.
func (a *Account) refuse(w http.ResponseWriter, service, action string, isJSON bool) {
	text := fmt.Sprintf("User: arn:aws:iam::%s:user/etl is not authorized to perform: %s:%s because no identity-based policy allows it", Number, service, action)
	switch {
	case isJSON:
		writeJSON(w, http.StatusBadRequest, fmt.Sprintf(`{"__type":"AccessDeniedException","Message":%q}`, text))
	case service == "ec2":
		writeXML(w, http.StatusForbidden, "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>"+text+"</Message></Error></Errors><RequestID>1</RequestID></Response>")
	default:
		writeXML(w, http.StatusForbidden, "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>"+text+"</Message></Error><RequestId>1</RequestId></ErrorResponse>")
	}
}

// simulate answers for each action that was asked for.
func (a *Account) simulate(w http.ResponseWriter, form url.Values) {
	a.Forms = append(a.Forms, form)
	var out strings.Builder
	out.WriteString(`<SimulatePrincipalPolicyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><SimulatePrincipalPolicyResult><IsTruncated>false</IsTruncated><EvaluationResults>`)
	for n := 1; form.Get(fmt.Sprintf("ActionNames.member.%d", n)) != ""; n++ {
		action := form.Get(fmt.Sprintf("ActionNames.member.%d", n))
		decision := a.decisions[action]
		if decision == "" {
			decision = "allowed"
		}
		fmt.Fprintf(&out, `<member><MatchedStatements/><MissingContextValues/><EvalResourceName>%s</EvalResourceName><EvalDecision>%s</EvalDecision><EvalActionName>%s</EvalActionName></member>`,
			form.Get("ResourceArns.member.1"), decision, action)
	}
	out.WriteString(`</EvaluationResults></SimulatePrincipalPolicyResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></SimulatePrincipalPolicyResponse>`)
	writeXML(w, http.StatusOK, out.String())
}

// quota answers with a quota of Glue, or of EMR Serverless.
func (a *Account) quota(w http.ResponseWriter, body []byte) {
	var in struct{ ServiceCode, QuotaCode string }
	value, known := 0.0, false
	if json.Unmarshal(body, &in) == nil && (in.ServiceCode == "glue") != (in.QuotaCode == "L-D05C8A75") {
		value, known = a.quotas[in.QuotaCode]
	}
	if in.QuotaCode == "L-611FDDE4" { // of which the account has no value of its own
		value, known = 1000, true
	}
	if !known {
		writeJSON(w, http.StatusBadRequest, `{"__type":"NoSuchResourceException","Message":"The request failed because the specified service quota doesn't exist."}`)
		return
	}
	writeJSON(w, http.StatusOK, fmt.Sprintf(`{"Quota":{"ServiceCode":"glue","ServiceName":"AWS Glue","QuotaArn":"arn:aws:servicequotas:%s:%s:glue/%s","QuotaCode":%q,"Value":%v,"Unit":"None","Adjustable":true,"GlobalQuota":false}}`,
		Region, Number, in.QuotaCode, in.QuotaCode, value))
}

func serverless(w http.ResponseWriter, body []byte, key, text string) {
	var in map[string]string
	if json.Unmarshal(body, &in) != nil || !strings.Contains(text, fmt.Sprintf("%q:%q", key, in[key])) {
		writeJSON(w, http.StatusBadRequest, `{"__type":"ResourceNotFoundException","message":"it was not found"}`)
		return
	}
	writeJSON(w, http.StatusOK, text)
}
