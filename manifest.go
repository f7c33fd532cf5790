package hindcast

import (
	"iter"
	"maps"
	"slices"
	"strings"
	"time"
)

// Column is one column of a table, a result or a Parquet file.
type Column struct {
	Name string `json:"name"`
	// Type is the column's type in DuckDB's spelling ("BIGINT", "DECIMAL(18,6)", "TIMESTAMP WITH TIME ZONE"), the
	// common language of warehouse, lake and engine.
	Type string `json:"type"`
	// Source is the warehouse's own spelling if it differs. If Type is empty, Source names a type that hindcast cannot
	// carry: such a column can be ignored, but not unloaded.
	Source string `json:"source,omitempty"`
	// Stored is the type in the Parquet file if Parquet cannot carry Type itself; a reader casts it back to Type.
	// INTERVAL, for example, is stored as VARCHAR because Parquet would lose its microseconds.
	Stored string `json:"stored,omitempty"`
	// Text says that the column is carried as the exact text of its values, as the pipeline asks: then Type is VARCHAR,
	// and Source its type in the warehouse. NoText says that a source column's type has no such text.
	Text   bool `json:"text,omitempty"`
	NoText bool `json:"no_text,omitempty"`
	// Absent says that a source column is not unloaded, because nothing reads it: the SQL sees its name and type, and
	// fails if it reads it after all.
	Absent bool `json:"absent,omitempty"`
	// Blank says of an Absent column that the engine reads it along although no result depends on its values: it is NULL.
	Blank bool `json:"blank,omitempty"`
	// Folder says that the value of a column of the user's files comes from the names of folders below this one,
	// column=value, and not from the files.
	Folder string `json:"folder,omitempty"`
	// Refused says why a column of the user's files that has no Type cannot be read exactly, and Mend what helps.
	Refused string `json:"refused,omitempty"`
	Mend    string `json:"mend,omitempty"`
	// Format says how a column holds times, if it is one that a fact or a target is cut by and is no DATE or TIMESTAMP.
	Format TimeFormat `json:"time_format,omitempty"`
	// Collation is what a text column of the warehouse is ordered by where that is not the database's own, and not by bytes.
	Collation string `json:"collation,omitempty"`
	// Declared says, of a column of a fact as the SQL sees it, that the pipeline declares what it is in all sources.
	Declared *Declared `json:"declared,omitempty"`
	// NotNull, Default and Generated matter for a target's columns only.
	NotNull   bool `json:"not_null,omitempty"`
	Default   bool `json:"default,omitempty"`
	Generated bool `json:"generated,omitempty"`
}

// Present are the columns that are not Absent.
func Present(columns []Column) []Column {
	return slices.DeleteFunc(slices.Clone(columns), func(c Column) bool { return c.Absent })
}

// Names are the column's, and those that it had.
func (c Column) Names() []string {
	if c.Declared == nil {
		return []string{c.Name}
	}
	return append([]string{c.Name}, c.Declared.Was...)
}

// Fill is the column's value, as text, where a source does not have it; nil for NULL.
func (c Column) Fill() *string {
	if c.Declared == nil {
		return nil
	}
	return c.Declared.Fill
}

// In finds the column among those of a source, by its name or one that it had; -1 if it is not there.
func (c Column) In(columns []Column) int {
	for _, name := range c.Names() {
		if i := slices.IndexFunc(columns, func(o Column) bool { return strings.EqualFold(o.Name, name) }); i >= 0 {
			return i
		}
	}
	return -1
}

// Spelled returns a column's name as the columns spell it, whose case may differ; the name itself if there is none.
func Spelled(columns []Column, name string) string {
	found := name
	for _, c := range columns {
		if c.Name == name {
			return name
		}
		if strings.EqualFold(c.Name, name) {
			found = c.Name
		}
	}
	return found
}

// IsTime reports whether a column of this type can assign a row to a slice.
func IsTime(typ string) bool {
	return typ == "DATE" || strings.HasPrefix(typ, "TIMESTAMP") && !strings.HasSuffix(typ, "]") // but not a list of them
}

// File is one Parquet file that a step wrote.
type File struct {
	Path   string `json:"path"` // key below the lake's root; absolute for files that the user owns
	Rows   int64  `json:"rows"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256,omitempty"`
	// CRC32C are checksums of the file's footer and of the bytes of each top-level column, in the schema's order: 8
	// hexadecimal digits each. What is read from the file is compared with them. For the user's own files it is one
	// checksum of all bytes, in the record of what a result was made from.
	CRC32C string `json:"crc32c,omitempty"`
	ETag   string `json:"etag,omitempty"` // of its object, in a remote lake
	// Modified is when one of the user's own files was last written, in nanoseconds since 1970.
	Modified int64 `json:"modified,omitempty"`
}

// Layout is a set of the user's own files that have the same columns with the same types.
type Layout struct {
	Columns []string `json:"columns"`         // names of all the files' columns
	Files   []string `json:"files,omitempty"` // paths; none means all of a unit with a single layout
}

// Filled gives each layout its files: all files to a single layout.
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

// Sums are the control totals of a set of rows: if two sets hold the same rows, their sums agree.
type Sums struct {
	Rows int64 `json:"rows"`
	// Content changes whenever any value of any row does, but not with the rows' order: a hash, for example. The prefix
	// up to a colon says how it was computed; empty means unknown, because values were only counted and summed. Where it is not
	// of the values themselves, what follows an @ lists the places that have them, apart by commas, or more places than those.
	Content string `json:"content"`
	// Totals holds the exact sum of each exact numeric column, as decimal text; a column of NULLs has none.
	Totals map[string]string `json:"totals,omitempty"`
}

