package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/datatype"
	"go.yaml.in/yaml/v4"
)

// declared is the column that is being decoded.
func (d *decoder) declared() *hindcast.Declared {
	list := d.fact().Declared
	return &list[len(list)-1]
}

// factColumns takes a list, or the word for those that are read. Columns with keys have been taken already; each name may be that of one.
func (d *decoder) factColumns(v value) {
	if v.node == nil || v.node.Kind != yaml.MappingNode {
		d.fact().Columns, d.fact().Used = d.narrowed(v)
		return
	}
	if len(d.fact().Declared) == 0 {
		d.bad(v, formFactColumns.Right, "is empty")
	}
	seen := map[string]string{}
	for _, c := range d.fact().Declared {
		for _, name := range append([]string{c.Name}, c.Was...) {
			if of, twice := seen[strings.ToLower(name)]; twice {
				d.bad(v, "name each column once", "column %q is there twice, of %s and of %s", name, of, c.Name)
			}
			seen[strings.ToLower(name)] = c.Name
		}
	}
}

func (d *decoder) typeOf(v value) string {
	typ, known := datatype.Declarable(d.textOf(v))
	if !known {
		d.bad(v, "write varchar, boolean, smallint, integer, bigint, decimal(P,S), float, double, date, timestamp or timestamptz", "%q is not a type of a declared column", v.text)
	}
	return typ
}

// fillOf is the value of a column where there is none; nil for NULL.
func (d *decoder) fillOf(v value) *string {
	if v.null() {
		return nil
	}
	text := v.text
	return &text
}

// checkDeclared refuses a value for missing columns that is not one of the column's type.
func (d *decoder) checkDeclared(v value) {
	c := d.declared()
	if c.Fill != nil && c.Type != "" && !datatype.Written(*c.Fill, c.Type) {
		d.fail(hindcast.EValue, d.p.Places[v.path+".missing"], len("missing"), "write null, or a value of the column's type",
			"%s.missing: %q is not written as a %s", v.path, *c.Fill, c.Type)
	}
}

// checkDeclaredOf restricts declared columns to tables, whose types are known before a row is read, and to columns that do not decide
// which slice a row is in.
func (d *decoder) checkDeclaredOf(v value, f *hindcast.Fact) {
	if len(f.Declared) == 0 {
		return
	}
	refuse := func(next, why string) {
		d.fail(hindcast.EValue, d.p.Places[v.path+".columns"], len("columns"), next, "%s.columns: %s", v.path, why)
	}
	if f.Files != "" {
		refuse("say how they are read with `types:`, or write the files again with one list of columns", "columns with keys are of tables, and these are files of your own")
	}
	for _, c := range f.Declared {
		if f.Time != "" && slices.ContainsFunc(append([]string{c.Name}, c.Was...), func(name string) bool { return strings.EqualFold(name, f.Time) }) {
			refuse("take it out; where it was renamed, name views as the fact's tables", fmt.Sprintf("%q assigns the rows to slices, and has one name in all tables", f.Time))
		}
	}
}
