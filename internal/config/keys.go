package config

import (
	"strings"
	"sync"

	"github.com/hindcast/hindcast"
)

// Key is one key of the pipeline file: what the decoder does with it, and what the reference and the JSON Schema say
// about it.
type Key struct {
	Path     string // dotted; * stands for a user-defined name or a position in a list
	Form     Form
	Required bool
	Instead  []string // keys that make it needless, together
	Default  string   // decoded as if it were written where the key is absent; empty: none
	Else     string   // what its absence means, where Default does not say it
	Meaning  string
	Example  string         // its value in YAML, on one line
	As       string         // the key that says the same of a pipeline's only output
	Schema   map[string]any // in addition to what Form and the keys below say

	begin func(*decoder, value) // before the keys below it
	set   func(*decoder, value) // after them, if they and it are valid
}

// Name is the last component of the key's path.
func (k *Key) Name() string { return k.Path[strings.LastIndexByte(k.Path, '.')+1:] }

// branch is a key with the keys below it.
type branch struct {
	key      *Key
	children map[string]*branch
	order    []string
	any      *branch // for *
}

// optional reports whether no key below is needed, so that a missing object has its defaults.
func (b *branch) optional(needed func(*Key) bool) bool {
	for _, child := range b.children {
		if needed(child.key) {
			return false
		}
	}
	return true
}

// required reports whether a key is, unless others are there.
func required(k *Key) bool { return k.Required }

// tree is the table as the decoder walks it.
var tree = sync.OnceValue(func() *branch {
	root := &branch{key: &Key{Form: formObject, set: finish}, children: map[string]*branch{}}
	for _, k := range Keys() {
		add(root, strings.Split(k.Path, "."), &k)
	}
	return root
})

// add attaches a key to its parent, which precedes it in the table.
func add(at *branch, parts []string, k *Key) {
	for _, part := range parts[:len(parts)-1] {
		if part == "*" {
			at = at.any
			continue
		}
		at = at.children[part]
	}

	b := &branch{key: k, children: map[string]*branch{}}
	name := parts[len(parts)-1]
	if name == "*" {
		at.any = b
		return
	}

	at.children[name] = b
	at.order = append(at.order, name)
}

// parentsOf lists the keys below which a key of this name, or a similar one, is known.
func parentsOf(name string) []string {
	var out []string
	for _, k := range Keys() {
		if plain(k.Name()) == plain(name) && name != "*" && k.As == "" {
			parent := strings.TrimSuffix(strings.TrimSuffix(k.Path, k.Name()), ".")
			if parent == "" {
				parent = "the file, not below another key"
			}
			out = append(out, strings.ReplaceAll(parent, ".*", ""))
		}
	}

	return out
}

// Keys is the single table of the pipeline file: every key, parents before children, in the reference's order.
func Keys() []Key {
	var all []Key
	for _, part := range [][]Key{topKeys(), sourceKeys(), redshiftKeys(), resizeKeys(), historyKeys(), factKeys(), dimKeys(), transformKeys(), targetKeys(), sparkKeys(), glueKeys(), emrKeys(), resultKeys(), keepKeys(), windowKeys(), paramKeys(),
		checkKeys(), namedCheckKeys(), loadKeys(), outputKeys(), runKeys(), notifyKeys(), environmentKeys()} {
		all = append(all, part...)
	}
	return all
}

func topKeys() []Key {
	return []Key{
		{Path: "pipeline", Form: formName, Required: true, Example: "cloud_costs",
			Meaning: "The pipeline's name. It is a folder's name in the lake and a key in the warehouse's status table.",
			set:     func(d *decoder, v value) { d.p.Name = d.pipelineName(v) }},
		{Path: "warehouse", Form: formWarehouse, Required: true, Instead: apartKeys, Example: "duckdb:warehouse.duckdb",
			Meaning: "Where history is unloaded from and results are loaded into. PostgreSQL is named by a URL or by libpq's keywords, Redshift by a URL.",
			set:     func(d *decoder, v value) { d.p.Warehouse = d.warehouse(v) }},
		{Path: "lake", Form: formLake, Default: "./lake", Example: "./lake",
			Meaning: "Where the unloaded Parquet files, results on their way and the record of runs are kept.",
			set:     func(d *decoder, v value) { d.p.Lake = d.lake(v) }},
	}
}

