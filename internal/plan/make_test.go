package plan

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
)

var (
	now     = time.Date(2021, 5, 10, 9, 0, 0, 0, time.UTC)
	billing = []hindcast.Column{{Name: "usage_date", Type: "DATE"}, {Name: "account_id", Type: "BIGINT"}, {Name: "cost", Type: "DECIMAL(18,6)"}}
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func period(n int, unit hindcast.Unit) hindcast.Period { return hindcast.Period{N: n, Unit: unit} }

func date(text string) time.Time {
	t, err := time.Parse("2006-01-02T15:04Z07:00", text)
	if err != nil {
		if t, err = time.Parse(time.DateOnly, text); err != nil {
			panic(err)
		}
	}
	return t
}

// pipeline is a history of six months, a table a month, and a dimension.
func pipeline() *hindcast.Pipeline {
	p := &hindcast.Pipeline{Name: "costs", File: "costs.yml",
		History:   hindcast.History{From: date("2020-01-01"), To: "2020-07-01", Every: period(1, hindcast.Months), TimeZone: "UTC", Zone: time.UTC, Settle: period(45, hindcast.Days)},
		Facts:     []hindcast.Fact{{Name: "billing", Table: "billing_{yyyy}_{mm}", Every: period(1, hindcast.Months), Missing: hindcast.MissingFail}},
		Dims:      []hindcast.Dim{{Name: "accounts", Table: "accounts", Refresh: 24 * time.Hour}},
		Transform: hindcast.Transform{Engine: "duckdb"},
		Outputs: []hindcast.Output{{SQLFile: "costs.sql", Text: "SELECT usage_date, SUM(cost) FROM billing JOIN accounts USING (account_id)",
			Target: hindcast.Target{Table: "cost_summary", Time: "usage_month", Key: []string{"usage_month"}}}},
		Params: []hindcast.Param{{Name: "rate", Literal: "1.0"}},
		Places: map[string]hindcast.Place{},
	}
	for i, key := range []string{"history.to", "history.every", "facts.billing", "facts.billing.table", "facts.billing.time", "facts.billing.lookback",
		"facts.billing.every", "facts.billing.columns", "dimensions.accounts.table", "dimensions.accounts.columns", "params.slice_start", "target.time"} {
		p.Places[key] = hindcast.Place{File: "costs.yml", Line: 10 + i, Column: 3}
	}
	return p
}

// Manifests are the current generations, by fact and unit key.
type Manifests map[string]map[string]*hindcast.Manifest

// Of finds one.
func (m Manifests) Of(fact, key string) (hindcast.Manifest, bool) {
	if found := m[fact][key]; found != nil {
		return *found, true
	}
	return hindcast.Manifest{}, false
}

// Sorted gives status rows as a plan takes them: for each output those of all, in the order of time.
func Sorted(p *hindcast.Pipeline, rows []hindcast.Committed) []Standing {
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(a, b hindcast.Committed) int { return a.Slice.Start.Compare(b.Slice.Start) })
	all := func([]hindcast.Interval) (iter.Seq[hindcast.Committed], error) { return slices.Values(rows), nil }
	return slices.Repeat([]Standing{{Rows: all}}, len(p.Outputs))
}

// given are Inputs whose status rows and generations a test can change.
type given struct {
	Inputs
	Committed []hindcast.Committed
	Current   Manifests
}

func (in given) all() Inputs {
	in.Inputs.Committed, in.Inputs.Current = Sorted(in.Pipeline, in.Committed), in.Current
	return in.Inputs
}

// fresh is a warehouse with all tables, nothing unloaded and nothing committed.
func fresh(p *hindcast.Pipeline) given {
	in := given{Current: Manifests{}, Inputs: Inputs{Pipeline: p, Now: now, Engine: Version{"duckdb", "1.5.5"}, Warehouse: Version{"duckdb", "1.5.5"},
		Sources: map[string]Source{}, Whole: true, Dims: map[string]*hindcast.Manifest{},
		Machine: Machine{Cores: 2, Memory: 8 << 30, DiskFree: 100 << 30},
		Outputs: []Known{{Existing: true, Published: map[string]hindcast.Sums{},
			Result: []hindcast.Column{{Name: "usage_month", Type: "DATE"}, {Name: "cost", Type: "DECIMAL(38,6)"}}}}}}
	to, err := ResolveTo(p, now)
	if err != nil {
		panic(err)
	}
	history, err := Cut(p.History, to)
	if err != nil {
		panic(err)
	}
	names := Tables(p, history)
	for _, of := range FilesOf(p, history) {
		names = append(names, of.Patterns...)
	}
	for _, name := range names {
		in.Sources[name] = Source{Columns: billing, Rows: 1000, Bytes: 10_000, Content: "content of " + name}
	}
	for _, d := range p.Dims {
		in.Sources[d.Table] = Source{Columns: []hindcast.Column{{Name: "account_id", Type: "BIGINT"}}, Rows: 10, Bytes: 100}
	}
	return in
}

