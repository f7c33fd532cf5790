package survey_test

import (
	"context"
	"database/sql"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/config"
	"github.com/hindcast/hindcast/internal/drivers/driverstest"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/run"
	"github.com/hindcast/hindcast/internal/session"
	"github.com/hindcast/hindcast/internal/survey"
)

// The test binary is also the workers of its sessions and runs.
func TestMain(m *testing.M) { driverstest.Main(m) }

const (
	definition = `pipeline: p
warehouse: duckdb:w.duckdb
lake: ./lake
history: {from: 2020-01-01, to: 2020-04-01, every: 1 month}
facts: {sales: {table: sales, time: day}}
dimensions: {rates: {table: rates}}
transform: {sql: totals.sql}
target: {table: totals, time: month}
`
	totals = "SELECT CAST(:slice_start AS DATE) AS month, sum(n * rate) AS n FROM sales, rates"
	sales  = "CREATE TABLE sales AS SELECT DATE '2020-01-01' + INTERVAL (i % 3) MONTH + INTERVAL (i // 3 % 28) DAY AS day, i AS n FROM range(90) r(i)"
	rates  = "CREATE TABLE rates AS SELECT 2 AS rate"
)

// world is a pipeline with its files and its warehouse.
type world struct {
	*testing.T
	dir string
}

// newWorld makes a pipeline's folder, its definition changed by pairs of old and new text.
func newWorld(t *testing.T, changes ...string) world {
	t.Helper()
	t.Parallel()
	w := world{t, t.TempDir()}
	w.write("p.yml", strings.NewReplacer(changes...).Replace(definition))
	w.write("totals.sql", totals)
	return w
}

func (w world) write(name, text string) {
	w.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o600); err != nil {
		w.Fatal(err)
	}
}

// warehouse runs statements on the warehouse's file, in the pipeline's folder.
func (w world) warehouse(statements ...string) {
	w.Helper()
	db, err := sql.Open("duckdb", filepath.Join(w.dir, "w.duckdb"))
	if err != nil {
		w.Fatal(err)
	}

	for _, statement := range append([]string{"SET file_search_path = '" + w.dir + "'"}, statements...) {
		if _, err := db.Exec(statement); err != nil {
			w.Errorf("%s: %v", statement, err)
		}
	}

	if err := db.Close(); err != nil {
		w.Fatal(err)
	}
}

// parquet writes the rows of a query to a file below the pipeline's folder.
func (w world) parquet(name, query string) {
	w.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		w.Fatal(err)
	}
	w.warehouse("COPY (" + query + ") TO '" + path + "' (FORMAT parquet)")
}

func (w world) pipeline() *hindcast.Pipeline {
	w.Helper()
	p, err := config.Load(w.Context(), filepath.Join(w.dir, "p.yml"))
	if err != nil {
		w.Fatal(err)
	}
	return p
}

func (w world) run() {
	w.Helper()
	ended, err := run.Begin(w.Context(), w.pipeline(), run.Options{Log: func(string) (io.Writer, error) { return io.Discard, nil },
		Planned: func(*plan.Plan, []hindcast.Event, io.Writer) {}, Each: func(hindcast.Event) {}})
	if err != nil || ended.Outcome.ExitCode != hindcast.ExitOK {
		w.Fatalf("the run: %+v, %v", ended, err)
	}
}

// survey asks warehouse, lake and engine, in a session of its own.
func (w world) survey(c session.Choice, ask func(*survey.Survey) (*plan.Plan, error)) (*plan.Plan, error) {
	w.Helper()
	s, err := session.Open(w.Context(), w.pipeline(), io.Discard)
	if err != nil {
		w.Fatal(err)
	}

	defer func() {
		if err := s.Close(); err != nil {
			w.Error(err)
		}
	}()

	return ask(s.Survey(c, time.Now()))
}

func (w world) plan(c session.Choice) (*plan.Plan, error) {
	w.Helper()
	return w.survey(c, func(s *survey.Survey) (*plan.Plan, error) { return s.Plan(w.Context()) })
}

