package scaffold

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// Fact is a table, or a group of time-named tables, that looks like a fact.
type Fact struct {
	Name    string            // in the SQL
	Table   string            // with placeholders where time-named
	Tables  int               // how many there are
	Rows    int64             // of all of them; -1 if unknown
	Columns []hindcast.Column // that all of them have
	Time    string            // the column by which rows are placed; "" where none does
	Every   hindcast.Period   // how much of time one table, or one unload, covers
	From    time.Time         // where its rows begin; zero if unknown
	To      time.Time         // where they end; does not belong to it
	Missing []string          // tables that would stand between the first and the last, and are not there
	Stray   []string          // tables of the name that its period does not name
	Named   bool              // its tables are time-named
	Either  string            // another reading of its names, which fits as well; "" if there is none
	Other   string            // the table of a fact of the same stem that is spelled in another way, and has more tables

	Declared string   // the line that gives each column one type in all tables; "" if they have the same
	Renames  []string // that it supposes, in words

	sample int64            // rows that were looked at, 0 if none were
	spread map[string]int64 // how many different values columns have in them
	Idle   string           // why it is written as a comment only; "" if it is in use
}

// Dimension is a table that a fact's rows point into.
type Dimension struct {
	Name     string // in the SQL
	Table    string
	Rows     int64  // -1 if unknown
	Key      string // its column, and the fact's column
	FactKey  string
	FactName string
	Columns  []hindcast.Column
}

const (
	mostFacts      = 4         // in use at first; every one is unloaded
	mostDimensions = 12        // the same
	smallTable     = 1_000_000 // rows that every slice can see whole
)

// look reads the warehouse's catalog and guesses facts, the first of which the SQL begins with, and dimensions.
func look(ctx context.Context, w warehouse.Warehouse, found *Found) error {
	all, err := w.Tables(ctx)
	if err != nil {
		return err
	}
	if found.Hidden, err = w.Hidden(ctx); err != nil {
		return err
	}
	tables := found.sort(all)
	found.Tables = len(tables)
	found.taken = map[string]bool{"result": true}
	l := &looker{ctx: ctx, warehouse: w, found: found, used: map[string]bool{}}
	err = l.look(tables)
	for _, t := range tables {
		if !l.used[t.Name] {
			found.Unused = append(found.Unused, t.Name)
		}
	}
	slices.Sort(found.Unused)
	slices.Sort(found.Made)
	return err
}

// sort puts aside the tables that cannot be a fact or a dimension, each with its like, and gives the others.
func (found *Found) sort(all []warehouse.Table) (tables []warehouse.Table) {
	for _, t := range all {
		found.tables = append(found.tables, strings.ToLower(t.Name))
		switch {
		case t.Made:
			found.Made = append(found.Made, strings.Map(shown, t.Name))
		case !writable(t.Name) || strings.ContainsAny(t.Name, "{}"):
			found.Unused = append(found.Unused, strings.Map(shown, t.Name))
		default:
			t.Columns = slices.DeleteFunc(slices.Clone(t.Columns), func(c hindcast.Column) bool { return !writable(c.Name) })
			tables = append(tables, t)
		}
	}
	return found.unread(tables)
}

// writable reports whether a name can stand in a pipeline file and in a comment's line.
func writable(name string) bool {
	return name != "" && name == strings.TrimSpace(name) && !strings.Contains(name, "${") && !strings.ContainsFunc(name, unicode.IsControl)
}

// shown leaves control characters out of what is printed.
func shown(r rune) rune {
	if unicode.IsControl(r) {
		return -1
	}
	return r
}

type looker struct {
	ctx       context.Context
	warehouse warehouse.Inspector
	found     *Found
	used      map[string]bool // tables that are a fact's or a dimension, by name
}

func (l *looker) look(tables []warehouse.Table) error {
	groups, lone, single := group(tables)
	if len(groups) == 0 && len(candidates(single, nil)) == 0 {
		groups = l.found.split(lone) // a single table says no period: only where there is nothing else
	} else {
		for _, members := range lone {
			single = append(single, members[0].table)
		}
	}
	for _, u := range l.found.Unread {
		for _, name := range u.Tables {
			l.used[name] = true
		}
	}
	var facts []Fact
	for _, members := range groups {
		f, err := l.fromGroup(members)
		if err != nil {
			return err
		}
		facts = append(facts, f)
	}
	spellings(groups, facts)
	largest := int64(-1)
	for _, f := range facts {
		largest = max(largest, f.Rows)
	}
	for _, t := range candidates(single, facts) {
		if len(facts) > 0 && !telling(t) && t.Rows <= largest {
			continue
		}
		f, err := l.fromTable(t)
		if err != nil {
			return err
		}
		facts = append(facts, f)
	}
	slices.SortStableFunc(facts, func(a, b Fact) int {
		return cmp.Or(cmp.Compare(b.Rows, a.Rows), cmp.Compare(b.Tables, a.Tables))
	})
	l.found.Facts = facts
	l.name()
	l.dimensions(single)
	return nil
}

