package hindcast

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Column is one column of a table, a result or a Parquet file.
type Column struct {
	Name string `json:"name"`
	// Type is the column's type in DuckDB's spelling ("BIGINT", "DECIMAL(18,6)", "TIMESTAMP WITH TIME ZONE"),
	// the common tongue between warehouse, lake and engine.
	Type string `json:"type"`
	// Source is the warehouse's own spelling where it differs. Where Type is empty it names a type that hindcast cannot
	// carry: such a column can be left alone, not unloaded.
	Source string `json:"source,omitempty"`
	// Stored is the type in the Parquet file where Parquet cannot carry Type by itself; a reader casts it
	// back to Type. INTERVAL, for one, is stored as VARCHAR because Parquet would lose its microseconds.
	Stored string `json:"stored,omitempty"`
	// Text says that the column is carried as the exact text of its values, as the pipeline asks: Type is VARCHAR then,
	// and Source the type that it has in the warehouse. NoText says of a source's column that its type has none.
	Text   bool `json:"text,omitempty"`
	NoText bool `json:"no_text,omitempty"`
	// Absent says of a source's column that it is not unloaded, because nothing reads it: the SQL sees its name and type,
	// and fails where it reads it after all.
	Absent bool `json:"absent,omitempty"`
	// Folder says of a column of the user's files that its value stands in the names of folders below this one,
	// column=value, and not in the files.
	Folder string `json:"folder,omitempty"`
	// Refused says why a column of the user's files that has no Type cannot be read exactly, and Mend what helps.
	Refused string `json:"refused,omitempty"`
	Mend    string `json:"mend,omitempty"`
	// NotNull, Default and Generated matter for a target's columns only.
	NotNull   bool `json:"not_null,omitempty"`
	Default   bool `json:"default,omitempty"`
	Generated bool `json:"generated,omitempty"`
}

// Present are the columns that are not Absent.
func Present(columns []Column) []Column {
	return slices.DeleteFunc(slices.Clone(columns), func(c Column) bool { return c.Absent })
}

// IsTime reports whether a column of this type can place a row in a slice.
func IsTime(typ string) bool {
	return typ == "DATE" || strings.HasPrefix(typ, "TIMESTAMP") && !strings.HasSuffix(typ, "]") // nor a list of them
}

// File is one Parquet file that a step wrote.
type File struct {
	Path   string `json:"path"` // key below the lake's root; absolute for files that the user owns
	Rows   int64  `json:"rows"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256,omitempty"`
	// CRC32C are checksums of the file's footer and of the bytes of each top-level column, in the schema's order: 8
	// hexadecimal digits each. What is read of the file is compared with them. Of a file of the user's own it is one of
	// all bytes, in the record of what a result was made of.
	CRC32C string `json:"crc32c,omitempty"`
	ETag   string `json:"etag,omitempty"` // of its object, in a lake that is no folder
	// Modified is when a file of the user's own was last written, in nanoseconds since 1970.
	Modified int64 `json:"modified,omitempty"`
}

// Layout is files of the user's own that have the same columns, of the same types.
type Layout struct {
	Columns []string `json:"columns"`         // names of all that the files have
	Files   []string `json:"files,omitempty"` // paths; none means all of a unit that has this layout only
}

// Filled gives each layout its files: all of them where there is one layout only.
func Filled(layouts []Layout, files []File) []Layout {
	if len(layouts) != 1 || len(layouts[0].Files) > 0 {
		return layouts
	}
	paths := make([]string, len(files))
	for i, f := range files {
		paths[i] = f.Path
	}
	return []Layout{{Columns: layouts[0].Columns, Files: paths}}
}

// Sums are the control totals of a set of rows: what two places must agree on to hold the same rows.
type Sums struct {
	Rows int64 `json:"rows"`
	// Content changes when any value of any row does, and not with the rows' order: a hash, say. What stands before a
	// colon says how it was made; empty is not known, as where values were only counted and summed.
	Content string `json:"content"`
	// Totals holds the exact sum of each exact numeric column, as decimal text; a column of NULLs has none.
	Totals map[string]string `json:"totals,omitempty"`
}

// Agrees reports whether both are of the same rows, as far as both can tell: by their Content, where both have one that
// was made in the same way, or else by their Totals.
func (s Sums) Agrees(o Sums) bool {
	kind := func(content string) string {
		before, _, found := strings.Cut(content, ":")
		if !found {
			return ""
		}
		return before
	}
	switch {
	case s.Rows != o.Rows || s.Rows == 0:
		return s.Rows == o.Rows
	case s.Content != "" && o.Content != "" && kind(s.Content) == kind(o.Content):
		return s.Content == o.Content
	}
	return maps.Equal(s.Totals, o.Totals)
}

// Manifest is the list of what a step wrote. It is written and fsynced last: a step without a manifest did
// not happen.
type Manifest struct {
	Name       string    `json:"name"`              // the fact's, the dimension's, or "result"
	Key        string    `json:"key"`               // the unit's or slice's key; "all" for a dimension
	Interval   Interval  `json:"interval"`          // zero for a dimension
	Source     string    `json:"source,omitempty"`  // the table or glob that it came from
	Time       string    `json:"time,omitempty"`    // the fact's time column that cut it
	Generation int       `json:"generation"`        // counts from 1; a refresh is a new one under a new path
	Run        string    `json:"run,omitempty"`     // who wrote it
	Fence      int64     `json:"fence,omitempty"`   //
	Attempt    int       `json:"attempt,omitempty"` //
	Missing    bool      `json:"missing,omitempty"` // the table was not there and the pipeline says `missing: empty`
	Columns    []Column  `json:"columns"`
	Files      []File    `json:"files"`
	Layouts    []Layout  `json:"layouts,omitempty"` // of the user's own files
	Bytes      int64     `json:"bytes"`
	Sums       Sums      `json:"sums"`
	Mark       *Mark     `json:"mark,omitempty"` // of the source, as it was right before the unload
	Seconds    float64   `json:"seconds"`        // how long the step took
	CreatedAt  time.Time `json:"created_at"`
}

// Mark is what a warehouse counts of the changes to a table: another mark is another state of it, as far as the warehouse
// noticed. Its counters may be a little behind.
type Mark struct {
	Inserted int64  `json:"inserted"` // rows, since the counters began
	Updated  int64  `json:"updated"`
	Deleted  int64  `json:"deleted"`
	Stored   string `json:"stored,omitempty"` // changes where all rows are written elsewhere: TRUNCATE, VACUUM FULL
}

// WholeKey is the key of a dimension's manifest: it is unloaded whole.
const WholeKey = "all"
