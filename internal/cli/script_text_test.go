package cli

import (
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"

	"github.com/duckdb/duckdb-go/v2"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/eventschema"
)

// shop: puts a small pipeline into the script's folder: those files of testdata/shop that the script has not, and
// the warehouse that warehouse.sql makes.
func shop(ts *testscript.TestScript, _ bool, _ []string) {
	for _, name := range []string{"hindcast.yml", "monthly.sql", "warehouse.sql"} {
		if _, err := os.Stat(ts.MkAbs(name)); err == nil {
			continue
		}
		body, err := os.ReadFile(filepath.Join(worldOf(ts).source, name))
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs(name), body, 0o644))
	}
	runSQL(ts, false, []string{"warehouse.duckdb", strings.ReplaceAll(ts.ReadFile("warehouse.sql"), "$WORK", worldOf(ts).dir)})
}

// sql FILE.duckdb|:memory: SQL: runs the SQL and prints the rows of its last statement, values with | between.
func runSQL(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: sql FILE.duckdb SQL")
	}
	path := ""
	if args[0] != ":memory:" {
		path = ts.MkAbs(args[0])
	}
	text, err := rowsOf(path, args[1])
	if neg {
		if err == nil {
			ts.Fatalf("%s succeeded", args[1])
		}
		return
	}
	ts.Check(err)
	_, _ = fmt.Fprint(ts.Stdout(), text)
}

func rowsOf(path, statement string) (string, error) {
	connector, err := duckdb.NewConnector(path, nil)
	if err != nil {
		return "", err
	}
	db := sql.OpenDB(connector)
	defer func() { _ = db.Close() }()
	rows, err := db.Query(statement)
	if err != nil {
		return "", err
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		return "", err
	}
	var out strings.Builder
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return "", err
		}
		texts := make([]string, len(values))
		for i, v := range values {
			texts[i] = fmt.Sprint(v)
		}
		out.WriteString(strings.Join(texts, "|") + "\n")
	}
	return out.String(), rows.Err()
}

// edit FILE OLD NEW: replaces OLD, which must be there once. \n in either is a line's end.
func edit(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: edit FILE OLD NEW")
	}
	lines := strings.NewReplacer(`\n`, "\n")
	text, was, is := ts.ReadFile(args[0]), lines.Replace(args[1]), lines.Replace(args[2])
	if strings.Count(text, was) != 1 {
		ts.Fatalf("%s has %q %d times", args[0], was, strings.Count(text, was))
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Replace(text, was, is, 1)), 0o644))
}

// tidied are the parts of an output that differ from run to run, and what stands for them.
var tidied = []struct {
	is *regexp.Regexp
	to string
}{
	{regexp.MustCompile(`(?m)^\d\d:\d\d:\d\d `), "hh:mm:ss "},
	{regexp.MustCompile(`\b\d\d?:\d\d(:\d\d)?\b`), "h:mm"},
	{regexp.MustCompile(`\b\d{4}-\d\d-\d\d h:mm\b`), "date h:mm"},
	{regexp.MustCompile(`[\d.]+ ms\b|\b(\d+ min )?[\d.]+ s\b|\b[\d.]+ min\b`), "N s"},
	{regexp.MustCompile(`\b[\d.,]+ (B|KB|MB|GB|TB)\b`), "N MB"},
	{regexp.MustCompile(`\b[\d.,]+ ([KMG] )?rows/min`), "N rows/min"},
	{regexp.MustCompile(`(?m)^  time  .*? \(from (r\d+)\)$`), "  time  about N s (from $1)"},
	{regexp.MustCompile(`\b\d\d? (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)( \d{4})?\b`), "D Mon"},
	{regexp.MustCompile(`unloaded (D Mon )?h:mm( to (D Mon )?h:mm)?`), "unloaded h:mm"},
	{regexp.MustCompile(`\b(since|of) \d{4}-\d\d-\d\d\b`), "$1 DATE"},
	{regexp.MustCompile(`\S*/testscript-main\d+/bin/`), "$$BIN/"},
	{regexp.MustCompile(`\b(pid|process|PID) \d+`), "$1 N"},
	{regexp.MustCompile(`pg_terminate_backend\(\d+\)`), "pg_terminate_backend(N)"},
	{regexp.MustCompile(`\b(127\.0\.0\.1|localhost|[a-z-]+\.invalid):\d{4,5}\b`), "$1:PORT"},
	{regexp.MustCompile(`\b(shopkeeper_|loader_)?db\d+\b`), "${1}dbN"},
	{regexp.MustCompile(`(?m)(\S)  +`), "$1  "},
	{regexp.MustCompile(`(?m) +$`), ""},
}

