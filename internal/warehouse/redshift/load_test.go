//go:build unix

package redshift_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/redshifttest"
	"github.com/hindcast/hindcast/internal/s3test"
	"github.com/hindcast/hindcast/internal/warehouse"
	"github.com/hindcast/hindcast/internal/warehouse/warehousetest"
)

var (
	target  = hindcast.Target{Table: "result", Time: "day", Key: []string{"day"}}
	columns = []hindcast.Column{{Name: "day", Type: "DATE"}, {Name: "n", Type: "BIGINT"}}
)

// january is a load of one row.
func january(t *testing.T, run string, n int) warehousetest.Load {
	t.Helper()
	path := filepath.Join(t.TempDir(), "staged.parquet")
	warehousetest.Parquet(t, path, fmt.Sprintf("SELECT DATE '2020-01-05' AS day, %d::BIGINT AS n", n))
	l := warehousetest.Load{Publication: warehouse.Publication{Pipeline: "p", Run: run, Fence: 1},
		Replacement: warehouse.Replacement{Target: target, Slice: hindcast.Slice{Key: "2020-01", Interval: warehousetest.January}, TimeZone: "UTC",
			Attempt: 1, Print: "print", Columns: columns, Files: warehousetest.Files(path), Rows: 1, Previous: filepath.Join(t.TempDir(), "previous")}}
	return l
}

func prepare(t *testing.T, w warehouse.Warehouse, fence int64) {
	t.Helper()
	if err := w.Prepare(t.Context(), "p", target, columns, warehouse.Claim{Fence: fence}); err != nil {
		t.Fatal(err)
	}
}

func at(statement string, fault redshifttest.Fault) func(redshifttest.Statement) redshifttest.Fault {
	return func(s redshifttest.Statement) redshifttest.Fault {
		if s.Nth == 1 && strings.HasPrefix(s.Text, statement) {
			return fault
		}
		return redshifttest.None
	}
}

// What S3 refuses the cluster for a moment heals: credentials of its role that run out in the middle of UNLOAD or COPY, and a bucket that
// is busy.
func TestS3RefusesTheCluster(t *testing.T) {
	server := s3test.Start(t)
	for fault, says := range map[s3test.Fault]string{s3test.Expired: "ExpiredToken", s3test.SlowDown: "SlowDown", s3test.Refuse: "S3CurlException"} {
		for _, statement := range []string{"COPY", "UNLOAD"} {
			t.Run(statement+" "+says, func(t *testing.T) {
				var fails atomic.Bool
				s := begin(t, server, "")
				s.Endpoint = server.Proxy(t, func(s3test.Request) s3test.Fault {
					if fails.Load() {
						return fault
					}
					return s3test.None
				}).Endpoint
				w := s.open(t, s.options())
				prepare(t, w, 1)
				if _, err := january(t, "r1", 1).Into(t.Context(), w); err != nil {
					t.Fatal(err)
				}

				s.Rule(func(st redshifttest.Statement) redshifttest.Fault {
					fails.Store(strings.HasPrefix(st.Text, statement))
					return redshifttest.None
				})
				l := january(t, "r2", 2)
				_, err := l.Into(t.Context(), w)
				if e := hindcast.AsError(err); e == nil || e.Code != hindcast.EWarehouse || e.Class != hindcast.ClassTransient || !strings.Contains(e.Message, says) {
					t.Errorf("got %v", err)
				}
				s.Rule(nil)
				fails.Store(false)
				if _, err := l.Into(t.Context(), w); err != nil {
					t.Errorf("the next try: %v", err)
				}
			})
		}
	}
}

