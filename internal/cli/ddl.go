package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/catalog"
	"github.com/hindcast/hindcast/internal/iceberg"
	"github.com/hindcast/hindcast/internal/lake"
	"github.com/hindcast/hindcast/internal/pause"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/session"
)

// tableSystems are what ddl writes for.
var tableSystems = []string{"athena", "glue", "spectrum", "hive", "duckdb"}

// ddl is what the command was asked for.
type ddl struct {
	system    string
	apply     bool
	database  string
	tables    []string
	without   []string
	workgroup string
	output    string
}

func (a *app) ddlCommand() *cobra.Command {
	var d ddl
	command := &cobra.Command{
		Use: "ddl " + strings.Join(tableSystems, "|"), Short: "Print the tables over the lake for other systems, or make them",
		Args: tableSystem, ValidArgs: tableSystems,
		Long: `Prints what makes tables of the lake's facts and dimensions, and of results where it keeps them: statements for
Athena, Redshift Spectrum, Hive and Spark, calls of the Data Catalog, or views for DuckDB. A table has a
partition for each unit of a fact, or each slice's result, at its current generation. With --apply the tables
are made in the Data Catalog, directly (glue) or by statements that Athena runs (athena), and brought up to
date where they are there already: apply again after each run.

The lake must be in S3, except for hive and duckdb. What a system cannot read exactly is refused by name.`,
		Example: "  hindcast ddl athena\n  hindcast ddl glue --apply --database costs\n  hindcast ddl athena --apply --output s3://results/athena/",
		RunE: func(cmd *cobra.Command, args []string) error {
			d.system = args[0]
			a.acts = d.apply
			return a.ddl(cmd.Context(), d)
		},
	}
	flags := command.Flags()
	flags.BoolVar(&d.apply, "apply", false, "make the tables, or bring them up to date (athena and glue)")
	flags.StringVar(&d.database, "database", "", "the database, or external schema (the pipeline's name by default)")
	flags.StringSliceVar(&d.tables, "tables", nil, "only these facts, dimensions and results")
	flags.StringSliceVar(&d.without, "without", nil, "leave out columns, each as TABLE.COLUMN")
	flags.StringVar(&d.workgroup, "workgroup", "", "Athena's work group (the primary one by default)")
	flags.StringVar(&d.output, "output", "", "an S3 URL for Athena's own results (the work group's by default)")
	return command
}

// tableSystem accepts one of the systems.
func tableSystem(_ *cobra.Command, args []string) error {
	if len(args) == 1 && slices.Contains(tableSystems, args[0]) {
		return nil
	}
	return &hindcast.Error{Code: hindcast.EUsage, Class: hindcast.ClassPermanent, Message: "tables are written for one of: " + strings.Join(tableSystems, ", "),
		Next: "hindcast ddl " + tableSystems[0]}
}

func (a *app) ddl(ctx context.Context, d ddl) error {
	if d.apply && d.system != "athena" && d.system != "glue" {
		return cannotApply(d.system)
	}
	s, err := a.lake(ctx)
	if err != nil {
		return err
	}
	if d.system != "duckdb" {
		if err := elsewhere(s.Pipeline, d.system); err != nil {
			return err
		}
	}
	if d.database, err = database(s.Pipeline, d.database); err != nil {
		return err
	}

	end, err := plan.ResolveTo(s.Pipeline, time.Now())
	if err != nil {
		return err
	}
	facts, dims, err := s.Current(ctx, s.Pipeline, end)
	if err != nil {
		return err
	}
	kept, err := s.Results(ctx, s.Pipeline)
	if err != nil {
		return err
	}
	if d.system == "duckdb" {
		for _, r := range kept {
			facts[r.Name] = r.Slices
		}
		return a.printViews(s.Lake.Script(facts, dims))
	}

	source := catalog.Source{Pipeline: s.Pipeline.Name, URL: s.Store.URL(), Lake: s.Lake, Facts: facts, Dims: dims, Results: kept, Only: d.tables, Without: d.without}
	made := madeTables{}
	if s.Pipeline.Results.Keep == hindcast.KeepIceberg && (d.system == "glue" || d.system == "athena") {
		source.Results = nil
		if made.iceberg, err = icebergTables(ctx, s, kept, &source); err != nil {
			return err
		}
	}
	if d.system == "hive" {
		source.Lake = s3a{s.Lake}
	}
	if len(source.Only) > 0 || len(d.tables) == 0 {
		made.tables, err = tablesOf(ctx, s, source, d.system, len(made.iceberg) == 0)
	} else {
		err = source.InVain()
	}
	if err != nil {
		return err
	}
	made.notes = missingTables(s.Pipeline, made, d.tables)
	if d.system == "athena" { // which has no statement that takes the metadata of a table that is there
		for _, t := range made.iceberg {
			made.notes = append(made.notes, fmt.Sprintf("no statement for the Iceberg table %s: hindcast ddl glue --apply registers it, and Athena reads it then", t.Name))
		}
		made.iceberg = nil
	}
	if d.apply {
		return a.applyTables(ctx, s, d, made)
	}
	return a.printTables(s.Pipeline, d, made)
}