func historyKeys() []Key {
	return []Key{
		{Path: "history", Form: formObject, Required: true, Example: "{from: 2016-01-01, to: 2022-01-01, every: 2 months}",
			Meaning: "The whole range of time that the pipeline covers, and how it is cut into slices.",
			set:     func(d *decoder, _ value) { d.setHistory() }},
		{Path: "history.from", Form: formDate, Required: true, Example: "2016-01-01",
			Meaning: "The first instant of history, in `time_zone`. Slices are counted from it.",
			set:     func(d *decoder, v value) { d.history.from = v }},
		{Path: "history.to", Form: formEnd, Default: "today", Example: "2022-01-01",
			Meaning: "The end of history, exclusive. A distance counts from today; it is frozen for a run. " +
				"The last slice is clipped to it.",
			set: func(d *decoder, v value) { d.history.to = v }},
		{Path: "history.every", Form: formPeriod, Required: true, Example: "2 months",
			Meaning: "How long a slice is.",
			set:     func(d *decoder, v value) { d.p.History.Every = d.period(v) }},
		{Path: "history.time_zone", Form: formZone, Default: "UTC", Example: "Europe/Berlin",
			Meaning: "The zone that days and months begin in.",
			set:     func(d *decoder, v value) { d.setZone(v) }},
		{Path: "history.settle", Form: formPeriod, Else: "nothing is unloaded again because of its age", Example: "45 days",
			Meaning: "Slices that ended less than this ago are unloaded again by every run, because their source still changes.",
			set:     func(d *decoder, v value) { d.p.History.Settle = d.period(v) }},
	}
}

const textMeaning = "Columns that are carried as their exact text: VARCHAR in the SQL, whatever their type in the warehouse. " +
	"For types that are otherwise refused, such as PostgreSQL's numeric without a precision."

const usedMeaning = "`used` takes those that the SQL and the checks read, as the engine reports them; all columns if it is not sure. " +
	"When the SQL later needs another column, `hindcast plan` says what is unloaded again for it."

// timeFormats are the words for them.
var timeFormats = func() (words []string) {
	for _, f := range hindcast.TimeFormats {
		words = append(words, string(f))
	}
	return words
}()

const formatMeaning = "How the column holds times: yyyymmdd as a number or a text, yyyy-mm-dd as a text, epoch as seconds since 1970 in UTC, epoch_ms as " +
	"milliseconds. The column is compared with a slice's bounds as it is, so that its index serves. A number that is not a date, such as 20200231, is in the slice whose bounds enclose it."

const typesMeaning = "The types that columns of `files` are read as, by name. A value that the type cannot hold fails the slice; what a DuckDB " +
	"cast truncates or rounds is truncated or rounded: nanoseconds, digits."

