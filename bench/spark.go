package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// sparkPipeline is the demo's without key and checks, which a bare Spark does not have.
const sparkPipeline = `pipeline: cloud_costs
warehouse: duckdb:warehouse.duckdb
lake: ./lake
history: {from: 2016-01-01, to: %s, every: 2 months, time_zone: UTC}
facts:
  billing: {table: "billing_{yyyy}_{mm}", every: 2 months}
dimensions:
  accounts: {table: accounts, refresh: 30 days}
transform: {sql: cost_summary.sql, engine: spark}
spark: {master: "local[2]", submit: %s, per_application: %s}
target: {table: cost_summary, time: usage_month}
params: {rate: 1.0}
run: {memory: 6GB}
`

// bareSpark is a PySpark program that does the same reads, SQL and writes: the slices' folders are its arguments.
const bareSpark = `import sys
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
sql = open(sys.argv[1]).read().replace(":rate", "1.0")
spark.read.parquet(sys.argv[2] + "/*.parquet").createOrReplaceTempView("accounts")
for number, folder in enumerate(sys.argv[4:]):
    spark.read.parquet(folder + "/*.parquet").createOrReplaceTempView("billing")
    spark.sql(sql).write.option("compression", "snappy").parquet("%s/%d" % (sys.argv[3], number))
spark.stop()
`

// bareSettings are those of hindcast's sessions that decide what a bare one computes, and its heap.
var bareSettings = []string{"spark.sql.ansi.enabled=true", "spark.sql.timestampType=TIMESTAMP_NTZ", "spark.sql.session.timeZone=UTC", "spark.ui.enabled=false",
	"spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS"}

// sparks are the versions of Spark to measure, by the names of their environments in tests/python.
var sparks = []struct{ version, environment string }{{"3.5", "spark35"}, {"4.0", "spark40"}}

// sparkRounds is how often both run, in turn, where one application does all: a machine's speed varies by a tenth from one minute
// to the next.
const sparkRounds = 3

// onSpark measures slices on local[2] against a bare PySpark program, with one application for all and with one for each.
func (b *bench) onSpark(ctx context.Context) error {
	n, rows := b.size(12, 3), b.size(2_000_000, 200_000)
	say("spark: %d slices of %d rows", n, rows)
	dir := filepath.Join(b.dir, "spark")
	if _, err := b.spent(ctx, "demo", dir, "--slices", fmt.Sprint(n), "--rows", fmt.Sprint(rows), "--no-run"); err != nil {
		return err
	}
	for _, s := range sparks {
		python, err := exec.CommandContext(ctx, "tests/python/venv", s.environment).Output()
		if err != nil {
			return fmt.Errorf("installing Spark: %w", err)
		}
		if err := b.sparkVersion(ctx, dir, s.version, filepath.Dir(filepath.Dir(strings.TrimSpace(string(python)))), n); err != nil {
			return err
		}
	}
	return nil
}

