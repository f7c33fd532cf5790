package survey

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/datatype"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// schema is a set of slices whose facts have the same columns: the SQL is bound once for each, because a column
// that came later is missing in the older slices only.
type schema struct {
	tables []engine.Table
	items  []*plan.Item
}

// bindAll binds the SQL of the outputs, and fits what it gives to their targets.
func (s *Survey) bindAll(ctx context.Context, p *plan.Plan) (outputs []plan.Known, err error) {
	schemas := s.schemas(p)
	var targets []warehouse.Table
	for k := range s.Pipeline.Outputs {
		o := &s.Pipeline.Outputs[k]
		var known plan.Known
		if known.Result, err = s.bind(ctx, p, o, schemas); err != nil {
			return nil, s.explained(p, o, err)
		}
		t, existing, err := s.target(ctx, o, targets)
		if err != nil {
			return nil, err
		}

		switch {
		case len(schemas) == 0: // every slice is skipped: what the target has is all that is known of the result
			known.Result = t.Columns
		case existing:
			known.Result, err = s.fit(ctx, o, t, known.Result)
		default:
			known.Result, err = s.origins(ctx, p, o, schemas[len(schemas)-1], known.Result)
		}
		if err != nil {
			return nil, s.explained(p, o, err)
		}
		known.Existing = existing
		outputs, targets = append(outputs, known), append(targets, t)
	}
	return outputs, nil
}

// bind learns the columns of an output's result, of all slices together.
func (s *Survey) bind(ctx context.Context, p *plan.Plan, o *hindcast.Output, schemas []schema) (result []hindcast.Column, err error) {
	for i := len(schemas) - 1; i >= 0; i-- { // the newest first: it is what the SQL was written for
		columns, err := s.bindSchema(ctx, p, o, schemas[i])
		if err != nil {
			return nil, inSlices(err, schemas[i], p)
		}
		if result == nil {
			result = columns
			continue
		}
		result = widened(result, columns)
		if _, err = warehouse.Fit("the result", "", s.Pipeline.History.TimeZone, result, columns); err != nil {
			return nil, inSlices(err, schemas[i], p)
		}
	}
	if len(schemas) > 0 {
		err = s.checkTarget(o, result)
	}
	return result, err
}

// target describes an output's target, and refuses one that is a source, or the target of another output.
func (s *Survey) target(ctx context.Context, o *hindcast.Output, others []warehouse.Table) (t warehouse.Table, existing bool, err error) {
	table := o.Target.Table
	found, err := s.Warehouse.Describe(ctx, []string{table})
	if err != nil {
		return t, false, err
	}
	t, existing = found[table]
	for i, other := range others {
		if name := s.Pipeline.Outputs[i].Target.Table; strings.EqualFold(name, table) || sameRows(t, other) {
			return t, existing, &hindcast.Error{Code: hindcast.ETarget, Class: hindcast.ClassPermanent, Place: s.Pipeline.Places[o.Key("target.table")],
				Message: fmt.Sprintf("%s is the target of two outputs, %s and %s: each would replace the other's rows", table, s.Pipeline.Outputs[i].Name, o.Name),
				Next:    "give each output its own target"}
		}
	}
	return t, existing, s.apart(o, t)
}

// fit gives the result the types in which it is staged for a target that is there.
func (s *Survey) fit(ctx context.Context, o *hindcast.Output, t warehouse.Table, result []hindcast.Column) ([]hindcast.Column, error) {
	table := o.Target.Table
	result, err := s.Warehouse.Spell(ctx, result)
	if err != nil {
		return nil, err
	}
	if t.View {
		return nil, &hindcast.Error{Code: hindcast.ETarget, Class: hindcast.ClassPermanent, Place: s.Pipeline.Places[o.Key("target.table")],
			Message: table + " is a view or a foreign table: no rows can be loaded into it", Next: "name a table, or one that does not exist yet"}
	}
	if result, err = warehouse.Fit(table, t.Statement, s.Pipeline.History.TimeZone, t.Columns, result); err != nil {
		return nil, s.ofTarget(o, err)
	}
	return result, nil
}