// spellings marks the facts that are another's tables by another spelling of their names: s_2020_01 beside s_202002.
func spellings(groups [][]named, facts []Fact) {
	key := func(i int) string {
		n := groups[i][0]
		return strings.ToLower(n.schema+n.stem) + "\x00" + n.every.String()
	}
	main := map[string]int{}
	for i := range facts {
		if m, met := main[key(i)]; !met || facts[i].Tables > facts[m].Tables || facts[i].Tables == facts[m].Tables && facts[i].To.After(facts[m].To) {
			main[key(i)] = i
		}
	}
	for i := range facts {
		if m := main[key(i)]; m != i {
			facts[i].Other = facts[m].Table
		}
	}
}

// candidates are the single tables with a time column that are not dimensions of a larger table.
func candidates(single []warehouse.Table, facts []Fact) []warehouse.Table {
	var list []warehouse.Table
	for _, t := range single {
		if len(timeColumns(t.Columns)) == 0 {
			continue
		}
		of := func(rows int64, columns []hindcast.Column) bool { return rows > t.Rows && titled(t, columns) }
		dimension := slices.ContainsFunc(facts, func(f Fact) bool { return of(f.Rows, f.Columns) }) ||
			slices.ContainsFunc(single, func(o warehouse.Table) bool { return o.Name != t.Name && of(o.Rows, o.Columns) })
		if !dimension {
			list = append(list, t)
		}
	}
	slices.SortStableFunc(list, func(a, b warehouse.Table) int { return cmp.Compare(b.Rows, a.Rows) })
	if len(list) == 0 {
		return nil
	}
	rest := slices.DeleteFunc(slices.Clone(list[1:]), func(t warehouse.Table) bool { return !telling(t) })
	return append(list[:1:1], rest...)
}

func (l *looker) fromGroup(members []named) (Fact, error) {
	first, g := members[0], period(members)
	f := Fact{Name: first.stem, Table: first.schema + first.spell(first.pattern), Tables: len(g.on), Columns: common(g.on), Named: true,
		Every: g.every, From: g.anchor, To: g.to}
	if pattern := either(members); pattern != "" {
		f.Either = first.schema + first.spell(pattern)
	}
	for _, m := range members {
		l.used[m.table.Name] = true
	}
	for _, m := range g.on {
		f.Rows += max(0, m.table.Rows)
	}
	for _, start := range g.missing {
		f.Missing = append(f.Missing, first.schema+first.spell(hindcast.FillTime(first.pattern, start)))
	}
	for _, m := range g.stray {
		f.Stray = append(f.Stray, m.table.Name)
	}
	if err := l.timed(&f, g.on); err != nil {
		return f, err
	}
	f.settle(g.on)
	return f, nil
}

// timed finds the time column of a fact whose tables are these; there is none where all of them are empty.
func (l *looker) timed(f *Fact, members []named) (err error) {
	filled := slices.DeleteFunc(slices.Clone(members), func(m named) bool { return m.table.Rows == 0 })
	if len(filled) == 0 {
		return nil
	}
	if err := l.sampled(f, filled[len(filled)-1].table.Name); err != nil {
		return err
	}
	f.Time, err = l.timeWithin(*f, []named{filled[0], filled[len(filled)-1]})
	return err
}

// settle declares the columns that the fact's tables do not all have, or not of one type: the SQL sees them in every slice then. A wide fact
// unloads only what is read, and no column can be declared beside that.
func (f *Fact) settle(members []named) {
	if len(f.Columns) >= wide {
		return
	}
	var tables [][]hindcast.Column
	for _, m := range members {
		tables = append(tables, m.table.Columns)
	}
	var list []hindcast.Declared
	list, f.Declared, f.Renames = plan.Settling(f.Time, tables)
	for _, d := range list {
		f.Columns = append(f.Columns, hindcast.Column{Name: d.Name, Type: d.Type})
	}
}

