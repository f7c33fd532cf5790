package iceberg

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/chunks"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/objstore/s3"
	"github.com/hindcast/hindcast/internal/pythontest"
	"github.com/hindcast/hindcast/internal/s3test"
)

// shown are types, and values of each that are read exactly.
var shown = []struct {
	typ     string
	iceberg string
	values  []string
}{
	{"BOOLEAN", "boolean", []string{"true", "false"}},
	{"TINYINT", "int", []string{"-128", "127"}},
	{"SMALLINT", "int", []string{"-32768", "32767"}},
	{"INTEGER", "int", []string{"-2147483648", "2147483647"}},
	{"BIGINT", "long", []string{"-9223372036854775808", "9223372036854775807"}},
	{"UTINYINT", "int", []string{"0", "255"}},
	{"USMALLINT", "int", []string{"0", "65535"}},
	{"HUGEINT", "string", []string{"-170141183460469231731687303715884105728"}},
	{"DECIMAL(9,2)", "decimal(9, 2)", []string{"-9999999.99", "0.01"}},
	{"DECIMAL(18,6)", "decimal(18, 6)", []string{"-999999999999.999999", "0.000001"}},
	{"DECIMAL(38,10)", "decimal(38, 10)", []string{"-9999999999999999999999999999.9999999999", "0.0000000001"}},
	{"FLOAT", "float", []string{"1.5", "'NaN'::FLOAT", "'-Infinity'::FLOAT"}},
	{"DOUBLE", "double", []string{"0.1", "'NaN'::DOUBLE", "'Infinity'::DOUBLE", "-0.0"}},
	{"VARCHAR", "string", []string{"''", "'it''s é 日本'"}},
	{"JSON", "string", []string{`'{"a": 1}'`}},
	{"BLOB", "binary", []string{"''::BLOB", `'\x00\xFFa'::BLOB`}},
	{"DATE", "date", []string{"DATE '1582-01-01'", "DATE '2020-02-29'", "DATE '9999-12-31'"}},
	{"TIME", "time", []string{"TIME '00:00:00'", "TIME '23:59:59.999999'"}},
	{"TIMESTAMP", "timestamp", []string{"TIMESTAMP '1969-12-31 23:59:59.999999'", "TIMESTAMP '2020-02-29 12:34:56.123456'"}},
	{"TIMESTAMP_MS", "timestamp", []string{"TIMESTAMP '1969-12-31 23:59:59.999'"}},
	{"TIMESTAMP WITH TIME ZONE", "timestamptz", []string{"TIMESTAMPTZ '2020-03-29 02:30:00.000001+02'"}},
	{"UUID", "uuid", []string{"'00000000-0000-0000-0000-000000000000'::UUID", "'ffffffff-1234-5678-9abc-0123456789ab'::UUID"}},
	{"INTEGER[]", "list<int>", []string{"[1, NULL, -3]", "[]"}},
	{"MAP(VARCHAR, BIGINT)", "map<string, long>", []string{"MAP {'a': 1, 'b': NULL}"}},
	{"STRUCT(a BIGINT, b VARCHAR)", "struct<", []string{"{'a': 1, 'b': 'x'}"}},
	{"STRUCT(d DATE)[]", "list<struct<", []string{"[{'d': DATE '2020-01-01'}]"}},
}

