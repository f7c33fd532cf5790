package spark

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
)

// A JVM that cannot fetch a package has nothing else to say, and will not fetch it the next time.
func TestAPackageThatCannotBeFetched(t *testing.T) {
	a := &application{dir: t.TempDir()}
	log := "\t\t::::::::::::::::::::::::::::::::::::::::::::::\n\t\t::          UNRESOLVED DEPENDENCIES         ::\n\t\t:: org.apache.hadoop#hadoop-aws;3.3.4: not found\n" +
		"Exception in thread \"main\" java.lang.RuntimeException: [unresolved dependency: org.apache.hadoop#hadoop-aws;3.3.4: not found]\n\tat org.apache.spark.deploy.SparkSubmitUtils$.resolveMavenCoordinates(SparkSubmit.scala:1612)\n"
	if err := os.WriteFile(a.join(logFile), []byte(log), 0o600); err != nil {
		t.Fatal(err)
	}
	e := hindcast.AsError((&Engine{}).died(a))
	if e.Code != hindcast.ESpark || e.Class != hindcast.ClassPermanent || e.Next == "" || !strings.Contains(strings.Join(e.Detail, "\n"), "hadoop-aws;3.3.4: not found") {
		t.Errorf("got %+v", e)
	}
}

// The cluster's settings are for the lake's bucket alone, and hold no key; keys are Hadoop's own settings.
func TestSettingsOfABucket(t *testing.T) {
	b := Bucket{Name: "lake.of-ours", Endpoint: "https://s3.example:9000", Region: "eu-central-1", PathStyle: true, SSE: "aws:kms", SSEKey: "alias/lake", Hadoop: "3.3.4",
		Keys: Keys{ID: "AKID", Secret: "SECRET"}}
	set := b.settings()
	for name, want := range map[string]string{"endpoint": b.Endpoint, "endpoint.region": "eu-central-1", "path.style.access": "true", "encryption.algorithm": "SSE-KMS", "encryption.key": "alias/lake",
		"directory.marker.retention": "keep", "input.stream.type": ""} {
		if got := set["spark.hadoop.fs.s3a.bucket.lake.of-ours."+name]; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for name, value := range set {
		if !strings.HasPrefix(name, "spark.hadoop.fs.s3a.bucket.lake.of-ours.") || strings.Contains(value, "AKID") || strings.Contains(value, "SECRET") {
			t.Errorf("%s = %s", name, value)
		}
	}

	keys := b.keys()
	if keys["fs.s3a.bucket.lake.of-ours.access.key"] != "AKID" || keys["fs.s3a.bucket.lake.of-ours.secret.key"] != "SECRET" || !strings.HasSuffix(keys["fs.s3a.bucket.lake.of-ours.aws.credentials.provider"], ".SimpleAWSCredentialsProvider") {
		t.Errorf("keys %q", keys)
	}
	b.Keys.Token, b.Hadoop, b.Endpoint = "TOKEN", "3.5.0", ""
	if keys = b.keys(); keys["fs.s3a.bucket.lake.of-ours.session.token"] != "TOKEN" || !strings.HasSuffix(keys["fs.s3a.bucket.lake.of-ours.aws.credentials.provider"], ".TemporaryAWSCredentialsProvider") {
		t.Errorf("temporary keys %q", keys)
	}
	if set = b.settings(); set["spark.hadoop.fs.s3a.bucket.lake.of-ours.input.stream.type"] != "classic" || set["spark.hadoop.fs.s3a.bucket.lake.of-ours.endpoint"] != "" {
		t.Errorf("Amazon's, by Hadoop 3.5: %q", set)
	}

	for name, want := range map[string]bool{"spark.hadoop.fs.s3a.aws.credentials.provider": true, "spark.hadoop.fs.s3a.bucket.lake.of-ours.access.key": true,
		"spark.hadoop.fs.s3a.bucket.other.access.key": false, "spark.hadoop.fs.s3a.threads.max": false} {
		if b.provided(map[string]string{name: "x"}) != want {
			t.Errorf("%s: keys are given: %t", name, want)
		}
	}
	if expires(time.Time{}) || expires(time.Now().Add(time.Hour)) || !expires(time.Now().Add(time.Minute)) {
		t.Error("an application whose keys expire soon gets no more work")
	}
}

// The key of what Spark said of SQL does not depend on the times that a run gives its parameters; all else counts.
func TestTimesOfParametersAreNoPartOfAQuestion(t *testing.T) {
	bind := func(sql, start, rate string) string {
		q, err := engine.Bound("spark", sql, "x.sql", map[string]string{"slice_start": start, "rate": rate})
		if err != nil {
			t.Fatal(err)
		}
		translated := untimed(q.From("postgres", "SELECT short", []engine.Shift{{At: 7, Delta: 1}}, nil))
		if plain := untimed(q); plain != translated {
			t.Errorf("as SQL that was translated it is %s, otherwise %s", translated, plain)
		}
		return translated
	}
	const sql = "SELECT :slice_start AS a, :rate AS b, DATE '2020-01-01' AS c, ':rate' AS d"
	first := bind(sql, "TIMESTAMP '2020-01-01 00:00:00'", "1.10")
	if other := bind(sql, "TIMESTAMP '2021-02-03 00:00:00'", "1.10"); other != first {
		t.Errorf("%s\n%s", first, other)
	}
	if other := bind(sql, "TIMESTAMP '2020-01-01 00:00:00'", "1.1"); other == first {
		t.Error("another rate, whose type is another, is the same question")
	}
	if other := bind("SELECT :slice_start AS a, :rate AS b, DATE '2020-01-02' AS c, ':rate' AS d", "TIMESTAMP '2020-01-01 00:00:00'", "1.10"); other == first {
		t.Error("another date that the user wrote is the same question")
	}
}

// Work that has run out of memory gets more of it for each core: fewer threads share a process, fewer tasks an executor.
func TestMoreMemoryPerCoreAfterALackOfIt(t *testing.T) {
	conf := func(is hindcast.Spark, starved int) (master, cpus string) {
		s := (&Engine{options: Options{Spark: is}}).submissionTo(is.Master, engine.Limits{Memory: 4 << 30, Threads: 4, Starved: starved})
		return s.master, s.set["spark.task.cpus"]
	}
	for starved, want := range []string{"local[4]", "local[2]", "local[1]", "local[1]"} {
		if master, _ := conf(hindcast.Spark{Master: "local[*]"}, starved); master != want {
			t.Errorf("%d times: %s, want %s", starved, master, want)
		}
	}
	for starved, want := range []string{"", "2", "4", "6", "6"} {
		if _, cpus := conf(hindcast.Spark{Master: "yarn", Cores: 6}, starved); cpus != want {
			t.Errorf("%d times: %s cores for each task, want %s", starved, cpus, want)
		}
	}
	if _, cpus := conf(hindcast.Spark{Master: "yarn", Cores: 6, Conf: map[string]string{"spark.task.cpus": "3"}}, 1); cpus != "3" {
		t.Errorf("the user's own setting became %s", cpus)
	}
}