// done is the same after a run of everything on 3 May.
func done(t *testing.T, p *hindcast.Pipeline) given {
	t.Helper()
	in := fresh(p)
	ran := time.Date(2021, 5, 3, 12, 0, 0, 0, time.UTC)
	first := makePlan(t, in)
	for _, u := range first.Units {
		if in.Current[u.Fact] == nil {
			in.Current[u.Fact] = map[string]*hindcast.Manifest{}
		}
		in.Current[u.Fact][u.Key] = &hindcast.Manifest{Name: u.Fact, Key: u.Key, Interval: u.Interval, Source: u.Source, Time: timeOf(in.Pipeline, u.Fact), Generation: 1, Columns: u.Columns,
			Missing: u.Missing, Bytes: 5000, Sums: hindcast.Sums{Rows: 1200, Content: "content of " + u.Source}, CreatedAt: ran}
	}
	for _, d := range first.Dims {
		in.Dims[d.Name] = &hindcast.Manifest{Name: d.Name, Key: hindcast.WholeKey, Source: d.Source, Columns: d.Columns, Sums: hindcast.Sums{Rows: 10, Content: "ten accounts"}, CreatedAt: now.Add(-time.Hour)}
	}
	for _, item := range makePlan(t, in).Items {
		if item.Reason == hindcast.ReasonMissing {
			continue
		}
		sums := hindcast.Sums{Rows: 30, Content: "result of " + item.Slice.Key}
		in.Committed = append(in.Committed, hindcast.Committed{Pipeline: p.Name, Target: p.Output().Target.Table, Slice: item.Slice, Run: "r7", Attempt: 1,
			Fingerprint: Fingerprint(item.Parts[0]), Parts: item.Parts[0], Sums: sums, CommittedAt: ran})
		in.Outputs[0].Published[item.Slice.Key] = sums
	}
	return in
}

func makePlan(t *testing.T, in given) *Plan {
	t.Helper()
	p, err := Make(in.all())
	if err != nil {
		t.Fatalf("%v %v", err, hindcast.AsError(err).Detail)
	}
	return p
}

func reasonsOf(p *Plan) []string {
	var list []string
	for _, item := range p.Items {
		list = append(list, string(item.Reason))
	}
	return list
}

func detailOf(p *Plan, key string) string {
	for _, item := range p.Items {
		if item.Slice.Key == key {
			return string(item.Reason) + ": " + item.Detail
		}
	}
	return "no such slice"
}

func unloadsOf(p *Plan) []string {
	var list []string
	for _, u := range p.Units {
		if u.Unload {
			list = append(list, u.Source+": "+u.Why)
		} else if u.Why != "" {
			list = append(list, u.Source+" says why and is not unloaded")
		}
	}
	return list
}

func TestNothingDoneYet(t *testing.T) {
	p := makePlan(t, fresh(pipeline()))
	for _, item := range p.Items {
		if item.Reason != hindcast.ReasonNew || item.Rows != 1000 || item.Bytes != 10_000 {
			t.Errorf("%+v", item)
		}
	}
	if got := unloadsOf(p); len(got) != 6 || got[0] != "billing_2020_01: not in the lake" {
		t.Errorf("unloads %v", got)
	}
	if len(p.Dims) != 1 || !p.Dims[0].Unload || p.Dims[0].Why != "not in the lake" {
		t.Errorf("dimensions %+v", p.Dims)
	}
	if p.Outputs[0].SQL == "" || !p.CreatedAt.Equal(now) || p.History.End.Format(time.DateOnly) != "2020-07-01" || !p.Outputs[0].Existing || len(p.Outputs[0].Result) != 2 {
		t.Errorf("the plan is not frozen: %+v", p)
	}
}

func TestAllDone(t *testing.T) {
	p := makePlan(t, done(t, pipeline()))
	for _, item := range p.Items {
		if item.Reason != hindcast.ReasonUpToDate || item.Detail != "committed by r7, 3 May" {
			t.Errorf("%s: %s, %s", item.Slice.Key, item.Reason, item.Detail)
		}
	}
	if got := unloadsOf(p); got != nil || p.Dims[0].Unload {
		t.Errorf("unloads %v, dimension %s", got, p.Dims[0].Why)
	}
}

const march = "2020-03-01"