// made is a plan that can be made.
func (w world) made(c session.Choice) *plan.Plan {
	w.Helper()
	p, err := w.plan(c)
	if err != nil {
		w.Fatalf("%v", err)
	}
	return p
}

// refused asserts that no plan can be made: the code, the line of the pipeline file (0 is any) and what the message says.
func (w world) refused(c session.Choice, code hindcast.Code, line int, says ...string) {
	w.Helper()
	p, err := w.plan(c)
	if err == nil {
		w.Fatalf("planned %d slices, want %s", len(p.Items), code)
	}

	e := hindcast.AsError(err)
	if e.Code != code || e.Next == "" || line > 0 && e.Place.Line != line {
		w.Errorf("got %s at %s (%q), want %s in line %d", e.Code, e.Place, e.Message, code, line)
	}

	for _, text := range says {
		if !strings.Contains(e.Message+"\n"+strings.Join(e.Detail, "\n"), text) {
			w.Errorf("%q, %q does not say %q", e.Message, e.Detail, text)
		}
	}
}

// moved are the plan's moved sources, each as "name of slices: why".
func moved(p *plan.Plan) (list []string) {
	for _, m := range p.Moved {
		list = append(list, m.Name+" of "+strings.Join(m.Slices, " ")+": "+m.Why)
	}
	slices.Sort(list)
	return list
}

// A plan names the slices whose source has other rows than their copy, and a small dimension whose values changed; it reads
// no more than counts of a fact, so a changed value there goes unnoticed.
func TestMovedSourcesAreNamed(t *testing.T) {
	w := newWorld(t)
	w.warehouse(sales, rates)
	w.run()

	if p := w.made(session.Choice{}); len(p.Moved) > 0 {
		t.Errorf("nothing moved: %+v", p.Moved)
	}

	w.warehouse("INSERT INTO sales VALUES (DATE '2020-02-10', 1), (DATE '2020-02-11', 1)", "UPDATE sales SET n = n + 1 WHERE n = 0", "UPDATE rates SET rate = 3")
	got := moved(w.made(session.Choice{}))
	if len(got) != 2 || !strings.Contains(got[0], "rows were updated") || got[1] != "sales of 2020-02-01: 32 rows at the source, 30 in the lake" {
		t.Errorf("got %q", got)
	}
}

// What a session's settings may hide, and a view, is not looked at: a wrong "moved" would be worse than none.
func TestWhatIsNotLookedAt(t *testing.T) {
	w := newWorld(t)
	w.warehouse("CREATE TABLE base AS FROM ("+strings.TrimPrefix(sales, "CREATE TABLE sales AS ")+")", "CREATE VIEW sales AS FROM base", rates)
	w.run()
	w.warehouse("INSERT INTO base VALUES (DATE '2020-02-10', 1)")

	if p := w.made(session.Choice{}); len(p.Moved) > 0 {
		t.Errorf("a view: %+v", p.Moved)
	}

	w.warehouse("UPDATE rates SET rate = 3")
	w.write("p.yml", definition+"load: {session: [\"SET preserve_insertion_order = false\"]}\n")
	if p := w.made(session.Choice{}); len(p.Moved) > 0 {
		t.Errorf("with settings of a session: %+v", p.Moved)
	}
}

// A table that is gone after its unload leaves the lake's rows in use, and says so; what was never unloaded is refused with the
// table's name and place.
func TestGoneSources(t *testing.T) {
	w := newWorld(t)
	w.warehouse(rates)
	w.refused(session.Choice{}, hindcast.ETableMissing, 5, "sales")

	w.warehouse(sales)
	w.run()
	w.warehouse("DROP TABLE sales")
	p := w.made(session.Choice{})
	for _, u := range p.Units {
		if !u.Gone || u.Unload {
			t.Errorf("%s: gone %t, unload %t", u.Key, u.Gone, u.Unload)
		}
	}

	for _, item := range p.Items {
		if item.Reason.Runs() {
			t.Errorf("%s runs: %s", item.Slice.Key, item.Reason)
		}
	}

	w.refused(session.Choice{Fresh: true}, hindcast.ESource, 0, "sales")
}

