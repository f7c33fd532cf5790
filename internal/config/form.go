package config

import (
	"fmt"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"go.yaml.in/yaml/v4"
)

// kind is a value's shape in YAML.
type kind int

const (
	scalar    kind = iota // one value
	object                // known keys with values
	names                 // user-defined names, each with a value
	list                  // items that are objects
	texts                 // items that are texts
	overrides             // keys of the file, each with another value
	nothing               // one value that may be null
)

// Form is what a value must look like.
type Form struct {
	Name   string         // in the reference
	Right  string         // what would be valid, after "write"
	Schema map[string]any // JSON Schema of it; objects and names get theirs from the table

	kind     kind
	nullable bool
	secrets  bool   // ${VAR} may stand in it
	word     string // allowed in place of the list
	single   bool   // one text is allowed in place of the list
	plain    bool   // a text may be in place of the keys
	mapped   bool   // names with keys below them are allowed in place of the list
}

// shape is the kind that a value is of, for what it is written as: another one than usual where the form allows that.
func (f *Form) shape(node *yaml.Node) kind {
	switch {
	case f.mapped && node != nil && node.Kind == yaml.MappingNode:
		return names
	case f.alone(node):
		return scalar
	}
	return f.kind
}

// alone reports whether a value is one text in place of a list or of keys, where that is allowed.
func (f *Form) alone(node *yaml.Node) bool {
	if node == nil || node.Kind != yaml.ScalarNode {
		return false
	}
	return f.plain || f.word != "" && node.Value == f.word || f.single && node.ShortTag() != "!!null" && strings.TrimSpace(node.Value) != ""
}

const (
	periodPattern   = `^([1-9][0-9]* )?(hour|day|week|month|quarter|year)s?$`
	durationPattern = `^(0|([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+|[0-9]+(d| days?| hours?| minutes?| seconds?| weeks?))$`
	datePattern     = `^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:00)?$`
	sizePattern     = `^[0-9]+(\.[0-9]+)? ?(B|kB|KB|MB|GB|TB|KiB|MiB|GiB|TiB)$`
	decimalPattern  = `^[0-9]+(\.[0-9]+)?$`
	ratioPattern    = `^([0-9]+(\.[0-9]+)?) ?\.\. ?([0-9]+(\.[0-9]+)?)$`
	withinPattern   = `^[0-9]+(\.[0-9]+)? ?%?$`
	namePattern     = `^[a-z0-9_-]+$`
)

func patterned(pattern string) map[string]any {
	return map[string]any{"type": "string", "pattern": pattern}
}

