// Package verify compares what is published and unloaded with its records: the source with the lake's manifests, the
// lake's files with their checksums, the target's rows with the status rows. It changes nothing; what to do about a
// difference is up to the user.
package verify

import (
	"context"
	"fmt"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/lake"
	"github.com/hindcast/hindcast/internal/numbers"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// Finding is one difference.
type Finding struct {
	What string `json:"what"` // "source", "lake" or "target"
	Name string `json:"name"` // the fact, dimension or target
	Key  string `json:"key"`  // the unit or slice
	Text string `json:"text"`
	Next string `json:"next"`
	// Label is the key as people see it.
	Label string `json:"-"`
}

// Result is what was compared and what differs.
type Result struct {
	Units    int       `json:"units"`  // generations compared with their source
	Files    int       `json:"files"`  // files read
	Slices   int       `json:"slices"` // committed slices compared with the targets
	Rows     int64     `json:"rows"`   // rows that were compared at the source
	Findings []Finding `json:"findings"`
	Notes    []string  `json:"notes,omitempty"` // worth knowing without being a difference: rows that no slice has
}

// Verify holds what is compared.
type Verify struct {
	Plan      *plan.Plan // of all slices to verify, as of now
	Lake      *lake.Lake
	Warehouse warehouse.Warehouse // that results are loaded into
	Source    warehouse.Warehouse // that history is read from
	Files     bool                // read every file and compare its checksum
	Deep      bool                // compare every value with the source, even if counts and sums are much cheaper
	Each      func(done, of int)  // progress
	// Behind are the slices of which the Iceberg table over a target's kept results shows others than these; nil where there are no such tables.
	Behind func(ctx context.Context, target string, kept map[string]*hindcast.Manifest) (keys []string, err error)
	result Result
	summed bool // the source only has counts and sums, not a hash over the values
}

// Run compares everything. The error means that it could not; differences are in the Result.
func (v *Verify) Run(ctx context.Context) (*Result, error) {
	facts, dims, err := v.Lake.Current(ctx)
	if err != nil {
		return nil, err
	}

	for _, m := range v.Lake.Mended() {
		v.find("lake", m.Manifest.Name, m.Manifest.Key, "hindcast run, which writes it again", "%s; %s is used", place(m.Fault), m.From)
	}

	total := len(v.Plan.Units) + len(v.Plan.Dims)
	for i, u := range v.Plan.Units {
		m := facts[u.Fact][u.Key]
		if m == nil || len(u.Files) > 0 || !m.Interval.Equal(u.Interval) {
			continue
		}
		if err := v.unit(ctx, m, timeOf(&v.Plan.Pipeline, u.Fact), u.Missing || u.Gone); err != nil {
			return nil, err
		}
		v.Each(i+1, total)
	}

	for i, d := range v.Plan.Dims {
		if m := dims[d.Name]; m != nil && len(d.Files) == 0 {
			if err := v.unit(ctx, m, "", d.Gone); err != nil {
				return nil, err
			}
		}
		v.Each(len(v.Plan.Units)+i+1, total)
	}

	if err := v.own(ctx); err != nil {
		return nil, err
	}
	if err := v.previous(ctx); err != nil {
		return nil, err
	}
	if v.summed {
		v.result.Notes = append(v.result.Notes, "rows and the sums of exact numbers were compared with the source; texts and other values were not: verify --deep")
	}
	if err := v.strays(ctx); err != nil {
		return nil, err
	}

	v.result.Notes = append(v.result.Notes, v.Plan.LeftOut...)
	return &v.result, v.targets(ctx)
}

// place describes an error in a file, with the file's name.
func place(err error) string {
	e := hindcast.AsError(err)
	return e.Place.File + ": " + e.Message
}

// strays notes rows of the facts' sources that no slice takes: without a time, or outside of the times that slices take.
// Those of the user's own files the plan has counted.
func (v *Verify) strays(ctx context.Context) error {
	p := &v.Plan.Pipeline
	reaches, err := plan.Reaches(p, v.Plan.History.End)
	if err != nil {
		return nil // the plan has already divided it
	}

	units := map[string]*plan.Unit{}
	for i := range v.Plan.Units {
		if u := &v.Plan.Units[i]; !u.Missing && !u.Gone {
			units[u.Fact+"\x00"+u.Source] = u
		}
	}

	var found []hindcast.Stray
	for _, r := range reaches {
		u := units[r.Fact+"\x00"+r.Source]
		if u == nil {
			continue
		}
		stray := hindcast.Stray{Fact: r.Fact, Source: r.Source, Time: r.Time, Strays: hindcast.Strays{Within: r.Within}}
		if u.Strays != nil {
			stray.Strays = *u.Strays
		}
		if len(u.Files) == 0 {
			counted, err := v.Source.Strays(ctx, warehouse.Extract{Table: r.Source, Columns: hindcast.Present(u.Columns), Time: hindcast.Spelled(u.Columns, r.Time), Window: r.Within,
				TimeZone: p.History.TimeZone}, false)
			if err != nil {
				return fmt.Errorf("counting %s: %w", r.Source, err)
			}
			stray.NoTime, stray.Outside = counted.NoTime, counted.Outside
		}
		found = append(found, stray)
	}

	v.result.Notes = append(v.result.Notes, plan.StrayTexts(p, found)...)
	return nil
}

func timeOf(p *hindcast.Pipeline, fact string) string {
	for _, f := range p.Facts {
		if f.Name == fact {
			return f.Time
		}
	}
	return ""
}

func (v *Verify) find(what, name, key, next, text string, args ...any) {
	label := v.Plan.UnitLabel(name, key)
	if what == "target" {
		label = v.Plan.Label(key)
	}
	v.result.Findings = append(v.result.Findings, Finding{What: what, Name: name, Key: key, Text: fmt.Sprintf(text, args...), Next: next, Label: label})
}

// unit compares a generation with its files and with the source.
func (v *Verify) unit(ctx context.Context, m *hindcast.Manifest, timeColumn string, gone bool) error {
	check := v.Lake.VerifySizes
	if v.Files {
		check = v.Lake.Verify
	}

	v.result.Files += len(m.Files)
	if err := check(ctx, m); err != nil {
		e := hindcast.AsError(err)
		if e.Code != hindcast.EParquet {
			return err
		}
		v.find("lake", m.Name, m.Key, v.again(m, m.Sums), "%s", e.Message)
	}

	if err := v.beside(ctx, m); err != nil {
		return err
	}

	if gone != m.Missing {
		if gone {
			v.find("source", m.Name, m.Key, "the lake still has its rows; nothing is lost", "%s is not there any more", m.Source)
		} else {
			v.find("source", m.Name, m.Key, "hindcast run", "%s is there now", m.Source)
		}
	}

	if gone || m.Missing {
		return nil
	}

	sum := v.Source.Sum
	if v.Deep {
		sum = v.Source.Hash
	}

	sums, err := sum(ctx, warehouse.Extract{Table: m.Source, Columns: m.Columns, Time: hindcast.Spelled(m.Columns, timeColumn), Window: m.Interval,
		TimeZone: v.Plan.Pipeline.History.TimeZone})
	if err != nil {
		return fmt.Errorf("counting %s: %w", m.Source, err)
	}

	v.result.Units++
	v.result.Rows += sums.Rows
	v.summed = v.summed || sums.Rows > 0 && sums.Content == ""

	if text := Difference(m.Sums, sums); text != "" {
		v.find("source", m.Name, m.Key, v.again(m, sums)+" && hindcast run", "%s changed since %s: %s",
			m.Source, m.CreatedAt.Format("2006-01-02 15:04"), text)
	}

	return nil
}

// beside compares the current manifest with the copy beside its files. That of a corrupt catalog entry has been read.
func (v *Verify) beside(ctx context.Context, m *hindcast.Manifest) error {
	for _, known := range v.Lake.Mended() {
		if known.Manifest.Name == m.Name && known.Manifest.Key == m.Key {
			return nil
		}
	}

	err := v.Lake.Beside(ctx, m)
	if err == nil || hindcast.AsError(err).Code != hindcast.EManifest {
		return err
	}
	v.find("lake", m.Name, m.Key, v.again(m, m.Sums), "%s; the copy in the catalog is used", place(err))
	return nil
}

// again is the command that unloads the unit or dimension again: a unit's period may differ from the slices', and a
// dimension is unloaded with any slice. A source that lost rows is only used with --accept-loss.
func (v *Verify) again(m *hindcast.Manifest, now hindcast.Sums) string {
	command := "hindcast unload --fresh --slices "
	if now.Rows < m.Sums.Rows {
		command = "hindcast unload --fresh --accept-loss --slices "
	}
	return command + v.Plan.Reader(m.Name, m.Key)
}

// targets compares the committed slices with the targets' rows.
func (v *Verify) targets(ctx context.Context) error {
	rows, err := v.Warehouse.Committed(ctx, v.Plan.Pipeline.Name, false)
	if err != nil || len(rows) == 0 {
		return err
	}

	chosen := map[string]bool{}
	for _, item := range v.Plan.Items {
		chosen[item.Slice.Key] = true
	}
	compared := map[string]bool{}
	for k := range v.Plan.Outputs {
		table := v.Plan.Pipeline.Outputs[k].Target.Table
		var of []hindcast.Committed
		for _, c := range rows {
			if c.Target == table && chosen[c.Slice.Key] {
				of, compared[c.Slice.Key] = append(of, c), true
			}
		}
		if err := v.target(ctx, k, of); err != nil {
			return err
		}
		if err := v.kept(ctx, table, of); err != nil {
			return err
		}
	}
	v.result.Slices = len(compared)
	return nil
}

// kept compares the results that the lake is to keep with what is committed, and with their files.
func (v *Verify) kept(ctx context.Context, target string, committed []hindcast.Committed) error {
	if v.Plan.Pipeline.Results.Keep == "" {
		return nil
	}
	results, err := v.Lake.Results(ctx, target)
	if err != nil {
		return err
	}
	check := v.Lake.VerifySizes
	if v.Files {
		check = v.Lake.Verify
	}

	for _, c := range committed {
		m, text := results[c.Slice.Key], ""
		if m == nil || m.Run != c.Run || !m.Interval.Equal(c.Slice.Interval) {
			v.findKept(target, c.Slice.Key, "hindcast run", "the lake does not keep the result that "+c.Run+" committed")
			continue
		}
		v.result.Files += len(m.Files)
		if err := check(ctx, m); err != nil {
			if text = hindcast.AsError(err).Message; hindcast.AsError(err).Code != hindcast.EParquet {
				return err
			}
			v.findKept(target, c.Slice.Key, "hindcast run --force --slices "+v.Plan.Label(c.Slice.Key), text)
		}
	}
	return v.shown(ctx, target, results)
}

// shown compares what the Iceberg table over kept results shows with these. It has slices that are not among those to verify, too.
func (v *Verify) shown(ctx context.Context, target string, results map[string]*hindcast.Manifest) error {
	if v.Behind == nil {
		return nil
	}
	behind, err := v.Behind(ctx, target, results)
	if e := hindcast.AsError(err); e != nil && e.Code == hindcast.ECatalog {
		v.findKept(target, hindcast.WholeKey, e.Next, e.Message)
		return nil
	}
	if err != nil {
		return err
	}
	for _, key := range behind {
		text := "the Iceberg table shows rows of it, and the lake keeps no result"
		if m := results[key]; m != nil {
			text = "the Iceberg table does not show the result that " + m.Run + " committed"
		}
		v.findKept(target, key, "hindcast run, which makes up for it", text)
	}
	return nil
}

func (v *Verify) findKept(target, key, next, text string) {
	v.result.Findings = append(v.result.Findings, Finding{What: "lake", Name: target, Key: key, Text: text, Next: next, Label: v.Plan.Label(key)})
}

// target compares an output's committed slices with the rows of its target.
func (v *Verify) target(ctx context.Context, output int, compared []hindcast.Committed) error {
	known := &v.Plan.Outputs[output]
	ask := warehouse.Published{Target: v.Plan.Pipeline.Outputs[output].Target, Columns: known.Result, TimeZone: v.Plan.Pipeline.History.TimeZone}
	for _, c := range compared {
		ask.Intervals = append(ask.Intervals, c.Slice.Interval)
	}

	if len(compared) > 0 && !known.Existing {
		v.find("target", ask.Target.Table, compared[0].Slice.Key, "hindcast run", "the table is not there; hindcast_status says that it holds %s",
			numbers.Counted(len(compared), "slice"))
		return nil
	}

	sums, err := v.Warehouse.Published(ctx, ask)
	if err != nil {
		return err
	}

	for i, c := range compared {
		if !plan.Stands(c.Sums, sums[i], known.Result) {
			v.find("target", c.Target, c.Slice.Key, "hindcast run --slices "+v.Plan.Label(c.Slice.Key), "the rows are not those that %s committed: %s",
				c.Run, describe(c.Sums, sums[i]))
		}
	}

	return nil
}

// Difference describes how two sums differ; "" if they do not.
func Difference(was, is hindcast.Sums) string {
	if was.Agrees(is) {
		return ""
	}
	return describe(was, is)
}

func describe(was, is hindcast.Sums) string {
	var parts []string
	if was.Rows != is.Rows {
		parts = append(parts, fmt.Sprintf("%s, %s before", numbers.Counted(is.Rows, "row"), numbers.Thousands(was.Rows)))
	}

	for name, total := range was.Totals {
		if is.Totals[name] != total {
			parts = append(parts, fmt.Sprintf("%s sums to %s, %s before", name, orNull(is.Totals[name]), total))
		}
	}

	if len(parts) == 0 {
		return "as many rows, other values"
	}
	if len(parts) > 3 {
		parts = append(parts[:3], "…")
	}

	return strings.Join(parts, "; ")
}

func orNull(s string) string {
	if s == "" {
		return "NULL"
	}
	return s
}
