package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/dialect"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/pythontest"
)

// translation measures the SQL front end: translating TPC-DS, against sqlglot, and what translations cost in DuckDB.
func (b *bench) translation(ctx context.Context) error {
	return hosted(ctx, b.dir, func(h *host) error {
		scale := 0.1
		if b.quick {
			scale = 0.01
		}
		say("translation: TPC-DS at scale %v", scale)
		_, made := pythontest.MakeTPC(h, scale)
		for _, from := range []dialect.Source{dialect.Redshift, dialect.Postgres} {
			s, err := b.translate(ctx, made, from)
			if err != nil {
				return err
			}
			if err := b.againstSqlglot(ctx, s); err != nil {
				return err
			}
			if err := b.againstOwn(ctx, made, s); err != nil {
				return err
			}
		}
		return b.againstHand(ctx)
	})
}

// translated are the texts of TPC-DS that a dialect's front end takes, as they are and for DuckDB, and how long each translation took.
type translated struct {
	options       dialect.Options
	texts, duckdb []string
	seconds       []float64
	refused       int
}

// rounds translates all texts some times more, and returns how many seconds of the processor once took, those of collecting garbage among them.
func (s *translated) rounds(n int) (float64, error) {
	cpu, err := ownCPU()
	if err != nil {
		return 0, err
	}
	for range n {
		for _, text := range s.texts {
			began := time.Now()
			if _, err := dialect.Translate(text, s.options); err != nil {
				return 0, err
			}
			s.seconds = append(s.seconds, time.Since(began).Seconds())
		}
	}
	after, err := ownCPU()

	return (after - cpu).Seconds() / float64(n), err
}

func (b *bench) translate(ctx context.Context, made pythontest.TPC, from dialect.Source) (*translated, error) {
	schema, err := schemaOf(ctx, made)
	if err != nil {
		return nil, err
	}
	s := &translated{options: dialect.Options{From: from, To: dialect.DuckDB, Schema: schema, Settings: dialect.Settings{Collation: "C"}}}
	for _, text := range made.Queries {
		out, err := dialect.Translate(text, s.options)
		if _, refused := errors.AsType[dialect.Refusals](err); refused {
			s.refused++
			continue
		}
		if err != nil {
			return nil, err
		}
		s.texts, s.duckdb = append(s.texts, text), append(s.duckdb, out.SQL)
	}

	if _, err := s.rounds(b.size(100, 20)); err != nil {
		return nil, err
	}
	slices.Sort(s.seconds)
	last := s.seconds[len(s.seconds)*99/100]
	b.below(fmt.Sprintf("translation of a TPC-DS query as %s for DuckDB, at the 99th percentile", from), last*1000, 1, "ms",
		fmt.Sprintf("median %.2f; %d of %d texts, the others are refused", median(s.seconds)*1000, len(s.texts), len(made.Queries)))

	return s, nil
}

// schemaOf are the tables, with what an unload to the lake would record of their texts.
func schemaOf(ctx context.Context, made pythontest.TPC) (s dialect.Schema, err error) {
	db, err := duck.Open(ctx, duck.Options{Threads: 1})
	if err != nil {
		return s, err
	}
	defer func() { _ = db.Close() }()
	types := strings.NewReplacer("DECIMAL", "numeric")
	for _, t := range made.Tables {
		columns := make([]hindcast.Column, len(t.Columns))
		for i, c := range t.Columns {
			columns[i] = hindcast.Column{Name: c[0], Type: c[1]}
		}
		facts, err := duck.FactsOf(ctx, db, columns, duck.String(t.File))
		if err != nil {
			return s, err
		}
		one := dialect.Table{Name: t.Name}
		for _, c := range columns {
			is := facts[c.Name]
			one.Columns = append(one.Columns, dialect.Column{Name: c.Name, Type: strings.ToLower(types.Replace(c.Type)), NoBlanks: is.NoBlanks, ASCII: is.ASCII})
		}
		s.Tables = append(s.Tables, one)
	}
	return s, nil
}

// againstSqlglot has sqlglot transpile the same texts, in turns with translations.
func (b *bench) againstSqlglot(ctx context.Context, s *translated) error {
	bin, err := installPeers(ctx, "sqlglot-peer", "bench/requirements-sqlglot.txt")
	if err != nil {
		return err
	}
	var ours, theirs []float64
	version := ""
	for range b.size(7, 2) {
		once, err := s.rounds(b.size(50, 10))
		if err != nil {
			return err
		}
		some, of, err := sqlglot(ctx, bin, s)
		if err != nil {
			return err
		}
		version, ours, theirs = of, append(ours, once), append(theirs, some...)
	}
	b.ratio("the same, against sqlglot "+version+", compiled, CPU", median(theirs)/median(ours), 20,
		fmt.Sprintf("%s against %s ms for %d texts", number(median(ours)*1000), number(median(theirs)*1000), len(s.texts)))

	return nil
}