// The forms of the pipeline file's values.
var (
	formObject = Form{Name: "keys", Right: "write its keys below it", kind: object}
	formTime   = Form{Name: "column, or keys", Right: "write a column's name, or {column: NAME, format: yyyymmdd}", kind: object, plain: true}
	formNames  = Form{Name: "names", Right: "write a name and what belongs to it, for each", kind: names}
	formList   = Form{Name: "list", Right: "write a list, each item beginning with -", kind: list}
	formTexts  = Form{Name: "list of texts", Right: "write a list of texts, such as [a, b]", kind: texts,
		Schema: map[string]any{"type": "array", "items": map[string]any{"type": "string", "minLength": 1}}}
	formColumns = Form{Name: "list of texts, or used", Right: "write a list of columns, such as [a, b], or used", kind: texts, word: used,
		Schema: map[string]any{"anyOf": []any{map[string]any{"const": used},
			map[string]any{"type": "array", "minItems": 1, "items": map[string]any{"type": "string", "minLength": 1}}}}}
	formOneOrMore = Form{Name: "column, or list of columns", Right: "write a column, or a list of columns such as [a, b]", kind: texts, single: true,
		Schema: map[string]any{"anyOf": []any{map[string]any{"type": "string", "minLength": 1},
			map[string]any{"type": "array", "minItems": 1, "items": map[string]any{"type": "string", "minLength": 1}}}}}
	formValues = Form{Name: "list of values", Right: "write a list of numbers or texts, such as [1, 2] or [a, b]", kind: texts,
		Schema: map[string]any{"type": "array", "minItems": 1, "items": map[string]any{"type": []any{"string", "number", "boolean"}}}}
	formRatio  = Form{Name: "factors", Right: "write two decimal numbers, the first not above the second, such as 0.8..1.2", Schema: patterned(ratioPattern)}
	formWithin = Form{Name: "decimal or per cent", Right: "write a decimal number, 0 or more, or one with %, such as 5%",
		Schema: map[string]any{"anyOf": []any{map[string]any{"type": "number", "minimum": 0}, patterned(withinPattern)}}}
	formFactColumns = Form{Name: "list of texts, used, or keys", Right: "write a list of columns, such as [a, b], used, or columns with keys: {tag: {type: varchar}}", kind: texts, word: used, mapped: true,
		Schema: formColumns.Schema}
	formText = Form{Name: "text", Right: "write a text that is not empty",
		Schema: map[string]any{"type": "string", "minLength": 1}}
	formName = Form{Name: "name", Right: "write a name of small letters, digits, _ and -, such as cloud_costs",
		Schema: patterned(namePattern)}
	formFactTable = Form{Name: "table name", Right: `write a table's name; {yyyy} {yy} {q} {mm} {m} {dd} {d} {hh} stand for the time in it, ` +
		`such as "billing_{yyyy}_{mm}"`, Schema: map[string]any{"type": "string", "minLength": 1}}
	formFactFiles = Form{Name: "glob", Right: `write a glob of Parquet files; {yyyy} {yy} {q} {mm} {m} {dd} {d} {hh} stand for the time in it, ` +
		`such as "export/{yyyy}_{mm}/*.parquet"`, Schema: map[string]any{"type": "string", "minLength": 1}}
	formWarehouse = Form{Name: "warehouse URL", secrets: true,
		Right:  "write duckdb:PATH, duckdb:///ABSOLUTE/PATH, postgres://USER:${PASSWORD}@HOST/DATABASE, host=HOST dbname=DATABASE, redshift://USER:${PASSWORD}@HOST:5439/DATABASE or redshift+iam://CLUSTER/DATABASE?region=REGION",
		Schema: patterned(`^(duckdb:|postgres(ql)?://|redshift(\+iam|-data)?://|\s*[A-Za-z_][A-Za-z0-9_.]*\s*=)`)}
	formLake = Form{Name: "lake URL", secrets: true, Right: "write a folder's path, file:///ABSOLUTE/PATH or s3://BUCKET/PREFIX",
		Schema: map[string]any{"type": "string", "minLength": 1}}
	formPeriod = Form{Name: "period", Right: `write a number and a unit, such as "2 months", "1 hour", "day" or "quarter"`,
		Schema: patterned(periodPattern)}
	formDuration = Form{Name: "duration", Right: `write a number and a unit, such as "30m", "2h", "7d" or "7 days"`,
		Schema: map[string]any{"anyOf": []any{patterned(durationPattern), map[string]any{"const": 0}}}}
	formDate = Form{Name: "date", Right: "write a date such as 2016-01-01, or with the hour 2016-01-01T05:00",
		Schema: patterned(datePattern)}
	formEnd = Form{Name: "end", Right: `write a date such as 2022-01-01, "today", or a distance such as "+1 year"`,
		Schema: map[string]any{"anyOf": []any{patterned(datePattern), map[string]any{"const": "today"},
			patterned(`^\+` + periodPattern[1:])}}}
	formZone = Form{Name: "time zone", Right: "write a zone's name such as UTC or Europe/Berlin",
		Schema: map[string]any{"type": "string", "minLength": 1}}
	formCount = Form{Name: "number", Right: "write a whole number, 0 or more",
		Schema: map[string]any{"type": "integer", "minimum": 0}}
	formParallel = Form{Name: "auto or number", Right: "write auto, or a whole number from 1 to 1024",
		Schema: map[string]any{"anyOf": []any{map[string]any{"const": "auto"},
			map[string]any{"type": "integer", "minimum": 1, "maximum": maxParallel}}}}
	formSize = Form{Name: "size", Right: `write auto, or a size of at least 16MiB such as "4GB" or "512MiB"`,
		Schema: map[string]any{"anyOf": []any{map[string]any{"const": "auto"}, patterned(sizePattern)}}}
	formDecimal = Form{Name: "decimal", Right: "write a decimal number, 0 or more, such as 0 or 0.01",
		Schema: map[string]any{"anyOf": []any{map[string]any{"type": "number", "minimum": 0}, patterned(decimalPattern)}}}
	formParam = Form{Name: "parameter", kind: nothing, nullable: true,
		Right:  "write a number in decimals, true, false, null or a text; quote what is meant as a text",
		Schema: map[string]any{"type": []any{"string", "number", "boolean", "null"}}}
)

