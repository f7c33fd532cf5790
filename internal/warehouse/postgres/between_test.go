package postgres_test

import (
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/warehouse"
	"github.com/hindcast/hindcast/internal/warehouse/postgres"
	"github.com/hindcast/hindcast/internal/warehouse/warehousetest"
)

// on makes a trigger named meddler.
func on(when, table, each, body string) string {
	return `CREATE FUNCTION meddler_of_` + table + `() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN ` + strings.ReplaceAll(body, "'", "''") + ` END';
		CREATE TRIGGER meddler ` + when + ` ON ` + table + ` ` + each + ` EXECUTE FUNCTION meddler_of_` + table + `()`
}

const (
	eachRow       = "FOR EACH ROW"
	eachStatement = "FOR EACH STATEMENT"
	wholeTable    = "CREATE TABLE whole (day date, n bigint, note text) PARTITION BY RANGE (day); CREATE TABLE result PARTITION OF whole DEFAULT; " +
		"INSERT INTO result VALUES ('2020-01-05', 1, 'old'), ('2020-01-06', 2, 'old'); "
	notedTable = "CREATE TABLE result (day date, n bigint, note text); INSERT INTO result VALUES ('2020-01-05', 1, 'old'), ('2020-01-06', 2, 'old'); "
)

// noted are the columns of such a load.
var noted = append(columns[:2:2], hindcast.Column{Name: "note", Type: "VARCHAR"})

const fresh = "SELECT DATE '2020-01-10' + CAST(range AS INTEGER) AS day, range AS n, 'text ' || range AS note FROM range(10)"

func notedLoad(t *testing.T) warehousetest.Load {
	t.Helper()
	l := january("r", 1)
	l.Columns = noted
	return filled(t, l, fresh)
}