// madeTables are what ddl prints or makes, and what it says of the others.
type madeTables struct {
	tables  []catalog.Table
	iceberg []catalog.IcebergTable
	notes   []string
}

// icebergTables are the Iceberg tables of kept results. Names of theirs leave those that are asked of the source.
func icebergTables(ctx context.Context, s *session.Session, kept []hindcast.KeptResults, source *catalog.Source) (tables []catalog.IcebergTable, err error) {
	asked := source.Only
	for _, r := range kept {
		is := func(only string) bool { return strings.EqualFold(only, r.Name) || strings.EqualFold(only, r.Target) }
		source.Only = slices.DeleteFunc(slices.Clone(source.Only), is)
		root := s.Lake.ResultsPrefix(r.Target)
		current, err := iceberg.Current(ctx, s.Store, root)
		if err != nil {
			return nil, err
		}
		if current == nil || len(asked) > 0 && !slices.ContainsFunc(asked, is) {
			continue
		}

		t := catalog.IcebergTable{Metadata: s.Lake.Absolute(current.Key), Key: current.Key,
			Ours:   func(other string) bool { return iceberg.Ours(s.Store, root, other) },
			Stands: func(ctx context.Context) (bool, error) { return iceberg.Stands(ctx, s.Store, root, current.Key) },
			Table:  catalog.Table{Name: r.Name, Source: r.Target, Location: current.Location}}
		for _, c := range current.Columns {
			t.Columns, t.IDs = append(t.Columns, catalog.Column{Name: c.Name, Stored: c.Type}), append(t.IDs, c.ID)
		}
		tables = append(tables, t)
	}
	if tables, err = source.Iceberg(tables); err != nil {
		return nil, err
	}
	for _, t := range tables {
		source.Beside = append(source.Beside, t.Table)
	}
	return tables, nil
}

func (a *app) printViews(script string) error {
	if a.json {
		return json.NewEncoder(a.out).Encode(map[string]string{"script": script})
	}
	_, err := io.WriteString(a.out, script)
	return err
}

// tablesOf makes the tables, E-LAKE if some are needed and there is none, and checks that the folders that they name hold what their manifests say.
func tablesOf(ctx context.Context, s *session.Session, source catalog.Source, system string, some bool) ([]catalog.Table, error) {
	tables, err := source.Tables(map[string]catalog.System{"athena": catalog.Athena, "glue": catalog.Glue, "spectrum": catalog.Spectrum, "hive": catalog.Hive}[system])
	if err != nil {
		return nil, err
	}
	if some && len(tables) == 0 {
		return nil, &hindcast.Error{Code: hindcast.ELake, Class: hindcast.ClassPermanent, Message: "the lake has no facts and no dimensions yet", Next: "hindcast unload"}
	}
	for _, t := range tables {
		if err := s.Lake.Whole(ctx, t.Source, t.Generations); err != nil {
			return nil, err
		}
	}
	return tables, nil
}