// Every value of every type that a table can have is read by others as it was kept; NULL too.
func TestTypes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var selected []string
	var columns []hindcast.Column
	for i, s := range shown {
		c := hindcast.Column{Name: fmt.Sprintf("c%d", i), Type: s.typ}
		c.Stored, _ = duck.Carry(s.typ)
		columns = append(columns, c)
		values := []string{"NULL"}
		if s.typ == "STRUCT(d DATE)[]" { // pyiceberg 0.12 reads a NULL of these as an empty list, whoever wrote the table
			values = nil
		}
		for _, v := range s.values {
			values = append(values, "CAST("+v+" AS "+s.typ+")")
		}
		list := fmt.Sprintf("[%s][i %% %d + 1]", strings.Join(values, ", "), len(values))
		if c.Stored != "" {
			list = "CAST(" + list + " AS " + c.Stored + ")"
		}
		selected = append(selected, list+" AS "+c.Name)
	}
	w.keep("2020-01-01", "SELECT "+strings.Join(selected, ", ")+" FROM range(60) r(i)", columns...)
	w.publish("2020-01-01")

	s := w.read()
	w.same(s, "SELECT * FROM read_parquet('"+objstore.Location(w.store, w.kept["2020-01-01"].Files[0].Path)+"')")
	for i, is := range shown {
		if !strings.HasPrefix(s.Types[i], fmt.Sprintf("c%d %s", i, is.iceberg)) {
			t.Errorf("%s is %s", is.typ, s.Types[i])
		}
	}
}

// What a table cannot have is refused by name.
func TestRefuse(t *testing.T) {
	for typ, want := range map[string]string{"UINTEGER": "negative", "UBIGINT": "negative", "TIMESTAMP_NS": "nanoseconds", "STRUCT(a UBIGINT)": "STRUCT(a UBIGINT)", "UINTEGER[]": "negative"} {
		err := Refuse("totals", []hindcast.Column{{Name: "fine", Type: "BIGINT"}, {Name: "odd", Type: typ}})
		if e := hindcast.AsError(err); err == nil || e.Code != hindcast.EType || !strings.Contains(e.Message, "odd: ") || !strings.Contains(e.Message, want) {
			t.Errorf("%s: %v", typ, err)
		}
	}
	err := Refuse("totals", []hindcast.Column{{Name: "a", Type: "BIGINT"}, {Name: "A", Type: "BIGINT"}})
	if err == nil || !strings.Contains(err.Error(), "case") {
		t.Errorf("%v", err)
	}
	if err := Refuse("totals", []hindcast.Column{{Name: "a", Type: "HUGEINT"}, {Name: "t", Type: "TIME WITH TIME ZONE"}}); err != nil {
		t.Error(err)
	}
}

var day = []hindcast.Column{{Name: "day", Type: "DATE"}, {Name: "n", Type: "BIGINT"}}

func days(month, n int) string {
	return fmt.Sprintf("SELECT DATE '2020-%02d-01' + CAST(i AS INTEGER) AS day, CAST(i * %d AS BIGINT) AS n FROM range(20) r(i)", month, n)
}

func inBucket(t testing.TB) *world {
	t.Helper()
	server := s3test.Start(t)
	keys := server.User(t)
	bucket := server.Bucket(t)
	server.Allow(t, bucket, keys, "s3:*")
	keys.Setenv(t)
	store, err := s3.Open(t.Context(), s3test.URL(server.Endpoint, bucket, "lake"))
	if err != nil {
		t.Fatal(err)
	}
	w := worldIn(t, store)
	w.env = append(append(w.env, keys.Env()...), "ENDPOINT="+server.Endpoint)
	return w
}

// A publication is a snapshot: files of the slice that were there go, new ones come, and others read it whole. Older snapshots stay
// readable until they expire; then data that only they have is not named any more.
func TestPublications(t *testing.T) {
	for kind, open := range map[string]func(testing.TB) *world{"folder": newWorld, "bucket": inBucket} {
		t.Run(kind, func(t *testing.T) { publications(open(t)) })
	}
}

