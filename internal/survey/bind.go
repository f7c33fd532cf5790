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

// bind learns the result's columns and fits them to the target.
func (s *Survey) bind(ctx context.Context, p *plan.Plan) (result []hindcast.Column, existing bool, err error) {
	schemas := s.schemas(p)
	for i := len(schemas) - 1; i >= 0; i-- { // the newest first: it is what the SQL was written for
		columns, err := s.bindSchema(ctx, p, schemas[i])
		if err != nil {
			return nil, false, inSlices(err, schemas[i], p)
		}
		if result == nil {
			result = columns
			continue
		}
		result = widened(result, columns)
		if _, err = warehouse.Fit("the result", "", s.Pipeline.History.TimeZone, result, columns); err != nil {
			return nil, false, inSlices(err, schemas[i], p)
		}
	}
	if len(schemas) > 0 {
		if err := s.checkTarget(result); err != nil {
			return nil, false, err
		}
	}
	table := s.Pipeline.Output().Target.Table
	found, err := s.Warehouse.Describe(ctx, []string{table})
	if err != nil {
		return nil, false, err
	}
	t, existing := found[table]
	if err := s.apart(t); err != nil {
		return nil, existing, err
	}
	if len(schemas) == 0 { // every slice is skipped: what the target has is all that is known of the result
		return t.Columns, existing, nil
	}
	if !existing {
		if result, err = s.origins(ctx, p, schemas[len(schemas)-1], result); err != nil {
			return nil, false, err
		}
	}
	if existing {
		if result, err = s.Warehouse.Spell(ctx, result); err != nil {
			return nil, true, err
		}
		if t.View {
			return nil, true, &hindcast.Error{Code: hindcast.ETarget, Class: hindcast.ClassPermanent, Place: s.Pipeline.Places["target.table"],
				Message: table + " is a view or a foreign table: no rows can be loaded into it", Next: "name a table, or one that does not exist yet"}
		}
		if result, err = warehouse.Fit(table, t.Statement, s.Pipeline.History.TimeZone, t.Columns, result); err != nil {
			return nil, true, s.ofTarget(err)
		}
	}
	return result, existing, nil
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

func (s *Survey) bindSchema(ctx context.Context, p *plan.Plan, group schema) ([]hindcast.Column, error) {
	query, checks, err := s.query(p, group)
	if err != nil {
		return nil, err
	}
	columns, err := s.Binder.Bind(ctx, query, checks)
	if err != nil {
		return nil, s.inCheck(err)
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

// query is the SQL, with its checks, over the group's tables.
func (s *Survey) query(p *plan.Plan, group schema) (query engine.Query, checks []engine.Check, err error) {
	if fault := s.Pipeline.Output().Fault; fault != nil {
		return query, nil, fault
	}
	params := plan.Params(group.items[0].Slice, p.CreatedAt, s.Pipeline)
	if query, err = engine.Bound(s.Pipeline.Transform.Dialect, s.Pipeline.Output().Text, s.Pipeline.Output().SQLFile, params); err != nil {
		return query, nil, err
	}
	query.Tables, query.TimeZone, query.Now = group.tables, s.Pipeline.History.TimeZone, p.CreatedAt
	checks, err = engine.BoundChecks(s.Pipeline.Transform.Dialect, s.Pipeline.Output().Checks, params)
	return query, checks, err
}

// inCheck sets the place of a check's error in the pipeline file.
func (s *Survey) inCheck(err error) error {
	if err == nil {
		return nil
	}
	e := *hindcast.AsError(err)
	for i, c := range s.Pipeline.Output().Checks {
		if place, found := s.Pipeline.Places[fmt.Sprintf("checks.%d", i)]; found && strings.HasPrefix(e.Message, fmt.Sprintf("check %q: ", c.Name)) {
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
		tables = append(tables, engine.Table{Name: need.Fact, Time: timeOf(p, need.Fact), Own: item.Slice.Interval, Window: item.Slice.Interval, Columns: columns})
	}
	for _, d := range p.Dims {
		tables = append(tables, engine.Table{Name: d.Name, Columns: d.Columns})
	}
	return tables
}

// ofTarget sets the place of a target's error in the pipeline file.
func (s *Survey) ofTarget(err error) error {
	e := *hindcast.AsError(err)
	if e.Code == hindcast.ETarget || e.Code == hindcast.ETableMissing {
		e.Place = s.Pipeline.Places["target.table"]
	}
	return &e
}

// checkTarget checks that the result has the target's time and key.
func (s *Survey) checkTarget(result []hindcast.Column) error {
	target := s.Pipeline.Output().Target
	if warehouse.Own(target.Table) {
		return &hindcast.Error{Code: hindcast.EValue, Class: hindcast.ClassPermanent, Place: s.Pipeline.Places["target.table"],
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
		e := &hindcast.Error{Code: hindcast.EValue, Class: hindcast.ClassPermanent, Place: s.Pipeline.Places["target.time"],
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
			return &hindcast.Error{Code: hindcast.EValue, Class: hindcast.ClassPermanent, Place: s.Pipeline.Places["target.key"],
				Message: fmt.Sprintf("target.key names %q, which is not a column of the result", k),
				Detail:  []string{"the result's columns: " + strings.Join(names, ", ")}, Next: "correct target.key, or give the column in the SQL"}
		}
	}
	return nil
}
