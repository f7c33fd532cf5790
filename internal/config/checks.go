package config

import (
	"fmt"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hindcast/hindcast"
)

func (d *decoder) check() *hindcast.Check {
	checks := d.output().Checks
	return &checks[len(checks)-1]
}

func (d *decoder) rows() *hindcast.RowsCheck   { return d.check().Rows }
func (d *decoder) total() *hindcast.TotalCheck { return d.check().Total }

func (d *decoder) beginRows(v value) {
	if v.node != nil {
		d.check().Rows = &hindcast.RowsCheck{}
	}
}

func (d *decoder) beginTotal(v value) {
	if v.node != nil {
		d.check().Total = &hindcast.TotalCheck{}
	}
}

func (d *decoder) count(v value) *int64 {
	n := d.whole(v, 0, math.MaxInt64, formCount.Right)
	return &n
}

func (d *decoder) checkRows(v value) {
	r := d.rows()
	switch {
	case r == nil:
	case r.Min == nil && r.Max == nil:
		d.bad(v, "write min, max or both, such as {min: 1}", "has no bound")
	case r.Min != nil && r.Max != nil && *r.Min > *r.Max:
		d.bad(v, "write a max that is not below min", "min is more than max")
	}
}

// nameCheck checks that exactly one kind is present, and gives the check a stable name.
func (d *decoder) nameCheck(v value) {
	c := d.check()
	kinds := c.Kinds()
	if len(kinds) != 1 {
		d.bad(v, "write each check as an item of its own", "a check is exactly one of rows, total, not_null, unique, accepted_values, relationships, against_previous and sql")
		return
	}

	base := kinds[0]
	switch {
	case c.Total != nil:
		base += " " + c.Total.Of
	case c.Accepted != nil:
		base += " " + c.Accepted.Column
	case c.Related != nil:
		base += " " + c.Related.Column
	case len(c.NotNull) > 0:
		base += " " + strings.Join(c.NotNull, ", ")
	case len(c.Unique) > 0:
		base += " " + strings.Join(c.Unique, ", ")
	}

	used := map[string]bool{}
	for _, other := range d.output().Checks[:len(d.output().Checks)-1] {
		used[other.Name] = true
	}

	c.Name = base
	if base == "sql" {
		c.Name = "sql 1"
	}

	for n := 2; used[c.Name]; n++ {
		c.Name = fmt.Sprintf("%s %d", base, n)
	}
}

// literals decodes a list of values as SQL literals, at least one.
func (d *decoder) literals(v value) []string {
	if len(v.items) == 0 {
		d.bad(v, "name at least one value", "is empty")
	}
	out := make([]string, len(v.items))
	for i, item := range v.items {
		out[i] = d.param(item).Literal
	}
	return out
}

var (
	ratioForm  = regexp.MustCompile(ratioPattern)
	withinForm = regexp.MustCompile(withinPattern)
)

func (d *decoder) ratio(v value) *hindcast.Ratio {
	m := ratioForm.FindStringSubmatch(v.text)
	if m == nil {
		d.bad(v, formRatio.Right, "%q is not two factors", v.text)
		return nil
	}
	least, _ := new(big.Rat).SetString(m[1]) // which the form has checked
	most, _ := new(big.Rat).SetString(m[3])
	if least.Cmp(most) > 0 {
		d.bad(v, formRatio.Right, "%s is more than %s", m[1], m[3])
	}
	return &hindcast.Ratio{Least: m[1], Most: m[3]}
}

func (d *decoder) within(v value) string {
	if !withinForm.MatchString(v.text) {
		d.bad(v, formWithin.Right, "%q is not a decimal number of 0 or more, or per cent", v.text)
	}
	return strings.ReplaceAll(v.text, " ", "")
}

func (d *decoder) checkPrevious(v value) {
	if p := d.check().Previous; p != nil && p.Rows == nil && p.Total == nil {
		d.bad(v, "write rows, total or both, such as {rows: 0.8..1.2}", "has nothing to compare")
	}
}

// finishChecks checks what the checks of all outputs say of facts, dimensions and outputs.
func (d *decoder) finishChecks() {
	for k := range d.p.Outputs {
		d.finishChecksOf(&d.p.Outputs[k])
	}
}

func (d *decoder) finishChecksOf(o *hindcast.Output) {
	tables := slices.Concat(d.tables(), o.Reads)
	for i, c := range o.Checks {
		if c.Related == nil || slices.Contains(tables, c.Related.To) {
			continue
		}
		at := o.Key(fmt.Sprintf("checks.%d.relationships.to", i))
		if slices.ContainsFunc(d.p.Outputs, func(other hindcast.Output) bool { return other.Name == c.Related.To && other.Name != o.Name }) {
			d.fail(hindcast.EValue, d.p.Places[at], utf8.RuneCountInString(c.Related.To), "write reads: ["+strings.Join(append(slices.Clone(o.Reads), c.Related.To), ", ")+"] at "+o.Name,
				"%s: %q is an output that %s does not read", at, c.Related.To, o.Name)
			continue
		}
		d.fail(hindcast.EValue, d.p.Places[at], utf8.RuneCountInString(c.Related.To), "name one of "+strings.Join(tables, ", "),
			"%s: %q is neither a fact nor a dimension%s", at, c.Related.To, didYouMean(c.Related.To, tables))
	}
}

// tables are the names of facts and dimensions.
func (d *decoder) tables() (names []string) {
	for _, f := range d.p.Facts {
		names = append(names, f.Name)
	}
	for _, dim := range d.p.Dims {
		names = append(names, dim.Name)
	}
	return names
}
