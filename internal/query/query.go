// Package query answers an ad hoc query over one slice, for `hindcast sql`.
package query

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/session"
)

// Query is an ad hoc query over one slice.
type Query struct {
	Slice  string // "" is the latest
	Text   string
	File   string  // where the text is from, for places in errors
	Sample float64 // per cent of each fact's rows; 0 is all
	Limit  int
	Keep   time.Duration // that an engine's session stays for the next query; 0 ends it
}

// Run answers a query over a slice's facts and dimensions as the transform would see them. The session's engine is open. What
// is not in the lake is read from the warehouse, which is opened for it, into the session's folder, which its Close removes.
func Run(ctx context.Context, s *session.Session, q Query, now time.Time) (engine.Rows, error) {
	sampler, ok := s.Binder.(engine.Sampler)
	if !ok {
		return engine.Rows{}, &hindcast.Error{Code: hindcast.EValue, Class: hindcast.ClassPermanent,
			Message: "the engine " + s.Engine.Properties().Name + " runs no queries by hand", Next: "use the engine duckdb"}
	}
	if keeper, is := sampler.(engine.Keeper); is {
		keeper.Keep(q.Keep)
	}

	// By the lake alone first: a run may have the warehouse to itself, and the query may need none, unless its settings decide what the
	// SQL means.
	needed := s.Pipeline.Transform.Translates() && s.Pipeline.Origin().Scheme != "duckdb"
	var unknown error // a column that the lake has not, or that there is not at all
	if !needed {
		if p, err := fromLake(ctx, s, q.Slice, now); err == nil {
			rows, err := over(ctx, s, sampler, p, q, now)
			if !elsewhere(err) {
				return rows, err
			}
			if !errors.Is(err, errNotInLake) {
				unknown = err
			}
		}
	}
	if err := s.Reach(ctx); err != nil {
		if unknown != nil {
			return engine.Rows{}, errors.Join(unknown, err)
		}
		return engine.Rows{}, err
	}
	p, err := planAny(ctx, s, q.Slice, now)
	if err != nil {
		return engine.Rows{}, err
	}
	return over(ctx, s, sampler, p, q, now)
}

// Alone refuses an output whose SQL reads another one's rows: these exist in a run alone.
func Alone(p *hindcast.Pipeline, o *hindcast.Output) error {
	if len(o.Reads) == 0 {
		return nil
	}
	return &hindcast.Error{Code: hindcast.EValue, Class: hindcast.ClassPermanent, Place: p.Places[o.Key("reads")],
		Message: fmt.Sprintf("the SQL of %s reads %s, whose rows are computed by a run alone", o.Name, strings.Join(o.Reads, " and ")),
		Next:    "look at its rows with: hindcast run --canary, which publishes nothing, and then: hindcast diff"}
}

// elsewhere reports whether the lake alone had too little. It may have fewer columns than the pipeline has by now, whose file was
// changed since they were unloaded, or than the warehouse.
func elsewhere(err error) bool {
	return errors.Is(err, errNotInLake) || err != nil && hindcast.AsError(err).Code == hindcast.ESQLColumn
}

// narrows reports whether the lake may have fewer columns than the warehouse.
func narrows(p *hindcast.Pipeline) bool {
	return slices.ContainsFunc(p.Facts, func(f hindcast.Fact) bool { return f.Used }) ||
		slices.ContainsFunc(p.Dims, func(d hindcast.Dim) bool { return d.Used })
}

// over runs the query over the last of the plan's slices.
func over(ctx context.Context, s *session.Session, sampler engine.Sampler, p *plan.Plan, q Query, now time.Time) (engine.Rows, error) {
	item := p.Items[len(p.Items)-1]
	query, err := s.Survey(session.Choice{}, now).Written(p, item.Slice, q.Text, q.File, seen(s, p, item))
	if err != nil {
		return engine.Rows{}, err
	}
	reads, _ := s.Binder.Used(ctx, query, nil) // a query that is wrong is bound after this
	r := &reader{Session: s, plan: p, item: item, scratch: s.Spilled(), sample: q.Sample, reads: reads}
	defer r.release()
	if query.Tables, err = r.tables(ctx); err != nil {
		return engine.Rows{}, err
	}
	return sampler.Query(ctx, query, engine.Limits{}, q.Limit)
}

// fromLake plans the slice by the lake alone.
func fromLake(ctx context.Context, s *session.Session, slice string, now time.Time) (*plan.Plan, error) {
	if slice == "" {
		to, err := plan.ResolveTo(s.Pipeline, now)
		if err != nil {
			return nil, err
		}
		history, err := plan.Cut(s.Pipeline.History, to)
		if err != nil {
			return nil, err
		}
		slice = history[len(history)-1].Key
	}
	return s.Survey(session.Choice{Slices: slice, Force: true}, now).FromLake(ctx)
}

// planAny plans the slice without binding the pipeline's SQL, which may be what is being worked on.
func planAny(ctx context.Context, s *session.Session, slice string, now time.Time) (*plan.Plan, error) {
	asked := s.Survey(session.Choice{Slices: slice, Force: true}, now)
	return asked.Draft(ctx)
}

// seen are the slice's tables as a query sees them, without their files.
func seen(s *session.Session, p *plan.Plan, item plan.Item) []engine.Table {
	var tables []engine.Table
	for _, f := range s.Pipeline.Facts {
		t := engine.Table{Name: f.Name, Time: f.Time}
		var groups []plan.Group
		for _, key := range item.Units.Of(f.Name) {
			u := unitOf(p, f.Name, key)
			groups = append(groups, plan.Group{Source: u.Source, Columns: u.Columns})
		}
		t.Columns, _ = plan.Unite(groups, f.Declared)
		tables = append(tables, t)
	}
	for _, d := range p.Dims {
		tables = append(tables, engine.Table{Name: d.Name, Columns: d.Columns})
	}
	return tables
}
