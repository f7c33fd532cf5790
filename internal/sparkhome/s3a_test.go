package sparkhome_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/sparkhome"
)

// A bucket is read by the hadoop-aws of the Hadoop client's version, and by no other.
func TestHadoopAWS(t *testing.T) {
	ivy := write(t, map[string]string{"jars/org.apache.hadoop_hadoop-aws-3.4.2.jar": ""})
	with := write(t, map[string]string{"jars/hadoop-aws-3.4.0.jar": ""})
	places := map[string]hindcast.Place{"spark.packages": {File: "x.yml", Line: 7, Column: 3}}

	for name, c := range map[string]struct {
		home          sparkhome.Home
		is            hindcast.Spark
		found, needed string
		fault         string
	}{
		"another version was fetched": {home: sparkhome.Home{Version: "4.0.5", Hadoop: "3.4.1"}, is: hindcast.Spark{Conf: map[string]string{"spark.jars.ivy": ivy}},
			found: "fetched by the first", needed: "3.4.1"},
		"it was fetched":      {home: sparkhome.Home{Version: "4.0.5", Hadoop: "3.4.2"}, is: hindcast.Spark{Conf: map[string]string{"spark.jars.ivy": ivy}}, found: ivy, needed: "3.4.2"},
		"it comes with Spark": {home: sparkhome.Home{SparkHome: with, Version: "4.0.1", Hadoop: "3.4.0"}, found: with},
		"the pipeline names it": {home: sparkhome.Home{SparkHome: with, Version: "4.0.5", Hadoop: "3.4.1"},
			is: hindcast.Spark{Packages: []string{"org.postgresql:postgresql:42.7.7", "org.apache.hadoop:hadoop-aws:3.4.1"}}, found: "spark.packages has 3.4.1"},
		"a jar": {home: sparkhome.Home{Version: "4.0.5", Hadoop: "3.4.1"},
			is: hindcast.Spark{Conf: map[string]string{"spark.jars": "/opt/a.jar,/opt/hadoop-aws-3.4.1.jar"}}, found: "spark.conf.spark.jars has 3.4.1"},
		"another version": {home: sparkhome.Home{Version: "3.5.9", Hadoop: "3.3.4"}, is: hindcast.Spark{Packages: []string{"org.apache.hadoop:hadoop-aws:3.4.1"}},
			fault: "hadoop-aws is 3.4.1 (spark.packages), and Spark's Hadoop client is 3.3.4"},
		"another version comes with Spark": {home: sparkhome.Home{SparkHome: with, Version: "3.5.9", Hadoop: "3.3.4"}, fault: "hadoop-aws is 3.4.0 (" + filepath.Join(with, "jars") + ")"},
		"no Hadoop":                        {home: sparkhome.Home{Version: "3.5.9"}, fault: "its version is unknown"},
		"no Hadoop, and the pipeline says it": {home: sparkhome.Home{Version: "3.5.9"}, is: hindcast.Spark{Packages: []string{"org.apache.hadoop:hadoop-aws:3.3.6"}},
			found: "spark.packages has 3.3.6"},
	} {
		got, fault := c.home.S3A(c.is, places)
		if fault != nil || c.fault != "" {
			if fault == nil || !strings.Contains(fault.Message, c.fault) || fault.Code != hindcast.ESpark || fault.Class != hindcast.ClassPermanent || fault.Next == "" {
				t.Errorf("%s: %v, want %q", name, fault, c.fault)
			}
			if len(c.is.Packages) > 0 && fault != nil && fault.Place != places["spark.packages"] {
				t.Errorf("%s: at %s", name, fault.Place)
			}
			continue
		}
		wanted := ""
		if c.needed != "" {
			wanted = "org.apache.hadoop:hadoop-aws:" + c.needed
		}
		if got.Package != wanted || !strings.Contains(got.Found, c.found) || got.Version != c.home.Hadoop {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}
