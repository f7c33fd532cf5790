package diff

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/view"
)

func connect(t *testing.T) *sql.Conn {
	t.Helper()
	db, err := duck.Open(t.Context(), duck.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// side writes a query's rows to a file.
func side(t *testing.T, conn *sql.Conn, query string) Side {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rows.parquet")
	if _, err := conn.ExecContext(t.Context(), duck.CopyStatement(query, path)); err != nil {
		t.Fatal(err)
	}
	return Side{Files: []string{path}}
}

func text(s *string) string {
	if s == nil {
		return "NULL"
	}
	return *s
}

// told is a difference in words.
func told(s view.DiffSlice) string {
	out := fmt.Sprintf("%d -> %d: +%d -%d ~%d", s.Before, s.After, s.Added, s.Removed, s.Changed)
	for _, total := range s.Totals {
		out += fmt.Sprintf(" %s %s -> %s", total.Column, text(total.Before), text(total.After))
	}
	if !s.ByKey {
		out += " whole"
	}
	return out
}

func TestCompare(t *testing.T) {
	conn := connect(t)
	const none = "SELECT 1::BIGINT AS id, 1::DECIMAL(18,2) AS x, '' AS s WHERE false"
	rows := func(values string) string {
		return "SELECT id::BIGINT AS id, x::DECIMAL(18,2) AS x, s FROM (VALUES " + values + ") AS v(id, x, s)"
	}
	for name, c := range map[string]struct {
		before, after string
		key           []string
		want          string
	}{
		"same":                {rows("(1, 1, 'a'), (2, NULL, NULL)"), rows("(2, NULL, NULL), (1, 1, 'a')"), []string{"ID"}, "2 -> 2: +0 -0 ~0 x 1.00 -> 1.00"},
		"all kinds":           {rows("(1, 1, 'a'), (2, 2, 'b'), (3, 3, 'c')"), rows("(1, 1, 'a'), (2, 5, 'b'), (4, 4, 'd')"), []string{"id"}, "3 -> 3: +1 -1 ~1 x 6.00 -> 10.00"},
		"NULL is a value":     {rows("(1, NULL, 'a'), (NULL, 2, 'b')"), rows("(1, 0, 'a'), (NULL, 2, NULL)"), []string{"id"}, "2 -> 2: +0 -0 ~2 x 2.00 -> 2.00"},
		"from nothing":        {none, rows("(1, 1, 'a')"), []string{"id"}, "0 -> 1: +1 -0 ~0 x NULL -> 1.00"},
		"to nothing":          {rows("(1, 1, 'a')"), none, []string{"id"}, "1 -> 0: +0 -1 ~0 x 1.00 -> NULL"},
		"a key twice":         {rows("(1, 1, 'a'), (1, 1, 'a'), (2, 2, 'b')"), rows("(1, 1, 'a'), (2, 3, 'b')"), []string{"id"}, "3 -> 2: +1 -2 ~0 x 4.00 -> 4.00 whole"},
		"without a key":       {rows("(1, 1, 'a'), (1, 1, 'a'), (2, 2, 'b')"), rows("(1, 1, 'a'), (2, 3, 'b')"), nil, "3 -> 2: +1 -2 ~0 id 4 -> 3 x 4.00 -> 4.00 whole"},
		"a key that is gone":  {"SELECT 1 AS x", "SELECT 1 AS x, 2 AS id", []string{"id"}, "1 -> 1: +0 -0 ~0 x 1 -> 1 whole"},
		"beyond a double":     {"SELECT 1 AS id, 12345678901234567890.123456::DECIMAL(38,6) AS x", "SELECT 1 AS id, 12345678901234567890.123457::DECIMAL(38,6) AS x", []string{"id"}, "1 -> 1: +0 -0 ~1 x 12345678901234567890.123456 -> 12345678901234567890.123457"},
		"the same of a wider": {"SELECT 1 AS id, 1.5::DECIMAL(18,2) AS x", "SELECT 1::BIGINT AS id, 1.5::DECIMAL(38,6) AS x", []string{"id"}, "1 -> 1: +0 -0 ~0 x 1.500000 -> 1.500000"},
		"NaN and zeros":       {"SELECT 1 AS id, 'nan'::DOUBLE AS x, 0.0::DOUBLE AS y", "SELECT 1 AS id, 'nan'::DOUBLE AS x, -0.0::DOUBLE AS y", []string{"id"}, "1 -> 1: +0 -0 ~0 x nan -> nan y 0.0 -> 0.0"},
		"pairs too large to add up": {"SELECT 1 AS id, ('4' || repeat('0', 37))::DECIMAL(38,0) AS x FROM range(2)", "SELECT 1 AS id, ('4' || repeat('0', 37))::DECIMAL(38,0) AS x FROM range(2)", []string{"id"},
			"2 -> 2: +0 -0 ~0 x 80000000000000000000000000000000000000 -> 80000000000000000000000000000000000000 whole"},
		"too large to add up": {"SELECT id, (repeat('9', 38))::DECIMAL(38,0) AS x FROM range(2) AS r(id)", "SELECT id, 1::DECIMAL(38,0) AS x FROM range(2) AS r(id)", []string{"id"}, "2 -> 2: +0 -0 ~2 x 2e+38 -> 2"},
	} {
		got, _, err := Compare(t.Context(), conn, side(t, conn, c.before), side(t, conn, c.after), c.key, Wanted{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if told(got) != c.want {
			t.Errorf("%s: %s\nwant %s", name, told(got), c.want)
		}
	}
}

// A slice that had no rows has no files, and so no columns of its own.
func TestCompareWithoutFiles(t *testing.T) {
	conn := connect(t)
	one := side(t, conn, "SELECT 1 AS id, 2 AS x")
	for want, sides := range map[string][2]Side{"0 -> 1: +1 -0 ~0 x NULL -> 2": {{}, one}, "1 -> 0: +0 -1 ~0 x 2 -> NULL": {one, {}}, "0 -> 0: +0 -0 ~0 whole": {}} {
		got, differ, err := Compare(t.Context(), conn, sides[0], sides[1], []string{"id"}, Wanted{Keys: true})
		if err != nil || told(got) != want || len(differ) > 0 {
			t.Errorf("got %s, %v, %v, want %s", told(got), differ, err, want)
		}
	}
}

func TestColumnsThatDiffer(t *testing.T) {
	conn := connect(t)
	_, differ, err := Compare(t.Context(), conn, side(t, conn, "SELECT 1 AS id, 1::DECIMAL(18,2) AS x, 2 AS gone"), side(t, conn, "SELECT 1 AS ID, 1::DECIMAL(38,6) AS X, 3 AS new"), []string{"id"}, Wanted{})
	want := []view.DiffColumn{{Name: "X", Before: "DECIMAL(18,2)", After: "DECIMAL(38,6)"}, {Name: "new", After: "INTEGER"}, {Name: "gone", Before: "INTEGER"}}
	if err != nil || !slices.Equal(differ, want) {
		t.Errorf("got %v, %v", differ, err)
	}
}

func TestRowsThatDiffer(t *testing.T) {
	conn := connect(t)
	before := side(t, conn, "SELECT id, id * 10 AS x, 'a' AS s FROM range(10) AS r(id)")
	after := side(t, conn, "SELECT id + 1 AS id, CASE id WHEN 3 THEN 100 WHEN 5 THEN 61 ELSE (id + 1) * 10 END AS x, 'a' AS s FROM range(10) AS r(id)")
	shown := func(s view.DiffSlice) (lines []string) {
		for _, r := range s.Rows {
			line := r.Kind
			for _, v := range append(slices.Clone(r.Key), r.Values...) {
				line += fmt.Sprintf(" %s %s>%s", v.Column, text(v.Before), text(v.After))
			}
			lines = append(lines, line)
		}
		return lines
	}
	got, _, err := Compare(t.Context(), conn, before, after, []string{"id"}, Wanted{Keys: true})
	if lines := shown(got); err != nil || strings.Join(lines, "; ") != "added id NULL>10; changed id 4>4 x 40>100; changed id 6>6 x 60>61; removed id 0>NULL" {
		t.Errorf("got %v, %v", lines, err)
	}
	got, _, err = Compare(t.Context(), conn, before, after, []string{"id"}, Wanted{Samples: 1})
	if lines := shown(got); err != nil || !got.More || strings.Join(lines, "; ") != "added id NULL>10 x NULL>100 s NULL>a; changed id 4>4 x 40>100; removed id 0>NULL x 0>NULL s a>NULL" {
		t.Errorf("got %v, %v", lines, err)
	}
}

// The first total may be one that does not move: rows are in the order of the first one that does.
func TestRowsThatMovedMostComeFirst(t *testing.T) {
	conn := connect(t)
	before := "SELECT id, 1 AS lines, NULL::INTEGER AS none, id * 10 AS x FROM range(5) AS r(id)"
	after := "SELECT id, 1 AS lines, NULL::INTEGER AS none, id * 11 AS x FROM range(5) AS r(id)"
	for _, key := range [][]string{{"id"}, nil} {
		got, _, err := Compare(t.Context(), conn, side(t, conn, before), side(t, conn, after), key, Wanted{Samples: 2})
		var ids []string
		for _, r := range got.Rows {
			for _, v := range append(slices.Clone(r.Key), r.Values...) {
				if v.Column == "id" {
					ids = append(ids, r.Kind+" "+text(v.Before)+">"+text(v.After))
				}
			}
		}
		want := []string{"changed 4>4", "changed 3>3"}
		if key == nil {
			want = []string{"added NULL>4", "added NULL>3", "removed 4>NULL", "removed 3>NULL"}
		}
		if err != nil || !slices.Equal(ids, want) {
			t.Errorf("by %v: got %v, %v, want %v", key, ids, err, want)
		}
	}
}

// The difference of two random tables is what Go says of their rows.
func TestCompareAgreesWithTheRows(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 7))
	conn := connect(t)
	for range 60 {
		most := 1 + random.IntN(30)
		unique := random.IntN(3) > 0
		table := func() (rows [][2]int, query string) {
			used := map[int]bool{}
			for range random.IntN(40) {
				row := [2]int{random.IntN(most), random.IntN(3)}
				if unique && used[row[0]] {
					continue
				}
				used[row[0]] = true
				rows = append(rows, row)
			}
			values := []string{"(NULL, NULL, false)"}
			for _, r := range rows {
				values = append(values, fmt.Sprintf("(%d, nullif(%d, 0), true)", r[0], r[1]))
			}
			return rows, "SELECT k::INTEGER AS k, v::INTEGER AS v FROM (VALUES " + strings.Join(values, ", ") + ") AS t(k, v, there) WHERE there"
		}
		before, b := table()
		after, a := table()
		key := []string{"k"}
		if random.IntN(4) == 0 {
			key = nil
		}
		got, _, err := Compare(t.Context(), conn, side(t, conn, b), side(t, conn, a), key, Wanted{})
		if err != nil {
			t.Fatal(err)
		}
		if got.Totals = nil; told(got) != expected(before, after, got.ByKey) || got.ByKey && key == nil || !got.ByKey && key != nil && unique && len(before)+len(after) > 0 {
			t.Fatalf("seed %d: %s, want %s\nbefore %v\nafter %v", seed, told(got), expected(before, after, got.ByKey), before, after)
		}
	}
}

// expected counts what differs. By key no key is in several rows of both sides.
func expected(before, after [][2]int, byKey bool) string {
	counts := map[[2]int]int{}
	for _, r := range before {
		counts[r]--
	}
	for _, r := range after {
		counts[r]++
	}
	added, removed := map[int]int{}, map[int]int{}
	s := view.DiffSlice{Before: int64(len(before)), After: int64(len(after)), ByKey: byKey}
	for r, n := range counts {
		if n > 0 {
			added[r[0]] += n
			s.Added += int64(n)
		} else {
			removed[r[0]] -= n
			s.Removed -= int64(n)
		}
	}
	if byKey {
		for k := range added {
			if n := int64(min(added[k], removed[k])); n > 0 {
				s.Added, s.Removed, s.Changed = s.Added-n, s.Removed-n, s.Changed+n
			}
		}
	}
	return told(s)
}
