//go:build unix

package redshifttest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// loadError is a row of STL_LOAD_ERRORS.
type loadError struct {
	query                             int64
	pid                               uint32
	table, file, column, kind, length string
	code                              int
	reason                            string
}

// block is the detail of an error inside the cluster, in the shape that Redshift gives it.
func block(title string, code int, context string, query int64, location string) *failure {
	line := "-----------------------------------------------"
	return &failure{code: "XX000", message: title, detail: fmt.Sprintf("\n  %s\n  error:  %s\n  code:      %d\n  context:   %s\n  query:     %d\n  location:  %s\n"+
		"  process:   padbmaster [pid=17049]\n  %s\n", line, title, code, context, query, location, line)}
}

// loading is a COPY that runs.
type loading struct {
	*session
	load    *load
	bucket  *bucket
	query   int64
	table   string // its oid
	columns []column
	loaded  int64
}

// load carries a COPY out.
func (c *session) load(l *load, send func(pgproto3.BackendMessage)) error {
	ctx, done := c.running()
	defer done()
	w := &loading{session: c, load: l, query: c.queries.Add(1)}
	f, failed, err := w.all(ctx)
	if err != nil {
		return err
	}
	c.copied, c.copyQuery = 0, w.query
	if ctx.Err() != nil {
		f = cancelled(w.query)
	}
	if f != nil {
		return c.fail(f)
	}
	if failed != nil {
		c.skip = true
		c.send(failed)
		return nil
	}

	c.copied = w.loaded
	name := l.table[strings.LastIndex(l.table, ".")+1:]
	send(&pgproto3.NoticeResponse{Severity: "INFO", Code: "00000", Message: fmt.Sprintf("Load into table '%s' completed, %d record(s) loaded successfully.", name, w.loaded)})
	send(&pgproto3.CommandComplete{CommandTag: []byte("COPY")})
	return nil
}

// all reads the files and loads their rows by one COPY of PostgreSQL.
func (w *loading) all(ctx context.Context) (*failure, *pgproto3.ErrorResponse, error) {
	if failed, err := w.describe(); failed != nil || err != nil {
		return nil, failed, err
	}
	b, f := w.open(w.load.from, w.load.access, w.load.region)
	if f != nil {
		return f, nil, nil
	}

	w.bucket = b
	files, f := w.files(ctx)
	if f != nil {
		return f, nil, nil
	}

	var rows bytes.Buffer
	for _, file := range files {
		if f := w.read(ctx, file, &rows); f != nil {
			return f, nil, nil
		}
	}

	failed, err := w.insert(&rows)
	return nil, failed, err
}

// describe asks for the columns of the table, in the order of the statement.
func (w *loading) describe() (*pgproto3.ErrorResponse, error) {
	rows, failed, err := w.run("SELECT attrelid, attname, atttypid, atttypmod FROM pg_catalog.pg_attribute WHERE attrelid = " + literal(w.load.table) +
		"::pg_catalog.regclass AND attnum > 0 AND NOT attisdropped AND attidentity = '' ORDER BY attnum")
	if failed != nil || err != nil {
		return failed, err
	}

	byName := map[string]column{}
	for _, row := range rows {
		oid, _ := strconv.ParseUint(string(row[2]), 10, 32)
		typmod, _ := strconv.ParseInt(string(row[3]), 10, 32)
		number := uint32(oid)
		if theirs, ours := w.oids[number]; ours {
			number = theirs
		}
		c := newColumn(string(row[1]), number, int32(typmod))
		w.table, byName[c.name] = string(row[0]), c
		if len(w.load.columns) == 0 {
			w.columns = append(w.columns, c)
		}
	}

	for _, name := range w.load.columns {
		c, known := byName[name]
		if !known {
			return (&failure{code: "42703", message: fmt.Sprintf("column %q of relation %q does not exist", name, w.load.table)}).response(), nil
		}
		w.columns = append(w.columns, c)
	}

	return nil, nil
}

