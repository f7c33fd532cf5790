package plan

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/dialect"
	"github.com/hindcast/hindcast/internal/sqltext"
)

// Spoken is what a warehouse's SQL means something by beside its text. It is found by a survey, and frozen in the plan.
type Spoken struct {
	Collation string `json:"collation,omitempty"` // that the database orders texts by; "" if it is not known
	TimeZone  string `json:"time_zone,omitempty"` // of its sessions; "" if it has none of its own
	DateStyle string `json:"date_style,omitempty"`
}

// Text is an output's SQL, with that of its checks, as the engine is given it: translated, for slices that read tables of the same
// columns. Parameters are still names in it.
type Text struct {
	SQL    string           `json:"sql"`
	Shifts []sqltext.Shift  `json:"shifts,omitempty"` // from offsets in SQL to those in the text that people wrote
	Guards []sqltext.Guard  `json:"guards,omitempty"` // what of the text that people wrote raises
	Lean   *Lean            `json:"lean,omitempty"`   // what gives the same at less cost, over most texts
	Leaner *Lean            `json:"leaner,omitempty"` // the same where bounds of numbers and times are known, too. It is taken first; its costs are what Lean still has
	Checks []hindcast.Check `json:"checks,omitempty"`

	unmarked string // SQL without the numbers of its guards
	changes  []dialect.Change
}

// Refused is the error of SQL that is not translated, with all that was found in it.
type Refused struct {
	Refusals   dialect.Refusals
	Text, File string
	Output     string // the name of the output whose SQL it is; "" for an only output's, a check's, or a query by hand
	Check      string // the name of the check whose SQL it is; "" for that of an output
}

func (r *Refused) Error() string { return r.Refusals.Error() }

// Translator translates SQL of the pipeline's dialect for the engine of a plan. It is pure: the same text over the same columns gives
// the same SQL.
type Translator struct {
	Pipeline *hindcast.Pipeline
	Engine   Version
	Spoken   Spoken
}

// SQL translates one text over tables; the error is *Refused.
func (t Translator) SQL(text, file string, tables []ShapeTable) (Text, error) {
	result, err := dialect.Translate(text, t.options(tables))
	if refused, is := errors.AsType[dialect.Refusals](err); is {
		return Text{}, &Refused{Refusals: refused, Text: text, File: file}
	}
	if err != nil {
		return Text{}, err
	}
	return textOf(result), nil
}

func textOf(result dialect.Result) Text {
	made := Text{SQL: result.SQL, Shifts: shifts(result.Changes), unmarked: result.Unmarked(), changes: result.Changes}
	if result.Start > 0 {
		made.Shifts = []sqltext.Shift{{Delta: result.Start, Fixed: true}}
	}
	for _, g := range result.Guards {
		made.Guards = append(made.Guards, sqltext.Guard{At: g.At.Start, End: g.At.End, Op: g.Op})
	}
	return made
}

// Output translates the SQL of an output over the tables that it sees; the error is *Refused.
func (t Translator) Output(o *hindcast.Output, tables []ShapeTable) (Text, error) {
	text, err := t.SQL(o.Text, o.SQLFile, tables)
	if refused, is := errors.AsType[*Refused](err); is {
		refused.Output = o.Name
	}
	return text, err
}

// Checks translates the SQL of an output's checks over tables and the output's result; the error is *Refused.
func (t Translator) Checks(o *hindcast.Output, result []hindcast.Column, tables []ShapeTable) ([]hindcast.Check, error) {
	if len(o.Checks) == 0 {
		return nil, nil
	}
	tables = append(slices.Clone(tables), asStaged("result", result))

	var refused []error
	checks := slices.Clone(o.Checks)
	for i := range checks {
		c := &checks[i]
		text := &c.SQL
		if c.Total != nil {
			total := *c.Total
			c.Total, text = &total, &total.Equals
		}
		if *text == "" {
			continue
		}
		made, err := t.SQL(*text, "", tables)
		if is, ok := errors.AsType[*Refused](err); ok {
			is.Check = c.Name
		}
		if err != nil {
			refused = append(refused, err)
		}
		*text = made.SQL
	}
	return checks, errors.Join(refused...)
}

// asStaged is a result as a table: what reads it sees the types in which it was staged, and not those of the warehouse.
func asStaged(name string, result []hindcast.Column) ShapeTable {
	columns := slices.Clone(result)
	for i := range columns {
		columns[i].Source = ""
	}
	return ShapeTable{Fact: name, Columns: columns}
}

// Reading adds the outputs that an output reads to the tables that its SQL sees. It is false while one of their results is not known.
func (Translator) Reading(o *hindcast.Output, tables []ShapeTable, results map[string][]hindcast.Column) ([]ShapeTable, bool) {
	tables = slices.Clone(tables)
	for _, name := range o.Reads {
		if len(results[name]) == 0 {
			return nil, false
		}
		tables = append(tables, asStaged(name, results[name]))
	}
	return tables, true
}

