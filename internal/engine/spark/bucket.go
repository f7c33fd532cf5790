package spark

import (
	"fmt"
	"strconv"
	"strings"
	"time"
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