// widened gives the result's columns the types that hold the values of other slices' results as well, where there are such.
func widened(result, other []hindcast.Column) []hindcast.Column {
	result = slices.Clone(result)
	for i := range result {
		c := &result[i]
		at := slices.IndexFunc(other, func(o hindcast.Column) bool { return strings.EqualFold(o.Name, c.Name) })
		if at < 0 || other[at].Type == c.Type {
			continue
		}
		if typ, ok := datatype.Common(c.Type, other[at].Type); ok {
			c.Type, c.Source, c.Stored = typ, "", ""
		}
	}
	return result
}

func (s *Survey) bindSchema(ctx context.Context, p *plan.Plan, o *hindcast.Output, group schema) ([]hindcast.Column, error) {
	query, checks, err := s.query(p, o, group)
	if err != nil {
		return nil, err
	}
	columns, err := s.Binder.Bind(ctx, query, checks)
	if err != nil {
		return nil, s.inCheck(o, err)
	}
	return columns, s.refuseRead(ctx, p, query, checks)
}

// refuseRead refuses SQL that reads a column which the tables of a slice have as types that no type holds together.
func (s *Survey) refuseRead(ctx context.Context, p *plan.Plan, query engine.Query, checks []engine.Check) error {
	var used map[string][]string
	for _, t := range query.Tables {
		if !slices.ContainsFunc(t.Columns, func(c hindcast.Column) bool { return c.Absent && c.Refused != "" }) {
			continue
		}
		var err error
		if used == nil {
			if used, err = s.Binder.Used(ctx, query, checks); err != nil {
				return fmt.Errorf("looking for the columns that the SQL reads: %w", err)
			}
		}
		if err := p.RefuseRead(t.Name, t.Columns, used); err != nil {
			return err
		}
	}
	return nil
}

// query is an output's SQL, with its checks, over the group's tables.
func (s *Survey) query(p *plan.Plan, o *hindcast.Output, group schema) (query engine.Query, checks []engine.Check, err error) {
	if o.Fault != nil {
		return query, nil, o.Fault
	}
	params := plan.Params(group.items[0].Slice, p.CreatedAt, s.Pipeline)
	if query, err = engine.Bound(s.Pipeline.Transform.Dialect, o.Text, o.SQLFile, params); err != nil {
		return query, nil, err
	}
	query.Tables, query.TimeZone, query.Now = group.tables, s.Pipeline.History.TimeZone, p.CreatedAt
	checks, err = engine.BoundChecks(s.Pipeline.Transform.Dialect, o.Checks, params)
	return query, checks, err
}

// inCheck sets the place of a check's error in the pipeline file.
func (s *Survey) inCheck(o *hindcast.Output, err error) error {
	if err == nil {
		return nil
	}
	e := *hindcast.AsError(err)
	for i, c := range o.Checks {
		if place, found := s.Pipeline.Places[o.Key(fmt.Sprintf("checks.%d", i))]; found && strings.HasPrefix(e.Message, fmt.Sprintf("check %q: ", c.Name)) {
			e.Place = place
			return &e
		}
	}
	return err
}

// inSlices adds how many slices an SQL error concerns, unless it is all of them.
func inSlices(err error, group schema, p *plan.Plan) error {
	if len(group.items) == len(p.Items) {
		return err
	}
	e := *hindcast.AsError(err)
	first, last := p.Label(group.items[0].Slice.Key), p.Label(group.items[len(group.items)-1].Slice.Key)
	if len(group.items) == 1 {
		e.Message += " for slice " + first
	} else {
		e.Message += fmt.Sprintf(" for %d slices", len(group.items))
		e.Detail = append(e.Detail, fmt.Sprintf("%s … %s have other columns than the slices where the SQL fits", first, last))
	}
	return &e
}