// Each case changes one thing after everything was done. The detail is that of March; all says whether the other
// slices have the same reason.
func TestReasons(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(in *given)
		want    string
		all     bool
		unloads []string
	}{
		"SQL":          {func(in *given) { in.Pipeline.Output().Text = "SELECT 1" }, "SQL changed: committed by r7, 3 May", true, nil},
		"SQL comment":  {func(in *given) { in.Pipeline.Output().Text += " -- by account\n;" }, "up to date: committed by r7, 3 May", true, nil},
		"parameter":    {func(in *given) { in.Pipeline.Params[0].Literal = "1.1" }, "parameters changed: committed by r7, 3 May", true, nil},
		"engine":       {func(in *given) { in.Engine.Version = "1.6.0" }, "definition changed: made by DuckDB 1.5, the engine is DuckDB 1.6 now, committed by r7, 3 May", true, nil},
		"engine patch": {func(in *given) { in.Engine.Version = "1.5.6" }, "up to date: committed by r7, 3 May", true, nil},
		"hook":         {func(in *given) { in.Pipeline.Output().Load.After = []string{"ANALYZE"} }, "definition changed: committed by r7, 3 May", true, nil},
		"target key":   {func(in *given) { in.Pipeline.Output().Target.Key = nil }, "definition changed: committed by r7, 3 May", true, nil},
		"check":        {func(in *given) { in.Pipeline.Output().Checks = []hindcast.Check{{Name: "sql 1", SQL: "SELECT 1"}} }, "up to date: committed by r7, 3 May", true, nil},
		"run settings": {func(in *given) { in.Pipeline.Run.Parallel = 7 }, "up to date: committed by r7, 3 May", true, nil},
		"an older year": {func(in *given) {
			in.Pipeline.Params[0].Literal = "2"
			in.Now = in.Now.AddDate(1, 0, 0)
			in.Dims["accounts"].CreatedAt = in.Now
		},
			"parameters changed: committed by r7, 3 May 2021", true, nil},
		"another target":             {func(in *given) { in.Pipeline.Output().Target.Table = "other" }, "new: ", true, nil},
		"never committed":            {func(in *given) { in.Committed = slices.Delete(in.Committed, 2, 3) }, "new: ", false, nil},
		"committed with another end": {func(in *given) { in.Committed[2].Slice.End = date("2020-03-31") }, "new: ", false, nil},
		"facts":                      {func(in *given) { in.Current["billing"][march].Sums.Content = "more" }, "facts changed: billing, committed by r7, 3 May", false, nil},
		"columns": {func(in *given) {
			in.source("billing_2020_03", func(s *Source) {
				s.Columns = append(slices.Clone(s.Columns), hindcast.Column{Name: "tier", Type: "VARCHAR"})
			})
		},
			"facts changed: billing: columns changed; run only if its rows differ", false, []string{"billing_2020_03: columns changed"}},
		"a type": {func(in *given) {
			in.source("billing_2020_03", func(s *Source) { s.Columns = []hindcast.Column{billing[0], billing[1], {Name: "cost", Type: "DOUBLE"}} })
		},
			"facts changed: billing: columns changed; run only if its rows differ", false, []string{"billing_2020_03: columns changed"}},
		"order of columns": {func(in *given) {
			in.source("billing_2020_03", func(s *Source) { s.Columns = []hindcast.Column{billing[2], billing[1], billing[0]} })
		},
			"up to date: committed by r7, 3 May", true, nil},
		"the lake lost it": {func(in *given) { delete(in.Current["billing"], march) }, "facts changed: billing: not in the lake; run only if its rows differ", false,
			[]string{"billing_2020_03: not in the lake"}},
		"another interval in the lake": {func(in *given) { in.Current["billing"][march].Interval.End = date("2020-03-15") },
			"facts changed: billing: not in the lake; run only if its rows differ", false, []string{"billing_2020_03: not in the lake"}},
		"another table in the lake": {func(in *given) { in.Current["billing"][march].Source = "old_2020_03" },
			"facts changed: billing: not in the lake; run only if its rows differ", false, []string{"billing_2020_03: not in the lake"}},
		"the table is gone, the lake has it": {func(in *given) { delete(in.Sources, "billing_2020_03") }, "up to date: committed by r7, 3 May", true, nil},
		"dimension":                          {func(in *given) { in.Dims["accounts"].Sums.Content = "eleven" }, "dimension changed: accounts, committed by r7, 3 May", true, nil},
		"dimension is due":                   {func(in *given) { in.Dims["accounts"].CreatedAt = now.AddDate(0, 0, -2) }, "up to date: committed by r7, 3 May", true, nil},
		"target edited: rows": {func(in *given) {
			in.Outputs[0].Published[march] = hindcast.Sums{Rows: 31, Content: "result of " + march}
		}, "target edited: committed by r7, 3 May", false, nil},
		"target edited: content": {func(in *given) { in.Outputs[0].Published[march] = hindcast.Sums{Rows: 30, Content: "x"} }, "target edited: committed by r7, 3 May", false, nil},
		"target edited and lost in the lake": {func(in *given) {
			in.Outputs[0].Published[march] = hindcast.Sums{}
			delete(in.Current["billing"], march)
		}, "target edited: committed by r7, 3 May", false, []string{"billing_2020_03: not in the lake"}},
		"target dropped": {func(in *given) { in.Outputs[0].Existing, in.Outputs[0].Published = false, nil }, "target edited: cost_summary is not there; committed by r7, 3 May", true, nil},
		"SQL before facts": {func(in *given) {
			in.Pipeline.Output().Text = "SELECT 1"
			in.Current["billing"][march].Sums.Content = "more"
		},
			"SQL changed: committed by r7, 3 May", true, nil},
		"unloaded early": {func(in *given) { in.Current["billing"][march].CreatedAt = date("2020-04-20") },
			"unsettled: unloaded before it was settled", false, []string{"billing_2020_03: unloaded before it was settled"}},
		"forced":                  {func(in *given) { in.Force = true }, "forced: committed by r7, 3 May", true, nil},
		"forced, never committed": {func(in *given) { in.Force, in.Committed = true, nil }, "new: ", true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			in := done(t, pipeline())
			c.change(&in)
			p := makePlan(t, in)
			if got := detailOf(p, march); got != c.want {
				t.Errorf("March is %q, want %q", got, c.want)
			}
			same := len(slices.Compact(reasonsOf(p))) == 1
			if same != c.all {
				t.Errorf("reasons are %v", reasonsOf(p))
			}
			if got := unloadsOf(p); !slices.Equal(got, c.unloads) {
				t.Errorf("unloads %v", got)
			}
		})
	}
}