// Whatever becomes of a statement, the error says whether trying again helps, and the slice has either its old rows with their
// status or the new ones with theirs.
func TestFaultsOfALoad(t *testing.T) {
	server := s3test.Start(t)
	for _, c := range []struct {
		statement string
		fault     redshifttest.Fault
		says      string
		done      bool
	}{
		{"COMMIT", redshifttest.Conflict, "1023", false},
		{"COMMIT", redshifttest.Lose, "its status row shows whether it was", true},
		{"COMMIT", redshifttest.Refuse, "its status row shows whether it was", false},
		{"LOCK", redshifttest.Conflict, "1023", false},
		{"DELETE FROM", redshifttest.Conflict, "1023", false},
		{"INSERT INTO \"public\".\"result\"", redshifttest.Lose, "was lost", false},
		{"COPY", redshifttest.Refuse, "was lost", false},
		{"COPY", redshifttest.Conflict, "1023", false},
		{"UNLOAD", redshifttest.Cancel, "", false}, // of the rows that are replaced
	} {
		t.Run(fmt.Sprint(c.statement, c.fault), func(t *testing.T) {
			s := begin(t, server, "")
			w := s.open(t, s.options())
			prepare(t, w, 1)
			if _, err := january(t, "r1", 1).Into(t.Context(), w); err != nil {
				t.Fatal(err)
			}

			commits := 0
			s.Rule(func(st redshifttest.Statement) redshifttest.Fault {
				if !strings.HasPrefix(st.Text, c.statement) {
					return redshifttest.None
				}
				commits++
				if commits > 1 {
					return redshifttest.None
				}
				return c.fault
			})
			l := january(t, "r2", 2)
			_, err := l.Into(t.Context(), w)
			e := hindcast.AsError(err)
			if e == nil || e.Class != hindcast.ClassTransient || !strings.Contains(e.Message, c.says) {
				t.Fatalf("got %v", err)
			}
			rows, err := w.Committed(t.Context(), "p", true)
			if err != nil || len(rows) != 1 {
				t.Fatalf("%+v, %v", rows, err)
			}
			want := "1"
			if rows[0].Run == "r2" {
				want = "2"
			}
			if got := warehousetest.Text(s.Exec(t, "SELECT n FROM result")); got != want || (rows[0].Run == "r2") != c.done {
				t.Errorf("the target has %s, and the status says %s", got, rows[0].Run)
			}
			if _, err := l.Into(t.Context(), w); err != nil {
				t.Errorf("the next try: %v", err)
			}
			if got := warehousetest.Text(s.Exec(t, "SELECT n FROM result")); got != "2" {
				t.Errorf("after the next try the target has %s", got)
			}
		})
	}
}

// A cancelled UNLOAD leaves files without a manifest: they do not count, and the next attempt has its own prefix.
func TestACancelledUnload(t *testing.T) {
	s := begin(t, s3test.Start(t), "CREATE TABLE sales (id bigint); INSERT INTO sales SELECT generate_series(1, 1000)")
	w := s.open(t, s.options())
	tables, err := w.Describe(t.Context(), []string{"sales"})
	if err != nil {
		t.Fatal(err)
	}
	s.Rule(at("UNLOAD", redshifttest.Cancel))
	u := warehouse.Unload{Extract: warehouse.Extract{Table: "sales", Columns: tables["sales"].Columns}, Dir: t.TempDir(), URL: strings.Split(s.lake, "?")[0] + "/p/facts/sales/a1"}
	if _, err := w.Unload(t.Context(), u); hindcast.AsError(err) == nil || hindcast.AsError(err).Class != hindcast.ClassTransient {
		t.Fatalf("got %v", err)
	}
	s.Rule(nil)
	u.URL = strings.Split(s.lake, "?")[0] + "/p/facts/sales/a2"
	out, err := w.Unload(t.Context(), u)
	if err != nil || out.Sums.Rows != 1000 || out.Sums.Totals["id"] != "500500" || len(out.Files) != 2 || out.Files[0].ETag == "" {
		t.Errorf("%+v, %v", out, err)
	}
}