// A load that does not store what it sent is rolled back, and says what came between.
func TestWhatIsStoredIsWhatWasSent(t *testing.T) {
	for name, create := range map[string]string{
		"a deleted row stays": notedTable + on("BEFORE DELETE", "result", eachRow, "RETURN NULL;"),
		"a deleted row stays, marked": notedTable + "ALTER TABLE result ADD gone bool; " +
			on("BEFORE DELETE", "result", eachRow, "UPDATE result SET gone = true WHERE n = OLD.n; RETURN NULL;"),
		"one of the deleted rows stays": notedTable + on("BEFORE DELETE", "result", eachRow, "IF OLD.n = 2 THEN RETURN NULL; END IF; RETURN OLD;"),
		"a rule deletes nothing":        notedTable + "CREATE RULE meddler AS ON DELETE TO result DO INSTEAD NOTHING",
		"a rule keeps some":             notedTable + "CREATE RULE meddler AS ON DELETE TO result WHERE OLD.n = 2 DO INSTEAD NOTHING",
		"some rows are dropped":         notedTable + on("BEFORE INSERT", "result", eachRow, "IF NEW.n % 2 = 0 THEN RETURN NULL; END IF; RETURN NEW;"),
		"rows are doubled":              notedTable + on("AFTER INSERT", "result", eachStatement, "IF pg_trigger_depth() = 1 THEN INSERT INTO result SELECT * FROM result; END IF; RETURN NULL;"),
		"rows are deleted after all":    notedTable + on("AFTER INSERT", "result", eachStatement, "DELETE FROM result WHERE n = 3; RETURN NULL;"),
		"rows are deleted at the end": notedTable + strings.Replace(on("AFTER INSERT", "result", "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW", "DELETE FROM result WHERE n = 3; RETURN NULL;"),
			"CREATE TRIGGER", "CREATE CONSTRAINT TRIGGER", 1),
		"numbers change":                     notedTable + on("BEFORE INSERT", "result", eachRow, "NEW.n = NEW.n + 1; RETURN NEW;"),
		"numbers change and sum to the same": notedTable + on("BEFORE INSERT", "result", eachRow, "NEW.n = 9 - NEW.n; RETURN NEW;"),
		"times change":                       notedTable + on("BEFORE INSERT", "result", eachRow, "NEW.day = NEW.day + 1; RETURN NEW;"),
		"times change to another slice's":    notedTable + on("BEFORE INSERT", "result", eachRow, "NEW.day = NEW.day + 31; RETURN NEW;"),
		"texts change":                       notedTable + on("BEFORE INSERT", "result", eachRow, "NEW.note = upper(NEW.note); RETURN NEW;"),
		"a number becomes NULL":              notedTable + on("BEFORE INSERT", "result", eachRow, "IF NEW.n = 0 THEN NEW.n = NULL; END IF; RETURN NEW;"),
		"in a partition": "CREATE TABLE result (day date, n bigint, note text) PARTITION BY RANGE (day); CREATE TABLE part PARTITION OF result DEFAULT; " +
			"INSERT INTO result VALUES ('2020-01-05', 1, 'old'), ('2020-01-06', 2, 'old'); " + on("BEFORE DELETE", "part", eachRow, "RETURN NULL;"),
		"in a partition's partition": "CREATE TABLE result (day date, n bigint, note text) PARTITION BY RANGE (day); CREATE TABLE part PARTITION OF result DEFAULT PARTITION BY LIST (n); " +
			"CREATE TABLE leaf PARTITION OF part DEFAULT; INSERT INTO result VALUES ('2020-01-05', 1, 'old'), ('2020-01-06', 2, 'old'); " +
			on("BEFORE INSERT", "leaf", eachRow, "NEW.note = 'mine'; RETURN NEW;"),
		"of the whole, numbers":             wholeTable + on("BEFORE INSERT", "whole", eachRow, "NEW.n = NEW.n + 1; RETURN NEW;"),
		"of the whole, texts":               wholeTable + on("BEFORE INSERT", "whole", eachRow, "NEW.note = upper(NEW.note); RETURN NEW;"),
		"of the whole, times":               wholeTable + on("BEFORE INSERT", "whole", eachRow, "NEW.day = NEW.day + 31; RETURN NEW;"),
		"of the whole, a deleted row stays": wholeTable + on("BEFORE DELETE", "whole", eachRow, "RETURN NULL;"),
		"of the whole, rows are deleted at the end": wholeTable + strings.Replace(on("AFTER INSERT", "whole", "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW", "DELETE FROM result WHERE n = 3; RETURN NULL;"),
			"CREATE TRIGGER", "CREATE CONSTRAINT TRIGGER", 1),
		"of the whole, in a partition": "CREATE TABLE whole (day date, n bigint, note text) PARTITION BY RANGE (day); CREATE TABLE result PARTITION OF whole DEFAULT PARTITION BY LIST (n); " +
			"CREATE TABLE leaf PARTITION OF result DEFAULT; INSERT INTO result VALUES ('2020-01-05', 1, 'old'), ('2020-01-06', 2, 'old'); " +
			on("BEFORE INSERT", "whole", eachRow, "NEW.note = 'mine'; RETURN NEW;"),
		"in a child":        notedTable + "CREATE TABLE child () INHERITS (result); INSERT INTO child VALUES ('2020-01-07', 3, 'old'); " + on("BEFORE DELETE", "child", eachRow, "RETURN NULL;"),
		"an always trigger": notedTable + on("BEFORE INSERT", "result", eachRow, "RETURN NULL;") + "; ALTER TABLE result ENABLE ALWAYS TRIGGER meddler",
		"routed to nowhere": notedTable + "CREATE TABLE elsewhere (LIKE result); " + on("BEFORE INSERT", "result", eachRow, "INSERT INTO elsewhere VALUES (NEW.*); RETURN NULL;"),
	} {
		t.Run(name, func(t *testing.T) {
			server, url := database(t, create)
			before := warehousetest.Text(server.Exec(t, url, "SELECT string_agg(result::text, ' ' ORDER BY day) FROM result"))
			w := open(t, postgres.Options{URL: url})
			if err := w.Prepare(t.Context(), "p", target, noted, warehouse.Claim{Fence: 1}); err != nil {
				t.Fatal(err)
			}

			_, err := notedLoad(t).Into(t.Context(), w)
			e := hindcast.AsError(err)
			if e == nil || e.Code != hindcast.ETarget || e.Class != hindcast.ClassPermanent || strings.Count(e.Message, "meddler of ") != 1 || e.Next == "" {
				t.Errorf("got %v", err)
			}
			told, err := w.Advise(t.Context(), nil, target)
			if err != nil || strings.Count(strings.Join(told, " "), "meddler of ") != 1 {
				t.Errorf("the plan is told %q, %v", told, err)
			}
			if got := warehousetest.Text(server.Exec(t, url, "SELECT string_agg(result::text, ' ' ORDER BY day) FROM result")); got != before {
				t.Errorf("the target holds %s, and held %s", got, before)
			}
			if got := warehousetest.Text(server.Exec(t, url, "SELECT count(*) FROM hindcast_status")); got != "0" {
				t.Errorf("%s status rows", got)
			}
		})
	}
}

