package plan

import (
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
)

// Another engine is proposed for slices that are larger than memory, and for small ones that start Java on this machine.
func TestWhichEngineIsProposed(t *testing.T) {
	for name, c := range map[string]struct {
		engine, master string
		bytes          int64
		reason         hindcast.Reason
		want           string
	}{
		"DuckDB, small":            {"duckdb", "", 100 * mib, hindcast.ReasonNew, ""},
		"DuckDB, large":            {"duckdb", "", 20 * gib, hindcast.ReasonNew, "reads about 20 GiB, and there are 8 GiB of memory: DuckDB spills"},
		"DuckDB, large, committed": {"duckdb", "", 20 * gib, hindcast.ReasonUpToDate, ""},
		"DuckDB, unknown":          {"duckdb", "", -1, hindcast.ReasonNew, ""},
		"Spark here, small":        {"spark", "local[*]", 1000, hindcast.ReasonNew, "reads about 1 MiB, and there are 8 GiB of memory: DuckDB, if"},
		"Spark here, large":        {"spark", "local[*]", 7 * gib, hindcast.ReasonNew, ""},
		"Spark elsewhere":          {"spark", "yarn", 1000, hindcast.ReasonNew, ""},
	} {
		p := &Plan{Engine: Version{Name: c.engine}, Items: []Item{{Slice: hindcast.Slice{Key: "2020-01-01"}, Reason: c.reason, Bytes: c.bytes}}}
		p.Pipeline.Transform.Spark.Master = c.master
		if got := engineAdvice(p, 8*gib); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}
