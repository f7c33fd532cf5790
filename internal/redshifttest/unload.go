//go:build unix

package redshifttest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/parquet-go/parquet-go"
)

// result is what a query returned, as text.
type result struct {
	columns []column
	rows    [][][]byte
}

// query runs UNLOAD's query in the client's transaction.
func (c *session) query(sql string) (*result, *pgproto3.ErrorResponse, error) {
	out := &result{}
	var failed *pgproto3.ErrorResponse
	c.server.Send(&pgproto3.Close{ObjectType: 'S', Name: "redshift_unload"}) // of one that failed
	c.server.Send(&pgproto3.Parse{Name: "redshift_unload", Query: sql})
	c.server.Send(&pgproto3.Bind{DestinationPortal: "redshift_unload", PreparedStatement: "redshift_unload"})
	c.server.Send(&pgproto3.Describe{ObjectType: 'P', Name: "redshift_unload"})
	c.server.Send(&pgproto3.Execute{Portal: "redshift_unload"})
	c.server.Send(&pgproto3.Close{ObjectType: 'P', Name: "redshift_unload"})
	c.server.Send(&pgproto3.Sync{})
	err := c.relay(func(message pgproto3.BackendMessage) {
		switch m := message.(type) {
		case *pgproto3.RowDescription:
			for _, field := range m.Fields {
				out.columns = append(out.columns, newColumn(string(field.Name), field.DataTypeOID, field.TypeModifier))
			}
		case *pgproto3.DataRow:
			row := make([][]byte, len(m.Values))
			for i, value := range m.Values {
				if value != nil {
					row[i] = bytes.Clone(value)
				}
			}
			out.rows = append(out.rows, row)
		case *pgproto3.ErrorResponse:
			failed = new(*m)
		}
	})
	out.scales()

	return out, failed, err
}

// scales gives decimals that have no scale of their own, which Redshift's expressions always have, the largest of their
// values: sum(bigint) is DECIMAL(38,0), sum(decimal(18,2)) is DECIMAL(38,2).
func (r *result) scales() {
	for i := range r.columns {
		c := &r.columns[i]
		if c.oid != oidNumeric || c.precision > 0 {
			continue
		}

		c.precision = 38
		for _, row := range r.rows {
			_, fraction, _ := strings.Cut(string(row[i]), ".")
			c.scale = max(c.scale, len(fraction))
		}
	}
}

// unload carries an UNLOAD out. partly has it be cancelled after its first file.
func (c *session) unload(u *unload, partly bool, send func(pgproto3.BackendMessage)) error {
	ctx, done := c.running()
	defer done()
	id := c.queries.Add(1)
	inner := understand(scan(u.query), c.exact)
	if f := unloadable(inner); f != nil {
		return c.fail(f)
	}

	bucket, f := c.open(u.to, u.access, u.region)
	if f == nil {
		f = bucket.prepare(ctx, u)
	}
	if f != nil {
		return c.fail(f)
	}

	r, failed, err := c.query(inner.sql)
	if err != nil {
		return err
	}
	if failed != nil {
		c.skip = true
		c.send(failed)
		return nil
	}

	if f := c.write(ctx, bucket, u, r, partly); f != nil {
		if ctx.Err() != nil || partly {
			f = cancelled(id)
		}
		return c.fail(f)
	}

	c.unloaded, c.lastQuery = int64(len(r.rows)), id
	send(&pgproto3.NoticeResponse{Severity: "INFO", Code: "00000", Message: fmt.Sprintf("UNLOAD completed, %d record(s) unloaded successfully.", len(r.rows))})
	send(&pgproto3.CommandComplete{CommandTag: []byte("UNLOAD")})
	return nil
}

// unloadable says why a query cannot be UNLOAD's.
func unloadable(inner *statement) *failure {
	code := solid(scan(inner.sql))
	switch {
	case inner.refused != nil:
		return inner.refused
	case inner.first != "SELECT" && inner.first != "WITH":
		return wrong("only SELECT queries are supported in UNLOAD")
	case outerLimit(code):
		return unsupported("Limit clause is not supported in the outermost SELECT of UNLOAD.")
	}

	return nil
}

// outerLimit reports whether the outermost query has a LIMIT.
func outerLimit(code []token) bool {
	depth := 0
	for _, t := range code {
		switch {
		case t.is("("):
			depth++
		case t.is(")"):
			depth--
		case depth == 0 && t.is("LIMIT"):
			return true
		}
	}

	return false
}

var errPartly = errors.New("cancelled after the first file")

