package plan

import (
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/datatype"
)

// Stands reports whether a target's rows, summed over the result's columns, are those that were committed. Content that only names
// the transactions that wrote the rows may stay as it is when values are lost, in a partition that was altered while it was detached,
// say: there the totals have to agree too.
func Stands(committed, is hindcast.Sums, columns []hindcast.Column) bool {
	if !committed.Agrees(is) || !strings.HasPrefix(is.Content, "xid:") {
		return committed.Agrees(is)
	}

	return !slices.ContainsFunc(columns, func(c hindcast.Column) bool {
		was, some := committed.Totals[c.Name]
		return some && datatype.Exact(c.Type) && !sameTotal(was, is.Totals[c.Name])
	})
}

// sameTotal compares as numbers. A sum with fewer decimals is of a type that the column did not have when it was committed, and
// says nothing; no sum is one of NULLs.
func sameTotal(was, is string) bool {
	before, after := plainNumber(was), plainNumber(is)
	return before == after || is != "" && decimals(before) > decimals(is)
}

// plainNumber is a decimal without zeros at its end.
func plainNumber(text string) string {
	if !strings.Contains(text, ".") {
		return text
	}
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

func decimals(text string) int {
	_, after, _ := strings.Cut(text, ".")
	return len(after)
}
