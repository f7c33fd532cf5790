package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// tinyPeer is a program that does the same work as the tiny slices in its own batches.
type tinyPeer struct {
	name    string
	files   func(days int) map[string]string // of its project, by path
	command func(days int) []string
	target  string // the table that it makes
}

const dbtModel = `{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='event_date', begin='2020-01-01', batch_size='day', concurrent_batches=false) }}
SELECT event_date, account_id, sum(cost) AS cost, count(*) AS events FROM {{ source('main', 'events') }} GROUP BY ALL
`

const sqlmeshModel = `MODEL (name main.daily, kind INCREMENTAL_BY_TIME_RANGE (time_column event_date, batch_size 1), cron '@daily', start '2020-01-01', end '%s');
SELECT event_date, account_id, sum(cost) AS cost, count(*) AS events FROM main.events
WHERE event_date BETWEEN @start_date AND @end_date GROUP BY event_date, account_id
`

var tinyPeersAll = []tinyPeer{
	{"dbt microbatch", func(int) map[string]string {
		return map[string]string{
			"dbt_project.yml":    "name: tiny\nversion: '1.0'\nprofile: tiny\nflags: {send_anonymous_usage_stats: false}\n",
			"profiles.yml":       "tiny: {target: dev, outputs: {dev: {type: duckdb, path: warehouse.duckdb, threads: 1}}}\n",
			"models/daily.sql":   dbtModel,
			"models/sources.yml": "version: 2\nsources:\n  - name: main\n    schema: main\n    tables:\n      - name: events\n        config: {event_time: event_date}\n",
		}
	}, func(days int) []string {
		return []string{"dbt", "run", "--profiles-dir", ".", "--event-time-start", "2020-01-01", "--event-time-end", tinyFrom.AddDate(0, 0, days).Format(time.DateOnly)}
	}, "daily"},
	{"SQLMesh", func(days int) map[string]string {
		return map[string]string{
			"config.yaml":      "gateways: {local: {connection: {type: duckdb, database: warehouse.duckdb}}}\ndefault_gateway: local\nmodel_defaults: {dialect: duckdb, start: 2020-01-01}\ndisable_anonymized_analytics: true\n",
			"models/daily.sql": fmt.Sprintf(sqlmeshModel, tinyFrom.AddDate(0, 0, days-1).Format(time.DateOnly)),
		}
	}, func(int) []string { return []string{"sqlmesh", "plan", "--auto-apply", "--no-prompts"} }, "main.daily"},
}

// tinyPeers measures the peers on the same data: their cost per batch is the slope between a run of few batches and one
// of many, their start-up is the rest. A peer that cannot be installed or does not work gets a row that says so.
func (b *bench) tinyPeers(ctx context.Context, days int) error {
	bin, err := installPeers(ctx, "bench-peers", "bench/requirements.txt")
	if err != nil {
		b.peer("the same with dbt microbatch and SQLMesh", "not measured: they cannot be installed here: "+oneLine(err))
		return nil
	}

	const few = 5
	for _, p := range tinyPeersAll {
		say("  %s: %d and %d batches", p.name, few, days)
		short, err := b.peerRun(ctx, bin, p, few)
		if err != nil {
			b.peer("the same with "+p.name, "not measured: "+oneLine(err))
			continue
		}

		long, err := b.peerRun(ctx, bin, p, days)
		if err != nil {
			b.peer("the same with "+p.name, "not measured: "+oneLine(err))
			continue
		}

		each := (long - short) / float64(days-few)
		b.peer("the same with "+p.name, fmt.Sprintf("%s ms a batch, %.1f s to start", number(each*1000), max(short-few*each, 0)))
	}

	return nil
}

// peerRun is the seconds that a peer takes for so many days, from scratch. Its result is checked.
func (b *bench) peerRun(ctx context.Context, bin string, p tinyPeer, days int) (float64, error) {
	dir := filepath.Join(b.dir, fmt.Sprintf("%s-%d", strings.ReplaceAll(p.name, " ", "-"), days))
	if err := makeTiny(ctx, dir, days); err != nil {
		return 0, err
	}

	for name, text := range p.files(days) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return 0, err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return 0, err
		}
	}

	args := p.command(days)
	cmd := exec.CommandContext(ctx, filepath.Join(bin, args[0]), args[1:]...)
	cmd.Dir = dir
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	began := time.Now()
	err := cmd.Run()
	took := time.Since(began).Seconds()

	if err != nil {
		return 0, fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, lastLine(out.String()))
	}

	return took, checkPeer(ctx, dir, p, days)
}

func checkPeer(ctx context.Context, dir string, p tinyPeer, days int) error {
	db, err := sql.Open("duckdb", filepath.Join(dir, "warehouse.duckdb"))
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }() // only read

	var n int
	if err := db.QueryRowContext(ctx, "SELECT count(*) FROM "+p.target).Scan(&n); err != nil {
		return err
	}
	if n != days*100 {
		return fmt.Errorf("%s made %d rows, not %d", p.name, n, days*100)
	}

	return nil
}

// installPeers installs the pinned versions into a separate environment, once, and returns its programs' folder.
func installPeers(ctx context.Context, name, requirements string) (string, error) {
	env := filepath.Join(".tools", name)
	bin, err := filepath.Abs(filepath.Join(env, "bin"))
	if err != nil {
		return "", err
	}

	wanted, err := os.ReadFile(requirements)
	if err != nil {
		return "", err
	}

	stamp := filepath.Join(env, "installed.txt")
	if have, err := os.ReadFile(stamp); err == nil && bytes.Equal(have, wanted) {
		return bin, nil
	}

	say("  installing %s into %s", requirements, env)
	for _, args := range [][]string{{"python3", "-m", "venv", env}, {filepath.Join(bin, "pip"), "install", "-q", "-r", requirements}} {
		if out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput(); err != nil {
			return "", fmt.Errorf("%w: %s", err, lastLine(string(out)))
		}
	}

	return bin, os.WriteFile(stamp, wanted, 0o644)
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// oneLine formats an error as a table cell.
func oneLine(err error) string {
	if errors.Is(err, context.Canceled) {
		return "stopped"
	}
	return strings.ReplaceAll(strings.Join(strings.Fields(err.Error()), " "), "|", "/")
}
