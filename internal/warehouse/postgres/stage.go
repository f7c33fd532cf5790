package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/pgclient"
	"github.com/hindcast/hindcast/internal/pgcopy"
	"github.com/hindcast/hindcast/internal/sqltext"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// substitute is a table that was filled to take a partition's place, as Staged has it.
type substitute struct {
	Table     pgclient.Name `json:"table"`
	Partition pgclient.Name `json:"partition"` // whose place it takes
	Parent    pgclient.Name `json:"parent"`
	Bound     string        `json:"bound"`
	Comment   *string       `json:"comment,omitempty"` // that it is to have
	Like      string        `json:"like"`              // how the partition was, for sameAs
	Sums      hindcast.Sums `json:"sums"`              // of the rows, as Published gives them
}

// Stage loads the slices that are one partition each into new tables, which Publish attaches in place of the partitions: outside of
// any lock on the target, frozen, so that a reader with an older snapshot sees their rows, and with their indexes made last. What is
// loaded in another way is left to Publish, and so is every publication with hooks, which look at the target as it will be.
func (w *Owner) Stage(ctx context.Context, given warehouse.Publication) (warehouse.Publication, error) {
	if err := given.Check(); err != nil {
		return given, err
	}

	given.Replacements = slices.Clone(given.Replacements)
	p := newPublication(w, &given)
	for _, l := range p.loads {
		l.Staged = ""
		if p.hooked.Any() || w.knownPlain(l.Target.Table) {
			continue
		}
		err := w.with(ctx, func(conn *pgconn.PgConn) error {
			p.conn = conn
			err := l.stage(ctx)
			pgclient.Rollback(ctx, conn)
			if pgclient.IsState(err, "42501") { // a right that hindrances do not know of: DELETE and COPY need less
				return nil
			}
			return err
		})
		if err != nil {
			err = given.Blame(l.Replacement, err)
			return given, err
		}
	}
	return given, nil
}

// knownPlain reports whether a target was seen not to be partitioned: then Stage need not look for every slice.
func (w *Owner) knownPlain(table string) bool {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.plain[table]
}

// stage loads one slice into a table of its own, if that can take the place of a partition, in a transaction of its own.
func (l *load) stage(ctx context.Context) error {
	target, err := l.owner.findNames(ctx, l.conn, l.Target.Table)
	if err != nil || len(target) == 0 {
		return err // Publish says that it is gone
	}
	if target[0].kind != "p" {
		l.owner.mutex.Lock()
		defer l.owner.mutex.Unlock()
		l.owner.plain[l.Target.Table] = true
		return nil
	}

	l.target = target[0]
	if l.fields, err = receive(&l.target, l.Columns); err != nil {
		return err
	}
	if columns, _ := pgcopy.Staging(l.fields); columns != "" { // the server casts by INSERT, which cannot freeze
		return nil
	}

	rows, err := pgclient.Script(ctx, l.conn, "BEGIN ISOLATION LEVEL READ COMMITTED", "SET LOCAL application_name = "+literal(sessionName(l.Pipeline)),
		"SET LOCAL default_tablespace = ''", "SELECT pg_current_xact_id()::xid")
	if err != nil {
		return err
	}
	l.xid = rows[3][0].Text(0)

	part, like, err := l.sketch(ctx, l.nextName)
	if err != nil || part == nil {
		return err
	}
	s := &substitute{Table: l.nextName(part), Partition: part.name, Parent: part.parent, Bound: part.bound, Comment: like.comment, Like: like.text()}
	if err := l.make(ctx, part, s, &like); err != nil {
		return err
	}
	if same, err := alike(ctx, l.conn, part.oid, s.Table); err != nil || !same {
		return err
	}
	if err := pgclient.Run(ctx, l.conn, "COMMIT"); err != nil {
		return err
	}

	text, err := json.Marshal(s)
	l.Staged = string(text)
	return err
}

// sketch looks at the partition that the slice is, and at what a table in its place has to be like; nil if it is not to be replaced.
// The table's name follows from the partition's.
func (l *load) sketch(ctx context.Context, name func(*partition) pgclient.Name) (*partition, likeness, error) {
	part, err := l.partitionOf(ctx)
	if err != nil || part == nil {
		return nil, likeness{}, err
	}
	why, err := hindered(ctx, l.conn, part.parentOID, part.oid)
	if err != nil || len(why) > 0 {
		return nil, likeness{}, err
	}
	like, err := part.likeness(ctx, l.conn, name(part))
	return part, like, err
}

// text is the same for partitions that are the same in all that a new table copies.
func (like *likeness) text() string {
	said := ""
	if like.comment != nil {
		said = "'" + *like.comment
	}
	return short(strings.Join(slices.Concat([]string{like.space, said}, like.before, like.after), "\x00"))
}

// generation is what the names of our partitions end with.
const generation = "_hc"