// same FILE PATTERN FILE PATTERN…: what the group of each pattern matches first in its file is the same text.
func same(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 4 || len(args)%2 != 0 {
		ts.Fatalf("usage: same FILE PATTERN FILE PATTERN")
	}
	want := ""
	for i := 0; i < len(args); i += 2 {
		found := regexp.MustCompile(args[i+1]).FindStringSubmatch(ts.ReadFile(args[i]))
		if len(found) != 2 {
			ts.Fatalf("%s: no match for %s", args[i], args[i+1])
		}
		if i == 0 {
			want = found[1]
		}
		if found[1] != want {
			ts.Fatalf("%s: %q, and in %s: %q", args[i], found[1], args[0], want)
		}
	}
}

// tidy [-sort] stdout|stderr|FILE: prints the text again without what differs from run to run: dates with times, durations,
// sizes, process ids, the folder, the widths of gaps. With -sort the lines that begin with a time are sorted.
func tidy(ts *testscript.TestScript, _ bool, args []string) {
	sorted := len(args) > 0 && args[0] == "-sort"
	if sorted {
		args = args[1:]
	}
	if len(args) != 1 {
		ts.Fatalf("usage: tidy [-sort] stdout|stderr|FILE")
	}
	_, _ = fmt.Fprint(ts.Stdout(), tidyText(ts, ts.ReadFile(args[0]), sorted))
}

func tidyText(ts *testscript.TestScript, text string, sorted bool) string {
	text = strings.ReplaceAll(text, worldOf(ts).dir, "$WORK")
	if host, err := os.Hostname(); err == nil {
		text = strings.ReplaceAll(text, " on "+host, " on HOST")
	}
	for _, t := range tidied {
		text = t.is.ReplaceAllString(text, t.to)
	}
	lines := strings.SplitAfter(text, "\n")
	for from := 0; sorted && from < len(lines); from++ {
		to := from
		for to < len(lines) && strings.HasPrefix(lines[to], "hh:mm:ss ") {
			to++
		}
		sort.Strings(lines[from:to])
		from = to
	}
	return strings.Join(lines, "")
}

// events [-sort] stdout|FILE: every line must be an event by the published schema; prints each one's deterministic part.
func events(ts *testscript.TestScript, _ bool, args []string) {
	sorted := len(args) > 0 && args[0] == "-sort"
	if sorted {
		args = args[1:]
	}
	var out []string
	for i, line := range strings.Split(strings.TrimSuffix(ts.ReadFile(args[0]), "\n"), "\n") {
		if err := eventschema.Validate([]byte(line)); err != nil {
			ts.Fatalf("line %d: %v", i+1, err)
		}
		var e hindcast.Event
		ts.Check(json.Unmarshal([]byte(line), &e))
		out = append(out, eventLine(e))
	}
	if sorted {
		sort.Strings(out)
	}
	_, _ = fmt.Fprintln(ts.Stdout(), strings.Join(out, "\n"))
}

func eventLine(e hindcast.Event) string {
	parts := []string{string(e.Type)}
	add := func(text string) {
		if text != "" {
			parts = append(parts, text)
		}
	}
	add(e.Slice)
	add(string(e.Step))
	add(e.Fact)
	if e.Attempt > 0 {
		add(fmt.Sprintf("attempt=%d", e.Attempt))
	}
	if e.Rows > 0 {
		add(fmt.Sprintf("rows=%d", e.Rows))
	}
	if e.Total > 0 {
		add(fmt.Sprintf("total=%d", e.Total))
	}
	if e.Error != nil {
		add(string(e.Error.Code))
	}
	if e.ExitCode != nil {
		add(fmt.Sprintf("exit=%d", *e.ExitCode))
	}
	return strings.Join(parts, " ")
}

// snapshot NAME [DIR]: keeps what is in the folder, to be compared by unchanged.
func snapshot(ts *testscript.TestScript, _ bool, args []string) {
	worldOf(ts).snapshots[args[0]] = contents(ts, args[1:])
}

