package hindcast

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

func itoa(n int) string { return strconv.Itoa(n) }

// Pipeline is the definition file, decoded: every default filled in, every path absolute.
type Pipeline struct {
	Name          string    `json:"pipeline"`
	File          string    `json:"file"`      // absolute path of the pipeline file
	Dir           string    `json:"dir"`       // its folder; relative paths start here
	Warehouse     Location  `json:"warehouse"` // that results are loaded into, and read from where there is no Source
	Source        Location  `json:"source,omitzero"`
	Lake          Location  `json:"lake"`
	History       History   `json:"history"`
	Facts         []Fact    `json:"facts"` // in the file's order
	Dims          []Dim     `json:"dimensions,omitempty"`
	Transform     Transform `json:"transform"`
	Outputs       []Output  `json:"outputs"`          // at least one
	Params        []Param   `json:"params,omitempty"` // in the file's order
	Results       Results   `json:"results,omitzero"`
	Retention     Retention `json:"keep,omitzero"`
	Window        Window    `json:"window,omitzero"` // in which runs may begin slices
	Redshift      Redshift  `json:"redshift,omitzero"`
	Publish       Publish   `json:"publish,omitempty"`        // when results become visible
	Session       []string  `json:"session,omitempty"`        // SET statements on each session of Warehouse
	SourceSession []string  `json:"source_session,omitempty"` // and on each of Source
	Run           RunConfig `json:"run"`

	Notify       []Notify      `json:"notify,omitempty"`
	Environment  string        `json:"environment,omitempty"`  // whose overrides count; "" is none
	Environments []Environment `json:"environments,omitempty"` // all that the file has, in its order

	// Secrets are the values that ${VAR} and ${file:PATH} expanded to. They are struck from everything that is written
	// or shown (promise 7). Never encoded.
	Secrets []string `json:"-"`
	// Places are the positions of the keys in the file ("facts.billing.table" → line and column), for errors.
	Places map[string]Place `json:"-"`
}

// Apart reports whether history is read from another warehouse than results are loaded into.
func (p *Pipeline) Apart() bool { return p.Source.Written != "" }

// Origin is the warehouse that history is read from.
func (p *Pipeline) Origin() Location {
	if p.Apart() {
		return p.Source
	}
	return p.Warehouse
}

// WithoutSource is the pipeline for what reads nothing of history, such as an undo: its source need not be there.
func (p *Pipeline) WithoutSource() *Pipeline {
	alone := *p
	alone.Source, alone.SourceSession = Location{}, nil
	return &alone
}

// Environment is one of several in which the same pipeline runs.
type Environment struct {
	Name      string `json:"name"`
	Protected bool   `json:"protected,omitempty"` // a person has to agree before anything is published there
}

// Notify says who is told of what happens to a run, and how: exactly one of URL and Command is set.
type Notify struct {
	On      []Occasion    `json:"on"`
	URL     Location      `json:"url,omitzero"`
	As      Body          `json:"as,omitempty"`
	Command []string      `json:"command,omitempty"` // the program and its arguments
	Timeout time.Duration `json:"timeout"`           // of all tries together
}

// Occasion is what a notification tells of.
type Occasion string

// The occasions.
const (
	OnStarted  Occasion = "started"  // the run's first slice begins, or it is resumed
	OnFinished Occasion = "finished" // every slice is proven
	OnFailed   Occasion = "failed"   // it ended otherwise by itself, or could not begin
	OnStopped  Occasion = "stopped"  // somebody stopped it, or slices are left for a later resume
)

// Body says what is sent to a URL.
type Body string

// The bodies.
const (
	BodyJSON  Body = "json"
	BodySlack Body = "slack" // as Slack's incoming webhooks take it
)

// Protected reports whether a person has to agree before anything is published.
func (p *Pipeline) Protected() bool {
	return slices.ContainsFunc(p.Environments, func(e Environment) bool { return e.Name == p.Environment && e.Protected })
}

// Output returns the first output, which is the only one of most pipelines.
func (p *Pipeline) Output() *Output { return &p.Outputs[0] }