// files are the objects to load, by the manifest or by their prefix.
func (w *loading) files(ctx context.Context) (files []entry, f *failure) {
	if w.load.manifest {
		return w.listed(ctx)
	}

	keys, err := w.bucket.list(ctx)
	if err != nil {
		return nil, s3Failure(err)
	}
	for _, key := range keys {
		name := path.Base(key)
		if strings.HasSuffix(key, "/") || strings.HasPrefix(name, "_") || strings.HasPrefix(name, ".") {
			continue // Spectrum takes them for hidden
		}
		files = append(files, entry{URL: "s3://" + w.bucket.name + "/" + key})
	}
	if len(files) == 0 {
		return nil, block(fmt.Sprintf("The specified S3 prefix '%s' does not exist", w.bucket.prefix), 8001, "", w.query, "s3_utility.cpp:671")
	}

	return files, nil
}

// listed are the objects that a manifest lists and that exist.
func (w *loading) listed(ctx context.Context) (files []entry, f *failure) {
	body, err := w.bucket.get(ctx, w.bucket.prefix)
	if err != nil {
		return nil, block("Problem reading manifest file - "+s3Failure(err).message, 8001, w.load.from, w.query, "s3_utility.cpp:329")
	}

	var list struct{ Entries []entry }
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, block("Manifest file is not in correct json format", 8001, err.Error(), w.query, "s3_utility.cpp:329")
	}

	for _, e := range list.Entries {
		if e.Meta == nil {
			return nil, block("File entry does not have 'meta' key.", 15003, "", w.query, "spectrum_manifest.cpp:204")
		}
		at := w.bucket.at(e.URL)
		size, err := at.size(ctx, at.prefix)
		switch {
		case errors.Is(err, errMissing) && e.Mandatory:
			return nil, block("Mandatory url is not present in manifest file.", 8001, e.URL, w.query, "s3_utility.cpp:347")
		case errors.Is(err, errMissing):
			continue
		case err != nil:
			return nil, s3Failure(err)
		case size != e.Meta.Length:
			return nil, w.broken(ctx, e, nil, fmt.Sprintf("File '%s' has %d bytes and content_length %d.", e.URL, size, e.Meta.Length))
		}
		files = append(files, e)
	}
	if len(files) == 0 {
		return nil, block("Manifest file contained no files that exist", 8001, w.load.from, w.query, "s3_utility.cpp:347")
	}

	return files, nil
}

// read appends the rows of a file as PostgreSQL's COPY reads them.
func (w *loading) read(ctx context.Context, e entry, rows *bytes.Buffer) *failure {
	at := w.bucket.at(e.URL)
	body, err := at.get(ctx, at.prefix)
	if err != nil {
		return s3Failure(err)
	}
	if !magic(body) {
		return w.broken(ctx, e, nil, fmt.Sprintf("File '%s' has an invalid version number.", e.URL))
	}

	in, err := parquet.OpenFile(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		return w.broken(ctx, e, nil, fmt.Sprintf("File '%s': %s", e.URL, err))
	}
	elements := top(in.Metadata().Schema)
	if len(elements) > len(w.columns) || len(elements) < len(w.columns) && !w.load.fill {
		return w.broken(ctx, e, nil, fmt.Sprintf("Unmatched number of columns between table and file. Table columns: %d, Data columns: %d, File name: %s",
			len(w.columns), len(elements), e.URL))
	}

	for i, element := range elements {
		if f := w.check(ctx, e, &w.columns[i], &element, i); f != nil {
			return f
		}
	}

	return w.values(ctx, e, in, len(elements), rows)
}

// check compares a file's column with the table's.
func (w *loading) check(ctx context.Context, e entry, c *column, element *format.SchemaElement, index int) *failure {
	switch nested := element.NumChildren.Valid && element.NumChildren.V > 0; {
	case c.oid == oidSuper && !w.load.serialize:
		return w.broken(ctx, e, c, "SUPER column in COPY query requires SERIALIZETOJSON option")
	case nested:
		return notHere("COPY of nested columns")
	case !c.fits(element):
		return w.broken(ctx, e, c, fmt.Sprintf("File '%s' has an incompatible Parquet schema for column '%s.%s'. Column type: %s, Parquet schema: %s",
			e.URL, w.load.table, c.name, c.declared(), described(element, index)))
	}

	return nil
}