// A file without rows is not left among the files of an unload, where a program that reads the whole folder would find it.
func TestFilesWithoutRows(t *testing.T) {
	s := begin(t, s3test.Start(t), "CREATE TABLE sales (id bigint); INSERT INTO sales VALUES (7)")
	s.Empty = true
	w := s.open(t, s.options())
	tables, err := w.Describe(t.Context(), []string{"sales"})
	if err != nil {
		t.Fatal(err)
	}

	dir := t.TempDir()
	u := warehouse.Unload{Extract: warehouse.Extract{Table: "sales", Columns: tables["sales"].Columns}, Dir: dir, URL: strings.Split(s.lake, "?")[0] + "/p/facts/sales/a1"}
	out, err := w.Unload(t.Context(), u)
	if err != nil || out.Sums.Rows != 1 || len(out.Files) != 1 || out.Bytes != out.Files[0].Bytes {
		t.Errorf("%+v, %v", out, err)
	}
	if keys := s.keys(t, "lake/p/facts/sales/"); len(keys) != 1 || !strings.HasSuffix(keys[0], "/unload_0000_part_00.parquet") {
		t.Errorf("the bucket has %q", keys)
	}
	if local, err := filepath.Glob(filepath.Join(dir, "*")); len(local) != 1 || local[0] != out.Files[0].Path {
		t.Errorf("the folder has %q, %v", local, err)
	}
}

// What COPY refuses is told with its column and file.
func TestALoadErrorNamesItsColumn(t *testing.T) {
	s := begin(t, s3test.Start(t), "CREATE TABLE result (day date, n bigint, note varchar(3))")
	w := s.open(t, s.options())
	prepare(t, w, 1)
	l := january(t, "r1", 1)
	l.Columns = append(l.Columns[:2:2], hindcast.Column{Name: "note", Type: "VARCHAR"})
	warehousetest.Parquet(t, l.Files[0].Path, "SELECT DATE '2020-01-05' AS day, 1::BIGINT AS n, 'abcd' AS note")
	_, err := l.Into(t.Context(), w)
	e := hindcast.AsError(err)
	if e == nil || e.Code != hindcast.EOverflow || e.Class != hindcast.ClassPermanent || !strings.Contains(e.Message, `column "note"`) || !strings.Contains(e.Message, "0000.parquet") {
		t.Errorf("got %v, %q", err, e.Detail)
	}
}