// A trigger that acts at the end of the transaction acts after the hooks, and what it changes is seen too; a constraint that waits
// for what a hook does is met.
func TestDeferredTriggersBehindHooks(t *testing.T) {
	atEnd := func(body string) string {
		return notedTable + strings.Replace(on("AFTER INSERT", "result", "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW", body+" RETURN NULL;"), "CREATE TRIGGER", "CREATE CONSTRAINT TRIGGER", 1)
	}
	for name, s := range map[string]struct {
		create string
		hooks  hindcast.Load
		fits   bool
	}{
		"rows":          {create: atEnd("DELETE FROM result WHERE n = 3;"), hooks: hindcast.Load{After: []string{"ANALYZE result"}}},
		"rows after it": {create: atEnd("DELETE FROM result WHERE n = 3;"), hooks: hindcast.Load{Before: []string{"SELECT 1"}}},
		"values":        {create: atEnd("UPDATE result SET note = 'mine' WHERE n = 3;"), hooks: hindcast.Load{After: []string{"ANALYZE result"}}},
		"values that may": {create: atEnd("UPDATE result SET note = 'mine' WHERE n = 3;"), fits: true,
			hooks: hindcast.Load{After: []string{"ANALYZE result"}, MayChange: true}},
		"rows that may not": {create: atEnd("DELETE FROM result WHERE n = 3;"), hooks: hindcast.Load{After: []string{"ANALYZE result"}, MayChange: true}},
		"a hook's own": {create: atEnd("IF (SELECT count(*) FROM result) > 9 THEN RAISE EXCEPTION 'too many'; END IF;"), fits: true,
			hooks: hindcast.Load{After: []string{"DELETE FROM result WHERE n = 3"}}},
	} {
		t.Run(name, func(t *testing.T) {
			_, url := database(t, s.create)
			w := open(t, postgres.Options{URL: url})
			l := notedLoad(t)
			l.Hooks = s.hooks
			if err := w.Prepare(t.Context(), "p", target, noted, warehouse.Claim{Fence: 1}); err != nil {
				t.Fatal(err)
			}
			c, err := l.Into(t.Context(), w)
			if s.fits {
				if err != nil {
					t.Fatal(err)
				}
				sameAsPublished(t, w, l.Columns, c)
				return
			}
			if e := hindcast.AsError(err); e == nil || e.Code != hindcast.ETarget || !strings.Contains(e.Message, "meddler of result") {
				t.Errorf("got %v", err)
			}
		})
	}
}

// So is one whose rows go in by way of text, where rules act too.
func TestWhatIsCastIsWhatWasSent(t *testing.T) {
	for name, meddler := range map[string]string{
		"a rule":                      "CREATE RULE meddler AS ON INSERT TO result WHERE NEW.n = 3 DO INSTEAD NOTHING",
		"a trigger":                   on("BEFORE INSERT", "result", eachRow, "IF NEW.n = 3 THEN RETURN NULL; END IF; RETURN NEW;"),
		"a value":                     on("BEFORE INSERT", "result", eachRow, "NEW.n = 9 - NEW.n; RETURN NEW;"),
		"a cast value":                on("BEFORE INSERT", "result", eachRow, "IF NEW.n = 3 THEN NEW.note = '10.9.9.9'; END IF; RETURN NEW;"),
		"values exchanged among rows": on("BEFORE INSERT", "result", eachRow, "NEW.note = inet '10.0.0.0' + (9 - NEW.n); RETURN NEW;"),
	} {
		server, url := database(t, "CREATE TABLE result (day date, n bigint, note inet); "+meddler)
		w := open(t, postgres.Options{URL: url})
		if err := w.Prepare(t.Context(), "p", target, noted, warehouse.Claim{Fence: 1}); err != nil {
			t.Fatal(err)
		}
		l := january("r", 1)
		l.Columns = noted
		_, err := filled(t, l, strings.Replace(fresh, "'text ' || range", "'10.0.0.' || range", 1)).Into(t.Context(), w)
		if e := hindcast.AsError(err); e == nil || e.Code != hindcast.ETarget || !strings.Contains(e.Message, "meddler of result") {
			t.Errorf("%s: %v", name, err)
		}
		if got := warehousetest.Text(server.Exec(t, url, "SELECT count(*) FROM result")); got != "0" {
			t.Errorf("%s: %s rows", name, got)
		}
	}
}

