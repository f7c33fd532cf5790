package iceberg

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/datatype"
	"github.com/hindcast/hindcast/internal/duck"
)

// schema is a table's columns.
type schema struct {
	Type   string  `json:"type"`
	ID     int     `json:"schema-id"`
	Fields []field `json:"fields"`
}

type field struct {
	ID       int    `json:"id"`
	Name     string `json:"name"`
	Required bool   `json:"required"`
	Type     typ    `json:"type"`
	Doc      string `json:"doc,omitempty"`
}

// typ is a type of Iceberg: a plain one by its name, or a nested one with its parts.
type typ struct {
	plain string
	nested
}

type nested struct {
	Type          string  `json:"type"`
	ElementID     int     `json:"element-id,omitempty"`
	Element       *typ    `json:"element,omitempty"`
	ElementNeeded *bool   `json:"element-required,omitempty"`
	KeyID         int     `json:"key-id,omitempty"`
	Key           *typ    `json:"key,omitempty"`
	ValueID       int     `json:"value-id,omitempty"`
	Value         *typ    `json:"value,omitempty"`
	ValueNeeded   *bool   `json:"value-required,omitempty"`
	Fields        []field `json:"fields,omitempty"`
}

// MarshalJSON writes a plain type as a text.
func (t typ) MarshalJSON() ([]byte, error) {
	if t.plain != "" {
		return json.Marshal(t.plain)
	}
	return json.Marshal(t.nested)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (t *typ) UnmarshalJSON(body []byte) error {
	if len(body) > 0 && body[0] == '"' {
		return json.Unmarshal(body, &t.plain)
	}
	return json.Unmarshal(body, &t.nested)
}

// String is the type without ids.
func (t typ) String() string {
	switch {
	case t.Element != nil:
		return "list<" + t.Element.String() + ">"
	case t.Key != nil:
		return "map<" + t.Key.String() + ", " + t.Value.String() + ">"
	case t.plain == "":
		parts := make([]string, len(t.Fields))
		for i, f := range t.Fields {
			parts[i] = f.Name + ": " + f.Type.String()
		}
		return "struct<" + strings.Join(parts, ", ") + ">"
	}
	return t.plain
}

// plainTypes are Iceberg's types by what the files store a column as, in DuckDB's spelling. Integers of fewer than 32 bits are stored in
// 32, and so are the unsigned ones, all of whose values fit.
var plainTypes = map[string]string{
	"BOOLEAN": "boolean", "TINYINT": "int", "SMALLINT": "int", "INTEGER": "int", "BIGINT": "long", "UTINYINT": "int", "USMALLINT": "int",
	"FLOAT": "float", "DOUBLE": "double", "VARCHAR": "string", "JSON": "string", "BLOB": "binary", "DATE": "date", "TIME": "time",
	"TIMESTAMP": "timestamp", "TIMESTAMP_S": "timestamp", "TIMESTAMP_MS": "timestamp", "TIMESTAMP WITH TIME ZONE": "timestamptz", "UUID": "uuid",
}

// reasons say why types are refused about which there is something to be said.
var reasons = map[string]string{
	"UINTEGER":     "is stored in 32 bits with an annotation that readers take no notice of: they show values from 2147483648 on as negative ones",
	"UBIGINT":      "is stored in 64 bits with an annotation that readers take no notice of: they show values from 9223372036854775808 on as negative ones",
	"TIMESTAMP_NS": "has nanoseconds, which version 2 of the format does not have",
}

// stored is what the files store a column as.
func stored(c hindcast.Column) string {
	is := c.Stored
	if is == "" { // as it is, or nobody has stored it yet
		is, _ = duck.Carry(c.Type)
	}
	is = cmp.Or(is, c.Type)
	if strings.HasPrefix(is, "ENUM(") {
		return "VARCHAR"
	}
	return is
}

// ids gives ids to fields.
type ids struct{ last int }

func (n *ids) next() int {
	n.last++
	return n.last
}

var optional = new(bool)

// typeOf is the type of what is stored, or why there is none. The parts of a nested type get ids of their own.
func (n *ids) typeOf(is string) (t typ, why string) {
	if plain := plainTypes[is]; plain != "" {
		return typ{plain: plain}, ""
	}
	if precision, scale, ok := datatype.ParseDecimal(is); ok {
		return typ{plain: fmt.Sprintf("decimal(%d, %d)", precision, scale)}, ""
	}
	if element, ok := datatype.Element(is); ok {
		t.nested = nested{Type: "list", ElementID: n.next(), ElementNeeded: optional, Element: new(typ)}
		*t.Element, why = n.typeOf(element)
		return t, why
	}
	if key, value, ok := datatype.Entry(is); ok {
		var other string
		t.nested = nested{Type: "map", KeyID: n.next(), ValueID: n.next(), ValueNeeded: optional, Key: new(typ), Value: new(typ)}
		*t.Key, why = n.typeOf(key)
		*t.Value, other = n.typeOf(value)
		return t, cmp.Or(why, other)
	}
	if fields, ok := datatype.Fields(is); ok {
		return n.structOf(fields)
	}
	return t, cmp.Or(reasons[is], "is not a type of Iceberg")
}

func (n *ids) structOf(fields []datatype.Field) (t typ, why string) {
	t.Type = "struct"
	for _, f := range fields {
		part := field{ID: n.next(), Name: f.Name}
		if part.Type, why = n.typeOf(f.Type); why != "" {
			return t, why
		}
		t.Fields = append(t.Fields, part)
	}
	return t, ""
}

// Refuse is E-TYPE with all columns of a result that an Iceberg table cannot have; nil if there is none.
func Refuse(target string, columns []hindcast.Column) error {
	var faults []string
	known := map[string]string{}
	for _, c := range columns {
		_, why := new(ids).typeOf(stored(c))
		if why != "" {
			why = stored(c) + " " + why
		}
		if other, twice := known[strings.ToLower(c.Name)]; twice {
			why = fmt.Sprintf("has the name of %s, but for the case of letters", other)
		}
		known[strings.ToLower(c.Name)] = c.Name
		if why != "" {
			faults = append(faults, c.Name+": "+why)
		}
	}
	if len(faults) == 0 {
		return nil
	}

	e := &hindcast.Error{Code: hindcast.EType, Class: hindcast.ClassPermanent, Message: "an Iceberg table of the results in " + target + " cannot have these columns", Detail: faults,
		Next: "cast them in the SQL, to VARCHAR for example; or keep results without such a table: results: {keep: parquet}"}
	if len(faults) == 1 {
		e.Message, e.Detail = "an Iceberg table of the results in "+target+" cannot have "+faults[0], nil
	}
	return e
}

// evolve is the schema of a table whose latest result has these columns, followed by those that only other results have. A column that
// any earlier schema had keeps its id. A column that was of another type is refused, unless every value of the old one is one of the
// new.
func (m *metadata) evolve(target string, columns []hindcast.Column, others bool) (*schema, error) {
	n, was := &ids{m.LastColumn}, m.schema()
	now := &schema{Type: "struct"}
	for _, c := range columns {
		f, err := m.column(n, target, c)
		if err != nil {
			return nil, err
		}
		now.Fields = append(now.Fields, f)
	}
	if was != nil && others {
		for _, f := range was.Fields {
			if !slices.ContainsFunc(now.Fields, func(is field) bool { return is.ID == f.ID }) {
				now.Fields = append(now.Fields, f)
			}
		}
	}

	for _, s := range m.Schemas {
		now.ID = max(now.ID, s.ID+1)
	}
	if was != nil && now.same(was) {
		return was, nil
	}
	return now, nil
}

// same compares all but the schemas' own ids.
func (s *schema) same(o *schema) bool {
	one, other := *s, *o
	one.ID, other.ID = 0, 0
	a, err := json.Marshal(one)
	b, fault := json.Marshal(other)
	return err == nil && fault == nil && bytes.Equal(a, b)
}

// column is the field of a result's column.
func (m *metadata) column(n *ids, target string, c hindcast.Column) (field, error) {
	was, known := m.known.field(c.Name)
	if !known {
		f := field{ID: n.next(), Name: c.Name}
		var why string
		if f.Type, why = n.typeOf(stored(c)); why != "" {
			return f, Refuse(target, []hindcast.Column{c})
		}
		return f, nil
	}

	now, why := new(ids).typeOf(stored(c))
	was.Name = c.Name // whose case may be another now
	switch {
	case why != "":
		return was, Refuse(target, []hindcast.Column{c})
	case was.Type.String() == now.String(), wider(now, was.Type):
		return was, nil // the second: of a narrower type again, whose files are read as the wider one
	case wider(was.Type, now):
		was.Type = now
		return was, nil
	}
	return was, &hindcast.Error{Code: hindcast.EType, Class: hindcast.ClassPermanent,
		Message: fmt.Sprintf("column %s of the Iceberg table of the results in %s is %s, and the result's is %s now", c.Name, target, was.Type, now),
		Next: "give the column another name in the SQL, or cast it to the type that it was; or run all slices with results: {keep: parquet}, " +
			"then delete the folder of the table's metadata, and ask for the table again"}
}

// columnsOf are the columns of all results, those of the latest first: what only older ones have comes after. Each has the widest type
// that any of them has. E-TYPE if they have types of which none is wider than the other.
func columnsOf(target string, results Results) (columns []hindcast.Column, err error) {
	list := slices.DeleteFunc(slices.Collect(maps.Values(results)), func(m *hindcast.Manifest) bool { return m == nil })
	slices.SortFunc(list, func(a, b *hindcast.Manifest) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(a.Key, b.Key))
	})
	at, from := map[string]int{}, map[string]*hindcast.Manifest{}
	var last []hindcast.Column
	for _, m := range list {
		if slices.Equal(last, m.Columns) { // as most of them are
			continue
		}
		last = m.Columns
		for _, c := range hindcast.Present(m.Columns) {
			name := strings.ToLower(c.Name)
			i, known := at[name]
			if !known {
				at[name], from[name] = len(columns), m
				columns = append(columns, c)
				continue
			}
			wide, err := widest(columns[i], c)
			if err != nil {
				return nil, apart(target, columns[i], c, from[name].Key, m.Key, err)
			}
			if wide != columns[i] {
				columns[i], from[name] = wide, m
			}
		}
	}
	return columns, nil
}