// OutputNamed is the index of the output of that name; -1 if there is none.
func (p *Pipeline) OutputNamed(name string) int {
	return slices.IndexFunc(p.Outputs, func(o Output) bool { return o.Name == name })
}

// Fault is why the decoder could not read the SQL of an output, where that was allowed; nil if it could.
func (p *Pipeline) Fault() error {
	for i := range p.Outputs {
		if fault := p.Outputs[i].Fault; fault != nil {
			return fault
		}
	}
	return nil
}

// Publish says when a run's results become visible; empty is PublishSlice.
type Publish string

// When a run's results become visible.
const (
	PublishSlice Publish = "slice" // each slice's as soon as it is done
	PublishRun   Publish = "run"   // all slices' in one transaction, when all of them are staged
)

// Results says what the lake keeps of results when they are committed. The zero Results means nothing: what was staged for a
// load is deleted after it.
type Results struct {
	Keep   Keep          `json:"keep,omitempty"`
	Expire time.Duration `json:"expire,omitempty"` // how old a snapshot of an Iceberg table may become
}

// Keep says how results are kept in the lake.
type Keep string

// How results are kept in the lake.
const (
	KeepParquet Keep = "parquet" // the staged files, a generation a slice
	KeepIceberg Keep = "iceberg" // the same, and an Iceberg table of them, a snapshot a publication
)

// Retention says what `hindcast clean` leaves of what runs have left.
type Retention struct {
	Runs     int `json:"runs"`     // the records of how many runs
	Previous int `json:"previous"` // how many earlier states of each slice
}

// Key is the key of Places for a key of the output: what is "target.table" of the only output is
// "outputs.daily.target.table" of one among several.
func (o *Output) Key(key string) string {
	if o.Name == "" {
		return key
	}
	return "outputs." + o.Name + "." + key
}

// Targets are the tables of all outputs, in their order.
func (p *Pipeline) Targets() []string {
	tables := make([]string, len(p.Outputs))
	for i := range p.Outputs {
		tables[i] = p.Outputs[i].Target.Table
	}
	return tables
}

// ResultTables are the names of the tables over the results that the lake keeps, one of each output: the target's without its schema,
// with _result after it where a fact, a dimension or an output before has that name.
func (p *Pipeline) ResultTables() []string {
	taken := map[string]bool{}
	for _, f := range p.Facts {
		taken[strings.ToLower(f.Name)] = true
	}
	for _, d := range p.Dims {
		taken[strings.ToLower(d.Name)] = true
	}

	names := make([]string, len(p.Outputs))
	for i, target := range p.Targets() {
		name := strings.Trim(target[strings.LastIndexByte(target, '.')+1:], `"`)
		for taken[strings.ToLower(name)] {
			name += "_result"
		}
		names[i], taken[strings.ToLower(name)] = name, true
	}
	return names
}

// Location is a warehouse or a lake: a URL as the user wrote it, and what it means. Only Written is ever encoded or
// shown; it contains ${VAR} in place of a secret.
type Location struct {
	Written string   `json:"url"`
	Scheme  string   `json:"scheme"` // duckdb, postgres, file, s3
	Path    string   `json:"-"`      // absolute path for duckdb and file
	URL     *url.URL `json:"-"`      // parsed first, then ${VAR} expanded; nil for plain paths
}

// String returns the location as it was written; secrets in it stay unexpanded.
func (l Location) String() string { return l.Written }

// Hidden reports whether any of it comes from ${VAR} or ${file:PATH}, so that nothing but Written may be stored.
func (l Location) Hidden() bool { return strings.Contains(l.Written, "${") }

// History is the whole half-open time range that a pipeline covers, and how it is cut.
type History struct {
	From     time.Time      `json:"from"` // midnight (or the hour) in Zone
	To       string         `json:"to"`   // as written: a date, "today", "+1 year"; frozen by the plan
	Every    Period         `json:"every"`
	TimeZone string         `json:"time_zone"`
	Zone     *time.Location `json:"-"`
	Settle   Period         `json:"settle"` // slices whose end is younger than this are unloaded again by every run
}