func cannotApply(system string) error {
	e := &hindcast.Error{Code: hindcast.EUsage, Class: hindcast.ClassPermanent, Message: "--apply makes tables in the Data Catalog, and cannot for " + system,
		Next: "run what hindcast ddl " + system + " prints"}
	if system == "spectrum" {
		e.Next += "; or make the tables with hindcast ddl glue --apply, and in Redshift CREATE EXTERNAL SCHEMA … FROM DATA CATALOG"
	}
	if system == "duckdb" {
		e.Next = "the script that hindcast ddl duckdb prints is in the lake after each run, as PIPELINE/views.sql"
	}
	return e
}

// elsewhere is why tables of a system cannot name the lake's files.
func elsewhere(p *hindcast.Pipeline, system string) error {
	switch {
	case p.Lake.Hidden():
		return &hindcast.Error{Code: hindcast.ESecret, Class: hindcast.ClassPermanent, Place: p.Places["lake"],
			Message: fmt.Sprintf("the tables have to name where the lake is, and %s may be a secret, which hindcast does not write", p.Lake.Written),
			Next:    "write the lake's bucket and prefix in the pipeline file; `hindcast ddl duckdb` takes the place from a variable"}
	case system != "hive" && p.Lake.Scheme != "s3":
		return &hindcast.Error{Code: hindcast.EValue, Class: hindcast.ClassPermanent, Place: p.Places["lake"],
			Message: fmt.Sprintf("the lake is a folder of this machine, and %s reads from S3 only", system),
			Next:    "hindcast ddl duckdb, or hive for Spark, works on a folder; otherwise put the lake into a bucket: lake: s3://BUCKET/PREFIX"}
	}
	return nil
}

var databaseForm = regexp.MustCompile(`^[a-z0-9_]{1,255}$`)

// database is the name given, or the pipeline's with _ for what no name may have.
func database(p *hindcast.Pipeline, given string) (string, error) {
	if given == "" {
		return regexp.MustCompile(`[^a-z0-9_]`).ReplaceAllString(strings.ToLower(p.Name), "_"), nil
	}
	if !databaseForm.MatchString(given) {
		return "", &hindcast.Error{Code: hindcast.EUsage, Class: hindcast.ClassPermanent, Message: fmt.Sprintf("--database %q is not a name that all systems take", given),
			Next: "use lower-case letters without accents, digits and _"}
	}
	return given, nil
}

// s3a names files of a bucket as Hadoop does.
type s3a struct{ *lake.Lake }

func hadoops(url string) string {
	if rest, ok := strings.CutPrefix(url, "s3://"); ok {
		return "s3a://" + rest
	}
	return url
}

func (l s3a) FolderOf(m *hindcast.Manifest) string { return hadoops(l.Lake.FolderOf(m)) }
func (l s3a) FactFolder(fact string) string        { return hadoops(l.Lake.FactFolder(fact)) }
func (l s3a) ResultFolder(target string) string    { return hadoops(l.Lake.ResultFolder(target)) }

// missingTables names the facts and dimensions that have no table, and says why.
func missingTables(p *hindcast.Pipeline, all madeTables, only []string) (notes []string) {
	note := func(of, name, files string) {
		made := slices.ContainsFunc(all.tables, func(t catalog.Table) bool { return t.Source == name })
		asked := len(only) == 0 || slices.ContainsFunc(only, func(o string) bool { return strings.EqualFold(o, name) })
		switch {
		case made || !asked:
		case files != "":
			notes = append(notes, fmt.Sprintf("no table of %s %s: it is your own files, %s", of, name, files))
		default:
			notes = append(notes, fmt.Sprintf("no table of %s %s: it was not unloaded yet", of, name))
		}
	}
	for _, f := range p.Facts {
		note("fact", f.Name, f.Files)
	}
	for _, d := range p.Dims {
		note("dimension", d.Name, d.Files)
	}
	for i, target := range p.Targets() {
		made := slices.ContainsFunc(all.tables, func(t catalog.Table) bool { return t.Of == "result" && t.Source == target }) ||
			slices.ContainsFunc(all.iceberg, func(t catalog.IcebergTable) bool { return t.Source == target })
		asked := len(only) == 0 || slices.ContainsFunc(only, func(o string) bool { return strings.EqualFold(o, target) || strings.EqualFold(o, p.ResultTables()[i]) })
		if p.Results.Keep != "" && !made && asked {
			notes = append(notes, fmt.Sprintf("no table of the results in %s: none was committed since the lake keeps them", target))
		}
	}
	return notes
}