// sqlglot are the seconds of the processor that each of a few rounds took sqlglot, in a process of its own that has read its modules before.
func sqlglot(ctx context.Context, bin string, s *translated) (rounds []float64, version string, err error) {
	asked, err := json.Marshal(map[string]any{"dialect": string(s.options.From), "texts": s.texts})
	if err != nil {
		return nil, "", err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "python3"), "bench/sqlglot_peer.py", "4")
	var said bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(asked), &said
	out, err := cmd.Output()
	if err != nil {
		return nil, "", fmt.Errorf("sqlglot: %w: %s", err, lastLine(said.String()))
	}
	var answer struct {
		Version  string
		Compiled bool
		Unread   []int
		Seconds  []float64
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		return nil, "", err
	}
	if !answer.Compiled {
		return nil, "", errors.New("sqlglot is not compiled")
	}
	if len(answer.Unread) > 0 {
		return nil, "", fmt.Errorf("sqlglot cannot read text %d", answer.Unread[0])
	}

	return answer.Seconds[1:], answer.Version, nil // the first builds its tables
}

// againstOwn runs DuckDB's own texts and their translations in turns.
func (b *bench) againstOwn(ctx context.Context, made pythontest.TPC, s *translated) error {
	db, err := duck.Open(ctx, duck.Options{Threads: 1, TimeZone: "UTC"})
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	for _, t := range made.Tables {
		if _, err := db.ExecContext(ctx, "CREATE TABLE "+duck.Name(t.Name)+" AS FROM "+duck.String(t.File)); err != nil {
			return err
		}
	}

	var own, theirs spentOn
	raised := 0
	for i := range s.texts {
		x, y, err := inTurns(ctx, db, b.size(5, 1), s.texts[i], s.duckdb[i])
		if err != nil {
			raised++ // a guard, which is neither's time
			continue
		}
		own, theirs = own.plus(x), theirs.plus(y)
	}
	detail := fmt.Sprintf("%.2f s of CPU against %.2f s; %.2f s against %.2f s on the wall; %d texts raise", theirs.cpu, own.cpu, theirs.wall, own.wall, raised)
	b.most(fmt.Sprintf("TPC-DS translated from %s, run by DuckDB, against its own texts, CPU", s.options.From), theirs.cpu/own.cpu, 1.15, detail)

	return nil
}

// spentOn are the seconds that a query took, of the processor and on the wall.
type spentOn struct{ cpu, wall float64 }

func (s spentOn) plus(other spentOn) spentOn { return spentOn{s.cpu + other.cpu, s.wall + other.wall} }

// inTurns runs two queries in turns, and returns what each took at its best: whatever else the machine does only adds to that.
func inTurns(ctx context.Context, db *sql.DB, rounds int, x, y string) (a, b spentOn, err error) {
	var of [2][2][]float64
	for n := range rounds + 1 {
		for i, query := range []string{x, y} {
			one, err := ranOnce(ctx, db, query)
			if err != nil {
				return a, b, err
			}
			if n > 0 { // the first fills caches
				of[i][0], of[i][1] = append(of[i][0], one.cpu), append(of[i][1], one.wall)
			}
		}
	}
	return spentOn{slices.Min(of[0][0]), slices.Min(of[0][1])}, spentOn{slices.Min(of[1][0]), slices.Min(of[1][1])}, nil
}

func ranOnce(ctx context.Context, db *sql.DB, query string) (s spentOn, err error) {
	cpu, err := ownCPU()
	if err != nil {
		return s, err
	}
	began := time.Now()
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return s, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		continue
	}
	after, err := ownCPU()
	return spentOn{(after - cpu).Seconds(), time.Since(began).Seconds()}, errors.Join(err, rows.Err())
}

