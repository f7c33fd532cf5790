// Package catalog says what tables the lake has in the words of other systems: Hive's for Spark, Athena and the Data Catalog, and
// Redshift's for Spectrum. It prints the statements and calls that make them, and makes them in the Data Catalog, directly or by
// Athena. Which generations are current is the lake's to say, and views for DuckDB are the lake's too.
//
// A table points at the folders of current generations, which are never written again: a reader sees a generation whole, or the one
// before it. A partition is a unit of a fact.
package catalog

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
)

// Column is a column of a table: its name in lower case, and what the files store it as, in DuckDB's spelling.
type Column struct {
	Name    string
	Stored  string
	Comment string
}

// Partition is a unit of a fact, or a slice's result, that has rows.
type Partition struct {
	Value      string // its key
	Location   string // of its current generation: a folder's URL, which ends in a slash
	Generation int
	Rows       int64
}

// Table is a fact, a dimension, or the results of an output.
type Table struct {
	Name       string // in lower case
	Of         string // "fact", "dimension" or "result"
	Source     string // its name in the pipeline file; of a result, the target
	Pipeline   string
	Lake       string // the lake's URL
	Columns    []Column
	Key        string // the name of the partition column; "" for a dimension
	Partitions []Partition
	Location   string // of a dimension's files, or the folder of all units or results

	Generations []*hindcast.Manifest // that the table points at
}

// Lake says where generations are.
type Lake interface {
	FolderOf(m *hindcast.Manifest) string
	FactFolder(fact string) string
	ResultFolder(target string) string
}

// Source is what tables are made of.
type Source struct {
	Pipeline string
	URL      string // of the lake
	Lake     Lake
	Facts    map[string]iter.Seq[*hindcast.Manifest]
	Dims     map[string]*hindcast.Manifest
	Results  []hindcast.KeptResults
	Only     []string // names of facts, dimensions and results; none means all
	Without  []string // columns that are left out, as table.column
	Beside   []Table  // that are made elsewhere, and whose names are taken
}

