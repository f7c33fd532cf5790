package plan

import (
	"strings"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
)

// Spark is recommended for slices that are larger than memory, and DuckDB for small ones that start Java on this machine: by
// what an earlier run on DuckDB took of slices as large, and otherwise by their input's bytes.
func TestWhichEngineIsRecommended(t *testing.T) {
	spilled := func(bytes int64) Earlier {
		return Earlier{Run: "r7", Engine: "duckdb", Largest: 20 * gib, Most: Peak{"2020-01-01", 6 * gib}, Spilled: Peak{"2020-01-02", bytes}}
	}
	for name, c := range map[string]struct {
		engine, master string
		bytes          int64
		before         Earlier
		want, why      string
	}{
		"DuckDB, small":             {engine: "duckdb", bytes: 100 * mib, want: "duckdb", why: "the largest slice, 2020-01-01, reads about 105 MB, and there are 8.6 GB of memory"},
		"DuckDB, measured":          {engine: "duckdb", bytes: 100 * mib, before: spilled(0), want: "duckdb", why: "; in r7 DuckDB had at most 6.4 GB, for 2020-01-01, and spilled nothing"},
		"DuckDB, large":             {engine: "duckdb", bytes: 20 * gib, want: "spark", why: "reads about 21.5 GB, and there are 8.6 GB of memory: DuckDB spills"},
		"DuckDB, large and spills":  {engine: "duckdb", bytes: 20 * gib, before: spilled(9 * gib), want: "spark", why: "in r7 DuckDB spilled 9.7 GB for 2020-01-02, and there are 8.6 GB of memory: a cluster"},
		"DuckDB, large and fits":    {engine: "duckdb", bytes: 20 * gib, before: spilled(gib), want: "duckdb", why: ", and spilled 1.1 GB for 2020-01-02"},
		"DuckDB, larger than ever":  {engine: "duckdb", bytes: 30 * gib, before: spilled(0), want: "spark", why: "reads about 32.2 GB"},
		"DuckDB, unknown":           {engine: "duckdb", bytes: -1},
		"Spark here, small":         {engine: "spark", master: "local[*]", bytes: 1000, want: "duckdb", why: "reads about 1.0 KB, and there are 8.6 GB of memory: DuckDB, if it understands the SQL, needs no start-up for that, and Spark's took 5 s here the last time"},
		"Spark here, large":         {engine: "spark", master: "local[*]", bytes: 7 * gib},
		"Spark here, DuckDB did it": {engine: "spark", master: "local[*]", bytes: 7 * gib, before: spilled(0), want: "duckdb", why: "spilled nothing: DuckDB"},
		"Spark here, Spark before":  {engine: "spark", master: "local[*]", bytes: 7 * gib, before: Earlier{Run: "r7", Engine: "spark", Largest: 7 * gib, Most: Peak{"2020-01-01", gib}}},
		"Spark elsewhere":           {engine: "spark", master: "yarn", bytes: 1000},
	} {
		p := &Plan{Engine: Version{Name: c.engine}, Items: []Item{{Slice: hindcast.Slice{Key: "2020-01-01"}, Reason: hindcast.ReasonNew, Bytes: c.bytes},
			{Slice: hindcast.Slice{Key: "2020-01-02"}, Reason: hindcast.ReasonUpToDate, Bytes: 50 * gib}}}
		p.Pipeline.Transform.Spark.Master = c.master
		p.Pipeline.History.Every = hindcast.Period{N: 1, Unit: hindcast.Days}
		got := recommend(p, 8*gib, c.before, 5*time.Second)
		if c.want == "" {
			if got != nil {
				t.Errorf("%s: %+v", name, got)
			}
			continue
		}
		if got == nil || got.Engine != c.want || !strings.Contains(got.Why, c.why) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// The dimensions that Spark broadcasts are small, and the SQL has no hint: as the engine decides when it has their files.
func TestWhichDimensionsAreBroadcast(t *testing.T) {
	for name, c := range map[string]struct {
		engine string
		below  int64
		sql    []string
		want   string
	}{
		"small ones":       {engine: "spark", sql: []string{"SELECT 1"}, want: "small"},
		"up to a size":     {engine: "spark", below: 1 << 40, sql: []string{"SELECT 1"}, want: "small large"},
		"none":             {engine: "spark", below: 1, sql: []string{"SELECT 1"}},
		"a hint":           {engine: "spark", sql: []string{"SELECT /*+ MERGE(large) */ 1"}},
		"a hint in one":    {engine: "spark", sql: []string{"SELECT /*+ MERGE(large) */ 1", "SELECT 1"}, want: "small"},
		"not with DuckDB ": {engine: "duckdb", sql: []string{"SELECT 1"}},
	} {
		m := &maker{Inputs: Inputs{Engine: Version{Name: c.engine}, Pipeline: &hindcast.Pipeline{Transform: hindcast.Transform{Spark: hindcast.Spark{BroadcastBelow: c.below}}}}}
		out := &Plan{Dims: []DimItem{{Name: "small", Bytes: mib}, {Name: "large", Bytes: gib}, {Name: "unknown", Bytes: -1}}}
		for _, sql := range c.sql {
			out.Outputs = append(out.Outputs, Output{SQL: sql})
		}
		m.broadcast(out)
		var got []string
		for _, d := range out.Dims {
			if d.Broadcast {
				got = append(got, d.Name)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %q are broadcast", name, got)
		}
	}
}
