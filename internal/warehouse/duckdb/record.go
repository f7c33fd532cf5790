package duckdb

import (
	"context"
	"database/sql/driver"
	"errors"
	"slices"
	"strings"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"github.com/hindcast/hindcast/internal/warehouse"
)

// writeStatus puts the slices' rows in, and takes out the older rows whose slices overlap them.
func (p *publication) writeStatus(ctx context.Context) error {
	for _, b := range p.batches {
		var standing []*replacement
		for _, r := range b.members {
			if r.found.statuses > 0 {
				standing = append(standing, r)
			}
		}
		if len(standing) == 0 {
			continue
		}
		if _, err := p.conn.ExecContext(ctx, "DELETE FROM hindcast_status WHERE "+overlapping(standing)); err != nil {
			return err
		}
	}
	if !slices.ContainsFunc(p.replacements, func(r *replacement) bool { return !r.Unrecorded }) {
		return nil
	}
	return p.conn.Raw(func(conn any) error {
		session, ok := conn.(driver.Conn)
		if !ok {
			return errors.New("the session is not a connection of the driver")
		}
		return p.appendStatus(session)
	})
}

// appendStatus appends the status rows, within the session's transaction: as many as there are cost hardly more than one.
func (p *publication) appendStatus(conn driver.Conn) (err error) {
	columns := strings.Split(strings.ReplaceAll(warehouse.StatusColumns, `"`, ""), ", ")
	appender, err := duckdb.NewAppenderWithColumns(conn, "", "", "hindcast_status", columns)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, appender.Close()) }()
	for _, r := range p.replacements {
		if r.Unrecorded {
			continue
		}
		c := &r.row
		parts, totals, err := warehouse.StatusTexts(c)
		if err != nil {
			return err
		}
		err = appender.AppendRow(c.Pipeline, c.Target, c.Slice.Key, c.Slice.Start.UTC(), c.Slice.End.UTC(), c.Run, int32(c.Attempt), c.Fingerprint,
			parts, c.Sums.Rows, c.Sums.Content, totals, c.Previous, c.CommittedAt, c.Publication)
		if err != nil {
			return err
		}
	}
	return nil
}