// The values of jsonb, which the server spells in its own way, are compared too, and with the rows that they belong to.
func TestJSONThatIsStoredIsWhatWasSent(t *testing.T) {
	for typ, change := range map[string]string{
		"jsonb":                       `NEW.note = NEW.note || '{"x": 1}'`,
		"jsonb DEFAULT '[]' NOT NULL": `NEW.note = jsonb_set(NEW.note, '{a}', to_jsonb(9 - NEW.n))`,
	} {
		server, url := database(t, "CREATE TABLE result (day date, n bigint, note "+typ+"); "+on("BEFORE INSERT", "result", eachRow, change+"; RETURN NEW;"))
		w := open(t, postgres.Options{URL: url})
		l := january("r", 1)
		l.Columns = append(columns[:2:2], hindcast.Column{Name: "note", Type: "JSON"})
		if err := w.Prepare(t.Context(), "p", target, l.Columns, warehouse.Claim{Fence: 1}); err != nil {
			t.Fatal(err)
		}
		l = filled(t, l, strings.Replace(fresh, "'text ' || range", `CAST('{"b": 1,  "a": ' || range || '}' AS JSON)`, 1))
		if _, err := l.Into(t.Context(), w); hindcast.AsError(err) == nil || !strings.Contains(err.Error(), "have other values than those that were sent: see trigger meddler of result") {
			t.Errorf("%s: %v", change, err)
		}
		if got := warehousetest.Text(server.Exec(t, url, "SELECT count(*) FROM result")); got != "0" {
			t.Errorf("%s: %s rows", change, got)
		}
	}
}

