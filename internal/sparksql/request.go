package sparksql

import (
	"cmp"
	"fmt"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/sqltext"
)

// Request is what a session is asked for, in the words of hindcast_session.py.
type Request struct {
	Kind   string            `json:"kind"` // KindBind, KindRun or KindQuery
	Tag    string            `json:"tag,omitempty"`
	End    string            `json:"end"` // the file that its end is written to
	Conf   map[string]string `json:"conf"`
	Tables []Table           `json:"tables"`
	SQL    string            `json:"sql"`
	Now    string            `json:"now,omitempty"`   // what functions of time give; Spark's own time if it is empty
	Named  string            `json:"named,omitempty"` // the SQL that gives the columns their names, where it is another
	Checks []Check           `json:"checks"`
	Limit  int               `json:"limit"`
	Keep   float64           `json:"keep,omitempty"` // seconds that the session stays after this, if it is one that is kept

	// Of a run.
	Dir     string   `json:"dir"`
	Result  []column `json:"result,omitempty"`
	Schema  string   `json:"schema"`         // of the result's files
	Outside string   `json:"outside"`        // the condition of rows that do not lie in the slice
	Drop    bool     `json:"drop,omitempty"` // those rows, in place of failing
	NullKey string   `json:"null_key"`
	Keys    string   `json:"keys"`
	Brief   *brief   `json:"brief,omitempty"`
}

// The kinds of requests.
const (
	KindBind  = "bind"
	KindRun   = "run"
	KindQuery = "query"
)

// Table is a fact or dimension.
type Table struct {
	Name      string   `json:"name"`
	Fact      bool     `json:"fact,omitempty"`
	Count     bool     `json:"count,omitempty"`
	Broadcast bool     `json:"broadcast,omitempty"`
	Sample    float64  `json:"sample,omitempty"` // of a fact's rows, in per cent
	Window    string   `json:"window"`           // the condition of the rows that the SQL sees, or ""
	Own       string   `json:"own"`              // and of those that the checks see
	Time      string   `json:"time,omitempty"`
	Types     string   `json:"types"`  // of its columns
	Schema    string   `json:"schema"` // of no rows, where there are no files
	Columns   []given  `json:"columns"`
	Sources   []source `json:"sources"`
}

// source is files that are read alike.
type source struct {
	Files   []string `json:"files"`
	Schema  *string  `json:"schema"` // nil leaves it to the files
	Columns []given  `json:"columns"`
	Via     string   `json:"via,omitempty"` // types that columns are made of their files' before they are made of the table's
}

// given is where a column of a table is from.
type given struct {
	Name  string `json:"name"`
	Of    string `json:"of,omitempty"`    // the column of the files
	Value string `json:"value,omitempty"` // an expression of the column's type, in place of it
}

// column is the result's.
type column struct {
	Name   string `json:"name"`
	Type   string `json:"type"`             // in the plan
	Misfit string `json:"misfit,omitempty"` // the condition of values that only Spark's type holds
}

// Check is one of a slice's, as a session is asked for it.
type Check struct {
	Kind   string `json:"kind"` // rows, total, or sql: rows that should not be there
	SQL    string `json:"sql,omitempty"`
	Within string `json:"within,omitempty"` // by how much a total may differ
	Min    *int64 `json:"min,omitempty"`
	Max    *int64 `json:"max,omitempty"`
}

// brief is what is written with a run's end of the work that it was: enough for a process that did not start it to tell
// the end. No SQL is in it, which may hold a parameter that is a secret.
type brief struct {
	Columns []hindcast.Column `json:"columns"`
	Target  hindcast.Target   `json:"target"`
	Checks  []engine.Check    `json:"checks"`
}

func briefOf(work engine.Work) *brief {
	b := &brief{Columns: work.Columns, Target: work.Target}
	for _, c := range work.Checks {
		c.SQL = ""
		if c.Total != nil {
			total := *c.Total
			total.Equals = ""
			c.Total = &total
		}
		b.Checks = append(b.Checks, c)
	}
	return b
}