func factKeys() []Key {
	return []Key{
		{Path: "facts", Form: formNames, Required: true, Example: `{billing: {table: "billing_{yyyy}_{mm}"}}`,
			Schema:  map[string]any{"minProperties": 1},
			Meaning: "The tables whose rows belong to slices, each by the name that the SQL uses.",
			set:     func(d *decoder, v value) { d.someFacts(v) }},
		{Path: "facts.*", Form: formObject, Schema: oneSource(),
			Meaning: "One fact. In the SQL its name means the slice's rows.",
			begin: func(d *decoder, v value) {
				d.sourceName(v)
				d.p.Facts = append(d.p.Facts, hindcast.Fact{Name: v.name})
			},
			set: func(d *decoder, v value) { d.checkFact(v) }},
		{Path: "facts.*.table", Form: formFactTable, Else: "`files` is needed", Example: `"billing_{yyyy}_{mm}"`,
			Meaning: "The warehouse's table. With placeholders, each period has its own table.",
			set:     func(d *decoder, v value) { d.fact().Table = d.timeNamed(v, formFactTable.Right) }},
		{Path: "facts.*.files", Form: formFactFiles, Else: "`table` is needed", Example: `"export/{yyyy}_{mm}/*.parquet"`,
			Meaning: "Parquet files of your own in place of a table. Nothing is unloaded, and nothing there is ever deleted.",
			set:     func(d *decoder, v value) { d.fact().Files = d.files(v, d.timeNamed(v, formFactFiles.Right)) }},
		{Path: "facts.*.time", Form: formTime, Else: "the table or files must be time-named", Example: "usage_date",
			Meaning: "The column that says which slice a row belongs to: its name, for a DATE or TIMESTAMP.",
			set:     func(d *decoder, v value) { d.timeOf(v, &d.fact().Time) }},
		{Path: "facts.*.time.column", Form: formText, Required: true, Example: "day",
			Meaning: "The column's name, where its format is written too.",
			set:     func(d *decoder, v value) { d.fact().Time = d.textOf(v) }},
		{Path: "facts.*.time.format", Form: choice(timeFormats...), Else: "a DATE or TIMESTAMP", Example: "yyyymmdd",
			Meaning: formatMeaning + " A text of another form is in the slice that the warehouse's order puts it in, or in none.",
			set:     func(d *decoder, v value) { d.fact().Format = hindcast.TimeFormat(d.oneOf(v, timeFormats...)) }},
		{Path: "facts.*.every", Form: formPeriod, Else: "as `history.every`", Example: "2 months",
			Meaning: "The fact's own period: how much one time-named table, or one unload, covers.",
			set:     func(d *decoder, v value) { d.fact().Every = d.period(v) }},
		{Path: "facts.*.lookback", Form: formPeriod, Else: "none", Example: "7 days",
			Meaning: "The SQL also sees this much before the slice. The result and the checks still concern the slice's own rows. Window functions, DISTINCT and " +
				"aggregates see a slice's rows and these margins, and never the rest of history.",
			set: func(d *decoder, v value) { d.fact().Lookback = d.period(v) }},
		{Path: "facts.*.lookahead", Form: formPeriod, Else: "none", Example: "1 day",
			Meaning: "The SQL also sees this much after the slice: for rows whose neighbour, or whose late part, is there. Of time-named tables and files, as " +
				"with `lookback`, the neighbours are read, if they are there yet.",
			set: func(d *decoder, v value) { d.fact().Lookahead = d.period(v) }},
		{Path: "facts.*.missing", Form: choice(missings...), Default: string(hindcast.MissingFail), Example: "skip",
			Meaning: "What a missing table means: the plan is refused, the slice is skipped and named, or the " +
				"fact has no rows in that slice.",
			set: func(d *decoder, v value) { d.fact().Missing = hindcast.Missing(d.oneOf(v, missings...)) }},
		{Path: "facts.*.columns", Form: formFactColumns, Else: "all columns", Example: "used",
			Meaning: "Narrows the unload to these columns. " + usedMeaning + " Names with keys below them narrow nothing: they declare columns that come and go over the " +
				"history, and the others stay as they are.",
			set: func(d *decoder, v value) { d.factColumns(v) }},
		{Path: "facts.*.columns.*", Form: formObject, Example: "{type: varchar, was: [label]}",
			Meaning: "A column that not all of the fact's tables have, or not under this name or of this type. In the SQL of all slices it has this name and " +
				"this type, and comes after the other columns. A cast that could lose something is refused.",
			begin: func(d *decoder, v value) {
				d.fact().Declared = append(d.fact().Declared, hindcast.Declared{Name: v.name})
			},
			set: func(d *decoder, v value) { d.checkDeclared(v) }},
		{Path: "facts.*.columns.*.type", Form: formText, Required: true, Example: "varchar",
			Meaning: "Its type in the SQL: `varchar`, `boolean`, `smallint`, `integer`, `bigint`, `decimal(P,S)`, `float`, `double`, `date`, `timestamp` or `timestamptz`. Whole numbers may become `varchar`, too.",
			set:     func(d *decoder, v value) { d.declared().Type = d.typeOf(v) }},
		{Path: "facts.*.columns.*.missing", Form: formParam, Else: "NULL", Example: "0",
			Meaning: "Its value where a table has it under none of its names.",
			set:     func(d *decoder, v value) { d.declared().Fill = d.fillOf(v) }},
		{Path: "facts.*.columns.*.was", Form: formTexts, Schema: map[string]any{"minItems": 1}, Else: "it was never renamed", Example: "[label]",
			Meaning: "The names that it had. They are no longer columns of their own.",
			set:     func(d *decoder, v value) { d.declared().Was = d.columnsOf(v) }},
		{Path: "facts.*.text", Form: formTexts, Schema: map[string]any{"minItems": 1}, Else: "each column by its type", Example: "[amount, payload]",
			Meaning: textMeaning,
			set:     func(d *decoder, v value) { d.fact().Text = d.columnsOf(v) }},
		{Path: "facts.*.types", Form: formNames, Else: "each column by its type", Example: `{amount: "DECIMAL(18,6)"}`,
			Meaning: typesMeaning},
		{Path: "facts.*.types.*", Form: formText, Example: "TIMESTAMP",
			Meaning: "The type, in DuckDB's spelling.",
			set: func(d *decoder, v value) {
				if d.fact().Types == nil {
					d.fact().Types = map[string]string{}
				}
				d.fact().Types[v.name] = d.textOf(v)
			}},
	}
}

