package scaffold

import (
	"embed"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/numbers"
)

//go:embed folder
var folder embed.FS

var forms = template.Must(template.New("").Funcs(template.FuncMap{
	"yaml": yamlText, "quote": strconv.Quote, "guess": guess,
	"escaped": func(text string) string { return strings.ReplaceAll(text, `"`, `\"`) },
}).ParseFS(folder, "folder/*"))

var plainYAML = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_./:-]*$`)

// yamlText writes a text as YAML: plain where that is read as the same text, quoted otherwise.
func yamlText(text string) string {
	words := []string{"null", "true", "false", "yes", "no", "on", "off", "y", "n"}
	if plainYAML.MatchString(text) && !strings.HasSuffix(text, ":") && !slices.Contains(words, strings.ToLower(text)) {
		return text
	}
	return strconv.Quote(text)
}

// guess writes why a value was guessed as a comment behind it.
func guess(why string) string {
	if why == "" {
		return ""
	}
	return "  # " + why
}

// form is what the two files are filled in with.
type form struct {
	Guessed                  bool
	Notes                    []string
	Pipeline, Warehouse      string
	From, To, Every          string
	FromWhy, ToWhy, EveryWhy string
	Facts                    []factLine
	Dimensions               []dimensionLine
	SQLFile                  string
	Target                   hindcast.Target
	TimeWhy, KeyWhy          string
	Total, Equals            string
	Title, Fact, Alias       string
	Lines, Joins             []string
	first                    Fact
}

type factLine struct {
	Comments          []string
	Name, Table, Time string
	Every, Missing    string
	Text              []string
	Idle              bool
	Used              bool // only the columns that are read are unloaded
	Declared          string
	Why               string
}

type dimensionLine struct {
	Name, Table, Why string
	Text             []string
}

// wide is from how many columns on a fact's unload is narrowed to those that are read.
const wide = 20

// textual are the columns that the lake has no type for.
func textual(columns []hindcast.Column) []string {
	var names []string
	for _, c := range columns {
		if c.Type == "" && !c.NoText {
			names = append(names, c.Name)
		}
	}
	return names
}

// example is the fact of a blank pipeline file.
var example = Fact{Name: "billing", Table: "billing_{yyyy}_{mm}", Named: true, Time: "usage_date", Every: hindcast.Period{N: 2, Unit: hindcast.Months},
	From: time.Date(2016, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC),
	Columns: []hindcast.Column{{Name: "usage_date", Type: "DATE"}, {Name: "account_id", Type: "VARCHAR", NotNull: true}, {Name: "cost", Type: "DECIMAL(18,6)"}}}

// fillIn makes the form from what was found, and completes what was found by what the form chose.
func fillIn(found *Found) *form {
	f := &form{Warehouse: found.Warehouse, first: example}
	if f.Warehouse == "" {
		f.Warehouse = "duckdb:warehouse.duckdb"
	}
	if len(found.Facts) > 0 {
		f.Guessed, f.first = true, found.Facts[0]
	}
	f.Pipeline = found.Pipeline
	if f.Pipeline == "" {
		f.Pipeline = summary(f.first.Name)
	}
	found.Pipeline = f.Pipeline
	f.history()
	if !f.Guessed {
		f.blank(found)
	} else {
		f.sources(found)
	}
	f.result(found)
	return f
}

func (f *form) history() {
	first := f.first
	f.Every = first.Every.String()
	if first.From.IsZero() {
		f.From, f.To = example.From.Format(time.DateOnly), "today"
		f.FromWhy = "guessed: nothing says where the rows of " + first.Table + " begin; correct it"
		f.EveryWhy = "guessed: a usual length"
		return
	}
	f.From, f.To = moment(first.From), moment(first.To)
	switch {
	case !f.Guessed:
	case first.Named:
		f.FromWhy, f.ToWhy = "guessed: the first table's name", "guessed: the last table's name; `today` lets history grow"
		f.EveryWhy = "guessed: the distance between the tables' names"
	default:
		f.FromWhy, f.ToWhy = "guessed: the first "+first.Time, "guessed: the last "+first.Time+"; `today` lets history grow"
		f.EveryWhy = "guessed: a usual length for as much history"
	}
}

// moment writes an instant of history: a date, with the hour where there is one.
func moment(t time.Time) string {
	if t.Hour() == 0 {
		return t.Format(time.DateOnly)
	}
	return t.Format("2006-01-02T15:04")
}

// blank fills in an example of a fact.
func (f *form) blank(found *Found) {
	f.Facts = []factLine{{Name: example.Name, Table: example.Table, Every: example.Every.String(), Missing: string(hindcast.MissingFail)}}
	if found.Looked && len(found.Unread) > 0 {
		f.Notes = []string{"", "No table of the warehouse has a time column, or a time in its name that can be read: this is an example."}
	} else if found.Looked {
		f.Notes = []string{"", fmt.Sprintf("None of the %d tables of the warehouse has a time in its name or a time column: this is an example.", found.Tables)}
	}
}

func (f *form) sources(found *Found) {
	for i, fact := range found.Facts {
		f.Facts = append(f.Facts, lineOf(fact, f.first, i == 0))
	}
	for _, d := range found.Dimensions {
		f.Dimensions = append(f.Dimensions, dimensionLine{d.Name, d.Table,
			fmt.Sprintf("guessed: %s of %s points into it%s", d.FactKey, d.FactName, rowsText(d.Rows)), textual(d.Columns)})
	}
}

func rowsText(n int64) string {
	if n < 0 {
		return ""
	}
	return fmt.Sprintf(" (%s)", numbers.Counted(n, "row"))
}

// lineOf is a fact's line in the pipeline file.
func lineOf(f, first Fact, main bool) factLine {
	line := factLine{Name: f.Name, Table: f.Table, Text: textual(f.Columns), Idle: f.Idle != "", Used: f.Declared == "" && len(f.Columns) >= wide, Why: "guessed: its time column is " + f.Time + rowsText(f.Rows)}
	if !f.Named {
		line.Time = f.Time
		return line.because(f)
	}
	line.Every, line.Missing, line.Declared = f.Every.String(), string(hindcast.MissingFail), f.Declared
	if f.Declared != "" {
		line.Comments = append(line.Comments, "guessed: `columns` gives each column one type in all slices, and NULL where a table does not have it.")
	}
	if len(f.Renames) > 0 {
		line.Comments = append(line.Comments, "guessed: "+some(f.Renames)+", as one ends where the other begins: take `was` out if that is not so.")
	}
	line.Why = fmt.Sprintf("guessed: %s%s", numbers.Counted(f.Tables, "time-named table"), rowsText(f.Rows))
	if len(f.Missing) > 0 {
		line.Comments = append(line.Comments, "Missing: "+some(f.Missing)+".")
	}
	switch {
	case len(f.Stray) > 0:
		line.Comments = append(line.Comments, fmt.Sprintf("Left out, as their names begin no period of %s: %s.", f.Every, some(f.Stray)),
			"As long as that is so a missing table is not taken as meant: `fail` refuses the plan.")
	case !main && (len(f.Missing) > 0 || f.From.After(first.From) || f.To.Before(first.To)):
		line.Missing = string(hindcast.MissingEmpty)
		line.Comments = append(line.Comments,
			fmt.Sprintf("guessed: %s has tables from %s to %s; `empty` takes it as without rows elsewhere.", f.Name, moment(f.From), moment(f.To)))
	case len(f.Missing) > 0:
		line.Missing = string(hindcast.MissingSkip)
		line.Comments = append(line.Comments,
			"guessed: `skip` leaves their slices out and names them, `fail` refuses the plan, `empty` takes them as without rows.")
	}
	return line.because(f)
}

// because adds why a fact is a comment only.
func (l factLine) because(f Fact) factLine {
	if f.Idle != "" {
		l.Comments = append(l.Comments, "Not in use: "+f.Idle+".")
	}
	return l
}

// some lists names, the first of many.
func some(list []string) string {
	const most = 12
	if len(list) > most {
		return strings.Join(list[:most], ", ") + fmt.Sprintf(" and %d more", len(list)-most)
	}
	return strings.Join(list, ", ")
}

// result fills in the target, the checks and the SQL.
func (f *form) result(found *Found) {
	f.Alias = "f"
	if c := f.first.Name[0]; c >= 'a' && c <= 'z' {
		f.Alias = string(c)
	}
	s := shapeOf(f.first, found.Dimensions, f.Alias)
	taken := map[string]bool{}
	for _, name := range found.tables {
		taken[name] = true
	}
	f.Target = hindcast.Target{Table: free(summary(f.first.Name), taken), Time: s.time, Key: s.keys}
	found.Target = f.Target
	if found.Unsummed, found.Uncarried = s.unsummed, s.uncarried; len(s.uncarried) > 0 {
		f.Notes = append(f.Notes, "", "Left out, as their type cannot be carried: "+some(s.uncarried)+". A view that casts them to a numeric with a precision can be the fact.")
	}
	f.SQLFile = f.Target.Table + ".sql"
	f.Fact, f.Lines = inSQL(f.first.Name), s.lines
	f.Title = fmt.Sprintf("%s by %s.", f.first.Name, strings.Join(s.keys, ", "))
	if f.Guessed {
		f.TimeWhy, f.KeyWhy = s.timeWhy, s.keyWhy
		f.Title += " Guessed from the columns of " + f.first.Table + ": make it yours."
	}
	if s.total != "" {
		f.Total, f.Equals = s.total, "SELECT sum("+inSQL(s.summed)+") FROM "+f.Fact
	}
	f.join(found)
}

// join shows how the dimensions are joined, in comments: a wrong guess would double rows.
func (f *form) join(found *Found) {
	for i, d := range found.Dimensions {
		if d.FactName == f.first.Name {
			alias := "d" + strconv.Itoa(i+1)
			f.Joins = append(f.Joins, fmt.Sprintf("LEFT JOIN %s AS %s ON %s.%s = %s.%s", inSQL(d.Name), alias, alias, inSQL(d.Key), f.Alias, inSQL(d.FactKey)))
		}
	}
}

// texts are the pipeline file and the SQL.
func (f *form) texts() (pipeline, sql string, err error) {
	var out [2]strings.Builder
	for i, name := range []string{"hindcast.yml", "transform.sql"} {
		if err := forms.ExecuteTemplate(&out[i], name, f); err != nil {
			return "", "", fmt.Errorf("writing %s: %w", name, err)
		}
	}
	return out[0].String(), out[1].String(), nil
}

// Foreign reports whether the warehouse's own SQL is not that of the engine, so that the dialect has to be said.
func (f *form) Foreign() bool { return !strings.HasPrefix(f.Warehouse, "duckdb:") }

// Redshift reports whether the warehouse is one, which needs a lake in a bucket.
func (f *form) Redshift() bool { return strings.HasPrefix(f.Warehouse, "redshift") }