// sampled looks at some rows of one of the fact's tables: which columns tell rows apart.
func (l *looker) sampled(f *Fact, table string) error {
	var names []string
	for _, c := range f.Columns {
		if hindcast.IsTime(c.Type) || isKey(c) {
			names = append(names, c.Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	s, err := l.warehouse.Spread(l.ctx, table, names)
	if err != nil || s.Rows == 0 {
		return err
	}
	f.sample, f.spread = s.Rows, map[string]int64{}
	for i, name := range names {
		f.spread[name] = s.Distinct[i]
	}
	return nil
}

// timeWithin finds the column whose values lie in the time that the tables' names say; "" if there is none.
func (l *looker) timeWithin(f Fact, members []named) (string, error) {
	for _, c := range f.times() {
		within, seen := true, false
		for _, m := range members {
			first, last, err := l.warehouse.Bounds(l.ctx, m.table.Name, c.Name)
			if err != nil {
				return "", err
			}
			end := f.Every.AddTo(m.start, 1)
			seen = seen || !first.IsZero()
			within = within && (first.IsZero() || !first.Before(m.start) && last.Before(end))
		}
		if within && seen {
			return c.Name, nil
		}
	}
	return "", nil
}

func (l *looker) fromTable(t warehouse.Table) (Fact, error) {
	_, own := splitName(t.Name)
	l.used[t.Name] = true
	f := Fact{Name: own, Table: t.Name, Tables: 1, Rows: t.Rows, Columns: t.Columns, Every: hindcast.Period{N: 1, Unit: hindcast.Months}}
	if err := l.sampled(&f, t.Name); err != nil {
		return f, err
	}
	c := f.times()[0]
	f.Time = c.Name
	first, last, err := l.warehouse.Bounds(l.ctx, t.Name, c.Name)
	if err != nil || first.IsZero() {
		return f, err
	}
	const day = 24 * time.Hour
	start := time.Date(first.Year(), first.Month(), 1, 0, 0, 0, 0, time.UTC)
	switch span := last.Sub(first); {
	case span < 62*day:
		f.Every.Unit = hindcast.Days
		start = first.Truncate(day)
	case span > 100*365*day:
		f.Every.Unit = hindcast.Years
		start = time.Date(first.Year(), 1, 1, 0, 0, 0, 0, time.UTC)
	}
	if start.Year() < 1 || last.Year() > 9998 {
		return f, nil // not a history that could be written down
	}
	f.From, f.To = start, end(f.Every, last)
	return f, nil
}

// end is the first instant after t at which a period could begin.
func end(every hindcast.Period, t time.Time) time.Time {
	switch every.Unit {
	case hindcast.Years:
		return time.Date(t.Year()+1, 1, 1, 0, 0, 0, 0, time.UTC)
	case hindcast.Months:
		return time.Date(t.Year(), t.Month()+1, 1, 0, 0, 0, 0, time.UTC)
	case hindcast.Hours, hindcast.Days, hindcast.Weeks, hindcast.Quarters:
	}
	return time.Date(t.Year(), t.Month(), t.Day()+1, 0, 0, 0, 0, time.UTC)
}

// name gives the facts their names in the SQL and puts aside those that do not fit the first.
func (l *looker) name() {
	used := 0
	for i := range l.found.Facts {
		f := &l.found.Facts[i]
		if f.Idle = misfit(l.found.Facts[0], *f); f.Idle == "" && used == mostFacts {
			f.Idle = tooMany
		}
		if f.Idle == "" {
			used++
		}
		f.Name = free(unquoted(f.Name, "fact"), l.found.taken)
	}
}

const tooMany = "every fact here is unloaded: take it in if the SQL needs it"

// misfit says why a fact cannot be used beside the first, whose period is the slices'.
func misfit(first, f Fact) string {
	switch {
	case f.Table == first.Table:
		return ""
	case f.Other != "":
		return "its names are another spelling of " + f.Other + ": rename them, or make a view of that spelling over each"
	case f.Named && !first.From.IsZero() && (!f.To.After(first.From) || !f.From.Before(first.To)):
		return fmt.Sprintf("its tables cover %s to %s, outside of history: change history to use it", moment(f.From), moment(f.To))
	case first.Every.Unit == hindcast.Hours && isDate(f):
		return "its rows have a day and no hour, and slices are of hours"
	case len(f.Stray) > 0:
		return "tables of its name do not fit its period: correct that first"
	case !f.Named:
		return ""
	case f.Every.AddTo(first.From, 1).After(first.Every.AddTo(first.From, 1)):
		return fmt.Sprintf("its tables cover %s, more than a slice: give it `time:` with the column that places a row", f.Every)
	case !onGrid(f.Every, first.From, f.From) || !onGrid(f.Every, first.From, first.Every.AddTo(first.From, 1)):
		return "its tables do not begin where the slices do: change history to fit, or give it `time:`"
	}
	return ""
}

func isDate(f Fact) bool {
	c, ok := find(f.Columns, f.Time)
	return ok && !f.Named && c.Type == "DATE"
}

// onGrid reports whether t is a whole number of periods from start.
func onGrid(every hindcast.Period, start, t time.Time) bool {
	k, step := 0, 1
	if t.Before(start) {
		step = -1
	}
	for at := start; !at.Equal(t); k += step {
		if step > 0 && at.After(t) || step < 0 && at.Before(t) {
			return false
		}
		at = every.AddTo(start, k+step)
	}
	return true
}

// dimensions finds the small tables that the facts in use point into.
func (l *looker) dimensions(single []warehouse.Table) {
	for _, t := range single {
		if slices.ContainsFunc(l.found.Facts, func(f Fact) bool { return f.Table == t.Name }) || t.Rows > smallTable {
			continue
		}
		for _, f := range l.found.Facts {
			own, facts, ok := dimensionKey(t, f.Columns)
			if !ok || f.Idle != "" || f.Rows >= 0 && t.Rows > f.Rows || len(timeColumns(t.Columns)) > 0 && !titled(t, f.Columns) {
				continue
			}
			if len(l.found.Dimensions) < mostDimensions {
				_, table := splitName(t.Name)
				l.used[t.Name] = true
				l.found.Dimensions = append(l.found.Dimensions, Dimension{Name: free(unquoted(table, "dimension"), l.found.taken),
					Table: t.Name, Rows: t.Rows, Key: own, FactKey: facts, FactName: f.Name, Columns: t.Columns})
			}
			break
		}
	}
}