func dimKeys() []Key {
	return []Key{
		{Path: "dimensions", Form: formNames, Else: "none", Example: "{accounts: {table: accounts}}",
			Meaning: "The tables that every slice sees whole, each by the name that the SQL uses."},
		{Path: "dimensions.*", Form: formObject, Meaning: "One dimension.", Schema: oneSource(),
			begin: func(d *decoder, v value) {
				d.sourceName(v)
				d.p.Dims = append(d.p.Dims, hindcast.Dim{Name: v.name})
			},
			set: func(d *decoder, v value) { d.checkDim(v) }},
		{Path: "dimensions.*.table", Form: formText, Else: "`files` is needed", Example: "accounts",
			Meaning: "The warehouse's table.",
			set:     func(d *decoder, v value) { d.dim().Table = d.untimed(v, "a dimension's table") }},
		{Path: "dimensions.*.files", Form: formText, Else: "`table` is needed", Example: `"accounts/*.parquet"`,
			Meaning: "A glob of Parquet files of your own in place of a table.",
			set:     func(d *decoder, v value) { d.dim().Files = d.files(v, d.untimed(v, "a dimension's glob")) }},
		{Path: "dimensions.*.refresh", Form: formDuration, Default: "24h", Example: "7 days",
			Meaning: "It is unloaded again when its unload is older than this; 0 unloads it in every run.",
			set:     func(d *decoder, v value) { d.dim().Refresh = d.duration(v) }},
		{Path: "dimensions.*.columns", Form: formColumns, Else: "all columns", Example: "[account_id, team]",
			Meaning: "Narrows the unload to these columns. " + usedMeaning,
			set:     func(d *decoder, v value) { d.dim().Columns, d.dim().Used = d.narrowed(v) }},
		{Path: "dimensions.*.text", Form: formTexts, Schema: map[string]any{"minItems": 1}, Else: "each column by its type", Example: "[amount, payload]",
			Meaning: textMeaning,
			set:     func(d *decoder, v value) { d.dim().Text = d.columnsOf(v) }},
		{Path: "dimensions.*.types", Form: formNames, Else: "each column by its type", Example: `{amount: "DECIMAL(18,6)"}`,
			Meaning: typesMeaning},
		{Path: "dimensions.*.types.*", Form: formText, Example: "TIMESTAMP",
			Meaning: "The type, in DuckDB's spelling.",
			set: func(d *decoder, v value) {
				if d.dim().Types == nil {
					d.dim().Types = map[string]string{}
				}
				d.dim().Types[v.name] = d.textOf(v)
			}},
	}
}

func transformKeys() []Key {
	return []Key{
		{Path: "transform", Form: formObject, Required: true, Instead: severalKeys, Example: "{sql: cost_summary.sql}",
			Meaning: "The SQL that makes a slice's rows, and what runs it."},
		{Path: "transform.sql", Form: formText, Required: true, Instead: severalKeys, Example: "cost_summary.sql",
			Meaning: "The file with the SQL: one SELECT over facts and dimensions.",
			set:     func(d *decoder, v value) { d.readSQL(v) }},
		{Path: "transform.dialect", Form: choice(dialects...), Else: "the engine's own; required where the warehouse is PostgreSQL or Redshift", Example: "redshift",
			Meaning: "The dialect that the SQL, and the checks' SQL, is written in. `postgres` and `redshift` are translated for the engine so that they give the warehouse's own answer, or refused with their place; " +
				"`duckdb` and `spark` pass through to their own engine.",
			set: func(d *decoder, v value) { d.p.Transform.Dialect = d.oneOf(v, dialects...) }},
		{Path: "transform.engine", Form: choice(Engines...), Default: "duckdb", Example: "duckdb",
			Meaning: "What runs the SQL: the DuckDB that is part of hindcast, Apache Spark as `spark` says, AWS Glue as `glue` says, or EMR Serverless as `emr_serverless` says. `--engine` takes another one for SQL " +
				"that both understand.",
			set: func(d *decoder, v value) {
				d.p.Transform.Engine = d.oneDriver(v, Engines, "athena", "redshift", "postgres")
			}},
	}
}