// byHand are queries, and DuckDB's SQL of somebody who knows what the answer has to be.
var byHand = []struct {
	name, query, hand string
}{
	{"integers divided", "SELECT k, sum(a / b) FROM t GROUP BY k",
		"SELECT k, CAST(sum(CASE WHEN b = 0 THEN error('division by zero') ELSE a // b END) AS BIGINT) FROM t GROUP BY k"},
	{"decimals divided", "SELECT k, sum(p / q) FROM t GROUP BY k",
		`SELECT k, sum(CASE WHEN q = 0 THEN error('division by zero') ELSE CAST(CAST(CAST(p * CAST(100 AS DECIMAL(3,0)) AS BIGINT) * 100000000
 // CAST(q * CAST(100 AS DECIMAL(3,0)) AS BIGINT) AS DECIMAL(38,0)) * 0.00000001 AS DECIMAL(15,8)) END) FROM t GROUP BY k`},
	{"texts compared without trailing blanks", "SELECT count(*) FROM t WHERE s = 'c3'", "SELECT count(*) FROM t WHERE rtrim(s, ' ') = 'c3'"},
	{"averages", "SELECT k, avg(p), avg(a) FROM t GROUP BY k",
		`SELECT k, CAST(CAST(CAST(CAST(sum(p) AS DECIMAL(38,2)) * 100 AS HUGEINT) // nullif(count(p), 0) AS DECIMAL(38,0)) * 0.01 AS DECIMAL(38,2)),
 CAST(sum(a) // nullif(count(a), 0) AS BIGINT) FROM t GROUP BY k`},
	{"dates", "SELECT date_trunc('month', d), count(*), max(dateadd(day, 7, d)) FROM t WHERE d >= '2021-01-01' GROUP BY 1",
		"SELECT date_trunc('month', CAST(d AS TIMESTAMP)), count(*), max(d + INTERVAL 7 DAY) FROM t WHERE d >= DATE '2021-01-01' GROUP BY 1"},
	{"conditions", "SELECT k, sum(CASE WHEN a > 500 THEN p ELSE 0 END), sum(NVL(p, 0)), count(DISTINCT b) FROM t WHERE s LIKE 'c1%' OR a BETWEEN 10 AND 900 GROUP BY k",
		"SELECT k, sum(CASE WHEN a > 500 THEN p ELSE 0 END), sum(coalesce(p, 0)), count(DISTINCT b) FROM t WHERE s LIKE 'c1%' OR a BETWEEN 10 AND 900 GROUP BY k"},
}

const handTable = `CREATE TABLE t AS SELECT (i %% 100)::INTEGER AS k, (hash(i) %% 1000)::INTEGER AS a, (hash(i + 1) %% 50 + 1)::INTEGER AS b,
 (hash(i + 2) %% 100000 / 100.0)::DECIMAL(7,2) AS p, (hash(i + 3) %% 99999 / 100.0 + 0.01)::DECIMAL(7,2) AS q, 'c' || hash(i + 4) %% 20 AS s,
 DATE '2020-01-01' + (hash(i + 5) %% 1000)::INTEGER AS d FROM range(%d) AS r(i)`

// againstHand measures translations against what somebody would write who knows the answer.
func (b *bench) againstHand(ctx context.Context) error {
	db, err := duck.Open(ctx, duck.Options{Threads: 1, TimeZone: "UTC"})
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(ctx, fmt.Sprintf(handTable, b.size(3_000_000, 300_000))); err != nil {
		return err
	}
	schema := dialect.Schema{Tables: []dialect.Table{{Name: "t", Columns: []dialect.Column{{Name: "k", Type: "integer"}, {Name: "a", Type: "integer"}, {Name: "b", Type: "integer"},
		{Name: "p", Type: "numeric(7,2)"}, {Name: "q", Type: "numeric(7,2)"}, {Name: "s", Type: "varchar(10)"}, {Name: "d", Type: "date"}}}}}
	for _, q := range byHand {
		out, err := dialect.Translate(q.query, dialect.Options{From: dialect.Redshift, To: dialect.DuckDB, Schema: schema})
		if err != nil {
			return fmt.Errorf("%s: %w", q.name, err)
		}
		if err := sameRows(ctx, db, out.SQL, q.hand); err != nil {
			return fmt.Errorf("%s: %w", q.name, err)
		}
		hand, ours, err := inTurns(ctx, db, b.size(5, 3), q.hand, out.SQL)
		if err != nil {
			return fmt.Errorf("%s: %w", q.name, err)
		}
		b.ratio("translated SQL against SQL by hand, CPU: "+q.name, hand.cpu/ours.cpu, 0.9, fmt.Sprintf("%s against %s ms", number(ours.cpu*1000), number(hand.cpu*1000)))
	}

	return nil
}

// sameRows is an error unless two queries give the same.
func sameRows(ctx context.Context, db *sql.DB, x, y string) error {
	var n int
	query := fmt.Sprintf("SELECT count(*) FROM ((%[1]s EXCEPT ALL %[2]s) UNION ALL (%[2]s EXCEPT ALL %[1]s))", x, y)
	if err := db.QueryRowContext(ctx, query).Scan(&n); err != nil {
		return err
	}
	if n > 0 {
		return fmt.Errorf("%d rows differ", n)
	}
	return nil
}
