package preflight

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/awsquery"
	"github.com/hindcast/hindcast/internal/awsredshift"
	"github.com/hindcast/hindcast/internal/numbers"
)

// need is what somebody has to be allowed to do with something.
type need struct {
	actions  []string
	resource string
	passedTo string // the service that a role is passed to
}

// needer is whose rights are looked at.
type needer struct {
	what  string // you, role hindcast-glue
	arn   string // whose policies count
	needs []need
}

// rights asks IAM to simulate what a run will do. It is of policies alone: what a bucket's own policy gives or takes is not in it.
func (l *look) rights(ctx context.Context, role string, warehouse []need, f *findings) {
	if strings.HasSuffix(l.who.arn, ":root") {
		f.add(Noted, "rights", "the account's root user may do everything; take a role instead")
		f.note("rights: root")
		return
	}
	list := []needer{{"you", l.who.policies, append(l.ownNeeds(role), warehouse...)}}
	if role != "" && l.mine(role) {
		list = append(list, needer{"role " + short(role), role, l.lakeNeeds("s3:GetObject", "s3:PutObject", "s3:DeleteObject")})
	}
	if other := l.Pipeline.Redshift.Role; strings.HasPrefix(other, "arn:") && !strings.Contains(other, ",") && l.mine(other) && other != role {
		list = append(list, needer{"role " + short(other), other, l.lakeNeeds("s3:GetObject", "s3:PutObject")})
	}
	var said []string
	for _, n := range list {
		if len(n.needs) > 0 {
			said = append(said, strings.SplitN(n.what, " ", 2)[0]+" "+l.simulate(ctx, n, f))
		}
	}
	if len(said) > 0 {
		f.note("rights: " + strings.Join(said, ", "))
	}
}

// mine reports whether a role is of this account, whose IAM is asked.
func (l *look) mine(role string) bool { return strings.Contains(role, "::"+l.who.account+":") }

// ownNeeds are those of who runs hindcast.
func (l *look) ownNeeds(role string) []need {
	list := l.lakeNeeds("s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload")
	if l.onEMR() {
		return append(list, l.emrNeeds(role)...)
	}
	if !l.onGlue() {
		return list
	}
	arn := func(service, rest string) string { return l.arn(service, l.Client.Region(), rest) }
	list = append(list,
		need{actions: []string{"glue:GetJob", "glue:CreateJob", "glue:UpdateJob", "glue:StartJobRun", "glue:GetJobRun", "glue:GetJobRuns", "glue:BatchStopJobRun"},
			resource: arn("glue", "job/"+l.jobName())},
		need{actions: []string{"logs:GetLogEvents"}, resource: arn("logs", "log-group:/aws-glue/jobs/error:log-stream:run")})
	if role != "" {
		list = append(list, need{actions: []string{"iam:PassRole"}, resource: role, passedTo: "glue.amazonaws.com"})
	}
	return list
}

// arn is that of something of the account's.
func (l *look) arn(service, region, rest string) string {
	return fmt.Sprintf("arn:%s:%s:%s:%s:%s", l.who.partition, service, region, l.who.account, rest)
}

// warehouseNeeds are those of who connects to a Redshift of this account with credentials of AWS, or calls its Data API. Of one that is neither found
// nor said to be a cluster nothing is known but that it has to be found.
func (l *look) warehouseNeeds(n awsredshift.Named, is standing) []need {
	if n.Name == "" || n.Scheme == awsredshift.ByPassword || n.Account != "" && n.Account != l.who.account {
		return nil
	}
	what := cmp.Or(is.what, n.Kind)
	on := is.arn
	if what == awsredshift.Clustered {
		on = l.arn("redshift", n.Region, "cluster:"+n.Name)
	}

	var list []need
	overAPI := n.Scheme == awsredshift.ByDataAPI
	if n.Asks() {
		if what != awsredshift.Grouped {
			list = append(list, need{actions: []string{"redshift:DescribeClusters"}, resource: "*"})
		} else if on != "" {
			list = append(list, need{actions: []string{"redshift-serverless:GetWorkgroup"}, resource: on})
		}
	}
	if overAPI {
		list = append(list, need{actions: []string{"redshift-data:DescribeStatement", "redshift-data:GetStatementResult", "redshift-data:CancelStatement"}, resource: "*"})
		if on != "" {
			list = append(list, need{actions: []string{"redshift-data:ExecuteStatement"}, resource: on})
		}
	}
	if n.Secret != "" {
		if strings.HasPrefix(n.Secret, "arn:") {
			list = append(list, need{actions: []string{"secretsmanager:GetSecretValue"}, resource: n.Secret})
		}
		return list
	}
	return append(list, l.credentialNeeds(n, what, on)...)
}

// credentialNeeds are those of who asks for credentials of a database.
func (l *look) credentialNeeds(n awsredshift.Named, what awsredshift.Kind, on string) []need {
	database := l.arn("redshift", n.Region, "dbname:"+n.Name+"/"+n.Database)
	switch {
	case what == awsredshift.Clustered && n.User != "":
		user := l.arn("redshift", n.Region, "dbuser:"+n.Name+"/"+n.User)
		return []need{{actions: []string{"redshift:GetClusterCredentials"}, resource: user}, {actions: []string{"redshift:GetClusterCredentials"}, resource: database}}
	case what == awsredshift.Clustered:
		return []need{{actions: []string{"redshift:GetClusterCredentialsWithIAM"}, resource: database}}
	case what == awsredshift.Grouped && on != "":
		return []need{{actions: []string{"redshift-serverless:GetCredentials"}, resource: on}}
	}
	return nil
}

