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
	Number int          // the same for all drafts of a plan's slices that read such tables
	Tables []ShapeTable // the facts that they read, by name
	// Texts are the outputs' SQL as the engine is given it, where that is translated. Refused says what is not, as *Refused, joined.
	Texts   []Text
	Refused error
}

// ShapeTable is what a slice of a shape reads of a fact: the columns that SQL sees of its units together.
type ShapeTable struct {
	Fact    string
	Time    string
	Columns []hindcast.Column
}

// shapes numbers the slices' shapes as they are met. A long history has many slices, and few shapes.
type shapes struct {
	lists  listNumbers
	fixed  []bool // the fact's units all have the same columns
	alike  bool   // of all facts
	met    map[string]int
	tables [][]ShapeTable // by number
	text   []byte
}

// Shapes are those of the chosen slices whose tables are not missing, in the order of time.
func (d *Draft) Shapes() []Shape {
	m := &d.maker
	var list []Shape
	at := map[int]int{} // by number
	for _, i := range m.chosen {
		if c := m.all[i]; c != nil && c.Reason == hindcast.ReasonMissing {
			continue
		}
		number := m.shapeOf(i)
		n, known := at[number]
		if !known {
			n = len(list)
			at[number] = n
			list = append(list, Shape{Slice: m.history[i], Number: number, Tables: m.shapes.tables[number]})
			if m.Pipeline.Transform.Translates() {
				is := m.translate(number)
				list[n].Texts, list[n].Refused = is.texts, is.err
			}
		}
		list[n].Last = m.history[i].Key
		list[n].Slices++
	}
	return list
}

// shapeOf numbers the shape of the slice at a place. Shapes whose columns are equal, wherever they are in memory, are one.
func (m *maker) shapeOf(i int) int {
	s := &m.shapes
	if s.met == nil {
		*s = shapes{lists: listNumbers{}, fixed: make([]bool, len(m.cutters)), met: map[string]int{}}
		for f, c := range m.cutters {
			s.fixed[f] = !c.any(func(is *common) bool { return s.lists.of(is.Columns) != s.lists.of(c.units[0].Columns) })
		}
		s.alike = !slices.Contains(s.fixed, false)
	}
	if s.alike && len(s.tables) > 0 {
		return 0
	}
	s.text = m.signature(s.text[:0], i, s.fixed, s.lists)
	n, known := s.met[string(s.text)]
	if known {
		return n
	}

	tables := m.shapeTables(i)
	if n = slices.IndexFunc(s.tables, func(o []ShapeTable) bool { return m.sameTables(o, tables) }); n < 0 {
		n = len(s.tables)
		s.tables = append(s.tables, tables)
	}
	s.met[string(s.text)] = n
	return n
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
			columns, _ := Unite(groups, c.fact.Declared)
			tables = append(tables, ShapeTable{c.fact.Name, c.fact.Time, columns})
		}
	}
	return tables
}

// sameTables reports whether SQL means the same for slices that read either.
func (m *maker) sameTables(a, b []ShapeTable) bool {
	translates := m.Pipeline.Transform.Translates()
	equal := func(a, b hindcast.Column) bool {
		return a.Name == b.Name && a.Type == b.Type && a.Absent == b.Absent && a.Refused == b.Refused &&
			(!translates || a.Source == b.Source && a.Text == b.Text && a.Collation == b.Collation)
	}
	return slices.EqualFunc(a, b, func(a, b ShapeTable) bool { return a.Fact == b.Fact && slices.EqualFunc(a.Columns, b.Columns, equal) })
}