func (t Translator) options(tables []ShapeTable) dialect.Options {
	p := t.Pipeline
	o := dialect.Options{From: dialect.Source(p.Transform.Dialect), To: t.target(), Params: paramTypes(p), Mark: true}
	o.Settings = dialect.Settings{Collation: t.Spoken.Collation, TimeZone: t.zone(), DateStyle: t.Spoken.DateStyle}
	if p.Origin().Scheme == "duckdb" {
		o.Settings.Collation = "C"
	}
	for _, table := range tables {
		is := dialect.Table{Name: table.Fact}
		for _, c := range table.Columns {
			is.Columns = append(is.Columns, t.column(table.Fact, c))
		}
		o.Schema.Tables = append(o.Schema.Tables, is)
	}
	return o
}

func (t Translator) target() dialect.Target {
	switch {
	case t.Engine.Name == "duckdb":
		return dialect.DuckDB
	case strings.HasPrefix(t.Engine.Version, "3."):
		return dialect.Spark35
	}
	return dialect.Spark40
}

// zone is the time zone that SQL means times without one by: UTC where the warehouse and the engine agree on that. Otherwise what
// depends on it is refused.
func (t Translator) zone() string {
	for _, zone := range []string{t.Spoken.TimeZone, t.Pipeline.History.TimeZone} {
		if !utc(zone) {
			return zone
		}
	}
	return ""
}

func utc(zone string) bool {
	return slices.ContainsFunc([]string{"", "UTC", "Etc/UTC", "GMT", "Etc/GMT", "UCT", "Etc/UCT", "Zulu", "Etc/Zulu", "Universal"}, func(is string) bool { return strings.EqualFold(is, zone) })
}

// column is a column as the warehouse's SQL knows it. One whose type that has no word for has none: it is refused where it is used.
func (t Translator) column(table string, c hindcast.Column) dialect.Column {
	own := t.Pipeline.Origin().Scheme == "duckdb" || t.ofFiles(table)
	name, typ := c.Name, c.Source
	if own {
		name = strings.ToLower(name) // DuckDB finds it in any case
	}
	switch {
	case c.Text && !own && (c.Source == "json" || c.Source == "jsonb") && c.Refused == "":
		// SQL reads the text as JSON.
	case c.Text || isStandIn(c) || c.Refused != "" || c.Collation != "":
		typ = "" // SQL would not see it as the warehouse does, or not compare it so
	case own || typ == "":
		typ = t.typeOf(c.Type)
	}
	return dialect.Column{Name: name, Type: typ}
}

func (t Translator) ofFiles(table string) bool {
	return slices.ContainsFunc(t.Pipeline.Facts, func(f hindcast.Fact) bool { return f.Name == table && f.Files != "" }) ||
		slices.ContainsFunc(t.Pipeline.Dims, func(d hindcast.Dim) bool { return d.Name == table && d.Files != "" })
}

// typeOf is the warehouse's name of a type in DuckDB's spelling; "" if it has none.
func (t Translator) typeOf(typ string) string {
	switch typ {
	case "VARCHAR":
		if t.Pipeline.Transform.Dialect == hindcast.DialectRedshift {
			return "character varying(65535)"
		}
		return "text"
	case "DOUBLE":
		return "double precision"
	case "FLOAT":
		return "real"
	case "BOOLEAN", "SMALLINT", "INTEGER", "BIGINT", "DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE":
		return strings.ToLower(typ)
	}
	if strings.HasPrefix(typ, "DECIMAL(") {
		return strings.ToLower(typ)
	}
	return ""
}

// paramTypes are the types of :names as the warehouse reads their literals. One that is NULL has none.
func paramTypes(p *hindcast.Pipeline) map[string]string {
	bound := "date"
	if !wholeDays(p.History) {
		bound = "timestamp with time zone"
	}
	types := map[string]string{"slice_start": bound, "slice_end": bound, "run_time": "timestamp with time zone"}
	for _, param := range p.Params {
		if typ := paramType(param); typ != "" {
			types[param.Name] = typ
		}
	}
	return types
}

func paramType(p hindcast.Param) string {
	switch v := p.Value.(type) {
	case bool:
		return "boolean"
	case string:
		return fmt.Sprintf("character varying(%d)", max(len(v), 1))
	case nil:
		return ""
	}
	text := strings.Trim(p.Literal, "()") // the digits that SQL reads: 1.0 is a decimal
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		if n < math.MinInt32 || n > math.MaxInt32 {
			return "bigint"
		}
		return "integer"
	}
	whole, fraction, _ := strings.Cut(strings.TrimLeft(text, "+-"), ".")
	return fmt.Sprintf("numeric(%d,%d)", max(len(strings.TrimLeft(whole, "0"))+len(fraction), 1), len(fraction))
}

