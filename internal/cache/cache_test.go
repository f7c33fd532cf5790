package cache

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/objstore"
)

// real is a query of a file of some megabytes: ten columns in eight row groups, as an unload makes them.
const real = `SELECT i AS id, DATE '2020-01-01' + CAST(i % 31 AS INTEGER) AS day, 'region ' || i % 20 AS region, md5(CAST(i AS VARCHAR)) AS receipt,
	CAST(hash(i) % 100000 AS DECIMAL(18,6)) AS cost, i % 1000 AS account, CAST(hash(i, 1) % 1000000 AS DOUBLE) AS quantity,
	TIMESTAMP '2020-01-01' + i * INTERVAL 1 SECOND AS at, {'a': i, 'b': 'tag ' || i % 5000} AS tags, i % 2 = 0 AS taxed FROM range(100000) r(i)`

const realOptions = ", ROW_GROUP_SIZE 12288"

// chunksOf is the size of the columns' chunks, as DuckDB sees them, and of the footer.
func (d *database) chunksOf(body string, columns ...string) int64 {
	d.t.Helper()
	var n int64
	text := d.ask("SELECT sum(total_compressed_size) FROM parquet_metadata(" + duck.String(d.save(body)) +
		") WHERE list_contains(" + duck.Strings(columns) + ", split_part(path_in_schema, ',', 1))")
	if _, err := fmt.Sscanf(text, "(%d)", &n); err != nil {
		if _, err := fmt.Sscanf(text, "{'sum(total_compressed_size)': %d}", &n); err != nil {
			d.t.Fatalf("%q: %v", text, err)
		}
	}

	return n
}

func TestOnlyWhatIsWantedIsFetched(t *testing.T) {
	db, from := newDatabase(t), newStore()
	body := db.parquet(real, realOptions)
	f := from.put("facts/g1/part-0.parquet", body)
	c := open(t, t.TempDir(), 1<<30)
	c.small = small
	whole := db.save(body)
	const query = "SELECT region, sum(cost), count(*) FROM FILES WHERE day >= DATE '2020-01-09' GROUP BY region"

	paths, release := local(t, c, from, []string{"region", "COST", "day", "no such column"}, f)
	if got, want := db.ask(query, paths...), db.ask(query, whole); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}

	bytes, gets := from.tally()
	if used := db.chunksOf(body, "region", "cost", "day"); float64(bytes) > 1.05*float64(used) {
		t.Errorf("%d bytes were fetched for columns of %d", bytes, used)
	}

	t.Logf("%d of %d bytes in %d requests", bytes, len(body), gets)
	if disk, _ := onDisk(c); disk > bytes+int64(gets*8192) {
		t.Errorf("%d bytes take %d on disk", bytes, disk)
	}

	release()

	again, release := local(t, c, from, []string{"day", "region"}, f)
	if bytes, gets = from.tally(); gets != 0 || again[0] != paths[0] {
		t.Errorf("%d bytes were fetched again; %v, %v", bytes, paths, again)
	}

	release()

	paths, release = local(t, c, from, []string{"day", "tags"}, f)
	if bytes, _ = from.tally(); float64(bytes) > 1.05*float64(db.chunksOf(body, "tags")) {
		t.Errorf("%d bytes were fetched for one more column of %d", bytes, db.chunksOf(body, "tags"))
	}

	const other = "SELECT max(tags.b), count(DISTINCT tags.a), sum(cost) FROM FILES"
	if got, want := db.ask(other, paths...), db.ask(other, whole); got != want {
		t.Errorf("got %s, want %s", got, want)
	}

	release()

	paths, release = local(t, c, from, nil, f)
	defer release()
	if got, err := os.ReadFile(paths[0]); err != nil || string(got) != body {
		t.Errorf("the whole file differs (%v)", err)
	}
	if len(from.twice) > 0 {
		t.Errorf("fetched again: %q", from.twice)
	}
}

