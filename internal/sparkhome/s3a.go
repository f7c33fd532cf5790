package sparkhome

import (
	"fmt"
	"os/user"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/hindcast/hindcast"
)

// S3A says what an installation needs to read and write a bucket by itself, on a cluster.
type S3A struct {
	Version string `json:"version"`           // of hadoop-aws: that of the Hadoop client; "" where that is unknown
	Found   string `json:"found"`             // where hadoop-aws is, in words
	Package string `json:"package,omitempty"` // the Maven coordinates by which Spark fetches it, where nobody else brings it
}

const hadoopAWS = "org.apache.hadoop:hadoop-aws"

var awsJar = regexp.MustCompile(`(?:^|[/_])hadoop-aws-(\d+\.\d+[^/,]*)\.jar`)

// S3A finds the hadoop-aws of an installation: among its jars, in what the pipeline names, or as what has to be fetched. It is an
// error if that is of another version than the Hadoop client, because its classes do not fit then.
func (h Home) S3A(is hindcast.Spark, places map[string]hindcast.Place) (S3A, *hindcast.Error) {
	need := S3A{Version: h.Hadoop}
	for key, version := range brought(h, is) {
		need.Found = fmt.Sprintf("%s has %s", key, version)
		if h.Hadoop != "" && version != h.Hadoop {
			return need, &hindcast.Error{Code: hindcast.ESpark, Class: hindcast.ClassPermanent, Place: places[key],
				Message: fmt.Sprintf("hadoop-aws is %s (%s), and Spark's Hadoop client is %s: the classes of one do not fit the other", version, key, h.Hadoop),
				Next:    fmt.Sprintf("name %s:%s, or leave it out: hindcast adds it where the lake is in a bucket", hadoopAWS, h.Hadoop)}
		}
		return need, nil
	}
	if h.Hadoop == "" {
		return need, &hindcast.Error{Code: hindcast.ESpark, Class: hindcast.ClassPermanent, Place: places["spark.packages"],
			Message: "a cluster needs hadoop-aws for a lake in a bucket, and its version is unknown: Spark has no Hadoop client among its jars",
			Next:    fmt.Sprintf("write spark.packages: [%s:VERSION] with the version of your Hadoop", hadoopAWS)}
	}

	need.Package = hadoopAWS + ":" + h.Hadoop
	need.Found = "it is fetched by the first application that needs it"
	if jar := filepath.Join(h.ivy(is.Conf), "jars", "org.apache.hadoop_hadoop-aws-"+h.Hadoop+".jar"); present(jar) {
		need.Found = jar
	}
	return need, nil
}

// brought are the versions of hadoop-aws that are there, by what brings them: what the pipeline names goes first.
func brought(h Home, is hindcast.Spark) map[string]string {
	for _, coordinates := range is.Packages {
		if version, found := strings.CutPrefix(coordinates, hadoopAWS+":"); found {
			return map[string]string{"spark.packages": version}
		}
	}
	for name, value := range is.Conf {
		if m := awsJar.FindStringSubmatch(value); m != nil && strings.HasPrefix(strings.ToLower(name), "spark.jars") {
			return map[string]string{"spark.conf." + name: m[1]}
		}
	}
	jars, _ := filepath.Glob(filepath.Join(h.SparkHome, "jars", "hadoop-aws-*.jar")) // the pattern is right
	for _, jar := range jars {
		if m := awsJar.FindStringSubmatch(jar); m != nil {
			return map[string]string{filepath.Dir(jar): m[1]}
		}
	}
	return nil
}

// ivy is the folder where Spark keeps what it fetches.
func (h Home) ivy(conf map[string]string) string {
	for name, value := range conf {
		if strings.EqualFold(name, "spark.jars.ivy") {
			return value
		}
	}
	who, err := user.Current() // Java does not look at HOME
	if err != nil {
		return ""
	}
	if major, _ := number(h.Version); major >= 4 {
		return filepath.Join(who.HomeDir, ".ivy2.5.2")
	}
	return filepath.Join(who.HomeDir, ".ivy2")
}