// sparkVersion measures one installation of Spark.
func (b *bench) sparkVersion(ctx context.Context, dir, version, home string, n int) error {
	to := time.Date(2016, time.Month(1+2*n), 1, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
	pipeline := filepath.Join(dir, "hindcast.yml")
	for _, each := range []string{"auto", "1"} {
		if err := os.WriteFile(pipeline, fmt.Appendf(nil, sparkPipeline, to, home, each), 0o644); err != nil {
			return err
		}
		if err := b.sparkSlices(ctx, dir, version, home, n, each); err != nil {
			return err
		}
	}

	warm, err := b.spent(ctx, "plan", "-f", pipeline)
	if err != nil {
		return err
	}
	b.below("plan of them, Spark "+version+" asked before", warm.Wall.Seconds(), 0.3, "s", fmt.Sprintf("%.2f CPU s", warm.Seconds))
	return nil
}

// sparkSlices measures one way of dividing the slices among applications.
func (b *bench) sparkSlices(ctx context.Context, dir, version, home string, n int, each string) error {
	pipeline := filepath.Join(dir, "hindcast.yml")
	for _, command := range [][]string{{"unload", "-f", pipeline}, {"plan", "-f", pipeline}} { // the lake, and what Spark says of the SQL
		if _, err := b.spent(ctx, command...); err != nil {
			return err
		}
	}
	folders, err := filepath.Glob(filepath.Join(dir, "lake", "cloud_costs", "facts", "billing", "*", "*"))
	if err != nil || len(folders) != n {
		return fmt.Errorf("the lake has %d slices of billing, not %d: %w", len(folders), n, err)
	}
	groups, rounds := [][]string{folders}, sparkRounds
	if each == "1" {
		groups, rounds = nil, 1
		for _, folder := range folders {
			groups = append(groups, []string{folder})
		}
	}

	var ours, bare spent
	for round := range rounds {
		one, err := b.spent(ctx, "run", "-f", pipeline, "--force", "--json")
		if err != nil {
			return err
		}
		ours.Wall, ours.Seconds, ours.out = ours.Wall+one.Wall, ours.Seconds+one.Seconds, one.out
		for number, group := range groups {
			one, err := b.bareSpark(ctx, dir, home, filepath.Join(dir, fmt.Sprintf("bare-%s-%s-%d", version, each, round), fmt.Sprint(number)), group)
			if err != nil {
				return err
			}
			bare.Wall, bare.Seconds = bare.Wall+one.Wall, bare.Seconds+one.Seconds
		}
	}

	what := "in one application"
	if each == "1" {
		what = "an application each"
	}
	b.ratio(fmt.Sprintf("%d slices on Spark %s %s, against bare PySpark", n, version, what), bare.Wall.Seconds()/ours.Wall.Seconds(), 0.95,
		fmt.Sprintf("%.1f s against %.1f s; CPU %.1f s against %.1f s", ours.Wall.Seconds(), bare.Wall.Seconds(), ours.Seconds, bare.Seconds))
	if each == "1" {
		return nil
	}
	return b.sparkOverlap(version, ours)
}

// bareSpark runs the program over some slices.
func (b *bench) bareSpark(ctx context.Context, dir, home, out string, folders []string) (spent, error) {
	program := filepath.Join(dir, "bare.py")
	if err := errors.Join(os.MkdirAll(filepath.Dir(out), 0o755), os.WriteFile(program, []byte(bareSpark), 0o644)); err != nil {
		return spent{}, err
	}
	accounts, err := filepath.Glob(filepath.Join(dir, "lake", "cloud_costs", "dimensions", "accounts", "*"))
	if err != nil || len(accounts) == 0 {
		return spent{}, fmt.Errorf("the lake has no accounts: %w", err)
	}

	args := []string{"--master", "local[2]", "--driver-memory", "4g"}
	for _, setting := range bareSettings {
		args = append(args, "--conf", setting)
	}
	args = append(args, program, filepath.Join(dir, "cost_summary.sql"), accounts[len(accounts)-1], out)
	cmd := exec.CommandContext(ctx, filepath.Join(home, "bin", "spark-submit"), append(args, folders...)...)
	cmd.Env = append(os.Environ(), "PYSPARK_PYTHON="+filepath.Join(home, "bin", "python"))
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	began := time.Now()
	if err := cmd.Run(); err != nil {
		return spent{}, fmt.Errorf("bare PySpark: %w\n%s", err, said.Bytes()[max(0, said.Len()-2000):])
	}

	took := time.Since(began)
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return spent{}, errors.New("this system does not say what a process used")
	}
	return spent{Seconds: (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), Wall: took, Peak: usage.Maxrss * 1024}, nil
}

// sparkOverlap reads from a run's events how much longer it took than its transforms alone, and what passed between the
// end of a transform and the commit.
func (b *bench) sparkOverlap(version string, run spent) error {
	var transforms, load, first, last float64
	committed := 0
	ends := map[string]time.Time{}
	for line := range bytes.Lines(run.out) {
		var e struct {
			Type    string    `json:"type"`
			Time    time.Time `json:"time"`
			Slice   string    `json:"slice"`
			Step    string    `json:"step"`
			Seconds float64   `json:"seconds"`
		}
		if err := json.Unmarshal(line, &e); err != nil {
			return fmt.Errorf("reading an event: %w", err)
		}
		at := float64(e.Time.UnixMicro()) / 1e6
		switch {
		case e.Type == "step_started" && e.Step == "transform" && first == 0:
			first = at
		case e.Type == "step_finished" && e.Step == "transform":
			transforms += e.Seconds
			ends[e.Slice] = e.Time
		case e.Type == "committed":
			load += e.Time.Sub(ends[e.Slice]).Seconds()
			committed++
			last = at
		}
	}

	if committed == 0 {
		return errors.New("the run committed nothing")
	}
	b.below("on Spark "+version+", from the end of a slice's transform to its commit", load/float64(committed), 0.3, "s", "")
	b.most("on Spark "+version+", the whole run against its transforms alone", (last-first)/transforms, 1.1, fmt.Sprintf("%.1f s against %.1f s", last-first, transforms))
	return nil
}