// DuckDB remembers what it read of a path, by a time in whole seconds: a former hole must not be served from that.
func TestACopyThatGrewIsReadAgain(t *testing.T) {
	db, from := newDatabase(t), newStore()
	f := from.put("a/part-0.parquet", db.parquet(real, realOptions))
	c := open(t, t.TempDir(), 1<<30)
	for _, prefetch := range []string{"false", "true"} {
		if _, err := db.run("SET prefetch_all_parquet_files=" + prefetch); err != nil {
			t.Fatal(err)
		}

		for _, column := range []string{"id", "cost", "receipt", "tags", "quantity"} {
			paths, release := local(t, c, from, []string{column}, f)
			if got := db.ask("SELECT count(DISTINCT "+column+") > 10 FROM FILES", paths...); !strings.Contains(got, "true") {
				t.Errorf("%s: %s", column, got)
			}
			for _, next := range []string{"account", "region", "day", "taxed"} {
				_, _ = db.run("SELECT max(" + next + ") FROM read_parquet(" + duck.String(paths[0]) + ")") // reads holes, and fails or not
			}
			release()
		}

		paths, release := local(t, c, from, []string{"account", "region", "day", "taxed"}, f)
		if got := db.ask("SELECT max(account), max(region), max(day), count(taxed) FROM FILES WHERE account > 0", paths...); !strings.Contains(got, "999") || !strings.Contains(got, "region 9") {
			t.Errorf("got %s", got)
		}

		release()
		c = open(t, t.TempDir(), 1<<30)
	}
}

// Reading through the cache equals reading the store: any files, any columns, in any order.
func TestReadingThroughTheCache(t *testing.T) {
	db := newDatabase(t)
	holds(t, 12, func(random *rand.Rand) error {
		from, dir := newStore(), t.TempDir()
		c := open(t, dir, []int64{0, 40 << 10, 1 << 30}[random.IntN(3)])
		query, columns := table(random)
		var files []hindcast.File
		var wholes []string
		for n := range 1 + random.IntN(3) {
			body := db.parquet(query+fmt.Sprint(" WHERE i % 3 <> ", n), options(random))
			files = append(files, from.put(fmt.Sprintf("p/part-%d.parquet", n), body))
			wholes = append(wholes, db.save(body))
		}

		for range 6 {
			var some []string
			for _, column := range columns {
				if random.IntN(3) == 0 {
					some = append(some, column)
				}
			}

			asked := some
			if random.IntN(5) == 0 {
				asked = nil
			} else if asked == nil {
				asked = []string{}
			}

			if random.IntN(4) == 0 {
				c = open(t, dir, c.limit) // another process
			}

			paths, release, err := c.Local(t.Context(), from, files, asked)
			if err != nil {
				return err
			}

			q := "SELECT " + quoted(some) + " FROM FILES"
			if len(some) > 0 && random.IntN(2) == 0 {
				q += " WHERE " + conditions(random, some[0])
			}
			if got, want := db.ask(q, paths...), db.ask(q, wholes...); got != want {
				return fmt.Errorf("%s: got\n%.300s\nwant\n%.300s", q, got, want)
			}

			release()
		}

		if len(from.twice) > 0 && c.limit == 1<<30 {
			return fmt.Errorf("fetched again: %q", from.twice)
		}

		return nil
	})
}

func TestManyAtOnceShareAFetch(t *testing.T) {
	db, from := newDatabase(t), newStore()
	f := from.put("d/part-0.parquet", db.parquet(real, realOptions))
	c := open(t, t.TempDir(), 1<<30)
	var group sync.WaitGroup
	columns := []string{"cost", "day", "id", "region"}
	for n := range 20 {
		group.Go(func() {
			paths, release, err := c.Local(t.Context(), from, []hindcast.File{f}, columns[:1+n%4])
			if err != nil {
				t.Error(err)
				return
			}

			defer release()
			if got := db.ask("SELECT count(DISTINCT cost) > 10 FROM FILES", paths...); !strings.Contains(got, "true") {
				t.Error(got)
			}
		})
	}

	group.Wait()
	if len(from.twice) > 0 {
		t.Errorf("fetched again: %q", from.twice)
	}
}