const maxParallel = 1024

// forms lists those that the reference explains.
func forms() []Form {
	return []Form{formText, formName, formFactTable, formFactFiles, formWarehouse, formLake, formPeriod, formDuration,
		formDate, formEnd, formZone, formWindow, formCount, formParallel, formSize, formDecimal, formParam, formTexts, formColumns, formFactColumns, formOneOrMore, formValues, formTime, formYes,
		formWebhook, formRatio, formWithin,
		formMaster, formSparkVersion, formSetting, formPackages, formBroadcast, formGlueRole, formGlueVersion, formWorkers, formJobs, formGluePrefix,
		formEMRApplication, formEMRRole, formEMRRelease, formEMRRuns, formEMRCores, formEMRMemory, formExecutors, formEMRTag}
}

// choice is the form of one of a few words.
func choice(words ...string) Form {
	last := len(words) - 1
	either := words[last]
	if last > 0 {
		either = strings.Join(words[:last], ", ") + " or " + either
	}

	values := make([]any, len(words))
	for i, w := range words {
		values[i] = w
	}

	return Form{Name: either, Right: "write " + either, Schema: map[string]any{"enum": values}}
}

// textOf decodes any text that is not empty.
func (d *decoder) textOf(v value) string {
	text := strings.TrimSpace(v.text)
	if text == "" {
		d.bad(v, formText.Right, "is empty")
	}
	return text
}

// textsOf decodes a list of texts.
func (d *decoder) textsOf(v value) []string {
	var out []string
	for _, item := range v.items {
		out = append(out, strings.TrimSpace(item.text))
	}
	return out
}

// used may replace a list of columns: those that are read.
const used = "used"

// timeOf takes a time column that is written as its name alone.
func (d *decoder) timeOf(v value, column *string) {
	if v.node != nil && v.node.Kind == yaml.ScalarNode {
		*column = d.textOf(v)
	}
}

// narrowed decodes the columns of a fact or dimension: names, or the word for those that SQL and checks read.
func (d *decoder) narrowed(v value) (columns []string, word bool) {
	if v.text == used {
		return nil, true
	}
	return d.columnsOf(v), false
}

// columnsOf decodes a list of column names, each once and at least one.
func (d *decoder) columnsOf(v value) []string {
	out := d.textsOf(v)
	if len(out) == 0 {
		d.bad(v, "name at least one column, or leave the key out", "is empty")
	}

	seen := map[string]bool{}
	for i, column := range out {
		if seen[strings.ToLower(column)] {
			d.bad(v.items[i], "leave one of the two out", "column %q is there twice", column)
		}
		seen[strings.ToLower(column)] = true
	}

	return out
}

// oneOf decodes a word out of a choice.
func (d *decoder) oneOf(v value, words ...string) string {
	for _, w := range words {
		if v.text == w {
			return w
		}
	}

	d.bad(v, choice(words...).Right, "%q is not one of its values%s", v.text, didYouMean(v.text, words))
	return ""
}

// Engines are the names of the engines.
var Engines = []string{"duckdb", "spark", "glue", "emr-serverless"}

// dialects are those that SQL may be written in.
var dialects = []string{hindcast.DialectPostgres, hindcast.DialectRedshift, hindcast.DialectDuckDB, hindcast.DialectSpark}

// oneDriver decodes the name of an engine; coming are those that do not exist yet.
func (d *decoder) oneDriver(v value, known []string, coming ...string) string {
	if slices.Contains(coming, v.text) {
		d.bad(v, choice(known...).Right+", or leave the key out", "%q is not there yet", v.text)
		return ""
	}
	return d.oneOf(v, known...)
}