// What leaves rows and values as they were sent goes on working, and so does what the pipeline says is meant.
func TestTriggersThatMayBe(t *testing.T) {
	change := on("BEFORE INSERT", "result", eachRow, "NEW.note = 'mine'; NEW.n = NEW.n * 2; NEW.day = NEW.day + 1; RETURN NEW;")
	for name, s := range map[string]struct {
		create, look, want string
		hooks              hindcast.Load
	}{
		"filling another column": {create: notedTable + "ALTER TABLE result ADD at text; " + on("BEFORE INSERT", "result", eachRow, "NEW.at = 'now'; RETURN NEW;"),
			look: "SELECT count(*), min(at) FROM result", want: "10,now"},
		"jsonb beside it": {create: notedTable + "ALTER TABLE result ALTER note TYPE jsonb USING to_jsonb(note), ADD at text; " + on("BEFORE INSERT", "result", eachRow, "NEW.at = 'now'; RETURN NEW;"),
			look: "SELECT count(*), min(at) FROM result", want: "10,now"},
		"cast values beside it": {create: notedTable + "DELETE FROM result; ALTER TABLE result ALTER note TYPE numeric(50,5) USING NULL, ADD at text; " + on("BEFORE INSERT", "result", eachRow, "NEW.at = 'now'; RETURN NEW;"),
			look: "SELECT count(*), min(at), max(note) FROM result", want: "10,now,9.50000"},
		"cast arrays beside it": {create: notedTable + "ALTER TABLE result ALTER note TYPE inet[] USING NULL, ADD at text; " + on("BEFORE INSERT", "result", eachRow, "NEW.at = 'now'; RETURN NEW;"),
			look: "SELECT count(*), min(at), max(note) FROM result", want: "10,now,{10.0.0.9}"},
		"cast bits beside it": {create: notedTable + "ALTER TABLE result ALTER note TYPE bit(3) USING NULL, ADD at text; " + on("BEFORE INSERT", "result", eachRow, "NEW.at = 'now'; RETURN NEW;"),
			look: "SELECT count(*), min(at), max(note::text) FROM result", want: "10,now,101"},
		"keeping a log": {create: notedTable + "CREATE TABLE log (n bigint); " + on("AFTER INSERT OR DELETE", "result", eachRow, "INSERT INTO log VALUES (1); RETURN NULL;"),
			look: "SELECT count(*) FROM log", want: "12"},
		"routing rows into children": {create: notedTable + "CREATE TABLE child (CHECK (n >= 0)) INHERITS (result); " +
			on("BEFORE INSERT", "result", eachRow, "INSERT INTO child VALUES (NEW.*); RETURN NULL;"), look: "SELECT count(*) FROM child", want: "10"},
		"a rule beside the delete": {create: notedTable + "CREATE TABLE log (n bigint); CREATE RULE meddler AS ON DELETE TO result DO ALSO INSERT INTO log VALUES (OLD.n)",
			look: "SELECT count(*) FROM result", want: "10"},
		"references that go with their row": {create: notedTable + "ALTER TABLE result ADD k bigint UNIQUE; UPDATE result SET k = n; CREATE TABLE notes (k bigint REFERENCES result (k) ON DELETE CASCADE); " +
			"INSERT INTO notes VALUES (1)", look: "SELECT (SELECT count(*) FROM notes), (SELECT count(*) FROM result)", want: "0,10"},
		"off while a load goes on": {create: notedTable + on("BEFORE DELETE", "result", eachRow, "RETURN NULL;"), look: "SELECT count(*) FROM result", want: "10",
			hooks: hindcast.Load{Before: []string{"ALTER TABLE result DISABLE TRIGGER meddler"}, After: []string{"ALTER TABLE result ENABLE TRIGGER meddler"}}},
		"meant to change values": {create: notedTable + change, look: "SELECT count(*), sum(n), min(note) FROM result", want: "10,90,mine", hooks: hindcast.Load{MayChange: true}},
		"a hook after it":        {create: notedTable, look: "SELECT count(*) FROM result", want: "9", hooks: hindcast.Load{After: []string{"DELETE FROM result WHERE n = 3"}}},
	} {
		t.Run(name, func(t *testing.T) {
			server, url := database(t, s.create)
			w := open(t, postgres.Options{URL: url})
			l := notedLoad(t)
			if name == "jsonb beside it" {
				l.Columns = append(columns[:2:2], hindcast.Column{Name: "note", Type: "JSON"})
				l = filled(t, l, strings.Replace(fresh, "'text ' || range", `CAST('{"b": 1,  "a": 2}' AS JSON)`, 1))
			}
			if value, cast := map[string]string{"cast values beside it": "range || '.5'", "cast arrays beside it": "['10.0.0.' || range]",
				"cast bits beside it": "'101'"}[name]; cast {
				l = filled(t, l, strings.Replace(fresh, "'text ' || range", value, 1))
			}
			if name == "cast arrays beside it" {
				l.Columns = append(columns[:2:2], hindcast.Column{Name: "note", Type: "VARCHAR[]"})
			}
			l.Hooks = s.hooks
			if err := w.Prepare(t.Context(), "p", target, l.Columns, warehouse.Claim{Fence: 1}); err != nil {
				t.Fatal(err)
			}
			c, err := l.Into(t.Context(), w)
			if err != nil {
				t.Fatal(err)
			}
			sameAsPublished(t, w, l.Columns, c)
			if got := warehousetest.Text(server.Exec(t, url, s.look)); got != s.want {
				t.Errorf("%s gives %s, want %s", s.look, got, s.want)
			}
		})
	}
}

// Not even a trigger that may change values may drop a row, or keep one that is to go.
func TestTriggersThatMayChangeValuesDropNone(t *testing.T) {
	for _, create := range []string{notedTable + on("BEFORE INSERT", "result", eachRow, "IF NEW.n = 3 THEN RETURN NULL; END IF; RETURN NEW;"),
		notedTable + on("BEFORE DELETE", "result", eachRow, "RETURN NULL;")} {
		_, url := database(t, create)
		w := open(t, postgres.Options{URL: url})
		l := notedLoad(t)
		l.Hooks.MayChange = true
		if err := w.Prepare(t.Context(), "p", target, noted, warehouse.Claim{Fence: 1}); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Into(t.Context(), w); hindcast.AsError(err) == nil || hindcast.AsError(err).Code != hindcast.ETarget {
			t.Errorf("%s: %v", create, err)
		}
	}
}
