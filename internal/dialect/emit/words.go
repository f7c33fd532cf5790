package emit

import (
	"strings"
	"sync"
)

// words are the names that an engine may take for words of its own: those that DuckDB lists as reserved, or as names of functions and
// types, those that cannot be aliases without AS, and Spark's.
var words = sync.OnceValue(func() map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(reserved) {
		m[w] = true
	}
	return m
})

const reserved = `all analyse analyze and anti any array as asc asof asymmetric at authorization between bigint binary bit boolean both by case cast char
character check coalesce collate collation column columns concurrently constraint cost create cross current_catalog current_date current_role
current_schema current_time current_timestamp current_user date day dec decade decades decimal default deferrable desc describe distinct div do
double else end escape except exclude exists extract false fetch filter float for foreign freeze from full function generated glob global grant
group grouping grouping_id groups having hour ilike in initially inner inout insert int integer intersect interval into is isnull join lambda
language lateral leading left like limit localtime localtimestamp macro map microsecond millisecond minus minute month name national natural
nchar none not notnull null nullif nulls numeric of offset on only or order out outer over overlaps overlay partition percent pivot pivot_longer
pivot_wider placing position positional precision primary qualify quarter range real recursive references returning right row rows rule sample
second select semi session_user set setof show similar smallint some struct substring summarize symmetric table tablesample text then time
timestamp to trailing treat trim true try_cast type union unique unpack unpivot unsafe user using values varchar variadic verbose view wait week
when where window with within without xmlattributes year zone`
