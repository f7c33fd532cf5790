package sparksql

import (
	"regexp"
	"strings"

	"github.com/hindcast/hindcast"
)

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