func targetKeys() []Key {
	return []Key{
		{Path: "target", Form: formObject, Required: true, Instead: severalKeys, Example: "{table: cost_summary, time: usage_month}",
			Meaning: "The table that results are published in. It is created before the first load if it does not exist."},
		{Path: "target.table", Form: formText, Required: true, Instead: severalKeys, Example: "cost_summary",
			Meaning: "The table's name, with its schema if needed.",
			set:     func(d *decoder, v value) { d.output().Target.Table = d.untimed(v, "the target") }},
		targetWarehouseKey(),
		{Path: "target.time", Form: formTime, Required: true, Instead: severalKeys, Example: "usage_month",
			Meaning: "The result's column that says which slice a row belongs to. A row outside its slice fails the slice, or is dropped: see `target.outside`.",
			set:     func(d *decoder, v value) { d.timeOf(v, &d.output().Target.Time) }},
		{Path: "target.time.column", Form: formText, Required: true, Example: "day_key",
			Meaning: "The column's name, where its format is written too.",
			set:     func(d *decoder, v value) { d.output().Target.Time = d.textOf(v) }},
		{Path: "target.time.format", Form: choice(timeFormats...), Else: "a DATE or TIMESTAMP", Example: "yyyymmdd",
			Meaning: formatMeaning + " A text of another form is outside of every slice.",
			set: func(d *decoder, v value) {
				d.output().Target.Format = hindcast.TimeFormat(d.oneOf(v, timeFormats...))
			}},
		{Path: "target.outside", Form: choice("fail", "drop"), Default: "fail", Example: "drop",
			Meaning: "What happens to a row of the result whose time is NULL or outside of its slice: it fails the slice, or it is dropped, counted and reported. With margins " +
				"(`lookback`, `lookahead`) such rows belong to neighbouring slices, and dropping them keeps them from being published twice.",
			set: func(d *decoder, v value) { d.output().Target.Drop = d.oneOf(v, "fail", "drop") == "drop" }},
		{Path: "target.key", Form: formTexts, Schema: map[string]any{"minItems": 1}, Else: "nothing is checked", Example: "[usage_month, account_id]",
			Meaning: "Columns that must be non-NULL and together unique in each slice; checked before it is loaded.",
			set:     func(d *decoder, v value) { d.output().Target.Key = d.columnsOf(v) }},
	}
}

func resultKeys() []Key {
	return []Key{
		{Path: "results", Form: formObject, Else: "results are in the target alone; what was staged for a load is deleted after it", Example: "{keep: parquet}",
			Meaning: "What the lake keeps of results once they are committed in the target: other systems can read them there."},
		{Path: "results.keep", Form: choice(keeps...), Required: true, Example: "parquet",
			Meaning: "As what they are kept. parquet keeps the files that were loaded, a generation a slice, over which `hindcast ddl` makes tables; iceberg " +
				"keeps them in the same way and maintains an Iceberg table of them, with a snapshot for each publication. Slices whose result is not kept yet are run again.",
			set: func(d *decoder, v value) { d.p.Results.Keep = hindcast.Keep(d.oneOf(v, keeps...)) }},
		{Path: "results.expire", Form: formDuration, Else: "5 days", Example: "30 days",
			Meaning: "How old a snapshot of the Iceberg table may become. A run that publishes expires older ones at its end, never the current one nor one that a tag or branch " +
				"names, and deletes the data that only they had.",
			set: func(d *decoder, v value) { d.p.Results.Expire = d.duration(v) }},
	}
}

func paramKeys() []Key {
	return []Key{
		{Path: "params", Form: formNames, Else: "none", Example: "{rate: 1.10}",
			Meaning: "Values for `:name` in the SQL and the checks. `:slice_start`, `:slice_end` and `:run_time` are always available."},
		{Path: "params.*", Form: formParam, Example: "1.10",
			Meaning: "One value. A number appears in the SQL with the digits written here.",
			set:     func(d *decoder, v value) { d.setParam(v) }},
	}
}

func checkKeys() []Key {
	return []Key{
		{Path: "checks", Form: formList, Else: "none", Example: "[{rows: {min: 1}}]",
			Meaning: "What must hold for a slice's result. A failed check publishes nothing of that slice."},
		{Path: "checks.*", Form: formObject, Meaning: "One check: exactly one of the keys below.",
			Schema: map[string]any{"minProperties": 1, "maxProperties": 1},
			begin:  func(d *decoder, _ value) { d.output().Checks = append(d.output().Checks, hindcast.Check{}) },
			set:    func(d *decoder, v value) { d.nameCheck(v) }},
		{Path: "checks.*.rows", Form: formObject, Example: "{min: 1}", Else: "not checked",
			Schema:  map[string]any{"minProperties": 1},
			Meaning: "Bounds the number of rows. It does not apply where all facts of the slice are empty.",
			begin:   func(d *decoder, v value) { d.beginRows(v) },
			set:     func(d *decoder, v value) { d.checkRows(v) }},
		{Path: "checks.*.rows.min", Form: formCount, Else: "no bound", Example: "1", Meaning: "The fewest rows allowed.",
			set: func(d *decoder, v value) { d.rows().Min = d.count(v) }},
		{Path: "checks.*.rows.max", Form: formCount, Else: "no bound", Example: "1000000", Meaning: "The most rows allowed.",
			set: func(d *decoder, v value) { d.rows().Max = d.count(v) }},
		{Path: "checks.*.total", Form: formObject, Else: "not checked",
			Example: `{of: net_cost, equals: "SELECT SUM(cost) FROM billing"}`,
			Meaning: "Compares the sum of a column with one value of the slice's facts; NULL equals NULL.",
			begin:   func(d *decoder, v value) { d.beginTotal(v) }},
		{Path: "checks.*.total.of", Form: formText, Required: true, Example: "net_cost", Meaning: "The result's column to sum.",
			set: func(d *decoder, v value) { d.total().Of = d.textOf(v) }},
		{Path: "checks.*.total.equals", Form: formText, Required: true, Example: `"SELECT SUM(cost) FROM billing"`,
			Meaning: "SQL over the slice's facts and dimensions that gives one value.",
			set:     func(d *decoder, v value) { d.total().Equals = d.textOf(v) }},
		{Path: "checks.*.total.within", Form: formDecimal, Default: "0", Example: "0.01",
			Meaning: "How far the two may be apart, absolutely.",
			set:     func(d *decoder, v value) { d.total().Within = d.decimal(v) }},
		{Path: "checks.*.sql", Form: formText, Else: "not checked", Example: `"SELECT * FROM result WHERE net_cost < -1e6"`,
			Meaning: "SQL that must return no row. `result` is the slice's result.",
			set:     func(d *decoder, v value) { d.check().SQL = d.textOf(v) }},
	}
}

