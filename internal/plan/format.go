package plan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/hindcast/hindcast"
)

// Format is the highest format of frozen plans that this hindcast writes; it reads this one and those before it. A plan that needs
// more of its readers than this has a higher one (docs/decisions/formats.md).
const Format = 4

// formatFor is the lowest format whose readers know all that a plan of the pipeline has: 3 where a check is of a kind that format 2
// does not have, and 4 where what came with that decides which rows a slice has, or where history is read from another
// warehouse than results are loaded into.
func formatFor(p *hindcast.Pipeline) int {
	if p.Apart() || p.Transform.Translates() || slices.ContainsFunc(p.Facts, ofFormat4) || slices.ContainsFunc(p.Outputs, aimsAtFormat4) || slices.ContainsFunc(p.Outputs, reads) {
		return 4
	}
	known := []string{"rows", "total", "sql"}
	for _, o := range p.Outputs {
		for _, c := range o.Checks {
			if slices.ContainsFunc(c.Kinds(), func(kind string) bool { return !slices.Contains(known, kind) }) {
				return 3
			}
		}
	}
	return 2
}

// ofFormat4 reports whether a reader of an earlier format would take other rows for the fact's, or other columns.
func ofFormat4(f hindcast.Fact) bool {
	return !f.Lookahead.IsZero() || f.Format != "" || len(f.Declared) > 0
}

// aimsAtFormat4 reports whether a reader of an earlier format would put other rows in the place of the output's.
func aimsAtFormat4(o hindcast.Output) bool { return o.Target.Drop || o.Target.Format != "" }

// reads reports whether the output's SQL sees a table that a reader of an earlier format would not give it.
func reads(o hindcast.Output) bool { return len(o.Reads) > 0 }

// Together reports whether the plan's slices are not published one by one: in one transaction, or not before somebody asks.
func (p *Plan) Together() bool { return p.Hold || p.Pipeline.Publish == hindcast.PublishRun }

// Number gives the plan of a run format 4 where its slices are not published one by one, or are put back, or were not all computed by one SQL:
// its readers must know that.
func (p *Plan) Number() {
	if p.Together() || p.Undo != "" || len(p.Revisions) > 0 {
		p.Format = Format
	}
}

// UnmarshalJSON reads a plan of any format up to Format. E-FORMAT if it is of a later one.
func (p *Plan) UnmarshalJSON(text []byte) error {
	format, err := formatOf(text)
	switch {
	case err != nil:
		return err
	case format > Format:
		return &hindcast.Error{Code: hindcast.EFormat, Class: hindcast.ClassPermanent,
			Message: fmt.Sprintf("the plan has format %d, of a newer hindcast: this one reads formats up to %d", format, Format),
			Next:    "use the hindcast that made the run, or a newer one"}
	case format == 1:
		return p.unmarshal1(text)
	}
	type plain Plan
	err = exact(text, (*plain)(p))
	p.fold()
	return err
}

// fold takes the slices that are up to date out of the items, where they once stood.
func (p *Plan) fold() {
	items := p.Items[:0]
	for i := range p.Items {
		if item := &p.Items[i]; item.Reason == hindcast.ReasonUpToDate {
			p.span(&item.Slice, item.Detail)
		} else {
			items = append(items, *item)
		}
	}
	p.Items = items
}

// formatOf reads the format, which comes first. The first format had no number.
func formatOf(text []byte) (int, error) {
	if !bytes.HasPrefix(text, []byte(`{"format":`)) {
		return 1, nil
	}
	var format int
	d := json.NewDecoder(bytes.NewReader(text[len(`{"format":`):]))
	err := d.Decode(&format)
	return format, err
}

// exact is json.Unmarshal that keeps the numbers of parameters as they are written.
func exact(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return d.Decode(into)
}

// plan1 is a plan of format 1: of the one output that a pipeline had, the definition stood in the pipeline, and what was known of
// it in the plan.
type plan1 struct {
	plain1
	SQL      string            `json:"sql"`
	Result   []hindcast.Column `json:"result"`
	Existing bool              `json:"target_exists"`
	Pipeline pipeline1         `json:"pipeline"`
	Items    []item1           `json:"items"`
}

type plain1 Plan

type pipeline1 struct {
	hindcast.Pipeline
	Transform struct {
		hindcast.Transform
		SQLFile string `json:"sql"`
	} `json:"transform"`
	Target hindcast.Target  `json:"target"`
	Checks []hindcast.Check `json:"checks"`
	Load   struct {
		hindcast.Load
		Session []string `json:"session"`
	} `json:"load"`
}

type item1 struct {
	Item
	Parts hindcast.Parts `json:"parts"`
}

func (p *Plan) unmarshal1(text []byte) error {
	var old plan1
	if err := exact(text, &old); err != nil {
		return err
	}
	*p = Plan(old.plain1)
	p.Format = 1
	p.Outputs = []Output{{SQL: old.SQL, Result: old.Result, Existing: old.Existing}}

	was := &old.Pipeline
	p.Pipeline = was.Pipeline
	p.Pipeline.Transform, p.Pipeline.Session = was.Transform.Transform, was.Load.Session
	p.Pipeline.Outputs = []hindcast.Output{{SQLFile: was.Transform.SQLFile, Target: was.Target, Checks: was.Checks, Load: was.Load.Load}}

	p.Items = make([]Item, len(old.Items))
	for i, item := range old.Items {
		p.Items[i] = item.Item
		p.Items[i].Parts = []hindcast.Parts{item.Parts}
	}
	p.fold()
	return nil
}
