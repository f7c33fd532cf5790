package preflight

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/awsquery"
)

// identity is who asks.
type identity struct {
	arn       string // as STS has it
	account   string
	partition string // aws
	policies  string // the ARN of the user or role whose policies say what is allowed; "" if there is none
}

// identify says who asks, and with which credentials. Without an answer nothing else is asked.
func (l *look) identify(ctx context.Context, f *findings) error {
	keys, err := l.Client.Credentials(ctx)
	if err != nil {
		return err
	}
	source, kind := sourceOf(keys.Source)
	expiry := ""
	if keys.CanExpire {
		expiry = ", until " + keys.Expires.UTC().Format("2006-01-02 15:04") + " UTC"
	}

	var is struct {
		ARN     string `xml:"GetCallerIdentityResult>Arn"`
		Account string `xml:"GetCallerIdentityResult>Account"`
	}
	if err := l.Client.Query(ctx, awsquery.STS, "GetCallerIdentity", nil, &is); err != nil {
		return err
	}
	l.who = l.principal(ctx, is.ARN, is.Account)
	f.add(Fine, "identity", is.ARN)
	f.add(Fine, "credentials", source+expiry)
	f.add(Fine, "region", l.Client.Region())
	if keys.CanExpire && time.Until(keys.Expires) < 5*time.Minute && kind == "variables" {
		f.add(Noted, "credentials", "nothing renews them: a longer run ends when they do")
	}
	f.note("credentials: " + kind + ", " + strings.SplitN(resource(is.ARN), "/", 2)[0])
	return nil
}

// principal finds whose policies the caller has.
func (l *look) principal(ctx context.Context, arn, account string) identity {
	parts := strings.SplitN(arn, ":", 6)
	who := identity{arn: arn, account: account, partition: "aws"}
	if len(parts) < 6 {
		return who
	}
	who.partition = parts[1]
	names := strings.Split(parts[5], "/")
	switch names[0] {
	case "user":
		who.policies = arn
	case "assumed-role": // which has the role's name without its path
		if len(names) > 1 {
			who.policies = fmt.Sprintf("arn:%s:iam::%s:role/%s", who.partition, account, names[1])
			if found, err := l.role(ctx, names[1]); err == nil {
				who.policies = found.ARN
			}
		}
	}
	return who
}

// resource is the last part of an ARN.
func resource(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	return parts[len(parts)-1]
}

// sources are the providers of the SDK in words for people, and a word of each for an issue.
var sources = []struct{ provider, words, kind string }{
	{"EnvConfigCredentials", "the variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY", "variables"},
	{"SharedConfigCredentials", "a profile of ", "profile"},
	{"SSOProvider", "a session of IAM Identity Center", "identity center"},
	{"LoginProvider", "aws login", "login"},
	{"ProcessProvider", "the program of credential_process", "process"},
	{"WebIdentityCredentials", "a role by a web identity token", "web identity"},
	{"AssumeRoleProvider", "a role that a profile assumes", "assumed role"},
	{"CredentialsEndpointProvider", "the container's role", "container"},
	{"EC2RoleProvider", "the instance's role", "instance"},
}

func sourceOf(provider string) (words, kind string) {
	name, detail, _ := strings.Cut(provider, ": ")
	for _, s := range sources {
		if s.provider == name {
			return s.words + detail, s.kind
		}
	}
	return provider, "other"
}

// roleAnswer is what IAM says of a role.
type roleAnswer struct {
	ARN   string `xml:"GetRoleResult>Role>Arn"`
	Trust string `xml:"GetRoleResult>Role>AssumeRolePolicyDocument"` // encoded as in a URL
}

func (l *look) role(ctx context.Context, name string) (is roleAnswer, err error) {
	err = l.Client.Query(ctx, awsquery.IAM, "GetRole", url.Values{"RoleName": {name}}, &is)
	return is, err
}