// fixed are settings of every session, on every version: without them values change without a word.
var fixed = map[string]string{
	"spark.sql.ansi.enabled":                               "true",
	"spark.sql.ansi.doubleQuotedIdentifiers":               "true",
	"spark.sql.timestampType":                              "TIMESTAMP_NTZ",
	"spark.sql.parquet.outputTimestampType":                "TIMESTAMP_MICROS",
	"spark.sql.parquet.datetimeRebaseModeInRead":           "CORRECTED",
	"spark.sql.parquet.datetimeRebaseModeInWrite":          "CORRECTED",
	"spark.sql.parquet.int96RebaseModeInRead":              "CORRECTED",
	"spark.sql.parquet.int96RebaseModeInWrite":             "CORRECTED",
	"spark.sql.parquet.compression.codec":                  "snappy",
	"spark.sql.parquet.writeLegacyFormat":                  "false",
	"spark.sql.parquet.inferTimestampNTZ.enabled":          "true",
	"spark.sql.caseSensitive":                              "false",
	"spark.sql.runSQLOnFiles":                              "false",
	"spark.sql.files.ignoreCorruptFiles":                   "false",
	"spark.sql.files.ignoreMissingFiles":                   "false",
	"spark.sql.legacy.timeParserPolicy":                    "EXCEPTION",
	"spark.sql.legacy.ctePrecedencePolicy":                 "CORRECTED", // 4.0's own
	"spark.sql.storeAssignmentPolicy":                      "ANSI",
	"spark.sql.debug.maxToStringFields":                    "100000",
	"spark.sql.maxMetadataStringLength":                    "100000",
	"spark.sql.parser.quotedRegexColumnNames":              "false",
	"spark.sql.parser.escapedStringLiterals":               "false",
	"spark.sql.variable.substitute":                        "false",
	"spark.sql.timeType.enabled":                           "false",
	"spark.sql.legacy.charVarcharAsString":                 "false",
	"spark.sql.parquet.enableNestedColumnVectorizedReader": "true",
	"spark.sql.parquet.aggregatePushdown":                  "false",
	// Conditions on fields of structs are not left to Parquet's readers, which do not find NaN and -0: see unfiltered in hindcast_tables.py.
	"spark.sql.optimizer.nestedPredicatePushdown.supportedFileSources": "",
}

// Conf are the settings of every session, with the time zone.
func Conf(zone string) map[string]string {
	all := map[string]string{"spark.sql.session.timeZone": "UTC"}
	if zone != "" {
		all["spark.sql.session.timeZone"] = zone
	}
	for key, value := range fixed {
		all[key] = value
	}
	return all
}

// shuffled is how many bytes of a slice's files one partition of a shuffle should have.
const shuffled = 32 << 20

const partitions = "spark.sql.shuffle.partitions"

// sized adds how many partitions a shuffle has: Spark's own 200 cost a small slice more than all else, and Spark joins them
// to fewer only after it has written them.
func sized(all map[string]string, work engine.Work, s hindcast.Spark) map[string]string {
	for name := range s.Conf {
		if strings.EqualFold(name, partitions) {
			return all // the user's, which every session has
		}
	}
	var bytes int64
	for _, t := range work.Query.Tables {
		bytes += bytesOf(t)
	}
	all[partitions] = strconv.FormatInt(max(2*int64(max(work.Limits.Threads, 1)), bytes/shuffled), 10)
	return all
}

// Tables are a query's, as Request has them.
func Tables(q engine.Query) []Table { return tables(q, false, false) }

// tables are a query's, over files or, to bind it, over none. used marks every column, so that the plan shows which are read.
func tables(q engine.Query, empty, used bool) []Table {
	list := make([]Table, len(q.Tables))
	for i, t := range q.Tables {
		list[i] = tableOf(t, q.TimeZone, empty, used)
	}
	return list
}

func tableOf(t engine.Table, zone string, empty, used bool) Table {
	out := Table{Name: t.Name, Fact: !t.Own.End.IsZero(), Count: t.Count, Sample: t.Sample, Time: t.Time, Types: typesOf(t.Columns), Schema: schemaOf(t.Columns), Sources: []source{}}
	out.Columns, _ = columnsFrom(t.Name, t.Columns, t.Columns, used)
	if c, found := columnOf(t.Columns, t.Time); found && t.Time != "" && !used {
		out.Time, out.Window, out.Own = c.Name, within(c, t.Window, zone), within(c, t.Own, zone)
	}
	if empty {
		return out
	}

	switch {
	case len(t.Groups) > 0:
		for _, g := range t.Groups {
			if len(g.Files) > 0 {
				out.Sources = append(out.Sources, lakeFiles(t, g.Columns, g.Files))
			}
		}
	case len(t.Layouts) > 0:
		out.Sources = layouts(t)
	case len(t.Files) > 0:
		out.Sources = append(out.Sources, lakeFiles(t, t.Columns, t.Files))
	}
	return out
}

