package redshift

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/sqltext"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// Stage copies each replacement's rows into a table of its own, outside of the transaction that publishes them: COPY is what takes
// long.
func (w *Owner) Stage(ctx context.Context, p warehouse.Publication) (warehouse.Publication, error) {
	if err := p.Check(); err != nil {
		return p, err
	}
	err := w.writing(ctx, func(s *session) error {
		h, err := s.ours(ctx)
		if err != nil {
			return err
		}
		for i := range p.Replacements {
			r := &p.Replacements[i]
			if len(r.Files) == 0 {
				continue
			}
			if err := p.Blame(r, w.translate(w.stage(ctx, s, h, &p, r))); err != nil {
				return err
			}
		}
		return nil
	})
	return p, err
}

func (w *Owner) stage(ctx context.Context, s *session, h home, p *warehouse.Publication, r *warehouse.Replacement) error {
	if _, err := w.bucket(); err != nil {
		return err
	}
	found, err := s.findNames(ctx, r.Target.Table)
	if err != nil {
		return err
	}
	target, there := found[r.Target.Table]
	if !there {
		return &hindcast.Error{Code: hindcast.ETableMissing, Class: hindcast.ClassPermanent, Message: "the target " + r.Target.Table + " was dropped",
			Next: "hindcast resume, which makes it again"}
	}
	if err := target.loadable(r.Columns); err != nil {
		return err
	}
	columns := target.taking(r.Columns)

	name := stagingName(p.Pipeline, p.Fence, r.Target.Table, r.Slice.Key)
	folder, done := w.asideFor(ctx, fmt.Sprintf("copy-f%d-%s", p.Fence, digest(r.Target.Table + "\x00" + r.Slice.Key)[:16]))
	defer done()
	url, err := w.bring(ctx, folder, r, columns, p.Memory)
	if err != nil {
		return err
	}
	if err := s.run(ctx, "DROP TABLE IF EXISTS "+h.table(name), "CREATE TABLE "+h.table(name)+" ("+stagingColumns(columns)+")"); err != nil {
		return err
	}
	if err := w.copy(ctx, s, h.table(name), url); err != nil {
		return err
	}
	counted, err := s.one(ctx, "SELECT count(*) FROM "+h.table(name))
	if err != nil {
		return err
	}
	r.Staged = h.table(name)
	return r.CheckRows(counted.Number(0))
}

// taking are a result's columns with the names and types of the target, which they are staged for.
func (r *relation) taking(columns []hindcast.Column) []hindcast.Column {
	out := make([]hindcast.Column, len(columns))
	for i, c := range columns {
		out[i] = *r.column(c.Name)
	}
	return out
}

func stagingColumns(columns []hindcast.Column) string {
	list := make([]string, len(columns))
	for i, c := range columns {
		typ, _ := placed(c.Name, c.Source)
		list[i] = sqltext.Identifier(c.Name) + " " + typ
	}
	return strings.Join(list, ", ")
}

// bring writes the staged files as COPY takes them into the folder of the bucket, and gives the URL of their manifest.
func (w *Owner) bring(ctx context.Context, folder string, r *warehouse.Replacement, columns []hindcast.Column, memory int64) (string, error) {
	prefix, err := w.key(folder)
	if err != nil {
		return "", err
	}
	if err := w.store.DeleteAll(ctx, prefix); err != nil { // of an earlier attempt
		return "", err
	}

	var m manifest
	rows := int64(0)
	for i, f := range r.Files {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		n, e, err := w.bringFile(ctx, prefix, fmt.Sprintf("%04d.parquet", i), f.Path, columns, memory)
		if err != nil {
			return "", err
		}
		if rows += n; n > 0 {
			m.Entries = append(m.Entries, e)
		}
	}
	if err := r.CheckRows(rows); err != nil {
		return "", err
	}
	body, err := json.Marshal(m)
	if err != nil {
		return "", err
	}
	info, err := w.store.Put(ctx, prefix+manifestName, body, objstore.Condition{})
	return w.url(info.Key), err
}

func (w *Owner) bringFile(ctx context.Context, prefix, name, from string, columns []hindcast.Column, memory int64) (rows int64, e entry, err error) {
	if w.options.Spill != "" {
		err = os.MkdirAll(w.options.Spill, 0o700)
	}
	if err != nil {
		return 0, e, fmt.Errorf("making files for COPY: %w", err)
	}
	dir, err := os.MkdirTemp(w.options.Spill, "copy-")
	if err != nil {
		return 0, e, fmt.Errorf("making files for COPY: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	local := filepath.Join(dir, name)
	out, err := os.OpenFile(local, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, e, fmt.Errorf("making files for COPY: %w", err)
	}
	rows, err = reshape(from, out, columns, memory)
	if err = errors.Join(err, out.Close()); err != nil || rows == 0 {
		return rows, e, err
	}
	e, err = w.send(ctx, local, prefix)
	return rows, e, err
}

// copy runs COPY. Where it fails, the cluster's own list of load errors says of which file and column.
func (w *Owner) copy(ctx context.Context, s *session, table, url string) error {
	from, err := word(url)
	if err != nil {
		return err
	}
	role, err := w.role()
	if err != nil {
		return err
	}
	err = s.run(ctx, "COPY "+table+" FROM "+from+" IAM_ROLE "+role+" FORMAT AS PARQUET MANIFEST")
	if err == nil || s.link.closed() || ctx.Err() != nil {
		return err
	}

	e := *hindcast.AsError(w.translate(err))
	rows, unknown := s.ask(ctx, "SELECT trim(file_name), trim(column_name), trim(column_type), trim(error_message), error_code FROM sys_load_error_detail "+
		"WHERE session_id = pg_backend_pid() ORDER BY start_time DESC LIMIT 1")
	if unknown != nil || len(rows) == 0 { // not everybody may ask
		return &e
	}
	r := rows[0]
	where := "file " + path.Base(r.Text(0))
	if r.Text(1) != "" {
		where = fmt.Sprintf("column %q (%s) of %s", r.Text(1), r.Text(2), where)
	}
	e.Message = fmt.Sprintf("COPY refused %s: %s (code %s)", where, r.Text(3), r.Text(4))
	return &e
}
