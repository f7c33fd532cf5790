package hindcast_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/hindcast/hindcast"
)

func TestDecides(t *testing.T) {
	for name, want := range map[string]bool{"spark.sql.mapKeyDedupPolicy": true, "spark.sql.decimalOperations.allowPrecisionLoss": true,
		"spark.sql.shuffle.partitions": false, "spark.sql.adaptive.enabled": false, "spark.sql.autoBroadcastJoinThreshold": false,
		"spark.SQL.mapKeyDedupPolicy": true, "spark.executor.memoryOverhead": false, "spark.hadoop.fs.s3a.secret.key": false} {
		if got := hindcast.Decides(name); got != want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

// A resumed run takes what bounds it from the file of now, and what decides its results from its plan.
func TestSparkResumed(t *testing.T) {
	frozen := hindcast.Spark{Master: "local[*]", ConfWritten: map[string]string{"spark.sql.mapKeyDedupPolicy": "LAST_WIN", "spark.task.cpus": "1",
		"spark.authenticate.secret": "${S}"}}
	now := hindcast.Spark{Master: "spark://h:7077", ExecutorMemory: 1 << 30,
		Conf:        map[string]string{"spark.sql.mapKeyDedupPolicy": "EXCEPTION", "spark.sql.legacy.x": "1", "spark.authenticate.secret": "abc"},
		ConfWritten: map[string]string{"spark.sql.mapKeyDedupPolicy": "EXCEPTION", "spark.sql.legacy.x": "1", "spark.authenticate.secret": "${S}"}}

	got := frozen.Resumed(now)
	if got.Master != now.Master || got.ExecutorMemory != now.ExecutorMemory {
		t.Errorf("got %+v", got)
	}
	if want := map[string]string{"spark.sql.mapKeyDedupPolicy": "LAST_WIN", "spark.authenticate.secret": "abc"}; !maps.Equal(got.Conf, want) {
		t.Errorf("got %v, want %v", got.Conf, want)
	}
	if !slices.Equal(got.Deciding(), frozen.Deciding()) || len(got.Deciding()) != 1 {
		t.Errorf("got %v, want %v", got.Deciding(), frozen.Deciding())
	}

	got = frozen.Resumed(hindcast.Spark{}) // begun by --engine spark
	if want := map[string]string{"spark.sql.mapKeyDedupPolicy": "LAST_WIN", "spark.task.cpus": "1"}; got.Master != "local[*]" || !maps.Equal(got.Conf, want) {
		t.Errorf("got %+v, want %v", got, want)
	}
}