// lakeFiles are files that hindcast wrote, with these columns.
func lakeFiles(t engine.Table, columns []hindcast.Column, files []string) source {
	schema := schemaOf(columns)
	s := source{Files: files, Schema: &schema}
	s.Columns, s.Via = columnsFrom(t.Name, t.Columns, columns, false)
	return s
}

// typesOf are the types of a table's columns, as the SQL sees them.
func typesOf(columns []hindcast.Column) string {
	list := make([]string, len(columns))
	for i, c := range columns {
		is, ok := see(c.Type)
		if !ok {
			is.view = "string"
		}
		list[i] = quote(c.Name) + " " + is.view
	}
	return strings.Join(list, ", ")
}

// schemaOf is what to read of files that hindcast wrote: the columns that are in them and that Spark can read.
func schemaOf(columns []hindcast.Column) string {
	var list []string
	for _, c := range columns {
		if is, ok := seen(c); ok && !c.Absent && !c.Blank {
			list = append(list, quote(c.Name)+" "+is.file)
		}
	}
	return strings.Join(list, ", ")
}

// columnsFrom makes the table's columns of what files have.
func columnsFrom(table string, columns, has []hindcast.Column, used bool) (list []given, via string) {
	var types []string
	for _, c := range columns {
		of, value := origin(table, c, has, used)
		list = append(list, given{Name: c.Name, Of: of.Name, Value: value})
		if from, ok := seen(of); ok && from.file != from.view {
			types = append(types, quote(c.Name)+" "+from.view)
		}
	}
	return list, strings.Join(types, ", ")
}

// origin is the column of the files that has a table's column, or an expression in place of one.
func origin(table string, c hindcast.Column, has []hindcast.Column, used bool) (of hindcast.Column, value string) {
	want, ok := see(c.Type)
	switch {
	case !ok:
		return of, "CAST(" + mark("type:"+table+"."+c.Name) + " AS string)"
	case used:
		return of, "CAST(" + mark("used:"+table+"."+c.Name) + " AS " + want.view + ")"
	case c.Blank:
		return of, "CAST(NULL AS " + want.view + ")"
	case c.Absent:
		return of, "CAST(" + mark("absent:"+table+"."+c.Name) + " AS " + want.view + ")"
	}
	at := c.In(has)
	if at < 0 {
		return of, filled(c, want.view)
	}
	is := has[at]
	if _, ok := see(is.Type); !ok {
		return of, "CAST(" + mark("type:"+table+"."+c.Name) + " AS " + want.view + ")"
	}
	return is, ""
}

// filled is the value of a column that a source does not have.
func filled(c hindcast.Column, view string) string {
	if fill := c.Fill(); fill != nil {
		return "CAST(" + literal(*fill) + " AS " + view + ")"
	}
	return "CAST(NULL AS " + view + ")"
}

// mark is an expression that fails where it is evaluated, and is found in the plan of SQL that reads it.
func mark(text string) string { return "raise_error(" + literal("hindcast<<"+text+">>") + ")" }

// layouts read the user's own files: each set of like files by the schema that the files have, cast to the table's types.
func layouts(t engine.Table) []source {
	var list []source
	seen := map[string]bool{} // the files of several periods may overlap
	for _, l := range t.Layouts {
		byFolder := map[string][]string{}
		var order []string
		for _, file := range l.Files {
			if seen[file] {
				continue
			}
			seen[file] = true
			key := folderKey(t.Columns, file)
			if byFolder[key] == nil {
				order = append(order, key)
			}
			byFolder[key] = append(byFolder[key], file)
		}
		for _, key := range order {
			files := byFolder[key]
			list = append(list, source{Files: files, Columns: layoutColumns(t, l.Columns, files[0])})
		}
	}
	return list
}

func layoutColumns(t engine.Table, has []string, file string) []given {
	list := make([]given, len(t.Columns))
	for i, c := range t.Columns {
		want, ok := see(c.Type)
		in := slices.IndexFunc(has, func(name string) bool { return strings.EqualFold(name, c.Name) })
		list[i] = given{Name: c.Name, Value: "CAST(NULL AS " + want.view + ")"}
		switch {
		case !ok:
			list[i].Value = "CAST(" + mark("type:"+t.Name+"."+c.Name) + " AS string)"
		case c.Folder != "":
			if text, found := folderValue(c, file); found {
				list[i].Value = "CAST(" + literal(text) + " AS " + want.view + ")"
			}
		case in >= 0:
			list[i].Of, list[i].Value = has[in], ""
		}
	}
	return list
}