func (in *given) source(name string, change func(*Source)) {
	s := in.Sources[name]
	change(&s)
	in.Sources[name] = s
}

func TestUnsettled(t *testing.T) {
	p := pipeline()
	p.History.To = "2021-05-01"
	in := done(t, p)
	for i := range in.Committed { // a run before 3 May: April was half a week old
		in.Committed[i].CommittedAt = now.AddDate(0, 0, -7)
	}
	got := makePlan(t, in)
	if detailOf(got, "2021-04-01") != "unsettled: younger than 45 days" || detailOf(got, "2021-03-01") != "unsettled: younger than 45 days" {
		t.Errorf("April and March are %q, %q", detailOf(got, "2021-04-01"), detailOf(got, "2021-03-01"))
	}
	// February ended 64 days before the unload: settled then and now.
	if want := []string{"billing_2021_03: unsettled", "billing_2021_04: unsettled"}; !slices.Equal(unloadsOf(got), want) {
		t.Errorf("unloads %v", unloadsOf(got))
	}
	p.History.Settle = hindcast.Period{}
	if got := unloadsOf(makePlan(t, in)); got != nil {
		t.Errorf("without settle, unloads %v", got)
	}
	p.History.To = "2021-06-01"
	in = done(t, p)
	got = makePlan(t, in)
	if detailOf(got, "2021-05-01") != "unsettled: not over yet" || !slices.Equal(unloadsOf(got), []string{"billing_2021_05: unsettled"}) {
		t.Errorf("May is %q, unloads %v", detailOf(got, "2021-05-01"), unloadsOf(got))
	}
}

func TestForceDoesNotUnload(t *testing.T) {
	in := done(t, pipeline())
	in.Force, in.Selection = true, "2020-02..2020-03"
	p := makePlan(t, in)
	if len(p.Items) != 2 || unloadsOf(p) != nil || len(p.Units) != 2 {
		t.Errorf("%v, unloads %v", reasonsOf(p), unloadsOf(p))
	}
}

func TestMissingTables(t *testing.T) {
	gone := []string{"billing_2020_02", "billing_2020_03", "billing_2020_05"}
	for name, c := range map[string]struct {
		missing   hindcast.Missing
		selection string
		want      []string
		err       string
	}{
		"fail":             {hindcast.MissingFail, "", nil, "3 tables, billing_2020_02 to billing_2020_05 of fact billing are not there"},
		"fail, one":        {hindcast.MissingFail, "2020-03", nil, "billing_2020_03 of fact billing is not there"},
		"fail, not needed": {hindcast.MissingFail, "2020-01,2020-04", []string{"new", "new"}, ""},
		"skip":             {hindcast.MissingSkip, "", []string{"new", "table missing", "table missing", "new", "table missing", "new"}, ""},
		"empty":            {hindcast.MissingEmpty, "", []string{"new", "new", "new", "new", "new", "new"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := pipeline()
			p.Facts[0].Missing = c.missing
			in := fresh(p)
			in.Selection = c.selection
			for _, table := range gone {
				delete(in.Sources, table)
			}
			got, err := Make(in.all())
			if c.err != "" {
				e := hindcast.AsError(err)
				if e == nil || e.Code != hindcast.ETableMissing || e.Message != c.err || e.Place != p.Places["facts.billing.table"] || e.Next == "" {
					t.Errorf("got %+v", e)
				}
				return
			}
			if err != nil || !slices.Equal(reasonsOf(got), c.want) {
				t.Fatalf("got %v, %v", reasonsOf(got), err)
			}
			for _, u := range got.Units {
				if missing := slices.Contains(gone, u.Source); u.Missing != missing || missing && (u.Rows != 0 || !sameColumns(u.Columns, billing)) {
					t.Errorf("%+v", u)
				}
			}
		})
	}
}

