package plan

import (
	"fmt"
	"strings"
)

// engineAdvice names another engine where the slices that run fit it better: one machine's memory decides, which DuckDB
// spills beyond and a cluster has more of. How large a slice is in memory is not known; its input's estimated bytes are.
func engineAdvice(out *Plan, memory int64) string {
	var largest *Item
	for i := range out.Items {
		if item := &out.Items[i]; item.Reason.Runs() && item.Bytes > 0 && (largest == nil || item.Bytes > largest.Bytes) {
			largest = item
		}
	}
	if largest == nil || memory <= 0 {
		return ""
	}

	reads := fmt.Sprintf("the largest slice, %s, reads about %s", largest.Slice.Key, size(max(largest.Bytes, mib)))
	switch spark := out.Pipeline.Transform.Spark; {
	case out.Engine.Name == "duckdb" && largest.Bytes > memory:
		return fmt.Sprintf("%s, and there are %s of memory: DuckDB spills the rest to disk; a cluster of Spark has more (docs/guide/spark.md)", reads, size(memory))
	case out.Engine.Name == "spark" && strings.HasPrefix(spark.Master, "local") && largest.Bytes <= memory/4:
		return fmt.Sprintf("%s, and there are %s of memory: DuckDB, if it understands the SQL, needs no start-up for that (--engine duckdb)", reads, size(memory))
	}
	return ""
}