func publications(w *world) {
	if err := w.table.Reconcile(w.Context(), "r0", nil); err != nil {
		w.Fatal(err)
	}
	if version, err := newest(w.Context(), w.store, Folder(root)); err != nil || version != 0 {
		w.Errorf("a table of nothing has version %d, %v", version, err)
	}

	keys := []string{"2020-01-01T00:00+02:00", "2020-02-01", "2020-03-01"}
	for i, slice := range keys {
		w.keep(slice, days(i+1, 1), day...)
		w.publish(slice)
	}
	first := w.read()
	all := days(1, 1) + " UNION ALL " + days(2, 1) + " UNION ALL " + days(3, 1)
	w.same(first, all)

	w.keep("2020-02-01", days(2, 7), day...)
	w.table = w.open(2) // another process goes on
	w.publish(keys[1])
	w.publish(keys[1]) // and has nothing to do the second time
	second := w.read()
	w.same(second, days(1, 1)+" UNION ALL "+days(2, 7)+" UNION ALL "+days(3, 1))
	if len(second.Snapshots) != 4 {
		w.Fatalf("%d snapshots", len(second.Snapshots))
	}
	want := map[string]string{"operation": "overwrite", "hindcast.pipeline": "p", "hindcast.run": "r1", "hindcast.slices": "2020-02-01", "added-data-files": "1", "added-records": "20",
		"deleted-data-files": "1", "deleted-records": "20", "total-data-files": "3", "total-records": "60"}
	for name, value := range want {
		if is := second.Summaries[3][name]; is != value {
			w.Errorf("the summary has %s = %q, want %q", name, is, value)
		}
	}
	w.same(w.read(at(second.Snapshots[2])...), all)

	some := w.read("--filter", "day >= '2020-02-15' and day < '2020-03-01'")
	if some.Files != 1 || len(some.PyIceberg) != 6 || len(some.DuckDB) != 6 {
		w.Errorf("of February's last days %d files are read, %d and %d rows", some.Files, len(some.PyIceberg), len(some.DuckDB))
	}
	w.expires(second.Snapshots)
}

// expires expires all snapshots but the current one.
func (w *world) expires(ids []int64) {
	w.Helper()
	if s, err := w.table.Expire(w.Context(), w.now.Add(-time.Hour)); err != nil || s.Snapshots != 0 || s.Named != nil {
		w.Errorf("%+v, %v", s, err)
	}
	w.now = w.now.Add(time.Hour)
	s, err := w.table.Expire(w.Context(), w.now)
	if err != nil || s.Snapshots != 3 || len(s.Named) != 3 || s.Named[root+"2020-02-01/g1-r1-f1-a1/"] || !s.Named[root+"2020-02-01/g2-r1-f1-a1/"] {
		w.Errorf("%+v, %v", s, err)
	}
	after := w.read()
	if !slices.Equal(after.Snapshots, ids[3:]) || len(after.PyIceberg) != 60 || len(after.DuckDB) != 60 {
		w.Errorf("%v, %d and %d rows", after.Snapshots, len(after.PyIceberg), len(after.DuckDB))
	}
	w.shows("after it expired")
	infos, err := w.store.List(w.Context(), Folder(root))
	if err != nil || len(infos) != 1+5+1+3 { // the hint, versions, a list, a manifest for each slice
		w.Errorf("%d files of metadata are left, %v", len(infos), err)
	}
}

// Many publications leave few manifests, and a table that others read whole; what is published again, and what is let go of, is found
// among them.
func TestManyPublications(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.table.sizes = sizes{few: 4, large: 16, most: 24}
	const many = mostOfRun + 10
	for n := range many {
		slice := fmt.Sprintf("s%d", n)
		w.keep(slice, days(1, 1), day...)
		w.publish(slice)
		if n := len(w.table.at.manifests); n > 4+4+many/16 {
			t.Errorf("%d manifests", n)
		}
	}
	w.shows("many publications")
	if n := len(w.table.at.metadata.Snapshots); n != mostOfRun {
		t.Errorf("%d snapshots", n)
	}

	for n := 3; n < many; n += 11 {
		slice := fmt.Sprintf("s%d", n)
		if n%2 == 0 {
			delete(w.kept, slice)
		} else {
			w.keep(slice, days(2, n), day...)
		}
		w.publish(slice)
	}
	w.shows("republications")
	s := w.read("--filter", "day >= '2020-02-01'")
	if s.Files != 5 || len(s.PyIceberg) != 100 || len(s.DuckDB) != 100 {
		t.Errorf("%d files are read, %d and %d rows", s.Files, len(s.PyIceberg), len(s.DuckDB))
	}
	if swept, err := w.table.Expire(t.Context(), time.Time{}); err != nil || swept.Files < 20 {
		t.Errorf("%+v, %v", swept, err)
	}
	w.shows("swept")
}

