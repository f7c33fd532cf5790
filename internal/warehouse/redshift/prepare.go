package redshift

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/pgclient"
	"github.com/hindcast/hindcast/internal/sqltext"
	"github.com/hindcast/hindcast/internal/warehouse"
)

const (
	patience = time.Minute      // for the lock on hindcast_lease, which publications hold
	tidyTime = 30 * time.Second // for what is removed after a failure
)

// briefly is how long Prepare waits for the lock before it ends sessions of this pipeline: whoever prepares has the pipeline's lease, so
// that they are of a process that lost it.
var briefly = 10 * time.Second

// lock begins a transaction and takes the lock on hindcast_lease before the transaction's snapshot, which then has what the previous
// holder of the lock committed. The targets are not locked: LOCK keeps readers away as well, and only hindcast reads
// hindcast_lease. A table of the pipeline's own is locked before it, also while it is waited for: by its name a successor knows
// whose session it is (see endOthers).
func (w *Owner) lock(ctx context.Context, s *session, h home, patience time.Duration, own string) error {
	limit, err := s.one(ctx, "SHOW statement_timeout") // the user may have set one
	if err != nil {
		return err
	}
	err = s.run(ctx, "BEGIN", fmt.Sprintf("SET LOCAL statement_timeout TO %d", patience.Milliseconds()), "LOCK "+own+", "+h.table(leaseTable),
		"SET LOCAL statement_timeout TO "+literal(limit.Text(0)))
	if pgclient.IsState(err, pgclient.Canceled) && ctx.Err() == nil {
		return &hindcast.Error{Code: hindcast.EWarehouseBusy, Class: hindcast.ClassTransient, Cause: err,
			Message: fmt.Sprintf("hindcast_lease stayed locked for %.0f seconds: another load is under way, or its session is still there", patience.Seconds()),
			Next:    "see who has it: SELECT DISTINCT pid FROM svv_transactions WHERE relation = (SELECT oid FROM pg_class WHERE relname = 'hindcast_lease'); end it: SELECT pg_terminate_backend(PID);"}
	}
	return err
}

// Prepare creates what is missing and raises the fence, under the lock, so that nothing that has a lower one is under way. Sessions of
// this pipeline that hold the lock, or wait for it, are waited for; those of a machine that is gone, or was stopped, are ended.
func (w *Owner) Prepare(ctx context.Context, pipeline string, t hindcast.Target, columns []hindcast.Column, claim warehouse.Claim) error {
	err := w.writing(ctx, func(s *session) error {
		h, err := s.create(ctx, t, columns)
		if err != nil {
			return err
		}
		err = w.raise(ctx, s, h, pipeline, claim, briefly)
		if err != nil && hindcast.AsError(err).Code == hindcast.EWarehouseBusy {
			if err := s.endOthers(ctx, h, pipeline, claim.Fence); err != nil {
				return err
			}
			err = w.raise(ctx, s, h, pipeline, claim, patience)
		}
		if err != nil {
			return err
		}
		return s.sweepTables(ctx, h, pipeline, claim.Fence)
	})
	if err != nil || w.store == nil {
		return err
	}
	return w.sweepBucket(ctx, claim.Fence)
}

// raise raises the fence.
func (w *Owner) raise(ctx context.Context, s *session, h home, pipeline string, claim warehouse.Claim, patience time.Duration) error {
	mark := h.table(stagingName(pipeline, claim.Fence, "", ""))
	return s.marked(ctx, mark, func() error {
		if err := w.lock(ctx, s, h, patience, mark); err != nil {
			return err
		}
		highest, there, err := s.fence(ctx, h, pipeline)
		if err != nil {
			return err
		}
		if err := warehouse.CheckClaim(highest, claim); err != nil {
			return err
		}

		name, fence := literal(warehouse.FenceName(pipeline)), strconv.FormatInt(claim.Fence, 10)
		change := "INSERT INTO " + h.table(leaseTable) + " (name, n) VALUES (" + name + ", " + fence + ")"
		if there {
			change = "UPDATE " + h.table(leaseTable) + " SET n = " + fence + " WHERE name = " + name
		}
		return s.run(ctx, change, "COMMIT")
	})
}