// schemas groups the plan's slices, in the order of time. The tables of a slice are built once for all slices whose
// tables have the same lists of columns: a long history has many slices, and few such lists.
func (s *Survey) schemas(p *plan.Plan) []schema {
	units := make(map[unit]*plan.Unit, len(p.Units))
	for i := range p.Units {
		units[unit{p.Units[i].Fact, p.Units[i].Key}] = &p.Units[i]
	}
	lists := listNumbers{}
	var order []string
	groups, met := map[string]*schema{}, map[string]*schema{}
	var same []byte
	for i := range p.Items {
		item := &p.Items[i]
		if item.Reason == hindcast.ReasonMissing {
			continue
		}
		same = same[:0]
		for n, need := range item.Units {
			same = binary.LittleEndian.AppendUint32(append(same, need.Fact...), uint32(n))
			last := -1
			for _, key := range need.Keys {
				u := units[unit{need.Fact, key}]
				if u == nil {
					continue
				}
				if number := lists.of(u.Columns); number != last {
					same, last = binary.LittleEndian.AppendUint32(same, uint32(number)), number
				}
			}
		}
		group := met[string(same)]
		if group == nil {
			tables := s.tables(p, item, units)
			key := signature(tables)
			if groups[key] == nil {
				groups[key] = &schema{tables: tables}
				order = append(order, key)
			}
			group = groups[key]
			met[string(same)] = group
		}
		group.items = append(group.items, item)
	}
	list := make([]schema, len(order))
	for i, key := range order {
		list[i] = *groups[key]
	}
	return list
}

// unit names a fact's unit.
type unit struct{ fact, key string }

func signature(tables []engine.Table) string {
	var text strings.Builder
	for _, t := range tables {
		for _, c := range t.Columns {
			fmt.Fprintf(&text, "%q %q %q %v %q\n", t.Name, c.Name, c.Type, c.Absent, c.Refused)
		}
	}
	return text.String()
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

func (s *Survey) tables(p *plan.Plan, item *plan.Item, units map[unit]*plan.Unit) []engine.Table {
	var tables []engine.Table
	for _, need := range item.Units {
		var groups []plan.Group
		for _, key := range need.Keys {
			if u := units[unit{need.Fact, key}]; u != nil {
				groups = append(groups, plan.Group{Source: u.Source, Columns: u.Columns})
			}
		}
		columns, _ := plan.Unite(groups)
		tables = append(tables, engine.Table{Name: need.Fact, Time: hindcast.Spelled(columns, timeOf(p, need.Fact)), Own: item.Slice.Interval, Window: item.Slice.Interval, Columns: columns})
	}
	for _, d := range p.Dims {
		tables = append(tables, engine.Table{Name: d.Name, Columns: d.Columns})
	}
	return tables
}

// ofTarget sets the place of a target's error in the pipeline file.
func (s *Survey) ofTarget(o *hindcast.Output, err error) error {
	e := *hindcast.AsError(err)
	if e.Code == hindcast.ETarget || e.Code == hindcast.ETableMissing {
		e.Place = s.Pipeline.Places[o.Key("target.table")]
	}
	return &e
}

// checkTarget checks that the result has the target's time and key.
func (s *Survey) checkTarget(o *hindcast.Output, result []hindcast.Column) error {
	target := o.Target
	if warehouse.Own(target.Table) {
		return &hindcast.Error{Code: hindcast.EValue, Class: hindcast.ClassPermanent, Place: s.Pipeline.Places[o.Key("target.table")],
			Message: fmt.Sprintf("target.table is %q, the name of one of hindcast's own tables", target.Table), Next: "give the target another name"}
	}
	names := make([]string, len(result))
	types := map[string]string{}
	for i, c := range result {
		names[i] = c.Name
		types[strings.ToLower(c.Name)] = c.Type
	}
	typ, found := types[strings.ToLower(target.Time)]
	if !found || !hindcast.IsTime(typ) {
		e := &hindcast.Error{Code: hindcast.EValue, Class: hindcast.ClassPermanent, Place: s.Pipeline.Places[o.Key("target.time")],
			Message: fmt.Sprintf("target.time is %q, which is not a column of the result", target.Time),
			Detail:  []string{"the result's columns: " + strings.Join(names, ", ")}, Next: "name the result's column that assigns a row to its slice"}
		if found {
			e.Message = fmt.Sprintf("target.time %q has type %s; it must be a DATE or a TIMESTAMP", target.Time, typ)
			e.Next = "cast it in the SQL: CAST(… AS DATE)"
		}
		return e
	}
	for _, k := range target.Key {
		if _, found := types[strings.ToLower(k)]; !found {
			return &hindcast.Error{Code: hindcast.EValue, Class: hindcast.ClassPermanent, Place: s.Pipeline.Places[o.Key("target.key")],
				Message: fmt.Sprintf("target.key names %q, which is not a column of the result", k),
				Detail:  []string{"the result's columns: " + strings.Join(names, ", ")}, Next: "correct target.key, or give the column in the SQL"}
		}
	}
	return nil
}