// Columns keep their ids whatever comes and goes; what was of another type is refused by name; older snapshots read as they were.
func TestColumns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, name := hindcast.Column{Name: "id", Type: "INTEGER"}, hindcast.Column{Name: "name", Type: "VARCHAR"}
	cost, large := hindcast.Column{Name: "cost", Type: "DECIMAL(9,2)"}, hindcast.Column{Name: "ID", Type: "BIGINT"}
	w.keep("a", "SELECT 1::INTEGER AS id, 'x' AS name", id, name)
	w.publish("a")
	w.keep("b", "SELECT 1.25::DECIMAL(9,2) AS cost, 2::INTEGER AS id", cost, id)
	w.publish("b")
	w.keep("c", "SELECT 5000000000::BIGINT AS \"ID\"", large)
	w.publish("c")
	s := w.read()
	w.same(s, `SELECT * FROM (VALUES (1, NULL, 'x'), (2, 1.25, NULL), (5000000000, NULL, NULL)) t("ID", cost, name)`)
	w.same(w.read(at(s.Snapshots[0])...), "SELECT 1, 'x'")

	w.keep("a", "SELECT 7::BIGINT AS \"ID\"", large) // nobody has a name any more
	if err := w.table.Reconcile(t.Context(), "r2", w.kept); err != nil {
		t.Fatal(err)
	}
	s = w.read()
	w.same(s, `SELECT * FROM (VALUES (7, NULL), (2, 1.25), (5000000000, NULL)) t("ID", cost)`)
	w.keep("d", "SELECT 8::BIGINT AS \"ID\", 'y' AS name", large, name)
	w.publish("d")
	s = w.read()
	w.same(s, `SELECT * FROM (VALUES (7, NULL, NULL), (2, NULL, 1.25), (5000000000, NULL, NULL), (8, 'y', NULL)) t("ID", name, cost)`)
	w.same(w.read(at(s.Snapshots[0])...), "SELECT 1, 'x'")

	err := w.table.Check(t.Context(), []hindcast.Column{{Name: "Name", Type: "DATE"}})
	if e := hindcast.AsError(err); err == nil || e.Code != hindcast.EType || !strings.Contains(e.Message, "column Name") || !strings.Contains(e.Message, "string") {
		t.Errorf("%v", err)
	}
}

// A table that is made of results that are kept already has the widest type of each column; of types that do not go together none is
// taken, and nothing is written.
func TestATableOfOlderResults(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.keep("a", "SELECT 5000000000::BIGINT AS n", hindcast.Column{Name: "n", Type: "BIGINT"})
	w.keep("b", "SELECT 7::INTEGER AS \"N\"", hindcast.Column{Name: "N", Type: "INTEGER"})
	if err := w.table.Reconcile(t.Context(), "r1", w.kept); err != nil {
		t.Fatal(err)
	}
	s := w.read()
	w.same(s, `SELECT * FROM (VALUES (5000000000), (7)) t("N")`)
	if len(s.Types) != 1 || !strings.HasPrefix(s.Types[0], "N long") {
		t.Errorf("%q", s.Types)
	}

	w = newWorld(t)
	w.keep("old", "SELECT DATE '2020-01-01' AS d", hindcast.Column{Name: "d", Type: "DATE"})
	w.keep("new", "SELECT '2020-01-01' AS d", hindcast.Column{Name: "d", Type: "VARCHAR"})
	err := w.table.Reconcile(t.Context(), "r1", w.kept)
	if e := hindcast.AsError(err); err == nil || e.Code != hindcast.EType || !strings.Contains(e.Message, "VARCHAR in the result of slice new") || !strings.Contains(e.Message, "DATE in that of slice old") {
		t.Errorf("%v", err)
	}
	if version, err := newest(t.Context(), w.store, Folder(root)); err != nil || version != 0 {
		t.Errorf("version %d, %v", version, err)
	}
}