// The result of the SQL has to have the target's time and key, with a type that can be one; the error stands at the key.
func TestTheResultFitsTheTarget(t *testing.T) {
	for name, c := range map[string]struct {
		old, new string
		code     hindcast.Code
		says     string
	}{
		"no such time":      {"time: month", "time: week", hindcast.EValue, `target.time is "week"`},
		"time of no time":   {"time: month", "time: n", hindcast.EValue, `target.time "n" has type`},
		"no such key":       {"time: month", "time: month, key: [month, shop]", hindcast.EValue, `target.key names "shop"`},
		"a table of ours":   {"table: totals", "table: hindcast_status", hindcast.EValue, "hindcast_status"},
		"a view for target": {"table: totals", "table: shown", hindcast.ETarget, "shown is a view"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, c.old, c.new)
			w.warehouse(sales, rates, "CREATE VIEW shown AS SELECT DATE '2020-01-01' AS month, 1::HUGEINT AS n")
			w.refused(session.Choice{}, c.code, 8, c.says)
		})
	}
}

// A column that came later is missing in the older slices only: the error says in which, and the newest decide what the SQL
// means. One that only some tables have with another type is refused as well.
func TestTablesOfDifferentColumns(t *testing.T) {
	w := newWorld(t, "{table: sales, time: day}", `{table: "sales_{yyyy}_{mm}", time: day}`)
	w.warehouse(rates, "CREATE TABLE sales_2020_01 AS SELECT DATE '2020-01-05' AS day", "CREATE TABLE sales_2020_02 AS SELECT DATE '2020-02-05' AS day",
		"CREATE TABLE sales_2020_03 AS SELECT DATE '2020-03-05' AS day, 1 AS n")
	w.refused(session.Choice{}, hindcast.ESQLColumn, 0, "for 2 slices", "2020-01 … 2020-02")
	w.warehouse("ALTER TABLE sales_2020_02 ADD COLUMN n INTEGER")
	w.refused(session.Choice{}, hindcast.ESQLColumn, 0, "for slice 2020-01")
	w.warehouse("ALTER TABLE sales_2020_01 ADD COLUMN n INTEGER")

	if p := w.made(session.Choice{}); len(p.Items) != 3 {
		t.Errorf("%d slices", len(p.Items))
	}
}

// Rows and tables that no slice has are warned of: rows without a time, tables whose names no slice means.
func TestWhatNoSliceHas(t *testing.T) {
	w := newWorld(t)
	w.warehouse(sales, rates, "INSERT INTO sales VALUES (NULL, 1), (NULL, 2)")
	if text := strings.Join(w.made(session.Choice{}).Warnings, "\n"); !strings.Contains(text, "sales") || !strings.Contains(text, "2") {
		t.Errorf("rows without a time: %q", text)
	}

	w.write("p.yml", strings.Replace(definition, "{table: sales, time: day}", `{table: "sales_{yyyy}_{mm}", time: day}`, 1))
	for _, month := range []string{"2020_01", "2020_02", "2020_03", "2020_05"} {
		w.warehouse("CREATE TABLE sales_" + month + " AS FROM sales LIMIT 1")
	}

	p := w.made(session.Choice{})
	if text := strings.Join(p.LeftOut, "\n"); !strings.Contains(text, "sales_2020_05") || strings.Contains(text, "sales_2020_03") {
		t.Errorf("tables left out: %q", text)
	}
}

// files is a world whose fact is Parquet files by month, two of each.
func files(t *testing.T) world {
	t.Helper()
	w := newWorld(t, "{table: sales, time: day}", `{files: "in/{yyyy}_{mm}/*.parquet"}`)
	w.warehouse(rates)

	for _, month := range []string{"2020_01", "2020_02", "2020_03"} {
		w.parquet("in/"+month+"/a.parquet", "SELECT 1 AS n")
		w.parquet("in/"+month+"/b.parquet", "SELECT 2 AS n")
	}

	return w
}