// broken is an error that the system views show too.
func (w *loading) broken(ctx context.Context, e entry, c *column, reason string) *failure {
	const code = 15007
	row := &loadError{query: w.query, pid: w.pid, table: w.table, file: e.URL, code: code, reason: reason}
	if c != nil {
		row.column, row.kind = c.name, c.kind
		if c.length > 0 {
			row.length = strconv.Itoa(c.length)
		}
	}
	if err := w.loadError(ctx, row); err != nil {
		reason += " (" + err.Error() + ")"
	}

	return block("Spectrum Scan Error", code, reason, w.query, "dory_util.cpp:1450")
}

// top are the columns of a file, without the root and what lies below them.
func top(all []format.SchemaElement) (out []format.SchemaElement) {
	var pass func(i int) int
	pass = func(i int) int {
		next := i + 1
		for range all[i].NumChildren.V {
			next = pass(next)
		}
		return next
	}

	for i := 1; i < len(all); i = pass(i) {
		out = append(out, all[i])
	}

	return out
}

// values appends the values of a file.
func (w *loading) values(ctx context.Context, e entry, in *parquet.File, columns int, rows *bytes.Buffer) *failure {
	reader := parquet.NewReader(in)
	defer func() { _ = reader.Close() }()
	batch := make([]parquet.Row, 256)
	for {
		n, err := reader.ReadRows(batch)
		for _, row := range batch[:n] {
			if f := w.line(ctx, e, row, columns, rows); f != nil {
				return f
			}
			w.loaded++
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return w.broken(ctx, e, nil, fmt.Sprintf("File '%s': %s", e.URL, err))
		}
	}
}

var copyEscapes = strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`, "\t", `\t`)

// line appends one row.
func (w *loading) line(ctx context.Context, e entry, row parquet.Row, columns int, rows *bytes.Buffer) *failure {
	for i := range w.columns {
		if i > 0 {
			rows.WriteByte('\t')
		}
		if i >= columns || row[i].IsNull() {
			rows.WriteString(`\N`)
			continue
		}

		c := &w.columns[i]
		value, err := c.text(row[i])
		switch {
		case err != nil:
			return w.broken(ctx, e, c, fmt.Sprintf("File '%s', column %s: %s", e.URL, c.name, err))
		case c.length > 0 && len(value) > c.length: // bytes, as Redshift counts them
			return w.broken(ctx, e, c, fmt.Sprintf("The length of the data column %s is longer than the length defined in the table. Table: %d, Data: %d, File name: %s",
				c.name, c.length, len(value), e.URL))
		}
		if c.oid == oidSuper {
			text, err := json.Marshal(value) // a scalar; JSON_PARSE makes more of it
			if err != nil {
				return w.broken(ctx, e, c, err.Error())
			}
			value = string(text)
		}
		_, _ = copyEscapes.WriteString(rows, value)
	}

	rows.WriteByte('\n')
	return nil
}

// insert loads the rows in the client's transaction.
func (w *loading) insert(rows *bytes.Buffer) (failed *pgproto3.ErrorResponse, err error) {
	names := make([]string, len(w.columns))
	for i, c := range w.columns {
		names[i] = `"` + strings.ReplaceAll(c.name, `"`, `""`) + `"`
	}

	w.server.Send(&pgproto3.Query{String: "COPY " + w.load.table + " (" + strings.Join(names, ", ") + ") FROM STDIN"})
	sent := false
	err = w.converse(func(message pgproto3.BackendMessage) error {
		switch m := message.(type) {
		case *pgproto3.CopyInResponse:
			sent = true
			for part := rows.Next(1 << 16); len(part) > 0; part = rows.Next(1 << 16) {
				w.server.Send(&pgproto3.CopyData{Data: part})
				if err := w.server.Flush(); err != nil {
					return err
				}
			}
			w.server.Send(&pgproto3.CopyDone{})
			return w.server.Flush()
		case *pgproto3.ErrorResponse:
			failed = new(*m)
		case *pgproto3.CommandComplete:
			if !sent {
				return errClosed
			}
		}
		return nil
	})
	return failed, err
}