// Bounds of a file that stores a column in another way than the table has it are left out: readers would skip the file.
func TestBoundsOfAnotherType(t *testing.T) {
	eight, four := []byte{0, 0, 0, 0, 0, 0, 0xf0, 0x3f}, []byte{0, 0, 0x80, 0x3f}
	for _, is := range []struct {
		plain    string
		physical chunks.Physical
		bound    []byte
		known    bool
	}{
		{"long", chunks.Double, eight, false}, {"long", chunks.Int64, eight, true}, {"long", chunks.Int32, four, true}, {"double", chunks.Int64, eight, false},
		{"double", chunks.Double, eight, true}, {"double", chunks.Float, four, true}, {"float", chunks.Int32, four, false}, {"float", chunks.Float, four, true},
		{"float", chunks.Double, eight, false},
	} {
		c := &chunks.ColumnStatistics{Physical: is.physical, Bounds: []chunks.Bounds{{Min: is.bound, Max: is.bound}}}
		if least, most := bounds(is.plain, c); (least != nil) != is.known || (most != nil) != is.known {
			t.Errorf("%s of %d: %x, %x", is.plain, is.physical, least, most)
		}
	}
}

// What a catalog elsewhere is to name stands while the table has its snapshot.
func TestStands(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.keep("a", days(1, 1), day...)
	w.publish("a")
	key := versionKey(Folder(root), 1)
	stands := func(want bool) {
		t.Helper()
		if is, err := Stands(t.Context(), w.store, root, key); err != nil || is != want {
			t.Errorf("%t, %v, want %t", is, err, want)
		}
	}
	stands(true)
	w.keep("a", days(1, 2), day...)
	w.publish("a")
	stands(true)
	w.now = w.now.Add(time.Hour)
	if s, err := w.table.Expire(t.Context(), w.now); err != nil || s.Snapshots != 1 {
		t.Fatalf("%+v, %v", s, err)
	}
	stands(false)
	key = versionKey(Folder(root), 99)
	stands(false)
}

// A result without rows makes a table without rows, and takes those away that its slice had.
func TestNoRows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	none := "SELECT * FROM (" + days(1, 1) + ") WHERE false"
	w.keep("a", none, day...)
	w.publish("a")
	w.same(w.read(), none)
	w.keep("a", days(1, 1), day...)
	w.publish("a")
	w.keep("a", none, day...)
	w.publish("a")
	w.shows("no rows")
	s := w.read()
	w.same(s, none)
	if got := fmt.Sprint(s.Summaries[0]["operation"], s.Summaries[1]["operation"], s.Summaries[2]["operation"]); got != "appendappenddelete" {
		t.Errorf("operations %s", got)
	}
}