func TestWhatTheStoreHasIsChecked(t *testing.T) {
	db, from := newDatabase(t), newStore()
	body := db.parquet(real, realOptions)
	good := from.put("a/good.parquet", body)
	noFile := from.put("a/text.parquet", strings.Repeat("text ", 100))
	noFooter := from.put("a/torn.parquet", body[:len(body)-100]+strings.Repeat("x", 92)+body[len(body)-8:])
	other := from.put("a/other.parquet", body[:1000]+"x"+body[1001:])
	other.SHA256, other.CRC32C = good.SHA256, good.CRC32C
	noFile.SHA256, noFooter.SHA256 = "", "" // the checksums are unknown
	earlier := other
	earlier.CRC32C = "" // as earlier versions wrote manifests
	shorter := good
	shorter.Bytes--
	c := open(t, t.TempDir(), 1<<30)
	_, release := local(t, c, from, []string{"cost"}, other) // whose bytes are correct
	release()

	for _, want := range []struct {
		file    hindcast.File
		columns []string
		text    string
	}{
		{hindcast.File{Path: "a/none.parquet"}, nil, "s3://bucket/lake/a/none.parquet is not there"},
		{shorter, nil, "bytes and its manifest says"},
		{noFile, []string{"id"}, "is not a Parquet file that can be read"},
		{noFooter, []string{"id"}, "is not a Parquet file that can be read"},
		{other, []string{"id"}, `the checksum of its column "id" differs`},
		{other, nil, `the checksum of its column "id" differs`},
		{earlier, []string{"cost"}, "SHA-256"},
	} {
		for range 2 { // nothing of it is trusted the second time either
			_, _, err := c.Local(t.Context(), from, []hindcast.File{good, want.file}, want.columns)
			wantError(t, err, hindcast.EParquet, hindcast.ClassPermanent, want.text)
		}
	}

	from.tally()
	_, release = local(t, c, from, []string{"cost"}, good, other)
	release()

	if bytes, _ := from.tally(); bytes == 0 || bytes > good.Bytes/2 {
		t.Errorf("%d bytes fetched: want one column of what was wrong, and nothing of what was right", bytes)
	}
}

// A bit flipped in one answer, or on this machine's disk, is fetched again and never read.
func TestAFlippedBitIsFetchedAgain(t *testing.T) {
	db, from := newDatabase(t), newStore()
	body := db.parquet(real, realOptions)
	f, columns := from.put("d/part-0.parquet", body), []string{"cost", "day"}
	query := "SELECT sum(cost), max(day) FROM FILES"
	want := db.ask(query, db.save(body))
	holds(t, 30, func(random *rand.Rand) error {
		c := open(t, t.TempDir(), 1<<30)
		flips, at := 1, random.IntN(3)
		from.answered = func(p []byte) {
			if at--; at < 0 && flips > 0 {
				p[random.IntN(len(p))] ^= 1 << random.IntN(8)
				flips--
			}
		}

		defer func() { from.answered = nil }()
		for range 3 {
			paths, release := local(t, c, from, columns, f)
			got := db.ask(query, paths...)
			release()

			if got != want {
				return fmt.Errorf("got %s, want %s", got, want)
			}

			flip(t, random, filepath.Join(c.look()[0].dir, "data"))
		}

		return nil
	})
}

// flip changes one bit of a file.
func flip(t *testing.T, random *rand.Rand, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()

	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}

	at, b := random.Int64N(info.Size()), make([]byte, 1)
	if _, err := f.ReadAt(b, at); err != nil {
		t.Fatal(err)
	}

	b[0] ^= 1 << random.IntN(8)
	if _, err := f.WriteAt(b, at); err != nil {
		t.Fatal(err)
	}
}

// A replaced object is a new one; a replacement during the fetch is an error, and never a mixture.
func TestAnObjectThatIsReplaced(t *testing.T) {
	db, from := newDatabase(t), newStore()
	one, two := db.parquet("SELECT 1 AS v, i FROM range(50000) r(i)", ""), db.parquet("SELECT 2 AS v, i FROM range(50000) r(i)", "")
	from.put("a.parquet", one)
	c := open(t, t.TempDir(), 1<<30)
	f := hindcast.File{Path: "a.parquet"}
	ask := func(columns ...string) string {
		paths, release := local(t, c, from, columns, f)
		defer release()
		return db.ask("SELECT min(v), max(v), sum(v) FROM FILES WHERE v + 0 > 0", paths...)
	}
	first := ask("v")
	held, release := local(t, c, from, []string{"v"}, f)
	defer release()

	from.before = func(context.Context, string, span, []byte) error {
		from.before = nil
		from.put("a.parquet", two)
		return nil
	}

	_, _, err := c.Local(t.Context(), from, []hindcast.File{f}, []string{"v", "i"})
	wantError(t, err, hindcast.EParquet, hindcast.ClassTransient, "was replaced while it was read")
	second := ask("v", "i")
	if !strings.Contains(first, "50000") || !strings.Contains(second, "100000") {
		t.Errorf("got %s, then %s", first, second)
	}
	if got := db.ask("SELECT sum(v) FROM FILES WHERE v + 0 > 0", held...); !strings.Contains(got, "50000") {
		t.Errorf("what is in use became %s", got)
	}
}