func (a *app) printTables(p *hindcast.Pipeline, d ddl, made madeTables) error {
	if d.system == "glue" {
		return a.printCalls(d, made)
	}

	statements := catalog.HiveStatements(d.database, made.tables)
	if d.system == "spectrum" {
		statements = catalog.SpectrumStatements(d.database, made.tables)
	}
	if a.json {
		return json.NewEncoder(a.out).Encode(map[string]any{"statements": statements, "notes": made.notes})
	}
	var text strings.Builder
	text.WriteString("-- Tables over the current generations of pipeline " + a.plain(p.Name) + ". They show these until they are made again.\n")
	for _, note := range made.notes {
		text.WriteString("-- " + a.plain(note) + "\n")
	}
	for _, s := range statements {
		text.WriteString("\n" + s + ";\n")
	}
	_, err := io.WriteString(a.out, text.String())
	return err
}

// printCalls prints a call a line.
func (a *app) printCalls(d ddl, made madeTables) error {
	calls, err := catalog.Calls(d.database, made.tables, made.iceberg)
	if err != nil {
		return err
	}
	for _, call := range calls {
		if err := json.NewEncoder(a.out).Encode(call); err != nil {
			return err
		}
	}
	return a.note(made.notes)
}

func (a *app) note(notes []string) error {
	for _, note := range notes {
		if _, err := fmt.Fprintln(a.err, a.plain("note: "+note)); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) applyTables(ctx context.Context, s *session.Session, d ddl, made madeTables) error {
	tableStore, statements, err := catalog.Connect(ctx, s.Pipeline.Lake.URL.Query().Get("region"))
	if err != nil {
		return err
	}
	var maker catalog.Maker = catalog.Direct{Client: tableStore}
	if d.system == "athena" {
		maker = catalog.Statements{Client: statements, WorkGroup: d.workgroup, Output: d.output, Wait: pause.For}
	}

	changes, err := catalog.Apply(ctx, tableStore, maker, s.Lake, d.database, made.tables)
	if err != nil {
		return err
	}
	registered, err := catalog.RegisterIceberg(ctx, tableStore, s.Lake, d.database, made.iceberg)
	if err != nil {
		return err
	}
	changes = append(changes, registered...)
	if a.json {
		return json.NewEncoder(a.out).Encode(appliedJSON(d.database, changes, made.notes))
	}

	widest := 0
	for _, c := range changes {
		widest = max(widest, len(c.Table.Name))
	}
	for _, c := range changes {
		if _, err := fmt.Fprintf(a.out, "%s.%-*s  %s\n", d.database, widest, c.Table.Name, c.Text()); err != nil {
			return err
		}
	}
	return a.note(made.notes)
}

// appliedTable is what was done to a table, for programs.
type appliedTable struct {
	Table     string `json:"table"`
	Made      bool   `json:"made"`
	Altered   bool   `json:"altered"`
	Added     int    `json:"added"`
	Moved     int    `json:"moved"`
	Removed   int    `json:"removed"`
	Unchanged int    `json:"unchanged"`
}

func appliedJSON(database string, changes []catalog.Change, notes []string) any {
	list := make([]appliedTable, len(changes))
	for i, c := range changes {
		list[i] = appliedTable{Table: c.Table.Name, Made: c.Make, Altered: c.Alter, Added: len(c.Add), Moved: len(c.Move), Removed: len(c.Remove), Unchanged: c.Same}
	}
	return map[string]any{"database": database, "tables": list, "notes": notes}
}