// namedCheckKeys are the checks that dbt has by these names, and those against what is published.
func namedCheckKeys() []Key {
	return []Key{
		{Path: "checks.*.not_null", Form: formOneOrMore, Else: "not checked", Example: "[usage_month, account_id]",
			Meaning: "Columns of the result that must not be NULL in any row, as in dbt's test of the same name.",
			set:     func(d *decoder, v value) { d.check().NotNull = d.columnsOf(v) }},
		{Path: "checks.*.unique", Form: formOneOrMore, Else: "not checked", Example: "invoice_id",
			Meaning: "Columns whose values, taken together, must not be in two rows of the slice's result. As in dbt's test, and with SQL's UNIQUE, " +
				"rows with a NULL in one of them are ignored. Other slices are not looked at.",
			set: func(d *decoder, v value) { d.check().Unique = d.columnsOf(v) }},
		{Path: "checks.*.accepted_values", Form: formObject, Else: "not checked", Example: "{column: segment, values: [consumer, business]}",
			Meaning: "The values that a column of the result may have. As in dbt's test, NULL is accepted too: `not_null` refuses it.",
			begin: func(d *decoder, v value) {
				if v.node != nil {
					d.check().Accepted = &hindcast.AcceptedCheck{}
				}
			}},
		{Path: "checks.*.accepted_values.column", Form: formText, Required: true, Example: "segment", Meaning: "The result's column.",
			set: func(d *decoder, v value) { d.check().Accepted.Column = d.textOf(v) }},
		{Path: "checks.*.accepted_values.values", Form: formValues, Required: true, Example: "[consumer, business]",
			Meaning: "The values. A number is compared as a number, with the digits written here; what is quoted is compared as a text.",
			set:     func(d *decoder, v value) { d.check().Accepted.Values = d.literals(v) }},
		{Path: "checks.*.relationships", Form: formObject, Else: "not checked", Example: "{column: account_id, to: accounts, field: account_id}",
			Meaning: "Each value of a column of the result must be in a fact or dimension. As in dbt's test, NULL is ignored.",
			begin: func(d *decoder, v value) {
				if v.node != nil {
					d.check().Related = &hindcast.RelatedCheck{}
				}
			}},
		{Path: "checks.*.relationships.column", Form: formText, Required: true, Example: "account_id", Meaning: "The result's column.",
			set: func(d *decoder, v value) { d.check().Related.Column = d.textOf(v) }},
		{Path: "checks.*.relationships.to", Form: formText, Required: true, Example: "accounts",
			Meaning: "The fact or dimension, by the name that the SQL uses. Of a fact these are the slice's own rows.",
			set:     func(d *decoder, v value) { d.check().Related.To = d.textOf(v) }},
		{Path: "checks.*.relationships.field", Form: formText, Required: true, Example: "account_id", Meaning: "Its column.",
			set: func(d *decoder, v value) { d.check().Related.Field = d.textOf(v) }},
		{Path: "checks.*.against_previous", Form: formObject, Else: "not checked", Schema: map[string]any{"minProperties": 1},
			Example: "{rows: 0.8..1.2, total: {of: net_cost, within: 5%}}",
			Meaning: "Compares the result with the rows that the target has in the slice when it is computed. If it has none, as before the first publication, " +
				"there is nothing to compare with: the check holds, and the run's log says so. If it has some and the result has none, a run needs --allow-empty, with or without this check.",
			begin: func(d *decoder, v value) {
				if v.node != nil {
					d.check().Previous = &hindcast.PreviousCheck{}
				}
			},
			set: func(d *decoder, v value) { d.checkPrevious(v) }},
		{Path: "checks.*.against_previous.rows", Form: formRatio, Else: "not checked", Example: "0.8..1.2",
			Meaning: "The fewest and the most rows, as factors of the rows before.",
			set:     func(d *decoder, v value) { d.check().Previous.Rows = d.ratio(v) }},
		{Path: "checks.*.against_previous.total", Form: formObject, Else: "not checked", Example: "{of: net_cost, within: 5%}",
			Meaning: "Compares the sum of a column with the one before, exactly. A column without any value before is not compared; one that has none now fails.",
			begin: func(d *decoder, v value) {
				if v.node != nil {
					d.check().Previous.Total = &hindcast.PreviousTotal{}
				}
			}},
		{Path: "checks.*.against_previous.total.of", Form: formText, Required: true, Example: "net_cost",
			Meaning: "The result's column to sum: a whole number or a DECIMAL, whose sums are exact.",
			set:     func(d *decoder, v value) { d.check().Previous.Total.Of = d.textOf(v) }},
		{Path: "checks.*.against_previous.total.within", Form: formWithin, Required: true, Example: "5%",
			Meaning: "How far apart the two may be: in per cent of the amount before, or absolutely. A percentage of 0 is 0, so a total that was 0 has to stay 0.",
			set:     func(d *decoder, v value) { d.check().Previous.Total.Within = d.within(v) }},
	}
}

