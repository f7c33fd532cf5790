package view

import (
	"math/big"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
)

// Diff compares the rows of slices as they were before and after: of a run and what it replaced, or of two runs.
type Diff struct {
	Before  string       `json:"before"` // in words: "what r2 replaced", "r1"
	After   string       `json:"after"`  // "r2"
	Run     string       `json:"run"`    // of After
	Targets []DiffTarget `json:"targets"`
}

// DiffTarget is the same of one target.
type DiffTarget struct {
	Target  string       `json:"target"`
	Time    string       `json:"time"`
	Key     []string     `json:"key,omitempty"`
	Columns []DiffColumn `json:"columns,omitempty"` // those that only one side has, or whose types differ
	Slices  []DiffSlice  `json:"slices"`            // in the order of time
	// Only are slices that one of two runs has published and the other has not: "2024-01 (r1)".
	Only []string `json:"only,omitempty"`
	// Gone are slices that the run has published, of whose rows from then nothing is kept any more.
	Gone []string `json:"gone,omitempty"`
}

// DiffColumn is a column's type on both sides; "" where it is not there.
type DiffColumn struct {
	Name   string `json:"name"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// DiffSlice is what differs in one slice.
type DiffSlice struct {
	Slice   hindcast.Slice `json:"slice"`
	Label   string         `json:"label"`
	Before  int64          `json:"before"` // rows
	After   int64          `json:"after"`
	Added   int64          `json:"added"`
	Removed int64          `json:"removed"`
	Changed int64          `json:"changed"` // 0 without a key
	// ByKey says that rows were matched by the target's key. Otherwise whole rows are compared, as often as each is there: one
	// that changed counts as removed and added.
	ByKey  bool        `json:"by_key"`
	Totals []DiffTotal `json:"totals,omitempty"`
	Note   string      `json:"note,omitempty"`
	Rows   []DiffRow   `json:"rows,omitempty"` // on demand
	More   bool        `json:"more,omitempty"` // there are more than these
}

// DiffTotal is the sum of a numeric column on both sides, as decimal text; nil where there is no value.
type DiffTotal struct {
	Column      string  `json:"column"`
	Before      *string `json:"before"`
	After       *string `json:"after"`
	Approximate bool    `json:"approximate,omitempty"` // floating-point numbers were added up
}

// DiffRow is a row that was added, removed or changed.
type DiffRow struct {
	Kind   string      `json:"kind"` // added, removed or changed
	Key    []DiffValue `json:"key,omitempty"`
	Values []DiffValue `json:"values,omitempty"` // of a changed row those that differ; of others all
	Times  int64       `json:"times,omitempty"`  // how often it was added or removed, without a key
}

// DiffValue is a column's value as text on both sides; nil is NULL, or that the row is not there.
type DiffValue struct {
	Column string  `json:"column"`
	Before *string `json:"before,omitempty"`
	After  *string `json:"after,omitempty"`
}

// Kinds of DiffRow.
const (
	RowAdded   = "added"
	RowRemoved = "removed"
	RowChanged = "changed"
)

// Same reports whether nothing differs.
func (s *DiffSlice) Same() bool { return s.Added == 0 && s.Removed == 0 && s.Changed == 0 }

// Total is a column's total; nil if the slice has none of it.
func (s *DiffSlice) Total(column string) *DiffTotal {
	for i := range s.Totals {
		if s.Totals[i].Column == column {
			return &s.Totals[i]
		}
	}
	return nil
}

// Same reports whether the rows of all slices are the same.
func (t *DiffTarget) Same() bool {
	return !slices.ContainsFunc(t.Slices, func(s DiffSlice) bool { return !s.Same() })
}

// Reshaped reports whether one side has a column that the other has not: rows are not compared in it.
func (t *DiffTarget) Reshaped() bool {
	return slices.ContainsFunc(t.Columns, func(c DiffColumn) bool { return c.Before == "" || c.After == "" })
}

// Same reports whether all rows are the same.
func (d *Diff) Same() bool {
	return !slices.ContainsFunc(d.Targets, func(t DiffTarget) bool { return !t.Same() })
}

// Sum adds up slices, and names the sum.
func Sum(name string, list []DiffSlice) DiffSlice {
	sum := DiffSlice{Label: name, ByKey: true}
	for _, s := range list {
		sum.Before, sum.After = sum.Before+s.Before, sum.After+s.After
		sum.Added, sum.Removed, sum.Changed = sum.Added+s.Added, sum.Removed+s.Removed, sum.Changed+s.Changed
		sum.ByKey = sum.ByKey && (s.ByKey || s.Same())
		for _, t := range s.Totals {
			to := sum.Total(t.Column)
			if to == nil {
				sum.Totals = append(sum.Totals, DiffTotal{Column: t.Column})
				to = &sum.Totals[len(sum.Totals)-1]
			}
			to.Before, to.After, to.Approximate = plus(to.Before, t.Before), plus(to.After, t.After), to.Approximate || t.Approximate
		}
	}
	return sum
}

// Years are the sums of a target's slices by the year that they begin in, as their labels have it.
func (t *DiffTarget) Years() (years []DiffSlice) {
	for from := 0; from < len(t.Slices); {
		year, to := yearOf(t.Slices[from]), from
		for to < len(t.Slices) && yearOf(t.Slices[to]) == year {
			to++
		}
		years = append(years, Sum(year, t.Slices[from:to]))
		from = to
	}
	return years
}

func yearOf(s DiffSlice) string {
	year, _, _ := strings.Cut(s.Slice.Key, "-")
	return year
}

// plus adds decimals exactly; nil is nothing.
func plus(a, b *string) *string {
	if a == nil || b == nil {
		if a == nil {
			return b
		}
		return a
	}
	x, y, digits := decimals(*a, *b)
	if x == nil {
		return a
	}
	text := x.Add(x, y).FloatString(digits)
	return &text
}

// decimals reads two numbers, and says how many digits after the point both have at most; nil if one of them is not a number, such as NaN.
func decimals(a, b string) (x, y *big.Rat, digits int) {
	x, okX := new(big.Rat).SetString(a)
	y, okY := new(big.Rat).SetString(b)
	if !okX || !okY {
		return nil, nil, 0
	}
	return x, y, max(fraction(a), fraction(b))
}

func fraction(text string) int {
	if _, after, found := strings.Cut(text, "."); found && !strings.ContainsAny(text, "eE") {
		return len(after)
	}
	if strings.ContainsAny(text, "eE") {
		return 17
	}
	return 0
}

// Difference is what a total changed by, as decimal text; "" if that is not known.
func (t DiffTotal) Difference() string {
	none := "0"
	before, after := t.Before, t.After
	if before == nil {
		before = &none
	}
	if after == nil {
		after = &none
	}
	x, y, digits := decimals(*before, *after)
	if x == nil {
		return ""
	}
	return y.Sub(y, x).FloatString(digits)
}

// Moved is by how much of its amount before a total changed: 0.05 is 5 %. known is false where there was nothing before.
func (t DiffTotal) Moved() (share float64, known bool) {
	if t.Before == nil {
		return 0, false
	}
	after := "0"
	if t.After != nil {
		after = *t.After
	}
	x, y, _ := decimals(*t.Before, after)
	if x == nil || x.Sign() == 0 {
		return 0, false
	}
	share, _ = y.Sub(y, x).Quo(y, x.Abs(x)).Float64()
	return share, true
}

// Movers are the slices in which a column's total moved most, by its amount; at most so many, and none in which it did not.
func (t *DiffTarget) Movers(column string, most int) (list []DiffSlice) {
	type mover struct {
		slice DiffSlice
		by    *big.Rat
	}
	var movers []mover
	for _, s := range t.Slices {
		total := s.Total(column)
		if total == nil {
			continue
		}
		if by, ok := new(big.Rat).SetString(total.Difference()); ok && by.Sign() != 0 {
			movers = append(movers, mover{s, by.Abs(by)})
		}
	}
	slices.SortStableFunc(movers, func(a, b mover) int { return b.by.Cmp(a.by) })
	for _, m := range movers[:min(most, len(movers))] {
		list = append(list, m.slice)
	}
	return list
}
