package plan

import (
	"fmt"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/numbers"
)

// ample is how many times the bytes of a slice's Parquet there have to be of memory for DuckDB to be recommended in place of
// Spark. docs/guide/spark.md has what was measured.
const ample = 4

// recommend is the engine that fits the slices that run: one machine's memory decides, beyond which DuckDB spills and a
// cluster has more. What an earlier run on DuckDB spilled is measured; how large a slice is in memory is not known before,
// so that its input's bytes stand for that. Nil says that nothing speaks for the one or the other.
func recommend(out *Plan, memory int64, before Earlier, startUp time.Duration) *Recommendation {
	largest := largestOf(out)
	if largest == nil || memory <= 0 {
		return nil
	}

	label := out.Label
	reads := fmt.Sprintf("the largest slice, %s, reads about %s, and there are %s of memory", label(largest.Slice.Key), numbers.Size(largest.Bytes), numbers.Size(memory))
	measured := before.Engine == "duckdb" && before.Most.Bytes > 0 && before.Largest >= largest.Bytes/10*9
	local := hindcast.LocalMaster(out.Pipeline.Transform.Spark.Master)

	switch spilled := before.Spilled; {
	case measured && spilled.Bytes > memory:
		return &Recommendation{"spark", fmt.Sprintf("in %s DuckDB spilled %s for %s, and there are %s of memory: a cluster of Spark has more (docs/guide/spark.md)",
			before.Run, numbers.Size(spilled.Bytes), label(spilled.Slice), numbers.Size(memory))}
	case out.Engine.Name == "duckdb" && largest.Bytes > memory && !measured:
		return &Recommendation{"spark", reads + ": DuckDB spills the rest to disk; a cluster of Spark has more (docs/guide/spark.md)"}
	case out.Engine.Name == "duckdb":
		return &Recommendation{"duckdb", reads + took(before, measured, label)}
	case local && (largest.Bytes <= memory/ample || measured && spilled.Bytes == 0):
		return &Recommendation{"duckdb", reads + took(before, measured, label) + ": DuckDB, if it understands the SQL, needs no start-up for that" + lasted(startUp)}
	}
	return nil
}

// largestOf is the slice that reads most of those that run; nil if that is not known.
func largestOf(out *Plan) (largest *Item) {
	for i := range out.Items {
		if item := &out.Items[i]; item.Reason.Runs() && item.Bytes > 0 && (largest == nil || item.Bytes > largest.Bytes) {
			largest = item
		}
	}
	return largest
}

// took is what DuckDB had of memory in an earlier run.
func took(before Earlier, measured bool, label func(string) string) string {
	if !measured {
		return ""
	}
	text := fmt.Sprintf("; in %s DuckDB had at most %s, for %s", before.Run, numbers.Size(before.Most.Bytes), label(before.Most.Slice))
	if before.Spilled.Bytes > 0 {
		return text + fmt.Sprintf(", and spilled %s for %s", numbers.Size(before.Spilled.Bytes), label(before.Spilled.Slice))
	}
	return text + ", and spilled nothing"
}

func lasted(startUp time.Duration) string {
	if startUp <= 0 {
		return ""
	}
	return fmt.Sprintf(", and Spark's took %.0f s here the last time", startUp.Seconds())
}

// broadcast says which dimensions Spark is to send to every executor.
func (m *maker) broadcast(out *Plan) {
	if m.Engine.Name == "duckdb" {
		return
	}
	out.Dims = append([]DimItem(nil), out.Dims...) // the plan may be made again
	for i := range out.Dims {
		d := &out.Dims[i]
		for k := range out.Outputs {
			d.Broadcast = d.Broadcast || d.Bytes >= 0 && m.Pipeline.Transform.Spark.Broadcasts(d.Bytes, out.Outputs[k].SQL)
		}
	}
}