var periodForm = regexp.MustCompile(periodPattern)

// maxPeriods keeps period arithmetic far from overflow.
const maxPeriods = 1_000_000

// parsePeriod reads "2 months", "1 hour", "day"; a period of length zero is refused.
func parsePeriod(text string) (hindcast.Period, bool) {
	m := periodForm.FindStringSubmatch(text)
	if m == nil {
		return hindcast.Period{}, false
	}

	n := 1
	if m[1] != "" {
		var err error
		if n, err = strconv.Atoi(strings.TrimSpace(m[1])); err != nil || n > maxPeriods {
			return hindcast.Period{}, false
		}
	}

	return hindcast.Period{N: n, Unit: hindcast.Unit(m[2] + "s")}, true
}

func (d *decoder) period(v value) hindcast.Period {
	p, ok := parsePeriod(v.text)
	if !ok {
		d.bad(v, formPeriod.Right, "%q is not a period", v.text)
	}
	return p
}

var durationForm = regexp.MustCompile(`^([0-9]+) ?(d|days?|hours?|minutes?|seconds?|weeks?)$`)

// parseDuration reads Go's durations ("1h30m") and whole days, weeks and so on ("7d", "7 days").
func parseDuration(text string) (time.Duration, bool) {
	m := durationForm.FindStringSubmatch(text)
	if m == nil {
		if d, err := time.ParseDuration(text); err == nil && d >= 0 {
			return d, true
		}
		return 0, false
	}

	unit := map[string]time.Duration{"d": 24 * time.Hour, "day": 24 * time.Hour, "week": 7 * 24 * time.Hour,
		"hour": time.Hour, "minute": time.Minute, "second": time.Second}[strings.TrimSuffix(m[2], "s")]
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil || n > int64(math.MaxInt64/unit) {
		return 0, false
	}

	return time.Duration(n) * unit, true
}

func (d *decoder) duration(v value) time.Duration {
	out, ok := parseDuration(v.text)
	if !ok {
		d.bad(v, formDuration.Right, "%q is not a duration", v.text)
	}
	return out
}

// positive is duration for values that must be more than zero.
func (d *decoder) positive(v value) time.Duration {
	failed := len(d.errs)
	out := d.duration(v)
	if len(d.errs) == failed && out == 0 {
		d.bad(v, formDuration.Right, "must be more than zero")
	}
	return out
}

// shortestLease can be renewed three times in its length over any network.
const shortestLease = time.Second

func (d *decoder) leaseTTL(v value) time.Duration {
	failed := len(d.errs)
	out := d.duration(v)
	if len(d.errs) == failed && out < shortestLease {
		d.bad(v, "write 1s or more", "%q is too short for a lease", v.text)
	}
	return out
}

func (d *decoder) whole(v value, low, high int64, right string) int64 {
	n, err := strconv.ParseInt(v.text, 10, 64)
	if err != nil || n < low || n > high || strconv.FormatInt(n, 10) != v.text {
		among := fmt.Sprintf("from %d to %d", low, high)
		if high == math.MaxInt64 {
			among = fmt.Sprintf("of %d or more", low)
		}
		d.bad(v, right, "%q is not a whole number %s", v.text, among)
	}

	return n
}

// parallel decodes "auto" as 0, or a number.
func (d *decoder) parallel(v value) int {
	if v.text == "auto" {
		return 0
	}
	return int(d.whole(v, 1, maxParallel, formParallel.Right))
}

