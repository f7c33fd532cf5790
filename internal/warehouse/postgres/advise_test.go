package postgres_test

import (
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/warehouse"
	"github.com/hindcast/hindcast/internal/warehouse/postgres"
	"github.com/hindcast/hindcast/internal/warehouse/warehousetest"
)

// A target out of which nothing can be deleted is told before its first load, which would still be done, and what is
// proposed mends it. One that hindcast makes can be replaced under a publication of all tables.
func TestPublishedTargets(t *testing.T) {
	c, url := database(t, `CREATE TABLE result (day date, n bigint) PARTITION BY RANGE (day); CREATE TABLE part PARTITION OF result FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
		CREATE TABLE keyed PARTITION OF result (PRIMARY KEY (day)) FOR VALUES FROM ('2021-01-01') TO ('2022-01-01'); CREATE PUBLICATION changes FOR TABLE result;
		CREATE TABLE other (day date, n bigint); CREATE PUBLICATION inserts FOR TABLE other WITH (publish = 'insert');
		CREATE TABLE late (day date PRIMARY KEY DEFERRABLE, n bigint); CREATE PUBLICATION lately FOR TABLE late`)
	w := open(t, postgres.Options{URL: url})
	advice := func(table string) string {
		t.Helper()
		told, err := w.Advise(t.Context(), nil, hindcast.Target{Table: table, Time: "day"})
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(told, "\n")
	}
	const says = "no slice can be replaced in part: the publication changes sends deletes, and it has no replica identity; "
	got := advice("result")
	if !strings.Contains(got, says) || strings.Contains(got, "keyed") || strings.Contains(advice("other"), "publication") {
		t.Fatalf("of the target is told %q", got)
	}
	if got := advice("late"); !strings.Contains(got, "no slice can be replaced in late: the publication lately sends deletes") { // nor by a deferrable key
		t.Errorf("of a deferrable key is told %q", got)
	}
	prepare(t, w, 1)
	l := filled(t, january("r", 1), "SELECT DATE '2020-01-05' AS day, 1::BIGINT AS n")
	if _, err := l.Into(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Into(t.Context(), w); err == nil || !strings.Contains(err.Error(), "replica identity") {
		t.Errorf("the second load: %v", err)
	}
	_, mend, _ := strings.Cut(got, says)
	mend, _, _ = strings.Cut(mend, ";")
	c.Exec(t, url, mend)
	if _, err := l.Into(t.Context(), w); err != nil {
		t.Errorf("after %s: %v", mend, err)
	}
	if got := advice("result"); strings.Contains(got, "sends deletes") {
		t.Errorf("after %s is told %q", mend, got)
	}
	c.Exec(t, url, "CREATE PUBLICATION everything FOR ALL TABLES")
	l.Target.Table = "made"
	if err := w.Prepare(t.Context(), "p", l.Target, l.Columns, warehouse.Claim{Fence: 1}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := l.Into(t.Context(), w); err != nil {
			t.Errorf("into a table of hindcast's making: %v", err)
		}
	}
}

// A foreign key that deletes rows with those of the target is told once, whether it refers to the target or to the table of which
// that is a partition.
func TestReferencesToTheTarget(t *testing.T) {
	for create, want := range map[string]string{
		"CREATE TABLE whole (day date, n bigint, PRIMARY KEY (day)) PARTITION BY RANGE (day); CREATE TABLE result PARTITION OF whole DEFAULT; " +
			"CREATE TABLE notes (day date REFERENCES whole ON DELETE CASCADE)": "notes references result",
		"CREATE TABLE result (day date, n bigint, PRIMARY KEY (day)) PARTITION BY RANGE (day); CREATE TABLE part PARTITION OF result DEFAULT; " +
			"CREATE TABLE notes (day date REFERENCES result ON DELETE CASCADE) PARTITION BY RANGE (day); CREATE TABLE few PARTITION OF notes DEFAULT": "notes references result",
	} {
		_, url := database(t, create)
		told, err := open(t, postgres.Options{URL: url}).Advise(t.Context(), nil, target)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(told, "\n"); strings.Count(got, " references ") != 1 || !strings.Contains(got, want) {
			t.Errorf("after %s is told %q", create, got)
		}
	}
}

// The ALTER TABLE that is proposed for a time of another kind says in which zone, whatever the session's is.
func TestTimesAreAlteredInTheHistorysZone(t *testing.T) {
	c, url := database(t, "")
	w := open(t, postgres.Options{URL: url})
	for _, s := range []struct{ from, value, to, want string }{
		{"timestamp with time zone", "2020-06-01 00:30+00", "TIMESTAMP", "2020-05-31 20:30:00"},
		{"timestamp with time zone", "2020-06-01 00:30+00", "DATE", "2020-05-31"},
		{"timestamp without time zone", "2020-06-01 00:30", "TIMESTAMP WITH TIME ZONE", "2020-06-01 04:30:00+00"},
		{"date", "2020-06-01", "TIMESTAMP WITH TIME ZONE", "2020-06-01 04:00:00+00"},
	} {
		c.Exec(t, url, "DROP TABLE IF EXISTS result; CREATE TABLE result (t "+s.from+"); INSERT INTO result VALUES ('"+s.value+"')")
		found, err := w.Describe(t.Context(), []string{"result"})
		if err != nil {
			t.Fatal(err)
		}
		result, err := w.Spell(t.Context(), []hindcast.Column{{Name: "t", Type: s.to}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = warehouse.Fit("result", "", "America/New_York", found["result"].Columns, result)
		if err == nil {
			t.Errorf("%s fits %s", s.to, s.from)
			continue
		}
		alter, _, _ := strings.Cut(hindcast.AsError(err).Next, ";")
		got := warehousetest.Text(c.Exec(t, url, "SET TimeZone = 'Asia/Tokyo'; "+alter+"; SET TimeZone = 'UTC'; SELECT t FROM result"))
		if got != s.want {
			t.Errorf("%s gives %s, want %s", alter, got, s.want)
		}
	}
}