// unchanged NAME [DIR]: the folder must be as it was at the snapshot, byte for byte, times included. What the script
// itself edits counts too.
func unchanged(ts *testscript.TestScript, neg bool, args []string) {
	was, is := worldOf(ts).snapshots[args[0]], contents(ts, args[1:])
	if (was == is) == neg {
		ts.Fatalf("was:\n%s\nis:\n%s", lacking(was, is), lacking(is, was))
	}
}

// lacking are the lines of one text that another has not.
func lacking(text, other string) string {
	var lines []string
	for _, line := range strings.SplitAfter(text, "\n") {
		if !strings.Contains(other, line) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

func contents(ts *testscript.TestScript, dir []string) string {
	root := ts.MkAbs(strings.Join(append(dir, "."), "/"))
	var out strings.Builder
	ts.Check(filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || strings.HasPrefix(entry.Name(), ".tmp") {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		sum := [32]byte{}
		if entry.Type().IsRegular() {
			body, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			sum = sha256.Sum256(body)
		}
		if path != root { // its time changes with .tmp
			_, err = fmt.Fprintf(&out, "%s %s %s %x\n", path, info.Mode(), info.ModTime(), sum[:8])
		}
		return err
	}))
	return out.String()
}

// whole FILE.duckdb: the target holds exactly the rows that hindcast_status says are committed; without a status row
// there is none.
func wholeTarget(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	said, err := rowsOf(path, `SELECT target, sum("rows")::BIGINT FROM hindcast_status GROUP BY 1 ORDER BY 1`)
	ts.Check(err)
	for _, line := range strings.Split(strings.TrimSpace(said), "\n") {
		target, rows, ok := strings.Cut(line, "|")
		if !ok {
			target, rows = "monthly", "0"
		}
		got, err := rowsOf(path, "SELECT count(*) FROM "+target)
		ts.Check(err)
		if strings.TrimSpace(got) != rows {
			ts.Fatalf("%s has %s rows; hindcast_status says %s", target, strings.TrimSpace(got), rows)
		}
	}
}

// damaged: the script harms files of the lake by itself, so that manifests may lack them at its end.
func damaged(ts *testscript.TestScript, _ bool, _ []string) { worldOf(ts).damaged = true }

// nowhere TEXT DIR: no file below the folder holds the text.
func nowhere(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(filepath.WalkDir(ts.MkAbs(args[1]), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		body, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(body), args[0]) {
			err = fmt.Errorf("%s holds %s", path, args[0])
		}
		return err
	}))
}

// harm makes a command: NAME PATTERN changes each of the files.
func harm(change func([]byte) []byte) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, _ bool, args []string) {
		paths, err := filepath.Glob(ts.MkAbs(args[0]))
		ts.Check(err)
		if len(paths) == 0 {
			ts.Fatalf("no file %s", args[0])
		}
		for _, path := range paths {
			body, err := os.ReadFile(path)
			ts.Check(err)
			ts.Check(os.WriteFile(path, change(body), 0o644))
		}
	}
}

// examples: prints the commands of the help that was just shown under "Examples:", one a line.
// With -run they are also run, one after another, and must succeed.
func examples(ts *testscript.TestScript, _ bool, args []string) {
	_, text, found := strings.Cut(ts.ReadFile("stdout"), "Examples:\n")
	if !found {
		ts.Fatalf("the help has no examples")
	}
	text, _, _ = strings.Cut(text, "\n\n")
	for _, line := range strings.Split(text, "\n") {
		if len(args) == 1 && args[0] == "-run" {
			ts.Check(ts.Exec("sh", "-c", strings.TrimSpace(line)))
		}
	}
	for _, line := range strings.Split(text, "\n") {
		_, _ = fmt.Fprintln(ts.Stdout(), strings.TrimSpace(line))
	}
}

// printed GUIDE: writes what a page of the guide prints: its commands into guide.sh, what they print, tidied, into guide.want,
// the pipeline into hindcast.yml, and its SQL into monthly.sql.
func printed(ts *testscript.TestScript, _ bool, args []string) {
	body, err := os.ReadFile(filepath.Join(worldOf(ts).source, "../../../../docs/guide", args[0]))
	ts.Check(err)
	texts := map[string]string{}
	for _, block := range regexp.MustCompile("(?s)```(sh|text|yaml|sql)\n(.*?)```").FindAllStringSubmatch(string(body), -1) {
		texts[block[1]] += block[2]
	}
	for kind, name := range map[string]string{"sh": "guide.sh", "text": "guide.want", "yaml": "hindcast.yml", "sql": "monthly.sql"} {
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(texts[kind]), 0o644))
	}
}