func loadKeys() []Key {
	return []Key{
		{Path: "load", Form: formObject, Else: "nothing is added to a load", Example: `{after: ["ANALYZE cost_summary"]}`,
			Meaning: "SQL of your own around the load of a slice."},
		{Path: "load.before", Form: formTexts, Else: "none", Example: `["DELETE FROM staging_notes"]`,
			Meaning: "Statements in the load's transaction, before the slice's rows are deleted. BEGIN, COMMIT and other transaction control are refused.",
			set:     func(d *decoder, v value) { d.output().Load.Before = d.textsOf(v) }},
		{Path: "load.after", Form: formTexts, Else: "none", Example: `["ANALYZE cost_summary"]`,
			Meaning: "Statements in the load's transaction, after the slice's rows are inserted.",
			set:     func(d *decoder, v value) { d.output().Load.After = d.textsOf(v) }},
		{Path: "load.publish", Form: choice(publishes...), Default: string(hindcast.PublishSlice), Example: string(hindcast.PublishRun),
			Meaning: "When results become visible: `slice` publishes each slice as soon as it is done. `run` computes and stages all slices first, and replaces them " +
				"in one transaction: readers see the old history until the new one is whole, and if a slice fails nothing is published.",
			set: func(d *decoder, v value) {
				if d.oneOf(v, publishes...) == string(hindcast.PublishRun) {
					d.p.Publish = hindcast.PublishRun
				}
			}},
		{Path: "load.session", Form: formTexts, Else: "none", Example: `["SET preserve_insertion_order = false"]`,
			Meaning: "SET statements for each session on the warehouse.",
			set:     func(d *decoder, v value) { d.p.Session = d.sessionOf(v) }},
		{Path: "load.triggers", Form: choice(triggers...), Default: keepValues, Example: mayChangeValues,
			Meaning: "What the target's triggers may do to the rows of a load, in PostgreSQL. They may fill other columns and route rows into " +
				"partitions; with may_change_values they may also change the values that the SQL returns. A row more or less than was sent " +
				"rolls the load back in any case.",
			set: func(d *decoder, v value) { d.output().Load.MayChange = d.oneOf(v, triggers...) == mayChangeValues }},
	}
}