// marked does what takes the lock without having staged anything, with a table that is there for the lock alone. What it leaves of a
// transaction is rolled back.
func (s *session) marked(ctx context.Context, table string, do func() error) error {
	if err := s.run(ctx, marking(table)); err != nil {
		return err
	}
	err := do()
	s.rollback(ctx) // unless it is committed
	if s.link.closed() {
		return err // the next Prepare sweeps it
	}
	if dropped := s.run(ctx, "DROP TABLE IF EXISTS "+table); err == nil {
		err = dropped
	}
	return err
}

// marking is the DDL of a table that is there for the lock alone.
func marking(table string) string { return "CREATE TABLE IF NOT EXISTS " + table + " (n smallint)" }

// endOthers ends the sessions of this pipeline with a lower fence that have a table of theirs locked: each that holds the lock on
// hindcast_lease, waits for it, or copies. Redshift has no name of a session that everybody may ask for, but every user is told of the
// locks of their own sessions, and may end these.
func (s *session) endOthers(ctx context.Context, h home, pipeline string, fence int64) error {
	staging, err := s.staging(ctx, h, pipeline, fence)
	if err != nil || len(staging) == 0 {
		return err
	}
	locks, err := s.ask(ctx, "SELECT pid, relation, granted FROM svv_transactions WHERE pid <> pg_backend_pid()")
	if err != nil {
		return err
	}
	for _, pid := range toEnd(staging, locks) {
		if _, err := s.ask(ctx, "SELECT pg_terminate_backend("+pid+")"); err != nil && s.link.closed() {
			return err // otherwise it is another user's, or has ended: the lock shows it
		}
	}
	return nil
}

// toEnd are the sessions that have one of the tables locked, those that wait for a lock first: otherwise one of them would get it from
// the session that is ended before it, and might commit.
func toEnd(tables, locks []pgclient.Row) (pids []string) {
	theirs, waits := map[string]bool{}, map[string]bool{}
	for _, r := range tables {
		theirs[r.Text(0)] = true
	}
	for _, r := range locks {
		if theirs[r.Text(1)] {
			pids = append(pids, r.Text(0))
		}
		waits[r.Text(0)] = waits[r.Text(0)] || !r.Bool(2)
	}
	slices.Sort(pids)
	pids = slices.Compact(pids)
	waiting, others := []string{}, []string{}
	for _, pid := range pids {
		if waits[pid] {
			waiting = append(waiting, pid)
		} else {
			others = append(others, pid)
		}
	}
	return append(waiting, others...)
}

// fence is the pipeline's highest, and whether there is a row of it.
func (s *session) fence(ctx context.Context, h home, pipeline string) (n int64, there bool, err error) {
	r, err := s.one(ctx, "SELECT coalesce(max(n), 0), count(*) FROM "+h.table(leaseTable)+" WHERE name = "+literal(warehouse.FenceName(pipeline)))
	if err != nil {
		return 0, false, err
	}
	return r.Number(0), r.Number(1) > 0, nil
}

// Fence returns the pipeline's fence.
func (w *Owner) Fence(ctx context.Context, pipeline string) (n int64, err error) {
	err = w.reading(ctx, func(s *session) error {
		h, err := s.ours(ctx)
		if err != nil || !h.lease {
			return err
		}
		n, _, err = s.fence(ctx, h, pipeline)
		return err
	})
	return n, err
}

// create makes our tables and the target where they are not. Of two processes that do so at the same time one may fail, and succeed
// when it tries again.
func (s *session) create(ctx context.Context, t hindcast.Target, columns []hindcast.Column) (home, error) {
	h, err := s.ours(ctx)
	if err != nil {
		return h, err
	}
	found, err := s.findNames(ctx, t.Table)
	if err != nil {
		return h, err
	}

	var ddl, comments []string
	for name, there := range map[string]bool{leaseTable: h.lease, statusTable: h.status} {
		if !there {
			ddl = append(ddl, "CREATE TABLE IF NOT EXISTS "+h.table(name)+makes[name])
		}
	}
	if target, there := found[t.Table]; there {
		if err := target.loadable(columns); err != nil {
			return h, err
		}
	} else {
		list, err := s.definitions(ctx, t, columns)
		if err != nil {
			return h, err
		}
		ddl = append(ddl, "CREATE TABLE IF NOT EXISTS "+pgclient.ParseName(t.Table).SQL()+" ("+strings.Join(list, ", ")+")"+sorted(t, columns))
		comments = append(comments, "COMMENT ON TABLE "+pgclient.ParseName(t.Table).SQL()+" IS "+literal(warehouse.Comment))
	}
	slices.Sort(ddl)
	ddl = append(ddl, comments...)
	for _, statement := range ddl {
		if err := s.run(ctx, statement); err != nil {
			return h, err
		}
	}
	h.lease, h.status = true, true
	return h, nil
}