// What a table elsewhere names stays whole, however old it is.
func TestPinned(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.keep("a", days(1, 1), day...)
	w.publish("a")
	pinned := versionKey(Folder(root), 1)
	w.table.Pinned = func(context.Context) ([]string, error) {
		return []string{pinned, "p/results/other/metadata/v1.metadata.json", Folder(root) + "v99.metadata.json"}, nil
	}
	for n := range mostMetadata + 2 {
		w.keep("a", days(1, n), day...)
		w.publish("a")
	}
	w.now = w.now.Add(time.Hour)
	s, err := w.table.Expire(t.Context(), w.now)
	if err != nil || s.Snapshots == 0 || !s.Named[root+"a/g1-r1-f1-a1/"] || s.Named[root+"a/g2-r1-f1-a1/"] {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := objstore.Stat(t.Context(), w.store, versionKey(Folder(root), 2)); !errors.Is(err, objstore.ErrNotExist) {
		t.Errorf("an old version is there: %v", err)
	}
	is := pythontest.Iceberg(t, nil, objstore.Location(w.store, strings.TrimSuffix(root, "/")), objstore.Location(w.store, pinned))
	if len(is.PyIceberg) != 20 || len(is.Snapshots) != 1 {
		t.Errorf("%d rows, %d snapshots", len(is.PyIceberg), len(is.Snapshots))
	}
}

// failing fails the writes from one on, as a process that was killed writes nothing more.
type failing struct {
	objstore.Store
	writes int
}

var errKilled = errors.New("killed")

func (f *failing) Put(ctx context.Context, key string, body []byte, cond objstore.Condition) (objstore.Info, error) {
	if f.writes--; f.writes < 0 {
		return objstore.Info{}, errKilled
	}
	return f.Store.Put(ctx, key, body, cond)
}

// Wherever a process dies, the table is what it was or what it should become; the next process makes up for the rest.
func TestKilled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.keep("a", days(1, 1), day...)
	w.publish("a")
	before := maps.Clone(w.kept)
	for n := range 5 {
		w.keep("a", days(1, n+2), day...)
		w.keep(fmt.Sprintf("b%d", n), days(2, n+2), day...)
		after := w.kept
		killed := w.open(1)
		killed.Store = &failing{w.store, n}
		err := killed.Reconcile(t.Context(), "r1", after)
		if committed := n >= 3; committed != (err == nil) || err != nil && !errors.Is(err, errKilled) {
			t.Errorf("killed at write %d: %v", n, err)
		}
		if err != nil {
			w.kept = before
		}
		w.shows(fmt.Sprintf("killed at write %d", n))

		w.kept = after
		if err := w.open(1).Reconcile(t.Context(), "r2", after); err != nil {
			t.Fatal(err)
		}
		w.shows(fmt.Sprintf("after write %d", n))
		before = maps.Clone(after)
	}
	w.same(w.read(), days(1, 6)+" UNION ALL "+strings.Join([]string{days(2, 2), days(2, 3), days(2, 4), days(2, 5), days(2, 6)}, " UNION ALL "))
}

// Of two writers at once each commit wins once: nothing is lost.
func TestTwoWriters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const each = 12
	for n := range 2 * each {
		w.keep(fmt.Sprintf("s%d", n), days(1, n), day...)
	}
	var writers sync.WaitGroup
	for half := range 2 {
		table := w.open(1)
		writers.Go(func() {
			for n := range each {
				slice := fmt.Sprintf("s%d", half*each+n)
				if err := table.Publish(t.Context(), "r1", Results{slice: w.kept[slice]}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	w.shows("two writers")
}

// lost loses the answer to each write of metadata.
type lost struct{ objstore.Store }

func (l lost) Put(ctx context.Context, key string, body []byte, cond objstore.Condition) (objstore.Info, error) {
	info, err := l.Store.Put(ctx, key, body, cond)
	if err == nil && strings.HasSuffix(key, versionSuffix) {
		return l.Store.Put(ctx, key, body, cond) // as it is when the store, or what is before it, tries again
	}
	return info, err
}

// A commit whose answer was lost is made once.
func TestALostAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.table.Store = lost{w.store}
	for n := range 3 {
		w.keep("a", days(1, n), day...)
		w.publish("a")
	}
	w.shows("lost answers")
	if n := len(w.table.at.metadata.Snapshots); n != 3 {
		t.Errorf("%d snapshots", n)
	}
}

// A process that was taken over changes nothing once its successor has.
func TestTakenOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.keep("a", days(1, 1), day...)
	w.publish("a")
	former := w.table
	w.table = w.open(2)
	w.keep("a", days(1, 2), day...)
	w.publish("a")
	err := former.Publish(t.Context(), "r1", Results{"b": w.kept["a"]})
	if err == nil || hindcast.AsError(err).Code != hindcast.EFenced {
		t.Errorf("%v", err)
	}
	w.shows("taken over")
}

// A process that was taken over deletes nothing that its successor has written, committed or not.
func TestATakenOverProcessDeletesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.keep("a", days(1, 1), day...)
	w.publish("a")
	former := w.table
	w.table = w.open(2)
	for n := range 3 {
		w.keep("b", days(1, n), day...)
		w.publish("b")
	}
	if s, err := former.Expire(t.Context(), time.Time{}); err == nil || hindcast.AsError(err).Code != hindcast.EFenced || s.Files > 0 || s.Named != nil {
		t.Errorf("%+v, %v", s, err)
	}
	w.shows("after the former process swept")

	w = newWorld(t)
	w.keep("a", days(1, 1), day...)
	w.publish("a")
	after := w.open(2)
	after.Store = &failing{w.store, 2} // it has written a manifest and a list, and not committed yet
	w.keep("a", days(1, 2), day...)
	if err := after.Publish(t.Context(), "r2", w.kept); !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	if s, err := w.table.Expire(t.Context(), time.Time{}); err != nil || s.Files > 0 {
		t.Errorf("%+v, %v", s, err)
	}
	w.table.May = func(context.Context) error { return errKilled }
	if s, err := w.table.Expire(t.Context(), time.Time{}); !errors.Is(err, errKilled) || s.Files > 0 {
		t.Errorf("%+v, %v", s, err)
	}
}

// A process that was taken over cannot commit a version that its successor has deleted long since.
func TestAVersionBelowTheNewest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.keep("a", days(1, 1), day...)
	w.publish("a")
	former := w.table
	w.table = w.open(2)
	for n := range mostMetadata + 5 {
		w.keep("a", days(1, n), day...)
		w.publish("a")
	}
	if s, err := w.table.Expire(t.Context(), time.Time{}); err != nil || s.Files == 0 {
		t.Fatalf("%+v, %v", s, err)
	}
	hint := w.hint()
	err := former.Publish(t.Context(), "r1", Results{"b": w.kept["a"]})
	if err == nil || hindcast.AsError(err).Code != hindcast.EFenced {
		t.Errorf("%v", err)
	}
	if is := w.hint(); is != hint {
		t.Errorf("the hint names %s, and named %s", is, hint)
	}
	w.shows("after the former process committed")
}