// text gives the plan the translated SQL of the outputs for a slice, and returns its number among their texts. What is refused stays
// empty: a plan that runs it is refused before.
func (m *maker) text(out *Plan, i int, numbers map[int]int) (int, error) {
	shape := m.shapeOf(i)
	if n, known := numbers[shape]; known {
		return n, nil
	}
	is, t, results := m.translate(shape), m.Translator(), m.results()
	tables := t.WithDims(m.shapes.tables[shape], m.dims)
	for k := range out.Outputs {
		text, o := is.texts[k], &m.Pipeline.Outputs[k]
		if sees, known := t.Reading(o, tables, results); is.err == nil && known && len(m.Outputs) > 0 {
			var err error
			if text.Checks, err = t.Checks(o, m.Outputs[k].Result, sees); err != nil {
				return 0, err
			}
		}
		out.Outputs[k].Texts = append(out.Outputs[k].Texts, text)
	}
	numbers[shape] = len(numbers)
	return numbers[shape], nil
}

// shifts map offsets in a translated text to those in the text that it is made of.
func shifts(changes []dialect.Change) []sqltext.Shift {
	var list []sqltext.Shift
	end, grown := 0, 0 // of the change before, in the original; by how much longer the text is up to there
	for _, c := range changes {
		if c.At.Start < end {
			continue // within another one
		}
		at := c.At.Start + grown
		end, grown = c.At.End, grown+len(c.Text)-(c.At.End-c.At.Start)
		list = append(list, sqltext.Shift{At: at, Delta: c.At.Start - at, Fixed: true}, sqltext.Shift{At: at + len(c.Text), Delta: -grown})
	}
	return list
}

// translated is the SQL of the outputs for slices of one shape.
type translated struct {
	texts []Text
	sql   []string // the hash of each; "" where it is refused, or reads what is not known yet
	reads []string // the hash of the SQL of those that each reads, directly or not; "" if it reads none
	err   error
}

// translate gives the SQL of the outputs for the slices of a shape, which is given by its number.
func (m *maker) translate(shape int) *translated {
	for len(m.translations) <= shape {
		m.translations = append(m.translations, nil)
	}
	if m.translations[shape] == nil {
		m.translations[shape] = m.translateOver(m.shapes.tables[shape])
	}
	return m.translations[shape]
}

func (m *maker) translateOver(tables []ShapeTable) *translated {
	t, native := m.Translator(), sqltext.Dialect(m.Pipeline.Transform.Native())
	tables = t.WithDims(tables, m.dims)
	is, results := &translated{}, m.results()
	var refused []error
	for k := range m.Pipeline.Outputs {
		o := &m.Pipeline.Outputs[k]
		var text Text
		var err error
		print := ""
		if sees, known := t.Reading(o, tables, results); known {
			if text, err = t.Output(o, sees); err == nil {
				text.Lean, text.Leaner = t.leaner(o.Text, text, sees)
				print = hash(native.Normalize(text.unmarked))
			} else {
				refused = append(refused, err)
			}
		}
		is.texts, is.sql, is.reads = append(is.texts, text), append(is.sql, print), append(is.reads, is.read(m.Pipeline, o))
	}
	is.err = errors.Join(refused...)
	return is
}

// read is the hash of the SQL of the outputs that an output reads.
func (is *translated) read(p *hindcast.Pipeline, o *hindcast.Output) string {
	var all []string
	for _, name := range o.Reads {
		k := p.OutputNamed(name)
		all = append(all, is.sql[k], is.reads[k])
	}
	if len(all) == 0 {
		return ""
	}
	return hash(all...)
}

// results are those of the outputs, once they are known, by name.
func (m *maker) results() map[string][]hindcast.Column {
	all := make(map[string][]hindcast.Column, len(m.Outputs))
	for k := range m.Outputs {
		all[m.Pipeline.Outputs[k].Name] = m.Outputs[k].Result
	}
	return all
}

// Translator is the one of what the draft is made from.
func (in *Inputs) Translator() Translator {
	return Translator{Pipeline: in.Pipeline, Engine: in.Engine, Spoken: in.Spoken}
}

// WithDims adds a plan's dimensions to the facts that SQL sees.
func (Translator) WithDims(tables []ShapeTable, dims []DimItem) []ShapeTable {
	tables = slices.Clone(tables)
	for _, d := range dims {
		tables = append(tables, ShapeTable{Fact: d.Name, Columns: d.Columns})
	}
	return tables
}

// partsFor are the parts of an output, known before the unload, of the slice at a place.
func (m *maker) partsFor(output, i int) hindcast.Parts {
	parts := m.parts[output](m.history[i])
	if m.Pipeline.Transform.Translates() {
		is := m.translate(m.shapeOf(i))
		parts.SQL = is.sql[output]
		if is.reads[output] != "" {
			parts.Definition = hash(parts.Definition, is.reads[output])
		}
	}
	return parts
}