var sizeForm = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?) ?(B|kB|KB|MB|GB|TB|KiB|MiB|GiB|TiB)$`)

var sizeUnits = map[string]int64{"B": 1, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
	"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}

const minMemory = 16 << 20

// memory decodes "auto" as 0, or bytes.
func (d *decoder) memory(v value) int64 {
	if v.text == "auto" {
		return 0
	}

	return d.size(v, minMemory, formSize.Right)
}

// size decodes bytes, at least least.
func (d *decoder) size(v value, least int64, right string) int64 {
	m := sizeForm.FindStringSubmatch(v.text)
	if m == nil {
		d.bad(v, right, "%q is not a size", v.text)
		return 0
	}

	n, err := strconv.ParseFloat(m[1], 64)
	bytes := n * float64(sizeUnits[m[2]])
	if err != nil || bytes < float64(least) || bytes > 1<<60 {
		d.bad(v, right, "%q is too small or too large", v.text)
		return 0
	}

	return int64(bytes)
}

var decimalForm = regexp.MustCompile(decimalPattern)

// dollars decodes an amount of more than zero.
func (d *decoder) dollars(v value) float64 {
	failed := len(d.errs)
	amount, err := strconv.ParseFloat(d.decimal(v), 64)
	if len(d.errs) == failed && (err != nil || amount <= 0) {
		d.bad(v, formDecimal.Right, "must be more than zero")
	}
	return amount
}

// decimal decodes a decimal number as text, so that it stays exact.
func (d *decoder) decimal(v value) string {
	if !decimalForm.MatchString(v.text) {
		d.bad(v, formDecimal.Right, "%q is not a decimal number of 0 or more", v.text)
	}
	return v.text
}

var numberForm = regexp.MustCompile(`^([-+]?)((?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)$`)

// param decodes a parameter: its value, and the SQL literal with a number's original digits. A negative number is in
// parentheses, because a preceding "-" would turn it into a comment.
func (d *decoder) param(v value) hindcast.Param {
	out := hindcast.Param{Name: v.name, Value: v.text, Literal: "'" + strings.ReplaceAll(v.text, "'", "''") + "'"}
	switch v.node.ShortTag() {
	case "!!null":
		out.Value, out.Literal = nil, "NULL"
	case "!!bool":
		is := strings.EqualFold(v.text, "true")
		out.Value, out.Literal = is, strconv.FormatBool(is)
	case "!!int", "!!float":
		m := numberForm.FindStringSubmatch(v.text)
		if m == nil {
			d.bad(v, formParam.Right, "%s is a number in a form that SQL does not have", v.text)
			return out
		}

		out.Value, out.Literal = number(m[1]+m[2]), m[2]
		if m[1] == "-" {
			out.Literal = "(-" + m[2] + ")"
		}
	}

	return out
}

// number returns an int64 if the text is one, and the nearest float64 otherwise.
func number(text string) any {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n
	}

	f, _, err := big.ParseFloat(text, 10, 64, big.ToNearestEven)
	if err != nil {
		return text
	}

	near, _ := f.Float64()
	if math.IsInf(near, 0) {
		return text // beyond float64; the literal holds it
	}

	return near
}

var (
	braces       = regexp.MustCompile(`\{[^{}]*\}|[{}]`)
	placeholders = func() (texts []string) {
		for _, p := range hindcast.Placeholders {
			texts = append(texts, p.Text)
		}
		return texts
	}()
)

// timeNamed decodes a table name or glob that may hold placeholders for the time.
func (d *decoder) timeNamed(v value, right string) string {
	text := d.textOf(v)
	year := strings.Contains(v.text, "{yyyy}") || strings.Contains(v.text, "{yy}")
	for _, at := range braces.FindAllStringIndex(v.text, -1) {
		found := v.text[at[0]:at[1]]
		message := fmt.Sprintf("%s: %s is not a placeholder", v.path, found)
		if near := nearest(found, placeholders); near != "" && near != found {
			message += fmt.Sprintf(", did you mean %s?", near)
		} else if near == found && year {
			continue
		} else if near == found {
			message = fmt.Sprintf("%s: %s without {yyyy} is the same in every year", v.path, found)
		}

		d.fail(hindcast.EValue, v.within(at[0]), len([]rune(found)), right, "%s", message)
		break
	}

	return text
}

// untimed decodes a name that may not contain placeholders.
func (d *decoder) untimed(v value, of string) string {
	text := d.textOf(v)
	if at := braces.FindStringIndex(v.text); at != nil {
		d.fail(hindcast.EValue, v.within(at[0]), at[1]-at[0], "write one name without braces",
			"%s: %s may not contain placeholders", v.path, of)
	}
	return text
}
