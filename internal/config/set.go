package config

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // so that zones mean the same on every machine
	"unicode"
	"unicode/utf8"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/sqltext"
)

var pipelineName = regexp.MustCompile(namePattern)

// maxName is the longest name in bytes: it becomes a folder's name.
const maxName = 200

func (d *decoder) pipelineName(v value) string {
	if !pipelineName.MatchString(v.text) || len(v.text) > maxName {
		d.bad(v, formName.Right, "%q is not a valid pipeline name", v.text)
	}
	return v.text
}

// historyText holds history's times until the zone is known.
type historyText struct{ from, to value }

func (d *decoder) setZone(v value) {
	zone, err := time.LoadLocation(v.text)
	if err != nil || v.text == "" || v.text == "Local" {
		d.bad(v, formZone.Right, "%q is not a time zone", v.text)
		return
	}
	d.p.History.TimeZone, d.p.History.Zone = v.text, zone
}

// setHistory reads history's bounds in its zone.
func (d *decoder) setHistory() {
	h := &d.p.History
	from, ok := d.instant(d.history.from, formDate.Right)
	if !ok {
		return
	}

	h.From, h.To = from, d.history.to.text
	if h.To == "today" {
		return
	}

	if distance, plus := strings.CutPrefix(h.To, "+"); plus {
		if _, ok := parsePeriod(distance); !ok {
			d.bad(d.history.to, formEnd.Right, "%q is not a distance", h.To)
		}
		return
	}

	if to, ok := d.instant(d.history.to, formEnd.Right); ok && !to.After(from) {
		d.bad(d.history.to, "write a date after "+d.history.from.text, "history ends before it begins")
	}
}

var instantForms = []string{"2006-01-02", "2006-01-02T15:04", "2006-01-02 15:04"}

// instant reads a date, or a date and an hour, in the history's zone.
func (d *decoder) instant(v value, right string) (time.Time, bool) {
	for i, form := range instantForms {
		civil, err := time.Parse(form, v.text)
		if err != nil {
			continue
		}
		t := hindcast.Instant(civil, d.p.History.Zone)
		switch {
		case civil.Year() < 1:
		case civil.Minute() != 0:
			d.bad(v, right, "%q is not on the hour", v.text)
			return t, false
		case i > 0 && t.Format(form) != v.text:
			d.bad(v, right, "%q does not exist in %s: the clocks were set forward", v.text, d.p.History.TimeZone)
			return t, false
		default:
			return t, true
		}
	}

	d.bad(v, right, "%q is not a date", v.text)
	return time.Time{}, false
}

func (d *decoder) fact() *hindcast.Fact { return &d.p.Facts[len(d.p.Facts)-1] }
func (d *decoder) dim() *hindcast.Dim   { return &d.p.Dims[len(d.p.Dims)-1] }

// sourceName checks a fact's or dimension's name: a table's name in the SQL and a folder's name in the lake.
func (d *decoder) sourceName(v value) {
	why := ""
	switch {
	case strings.TrimSpace(v.name) != v.name || v.name == "":
		why = "is empty or has spaces around it"
	case strings.ContainsFunc(v.name, func(r rune) bool { return r == '/' || unicode.IsControl(r) }):
		why = `holds "/" or a control character`
	case v.name == "." || v.name == ".." || strings.HasPrefix(strings.ToLower(v.name), "_hindcast"):
		why = "is one of hindcast's own folders"
	case strings.EqualFold(v.name, "result"):
		why = "means the slice's result in checks"
	case len(v.name) > maxName:
		why = fmt.Sprintf("is longer than %d bytes", maxName)
	default:
		why = d.taken(v.name)
	}

	if why != "" {
		d.fail(hindcast.EValue, v.key, utf8.RuneCountInString(v.name), "give it another name", "the name %q %s", v.name, why)
	}
}

// taken says what else has the name; SQL ignores case.
func (d *decoder) taken(name string) string {
	for _, f := range d.p.Facts {
		if strings.EqualFold(f.Name, name) {
			return fmt.Sprintf("is taken by the fact in line %d", d.p.Places["facts."+f.Name].Line)
		}
	}

	for _, x := range d.p.Dims {
		if strings.EqualFold(x.Name, name) {
			return fmt.Sprintf("is taken by the dimension in line %d", d.p.Places["dimensions."+x.Name].Line)
		}
	}

	return ""
}

func (d *decoder) someFacts(v value) {
	if len(d.p.Facts) == 0 {
		d.bad(v, `write at least one fact, such as billing: {table: "billing_{yyyy}_{mm}"}`, "there are no facts")
	}
}

func (d *decoder) checkFact(v value) {
	f := d.fact()
	d.checkSource(v, f.Table, f.Files)
	if f.Time == "" && !f.TimeNamed() && (f.Table == "") != (f.Files == "") {
		d.fail(hindcast.EValue, v.key, utf8.RuneCountInString(v.name),
			"add time: with the column's name, or name the tables with {yyyy} and so on",
			"%s: it needs time:, because its %s not time-named", v.path, sourceWord(f))
	}

	d.checkText(v, f.Text, f.Columns, f.Files)
	d.checkUsed(v, f.Used, f.Files)
	d.checkTypes(v, f.Types, f.Files)
	d.checkDeclaredOf(v, f)

	for i, name := range f.Text {
		if strings.EqualFold(name, f.Time) {
			d.notText(v, i, name, "take it out of `text`", "assigns the rows to slices, and a text cannot")
		}
	}
}

func (d *decoder) checkDim(v value) {
	x := d.dim()
	d.checkSource(v, x.Table, x.Files)
	d.checkText(v, x.Text, x.Columns, x.Files)
	d.checkUsed(v, x.Used, x.Files)
	d.checkTypes(v, x.Types, x.Files)
}