// trusted looks at a role that a service is to assume, and returns its ARN, which is made up where it cannot be asked.
func (l *look) trusted(ctx context.Context, what, role, service, key string, f *findings) (arn string) {
	name := role[strings.LastIndexByte(role, '/')+1:]
	arn = role
	if !strings.HasPrefix(role, "arn:") {
		arn = fmt.Sprintf("arn:%s:iam::%s:role/%s", l.who.partition, l.who.account, role)
	}
	place := l.Pipeline.Places[key]
	if parts := strings.Split(arn, ":"); len(parts) > 4 && parts[4] != l.who.account {
		f.add(Unknown, what, "is of another account, which can be asked only there")
		return arn
	}

	is, err := l.role(ctx, name)
	switch {
	case awsquery.Code(err) == "NoSuchEntity":
		f.wrong(what, "there is no such role", &hindcast.Error{Place: place, Message: "there is no role " + name + " in this account",
			Next: "create it with a trust policy for " + service + ", or correct " + key})
		return ""
	case err != nil:
		f.unknown(what, err)
		return arn
	}
	switch trust(is.Trust, service) {
	case trusts:
		f.add(Fine, what, "is there, and trusts "+service)
	case mayTrust:
		f.add(Unknown, what, "is there; whether it trusts "+service+", its trust policy does not say by itself")
	case trustsNot:
		f.wrong(what, "does not trust "+service, &hindcast.Error{Place: place, Message: "role " + name + " does not let " + service + " assume it",
			Next: "add to its trust policy: Allow sts:AssumeRole, Principal {\"Service\": \"" + service + "\"}"})
	}
	return is.ARN
}

// texts is a string or a list of them, as policies have it.
type texts []string

// UnmarshalJSON takes both.
func (t *texts) UnmarshalJSON(body []byte) error {
	var one string
	if json.Unmarshal(body, &one) == nil {
		*t = texts{one}
		return nil
	}
	return json.Unmarshal(body, (*[]string)(t))
}

// trusting is what a trust policy says of a service.
type trusting int

const (
	mayTrust trusting = iota // it cannot be read, or conditions and the like decide
	trusts
	trustsNot
)

// principal is whom a statement of a policy is about.
type principal struct {
	everybody bool
	services  texts
	unread    bool
}

// UnmarshalJSON takes "*" and the kinds of principals.
func (p *principal) UnmarshalJSON(body []byte) error {
	var one string
	if json.Unmarshal(body, &one) == nil {
		p.everybody = one == "*"
		return nil
	}
	var who struct{ Service, AWS texts }
	p.unread = json.Unmarshal(body, &who) != nil
	p.services, p.everybody = who.Service, slices.Contains(who.AWS, "*") || slices.Contains(who.Service, "*")
	return nil
}

// trust says whether a trust policy lets a service assume the role, as far as its statements say it without their conditions.
func trust(encoded, service string) trusting {
	text, err := url.PathUnescape(encoded)
	if err != nil {
		return mayTrust
	}
	type statement struct {
		Effect                  string
		Principal               principal
		NotPrincipal, Condition json.RawMessage
	}
	var document struct{ Statement json.RawMessage }
	if json.Unmarshal([]byte(text), &document) != nil {
		return mayTrust
	}
	var statements []statement
	if json.Unmarshal(document.Statement, &statements) != nil {
		var one statement
		if json.Unmarshal(document.Statement, &one) != nil {
			return mayTrust
		}
		statements = []statement{one}
	}

	found := trustsNot
	for _, s := range statements {
		if s.Effect != "Allow" {
			continue
		}
		if s.Principal.everybody || slices.ContainsFunc(s.Principal.services, func(name string) bool { return speaksFor(name, service) }) {
			return trusts
		}
		if s.Principal.unread || s.NotPrincipal != nil || s.Condition != nil {
			found = mayTrust
		}
	}
	return found
}

var ofAmazon = regexp.MustCompile(`^([a-z0-9-]+\.)?amazonaws\.(com|com\.cn|eu)$`)

// speaksFor reports whether the name of a service in a policy is the service's: as it is, of one region (redshift.eu-central-1.amazonaws.com), in another
// partition, or that of Redshift Serverless.
func speaksFor(name, service string) bool {
	first, rest, _ := strings.Cut(name, ".")
	own, _, _ := strings.Cut(service, ".")
	if first != own && first != own+"-serverless" {
		return false
	}
	return ofAmazon.MatchString(rest)
}