// Names with backslashes and quotes come back as they went in, from a server that reads backslashes as escapes.
func TestBackslashes(t *testing.T) {
	s := begin(t, s3test.Start(t), "")
	w := s.open(t, s.options())
	name := `a\'b\\c'`
	if err := w.Prepare(t.Context(), name, target, columns, warehouse.Claim{Fence: 7}); err != nil {
		t.Fatal(err)
	}
	if n, err := w.Fence(t.Context(), name); n != 7 || err != nil {
		t.Errorf("the fence is %d, %v", n, err)
	}
	l := january(t, `r\1`, 1)
	l.Pipeline, l.Fence, l.Slice.Key = name, 7, `it's \n`
	if _, err := l.Into(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	rows, err := w.Committed(t.Context(), name, false, `it's \n`)
	if err != nil || len(rows) != 1 || rows[0].Run != `r\1` || rows[0].Slice.Key != `it's \n` {
		t.Errorf("%+v, %v", rows, err)
	}
}

// What a run that died has staged goes when the next one begins, in the database and in the bucket.
func TestPrepareSweeps(t *testing.T) {
	s := begin(t, s3test.Start(t), "")
	w := s.open(t, s.options())
	prepare(t, w, 1)
	if _, err := w.Stage(t.Context(), warehouse.Publication{Pipeline: "p", Run: "r1", Fence: 1, Replacements: []warehouse.Replacement{january(t, "r1", 1).Replacement}}); err != nil {
		t.Fatal(err)
	}
	const staged = "SELECT count(*) FROM pg_class WHERE relname LIKE 'hindcast_stage%'"
	if got := warehousetest.Text(s.Exec(t, staged)); got != "1" {
		t.Errorf("%s staging tables", got)
	}
	s.put(t, "lake/"+aside+"copy-f1-left/0000.parquet")
	s.put(t, "lake/"+aside+"copy-f2-ours/0000.parquet")
	prepare(t, w, 2)
	if got := warehousetest.Text(s.Exec(t, staged)); got != "0" {
		t.Errorf("%s staging tables are left", got)
	}
	if got := s.keys(t, "lake/"+aside); len(got) != 1 || !strings.Contains(got[0], "copy-f2-ours") {
		t.Errorf("%q are left", got)
	}
}

// Every type that is carried comes out of an UNLOAD as it stands in the table, by DuckDB's reading, and the others are refused by
// name.
func TestTypesOfAnUnload(t *testing.T) {
	s := begin(t, s3test.Start(t), `CREATE TABLE every (small smallint, whole integer, big bigint, single real, double double precision, yes boolean, name varchar(20),
		blank char(5), day date, moment timestamp, instant timestamptz, clock time, d1 numeric(1,0), d18 numeric(18,2), d38 numeric(38,6), doc super);
		INSERT INTO every VALUES
		(-32768, -2147483648, -9223372036854775808, -3.4028235e38, -1.7976931348623157e308, true, 'it''s \ é', 'a', '0001-01-01', '0001-01-01 00:00:00.000001', '0001-01-01 00:00:00.000001+00', '00:00:00', -9, -9999999999999999.99, -99999999999999999999999999999999.999999, '{"a": [1, null]}'),
		(32767, 2147483647, 9223372036854775807, 1e-45, 5e-324, false, '', '', '9999-12-31', '9999-12-31 23:59:59.999999', '9999-12-31 23:59:59.999999+00', '23:59:59.999999', 9, 9999999999999999.99, 99999999999999999999999999999999.999999, '"x"'),
		(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
		CREATE TABLE never (id integer, zoned timetz, bytes varbyte, shape geometry, place geography, sketch hllsketch)`)
	w := s.open(t, s.options())
	tables, err := w.Describe(t.Context(), []string{"every", "never"})
	if err != nil {
		t.Fatal(err)
	}
	out, err := w.Unload(t.Context(), warehouse.Unload{Extract: warehouse.Extract{Table: "every", Columns: tables["every"].Columns}, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, f := range out.Files {
		files = append(files, f.Path)
	}
	var got []string
	rows, err := warehousetest.Memory(t).QueryContext(t.Context(), "SELECT CAST(COLUMNS(*) AS VARCHAR) FROM ("+duck.FromParquet(out.Columns, files)+") ORDER BY small")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		row := make([]any, len(out.Columns))
		texts := make([]*string, len(row))
		for i := range row {
			row[i] = &texts[i]
		}
		if err := rows.Scan(row...); err != nil {
			t.Fatal(err)
		}
		for _, v := range texts {
			if v == nil {
				got = append(got, "NULL")
			} else {
				got = append(got, *v)
			}
		}
	}
	want := `-32768|-2147483648|-9223372036854775808|-3.4028235e+38|-1.7976931348623157e+308|true|it's \ é|a|0001-01-01|0001-01-01 00:00:00.000001|0001-01-01 00:00:00.000001+00|00:00:00|-9|-9999999999999999.99|-99999999999999999999999999999999.999999|{"a": [1, null]}|` +
		`32767|2147483647|9223372036854775807|1e-45|5e-324|false|||9999-12-31|9999-12-31 23:59:59.999999|9999-12-31 23:59:59.999999+00|23:59:59.999999|9|9999999999999999.99|99999999999999999999999999999999.999999|"x"|` +
		strings.TrimSuffix(strings.Repeat("NULL|", 16), "|")
	if strings.Join(got, "|") != want {
		t.Errorf("got\n%s\nwant\n%s", strings.ReplaceAll(strings.Join(got, "|"), "|", "\n"), strings.ReplaceAll(want, "|", "\n"))
	}

	s.Exec(t, "CREATE TABLE ancient (at timestamp); INSERT INTO ancient VALUES ('0001-01-01 00:00:00'), ('0001-12-31 23:59:59 BC')")
	_, err = w.Unload(t.Context(), warehouse.Unload{Extract: warehouse.Extract{Table: "ancient", Columns: []hindcast.Column{{Name: "at", Type: "TIMESTAMP", Source: "timestamp without time zone"}}}, Dir: t.TempDir()})
	if e := hindcast.AsError(err); e == nil || e.Code != hindcast.EType || !strings.Contains(e.Message, `column "at" of ancient has 1 time before the year 1`) {
		t.Errorf("got %v", err)
	}

	for _, c := range tables["never"].Columns[1:] {
		_, err := w.Unload(t.Context(), warehouse.Unload{Extract: warehouse.Extract{Table: "never", Columns: []hindcast.Column{c}}, Dir: t.TempDir()})
		if e := hindcast.AsError(err); e == nil || e.Code != hindcast.EType || !strings.Contains(e.Message, c.Name) || c.Type != "" {
			t.Errorf("%s (%s): %v", c.Name, c.Source, err)
		}
	}
}

// A Redshift that is opened to read writes nothing, and readers do not wait for a publication.
func TestReadOnly(t *testing.T) {
	s := begin(t, s3test.Start(t), "")
	o := s.options()
	o.ReadOnly = true
	w := s.open(t, o)
	if err := w.Prepare(t.Context(), "p", target, columns, warehouse.Claim{Fence: 1}); err == nil {
		t.Error("it was prepared")
	}
	if rows, err := w.Committed(t.Context(), "p", true); err != nil || len(rows) > 0 {
		t.Errorf("%+v, %v", rows, err)
	}
	if _, _, err := w.Bounds(t.Context(), "nowhere", "day"); hindcast.AsError(err) == nil || hindcast.AsError(err).Code != hindcast.ETableMissing {
		t.Errorf("a table that is not there: %v", err)
	}
}

// Sessions of a process that is suspended in the middle of a publication, or while it waits for the lock, do not keep a successor away.
// Those of other pipelines are left alone.
func TestSuspendedSessionsAreEnded(t *testing.T) {
	s := begin(t, s3test.Start(t), "")
	old, later, another := s.open(t, s.options()), s.open(t, s.options()), s.open(t, s.options())
	prepare(t, old, 1)
	if err := another.Prepare(t.Context(), "q", target, columns, warehouse.Claim{Fence: 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := january(t, "r1", 1).Into(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	month := func(run, key string, is hindcast.Interval) warehousetest.Load {
		l := january(t, run, 2)
		l.Slice, l.Files, l.Rows = hindcast.Slice{Key: key, Interval: is}, nil, 0
		return l
	}

	holds, wakes, ends := make(chan struct{}), make(chan struct{}), make(chan error, 3)
	holding := january(t, "r1", 2)
	holding.Keep = func(context.Context, []warehouse.Kept) error {
		close(holds)
		<-wakes
		return nil
	}
	go func() { _, err := holding.Into(t.Context(), old); ends <- err }()
	<-holds

	asked := make(chan struct{}, 10)
	s.Rule(func(st redshifttest.Statement) redshifttest.Fault {
		if strings.HasPrefix(st.Text, "LOCK") {
			asked <- struct{}{}
		}
		return redshifttest.None
	})
	waiting, other := month("r1", "2020-02", warehousetest.February), month("r9", "2020-03", warehousetest.March)
	other.Pipeline = "q"
	go func() { _, err := waiting.Into(t.Context(), old); ends <- err }()
	<-asked
	others := make(chan error)
	go func() { _, err := other.Into(t.Context(), another); others <- err }()
	<-asked

	prepare(t, later, 2)
	if err := <-others; err != nil {
		t.Errorf("of another pipeline: %v", err)
	}
	close(wakes)
	for range 2 {
		if err := <-ends; hindcast.AsError(err) == nil || hindcast.AsError(err).Class != hindcast.ClassTransient {
			t.Errorf("of the process that lost the pipeline: %v", err)
		}
	}
	rows, err := later.Committed(t.Context(), "p", true)
	if err != nil || len(rows) != 1 || rows[0].Sums.Rows != 1 {
		t.Errorf("%+v, %v", rows, err)
	}
	if left := warehousetest.Text(s.Exec(t, "SELECT count(*) FROM pg_class WHERE relname LIKE 'hindcast_stage%'")); left != "0" {
		t.Errorf("%s tables are left", left)
	}
}