// lakeNeeds are those of who reads and writes the lake's bucket.
func (l *look) lakeNeeds(objects ...string) []need {
	if l.Pipeline.Lake.Scheme != "s3" {
		return nil
	}
	bucket := "arn:" + l.who.partition + ":s3:::" + l.Pipeline.Lake.URL.Host
	key := strings.TrimSuffix(l.Pipeline.Lake.URL.Path, "/") + "/object"
	return []need{{actions: objects, resource: bucket + key}, {actions: []string{"s3:ListBucket"}, resource: bucket}}
}

// verdict is what IAM says of an action.
type verdict struct {
	Action   string   `xml:"EvalActionName"`
	Decision string   `xml:"EvalDecision"`
	Lacking  []string `xml:"MissingContextValues>member"` // what conditions ask for, and the simulation was not told
	Boundary *bool    `xml:"PermissionsBoundaryDecisionDetail>AllowedByPermissionsBoundary"`
	Overall  *bool    `xml:"OrganizationsDecisionDetail>AllowedByOrganizations"`
}

// simulate asks for all that somebody needs, and says it in a few words for an issue.
func (l *look) simulate(ctx context.Context, n needer, f *findings) string {
	what := "rights of " + n.what
	if n.what == "you" {
		what = "your rights"
	}
	if n.arn == "" {
		f.add(Unknown, what, "cannot be simulated for this kind of identity")
		return "not simulated"
	}
	var allowed, total int
	var denied, unsure []string
	for _, need := range n.needs {
		list, err := l.evaluate(ctx, n.arn, need)
		if err != nil {
			f.unknown(what, err)
			return "not asked"
		}
		for _, v := range list {
			total++
			switch {
			case v.Decision == "allowed":
				allowed++
			case v.Decision == "implicitDeny" && len(v.Lacking) > 0:
				unsure = append(unsure, v.Action)
			default:
				denied = append(denied, v.Action)
				f.denied = append(f.denied, l.refusal(n, need, v))
			}
		}
	}

	found := fmt.Sprintf("%d of %s allowed, as IAM simulates them", allowed, numbers.Counted(total, "action"))
	switch {
	case len(denied) > 0:
		f.add(Wrong, what, found+"; denied: "+strings.Join(denied, ", "))
	case len(unsure) > 0:
		f.add(Unknown, what, found+"; conditions decide on "+strings.Join(unsure, ", "))
	default:
		f.add(Fine, what, found)
	}
	return fmt.Sprintf("%d/%d", allowed, total)
}

// evaluate asks for one need.
func (l *look) evaluate(ctx context.Context, arn string, n need) ([]verdict, error) {
	in := url.Values{"PolicySourceArn": {arn}, "ResourceArns.member.1": {n.resource}}
	for i, action := range n.actions {
		in.Set(fmt.Sprintf("ActionNames.member.%d", i+1), action)
	}
	if n.passedTo != "" {
		in.Set("ContextEntries.member.1.ContextKeyName", "iam:PassedToService")
		in.Set("ContextEntries.member.1.ContextKeyType", "string")
		in.Set("ContextEntries.member.1.ContextKeyValues.member.1", n.passedTo)
	}
	var is struct {
		List []verdict `xml:"SimulatePrincipalPolicyResult>EvaluationResults>member"`
	}
	err := l.Client.Query(ctx, awsquery.IAM, "SimulatePrincipalPolicy", in, &is)
	if err == nil && len(is.List) < len(n.actions) {
		err = fmt.Errorf("IAM answered for %d of %d actions", len(is.List), len(n.actions))
	}
	return is.List, err
}

// refusal is a right that is not there.
func (l *look) refusal(n needer, need need, v verdict) *hindcast.Error {
	e := &hindcast.Error{Code: hindcast.EPermission, Class: hindcast.ClassPermanent,
		Message: fmt.Sprintf("%s may not do %s on %s, as IAM simulates it", n.what, v.Action, need.resource), Next: "allow it in a policy of " + n.what}
	switch {
	case v.Overall != nil && !*v.Overall:
		e.Next = "a policy of the organization denies it: ask who keeps that"
	case v.Boundary != nil && !*v.Boundary:
		e.Next = "the permissions boundary denies it: ask who keeps that"
	case v.Decision == "explicitDeny":
		e.Next = "a policy denies it by name: take that out"
	case strings.HasPrefix(v.Action, "s3:"):
		e.Next += "; the bucket's own policy may allow it all the same, which a simulation does not see"
	}
	if n.what == "you" {
		e.Message = strings.Replace(e.Message, "you may", l.whoShort()+" may", 1)
		e.Next = strings.Replace(e.Next, "a policy of you", "a policy of "+l.whoShort(), 1)
	}
	return e
}

// whoShort names who asks.
func (l *look) whoShort() string { return resource(l.who.policies) }