func (w world) cut(name string) {
	w.Helper()
	if err := os.Truncate(filepath.Join(w.dir, name), 20); err != nil {
		w.Fatal(err)
	}
}

// A damaged file is refused by its name where the plan is to be run. A tolerant plan names it, leaves it out, and still has
// what the others hold.
func TestDamagedFilesAreNamed(t *testing.T) {
	w := files(t)
	w.run()
	w.cut("in/2020_02/a.parquet")
	w.refused(session.Choice{}, hindcast.EParquet, 0, "2020_02/a.parquet")

	p := w.made(session.Choice{Tolerant: true, AcceptLoss: true, Compare: true})
	if len(p.Damaged) != 1 || p.Damaged[0].Name != "sales" || !strings.HasSuffix(p.Damaged[0].Path, "in/2020_02/a.parquet") || p.Damaged[0].Message == "" {
		t.Errorf("damaged: %+v", p.Damaged)
	}
	if len(p.Units) != 3 || len(p.Units[1].Files) != 1 || len(p.Units[0].Files) != 2 {
		t.Errorf("units: %+v", p.Units)
	}
}

// Where no file can be read the columns are those that a run recorded; without a run nothing is known, and that is said.
func TestAllFilesAreDamaged(t *testing.T) {
	damage := func(w world) {
		w.Helper()
		for _, month := range []string{"2020_01", "2020_02", "2020_03"} {
			w.cut("in/" + month + "/a.parquet")
			w.cut("in/" + month + "/b.parquet")
		}
	}

	t.Run("after a run", func(t *testing.T) {
		w := files(t)
		w.run()
		damage(w)
		p := w.made(session.Choice{Tolerant: true, AcceptLoss: true})
		if len(p.Damaged) != 6 || len(p.Units) != 3 || !slices.ContainsFunc(p.Units[0].Columns, func(c hindcast.Column) bool { return c.Name == "n" }) {
			t.Errorf("damaged %+v, units %+v", p.Damaged, p.Units)
		}
	})

	t.Run("before any run", func(t *testing.T) {
		w := files(t)
		damage(w)
		w.refused(session.Choice{Tolerant: true, AcceptLoss: true}, hindcast.EParquet, 5, "no file of sales can be read", "2020_01")
	})
}

// Files that are gone, or fewer rows in them, are a loss: refused with their names, unless it is accepted.
func TestLossOfFiles(t *testing.T) {
	w := files(t)
	w.run()
	if err := os.Remove(filepath.Join(w.dir, "in/2020_03/b.parquet")); err != nil {
		t.Fatal(err)
	}

	w.refused(session.Choice{}, hindcast.ESource, 5, "2020_03", "b.parquet")

	p := w.made(session.Choice{AcceptLoss: true})
	run := slices.DeleteFunc(slices.Clone(p.Items), func(i plan.Item) bool { return !i.Reason.Runs() })
	if len(run) != 1 || run[0].Slice.Key != "2020-03-01" || run[0].Reason != hindcast.ReasonFacts {
		t.Errorf("accepted, these run: %+v", run)
	}
}

// A plan by the lake alone asks no warehouse: what is unloaded suffices, whatever became of the source. Before everything is
// unloaded there is an error, not a partial plan.
func TestAPlanByTheLakeAlone(t *testing.T) {
	w := newWorld(t)
	w.warehouse(sales, rates)
	alone := func(s *survey.Survey) (*plan.Plan, error) { return s.FromLake(w.Context()) }
	if p, err := w.survey(session.Choice{Force: true}, alone); err == nil {
		t.Errorf("before the unload: %+v", p)
	}

	w.run()
	w.warehouse("DROP TABLE sales", "DROP TABLE rates")
	p, err := w.survey(session.Choice{Force: true}, alone)
	if err != nil || len(p.Items) != 3 || len(p.Units) != 3 || slices.ContainsFunc(p.Units, func(u plan.Unit) bool { return u.Unload }) {
		t.Errorf("after it: %+v, %v", p, err)
	}
}