// checkUsed refuses `columns: used` for files, which are not unloaded.
func (d *decoder) checkUsed(v value, narrow bool, files string) {
	if narrow && files != "" {
		d.fail(hindcast.EValue, d.p.Places[v.path+".columns"], len("columns"), "leave `columns: used` out",
			"%s.columns: files of your own are read where they are, and only the columns that the SQL reads", v.path)
	}
}

// checkText restricts `text` to what is unloaded.
func (d *decoder) checkText(v value, text, columns []string, files string) {
	for i, name := range text {
		switch {
		case files != "":
			d.notText(v, i, name, "cast it in the SQL", "is in files of your own, which are read as they are")
		case len(columns) > 0 && !slices.ContainsFunc(columns, func(c string) bool { return strings.EqualFold(c, name) }):
			d.notText(v, i, name, "name it in `columns` too, or leave it out of `text`", "is left out by `columns`")
		}
	}
}

// notText refuses the i-th column of a source's `text`.
func (d *decoder) notText(v value, i int, name, next, why string) {
	d.fail(hindcast.EValue, d.p.Places[fmt.Sprintf("%s.text.%d", v.path, i)], utf8.RuneCountInString(name), next, "%s.text: %q %s", v.path, name, why)
}

func sourceWord(f *hindcast.Fact) string {
	if f.Files != "" {
		return "files are"
	}
	return "table is"
}

func (d *decoder) checkSource(v value, table, files string) {
	if (table == "") != (files == "") {
		return
	}

	what := "neither table: nor files: is there"
	if table != "" {
		what = "table: and files: are both there"
	}

	d.fail(hindcast.EValue, v.key, utf8.RuneCountInString(v.name), "write exactly one of the two", "%s: %s", v.path, what)
}

// files takes a glob as written: only there may patterns stand.
func (d *decoder) files(v value, glob string) string {
	switch {
	case glob == "":
		return ""
	case maskPasswords(glob) != glob:
		d.bad(v, "name files on this machine, or a `table` to unload", "credentials are not allowed in a glob")
		return ""
	case urlScheme.MatchString(glob):
		d.bad(v, "name files on this machine, or a `table` to unload", "your own files are read only from this machine's folders")
		return ""
	}
	return glob
}

// checkTypes restricts `types` to the user's own files.
func (d *decoder) checkTypes(v value, types map[string]string, files string) {
	if len(types) > 0 && files == "" {
		d.fail(hindcast.EValue, d.p.Places[v.path+".types"], len("types"), "leave it out: the unload takes the table's own types; cast in the SQL, or use `text:`",
			"%s: types: is only for `files` of your own", v.path)
	}
}

// readSQL reads the transform's SQL file.
func (d *decoder) readSQL(v value) {
	name := d.textOf(v)
	if name == "" {
		return
	}

	path := d.absolute(name)
	text, err := d.env.read(path)
	known := len(d.errs)
	defer func() {
		if d.env.WithoutSQL && len(d.errs) > known {
			d.output().SQLFile, d.output().Fault = path, d.errs[known]
			d.errs = d.errs[:known]
		}
	}()

	switch {
	case err == nil && !utf8.Valid(text):
		d.bad(v, "write the SQL as UTF-8 text", "the file %s is not UTF-8", name)
	case err == nil && strings.TrimSpace(string(text)) == "":
		d.bad(v, "write a SELECT into it", "the file %s is empty", name)
	case err == nil:
		d.output().SQLFile, d.output().Text = path, string(text)
	case errors.Is(err, fs.ErrPermission):
		d.fail(hindcast.EPermission, v.at, v.length(), "give yourself permission to read it",
			"permission denied for the SQL file %s", name).Cause = err
	case errors.Is(err, fs.ErrNotExist):
		d.fail(hindcast.EFileMissing, v.at, v.length(), "write the SQL into "+filepath.Join(d.shownDir(), name)+", or name another file",
			"no such SQL file: %s", name).Cause = err
	default:
		d.fail(hindcast.EFileMissing, v.at, v.length(), "name a file with SQL in it",
			"the SQL file %s cannot be read: %v", name, cause(err)).Cause = err
	}
}

// shownDir is the pipeline file's folder as the user wrote it.
func (d *decoder) shownDir() string { return filepath.Dir(d.name) }

var paramName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (d *decoder) setParam(v value) {
	next := "give it a name of letters, digits and _"
	switch strings.ToLower(v.name) {
	case "slice_start", "slice_end", "run_time":
		d.fail(hindcast.EValue, v.key, utf8.RuneCountInString(v.name), next, "the parameter %q is built in and cannot be set", v.name)
		return
	}

	if !paramName.MatchString(v.name) {
		d.fail(hindcast.EValue, v.key, utf8.RuneCountInString(v.name), next, "%q is not a valid parameter name", v.name)
		return
	}

	d.p.Params = append(d.p.Params, d.param(v))
}

var setStatement = regexp.MustCompile(`(?is)^\s*set\s`)

func (d *decoder) sessionOf(v value) []string {
	for _, item := range v.items {
		if !setStatement.MatchString(item.text) || len(sqltext.Standard.Statements(item.text)) != 1 {
			d.bad(item, `write "SET name = value"; other statements belong in before or after`, "is not one SET statement")
		}
	}
	return d.textsOf(v)
}

// finish fills in what one key takes from another.
func finish(d *decoder, _ value) {
	for i := range d.p.Facts {
		if d.p.Facts[i].Every.IsZero() {
			d.p.Facts[i].Every = d.p.History.Every
		}
	}
	d.finishOutputs()
	d.finishWarehouses()
	d.finishTransform()
	d.finishChecks()
	d.checkRedshift()
	d.checkResults()
	d.finishResize()
	d.finishWindow()
}