func TestForceDoesNotRunWhatIsMissing(t *testing.T) {
	p := pipeline()
	p.Facts[0].Missing = hindcast.MissingSkip
	in := fresh(p)
	delete(in.Sources, "billing_2020_03")
	in.Force = true
	got := makePlan(t, in)
	if detailOf(got, march) != "table missing: missing: skip" || detailOf(got, "2020-02-01") != "new: " {
		t.Errorf("got %v", reasonsOf(got))
	}
}

// An empty unit stays as it is until its table is there.
func TestMissingTableAppears(t *testing.T) {
	p := pipeline()
	p.Facts[0].Missing = hindcast.MissingEmpty
	in := fresh(p)
	table := in.Sources["billing_2020_03"]
	in = done(t, p)
	delete(in.Sources, "billing_2020_03")
	m := in.Current["billing"][march]
	m.Missing, m.Sums = true, hindcast.Sums{}
	in.Committed[2].Parts.Facts = map[string]string{"billing": FactContent([]string{""})}
	if got := makePlan(t, in); detailOf(got, march) != "up to date: committed by r7, 3 May" || unloadsOf(got) != nil {
		t.Errorf("missing: %q, unloads %v", detailOf(got, march), unloadsOf(got))
	}
	m.Columns = nil
	if got := makePlan(t, in); !slices.Equal(unloadsOf(got), []string{"billing_2020_03: table missing"}) {
		t.Errorf("with other columns beside it, unloads %v", unloadsOf(got))
	}
	in.Sources["billing_2020_03"] = table
	if got := makePlan(t, in); !slices.Equal(unloadsOf(got), []string{"billing_2020_03: its table is there now"}) || got.Items[2].Reason != hindcast.ReasonFacts {
		t.Errorf("there: %q, unloads %v", detailOf(got, march), unloadsOf(got))
	}
}

func TestWarnsOfATableThatIsGone(t *testing.T) {
	p := pipeline()
	p.History.To = "2021-05-01"
	in := done(t, p)
	delete(in.Sources, "billing_2020_04") // settled, and used all the same
	got := makePlan(t, in)
	if len(got.Warnings) != 1 || !strings.Contains(got.Warnings[0], "billing_2020_04 is not there any more; generation 1") {
		t.Errorf("got %q", got.Warnings)
	}
	delete(in.Sources, "billing_2021_04")
	got = makePlan(t, in)
	if len(got.Warnings) != 1 || !strings.Contains(got.Warnings[0], "2 tables of billing are not there any more, billing_2020_04 to billing_2021_04; what the lake has") {
		t.Errorf("got %q", got.Warnings)
	}
}

func TestDimensions(t *testing.T) {
	for name, c := range map[string]struct {
		change func(in *given)
		why    string
	}{
		"young": {func(*given) {}, ""},
		"old":   {func(in *given) { in.Dims["accounts"].CreatedAt = now.Add(-25 * time.Hour) }, "older than 24h"},
		"90 minutes": {func(in *given) {
			in.Pipeline.Dims[0].Refresh = 90 * time.Minute
			in.Dims["accounts"].CreatedAt = now.Add(-2 * time.Hour)
		}, "older than 1h30m"},
		"in every run":  {func(in *given) { in.Pipeline.Dims[0].Refresh = 0 }, "in every run"},
		"lost":          {func(in *given) { delete(in.Dims, "accounts") }, "not in the lake"},
		"another table": {func(in *given) { in.Dims["accounts"].Source = "old_accounts" }, "not in the lake"},
		"columns":       {func(in *given) { in.Dims["accounts"].Columns = nil }, "columns changed"},
		"gone, not due": {func(in *given) { delete(in.Sources, "accounts") }, ""},
	} {
		in := done(t, pipeline())
		c.change(&in)
		d := makePlan(t, in).Dims[0]
		if d.Why != c.why || d.Unload != (c.why != "") || len(d.Columns) == 0 || d.Rows != 10 {
			t.Errorf("%s: got %+v", name, d)
		}
	}
}