// nextName is the name of the table that takes a partition's place: the partition's, with the transaction that fills it.
func (l *load) nextName(part *partition) pgclient.Name {
	stem := part.name.Table
	if at := strings.LastIndex(stem, generation); at > 0 && strings.Trim(stem[at+len(generation):], "0123456789") == "" {
		stem = stem[:at]
	}
	end := generation + l.xid
	stem = strings.ToValidUTF8(stem[:min(len(stem), longestName-len(end))], "")
	return pgclient.Name{Schema: part.name.Schema, Table: stem + end}
}

// make creates the table, fills it and makes it like the partition.
func (l *load) make(ctx context.Context, part *partition, s *substitute, like *likeness) error {
	if err := l.dropEarlier(ctx); err != nil {
		return err
	}

	table := s.Table.SQL()
	said := fmt.Sprintf("slice %s of %s, loaded by run %s, before it is attached", l.Slice.Key, l.Target.Table, l.Run())
	c, _ := l.Time()
	condition := sqltext.Identifier(c.Name) + " IS NOT NULL AND " + l.inSlice()
	statements := []string{part.create(s.Table, like, condition, l.owner.version.major),
		"COMMENT ON TABLE " + table + " IS " + literal(mark(markStaged, l.Pipeline, l.sliceName(), itoa(l.Fence), s.Table.Table, said))}
	if err := pgclient.Run(ctx, l.conn, append(statements, like.before...)...); err != nil {
		return err
	}
	if err := revokeDefaults(ctx, l.conn, table); err != nil {
		return err
	}

	if len(l.Files) > 0 {
		stored, err := l.send(ctx, pgcopy.CopyInFrozen(l.fields, table))
		if err != nil {
			return err
		}
		if err := l.inserted(stored); err != nil {
			return err
		}
	}
	if err := pgclient.Run(ctx, l.conn, append(like.after, "ANALYZE "+table)...); err != nil {
		return err
	}

	if s.Sums = l.asSent(); len(l.Summed) == 0 {
		return nil
	}
	var err error
	s.Sums, err = l.standingIn(ctx, table, l.Summed)
	return err
}

// revokeDefaults takes away what default privileges give on a new table: it is to have those of the partition.
func revokeDefaults(ctx context.Context, conn *pgconn.PgConn, table string) error {
	rows, err := pgclient.Ask(ctx, conn, "SELECT DISTINCT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END "+
		"FROM pg_class CROSS JOIN LATERAL aclexplode(relacl) WHERE oid = $1::regclass AND grantee <> relowner", table)
	for _, r := range rows {
		err = errors.Join(err, pgclient.Run(ctx, conn, "REVOKE ALL ON "+table+" FROM "+r.Text(0)))
	}
	return err
}

// likened compares what was copied of a partition ($1) with what the new table ($2) has.
const likened = `
SELECT count(DISTINCT (relowner, reltablespace, relam, relpersistence, rights, options, indexes)) = 1 FROM (
  SELECT c.*, (SELECT array_agg(grantee || privilege_type || (is_grantable AND grantee <> relowner) ORDER BY grantee, privilege_type) FROM aclexplode(coalesce(relacl, acldefault('r', relowner)))) AS rights,
    (SELECT array_agg(o ORDER BY o) FROM unnest(c.reloptions) o) AS options,
    (SELECT array_agg(tablespace ORDER BY tablespace) FROM (SELECT s.reltablespace AS tablespace FROM pg_index i JOIN pg_class s ON s.oid = i.indexrelid WHERE i.indrelid = c.oid) s) AS indexes
  FROM pg_class c WHERE c.oid IN ($1::oid, $2::regclass)) each`

// alike reports whether that is the same: what could not be copied is not worth a swap.
func alike(ctx context.Context, conn *pgconn.PgConn, partition string, table pgclient.Name) (bool, error) {
	rows, err := pgclient.Ask(ctx, conn, likened, partition, table.SQL())
	if err != nil {
		return false, err
	}
	return rows[0].Bool(0), nil
}

// dropEarlier drops what an earlier attempt at the slice has staged.
func (l *load) dropEarlier(ctx context.Context) error {
	list, err := leftovers(ctx, l.conn, l.Pipeline)
	for _, left := range list {
		if left.kind == markStaged && left.slice == short(l.sliceName()) && left.number <= l.Fence {
			err = errors.Join(err, pgclient.Run(ctx, l.conn, "DROP TABLE "+left.name.SQL()))
		}
	}
	return err
}

// sliceName is the slice of the target, for a mark.
func (l *load) sliceName() string { return l.Target.Table + "\x00" + l.Slice.Key }

// Run is the run that publishes.
func (l *load) Run() string { return l.publication.Run }

// sameAs reports whether the partition is still what the staged table was made to replace.
func (s *substitute) sameAs(part *partition, like *likeness) bool {
	return part != nil && part.name == s.Partition && part.parent == s.Parent && part.bound == s.Bound && like.text() == s.Like
}

// readSubstitute reads Staged; nil if nothing was staged.
func readSubstitute(staged string) (*substitute, error) {
	if staged == "" {
		return nil, nil
	}
	s := &substitute{}
	if err := json.Unmarshal([]byte(staged), s); err != nil {
		return nil, fmt.Errorf("reading what was staged: %w", err)
	}
	return s, nil
}
