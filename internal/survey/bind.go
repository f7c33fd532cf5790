package survey

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/datatype"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/numbers"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// schema is a shape with its tables as the engine takes them: the SQL is bound once for each, because a column
// that came later is missing in the older slices only.
type schema struct {
	plan.Shape
	tables []engine.Table
}

// bindAll binds the SQL of the outputs, and fits what it gives to their targets.
func (s *Survey) bindAll(ctx context.Context, p *plan.Plan, schemas []schema) (outputs []plan.Known, err error) {
	var targets []warehouse.Table
	s.results = map[string][]hindcast.Column{}
	for k := range s.Pipeline.Outputs {
		o := &s.Pipeline.Outputs[k]
		var known plan.Known
		if err = s.translateReading(p, k, schemas); err != nil {
			return nil, s.explained(p, o, err)
		}
		if known.Result, err = s.bind(ctx, p, o, schemas); err != nil {
			return nil, s.explained(p, o, err)
		}
		t, existing, err := s.target(ctx, o, targets)
		if err != nil {
			return nil, err
		}

		switch {
		case len(schemas) == 0: // every slice is skipped: what the target has is all that is known of the result
			known.Result = hindcast.Timed(t.Columns, o.Target.Time, o.Target.Format)
		case existing:
			known.Result, err = s.fit(ctx, o, t, known.Result)
		default:
			known.Result, err = s.origins(ctx, p, o, schemas[len(schemas)-1], known.Result)
		}
		if err != nil {
			return nil, s.explained(p, o, err)
		}
		if err := s.bindChecks(ctx, p, k, schemas, known.Result); err != nil {
			return nil, s.explained(p, o, err)
		}
		known.Existing = existing
		s.results[o.Name] = known.Result
		outputs, targets = append(outputs, known), append(targets, t)
	}
	return outputs, nil
}