// Files are read where they are: never unloaded, and known by their content before the run.
func TestFiles(t *testing.T) {
	p := pipeline()
	p.Facts[0].Table, p.Facts[0].Files = "", "export/{yyyy}_{mm}/*.parquet"
	p.Dims[0].Table, p.Dims[0].Files = "", "accounts.parquet"
	in := done(t, p)
	in.Current, in.Dims = nil, nil
	in.Sources["accounts.parquet"] = Source{Columns: billing[:2], Content: "a", Files: []hindcast.File{{Path: "accounts.parquet"}}}
	for i := range in.Committed {
		in.Committed[i].Parts.Dims = map[string]string{"accounts": "a"}
	}
	got := makePlan(t, in)
	if unloadsOf(got) != nil || detailOf(got, march) != "up to date: committed by r7, 3 May" || got.Dims[0].Unload {
		t.Errorf("%q, unloads %v, %+v", detailOf(got, march), unloadsOf(got), got.Dims[0])
	}
	in.source("export/2020_03/*.parquet", func(s *Source) { s.Content = "other" })
	if got := makePlan(t, in); detailOf(got, march) != "facts changed: billing, committed by r7, 3 May" || got.Units[2].Content != "other" {
		t.Errorf("changed files: %q", detailOf(got, march))
	}
	delete(in.Sources, "export/2020_03/*.parquet")
	if _, err := Make(in.all()); err == nil || !strings.Contains(err.Error(), "export/2020_03/*.parquet of fact billing matches no file") {
		t.Errorf("missing files: %v", err)
	}
	in.source("accounts.parquet", func(s *Source) { s.Content = "b" })
	in.Selection = "2020-01"
	if got := makePlan(t, in); got.Items[0].Reason != hindcast.ReasonDims {
		t.Errorf("changed dimension: %v", reasonsOf(got))
	}
}

// What the plan finds up to date has the fingerprint that the committed row has: otherwise a run would find it new.
func TestPartsAgreeWithTheAttempt(t *testing.T) {
	in := done(t, pipeline())
	in.Force = true // those that run have all of their parts
	for i, item := range makePlan(t, in).Items {
		if got := Fingerprint(item.Parts[0]); got != in.Committed[i].Fingerprint {
			t.Errorf("%s: %s became %s", item.Slice.Key, in.Committed[i].Fingerprint, got)
		}
	}
}

func TestFingerprintCountsEveryPart(t *testing.T) {
	parts := func() hindcast.Parts {
		return hindcast.Parts{SQL: "s", Params: "p", Definition: "d", Facts: map[string]string{"a": "1", "b": "2"}, Dims: map[string]string{"c": "3"}}
	}
	seen := map[string]string{Fingerprint(parts()): "unchanged"}
	for name, change := range map[string]func(*hindcast.Parts){
		"SQL": func(p *hindcast.Parts) { p.SQL = "x" }, "params": func(p *hindcast.Parts) { p.Params = "x" }, "definition": func(p *hindcast.Parts) { p.Definition = "x" },
		"fact": func(p *hindcast.Parts) { p.Facts["b"] = "x" }, "facts swapped": func(p *hindcast.Parts) { p.Facts["a"], p.Facts["b"] = "2", "1" },
		"dim": func(p *hindcast.Parts) { p.Dims["c"] = "x" }, "moved": func(p *hindcast.Parts) { p.Facts["c"] = "3"; delete(p.Dims, "c") },
	} {
		p := parts()
		change(&p)
		print := Fingerprint(p)
		if before, found := seen[print]; found {
			t.Errorf("%s has the fingerprint of %s", name, before)
		}
		seen[print] = name
	}
	if FactContent([]string{"a", "b"}) == FactContent([]string{"b", "a"}) || FactContent([]string{"ab"}) == FactContent([]string{"a", "b"}) {
		t.Error("the contents of units are confused")
	}
}

