package duckdb

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/datatype"
	"github.com/hindcast/hindcast/internal/engine"
)

// united is a column of several shapes.
type united struct {
	name    string
	typ     string
	file    string // where the type is from
	refused string
	mend    string
}

// unite gives each column of the shapes one type that holds the values of all, in the order in which they first come;
// then those that folders give. The notes say what is given twice.
func (r *Runner) unite(ctx context.Context, s engine.Search, base string, files []string, shapes []shape) ([]hindcast.Column, []string, error) {
	types, err := r.named(ctx, s.Types)
	if err != nil {
		return nil, nil, err
	}
	var order []*united
	at := map[string]*united{}
	for _, sh := range shapes {
		for _, c := range sh.columns {
			u := at[strings.ToLower(c.Name)]
			if u == nil {
				u = &united{name: c.Name, typ: c.Type, file: sh.name}
				at[strings.ToLower(c.Name)] = u
				order = append(order, u)
			}
			u.take(c, sh, types[strings.ToLower(c.Name)])
		}
	}

	var columns []hindcast.Column
	for _, u := range order {
		columns = append(columns, u.column())
	}
	keys, notes := folders(base, files, at, func(name string) string {
		return cmp.Or(types[strings.ToLower(name)], s.Folders[name])
	})
	columns = append(columns, keys...)
	for name := range types {
		if !slices.ContainsFunc(columns, func(c hindcast.Column) bool { return strings.EqualFold(c.Name, name) }) {
			return nil, nil, badType(fmt.Sprintf("`types:` names the column %q, which none of the files has", name), "correct the name, or leave it out")
		}
	}
	return columns, notes, nil
}

// take joins the type that a column has in files of another shape.
func (u *united) take(c hindcast.Column, sh shape, wanted string) {
	o, odd := sh.odd[c.Name]
	switch {
	case u.refused != "":
	case odd && (o.cast == "" || wanted == ""):
		u.refused = fmt.Sprintf("is %s in %s, which %s", o.source, sh.name, o.reads)
		u.mend = cmp.Or(o.mend, "leave it out with `columns:`, or write the files again with a type that DuckDB reads")
		if o.cast != "" {
			u.mend = fmt.Sprintf("have it cut with `types: {%s: %s}`, leave it out with `columns:`, or write the files again in microseconds", yamlText(c.Name), yamlText(o.cast))
		}
	case wanted != "":
		u.typ = wanted
	default:
		common, ok := datatype.Common(u.typ, c.Type)
		if !ok {
			u.refused = fmt.Sprintf("is %s in %s and %s in %s: no type holds the values of both exactly", u.typ, u.file, c.Type, sh.name)
			u.mend = fmt.Sprintf("say how it is read with `types: {%s: TYPE}`, leave it out with `columns:`, or write the files again with one type", yamlText(c.Name))
		}
		if common != u.typ {
			u.typ, u.file = common, sh.name
		}
	}
}

func (u *united) column() hindcast.Column {
	c := hindcast.Column{Name: u.name, Type: u.typ}
	if u.typ == "NULL" {
		c.Type = "INTEGER" // as DuckDB has a column without a value
	}
	if u.refused != "" {
		c.Type, c.Source, c.NoText, c.Refused, c.Mend = "", u.typ, true, u.refused, u.mend
	}
	return c
}

// yamlText is a text as it can stand in YAML, within braces too.
func yamlText(text string) string {
	if plainText.MatchString(text) {
		return text
	}
	return strconv.Quote(text)
}

var plainText = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_ ]*$`)

// named turns the types that the pipeline names into DuckDB's spelling, by column in lower case.
func (r *Runner) named(ctx context.Context, types map[string]string) (map[string]string, error) {
	found := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(types)) {
		var columns []hindcast.Column
		var err error
		if isType(types[name]) {
			columns, err = r.describe(ctx, "SELECT CAST(NULL AS "+types[name]+") AS c")
		}
		if err != nil || len(columns) != 1 {
			return nil, badType(fmt.Sprintf("`types:` has %q for the column %q, which is not a type of DuckDB", types[name], name),
				"write a type such as BIGINT, DECIMAL(18,6), TIMESTAMP or VARCHAR")
		}
		found[strings.ToLower(name)] = columns[0].Type
	}
	return found, nil
}

// isType reports whether a text can be no more than a type's name in SQL.
func isType(text string) bool {
	depth := 0
	for _, c := range text {
		switch c {
		case '(':
			depth++
		case ')':
			depth--
		}
		if depth < 0 || !unicode.IsLetter(c) && !unicode.IsDigit(c) && !strings.ContainsRune(` _(),[]"`, c) {
			return false
		}
	}
	return depth == 0
}

func badType(message, next string) error {
	return &hindcast.Error{Code: hindcast.EValue, Class: hindcast.ClassPermanent, Message: message, Next: next}
}

var folderOf = regexp.MustCompile(`/([^/=]+)=([^/]*)`)

// folders finds the columns that folders named column=value below base give. A column that the files have themselves
// is not replaced.
func folders(base string, files []string, own map[string]*united, chosen func(name string) string) (columns []hindcast.Column, notes []string) {
	seen := map[string]int{} // by name in lower case
	for _, path := range files {
		below := strings.TrimPrefix(filepath.Dir(path), strings.TrimSuffix(base, "/"))
		for _, m := range folderOf.FindAllStringSubmatch(below, -1) {
			name := strings.ToLower(m[1])
			i, known := seen[name]
			if !known {
				i, seen[name] = len(columns), len(columns)
				columns = append(columns, hindcast.Column{Name: m[1], Type: "NULL", Folder: base})
			}
			columns[i].Type = ofFolders(columns[i].Type, m[2])
		}
	}

	var kept []hindcast.Column
	for _, c := range columns {
		if u := own[strings.ToLower(c.Name)]; u != nil {
			notes = append(notes, fmt.Sprintf("the files have the column %s, which folders name too (%s=…): that of the files is read", u.name, c.Name))
			continue
		}
		if typ := chosen(c.Name); typ != "" {
			c.Type = typ
		}
		if c.Type == "NULL" {
			c.Type = "VARCHAR"
		}
		kept = append(kept, c)
	}
	return kept, notes
}

var wholeNumber = regexp.MustCompile(`^(0|-?[1-9][0-9]*)$`)

// ofFolders is the type of a folder's values, so far, with one more: numbers and dates where all are written as such,
// texts otherwise. 08 is a text, because as a number it would be another name.
func ofFolders(typ, value string) string {
	is := "VARCHAR"
	_, notDate := time.Parse(time.DateOnly, value)
	_, notNumber := strconv.ParseInt(value, 10, 64)
	switch {
	case value == "__HIVE_DEFAULT_PARTITION__":
		return typ // NULL
	case notNumber == nil && wholeNumber.MatchString(value):
		is = "BIGINT"
	case notDate == nil:
		is = "DATE"
	}

	if typ == "NULL" || typ == is {
		return is
	}
	return "VARCHAR"
}
