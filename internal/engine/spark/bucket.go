package spark

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
)

// Bucket is the lake's, as a cluster's processes reach it by s3a, Hadoop's file system for buckets.
type Bucket struct {
	Name      string
	Endpoint  string // https://host:port; "" is Amazon's
	Region    string
	PathStyle bool
	SSE       string // AES256, aws:kms, aws:kms:dsse, or "" for the bucket's default
	SSEKey    string
	Hadoop    string // the version of the installation's Hadoop client, and of hadoop-aws
	Package   string // Maven coordinates of what Spark has to fetch for it; "" if it has everything
	Keys      Keys   // which this process signs with
}

// Keys are credentials.
type Keys struct {
	ID, Secret, Token string
	Expire            time.Time // zero if they do not
}

// s3a is how Hadoop spells the URL of an object.
func s3a(path string) string {
	if rest, is := strings.CutPrefix(path, "s3://"); is {
		return "s3a://" + rest
	}
	return path
}

// settings are s3a's for the lake's bucket and no other, by their names in Spark.
func (b *Bucket) settings() map[string]string {
	set := map[string]string{
		// Without it 3.3 deletes the folder keys above each file that it writes, and some servers refuse that for keys that are not there.
		"directory.marker.retention": "keep",
		// Hadoop's own 20 tries of 7 tries take hours to say that nobody is there.
		"attempts.maximum": "5", "retry.limit": "5", "connection.establish.timeout": "15000",
	}
	if newer(b.Hadoop, 3, 5) {
		set["input.stream.type"] = "classic" // its default one fails on some servers
	}
	set["path.style.access"] = strconv.FormatBool(b.PathStyle)
	if b.Endpoint != "" {
		set["endpoint"] = b.Endpoint
	}
	if b.Region != "" {
		set["endpoint.region"] = b.Region // with an endpoint it is guessed, and AWS_REGION is ignored
	}
	if b.SSE != "" {
		set["encryption.algorithm"] = map[string]string{"AES256": "AES256", "aws:kms": "SSE-KMS", "aws:kms:dsse": "DSSE-KMS"}[b.SSE]
	}
	if b.SSEKey != "" {
		set["encryption.key"] = b.SSEKey
	}

	named := map[string]string{}
	for name, value := range set {
		named["spark.hadoop."+b.key(name)] = value
	}
	return named
}

// key is the name in Hadoop's configuration of a setting for this bucket alone.
func (b *Bucket) key(name string) string { return "fs.s3a.bucket." + b.Name + "." + name }

// newer reports whether a version is that one or a later one.
func newer(version string, major, minor int) bool {
	var is [2]int
	_, _ = fmt.Sscanf(version, "%d.%d", &is[0], &is[1]) // an unknown one is the oldest
	return is[0] > major || is[0] == major && is[1] >= minor
}

// provided reports whether the pipeline file says where s3a has its credentials for this bucket from: what the cluster's machines
// have by their roles need not be given to them.
func (b *Bucket) provided(conf map[string]string) bool {
	for name := range conf {
		for _, setting := range []string{"access.key", "aws.credentials.provider"} {
			if strings.EqualFold(name, "spark.hadoop.fs.s3a."+setting) || strings.EqualFold(name, "spark.hadoop."+b.key(setting)) {
				return true
			}
		}
	}
	return false
}

// keys are Hadoop's settings that hold the credentials.
func (b *Bucket) keys() map[string]string {
	set := map[string]string{b.key("access.key"): b.Keys.ID, b.key("secret.key"): b.Keys.Secret, b.key("aws.credentials.provider"): "org.apache.hadoop.fs.s3a.SimpleAWSCredentialsProvider"}
	if b.Keys.Token != "" {
		set[b.key("session.token")], set[b.key("aws.credentials.provider")] = b.Keys.Token, "org.apache.hadoop.fs.s3a.TemporaryAWSCredentialsProvider"
	}
	return set
}

// sooner is how long before its keys expire an application gets no more work.
const sooner = 15 * time.Minute

// expires reports whether keys are, or soon will be, of no use.
func expires(at time.Time) bool { return !at.IsZero() && time.Until(at) < sooner }

// Words of s3a's exceptions, by 3.3 and by what uses the second of Amazon's SDKs.
var (
	storeWords       = []string{"s3a://", "AmazonS3Exception", "S3Exception", "org.apache.hadoop.fs.s3a"}
	missingWords     = []string{"Class org.apache.hadoop.fs.s3a.S3AFileSystem not found", "com/amazonaws/", "software/amazon/awssdk", "No FileSystem for scheme"}
	credentialsWords = []string{"InvalidAccessKeyId", "SignatureDoesNotMatch", "Access Key Id you provided", "signature you provided", "ExpiredToken", "token has expired", "InvalidToken",
		"NoAuthWithAWSException", "NoAwsCredentialsException", "Unable to load AWS credentials"}
	noBucketWords    = []string{"NoSuchBucket", "UnknownStoreException"}
	deniedWords      = []string{"AccessDenied", "Status Code: 403"}
	unreachableWords = []string{"SdkClientException: Unable to execute HTTP request", "AWSClientIOException", "ApiCallTimeoutException", "UnknownHostException"}
)

// unreached is the error of a bucket that Spark does not reach, as far as an exception says that; nil if it does not.
func unreached(all string, s *said) error {
	if !has(all, storeWords) && !has(all, missingWords) {
		return nil
	}
	e := &hindcast.Error{Class: hindcast.ClassPermanent}
	switch what := answered(all, s); {
	case has(all, missingWords):
		e.Code, e.Message = hindcast.ESpark, "Spark has no hadoop-aws that fits it: "+summary(s)
		e.Next = "see which one it needs: hindcast doctor spark"
	case has(all, credentialsWords):
		e.Code, e.Message = hindcast.ECredentials, "the lake's bucket does not take Spark's credentials: "+what
		e.Next = "renew or correct them: they are this process's, unless spark.conf names others"
	case has(all, noBucketWords):
		e.Code, e.Message = hindcast.EBucket, "Spark does not find the lake's bucket: "+what
		e.Next = "correct the endpoint and region in the lake's URL: the cluster must reach the same server as this machine"
	case has(all, deniedWords):
		e.Code, e.Message = hindcast.EPermission, "Spark may not use the lake's bucket: "+what
		e.Next = "its credentials are this process's, unless spark.conf names others; they need the permissions that docs/guide/s3.md lists"
	case has(all, unreachableWords):
		e.Code, e.Class, e.Message = hindcast.ELake, hindcast.ClassTransient, "Spark does not reach the lake's bucket: "+what
		e.Next = "see that every machine of the cluster reaches the endpoint in the lake's URL"
	default:
		return nil
	}
	return e
}

var (
	objectForm = regexp.MustCompile(`s3a://[^\s:'` + "`" + `]+`)
	statusForm = regexp.MustCompile(`Status Code: (\d+)`)
)

// answered is what the server, or the network, answered for which object. A HEAD request has no text in its answer.
func answered(all string, s *said) string {
	what, _, _ := strings.Cut(summary(s), " (Service:")
	if m := statusForm.FindStringSubmatch(all); m != nil {
		if what == "null" || !strings.Contains(what, " ") {
			what = ""
		}
		what = strings.TrimSpace(m[1] + " " + what)
	}
	if object := objectForm.FindString(all); object != "" && !strings.Contains(what, object) {
		what = object + ": " + what
	}
	return what
}