func TestPlaces(t *testing.T) {
	hourly := func(typ string) func(*given) {
		return func(in *given) {
			p := in.Pipeline
			p.History.Every, p.Facts[0].Every, p.Facts[0].Table, p.Facts[0].Time = period(1, hindcast.Hours), period(1, hindcast.Hours), "billing", "usage_date"
			p.History.To = "2020-01-03"
			in.Sources["billing"] = Source{Columns: []hindcast.Column{{Name: "usage_date", Type: typ}}, Rows: -1, Bytes: -1}
			in.Outputs[0].Result = nil
		}
	}
	berlin := func(change func(*given)) func(*given) {
		return func(in *given) {
			change(in)
			in.Pipeline.History.TimeZone, in.Pipeline.History.Zone = "Europe/Berlin", zone(t, "Europe/Berlin")
			in.Pipeline.History.From = hindcast.Instant(date("2020-01-01"), in.Pipeline.History.Zone)
		}
	}
	target := func(change func(*given), typ string) func(*given) {
		return func(in *given) {
			change(in)
			in.Outputs[0].Result = []hindcast.Column{{Name: "usage_month", Type: typ}}
		}
	}
	fact := func(change func(*hindcast.Fact)) func(*given) {
		return func(in *given) { change(&in.Pipeline.Facts[0]) }
	}
	for name, c := range map[string]struct {
		change func(*given)
		key    string
		says   string
	}{
		"own parameter":     {func(in *given) { in.Pipeline.Params = []hindcast.Param{{Name: "slice_start"}} }, "params.slice_start", "given by hindcast"},
		"no time, no name":  {fact(func(f *hindcast.Fact) { f.Table = "billing" }), "facts.billing.time", "neither a time column"},
		"lookback, no time": {fact(func(f *hindcast.Fact) { f.Lookback = period(7, hindcast.Days) }), "facts.billing.lookback", "no time column"},
		"unit beyond slice": {fact(func(f *hindcast.Fact) { f.Every = period(2, hindcast.Months) }), "facts.billing.table", "does not lie within the slice 2020-01"},
		"weeks in months":   {fact(func(f *hindcast.Fact) { f.Every, f.Time = period(5, hindcast.Weeks), "usage_date" }), "facts.billing.every", "names tables of 1 month"},
		"weeks over months": {fact(func(f *hindcast.Fact) { f.Every, f.Time = period(1, hindcast.Weeks), "usage_date" }), "facts.billing.every", "stands for more than one"},
		"days in a month":   {fact(func(f *hindcast.Fact) { f.Every = period(1, hindcast.Days) }), "facts.billing.every", "stands for more than one"},
		"no year":           {fact(func(f *hindcast.Fact) { f.Table = "b_{dd}" }), "facts.billing.every", "b_01 stands for more than one"},
		"placeholder":       {fact(func(f *hindcast.Fact) { f.Table = "b_{year}" }), "facts.billing.table", "means no time"},
		"no time column":    {fact(func(f *hindcast.Fact) { f.Time = "day" }), "facts.billing.time", `no column "day"`},
		"time is a number":  {fact(func(f *hindcast.Fact) { f.Time = "account_id" }), "facts.billing.time", "type BIGINT"},
		"no such columns":   {fact(func(f *hindcast.Fact) { f.Columns = []string{"cost", "tier"} }), "facts.billing.columns", `no column "tier"`},
		"dimension columns": {func(in *given) { in.Pipeline.Dims[0].Columns = []string{"x"} }, "dimensions.accounts.columns", `no column "x"`},
		"hours of a DATE":   {hourly("DATE"), "facts.billing.time", "a DATE has no hour"},
		"an hour twice":     {berlin(hourly("TIMESTAMP")), "facts.billing.time", "occurs twice"},
		"target's hours":    {target(hourly("TIMESTAMP"), "DATE"), "target.time", "a DATE has no hour"},
		"target's twice":    {target(berlin(hourly("TIMESTAMP WITH TIME ZONE")), "TIMESTAMP"), "target.time", "occurs twice"},
		"days from six": {func(in *given) {
			in.Pipeline.History.From = date("2020-01-01").Add(6 * time.Hour)
			in.Pipeline.Facts[0].Time = "usage_date"
		}, "facts.billing.time", "do not begin with a day"},
	} {
		t.Run(name, func(t *testing.T) {
			in := fresh(pipeline())
			c.change(&in)
			_, err := Make(in.all())
			e := hindcast.AsError(err)
			if e == nil || e.Code != hindcast.EValue || e.Place != in.Pipeline.Places[c.key] || !strings.Contains(e.Message, c.says) || e.Next == "" {
				t.Errorf("got %+v", e)
			}
		})
	}
	for name, change := range map[string]func(*given){"UTC": target(hourly("TIMESTAMP"), "TIMESTAMP"), "instants": target(berlin(hourly("TIMESTAMP WITH TIME ZONE")), "TIMESTAMP WITH TIME ZONE")} {
		in := fresh(pipeline())
		change(&in)
		if _, err := Make(in.all()); err != nil {
			t.Errorf("hours, %s: %v", name, err)
		}
	}
}

func TestColumnsAreNarrowed(t *testing.T) {
	p := pipeline()
	p.Facts[0].Time, p.Facts[0].Columns = "usage_date", []string{"COST", "tier"}
	in := fresh(p)
	in.source("billing_2020_06", func(s *Source) {
		s.Columns = append(slices.Clone(billing), hindcast.Column{Name: "tier", Type: "VARCHAR"})
	})
	got := makePlan(t, in)
	for i, want := range map[int]string{0: "usage_date cost", 5: "usage_date cost tier"} {
		var names []string
		for _, c := range got.Units[i].Columns {
			names = append(names, c.Name)
		}
		if strings.Join(names, " ") != want {
			t.Errorf("%s has %v", got.Units[i].Source, names)
		}
	}
}