// bind learns the columns of an output's result, of all slices together.
func (s *Survey) bind(ctx context.Context, p *plan.Plan, o *hindcast.Output, schemas []schema) (result []hindcast.Column, err error) {
	for i := len(schemas) - 1; i >= 0; i-- { // the newest first: it is what the SQL was written for
		columns, err := s.bindSchema(ctx, p, o, schemas[i])
		if err != nil {
			return nil, concerning(p.Declaring(err), schemas, i, p, func(other schema) error {
				_, err := s.bindSchema(ctx, p, o, other)
				return err
			})
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
	return hindcast.Timed(result, o.Target.Time, o.Target.Format), err
}

// target describes an output's target, and refuses one that is a source, or the target of another output.
func (s *Survey) target(ctx context.Context, o *hindcast.Output, others []warehouse.Table) (t warehouse.Table, existing bool, err error) {
	table := o.Target.Table
	found, err := s.Warehouse.Describe(ctx, []string{table})
	if err != nil {
		return t, false, err
	}
	t, existing = found[table]
	if t.System != "" {
		return t, existing, s.ofTarget(o, warehouse.InSystem(table, t.System))
	}
	for i, other := range others {
		if name := s.Pipeline.Outputs[i].Target.Table; strings.EqualFold(name, table) || sameRows(t, other) {
			return t, existing, plan.OneTarget(s.Pipeline, i, s.Pipeline.OutputNamed(o.Name))
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
	for _, c := range result {
		if c.Format != "" && !c.Format.Holds(c.Type) {
			return nil, s.ofTarget(o, &hindcast.Error{Code: hindcast.ETarget, Class: hindcast.ClassPermanent,
				Message: fmt.Sprintf("column %q of %s has type %s, and the format %s is of %s", c.Name, table, cmp.Or(c.Source, c.Type), c.Format, c.Format.Of()),
				Next:    "correct the format of target.time, or the target"})
		}
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
	if group.Refused != nil && o.Fault == nil {
		return nil, s.refused(o, group.Refused)
	}
	query, checks, err := s.query(p, o, group)
	if err != nil {
		return nil, err
	}
	columns, err := s.Binder.Bind(ctx, query, checks)
	if err != nil {
		return nil, s.ofOutput(o, s.uncarried(s.misnamed(ctx, o, query, s.inCheck(o, err))))
	}
	return columns, s.refuseRead(ctx, p, query, checks)
}

// uncarried says what to write in the pipeline file for columns that the engine has no type for, and where if the SQL does not name
// them.
func (s *Survey) uncarried(err error) error {
	u, is := errors.AsType[*engine.Uncarried](err)
	if !is {
		return err
	}
	e := *hindcast.AsError(err)
	var mend, textual, others []string
	for _, t := range u.Tables {
		key, text, own := s.textOf(t.Name)
		if !u.Named && e.Place.Line == 0 {
			e.Place = s.Pipeline.Places[key]
		}

		known := len(text)
		for _, c := range t.Columns {
			if own || c.NoText {
				others = append(others, t.Name+"."+c.Name)
				continue
			}
			text, textual = append(text, c.Name), append(textual, t.Name+"."+c.Name)
		}
		if len(text) > known {
			mend = append(mend, fmt.Sprintf("write text: [%s] at %s", strings.Join(text, ", "), key))
		}
	}

	switch {
	case len(mend) == 0:
		e.Next = "leave them out of the SQL"
	case len(others) == 0:
		e.Next = "to read them as text, " + strings.Join(mend, ", and ") + "; or leave them out of the SQL"
	default:
		e.Next = fmt.Sprintf("to read %s as text, %s; leave %s out of the SQL, as text cannot stand for it exactly", strings.Join(textual, ", "),
			strings.Join(mend, ", and "), strings.Join(others, ", "))
	}
	return &e
}

// textOf is the key of a fact or dimension, its columns that are carried as text, and whether it is of the user's own files, of which
// none is.
func (s *Survey) textOf(table string) (key string, text []string, own bool) {
	for _, f := range s.Pipeline.Facts {
		if f.Name == table {
			return "facts." + table, slices.Clone(f.Text), f.Files != ""
		}
	}
	for _, d := range s.Pipeline.Dims {
		if d.Name == table {
			return "dimensions." + table, slices.Clone(d.Text), d.Files != ""
		}
	}
	return "", nil, true
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
	params := plan.Params(group.Slice, p.CreatedAt, s.Pipeline)
	native := s.Pipeline.Transform.Native()
	text := plan.Text{SQL: o.Text, Checks: o.Checks}
	if s.Pipeline.Transform.Translates() {
		text = group.Texts[s.Pipeline.OutputNamed(o.Name)]
	}
	if query, err = engine.Bound(native, text.SQL, o.SQLFile, params); err != nil {
		return query, nil, err
	}
	query = query.From(s.Pipeline.Transform.Dialect, o.Text, text.Shifts, text.Guards)
	query.Tables, query.TimeZone, query.Now = slices.Clone(group.tables), s.Pipeline.History.TimeZone, p.CreatedAt
	for _, name := range o.Reads {
		query.Tables = append(query.Tables, engine.ResultTable(name, s.results[name]))
	}
	checks, err = engine.BoundChecks(native, text.Checks, params)
	return query, checks, err
}

// inCheck sets the place of a check's error in the pipeline file.
func (s *Survey) inCheck(o *hindcast.Output, err error) error {
	if err == nil {
		return nil
	}
	e := *hindcast.AsError(err)
	place, found := s.Pipeline.Places[o.Key(fmt.Sprintf("checks.%d", checkOf(o, &e)))]
	if !found {
		return err
	}
	e.Place = place
	return &e
}

// checkOf is the index of the check that an error is about; -1 if it is about none.
func checkOf(o *hindcast.Output, e *hindcast.Error) int {
	return slices.IndexFunc(o.Checks, func(c hindcast.Check) bool { return strings.HasPrefix(e.Message, fmt.Sprintf("check %q: ", c.Name)) })
}

// concerning adds how many slices the SQL's error over one of the schemas concerns, unless the SQL fails alike over all of them.
func concerning(err error, schemas []schema, failed int, p *plan.Plan, over func(schema) error) error {
	for i := range schemas {
		if i == failed {
			continue
		}
		if other := over(schemas[i]); other == nil || other.Error() != err.Error() {
			return inSlices(err, schemas[failed], p)
		}
	}
	return err
}

// inSlices adds how many slices an SQL error concerns, unless it is all of them.
func inSlices(err error, group schema, p *plan.Plan) error {
	if group.Slices == p.Total() {
		return err
	}
	if all, is := err.(interface{ Unwrap() []error }); is { // refusals, of which each is one for itself
		list := slices.Clone(all.Unwrap())
		list[0] = inSlices(list[0], group, p)
		return errors.Join(list...)
	}
	e := *hindcast.AsError(err)
	first, last := p.Label(group.Slice.Key), p.Label(group.Last)
	if group.Slices == 1 {
		e.Message += " for slice " + first
	} else {
		e.Message += " for " + numbers.Counted(group.Slices, "slice")
		e.Detail = append(e.Detail, fmt.Sprintf("%s … %s have other columns than the slices where the SQL fits", first, last))
	}
	return &e
}

// schemas are the shapes of the draft's slices, in the order of time.
func schemas(d *plan.Draft, p *plan.Plan) []schema {
	var list []schema
	for _, shape := range d.Shapes() {
		group := schema{Shape: shape}
		for _, t := range shape.Tables {
			group.tables = append(group.tables, engine.Table{Name: t.Fact, Time: hindcast.Spelled(t.Columns, t.Time), Own: shape.Slice.Interval, Window: shape.Slice.Interval, Columns: t.Columns})
		}
		for _, dim := range p.Dims {
			group.tables = append(group.tables, engine.Table{Name: dim.Name, Columns: dim.Columns})
		}
		list = append(list, group)
	}
	return list
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
	if !found || (target.Format == "" && !hindcast.IsTime(typ)) || (target.Format != "" && !target.Format.Holds(typ)) {
		e := &hindcast.Error{Code: hindcast.EValue, Class: hindcast.ClassPermanent, Place: s.Pipeline.Places[o.Key("target.time")],
			Message: fmt.Sprintf("target.time is %q, which is not a column of the result", target.Time),
			Detail:  []string{"the result's columns: " + strings.Join(names, ", ")}, Next: "name the result's column that assigns a row to its slice"}
		if found {
			e.Message = fmt.Sprintf("target.time %q has type %s; it must be a DATE or a TIMESTAMP", target.Time, typ)
			e.Next = "cast it in the SQL: CAST(… AS DATE), or say how it holds times: time: {column: " + target.Time + ", format: yyyymmdd}, or yyyy-mm-dd, epoch, epoch_ms"
		}
		if found && target.Format != "" {
			e.Message = fmt.Sprintf("target.time %q has type %s, and the format %s is of %s", target.Time, typ, target.Format, target.Format.Of())
			e.Next = "correct the format; a DATE or TIMESTAMP needs none"
		}
		return e
	}
	if err := s.checkPrevious(o, types); err != nil {
		return err
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

// checkPrevious checks that the totals that are compared with published ones have exact sums. The types are the result's, by their
// columns' names in small letters.
func (s *Survey) checkPrevious(o *hindcast.Output, types map[string]string) error {
	for i, c := range o.Checks {
		if c.Previous == nil || c.Previous.Total == nil {
			continue
		}
		of := c.Previous.Total.Of
		typ, found := types[strings.ToLower(of)]
		if found && datatype.Exact(typ) {
			continue
		}
		e := &hindcast.Error{Code: hindcast.EValue, Class: hindcast.ClassPermanent, Place: s.Pipeline.Places[o.Key(fmt.Sprintf("checks.%d.against_previous.total.of", i))],
			Message: fmt.Sprintf("check %q: %q is not a column of the result", c.Name, of), Next: "name a column of the result"}
		if found {
			e.Message = fmt.Sprintf("check %q: %s is %s, whose sums are not exact", c.Name, of, typ)
			e.Next = "cast it to a DECIMAL in the SQL, or name another column"
		}
		return e
	}
	return nil
}