// MarshalJSON writes From in UTC, as an Interval's bounds.
func (h History) MarshalJSON() ([]byte, error) {
	type plain History
	h.From = h.From.UTC()
	return json.Marshal(plain(h))
}

// Missing says what a missing table means.
type Missing string

// What to do if a fact's table for a slice does not exist.
const (
	MissingFail  Missing = "fail"  // the plan is refused (default)
	MissingSkip  Missing = "skip"  // the slice is skipped and named
	MissingEmpty Missing = "empty" // the fact has no rows in that slice
)

// Fact is a table, or the user's own Parquet files, whose rows belong to slices.
type Fact struct {
	Name     string     `json:"name"`
	Table    string     `json:"table,omitempty"`       // may contain Placeholders: a time-named table per period
	Files    string     `json:"files,omitempty"`       // glob of Parquet files as written, relative to Dir, with the same placeholders; nothing is unloaded
	Time     string     `json:"time,omitempty"`        // the time column; needed unless the table or files are time-named
	Format   TimeFormat `json:"time_format,omitempty"` // how the time column holds times
	Every    Period     `json:"every"`                 // the fact's own period; the slice's by default
	Lookback Period     `json:"lookback,omitempty"`    // the SQL also sees this much before the slice
	// Lookahead is how much the SQL also sees after the slice.
	Lookahead Period     `json:"lookahead,omitzero"`
	Missing   Missing    `json:"missing"`
	Columns   []string   `json:"columns,omitempty"`  // narrows the unload; all columns by default
	Declared  []Declared `json:"declared,omitempty"` // columns that come and go, in the file's order
	Used      bool       `json:"used,omitempty"`     // `columns: used` narrows it to what SQL and checks read
	Text      []string   `json:"text,omitempty"`     // columns that are carried as their exact text
	// Types are the types that columns of `files` are read as, by name; a cast may truncate or round their values.
	Types map[string]string `json:"types,omitempty"`
}

// Declared is a column of a fact that not all of its sources have, or not under that name or of that type.
type Declared struct {
	Name string   `json:"name"`
	Type string   `json:"type"`           // that the SQL sees, in DuckDB's spelling
	Was  []string `json:"was,omitempty"`  // the names that it had in other sources
	Fill *string  `json:"fill,omitempty"` // the value where there is none of them; nil is NULL
}

// Had adds to names of columns of the fact, as the SQL reads them, those that they have or had in some of its tables.
func (f Fact) Had(read []string) []string {
	names := read
	for _, d := range f.Declared {
		if slices.ContainsFunc(read, func(name string) bool { return strings.EqualFold(name, d.Name) }) {
			names = slices.Concat(names, d.Was)
		}
	}
	return names
}

// OwnFiles reports whether any fact or dimension consists of the user's own files.
func (p *Pipeline) OwnFiles() bool {
	return slices.ContainsFunc(p.Facts, func(f Fact) bool { return f.Files != "" }) || slices.ContainsFunc(p.Dims, func(d Dim) bool { return d.Files != "" })
}

// TimeNamed reports whether each period of the fact has its own table or files.
func (f Fact) TimeNamed() bool { return hasPlaceholder(f.Table) || hasPlaceholder(f.Files) }

func hasPlaceholder(s string) bool {
	for i := range len(s) {
		if s[i] == '{' {
			return true
		}
	}
	return false
}

// Dim is a dimension: a table that is unloaded whole, and unloaded again when older than Refresh.
type Dim struct {
	Name    string            `json:"name"`
	Table   string            `json:"table,omitempty"`
	Files   string            `json:"files,omitempty"`
	Refresh time.Duration     `json:"refresh"` // default 24h; 0 unloads it in every run
	Columns []string          `json:"columns,omitempty"`
	Used    bool              `json:"used,omitempty"`  // as a fact's
	Text    []string          `json:"text,omitempty"`  // as a fact's
	Types   map[string]string `json:"types,omitempty"` // as a fact's
}