func TestSelection(t *testing.T) {
	in := done(t, pipeline())
	in.Committed = slices.Delete(in.Committed, 1, 2)                   // February is new
	in.Current["billing"][march].Sums.Content = "more"                 // March is stale
	in.Current["billing"]["2020-05-01"].CreatedAt = date("2020-06-01") // May is unsettled
	in.Failed = map[string]bool{"2020-04-01": true}
	for selection, want := range map[string]string{
		"":                       "1 2 3 4 5 6",
		"all":                    "1 2 3 4 5 6",
		"2020":                   "1 2 3 4 5 6",
		"2020-03":                "3",
		"2020-03-01":             "3",
		" 2020-05 , 2020-02 ":    "2 5",
		"2020-02..2020-04":       "2 3 4",
		"2020-04..":              "4 5 6",
		"..2020-02":              "1 2",
		"2020-02-01..2020-02-01": "2",
		"2019-06..2020-01":       "1",
		"new":                    "2",
		"missing":                "2",
		"stale":                  "3 5",
		"failed":                 "4",
		"unsettled":              "5",
		"2020-01..2020-02,failed,stale,2020-06-01": "1 2 3 4 5 6",
	} {
		for _, force := range []bool{false, true} {
			in.Selection, in.Force = selection, force
			p, err := Make(in.all())
			if err != nil {
				t.Errorf("%q: %v", selection, err)
				continue
			}
			var got []string
			for _, item := range p.Items {
				got = append(got, strings.TrimLeft(item.Slice.Key[5:7], "0"))
			}
			if strings.Join(got, " ") != want {
				t.Errorf("%q takes %v, want %s", selection, got, want)
			}
		}
	}
}

func TestSelectionOfNothing(t *testing.T) {
	in := done(t, pipeline())
	for selection, says := range map[string]string{
		"2019-03":          `no slice "2019-03"; the history has 2020-01 to 2020-06`,
		"2020-1":           `no slice "2020-1"`,
		"2020-03-15":       `no slice "2020-03-15"`,
		"2021..2022":       `no slice "2021..2022"`,
		"2020-05..2020-01": `the range "2020-05..2020-01" is reversed`,
		"..":               `no slice ".."`,
		"2020-01,":         `no slice ""`,
		"broken":           `no slice "broken"`,
		"failed,new":       "no slice is failed or new",
	} {
		in.Selection = selection
		_, err := Make(in.all())
		e := hindcast.AsError(err)
		if e == nil || e.Code != hindcast.ESlices || !strings.Contains(e.Message, says) || e.Next == "" {
			t.Errorf("%q: got %+v", selection, e)
		}
	}
	in.Selection = "2020-03-15"
	_, err := Make(in.all())
	want := []string{"near it: 2020-02, 2020-03, 2020-04, 2020-05", "2020-03-15 lies in the slice 2020-03"}
	if got := hindcast.AsError(err).Detail; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestParams(t *testing.T) {
	p := pipeline()
	slice := hindcast.Slice{Interval: hindcast.Interval{Start: date("2020-03-01"), End: date("2020-04-01")}}
	got := Params(slice, time.Date(2021, 5, 10, 11, 0, 0, 123456789, time.FixedZone("", 7200)), p)
	want := map[string]string{"rate": "1.0", "slice_start": "DATE '2020-03-01'", "slice_end": "DATE '2020-04-01'", "run_time": "TIMESTAMPTZ '2021-05-10 09:00:00.123456+00:00'"}
	if !maps.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	berlin := zone(t, "Europe/Berlin")
	p.History.TimeZone, p.History.Zone, p.History.From = "Europe/Berlin", berlin, hindcast.Instant(date("2019-01-01"), berlin)
	p.History.Every = period(6, hindcast.Hours)
	slice.Interval = hindcast.Interval{Start: date("2019-03-01T04:00Z"), End: date("2019-07-01T10:00Z")}
	got = Params(slice, now, p)
	if got["slice_start"] != "TIMESTAMPTZ '2019-03-01 05:00:00+01:00'" || got["slice_end"] != "TIMESTAMPTZ '2019-07-01 12:00:00+02:00'" {
		t.Errorf("got %v", got)
	}
	p.History.Every, p.History.To = period(24, hindcast.Hours), "2022-01-01T05:00"
	if got := Params(slice, now, p)["slice_start"]; got != "TIMESTAMPTZ '2019-03-01 05:00:00+01:00'" {
		t.Errorf("with an end at 5:00, got %s", got)
	}
	p.History.To = "+1 year"
	if got := Params(slice, now, p)["slice_start"]; got != "DATE '2019-03-01'" {
		t.Errorf("24 hours: got %s", got)
	}
}

func TestTenThousandSlices(t *testing.T) {
	p := pipeline()
	p.History.From, p.History.To, p.History.Every = date("1994-01-01"), "2021-05-01", period(1, hindcast.Days)
	p.Facts[0].Table, p.Facts[0].Every, p.Facts[0].Time, p.Facts[0].Lookback = "billing", period(1, hindcast.Days), "usage_date", period(7, hindcast.Days)
	got := makePlan(t, done(t, p))
	if len(got.Items) != 9982 || len(got.Units) != 9982+7 {
		t.Errorf("%d items, %d units", len(got.Items), len(got.Units))
	}
	if want := fmt.Sprint([]string{"2021-04-30", "2021-04-23", "2021-04-24", "2021-04-25", "2021-04-26", "2021-04-27", "2021-04-28", "2021-04-29"}); fmt.Sprint(got.Items[9981].Units.Of("billing")) != want {
		t.Errorf("the last reads %v", got.Items[9981].Units.Of("billing"))
	}
}