func runKeys() []Key {
	return []Key{
		{Path: "run", Form: formObject, Else: "all of its defaults", Example: "{retries: 3}", Meaning: "What a run may use, and how it handles failures."},
		{Path: "run.parallel", Form: formParallel, Default: "auto", Example: "2",
			Meaning: "How many slices are transformed at the same time; auto follows cores and memory.",
			set:     func(d *decoder, v value) { d.p.Run.Parallel = d.parallel(v) }},
		{Path: "run.unload_parallel", Form: formParallel, Default: "auto", Example: "2",
			Meaning: "How many unloads run at the same time; auto follows the warehouse.",
			set:     func(d *decoder, v value) { d.p.Run.UnloadParallel = d.parallel(v) }},
		{Path: "run.memory", Form: formSize, Default: "auto", Example: "4GB",
			Meaning: "Memory for the whole run; auto takes what the machine or the cgroup offers.",
			set:     func(d *decoder, v value) { d.p.Run.Memory = d.memory(v) }},
		{Path: "run.retries", Form: formCount, Default: "10", Example: "3", Schema: map[string]any{"maximum": maxRetries},
			Meaning: "How often a slice is tried again after its first attempt; resume starts the count over.",
			set:     func(d *decoder, v value) { d.p.Run.Retries = int(d.whole(v, 0, maxRetries, formCount.Right)) }},
		{Path: "run.retry_wait", Form: formDuration, Default: "1s", Example: "5s",
			Meaning: "The wait before the first retry. It doubles with each retry, up to 60 times this, with random jitter.",
			set:     func(d *decoder, v value) { d.p.Run.RetryWait = d.duration(v) }},
		{Path: "run.attempt_timeout", Form: formDuration, Default: "2h", Example: "30m",
			Meaning: "An attempt that takes longer is stopped and counts as failed.",
			set:     func(d *decoder, v value) { d.p.Run.AttemptTimeout = d.positive(v) }},
		{Path: "run.lease_ttl", Form: formDuration, Default: "30s", Example: "2m",
			Meaning: "How long a run may give no sign of life before another machine may take it over; at least 1s. It gives one every third of that time.",
			set:     func(d *decoder, v value) { d.p.Run.LeaseTTL = d.leaseTTL(v) }},
		{Path: "run.on_failure", Form: choice(failures...), Default: string(hindcast.OnFailureStop), Example: "continue",
			Meaning: "What one slice's final failure does: stop everything, or finish what can be finished. The exit code is 2 either way.",
			set:     func(d *decoder, v value) { d.p.Run.OnFailure = hindcast.OnFailure(d.oneOf(v, failures...)) }},
		{Path: "run.scratch", Form: formText, Else: "below the user's cache folder", Example: "/mnt/fast/hindcast",
			Meaning: "A folder on this machine for files of a lake in a bucket while a run works with them. What a killed run " +
				"leaves is removed by the next one. A lake in a folder needs none.",
			set: func(d *decoder, v value) { d.p.Run.Scratch = d.absolute(d.textOf(v)) }},
		{Path: "run.cache", Form: formSize, Default: "auto", Example: "200GB",
			Meaning: "How much of a lake in a bucket this machine may keep for the next run, below run.scratch: of each file only " +
				"the columns that were read. Files in use may exceed it. auto is half of the disk.",
			set: func(d *decoder, v value) { d.p.Run.Cache = d.memory(v) }},
		{Path: "run.budget", Form: formObject, Else: "no cap", Example: "{time: 30m}",
			Meaning: "Caps what a run may use; it ends with exit code 5 when that is reached."},
		{Path: "run.budget.time", Form: formDuration, Else: "no cap", Example: "30m", Meaning: "The longest that a run may take.",
			set: func(d *decoder, v value) { d.p.Run.Budget.Time = d.positive(v) }},
		{Path: "run.budget.usd", Form: formDecimal, Else: "no cap", Example: "200",
			Meaning: "The most that a run may cost, in dollars, on an engine that is paid for by time. A plan that costs more is refused; a run that has spent it, " +
				"failed attempts and earlier resumes included, is stopped.",
			set: func(d *decoder, v value) { d.p.Run.Budget.USD = d.dollars(v) }},
		{Path: "run.prices", Form: formText, Else: "hindcast's own table alone", Example: "prices.json",
			Meaning: "A table of prices, as JSON, that goes before hindcast's own: your region's, or those of a contract.",
			set:     func(d *decoder, v value) { d.p.Run.Prices = d.absolute(d.textOf(v)) }},
	}
}

var (
	missings  = []string{string(hindcast.MissingFail), string(hindcast.MissingSkip), string(hindcast.MissingEmpty)}
	failures  = []string{string(hindcast.OnFailureStop), string(hindcast.OnFailureContinue)}
	triggers  = []string{keepValues, mayChangeValues}
	publishes = []string{string(hindcast.PublishSlice), string(hindcast.PublishRun)}
	keeps     = []string{string(hindcast.KeepParquet), string(hindcast.KeepIceberg)}
)

// What triggers of the target may do.
const (
	keepValues      = "keep_values"
	mayChangeValues = "may_change_values"
)

const maxRetries = 1000

// oneSource says in JSON Schema that exactly one of table and files is there.
func oneSource() map[string]any {
	return map[string]any{"oneOf": []any{
		map[string]any{"required": []any{"table"}}, map[string]any{"required": []any{"files"}}}}
}
