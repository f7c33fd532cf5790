package duckdb

import (
	"context"
	"fmt"
	"slices"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/engine"
)

// Strays counts the rows of the user's own files that the table's window leaves out. The condition is one that DuckDB
// compares with the statistics of each row group before it reads it.
func (r *Runner) Strays(ctx context.Context, t engine.Table, zone string) (hindcast.Strays, error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	defer r.helpers.Call(false)()
	found := hindcast.Strays{Within: t.Window}
	at := slices.IndexFunc(t.Columns, func(c hindcast.Column) bool { return c.Name == t.Time })
	if at < 0 {
		return found, fmt.Errorf("counting %s: its time column %q is not among its columns", t.Name, t.Time)
	}
	if err := r.set(ctx, engine.Limits{}, engine.Query{TimeZone: zone}); err != nil {
		return found, err
	}

	from := duck.FromUsersParquet(t.Columns[at:at+1], t.Layouts)
	err := r.conn.QueryRowContext(ctx, duck.Strays("("+from+")", t.Time, t.Columns[at].TimeType(), t.Window, zone)).Scan(&found.NoTime, &found.Outside)
	if err != nil {
		return found, r.blame(ctx, t.Files, duck.Translate(err))
	}
	return found, nil
}
