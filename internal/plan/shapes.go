package plan

import (
	"encoding/binary"
	"slices"

	"github.com/hindcast/hindcast"
)

// Shape is slices that read tables of the same columns: SQL means the same for all of them.
type Shape struct {
	Slice  hindcast.Slice // the first of them
	Last   string         // key
	Slices int
	Tables []ShapeTable // the facts that they read, by name
}

// ShapeTable is what a slice of a shape reads of a fact: the columns that SQL sees of its units together.
type ShapeTable struct {
	Fact    string
	Time    string
	Columns []hindcast.Column
}

// Shapes are those of the chosen slices whose tables are not missing, in the order of time. A long history has many slices, and
// few shapes.
func (d *Draft) Shapes() []Shape {
	m := &d.maker
	numbers := listNumbers{}
	fixed := make([]bool, len(m.cutters)) // the fact's units all have the same columns
	for f, c := range m.cutters {
		fixed[f] = !c.any(func(is *common) bool { return numbers.of(is.Columns) != numbers.of(c.units[0].Columns) })
	}
	alike := !slices.Contains(fixed, false)

	var shapes []Shape
	met := map[string]int{}
	var same []byte
	for _, i := range m.chosen {
		if c := m.all[i]; c != nil && c.Reason == hindcast.ReasonMissing {
			continue
		}
		n, known := 0, alike && len(shapes) > 0
		if !known {
			same = m.signature(same[:0], i, fixed, numbers)
			n, known = met[string(same)]
		}
		if !known {
			n = len(shapes)
			met[string(same)] = n
			shapes = append(shapes, Shape{Slice: m.history[i], Tables: m.shapeTables(i)})
		}
		shapes[n].Last = m.history[i].Key
		shapes[n].Slices++
	}
	return merged(shapes)
}

// signature is the same text for slices whose facts have the same lists of columns.
func (m *maker) signature(text []byte, i int, fixed []bool, numbers listNumbers) []byte {
	for _, f := range m.byName {
		c := m.cutters[f]
		text = binary.LittleEndian.AppendUint32(append(text, c.fact.Name...), uint32(f))
		if fixed[f] {
			continue
		}
		last := -1
		for _, u := range m.unitsOf(f, i) {
			if number := numbers.of(c.units[u].Columns); number != last {
				text, last = binary.LittleEndian.AppendUint32(text, uint32(number)), number
			}
		}
	}
	return text
}

// listNumbers numbers lists of columns by where they are in memory: units of one table share theirs.
type listNumbers map[*hindcast.Column]int

func (l listNumbers) of(list []hindcast.Column) int {
	var first *hindcast.Column
	if len(list) > 0 {
		first = &list[0]
	}
	if _, known := l[first]; !known {
		l[first] = len(l)
	}
	return l[first]
}

func (m *maker) shapeTables(i int) []ShapeTable {
	var tables []ShapeTable
	for _, f := range m.byName {
		c := m.cutters[f]
		var groups []Group
		for _, u := range m.unitsOf(f, i) {
			groups = append(groups, Group{Source: c.units[u].Source, Columns: c.units[u].Columns})
		}
		if len(groups) > 0 {
			columns, _ := Unite(groups)
			tables = append(tables, ShapeTable{c.fact.Name, c.fact.Time, columns})
		}
	}
	return tables
}

// merged puts shapes together whose columns are equal, wherever they are in memory.
func merged(shapes []Shape) []Shape {
	equal := func(a, b hindcast.Column) bool {
		return a.Name == b.Name && a.Type == b.Type && a.Absent == b.Absent && a.Refused == b.Refused
	}
	var out []Shape
	for _, s := range shapes {
		at := slices.IndexFunc(out, func(o Shape) bool {
			return slices.EqualFunc(o.Tables, s.Tables, func(a, b ShapeTable) bool { return a.Fact == b.Fact && slices.EqualFunc(a.Columns, b.Columns, equal) })
		})
		if at < 0 {
			out = append(out, s)
			continue
		}
		out[at].Slices += s.Slices
		if s.Last > out[at].Last {
			out[at].Last = s.Last
		}
	}
	return out
}