// What arrived before a fetch broke off is not fetched again; the broken piece is not trusted.
func TestAFetchThatBreaksOffGoesOn(t *testing.T) {
	db, from := newDatabase(t), newStore()
	body := db.parquet(real, realOptions)
	f := from.put("a.parquet", body)
	c := open(t, t.TempDir(), 1<<30)
	c.slots = make(chan struct{}, 1)
	cut := &hindcast.Error{Code: hindcast.ELake, Class: hindcast.ClassTransient, Message: "the body was cut off", Next: "try again"}
	random := rand.New(rand.NewPCG(1, 1))
	for tries := 1; ; tries++ {
		gets := 0
		from.before = func(_ context.Context, _ string, _ span, p []byte) error {
			if gets++; gets > 2 {
				for i := range p[:random.IntN(len(p))] {
					p[i] = 'x'
				}
				return cut
			}
			return nil
		}

		paths, release, err := c.Local(t.Context(), from, []hindcast.File{f}, []string{"cost", "day", "id"})
		if err != nil && !errors.Is(err, cut) {
			t.Fatal(err)
		}

		if err != nil {
			if tries > 100 {
				t.Fatal("it does not come further")
			}
			continue
		}

		const query = "SELECT sum(cost), max(day), sum(id) FROM FILES WHERE id > 5"
		if got, want := db.ask(query, paths...), db.ask(query, db.save(body)); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if tries < 3 {
			t.Errorf("it was not cut: %d tries", tries)
		}

		release()
		break
	}

	if len(from.twice) > 0 {
		t.Errorf("fetched again: %q", from.twice)
	}
}

