package duckdb

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/engine"
)

// folder is one of the user's, with files in it.
type userFolder struct {
	*testing.T
	dir    string
	runner *Runner
}

func usersFolder(t *testing.T, dir string) *userFolder {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	r, err := NewRunner(t.Context(), RunnerOptions{Allowed: []string{dir}, Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return &userFolder{T: t, dir: dir, runner: r}
}

// file writes a query's rows.
func (f *userFolder) file(name, query string) {
	f.Helper()
	path := filepath.Join(f.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		f.Fatal(err)
	}
	if err := f.runner.exec(f.Context(), duck.CopyStatement(query, path)); err != nil {
		f.Fatal(err)
	}
}

// fixture copies a file of testdata.
func (f *userFolder) fixture(name string) {
	f.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		f.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(f.dir, name), body, 0o600); err != nil {
		f.Fatal(err)
	}
}

func (f *userFolder) scan(types map[string]string, patterns ...string) (engine.Scanned, error) {
	return f.runner.Scan(f.Context(), engine.Search{Dir: f.dir, Patterns: patterns, Types: types})
}

func (f *userFolder) mustScan(patterns ...string) engine.Scanned {
	f.Helper()
	found, err := f.scan(nil, patterns...)
	if err != nil {
		f.Fatal(err)
	}
	return found
}

// read gives a query's rows over the files of the first pattern, as the SQL of a pipeline would have them.
func (f *userFolder) read(s engine.Scanned, query string) string {
	f.Helper()
	m := s.Matches[0]
	columns := slices.DeleteFunc(slices.Clone(s.Columns), func(c hindcast.Column) bool { return c.Type == "" })
	table := engine.Table{Name: "facts", Columns: columns, Layouts: hindcast.Filled(m.Layouts, m.Files)}
	for _, file := range m.Files {
		table.Files = append(table.Files, file.Path)
	}
	rows, err := f.runner.Query(f.Context(), engine.Query{SQL: query, Tables: []engine.Table{table}}, engine.Limits{}, 0)
	if err != nil {
		return err.Error()
	}
	var lines []string
	for _, row := range rows.Values {
		var values []string
		for _, v := range row {
			if v == nil {
				values = append(values, "NULL")
				continue
			}
			values = append(values, *v)
		}
		lines = append(lines, strings.Join(values, "|"))
	}
	return strings.Join(lines, "\n")
}

func columnsOf(s engine.Scanned) string {
	var list []string
	for _, c := range s.Columns {
		if c.Type == "" {
			list = append(list, c.Name+": "+c.Refused)
			continue
		}
		list = append(list, c.Name+" "+c.Type)
	}
	return strings.Join(list, "; ")
}

// Files of one slice whose types differ are read with a type that holds the values of both, or not at all.
func TestFilesOfDifferentTypesLoseNothing(t *testing.T) {
	for _, c := range []struct{ a, b, want, rows string }{
		{"0.01::DECIMAL(38,2)", "0.0123456789::DECIMAL(38,10)",
			"v: is DECIMAL(38,2) in a.parquet and DECIMAL(38,10) in b.parquet: no type holds the values of both exactly", ""},
		{"9007199254740993::BIGINT", "0.5::DOUBLE", "v: is BIGINT in a.parquet and DOUBLE in b.parquet: no type holds the values of both exactly", ""},
		{"18446744073709551615::UBIGINT", "0.5::DOUBLE", "v: is UBIGINT in a.parquet and DOUBLE in b.parquet: no type holds the values of both exactly", ""},
		{"16777217::INTEGER", "0.5::FLOAT", "v DOUBLE", "0.5\n16777217.0"},
		{"1.25::DECIMAL(21,2)", "0.5::DOUBLE", "v: is DECIMAL(21,2) in a.parquet and DOUBLE in b.parquet: no type holds the values of both exactly", ""},
		{"9999999999999999999.99::DECIMAL(21,2)", "0.0123456789::DECIMAL(18,10)", "v DECIMAL(29,10)", "0.0123456789\n9999999999999999999.9900000000"},
		{"18446744073709551615::UBIGINT", "-1::BIGINT", "v HUGEINT", "-1\n18446744073709551615"},
		{"DATE '2024-01-05'", "TIMESTAMP '2024-01-05 12:00:00.000001'", "v TIMESTAMP", "2024-01-05 00:00:00\n2024-01-05 12:00:00.000001"},
		{"TIMESTAMP_NS '2024-01-05 12:00:00.000000001'", "TIMESTAMP '2024-01-05 12:00:00'", "v TIMESTAMP_NS", "2024-01-05 12:00:00\n2024-01-05 12:00:00.000000001"},
		{"TIMESTAMP '2024-01-05'", "TIMESTAMPTZ '2024-01-05 00:00:00+00'",
			"v: is TIMESTAMP in a.parquet and TIMESTAMP WITH TIME ZONE in b.parquet: no type holds the values of both exactly", ""},
		{"'08'", "8::BIGINT", "v: is VARCHAR in a.parquet and BIGINT in b.parquet: no type holds the values of both exactly", ""},
		{"{'x': 1::INTEGER}", "{'y': 'b', 'X': 4294967295::UINTEGER}", `v STRUCT(x BIGINT, y VARCHAR)`, "{'x': 1, 'y': NULL}\n{'x': 4294967295, 'y': b}"},
		{"[9007199254740993::BIGINT]", "[0.5::DOUBLE]", "v: is BIGINT[] in a.parquet and DOUBLE[] in b.parquet: no type holds the values of both exactly", ""},
	} {
		f := usersFolder(t, t.TempDir())
		f.file("a.parquet", "SELECT 1 AS id, "+c.a+" AS v")
		f.file("b.parquet", "SELECT "+c.b+" AS v, 2 AS id, 'more' AS extra")
		found := f.mustScan("*.parquet")
		if got := columnsOf(found); got != "id INTEGER; "+c.want+"; extra VARCHAR" {
			t.Errorf("%s and %s: %s, want %s", c.a, c.b, got, c.want)
			continue
		}
		if c.rows == "" {
			continue
		}
		if got := f.read(found, "SELECT v FROM facts ORDER BY v"); got != c.rows {
			t.Errorf("%s and %s:\n%s\nwant\n%s", c.a, c.b, got, c.rows)
		}
		if got := f.read(found, "SELECT id, extra FROM facts ORDER BY id"); got != "1|NULL\n2|more" {
			t.Errorf("a column that one file lacks: %s", got)
		}
	}
}

// Where no type holds both, or DuckDB would cut, the pipeline may say what it is read as.
func TestTypesThatThePipelineNames(t *testing.T) {
	f := usersFolder(t, t.TempDir())
	f.file("a.parquet", "SELECT 9007199254740993::BIGINT AS v")
	f.file("b.parquet", "SELECT 0.5::DOUBLE AS v")
	found, err := f.scan(map[string]string{"V": "decimal(38, 2)"}, "?.parquet")
	if err != nil {
		t.Fatal(err)
	}
	if got := f.read(found, "SELECT v, typeof(v) FROM facts ORDER BY v"); got != "0.50|DECIMAL(38,2)\n9007199254740993.00|DECIMAL(38,2)" {
		t.Errorf("got %s", got)
	}
	f.fixture("nanoseconds.parquet")
	if found, err = f.scan(map[string]string{"zoned": "TIMESTAMPTZ"}, "nano*"); err != nil {
		t.Fatal(err)
	}
	if got := f.read(found, "SELECT zoned FROM facts"); got != "2023-11-14 22:13:20.123456+00" {
		t.Errorf("got %s", got)
	}
	for types, want := range map[string]string{
		"v: SOMETHING":             `has "SOMETHING" for the column "v", which is not a type of DuckDB`,
		"v: INTEGER) c, (SELECT 1": "which is not a type of DuckDB",
		"w: INTEGER":               "which none of the files has",
	} {
		name, typ, _ := strings.Cut(types, ": ")
		_, err := f.scan(map[string]string{name: typ}, "?.parquet")
		if e := hindcast.AsError(err); e == nil || e.Code != hindcast.EValue || !strings.Contains(e.Message, want) {
			t.Errorf("%s: %v", types, err)
		}
	}
}

// What DuckDB would read as other values than were written is refused, with the file's name.
func TestTypesThatDuckDBWouldChange(t *testing.T) {
	for file, want := range map[string]string{
		"nanoseconds.parquet": "id BIGINT; zoned: is a time with a zone in nanoseconds in nanoseconds.parquet, which is cut at microseconds; " +
			"inner: is a time with a zone in nanoseconds in nanoseconds.parquet, which is cut at microseconds; plain TIMESTAMP_NS; clock TIME_NS; nothing INTEGER",
		"decimal256.parquet": "id BIGINT; wide: is DECIMAL(50,3) in decimal256.parquet, which has more than 38 digits, which DuckDB reads as other numbers; " +
			"list: is DECIMAL(45,2) in decimal256.parquet, which has more than 38 digits, which DuckDB reads as other numbers",
		"int96.parquet":       "at: is INT96, a time in nanoseconds in int96.parquet, which is cut at microseconds",
		"int96-spark.parquet": "at TIMESTAMP",
		"int128.parquet":      "id BIGINT; big: is a 128-bit integer of polars in int128.parquet, which is bytes for every other reader",
		"binary16.parquet":    "id BIGINT; key BLOB",
	} {
		f := usersFolder(t, t.TempDir())
		f.fixture(file)
		if got := columnsOf(f.mustScan("*")); got != want {
			t.Errorf("%s: %s", file, got)
		}
	}

	f := usersFolder(t, t.TempDir())
	f.fixture("nanoseconds.parquet")
	found := f.mustScan("*")
	if c := found.Columns[1]; !strings.Contains(c.Mend, "types: {zoned: TIMESTAMP WITH TIME ZONE}") {
		t.Errorf("the way out is %s", c.Mend)
	}
	if got := f.read(engine.Scanned{Columns: found.Columns[3:5], Matches: found.Matches}, "SELECT plain, clock FROM facts"); got != "2023-11-14 22:13:20.123456789|00:00:01.234567891" {
		t.Errorf("nanoseconds are %s", got)
	}
	f.fixture("decimal256.parquet")
	if found, err := f.scan(map[string]string{"wide": "DECIMAL(38,3)"}, "decimal256.parquet"); err != nil || found.Columns[1].Type != "" {
		t.Errorf("what is no longer a number is read as one: %v, %+v", err, found.Columns)
	}
}

// A name that two columns of a file share, but for case, would mean the first of them, another one in the next file.
func TestColumnsThatDifferInCaseOnly(t *testing.T) {
	const differ, same = "differ in case only, and the SQL could not tell them apart", "have the same name, and the SQL could not tell them apart"
	for file, want := range map[string]string{
		"case.parquet": `t BIGINT; Id: is one of the columns "Id" and "id" in case.parquet, which ` + differ +
			`; id_1: is one of the columns "Id" and "id" in case.parquet, which ` + differ,
		"case-renamed.parquet": `t BIGINT; id: is one of the columns "id" and "id" in case-renamed.parquet, which ` + same +
			`; id_1: is one of the columns "id" and "id" in case-renamed.parquet, which ` + same +
			`; id_1_1: is the column "id_1" in case-renamed.parquet, which DuckDB renames because of columns whose names differ in case only`,
		"case-inside.parquet": `id BIGINT; inner: is a type with the fields "Id" and "id" in case-inside.parquet, which ` + differ +
			`; list: is a type with the fields "Id" and "id" in case-inside.parquet, which ` + differ + `; fine STRUCT(id BIGINT)`,
	} {
		f := usersFolder(t, t.TempDir())
		f.fixture(file)
		found := f.mustScan("*")
		if got := columnsOf(found); got != want {
			t.Errorf("%s: %s", file, got)
		}
		for _, c := range found.Columns {
			if c.Refused != "" && !strings.Contains(c.Mend, "write the files again with other names") {
				t.Errorf("%s: the way out of %s is %s", file, c.Name, c.Mend)
			}
		}
	}

	f := usersFolder(t, t.TempDir())
	f.file("a.parquet", "SELECT 7 AS t, 8 AS id, 9 AS id_1")
	f.fixture("case.parquet")
	found := f.mustScan("*")
	if found.Columns[1].Type != "" || found.Columns[2].Type != "" {
		t.Errorf("beside a file whose names are distinct, the columns are %s", columnsOf(found))
	}
	if got := f.read(engine.Scanned{Columns: found.Columns[:1], Matches: found.Matches}, "SELECT t FROM facts ORDER BY t"); got != "1\n7" {
		t.Errorf("the other column is %s", got)
	}
}

// Only folders that the pattern has give columns; they have one type in all slices, and replace no column of the files.
func TestFoldersThatNameColumns(t *testing.T) {
	f := usersFolder(t, filepath.Join(t.TempDir(), "id=7", "team=above"))
	for _, month := range []string{"08", "10"} {
		f.file("export/year=2024/month="+month+"/a.parquet", "SELECT 5 AS id, '"+month+"' AS said")
	}
	found := f.mustScan("export/year=2024/month=08/*.parquet", "export/year=2024/month=10/*.parquet")
	if got := columnsOf(found); got != "id INTEGER; said VARCHAR; year BIGINT; month VARCHAR" || len(found.Notes) > 0 {
		t.Errorf("got %s, %v", got, found.Notes)
	}
	if got := f.read(found, "SELECT id, year, month FROM facts"); got != "5|2024|08" {
		t.Errorf("got %s", got)
	}
	search := engine.Search{Dir: f.dir, Patterns: []string{"export/year=2024/month=10/*.parquet"}, Folders: map[string]string{"month": "VARCHAR"}}
	if late, err := f.runner.Scan(t.Context(), search); err != nil || columnsOf(late) != columnsOf(found) {
		t.Errorf("October alone: %s, %v", columnsOf(late), err)
	}
	f.file("own/id=7/day=2024-01-02/a.parquet", "SELECT 5 AS ID")
	f.file("own/id=8/day=2024-01-03/a.parquet", "SELECT 6 AS ID")
	found = f.mustScan("own/*/*/*.parquet")
	if got := f.read(found, "SELECT id, day FROM facts ORDER BY id"); got != "5|2024-01-02\n6|2024-01-03" || columnsOf(found) != "ID INTEGER; day DATE" {
		t.Errorf("got %s of %s", got, columnsOf(found))
	}
	if got := strings.Join(found.Notes, "\n"); !strings.Contains(got, "the files have the column ID, which folders name too (id=…): that of the files is read") {
		t.Errorf("notes %s", got)
	}
	if got := f.read(found, "SELECT count(*) FROM facts WHERE day = DATE '2024-01-02'"); got != "1" {
		t.Errorf("got %s", got)
	}
	f.file("cases/Year=2024/a.parquet", "SELECT 5 AS i")
	f.file("cases/year=2025/a.parquet", "SELECT 6 AS i")
	found = f.mustScan("cases/*/*.parquet")
	if got := f.read(found, "SELECT i, year FROM facts ORDER BY i"); got != "5|2024\n6|2025" || columnsOf(found) != "i INTEGER; Year BIGINT" {
		t.Errorf("names in two cases: got %s of %s", got, columnsOf(found))
	}
}

// Names that begin with _ or . are not data, below what the pattern spells; anything else that is not a plain file is reported.
func TestOnlyPlainFilesAreData(t *testing.T) {
	f := usersFolder(t, t.TempDir())
	for _, name := range []string{"x/a.parquet", "x/_tmp.parquet", "x/.part-x.parquet", "x/_temporary/0/b.parquet", ".hidden/c.parquet", "_staging/d.parquet",
		"x/_region=eu/e.parquet", "x/folder.parquet/part-0.parquet"} {
		f.file(name, "SELECT '"+name+"' AS name")
	}
	for _, link := range [][2]string{{"a.parquet", "x/link.parquet"}, {"nowhere", "x/broken.parquet"}, {"../x", "x/_region=eu/loop"}} {
		if err := os.Symlink(link[0], filepath.Join(f.dir, link[1])); err != nil {
			t.Fatal(err)
		}
	}

	if err := syscall.Mkfifo(filepath.Join(f.dir, "x/pipe.parquet"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(f.dir, "x/_delta_log"), 0o755); err != nil {
		t.Fatal(err)
	}
	for pattern, want := range map[string]string{
		"x/*.parquet":        "x/a.parquet",
		"**/*.parquet":       "x/_region=eu/e.parquet,x/a.parquet,x/folder.parquet/part-0.parquet",
		"x/**":               "x/_region=eu/e.parquet,x/a.parquet,x/folder.parquet/part-0.parquet",
		"*/*.parquet":        "x/a.parquet",
		"_staging/*.parquet": "_staging/d.parquet",
		"_*/[a-d].parquet":   "_staging/d.parquet",
		"x/_tmp.parquet":     "x/_tmp.parquet",
		"x/[!l].parquet":     "x/a.parquet",
		"../" + filepath.Base(f.dir) + "/x/a.parquet": "x/a.parquet",
		f.dir + "/x/a.p*": "x/a.parquet",
		"y/*.parquet":     "",
	} {
		found := f.mustScan(pattern)
		var names []string
		for _, file := range found.Matches[0].Files {
			names = append(names, strings.TrimPrefix(file.Path, f.dir+"/"))
		}
		if got := strings.Join(names, ","); got != want {
			t.Errorf("%s: %s, want %s", pattern, got, want)
		}
	}

	got := strings.Join(f.mustScan("x/*.parquet").Notes, "\n")
	for _, note := range []string{"left out, as names that begin with _ or . are not data: x/.part-x.parquet, x/_tmp.parquet", "x/folder.parquet is a folder",
		"x/broken.parquet is a link to nothing", "x/pipe.parquet is not a plain file", "x/_delta_log makes its folder a table of Delta Lake",
		"x/_temporary is left by a Spark write"} {
		if !strings.Contains(got, note) {
			t.Errorf("no note that %s:\n%s", note, got)
		}
	}
	if _, err := f.scan(nil, "x/[a.parquet"); hindcast.AsError(err) == nil || hindcast.AsError(err).Code != hindcast.EValue {
		t.Errorf("a pattern without an end: %v", err)
	}
}

// Wherever ** stands it follows no link to a folder: rows would be read twice, and a link to a folder above has no end.
func TestLinksThatAreNotFollowed(t *testing.T) {
	f := usersFolder(t, t.TempDir())
	f.file("data/2024/a.parquet", "SELECT 1 AS i")
	for _, link := range [][2]string{{"2024", "data/current"}, {"..", "data/2024/up"}, {"../..", "data/2024/top"}} {
		if err := os.Symlink(link[0], filepath.Join(f.dir, link[1])); err != nil {
			t.Fatal(err)
		}
	}

	for _, pattern := range []string{"data/**", "data/**/*.parquet", "**", "**/*.parquet"} {
		found := f.mustScan(pattern)
		if n := len(found.Matches[0].Files); n != 1 {
			t.Errorf("%s finds %d files", pattern, n)
		}
		const note = "data/2024/top, data/2024/up, data/current is a link to a folder, which ** does not follow"
		if got := strings.Join(found.Notes, "\n"); got != note {
			t.Errorf("%s has the notes %s", pattern, got)
		}
	}
}

// A file counts once for a pattern, by whatever names the pattern comes to it; a plan says which names it left out.
func TestAFileCountsOnce(t *testing.T) {
	f := usersFolder(t, t.TempDir())
	for i, name := range []string{"data/2024/a.parquet", "data/2024/b.parquet", "data/2023/a.parquet", "elsewhere/x.parquet"} {
		f.file(name, fmt.Sprintf("SELECT %d AS i", i))
	}
	for _, link := range [][2]string{{"a.parquet", "data/2024/0.parquet"}, {"2024", "data/0current"}, {"../../elsewhere/x.parquet", "data/2023/x.parquet"},
		{"../../elsewhere/x.parquet", "data/2023/y.parquet"}, {"../2023/a.parquet", "data/2024/of-2023.parquet"}} {
		if err := os.Symlink(link[0], filepath.Join(f.dir, link[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Link(filepath.Join(f.dir, "data/2024/b.parquet"), filepath.Join(f.dir, "data/2024/hard.parquet")); err != nil {
		t.Fatal(err)
	}

	for pattern, want := range map[string][2]string{
		"data/*/*.parquet": {"0 1 2 3", "left out, as they are other names of files that are read: data/0current/0.parquet is data/2024/a.parquet, " +
			"data/0current/a.parquet is data/2024/a.parquet, data/0current/b.parquet is data/2024/b.parquet and 6 more"},
		"data/2024/?.parquet":     {"0 1", "left out, as they are other names of files that are read: data/2024/0.parquet is data/2024/a.parquet"},
		"data/2024/[bh]*.parquet": {"1", "left out, as they are other names of files that are read: data/2024/hard.parquet is data/2024/b.parquet"},
		"data/2023/[xy].parquet":  {"3", "left out, as they are other names of files that are read: data/2023/y.parquet is data/2023/x.parquet"},
		"data/0current/a.parquet": {"0", ""},
		"data/2024/of*.parquet":   {"2", ""},
	} {
		found := f.mustScan(pattern)
		if got := f.read(found, "SELECT string_agg(i, ' ' ORDER BY i) FROM facts"); got != want[0] {
			t.Errorf("%s reads %s", pattern, got)
		}
		if got := strings.Join(found.Notes, "\n"); got != want[1] {
			t.Errorf("%s has the notes\n%s", pattern, got)
		}
	}
}

// A link from one period to another may be meant, so that its rows count in both; nobody else does that unknowingly.
func TestAFileOfTwoPeriods(t *testing.T) {
	f := usersFolder(t, t.TempDir())
	f.file("d/2024-01-02/a.parquet", "SELECT 1 AS i")
	f.file("d/2024-03-03/a.parquet", "SELECT 2 AS i")
	if err := os.Symlink("2024-03-03", filepath.Join(f.dir, "d/2024-04-04")); err != nil {
		t.Fatal(err)
	}

	found, err := f.runner.Scan(f.Context(), engine.Search{Dir: f.dir, All: []string{"d/2024-[0-9][0-9]*/*.parquet"},
		Patterns: []string{"d/2024-*01*/*.parquet", "d/2024-*02*/*.parquet", "d/2024-*03/*.parquet", "d/2024-*04/*.parquet"}})
	if err != nil {
		t.Fatal(err)
	}
	want := "the names of several periods match the same file, whose rows count in each of them: d/2024-01-02/a.parquet\n" +
		"files of several periods are the same file, whose rows count in each of them: d/2024-04-04/a.parquet is d/2024-03-03/a.parquet"
	if got := strings.Join(found.Notes, "\n"); got != want || len(found.Outside) > 0 {
		t.Errorf("the notes are\n%s\nand outside is %v", got, found.Outside)
	}

	// a slice that reads both periods reads the file once
	m := found.Matches
	found.Matches = []engine.Matched{{Files: slices.Concat(m[0].Files, m[1].Files), Layouts: m[0].Layouts}}
	if got := f.read(found, "SELECT count(*) FROM facts"); got != "1" {
		t.Errorf("a file of two periods is read %s times", got)
	}
}

// No character of a file's name, or of a folder above the pattern, is taken for a pattern.
func TestOnlyPatternsArePatterns(t *testing.T) {
	f := usersFolder(t, filepath.Join(t.TempDir(), `it's "a" [b]*?{c}`))
	names := []string{"a[1]", "a*b", "a?b", "a{1,2}", `it's "q"`, "a1", "aXb", "a%20b", "a=b"}
	for _, name := range names {
		f.file("in/"+name+".parquet", "SELECT "+duck.String(name)+" AS name")
	}
	found := f.mustScan("in/*.parquet")
	if got := f.read(found, "SELECT count(DISTINCT name), count(*) FROM facts"); got != fmt.Sprintf("%d|%d", len(names), len(names)) {
		t.Errorf("got %s", got)
	}
	for pattern, want := range map[string]string{`in/a\[1\].parquet`: "a[1]", `in/a[[]*.parquet`: "a[1]", `in/a\*b.parquet`: "a*b", "in/a[1].parquet": "a1"} {
		if got := f.read(f.mustScan(pattern), "SELECT name FROM facts"); got != want {
			t.Errorf("%s: %s", pattern, got)
		}
	}
}

// A file that was replaced by one of the same name, size and time has another footer.
func TestAFooterTellsFilesApart(t *testing.T) {
	f := usersFolder(t, t.TempDir())
	f.file("a.parquet", "SELECT 100 AS v")
	path := filepath.Join(f.dir, "a.parquet")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	was := f.mustScan("*").Matches[0]
	f.file("a.parquet", "SELECT 200 AS v")
	if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	is := f.mustScan("*").Matches[0]
	if was.Files[0].Bytes != is.Files[0].Bytes || was.Content == is.Content {
		t.Errorf("was %+v, is %+v", was, is)
	}
}

// Whatever part of DuckDB stumbles over a damaged file, the error is E-PARQUET and names it.
func TestDamagedFilesAreNamed(t *testing.T) {
	for name, harm := range map[string]func([]byte) []byte{
		"cut short":       func(b []byte) []byte { return b[:len(b)/2] },
		"empty":           func([]byte) []byte { return nil },
		"text":            func([]byte) []byte { return []byte("this is no Parquet file, but a text that is long enough") },
		"pages":           func(b []byte) []byte { fill(b[4:len(b)/2], 0xff); return b },
		"zeroes":          func(b []byte) []byte { fill(b[4:len(b)/2], 0); return b },
		"footer":          func(b []byte) []byte { fill(b[len(b)-60:len(b)-20], 0xff); return b },
		"footer's length": func(b []byte) []byte { b[len(b)-5] = 0x7f; return b },
	} {
		f := usersFolder(t, t.TempDir())
		rows := "SELECT range AS id, hash(range)::VARCHAR AS text FROM range(5000)"
		f.file("good.parquet", rows)
		f.file("odd.parquet", rows)
		path := filepath.Join(f.dir, "odd.parquet")
		body, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, harm(body), 0o600); err != nil {
			t.Fatal(err)
		}
		err = f.scanAndRun()
		if e := hindcast.AsError(err); e == nil || e.Code != hindcast.EParquet || e.Class != hindcast.ClassPermanent || !strings.Contains(e.Message, path) {
			t.Errorf("%s: %v", name, err)
		}
		if e := hindcast.AsError(readable(context.Background(), path)); e == nil || e.Code != hindcast.EParquet {
			t.Errorf("%s: read as a whole: %v", name, e)
		}
		if err := readable(t.Context(), filepath.Join(f.dir, "good.parquet")); err != nil {
			t.Error(err)
		}
	}
}

func fill(b []byte, with byte) {
	for i := range b {
		b[i] = with
	}
}

// scanAndRun reads both columns of all files in a work.
func (f *userFolder) scanAndRun() error {
	found, err := f.scan(nil, "*.parquet")
	if err != nil {
		return err
	}
	m := found.Matches[0]
	table := engine.Table{Name: "facts", Columns: found.Columns, Layouts: hindcast.Filled(m.Layouts, m.Files)}
	for _, file := range m.Files {
		table.Files = append(table.Files, file.Path)
	}
	_, err = f.runner.Run(f.Context(), engine.Work{Dir: filepath.Join(f.dir, "out"), Columns: []hindcast.Column{{Name: "day", Type: "DATE"}, {Name: "n", Type: "HUGEINT"}},
		Query:  engine.Query{SQL: "SELECT DATE '2024-01-01' AS day, sum(id + length(text)) AS n FROM facts", Tables: []engine.Table{table}},
		Target: hindcast.Target{Time: "day"}})
	return err
}