// A hint that was not written, or that is of an older version, is mended by the next run, though that has nothing to publish.
func TestAHintThatStaysBehind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.keep("a", days(1, 1), day...)
	w.publish("a")
	w.keep("a", days(1, 2), day...)
	w.table.Store = &failing{w.store, 3}
	w.publish("a")
	if is := w.hint(); is != "1" {
		t.Fatalf("the hint names %s", is)
	}
	if err := w.open(1).Reconcile(t.Context(), "r2", w.kept); err != nil {
		t.Fatal(err)
	}
	if is := w.hint(); is != "2" {
		t.Errorf("the hint names %s", is)
	}
}

// hint is which version the hint names.
func (w *world) hint() string {
	w.Helper()
	body, _, err := w.store.Get(w.Context(), Folder(root)+hintName)
	if err != nil {
		w.Fatal(err)
	}
	return string(body)
}

// A snapshot that was current until a moment ago is not old, whenever it was made.
func TestAgeCountsFromTheSuccessor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.keep("a", days(1, 1), day...)
	w.publish("a")
	w.now = w.now.Add(7 * 24 * time.Hour)
	w.keep("a", days(1, 2), day...)
	w.publish("a")
	if s, err := w.table.Expire(t.Context(), w.now.Add(-5*24*time.Hour)); err != nil || s.Snapshots != 0 {
		t.Errorf("%+v, %v", s, err)
	}
	w.now = w.now.Add(6 * 24 * time.Hour)
	if s, err := w.table.Expire(t.Context(), w.now.Add(-5*24*time.Hour)); err != nil || s.Snapshots != 1 {
		t.Errorf("%+v, %v", s, err)
	}
}

// Metadata that was pinned when its list was gone already does not keep the rest from being swept.
func TestPinnedWithoutItsList(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.keep("a", days(1, 1), day...)
	w.publish("a")
	w.keep("a", days(1, 2), day...)
	w.publish("a")
	w.now = w.now.Add(time.Hour)
	if s, err := w.table.Expire(t.Context(), w.now); err != nil || s.Snapshots != 1 {
		t.Fatalf("%+v, %v", s, err)
	}
	w.table.Pinned = func(context.Context) ([]string, error) { return []string{versionKey(Folder(root), 1)}, nil }
	w.keep("a", days(1, 3), day...)
	w.publish("a")
	w.now = w.now.Add(time.Hour)
	if s, err := w.table.Expire(t.Context(), w.now); err != nil || s.Snapshots != 1 || s.Files == 0 {
		t.Errorf("%+v, %v", s, err)
	}
	w.shows("swept")
}