// folderKey distinguishes files whose folders give columns different values.
func folderKey(columns []hindcast.Column, file string) string {
	var key strings.Builder
	for _, c := range columns {
		if c.Folder != "" {
			value, found := folderValue(c, file)
			_, _ = fmt.Fprintf(&key, "%q %t\n", value, found) // never fails
		}
	}
	return key.String()
}

// folderValue is the value that a file's folders give a column; none if they do not name it, or say NULL as Hive does. It is
// escaped as in a URL, except for "+".
func folderValue(c hindcast.Column, file string) (string, bool) {
	below := strings.TrimPrefix(path.Dir(file), strings.TrimSuffix(c.Folder, "/"))
	for _, folder := range strings.Split(below, "/") {
		name, value, is := strings.Cut(folder, "=")
		if is && strings.EqualFold(name, c.Name) {
			text := unescape(value)
			return text, text != "__HIVE_DEFAULT_PARTITION__"
		}
	}
	return "", false
}

// within is the condition that a column lies in the interval: DATE and TIMESTAMP by the bounds' civil time in the zone,
// TIMESTAMP WITH TIME ZONE by the instants.
func within(c hindcast.Column, in hindcast.Interval, zone string) string {
	return fmt.Sprintf("(%s >= %s AND %s < %s)", quote(c.Name), bound(c.TimeType(), in.Start, zone), quote(c.Name), bound(c.TimeType(), in.End, zone))
}

const moment = "2006-01-02 15:04:05.999999"

func bound(typ string, t time.Time, zone string) string {
	if format, _ := hindcast.FormatOf(typ); format != "" {
		if !hindcast.OfInstants(typ) {
			t = hindcast.Civil(t, zone)
		}
		return hindcast.FormattedBound(typ, t)
	}
	switch typ {
	case "DATE":
		return "DATE '" + hindcast.Civil(t, zone).Format(time.DateOnly) + "'"
	case "TIMESTAMP WITH TIME ZONE":
		return "TIMESTAMP_LTZ '" + t.UTC().Format(moment) + "+00:00'"
	}
	return "TIMESTAMP_NTZ '" + hindcast.Civil(t, zone).Format(moment) + "'"
}

// broadcast reports whether a table is sent whole to every executor: a dimension that has rows, and is small.
func broadcast(t engine.Table, s hindcast.Spark, sql string) bool {
	return t.Own.End.IsZero() && len(t.Files) > 0 && s.Broadcasts(bytesOf(t), sql)
}

// bytesOf are those of a table's files: as the caller says, or as they are here.
func bytesOf(t engine.Table) int64 {
	bytes := t.Bytes
	if bytes > 0 {
		return bytes
	}
	files := slices.Clone(t.Files)
	for _, g := range t.Groups {
		files = append(files, g.Files...)
	}
	for _, path := range files {
		if info, err := os.Stat(path); err == nil {
			bytes += info.Size()
		}
	}
	return bytes
}

// Transform asks for a slice's transform; dimensions are broadcast as the pipeline's Spark says.
func Transform(work engine.Work, s hindcast.Spark) (Request, Asked, error) {
	f, err := single(work.Query)
	if err != nil {
		return Request{}, Asked{}, err
	}
	columns, result, err := staged(work.Columns)
	if err != nil {
		return Request{}, Asked{}, err
	}
	if err := Unreachable(work.Query.Tables); err != nil {
		return Request{}, Asked{}, err
	}
	work.Columns = columns
	checks, err := Checks(work.Checks, work.Query)
	if err != nil {
		return Request{}, Asked{}, err
	}

	r := Request{Kind: KindRun, Tag: work.Tag, Conf: sized(Conf(work.Query.TimeZone), work, s), Tables: tables(work.Query, false, false), SQL: f.text, Now: Now(work.Query),
		Checks: checks, Dir: work.Dir, Result: result, Schema: stagedSchema(columns), Outside: "true", Drop: work.Target.Drop, Brief: briefOf(work)}
	if time, found := columnOf(work.Columns, work.Target.Time); found {
		inside := within(time, work.Slice.Interval, work.Query.TimeZone)
		if pattern := time.Format.Pattern(); pattern != "" && time.Type == "VARCHAR" {
			inside += " AND " + quote(time.Name) + " RLIKE " + literal(pattern)
		}
		r.Outside = "(" + inside + ") IS NOT TRUE"
	}
	var keys, null []string
	for _, k := range work.Target.Key {
		keys, null = append(keys, quote(k)), append(null, quote(k)+" IS NULL")
	}
	for i := range r.Tables {
		r.Tables[i].Broadcast = broadcast(work.Query.Tables[i], s, f.text)
	}
	r.Keys, r.NullKey = strings.Join(keys, ", "), strings.Join(null, " OR ")
	return r, Asked{work.Query, f}, nil
}