// Corrupt records and missing bytes cost a fetch and nothing else.
func TestDamageIsFetchedAgain(t *testing.T) {
	db, from := newDatabase(t), newStore()
	body := db.parquet(real, realOptions)
	f := from.put("x/a.parquet", body)
	whole := db.save(body)

	edit := func(name string, change func(text string) string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			path := filepath.Join(dir, name)
			text, err := os.ReadFile(path)
			if err == nil {
				err = os.WriteFile(path, []byte(change(string(text))), 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}

	remove := func(pattern string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			paths, err := filepath.Glob(filepath.Join(dir, pattern))
			if err != nil || len(paths) == 0 {
				t.Fatalf("%s: %v", pattern, err)
			}

			for _, p := range paths {
				if err := os.RemoveAll(p); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	for name, damage := range map[string]func(t *testing.T, dir string){
		"a torn record":           edit("record", func(s string) string { return s[:len(s)/2] }),
		"a record of more":        edit("record", func(s string) string { return s[:strings.Index(s, "[[")] + fmt.Sprintf("[[0,%d]]}", f.Bytes) }),
		"another version":         edit("record", func(s string) string { return strings.Replace(s, recordVersion, "hindcast-cache-2", 1) }),
		"another object's record": edit("record", func(string) string { return recordVersion + " " + digest("{}") + "\n{}" }),
		"no record":               remove("record"),
		"no data":                 remove("data"),
		"data cut off":            edit("data", func(s string) string { return s[:len(s)/2] }),
		"no footer":               edit("data", func(s string) string { return s[:len(s)-500] + strings.Repeat("\x00", 500) }),
		"no view":                 remove("????????"),
		"only a lock":             remove("[!l]*"),
		"no lock":                 remove("lock"),
		"nothing":                 remove(""),
	} {
		t.Run(name, func(t *testing.T) {
			c := open(t, t.TempDir(), 1<<30)
			_, release := local(t, c, from, []string{"cost", "id"}, f)
			release()
			entries := c.look()
			if len(entries) != 1 {
				t.Fatalf("%d entries", len(entries))
			}

			damage(t, entries[0].dir)
			for _, columns := range [][]string{{"cost", "id"}, {"cost", "id", "day"}, {"id", "cost"}} {
				paths, release := local(t, c, from, columns, f)
				query := "SELECT " + quoted(columns) + " FROM FILES WHERE id % 100 = 5"
				if got, want := db.ask(query, paths...), db.ask(query, whole); got != want {
					t.Errorf("%s: got\n%.200s\nwant\n%.200s", query, got, want)
				}
				release()
			}
		})
	}
}

// Names that are special to an engine stay so, and others do not become special.
func TestPathsAsEnginesSeeThem(t *testing.T) {
	db, from := newDatabase(t), newStore()
	body := db.parquet("SELECT i FROM range(10) r(i)", "")
	c := open(t, t.TempDir(), 1<<30)
	var files []hindcast.File
	for _, key := range []string{"f/region=eu/year=2020/part [1]*.parquet", "f/region=us/year=2021/ä 'b' {c}?.parquet", "f/region=a%20b/year=2022/.hidden",
		"f/region=x*/year=2023/" + strings.Repeat("n", 300)} {
		files = append(files, from.put(key, body))
	}

	paths, release := local(t, c, from, []string{"i"}, files...)
	defer release()
	got := db.ask("SELECT region, year, count(*) FROM FILES GROUP BY ALL", paths...)
	for _, want := range []string{"eu", "us", "a b", "x*", "2020", "2021", "2022", "2023"} {
		if !strings.Contains(got, want) {
			t.Errorf("got %s, without %s", got, want)
		}
	}

	for i, want := range []string{"part %5B1%5D%2A.parquet", "ä %27b%27 %7Bc%7D%3F.parquet", "data.parquet", "data.parquet"} {
		if filepath.Base(paths[i]) != want {
			t.Errorf("got %s, want %s", paths[i], want)
		}
	}
}

func TestOpenRefusesWhatIsNoCache(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "files"), 0o755); err != nil {
		t.Fatal(err)
	}

	_, err := Open(dir, 1)
	wantError(t, err, hindcast.EValue, hindcast.ClassPermanent, "holds something else (files)")
	_, err = Open(filepath.Join(t.TempDir(), "year=2020"), 1)
	wantError(t, err, hindcast.EValue, hindcast.ClassPermanent, "special to engines")
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}

	_, err = Open(file, 1)
	wantError(t, err, hindcast.ELake, hindcast.ClassPermanent, "not a directory")
	dir = filepath.Join(t.TempDir(), "new", "folder")
	var group sync.WaitGroup
	for range 10 {
		group.Go(func() {
			if _, err := Open(dir, 1); err != nil {
				t.Error(err)
			}
		})
	}

	group.Wait()
	text, err := os.ReadFile(filepath.Join(dir, "CACHEDIR.TAG"))
	if err != nil || !strings.HasPrefix(string(text), "Signature: 8a477f597d28d172789f06886806bc55") {
		t.Errorf("%q, %v", text, err)
	}
}

func TestAStoreWithoutETagsIsRefused(t *testing.T) {
	from := newStore()
	f := from.put("a", "text")
	_, _, err := open(t, t.TempDir(), 1).Local(t.Context(), untagged{from}, []hindcast.File{f}, nil)
	wantError(t, err, hindcast.ELake, hindcast.ClassPermanent, "no ETag")
}

type untagged struct{ *store }

func (u untagged) Stat(ctx context.Context, key string) (objstore.Info, error) {
	info, err := u.store.Stat(ctx, key)
	info.ETag = ""
	return info, err
}

// A process that is suspended while it fetches or evicts does not block others for good; and the end of ctx ends the
// wait.
func TestNobodyWaitsForEver(t *testing.T) {
	db, from := newDatabase(t), newStore()
	f := from.put("a.parquet", db.parquet(real, realOptions))
	dir := t.TempDir()
	c := open(t, dir, 1<<30)
	_, release := local(t, c, from, []string{"id"}, f)
	release()
	data, err := os.OpenFile(filepath.Join(c.look()[0].dir, "data"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = data.Close() }()

	evictor, err := os.Open(filepath.Join(dir, "lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = evictor.Close() }()

	for _, held := range []*os.File{data, evictor} {
		if err := flock(held, 6); err != nil { // LOCK_EX|LOCK_NB
			t.Fatal(err)
		}
	}

	ctx, cancel := context.WithCancel(t.Context())
	asked := make(chan struct{})
	go func() { <-asked; cancel() }()
	from.before = func(context.Context, string, span, []byte) error { t.Error("it fetches"); return nil }
	close(asked)

	if _, _, err := c.Local(ctx, from, []hindcast.File{f}, []string{"cost"}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}

	from.before = nil
	c.patience = time.Millisecond
	c.limit = 1 // so that it evicts
	paths, release := local(t, c, from, []string{"cost"}, f)
	defer release()

	if got := db.ask("SELECT count(DISTINCT cost) > 10 FROM FILES", paths...); !strings.Contains(got, "true") {
		t.Error(got)
	}
}

func TestSmallFilesAreFetchedInOneRequest(t *testing.T) {
	db, from := newDatabase(t), newStore()
	f := from.put("dim.parquet", db.parquet("SELECT i, 'n' || i AS name FROM range(100) r(i)", ""))
	c := open(t, t.TempDir(), 1<<30)
	c.small = small
	_, release := local(t, c, from, []string{"i"}, f)
	release()

	if bytes, gets := from.tally(); gets != 1 || bytes != f.Bytes {
		t.Errorf("%d bytes in %d requests", bytes, gets)
	}
	if !slices.Equal(c.look()[:1], c.look()) {
		t.Error("more than one entry")
	}
}