// Agrees reports whether both describe the same rows, as far as both can show: by their Content if both computed it in
// the same way, and otherwise by their Totals.
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
		return sameContent(s.Content, o.Content)
	}

	return maps.Equal(s.Totals, o.Totals)
}

// sameContent compares what was computed in the same way. One that does not list where its values are says nothing of that.
func sameContent(a, b string) bool {
	a, few, listed := strings.Cut(a, "@")
	b, many, other := strings.Cut(b, "@")
	if a != b || !listed || !other {
		return a == b
	}

	if len(few) > len(many) {
		few, many = many, few
	}
	all := strings.Split(many, ",")
	return !slices.ContainsFunc(strings.Split(few, ","), func(place string) bool { return !slices.Contains(all, place) })
}

// Manifest lists what a step wrote. It is written and fsynced last: a step without a manifest did not happen.
type Manifest struct {
	Name       string   `json:"name"`               // the fact's, the dimension's, or "result"
	Output     string   `json:"output,omitempty"`   // of a result: the output's name, where there are several
	Target     string   `json:"target,omitempty"`   // of a result that the lake keeps: the table that its rows are committed in
	Key        string   `json:"key"`                // the unit's or slice's key; "all" for a dimension
	Interval   Interval `json:"interval"`           // zero for a dimension
	Source     string   `json:"source,omitempty"`   // the table or glob that it came from
	Database   string   `json:"database,omitempty"` // that the table is in, as the warehouse identifies it; "" of a manifest that does not say it
	Time       string   `json:"time,omitempty"`     // the fact's time column that cut it
	Generation int      `json:"generation"`         // counts from 1; a refresh is a new one under a new path
	Run        string   `json:"run,omitempty"`      // who wrote it
	Fence      int64    `json:"fence,omitempty"`    //
	Attempt    int      `json:"attempt,omitempty"`  //
	Missing    bool     `json:"missing,omitempty"`  // the table did not exist and the pipeline says `missing: empty`
	Columns    []Column `json:"columns"`
	Files      []File   `json:"files"`
	Layouts    []Layout `json:"layouts,omitempty"` // of the user's own files
	Bytes      int64    `json:"bytes"`
	Sums       Sums     `json:"sums"`
	// Facts are what holds for all values of columns, by name, where the unload was asked for it. A column that is not there is unknown.
	Facts     map[string]Facts `json:"facts,omitempty"`
	Mark      *Mark            `json:"mark,omitempty"`   // of the source, just before the unload
	Strays    *Strays          `json:"strays,omitempty"` // of the source, where they were counted
	Seconds   float64          `json:"seconds"`          // how long the step took
	CreatedAt time.Time        `json:"created_at"`
	// Access stands for what decides, beside the database, which rows were read: see plan.Plan. "" of a manifest that does not say it.
	Access string `json:"access,omitempty"`
	// Shared says whose unload it was, if it was another pipeline's: this one has its files too. CreatedAt and Seconds are that unload's.
	Shared *Shared `json:"shared,omitempty"`
	// Made says, of a result that is published later than it was staged, what it was made from.
	Made *Made `json:"made,omitempty"`
}

// Shared is a generation of another pipeline of the lake.
type Shared struct {
	Pipeline   string    `json:"pipeline"`
	Fact       string    `json:"fact"` // as that pipeline names it
	Generation int       `json:"generation"`
	Run        string    `json:"run"`
	Unloaded   time.Time `json:"unloaded"`
}

// Who is the run that unloaded it, as people read it.
func (s *Shared) Who() string { return "run " + s.Run + " of " + s.Pipeline }

// Made is what a result was made from, for its status row.
type Made struct {
	Fingerprint string `json:"fingerprint"`
	Parts       Parts  `json:"parts"`
}

// KeptResults are what the lake keeps of what is committed in a target: the result of each slice, in the order of time.
type KeptResults struct {
	Name   string // of the table that they are shown as
	Target string
	Slices iter.Seq[*Manifest]
}

// Mark is a warehouse's count of the changes to a table: a different mark means a different state, as far as the
// warehouse noticed. Its counters may lag slightly.
type Mark struct {
	Inserted int64  `json:"inserted"` // rows, since the counters began
	Updated  int64  `json:"updated"`
	Deleted  int64  `json:"deleted"`
	Stored   string `json:"stored,omitempty"` // changes when all rows are rewritten elsewhere: TRUNCATE, VACUUM FULL
}

// Strays counts the rows of a source that no slice takes.
type Strays struct {
	Within  Interval `json:"within"`            // the times whose rows slices take
	NoTime  int64    `json:"no_time,omitempty"` // rows whose time is NULL
	Outside int64    `json:"outside,omitempty"` // rows whose time is not within
}

// None reports whether slices take all rows.
func (s Strays) None() bool { return s.NoTime == 0 && s.Outside == 0 }

// Stray says which source of which fact has rows that no slice takes.
type Stray struct {
	Fact     string `json:"fact"`
	Source   string `json:"source"` // the table, or the glob of the user's files
	Time     string `json:"time"`   // the fact's time column
	Strays          //
	Estimate bool   `json:"estimate,omitempty"` // by statistics
}

// WholeKey is the key of a dimension's manifest: it is unloaded whole.
const WholeKey = "all"