// What any output reads is unloaded, and each output is bound to its own target.
func TestWhatTwoOutputsRead(t *testing.T) {
	w := newWorld(t, "time: day}", "time: day, columns: used}")
	w.warehouse("CREATE TABLE sales AS SELECT DATE '2020-01-01' + CAST(i AS INTEGER) AS day, i AS n, i AS m, i AS unread FROM range(90) r(i)", rates,
		"CREATE TABLE days (day DATE, m DECIMAL(38,2))")
	p := w.pipeline()
	p.Outputs[0].Name = "totals"
	p.Outputs = append(p.Outputs, hindcast.Output{Name: "days", Text: "SELECT day, m FROM sales", Target: hindcast.Target{Table: "days", Time: "day"}})
	s, err := session.Open(w.Context(), p, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	made, err := s.Survey(session.Choice{}, time.Now()).Plan(w.Context())
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err != nil {
		t.Fatal(err)
	}

	var read []string
	for _, c := range hindcast.Present(made.Units[0].Columns) {
		read = append(read, c.Name)
	}
	slices.Sort(read)
	if !slices.Equal(read, []string{"day", "m", "n"}) {
		t.Errorf("unloaded are %q", read)
	}
	if o := made.Outputs; o[0].Existing || !o[1].Existing || o[0].Result[0].Name != "month" || o[1].Result[1].Type != "DECIMAL(38,2)" || o[1].SQL != p.Outputs[1].Text {
		t.Errorf("bound as %+v", o)
	}
}

// lacking is an engine that has no types for some of the tables' columns, of which the SQL reads all.
type lacking struct {
	engine.Binder
	types []string
}

func (l lacking) Bind(_ context.Context, q engine.Query, _ []engine.Check) ([]hindcast.Column, error) {
	tables := slices.Clone(q.Tables)
	for i := range tables {
		tables[i].Columns = slices.DeleteFunc(slices.Clone(tables[i].Columns), func(c hindcast.Column) bool { return !slices.Contains(l.types, c.Type) })
	}
	tables = slices.DeleteFunc(tables, func(t engine.Table) bool { return len(t.Columns) == 0 })
	return nil, q.Uncarried("Spark", 0, tables)
}

// Of several columns that an engine cannot read the advice is for each what helps it.
func TestAdviceForColumnsWithoutTypes(t *testing.T) {
	const structs = "STRUCT(clock TIME)"
	for _, c := range []struct {
		types []string
		next  string
	}{
		{[]string{"TIME", "UUID"}, "to read them as text, write text: [note, t] at facts.sales, and write text: [u] at dimensions.rates; or leave them out of the SQL"},
		{[]string{"TIME", "UUID", structs}, "to read sales.t, rates.u as text, write text: [note, t] at facts.sales, and write text: [u] at dimensions.rates; " +
			"leave sales.s out of the SQL, as text cannot stand for it exactly"},
		{[]string{"UUID", structs}, "to read rates.u as text, write text: [u] at dimensions.rates; leave sales.s out of the SQL, as text cannot stand for it exactly"},
		{[]string{structs}, "leave them out of the SQL"},
	} {
		t.Run(strings.Join(c.types, ","), func(t *testing.T) {
			w := newWorld(t, "time: day}", "time: day, text: [note]}")
			w.warehouse("CREATE TABLE sales AS SELECT DATE '2020-01-01' + INTERVAL (i) DAY AS day, i AS n, 'x' AS note, TIME '12:00' AS t, {'clock': TIME '12:00'} AS s FROM range(90) r(i)",
				"CREATE TABLE rates AS SELECT 2 AS rate, uuid() AS u")
			_, err := w.survey(session.Choice{}, func(s *survey.Survey) (*plan.Plan, error) {
				s.Binder = lacking{s.Binder, c.types}
				return s.Plan(w.Context())
			})
			if e := hindcast.AsError(err); e == nil || e.Code != hindcast.EType || e.Next != c.next {
				t.Errorf("got %+v\nwant %s", e, c.next)
			}
		})
	}
}