// Tables gives the tables in the order of their names, facts before dimensions, and results last. What has no known column yet has no
// table. E-TYPE names all columns that the system cannot read exactly; E-VALUE what Only and Without name in vain.
func (s Source) Tables(system System) ([]Table, error) {
	b := &builder{source: s, system: system, without: map[string]bool{}, used: map[string]bool{}}
	for _, name := range s.Without {
		b.without[strings.ToLower(name)] = true
	}

	for _, name := range slices.Sorted(maps.Keys(s.Facts)) {
		if s.wants(name) {
			b.fact(name, s.Facts[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Dims)) {
		if s.wants(name) {
			b.dimension(name, s.Dims[name])
		}
	}
	for _, r := range s.Results {
		if s.wants(r.Name) || s.wants(r.Target) {
			b.result(r)
		}
	}
	b.collisions()

	if err := s.inVain(b); err != nil {
		return nil, err
	}
	return b.tables, b.refused()
}

func (s Source) wants(name string) bool {
	return len(s.Only) == 0 || slices.ContainsFunc(s.Only, func(only string) bool { return strings.EqualFold(only, name) })
}

// InVain is E-VALUE for a name of Without, where no table is made of which it could be a column.
func (s Source) InVain() error {
	s.Only = nil
	return s.inVain(&builder{})
}

// inVain is E-VALUE for a name of Only or Without that is of nothing.
func (s Source) inVain(b *builder) error {
	for _, name := range s.Only {
		if !slices.ContainsFunc(b.tables, func(t Table) bool { return strings.EqualFold(t.Source, name) || strings.EqualFold(t.Name, name) }) {
			return &hindcast.Error{Code: hindcast.EValue, Class: hindcast.ClassPermanent,
				Message: fmt.Sprintf("--tables names %q, and the lake has no such fact, dimension or result", name), Next: "hindcast status shows what was unloaded"}
		}
	}
	for _, name := range s.Without {
		if !b.used[strings.ToLower(name)] {
			return &hindcast.Error{Code: hindcast.EValue, Class: hindcast.ClassPermanent,
				Message: fmt.Sprintf("--without names %q, and the lake has no such column", name), Next: "write TABLE.COLUMN"}
		}
	}
	return nil
}

// builder makes tables, and collects what cannot be one.
type builder struct {
	source  Source
	system  System
	without map[string]bool
	used    map[string]bool // of without
	tables  []Table
	faults  []fault
}

// fault is a table or column that the system cannot have.
type fault struct {
	table  string
	column string
	text   string
	Next   string // what helps, if that is neither text nor --without
	noText bool   // carrying the column as text does not help
}

func (b *builder) table(of, name string) Table {
	t := Table{Name: strings.ToLower(name), Of: of, Source: name, Pipeline: b.source.Pipeline, Lake: b.source.URL}
	switch {
	case !ordinary.MatchString(t.Name):
		b.faults = append(b.faults, fault{table: name, text: fmt.Sprintf("%s %s: the name has other characters than letters, digits and _", of, name),
			Next: "give the " + of + " another name in the pipeline file"})
	case len(t.Name) > longest:
		b.faults = append(b.faults, fault{table: name, text: fmt.Sprintf("%s %s: the name has more than %d bytes", of, name, longest),
			Next: "give the " + of + " another name in the pipeline file"})
	}
	return t
}

func (b *builder) fact(name string, units iter.Seq[*hindcast.Manifest]) {
	t := b.table("fact", name)
	t.Location = b.source.Lake.FactFolder(name)
	b.partitioned(t, units)
}

func (b *builder) result(r hindcast.KeptResults) {
	t := b.table("result", r.Name)
	t.Source, t.Location = r.Target, b.source.Lake.ResultFolder(r.Target)
	b.partitioned(t, r.Slices)
}

// partitioned adds a table that has a partition for each of the units.
func (b *builder) partitioned(t Table, units iter.Seq[*hindcast.Manifest]) {
	var columns []hindcast.Column
	from := map[string]string{} // the unit that each column was first found in
	var last []hindcast.Column
	for m := range units {
		if len(m.Files) > 0 {
			is := *m
			t.Generations = append(t.Generations, &is)
			t.Partitions = append(t.Partitions, Partition{Value: m.Key, Location: b.source.Lake.FolderOf(m), Generation: m.Generation, Rows: m.Sums.Rows})
		}
		if len(m.Columns) == 0 || len(last) == len(m.Columns) && &last[0] == &m.Columns[0] { // many share a list
			continue
		}
		last = m.Columns
		columns = b.join(&t, columns, from, m)
	}

	if len(columns) == 0 {
		return
	}
	t.Columns = b.columns(&t, columns)
	b.partitionKey(&t)
	b.tables = append(b.tables, t)
}

// join adds a unit's columns to those of the others. Files that store a column in different ways have no common type there.
func (b *builder) join(t *Table, columns []hindcast.Column, from map[string]string, m *hindcast.Manifest) []hindcast.Column {
	for _, c := range hindcast.Present(m.Columns) {
		i := slices.IndexFunc(columns, func(known hindcast.Column) bool { return known.Name == c.Name })
		switch {
		case i < 0:
			columns, from[c.Name] = append(columns, c), m.Key
		case stored(columns[i]) != stored(c) && len(m.Files) > 0:
			next := "unload the units whose type is not the table's any more again: hindcast unload --fresh --slices "
			if t.Of == "result" {
				next = "make the results of the type that is not the SQL's any more again: hindcast run --force --slices "
			}
			b.faults = append(b.faults, fault{table: t.Source, column: c.Name, noText: true, Next: next + from[c.Name],
				text: fmt.Sprintf("%s.%s: %s in the files of %s and %s in those of %s", t.Source, c.Name, stored(columns[i]), from[c.Name], stored(c), m.Key)})
		}
	}
	return columns
}

// stored is what the files store a column as.
func stored(c hindcast.Column) string {
	typ := cmp.Or(c.Stored, c.Type)
	if strings.HasPrefix(typ, "ENUM(") {
		return "VARCHAR"
	}
	return typ
}

func (b *builder) dimension(name string, m *hindcast.Manifest) {
	if len(m.Columns) == 0 {
		return
	}
	t := b.table("dimension", name)
	t.Location, t.Generations = b.source.Lake.FolderOf(m), []*hindcast.Manifest{m}
	t.Columns = b.columns(&t, hindcast.Present(m.Columns))
	b.tables = append(b.tables, t)
}

// columns are the table's, in the order of the files'.
func (b *builder) columns(t *Table, columns []hindcast.Column) (list []Column) {
	known := map[string]string{}
	for _, c := range columns {
		name := strings.ToLower(c.Name)
		full := strings.ToLower(t.Source) + "." + name
		if b.without[full] {
			b.used[full] = true
			continue
		}

		refuse := func(noText bool, text string) {
			noText = noText || c.NoText || t.Of == "result"
			b.faults = append(b.faults, fault{table: t.Source, column: c.Name, text: t.Source + "." + c.Name + ": " + text, noText: noText})
		}
		_, why := b.system.spelling.of(stored(c))
		if text := misnamed(name, known); text != "" {
			refuse(true, text)
		} else if why != "" {
			refuse(false, stored(c)+" "+why)
		}

		known[name] = c.Name
		list = append(list, Column{Name: name, Stored: stored(c), Comment: comment(c)})
	}
	return list
}

// misnamed is why a table cannot have a column of that name, in lower case, beside those that are known by theirs; "" if it can.
func misnamed(name string, known map[string]string) string {
	other, twice := known[name]
	switch {
	case twice:
		return fmt.Sprintf("the names of this column and of %q differ in case only", other)
	case !ordinary.MatchString(name):
		return "the name has other characters than letters, digits and _"
	case len(name) > longest:
		return fmt.Sprintf("the name has more than %d bytes", longest)
	}
	return ""
}

// comment says what a column is that the type there does not say.
func comment(c hindcast.Column) string {
	switch {
	case c.Text:
		return cmp.Or(c.Source, c.Type) + ", as text"
	case strings.HasPrefix(c.Type, "ENUM("):
		return "" // by its labels
	case c.Stored == "VARCHAR" || c.Stored == "VARCHAR[]":
		return c.Type + ", as text"
	case c.Type == "TIMESTAMP WITH TIME ZONE":
		return "with time zone: shown in UTC"
	case c.Type == "JSON":
		return "JSON"
	}
	return ""
}

// keys are the names of a partition column, of which the first is taken that no column has.
var keys = []string{"slice", "hindcast_slice"}

func (b *builder) partitionKey(t *Table) {
	for _, key := range keys {
		if !slices.ContainsFunc(t.Columns, func(c Column) bool { return c.Name == key }) {
			t.Key = key
			return
		}
	}
	b.faults = append(b.faults, fault{table: t.Source, text: fmt.Sprintf("%s has columns %s, and its partition column has no name", t.Source, strings.Join(keys, " and ")),
		Next: "leave one of them out with --without"})
}

// collisions refuses tables whose names differ in case only.
func (b *builder) collisions() {
	known := map[string]Table{}
	for _, t := range slices.Concat(b.source.Beside, b.tables) {
		if other, twice := known[t.Name]; twice {
			b.faults = append(b.faults, fault{table: t.Source, text: fmt.Sprintf("the names of %s %s and %s %s differ in case only", other.Of, other.Source, t.Of, t.Source),
				Next: "give one of them another name in the pipeline file"})
		}
		known[t.Name] = t
	}
}

// refused is E-TYPE with all faults; nil if there is none.
func (b *builder) refused() error {
	if len(b.faults) == 0 {
		return nil
	}

	e := &hindcast.Error{Code: hindcast.EType, Class: hindcast.ClassPermanent}
	text, without := map[string][]string{}, []string{}
	for _, f := range b.faults {
		e.Detail = append(e.Detail, f.text)
		if f.Next != "" {
			e.Next = cmp.Or(e.Next, f.Next)
			continue
		}
		without = append(without, f.table+"."+f.column)
		if !f.noText {
			text[f.table] = append(text[f.table], f.column)
		}
	}
	e.Message = fmt.Sprintf("%s cannot have these columns", b.system.Name)
	if len(e.Detail) == 1 {
		e.Message, e.Detail = fmt.Sprintf("%s cannot have %s", b.system.Name, e.Detail[0]), nil
	}

	if len(without) > 0 {
		var ways []string
		for _, table := range slices.Sorted(maps.Keys(text)) {
			ways = append(ways, fmt.Sprintf("carry them as text, with `text: [%s]` of %s, and unload again", strings.Join(text[table], ", "), table))
		}
		ways = append(ways, "leave them out: --without "+strings.Join(without, ","))
		e.Next = strings.Join(ways, "; or ")
	}
	return e
}