// sorted has a new target's rows sorted by its time: every load, and every look at a slice, is by it.
func sorted(t hindcast.Target, columns []hindcast.Column) string {
	for _, c := range columns {
		if strings.EqualFold(c.Name, t.Time) {
			return " SORTKEY (" + sqltext.Identifier(c.Name) + ")"
		}
	}
	return ""
}

const (
	longestName = 127 // bytes
	mostColumns = 1600
)

// definitions are the columns of a new target as CREATE TABLE has them. It refuses what could not be made.
func (s *session) definitions(ctx context.Context, t hindcast.Target, columns []hindcast.Column) ([]string, error) {
	refuse := func(next, format string, args ...any) error {
		return &hindcast.Error{Code: hindcast.ETarget, Class: hindcast.ClassPermanent, Message: fmt.Sprintf(format, args...), Next: next}
	}

	table := pgclient.ParseName(t.Table)
	r, err := s.one(ctx, "SELECT current_database()")
	switch {
	case err != nil:
		return nil, err
	case table.Database != "" && table.Database != r.Text(0):
		return nil, refuse("write SCHEMA.TABLE, and the database in the URL under `warehouse:`",
			"%s would be a table of the database %q, and the warehouse is %q", t.Table, table.Database, r.Text(0))
	case isSystem(table.Schema):
		return nil, warehouse.InSystem(t.Table, table.Schema)
	case table.Table == "" || len(table.Table) > longestName:
		return nil, refuse("give it another name", "%s is not a name that a table of Redshift can have: it has 1 to %d bytes", t.Table, longestName)
	case len(columns) > mostColumns:
		return nil, refuse("leave some out of the SQL", "the new table %s would have %d columns, and Redshift's have %d at most", t.Table, len(columns), mostColumns)
	}

	list := make([]string, len(columns))
	for i, c := range columns {
		typ := c.Source
		if hold(typ).typ != c.Type { // not the type of a source column
			typ = typeFor(c.Type)
		}
		if typ == "" {
			return nil, refuse("cast it in the SQL, or create the table yourself", "column %q of the new table %s would be %s, which Redshift does not have", c.Name, t.Table, c.Type)
		}
		if len(c.Name) > longestName {
			return nil, refuse("give it another one in the SQL, with AS", "column %q of the new table %s has a name of more than %d bytes", c.Name, t.Table, longestName)
		}
		list[i] = sqltext.Identifier(c.Name) + " " + typ
	}
	return list, nil
}

// loadable refuses a target that slices of these columns could not be loaded into.
func (r *relation) loadable(columns []hindcast.Column) error {
	refuse := func(message, next string) error {
		return &hindcast.Error{Code: hindcast.ETarget, Class: hindcast.ClassPermanent, Message: message, Next: next}
	}
	if r.view {
		return refuse(r.name.SQL()+" is a view: rows cannot be replaced in it", "name a table, or one that does not exist yet")
	}
	for _, c := range columns {
		is := r.column(c.Name)
		switch {
		case is == nil:
			return refuse(fmt.Sprintf("%s has no column %q", r.name.SQL(), c.Name), "it was there when the run was planned: add it, or run again")
		case is.Type == "":
			return refuse(fmt.Sprintf("column %q of %s is %s, which is not loaded", is.Name, r.name.SQL(), is.Source), "leave it out of the SQL, or load into a table without it")
		}
	}
	return nil
}

// Refuses says what Prepare would refuse of the target, by looking only.
func (w *Owner) Refuses(ctx context.Context, t hindcast.Target, columns []hindcast.Column) error {
	return w.reading(ctx, func(s *session) error {
		found, err := s.findNames(ctx, t.Table)
		if err != nil {
			return err
		}
		if target, there := found[t.Table]; there {
			return target.loadable(columns)
		}
		_, err = s.definitions(ctx, t, columns)
		return err
	})
}