// spellings are the names of results' columns, in order.
func spellings(results Results) []string {
	names := map[string]bool{}
	for _, m := range results {
		if m != nil {
			for _, c := range m.Columns {
				names[c.Name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// widest is the column of both that takes the values of both. It has the name of the first.
func widest(now, was hindcast.Column) (hindcast.Column, error) {
	one, why := new(ids).typeOf(stored(now))
	other, fault := new(ids).typeOf(stored(was))
	switch {
	case why == "" && fault == "" && (one.String() == other.String() || wider(other, one)):
		return now, nil
	case why == "" && fault == "" && wider(one, other):
		was.Name = now.Name
		return was, nil
	}
	return now, fmt.Errorf("%s and %s", stored(now), stored(was))
}

func apart(target string, now, was hindcast.Column, slice, older string, cause error) error {
	return &hindcast.Error{Code: hindcast.EType, Class: hindcast.ClassPermanent, Cause: cause,
		Message: fmt.Sprintf("column %s is %s in the result of slice %s that the lake keeps of %s, and %s in that of slice %s: an Iceberg table has one type for both",
			now.Name, stored(now), slice, target, stored(was), older),
		Next: "with results: {keep: parquet} run the slices again that have the other type (--slices, --force), then ask for the table again"}
}

// field finds a column by its name in the current schema, or else in the latest one that has it: a column that comes back has its former
// id, so that older snapshots, whose files have names only, find it still.
func (k *known) field(name string) (field, bool) {
	schemas := slices.SortedFunc(slices.Values(k.Schemas), func(a, b *schema) int {
		return cmp.Or(cmp.Compare(number(b.ID == k.CurrentSchema), number(a.ID == k.CurrentSchema)), cmp.Compare(b.ID, a.ID))
	})
	for _, s := range schemas {
		for _, f := range s.Fields {
			if strings.EqualFold(f.Name, name) {
				return f, true
			}
		}
	}
	return field{}, false
}

func number(is bool) int {
	if is {
		return 1
	}
	return 0
}

// wider reports whether every value of the first type is one of the second, so that a column of the first may become one of the second.
func wider(from, to typ) bool {
	if from.plain == "int" && to.plain == "long" || from.plain == "float" && to.plain == "double" {
		return true
	}
	precision, scale, is := decimalOf(from.plain)
	wide, same, both := decimalOf(to.plain)
	return is && both && scale == same && precision < wide
}

// decimalOf reads decimal(p, s).
func decimalOf(plain string) (precision, scale int, ok bool) {
	n, _ := fmt.Sscanf(plain, "decimal(%d, %d)", &precision, &scale)
	return precision, scale, n == 2
}

// setSchema makes it the current one. Files have names and no ids, by which readers find a column: the mapping says which is which, for
// all columns that any schema had, as any file spells them.
func (m *metadata) setSchema(s *schema, spelled []string) error {
	if !slices.Contains(m.Schemas, s) {
		m.Schemas = append(m.Schemas, s)
	}
	m.CurrentSchema = s.ID
	highest(s.Fields, &m.LastColumn)

	var all []mapped
	if text := m.Properties[propMapping]; text != "" {
		if err := json.Unmarshal([]byte(text), &all); err != nil {
			return fmt.Errorf("reading %s: %w", propMapping, err)
		}
	}
	all = mapFields(all, s.Fields)
	for _, name := range spelled {
		if i := slices.IndexFunc(s.Fields, func(f field) bool { return strings.EqualFold(f.Name, name) }); i >= 0 {
			f := s.Fields[i]
			f.Name = name
			all = mapFields(all, []field{f})
		}
	}
	mapping, err := json.Marshal(all)
	if err != nil {
		return err
	}
	m.Properties[propMapping] = string(mapping)
	return nil
}

// highest raises last to the highest id.
func highest(fields []field, last *int) {
	for _, f := range fields {
		*last = max(*last, f.ID)
		highest(f.Type.parts(), last)
	}
}

// parts are those of a nested type, by the names that files have for them.
func (t typ) parts() []field {
	switch {
	case t.Element != nil:
		return []field{{ID: t.ElementID, Name: "element", Type: *t.Element}}
	case t.Key != nil:
		return []field{{ID: t.KeyID, Name: "key", Type: *t.Key}, {ID: t.ValueID, Name: "value", Type: *t.Value}}
	}
	return t.Fields
}

// mapped is an entry of a name mapping: by which names files have a field.
type mapped struct {
	ID     int      `json:"field-id"`
	Names  []string `json:"names"`
	Fields []mapped `json:"fields,omitempty"`
}

// mapFields adds the names of fields to a mapping.
func mapFields(all []mapped, fields []field) []mapped {
	for _, f := range fields {
		i := slices.IndexFunc(all, func(m mapped) bool { return m.ID == f.ID })
		if i < 0 {
			all, i = append(all, mapped{ID: f.ID}), len(all)
		}
		if !slices.Contains(all[i].Names, f.Name) {
			all[i].Names = append(all[i].Names, f.Name)
		}
		all[i].Fields = mapFields(all[i].Fields, f.Type.parts())
	}
	return all
}