// A file that has other rows than its manifest says is damage.
func TestOtherRows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.keep("a", days(1, 1), day...)
	w.kept["a"].Files[0].Rows++
	err := w.table.Publish(t.Context(), "r1", w.kept)
	if e := hindcast.AsError(err); err == nil || e.Code != hindcast.EParquet || !strings.Contains(e.Message, "its footer says 20 rows") {
		t.Errorf("%v", err)
	}
}

// A lake that was moved begins without the snapshots that name where it was.
func TestMoved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.keep("a", days(1, 1), day...)
	w.publish("a")
	other := newWorld(t)
	infos, err := w.store.List(t.Context(), "p/")
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range infos {
		body, _, err := w.store.Get(t.Context(), info.Key)
		if err == nil {
			_, err = other.store.Put(t.Context(), info.Key, body, objstore.Condition{})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	other.kept = w.kept
	if err := other.table.Reconcile(t.Context(), "r2", other.kept); err != nil {
		t.Fatal(err)
	}
	other.shows("moved")
	s := other.read()
	other.same(s, days(1, 1))
	if len(s.Snapshots) != 1 {
		t.Errorf("%d snapshots", len(s.Snapshots))
	}
}

// Damaged metadata is an error that names the file, whatever the damage is, and never a table without files.
func TestDamage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.keep("a", days(1, 1), day...)
	w.publish("a")
	infos, err := w.store.List(t.Context(), Folder(root))
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test that can be repeated
	for _, info := range infos {
		if strings.HasSuffix(info.Key, hintName) {
			continue
		}
		body, _, err := w.store.Get(t.Context(), info.Key)
		if err != nil {
			t.Fatal(err)
		}
		for range 40 {
			if _, err := w.store.Put(t.Context(), info.Key, body[:random.IntN(len(body))], objstore.Condition{}); err != nil {
				t.Fatal(err)
			}
			err := w.open(1).load(t.Context())
			if e := hindcast.AsError(err); err == nil || e.Code != hindcast.ECatalog || !strings.Contains(e.Message, objstore.Location(w.store, info.Key)) {
				t.Errorf("%s cut: %v", info.Key, err)
			}
		}
		if _, err := w.store.Put(t.Context(), info.Key, body, objstore.Condition{}); err != nil {
			t.Fatal(err)
		}
	}
	w.shows("mended")
}

// BenchmarkPublish publishes slices of a history of which a thousand are there, in a folder.
func BenchmarkPublish(b *testing.B) {
	w := newWorld(b)
	w.keep("s0", days(1, 1), day...)
	body, _, err := w.store.Get(b.Context(), w.kept["s0"].Files[0].Path)
	if err != nil {
		b.Fatal(err)
	}
	kept := func(n int) *hindcast.Manifest {
		m := *w.kept["s0"]
		f := m.Files[0]
		m.Key = fmt.Sprintf("s%d", n%1000)
		f.Path = fmt.Sprintf("%ss%d/g%d-r1-f1-a1/data_0.parquet", root, n%1000, n/1000+1)
		if _, err := w.store.Put(b.Context(), f.Path, body, objstore.Condition{}); err != nil {
			b.Fatal(err)
		}
		m.Files = []hindcast.File{f}
		return &m
	}
	all := Results{}
	for n := range 1000 {
		m := kept(n)
		all[m.Key] = m
	}
	if err := w.table.Reconcile(b.Context(), "r1", all); err != nil {
		b.Fatal(err)
	}

	n := 1000
	for b.Loop() {
		b.StopTimer()
		m := kept(n)
		n++
		b.StartTimer()
		if err := w.table.Publish(b.Context(), "r1", Results{m.Key: m}); err != nil {
			b.Fatal(err)
		}
	}
}