// write writes the files of an UNLOAD, and its manifest last. A query without rows has neither.
func (c *session) write(ctx context.Context, b *bucket, u *unload, r *result, partly bool) *failure {
	s, f := schema(r.columns)
	if f != nil {
		return f
	}

	var written []entry
	files := &unloading{unload: u, slices: max(c.Slices, 1), rows: c.PartRows, empty: c.Empty, columns: r.columns, schema: s, open: map[int]*file{}, parts: map[int]int{}}
	files.put = func(f *file) error {
		if err := f.out.Close(); err != nil {
			return err
		}
		if err := b.put(ctx, f.name, f.body.Bytes(), u.key); err != nil {
			return err
		}
		written = append(written, entry{URL: "s3://" + b.name + "/" + f.name, Meta: &meta{Length: int64(f.body.Len()), Records: new(f.rows)}})
		if partly {
			return errPartly
		}
		return ctx.Err()
	}

	if err := files.all(b.prefix, r.rows); err != nil {
		return s3Failure(err)
	}
	if !u.manifest || len(written) == 0 {
		return nil
	}
	if err := b.put(ctx, b.prefix+"manifest", manifest(u.verbose, written, r.columns), u.key); err != nil {
		return s3Failure(err)
	}

	return nil
}

// unloading spreads rows over the files of an UNLOAD.
type unloading struct {
	unload  *unload
	slices  int
	rows    int // of a file, 0 without a limit
	empty   bool
	columns []column
	schema  *parquet.Schema
	open    map[int]*file // by slice
	parts   map[int]int   // begun by each slice
	put     func(*file) error
}

func (w *unloading) all(prefix string, rows [][][]byte) error {
	for i, row := range rows {
		slice := i % w.slices
		if w.unload.serial {
			slice = 0
		}

		f := w.open[slice]
		if f == nil {
			f = newFile(w.name(prefix, slice), w.schema)
			w.open[slice] = f
			w.parts[slice]++
		}
		if err := f.write(w.columns, row); err != nil {
			return err
		}
		if w.rows > 0 && f.rows >= int64(w.rows) || int64(f.body.Len()) >= w.unload.largest {
			delete(w.open, slice)
			if err := w.put(f); err != nil {
				return err
			}
		}
	}

	for slice := range w.slices {
		if w.empty && len(rows) > 0 && w.parts[slice] == 0 && !w.unload.serial {
			w.open[slice] = newFile(w.name(prefix, slice), w.schema)
		}
		if f := w.open[slice]; f != nil {
			if err := w.put(f); err != nil {
				return err
			}
		}
	}

	return nil
}

func (w *unloading) name(prefix string, slice int) string {
	if w.unload.serial {
		return fmt.Sprintf("%s%03d.parquet", prefix, w.parts[slice])
	}
	return fmt.Sprintf("%s%04d_part_%02d.parquet", prefix, slice, w.parts[slice])
}

// entry is a file in a manifest.
type entry struct {
	URL       string `json:"url"`
	Mandatory bool   `json:"mandatory,omitempty"`
	Meta      *meta  `json:"meta,omitempty"`
}

type meta struct {
	Length  int64  `json:"content_length"`
	Records *int64 `json:"record_count,omitempty"`
}

type element struct {
	Name string         `json:"name"`
	Type map[string]any `json:"type"`
}

// manifest is the manifest of an UNLOAD.
func manifest(verbose bool, written []entry, columns []column) []byte {
	var out struct {
		Entries []entry `json:"entries"`
		Schema  *struct {
			Elements []element `json:"elements"`
		} `json:"schema,omitempty"`
		Meta   *meta             `json:"meta,omitempty"`
		Author map[string]string `json:"author,omitempty"`
	}

	if verbose {
		out.Schema = new(struct {
			Elements []element `json:"elements"`
		})
		for _, c := range columns {
			out.Schema.Elements = append(out.Schema.Elements, element{Name: c.name, Type: c.dimensions()})
		}
		out.Meta = &meta{Records: new(int64)}
		out.Author = map[string]string{"name": "Amazon Redshift", "version": "1.0.0"}
	}
	for _, e := range written {
		if verbose {
			out.Meta.Length += e.Meta.Length
			*out.Meta.Records += *e.Meta.Records
		} else {
			e.Meta = &meta{Length: e.Meta.Length}
		}
		out.Entries = append(out.Entries, e)
	}

	text, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		panic(err) // texts and numbers
	}
	return append(text, '\n')
}

func (c *column) dimensions() map[string]any {
	out := map[string]any{"base": c.kind}
	switch {
	case c.precision > 0:
		out["precision"], out["scale"] = c.precision, c.scale
	case c.length > 0:
		out["max_length"] = c.length
	}

	return out
}