// Transform says what runs the SQL of the outputs.
type Transform struct {
	Dialect string        `json:"dialect"` // what the SQL is written in: the engine's own dialect, or a warehouse's
	Engine  string        `json:"engine"`
	Spark   Spark         `json:"spark,omitzero"`          // zero where the engine is another one and the file has no such block
	Glue    Glue          `json:"glue,omitzero"`           // the same
	EMR     EMRServerless `json:"emr_serverless,omitzero"` // the same
}

// The dialects of warehouses, which are translated for the engine, and those of engines.
const (
	DialectPostgres = "postgres"
	DialectRedshift = "redshift"
	DialectDuckDB   = "duckdb"
	DialectSpark    = "spark"
)

// Translates reports whether the SQL is written in a warehouse's dialect, and is translated for the engine.
func (t Transform) Translates() bool {
	return t.Dialect == DialectPostgres || t.Dialect == DialectRedshift
}

// Native is the dialect of the engine's own SQL.
func (t Transform) Native() string {
	if t.Engine == DialectDuckDB {
		return DialectDuckDB
	}
	return DialectSpark // Glue and EMR Serverless run it as well
}

// Output is the SQL that makes rows of each slice, and the table that they are published in.
type Output struct {
	// Name tells outputs apart in keys of the lake and in fingerprints. It is empty where there is only one, so that these
	// are what they were before there could be several.
	Name    string   `json:"name,omitempty"`
	SQLFile string   `json:"sql"`             // absolute path of the SQL file
	Text    string   `json:"-"`               // its text, read by the decoder and frozen by the plan
	Fault   error    `json:"-"`               // why the decoder could not read it, where that was allowed
	Reads   []string `json:"reads,omitempty"` // names of outputs before this one, whose results its SQL sees as tables
	Target  Target   `json:"target"`
	Checks  []Check  `json:"checks,omitempty"`
	Load    Load     `json:"load"`
}

// Target is the table that results are published in.
type Target struct {
	Table  string     `json:"table"`
	Time   string     `json:"time"`                  // result column whose value must lie in the slice
	Format TimeFormat `json:"time_format,omitempty"` // how it holds times
	Key    []string   `json:"key,omitempty"`
	// Drop leaves out rows of the result that do not lie in the slice, and counts them, where such a row is otherwise an error.
	Drop bool `json:"drop_outside,omitempty"`
}

// Param is a user's value for :name in the SQL. Value is a string, bool, int64, float64 (kept as Literal so that 1.10
// stays exact) or nil.
type Param struct {
	Name    string `json:"name"`
	Value   any    `json:"value"`
	Literal string `json:"literal"` // the SQL literal that replaces it
}

// Written is the value as the pipeline file has it: Literal has a negative number in parentheses.
func (p Param) Written() string {
	if _, text := p.Value.(string); text {
		return p.Literal
	}
	return strings.Trim(p.Literal, "()")
}

// Check is one quality gate over a slice's staged result. Exactly one of its kinds is set.
type Check struct {
	Name  string      `json:"name"` // "rows", "total net_cost", "sql 1"; stable within the file
	Rows  *RowsCheck  `json:"rows,omitempty"`
	Total *TotalCheck `json:"total,omitempty"`
	SQL   string      `json:"sql,omitempty"` // must return no row; `result` is the slice's result
	// The kinds that dbt has by these names, with what NULL means there.
	NotNull  []string       `json:"not_null,omitempty"` // none of the columns is NULL in any row
	Unique   []string       `json:"unique,omitempty"`   // no two rows have the same values; rows with a NULL among them do not count
	Accepted *AcceptedCheck `json:"accepted_values,omitempty"`
	Related  *RelatedCheck  `json:"relationships,omitempty"`
	// Previous compares the result with what is published. Engines do not know it: it becomes checks of the kinds above once what is
	// published is known.
	Previous *PreviousCheck `json:"against_previous,omitempty"`
}

// Kinds are the kinds of check that are set: one in a valid check.
func (c Check) Kinds() (kinds []string) {
	for _, k := range []struct {
		name string
		set  bool
	}{
		{"rows", c.Rows != nil}, {"total", c.Total != nil}, {"not_null", len(c.NotNull) > 0}, {"unique", len(c.Unique) > 0},
		{"accepted_values", c.Accepted != nil}, {"relationships", c.Related != nil}, {"against_previous", c.Previous != nil},
		{"sql", c.SQL != ""},
	} {
		if k.set {
			kinds = append(kinds, k.name)
		}
	}
	return kinds
}