// Binding asks what the SQL gives over empty tables; used asks which columns it reads.
func Binding(q engine.Query, checks []engine.Check, used bool) (Request, Asked, error) {
	f, err := single(q)
	if err != nil {
		return Request{}, Asked{}, err
	}
	text, _, err := q.Single()
	if err != nil {
		return Request{}, Asked{}, err
	}
	asked, err := Checks(checks, q)
	return Request{Kind: KindBind, Conf: Conf(q.TimeZone), Tables: tables(q, true, used), SQL: f.text, Now: Now(q), Named: text, Checks: asked}, Asked{q, f}, err
}

// Rows asks for the rows of an ad hoc query, of at most limit (0: no limit).
func Rows(q engine.Query, limit int) (Request, Asked, error) {
	f, err := single(q)
	if err != nil {
		return Request{}, Asked{}, err
	}
	r := Request{Kind: KindQuery, Conf: Conf(q.TimeZone), Tables: Tables(q), SQL: f.text, Now: Now(q), Checks: []Check{}, Limit: limit}
	return r, Asked{q, f}, Unreachable(q.Tables)
}

// ByS3A spells the request's URLs of objects as Hadoop does where its own file system for buckets is the one that reads them.
func (r *Request) ByS3A() {
	r.Dir = s3a(r.Dir)
	for _, t := range r.Tables {
		for i, s := range t.Sources {
			files := make([]string, len(s.Files))
			for k, file := range s.Files {
				files[k] = s3a(file)
			}
			t.Sources[i].Files = files
		}
	}
}

// s3a is how Hadoop spells the URL of an object.
func s3a(path string) string {
	if rest, is := strings.CutPrefix(path, "s3://"); is {
		return "s3a://" + rest
	}
	return path
}

// Unreachable is the error of the user's own files that Spark passes over, and of those that Hadoop's file systems cannot open, by
// their names.
func Unreachable(tables []engine.Table) error {
	for _, t := range tables {
		for _, l := range t.Layouts {
			for _, file := range l.Files {
				name := path.Base(file)
				if !strings.HasPrefix(name, "_") && !strings.HasPrefix(name, ".") && !strings.HasSuffix(name, "._COPYING_") && !strings.Contains(name, ":") {
					continue
				}
				return &hindcast.Error{Code: hindcast.EParquet, Class: hindcast.ClassPermanent,
					Message: "Spark does not read " + file + ": the name of a file must not begin with _ or a dot, end in ._COPYING_ or have a colon in it",
					Next:    "rename it, or leave it out of the pattern"}
			}
		}
	}
	return nil
}

// single is the query's one statement at the query's time.
func single(q engine.Query) (frozen, error) {
	text, start, err := q.Single()
	if err != nil {
		return frozen{}, err
	}
	f, err := freeze(text, q)
	f.start = start
	return f, err
}

// summed is the view of the result's rows with whole numbers as DECIMALs, see hindcast_session.py: Spark's sum of BIGINTs is a BIGINT.
const summed = "sums of the result"

// spelling has a difference that is NULL where Spark's own would be an error for lack of digits: the driver compares such sums itself.
var spelling = engine.Spelling{Difference: "try_subtract(a, b)", Name: quote, Literal: sqltext.Spark.Literal,
	Text: func(expression string) string { return "CAST(" + expression + " AS STRING)" }}

// Checks are a slice's as Request has them.
func Checks(checks []engine.Check, q engine.Query) ([]Check, error) {
	list := []Check{}
	for _, c := range checks {
		var is Check
		switch {
		case c.Rows != nil:
			list = append(list, Check{Kind: "rows", Min: c.Rows.Min, Max: c.Rows.Max})
			continue
		case c.Total != nil:
			sum := "(SELECT sum(" + quote(c.Total.Of) + ") FROM " + quote(summed) + ")"
			is = Check{Kind: "total", Within: cmp.Or(c.Total.Within, "0"), SQL: c.Query(spelling, sum)}
		default:
			is = Check{Kind: "sql", SQL: c.Query(spelling, "")}
		}
		f, err := freeze(is.SQL, engine.Query{Now: q.Now, TimeZone: q.TimeZone})
		if err != nil {
			return nil, c.At(err)
		}
		is.SQL = f.text
		list = append(list, is)
	}
	return list, nil
}
