package postgres

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/pause"
	"github.com/hindcast/hindcast/internal/pgclient"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// exchange attaches the staged tables in place of the partitions, as the last step before the status rows: everybody is kept off the
// target from here to COMMIT, and up to here nobody reads less of it than before. A session that goes on using the target prevents
// the exchange: the slices' rows are then replaced where they are, for which readers need not wait.
func (p *publication) exchange(ctx context.Context) error {
	var loads []*load
	for _, l := range p.loads {
		if l.substitute != nil {
			loads = append(loads, l)
		}
	}
	if len(loads) == 0 {
		return nil
	}

	locked, err := p.lockAll(ctx, loads)
	if err != nil {
		return err
	}
	if !locked {
		return p.replaceInstead(ctx, loads)
	}
	return warehouse.Each(ctx, loads, &p.current, (*load).attach)
}

var (
	exchangeTry      = "1s"             // how long everybody may have to wait behind one try at the locks
	exchangePatience = 10 * time.Second // for all tries
	exchangePause    = 500 * time.Millisecond
)

// lockAll takes the locks of an exchange, the parents' before the partitions', in one order for everybody. It waits for each only for a
// moment, since new readers queue behind it, and tries again; false if somebody holds one all the time.
func (p *publication) lockAll(ctx context.Context, loads []*load) (bool, error) {
	var staged, parents, partitions []string
	for _, l := range loads {
		staged = append(staged, l.substitute.Table.SQL())
		parents = append(parents, l.substitute.Parent.SQL())
		partitions = append(partitions, l.substitute.Partition.SQL())
	}
	parents, err := byOID(ctx, p.conn, parents)
	if err != nil {
		return false, err
	}
	rows, err := pgclient.Ask(ctx, p.conn, "SHOW lock_timeout")
	if err != nil {
		return false, err
	}

	statements := []string{"SAVEPOINT hindcast_exchange", "SET LOCAL lock_timeout = '" + exchangeTry + "'"}
	for _, tables := range [][]string{staged, parents, partitions} {
		for _, table := range tables {
			statements = append(statements, "LOCK TABLE ONLY "+table+" IN ACCESS EXCLUSIVE MODE")
		}
	}
	statements = append(statements, "SET LOCAL lock_timeout = "+literal(rows[0].Text(0)))

	for end := time.Now().Add(exchangePatience); ; {
		err := pgclient.Run(ctx, p.conn, statements...)
		if err == nil || !pgclient.IsState(err, lockTimeout) {
			return err == nil, err
		}
		if back := pgclient.Run(ctx, p.conn, "ROLLBACK TO hindcast_exchange", "RELEASE hindcast_exchange"); back != nil {
			return false, back
		}
		if waits, asked := p.waitedFor(ctx, partitions); asked != nil || waits {
			return false, cmp.Or(asked, err)
		}
		if time.Now().After(end) {
			return false, nil
		}
		if err := pause.For(ctx, exchangePause); err != nil {
			return false, err
		}
	}
}

// waitedFor reports whether somebody waits for one of the partitions, such as a writer who has the parent's lock: we would wait for each other.
func (p *publication) waitedFor(ctx context.Context, partitions []string) (bool, error) {
	rows, err := pgclient.Ask(ctx, p.conn, "SELECT EXISTS (SELECT FROM pg_locks l JOIN unnest($1::text[]) name ON l.relation = to_regclass(name) "+
		"WHERE NOT l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()))", pgclient.Array(partitions))
	if err != nil {
		return false, err
	}
	return rows[0].Bool(0), nil
}

// attach puts the staged table in the partition's place. Neither table is dropped or renamed with it: a dump that waits would fail.
func (l *load) attach(ctx context.Context) error {
	s := l.substitute
	comment := "NULL"
	if s.Comment != nil {
		comment = literal(*s.Comment)
	}
	said := fmt.Sprintf("slice %s of %s until run %s replaced it", l.Slice.Key, l.Target.Table, l.Run())
	return pgclient.Run(ctx, l.conn, "SET LOCAL TimeZone = 'UTC'",
		"ALTER TABLE "+s.Parent.SQL()+" DETACH PARTITION "+s.Partition.SQL(),
		"ALTER TABLE "+s.Parent.SQL()+" ATTACH PARTITION "+s.Table.SQL()+" "+s.Bound,
		"ALTER TABLE "+s.Table.SQL()+" DROP CONSTRAINT "+sliceCheck,
		"COMMENT ON TABLE "+s.Table.SQL()+" IS "+comment,
		"COMMENT ON TABLE "+s.Partition.SQL()+" IS "+literal(mark(markDetached, l.Pipeline, l.sliceName(), l.xid, s.Partition.Table, said)))
}

// replaceInstead deletes and copies the rows of slices whose staged tables could not be attached.
func (p *publication) replaceInstead(ctx context.Context, loads []*load) error {
	var targets []string
	for _, l := range loads {
		targets = append(targets, pgclient.ParseName(l.Target.Table).SQL())
		l.substitute = nil
	}
	targets, err := byOID(ctx, p.conn, targets)
	if err != nil {
		return err
	}
	if err := pgclient.Run(ctx, p.conn, lockTargets(targets)); err != nil {
		return err
	}
	return warehouse.Each(ctx, loads, &p.current, (*load).swap, (*load).stored)
}

// unchanged refuses to attach what was made like a partition that is another by now. The partition's lock keeps it as it is.
func (l *load) unchanged(ctx context.Context) error {
	if l.substitute == nil {
		return nil
	}
	part, like, err := l.sketch(ctx, func(*partition) pgclient.Name { return l.substitute.Table })
	if err != nil || l.substitute.sameAs(part, &like) {
		return err
	}
	return l.movedOn()
}

// movedOn is the error of a staged table whose partition is not there any more, or is another: the next attempt stages again.
func (l *load) movedOn() error {
	return &hindcast.Error{Code: hindcast.EWarehouse, Class: hindcast.ClassTransient,
		Message: fmt.Sprintf("the partition of slice %s of %s was altered while the slice was loaded", l.Slice.Key, l.Target.Table),
		Next:    "it is loaded again; see who alters the target"}
}

// goneBy is movedOn where a table is gone that has to do with a staged one, and otherwise the error of that.
func (p *publication) goneBy(missing error) error {
	for _, l := range p.loads {
		if l.substitute != nil {
			return l.movedOn()
		}
	}
	return missing
}

// tidy drops what the publication has left: the partitions that it detached, once nobody can need them, or the tables that it did not
// attach. It is best effort: what stays is for the next.
func (p *publication) tidy(ctx context.Context) {
	ours := map[string]bool{}
	for _, l := range p.loads {
		if l.Staged != "" {
			ours[short(l.sliceName())] = true
		}
	}
	if len(ours) == 0 || p.conn.IsClosed() {
		return
	}
	_ = sweep(ctx, p.conn, p.Pipeline, func(left leftover) bool {
		return left.kind == markDetached || left.number <= p.Fence && ours[left.slice]
	})
}