// AcceptedCheck lists the values that a column may have besides NULL.
type AcceptedCheck struct {
	Column string   `json:"column"`
	Values []string `json:"values"` // SQL literals, as Param.Literal
}

// PreviousCheck bounds how far a slice's result may be from what is published for it. A slice of which nothing is published has
// nothing to be compared with.
type PreviousCheck struct {
	Rows  *Ratio         `json:"rows,omitempty"`
	Total *PreviousTotal `json:"total,omitempty"`
}

// Ratio bounds a number by two factors of the one before, as decimal text.
type Ratio struct {
	Least string `json:"least"`
	Most  string `json:"most"`
}

// PreviousTotal bounds the sum of a column by the one before.
type PreviousTotal struct {
	Of     string `json:"of"`
	Within string `json:"within"` // decimal text, or of the amount before: "5%"
}

// RelatedCheck says that each value of Column, except NULL, is one of Field of a fact or dimension.
type RelatedCheck struct {
	Column string `json:"column"`
	To     string `json:"to"` // the fact's or dimension's name
	Field  string `json:"field"`
}

// RowsCheck bounds the number of result rows. It does not apply if all facts of the slice are empty.
type RowsCheck struct {
	Min *int64 `json:"min,omitempty"`
	Max *int64 `json:"max,omitempty"`
}

// TotalCheck compares SUM(Of) over the result with the single value of Equals over the slice's facts.
type TotalCheck struct {
	Of     string `json:"of"`
	Equals string `json:"equals"`
	Within string `json:"within"` // absolute tolerance as decimal text; NULL equals NULL
}

// Load holds the user's SQL around a slice's load.
type Load struct {
	Before []string `json:"before,omitempty"` // in the load's transaction, before the delete
	After  []string `json:"after,omitempty"`  // in it, after the insert
	// MayChange says that the target's triggers are meant to change values that a load sends.
	MayChange bool `json:"triggers_may_change_values,omitempty"`
}

// OnFailure says what one slice's final failure does to the others.
type OnFailure string

// The failure policies.
const (
	OnFailureStop     OnFailure = "stop"     // stop everything and confirm that it is dead
	OnFailureContinue OnFailure = "continue" // finish what can be finished; the exit code is still 2
)

// RunConfig bounds a run. Zero numbers mean auto.
type RunConfig struct {
	Parallel       int           `json:"parallel"`          // transforms at the same time; 0 is auto
	UnloadParallel int           `json:"unload_parallel"`   // unloads at the same time; 0 is auto
	Memory         int64         `json:"memory"`            // bytes for the whole run; 0 is auto: what the machine or the cgroup offers
	Retries        int           `json:"retries"`           // retries after the first attempt (default 10)
	RetryWait      time.Duration `json:"retry_wait"`        // delay before the first retry (default 1s), doubled up to 60 times that, with jitter
	AttemptTimeout time.Duration `json:"attempt_timeout"`   // default 2h
	LeaseTTL       time.Duration `json:"lease_ttl"`         // how long another machine waits for a sign of this run before it may take over (default 30s)
	OnFailure      OnFailure     `json:"on_failure"`        // default stop
	Budget         Budget        `json:"budget,omitempty"`  // the run ends with exit code 5 when it is reached
	Prices         string        `json:"prices,omitempty"`  // absolute path of the user's table of prices, on this machine
	Cache          int64         `json:"cache,omitempty"`   // bytes of copies of a lake in a bucket that this machine may keep; 0 is auto
	Scratch        string        `json:"scratch,omitempty"` // absolute folder for files of a lake in a bucket, on this machine; "" is the default
}

// Budget caps what a run may use. Zero means no cap.
type Budget struct {
	Time time.Duration `json:"time,omitempty"`
	USD  float64       `json:"usd,omitempty"` // of the engine: a plan that costs more is refused, a run that has is stopped
}
