package survey

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/sqltext"
)

// bindChecks translates an output's checks, which is possible once the types are known in which its result is staged, and binds them.
func (s *Survey) bindChecks(ctx context.Context, p *plan.Plan, output int, schemas []schema, result []hindcast.Column) error {
	o := &s.Pipeline.Outputs[output]
	if !s.Pipeline.Transform.Translates() || len(o.Checks) == 0 {
		return nil
	}
	t := s.translator(p)
	for i := range schemas {
		group := &schemas[i]
		tables, _ := t.Reading(o, t.WithDims(group.Tables, p.Dims), s.results)
		checks, err := t.Checks(o, result, tables)
		if err != nil {
			return s.refused(o, err)
		}
		group.Texts = slices.Clone(group.Texts) // the draft's
		group.Texts[output].Checks = checks
		if _, err := s.bindSchema(ctx, p, o, *group); err != nil {
			return concerning(err, schemas, i, p, func(other schema) error {
				other.Texts = slices.Clone(other.Texts)
				other.Texts[output].Checks = checks
				_, err := s.bindSchema(ctx, p, o, other)
				return err
			})
		}
	}
	return nil
}

// translateReading translates the SQL of an output that reads others, which is possible once the types are known in which those are staged.
func (s *Survey) translateReading(p *plan.Plan, output int, schemas []schema) error {
	o := &s.Pipeline.Outputs[output]
	if !s.Pipeline.Transform.Translates() || len(o.Reads) == 0 || o.Fault != nil {
		return nil
	}
	t := s.translator(p)
	over := func(group schema) (plan.Text, error) {
		tables, _ := t.Reading(o, t.WithDims(group.Tables, p.Dims), s.results)
		return t.Output(o, tables)
	}
	for i := range schemas {
		group := &schemas[i]
		text, err := over(*group)
		if err != nil {
			return concerning(s.refused(o, err), schemas, i, p, func(other schema) error {
				_, err := over(other)
				return s.refused(o, err)
			})
		}
		group.Texts = slices.Clone(group.Texts) // the draft's
		group.Texts[output] = text
	}
	return nil
}

// Written is a query of SQL in the pipeline's dialect over tables of a slice, translated for the engine. Refusals are all in the error.
func (s *Survey) Written(p *plan.Plan, slice hindcast.Slice, text, file string, tables []engine.Table) (engine.Query, error) {
	is := plan.Text{SQL: text}
	if s.Pipeline.Transform.Translates() {
		shapes := make([]plan.ShapeTable, len(tables))
		for i, t := range tables {
			shapes[i] = plan.ShapeTable{Fact: t.Name, Columns: t.Columns}
		}
		var err error
		if is, err = s.translator(p).SQL(text, file, shapes); err != nil {
			return engine.Query{}, s.refused(nil, err)
		}
	}
	query, err := engine.Bound(s.Pipeline.Transform.Native(), is.SQL, file, plan.Params(slice, s.Now, s.Pipeline))
	if err != nil {
		return query, err
	}
	query = query.From(s.Pipeline.Transform.Dialect, text, is.Shifts, is.Guards)
	query.Tables, query.TimeZone, query.Now = tables, s.Pipeline.History.TimeZone, s.Now
	return query, nil
}

func (s *Survey) translator(p *plan.Plan) plan.Translator {
	return plan.Translator{Pipeline: s.Pipeline, Engine: p.Engine, Spoken: p.Spoken}
}

// refused are all refusals in an error as errors for the user, each with its place and the line that it is about.
func (s *Survey) refused(o *hindcast.Output, err error) error {
	if joined, is := err.(interface{ Unwrap() []error }); is { // each of them is looked at
		var all []error
		for _, one := range joined.Unwrap() {
			all = append(all, s.refused(o, one))
		}
		return errors.Join(all...)
	}
	r, is := errors.AsType[*plan.Refused](err)
	if !is {
		return err
	}
	if r.Output != "" { // SQL of all outputs is refused together
		o = &s.Pipeline.Outputs[s.Pipeline.OutputNamed(r.Output)]
	}

	all := r.Refusals.Errors(r.Text, r.File, sqltext.Excerpt)
	for i := range all {
		e := hindcast.AsError(all[i])
		if r.Check != "" {
			e.Message = fmt.Sprintf("check %q: %s", r.Check, e.Message)
			e = hindcast.AsError(s.inCheck(o, e))
			all[i] = e
		}
		if e.Code == hindcast.ESQLTable && e.Next == "" {
			e.Detail = []string{"the SQL sees the facts and dimensions: " + strings.Join(s.names(), ", ")}
			e.Next = "correct the name, or declare the table under facts: or dimensions:"
			if o != nil {
				all[i] = s.ofOutput(o, e)
			}
		}
	}
	return errors.Join(all...)
}

// names are those of facts and dimensions.
func (s *Survey) names() []string {
	var names []string
	for _, f := range s.Pipeline.Facts {
		names = append(names, f.Name)
	}
	for _, d := range s.Pipeline.Dims {
		names = append(names, d.Name)
	}
	return names
}