// Advise says what keeps a run from loading.
func (w *Owner) Advise(ctx context.Context, _ []string, t hindcast.Target) (told []string, err error) {
	if t.Table == "" {
		return nil, nil
	}
	err = w.reading(ctx, func(s *session) error {
		h, err := s.ours(ctx)
		if err != nil {
			return err
		}
		found, err := s.findNames(ctx, t.Table)
		if err != nil {
			return err
		}
		user, err := s.one(ctx, "SELECT current_user")
		if err != nil {
			return err
		}
		to := " TO " + sqltext.Identifier(user.Text(0)) + ";"

		ask := []struct{ query, says string }{{"SELECT has_schema_privilege(" + literal(h.schema) + ", 'CREATE')",
			"the user may not create tables in schema " + h.schema + ", where slices are staged: GRANT CREATE ON SCHEMA " + sqltext.Identifier(h.schema) + to}}
		if target, there := found[t.Table]; there {
			for _, right := range []string{"SELECT", "INSERT", "DELETE"} {
				ask = append(ask, struct{ query, says string }{"SELECT has_table_privilege(" + target.oid + ", " + literal(right) + ")",
					"the user may not " + right + " in " + t.Table + ": GRANT " + right + " ON " + target.name.SQL() + to})
			}
		}
		for _, a := range ask {
			r, err := s.one(ctx, a.query)
			if err != nil {
				return err
			}
			if !r.Bool(0) {
				told = append(told, a.says)
			}
		}
		return nil
	})
	return told, err
}

// stagingName is the table that a replacement's rows are staged in: of a pipeline, a fence, and the slice of a target.
func stagingName(pipeline string, fence int64, target, slice string) string {
	return fmt.Sprintf("%s%d_%s", stagingOf(pipeline), fence, digest(target + "\x00" + slice)[:16])
}

func stagingOf(pipeline string) string { return "hindcast_stage_" + digest(pipeline)[:8] + "_f" }

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

var stagingForm = regexp.MustCompile(`^hindcast_stage_[0-9a-f]{8}_f([0-9]+)_[0-9a-f]{16}$`)

// isStaging reports whether a table's name is one that rows are staged in.
func isStaging(name string) bool { return stagingForm.MatchString(name) }

// staging are the tables of writers with a lower fence: their ids and names.
func (s *session) staging(ctx context.Context, h home, pipeline string, fence int64) ([]pgclient.Row, error) {
	rows, err := s.ask(ctx, "SELECT c.oid, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND n.nspname = "+
		literal(h.schema)+" AND left(c.relname, 24) = "+literal(stagingOf(pipeline)[:24]))
	return slices.DeleteFunc(rows, func(r pgclient.Row) bool { return !below(stagingForm, r.Text(1), fence) }), err
}

// sweepTables drops what writers with a lower fence have staged.
func (s *session) sweepTables(ctx context.Context, h home, pipeline string, fence int64) error {
	rows, err := s.staging(ctx, h, pipeline, fence)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if err := s.run(ctx, "DROP TABLE IF EXISTS "+h.table(r.Text(1))); err != nil {
			return err
		}
	}
	return nil
}

var (
	asideForm  = regexp.MustCompile(`^(?:copy|previous)-f([0-9]+)-`)
	unloadForm = regexp.MustCompile(`^unload-([0-9]+)-`)
)

// abandoned is the age of an unload outside of a run that nobody waits for any more.
const abandoned = 24 * time.Hour

// below reports whether a name has a number in it that is less than that.
func below(form *regexp.Regexp, name string, than int64) bool {
	m := form.FindStringSubmatch(name)
	if m == nil {
		return false
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	return err == nil && n < than
}

// sweepBucket deletes what they left on the way there, and what reads outside of a run left. What is unloaded into the
// lake is not here.
func (w *Owner) sweepBucket(ctx context.Context, fence int64) error {
	folders, err := objstore.Folders(ctx, w.store, w.options.Aside)
	if err != nil {
		return err
	}
	for _, folder := range folders {
		if !below(asideForm, folder, fence) && !below(unloadForm, folder, time.Now().Add(-abandoned).Unix()) {
			continue
		}
		if err := w.store.DeleteAll(ctx, w.options.Aside+folder+"/"); err != nil {
			return err
		}
	}
	return nil
}
