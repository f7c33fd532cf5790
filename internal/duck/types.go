package duck

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/datatype"
	"github.com/hindcast/hindcast/internal/sqltext"
)

// carried lists how the types that Parquet would change are stored instead (checked with DuckDB 1.5.5: INTERVAL
// loses microseconds, TIMESTAMP_S and _MS come back as TIMESTAMP, HUGEINT becomes DOUBLE).
var carried = map[string]string{
	"INTERVAL":            "VARCHAR",
	"HUGEINT":             "VARCHAR",
	"UHUGEINT":            "VARCHAR",
	"BIGNUM":              "VARCHAR",
	"BIT":                 "VARCHAR",
	"TIME WITH TIME ZONE": "VARCHAR",
	"TIMESTAMP_S":         "TIMESTAMP",
	"TIMESTAMP_MS":        "TIMESTAMP",
	"TIME_NS":             "VARCHAR",
}

// exact are the types that Parquet carries unchanged.
var exact = map[string]bool{
	"BOOLEAN": true, "TINYINT": true, "SMALLINT": true, "INTEGER": true, "BIGINT": true,
	"UTINYINT": true, "USMALLINT": true, "UINTEGER": true, "UBIGINT": true, "FLOAT": true, "DOUBLE": true,
	"VARCHAR": true, "BLOB": true, "DATE": true, "TIME": true, "TIMESTAMP": true, "TIMESTAMP_NS": true,
	"TIMESTAMP WITH TIME ZONE": true, "UUID": true, "JSON": true,
}

var (
	nestedType = regexp.MustCompile(`^(STRUCT|MAP|UNION)\(|\]$`)
	fragile    = regexp.MustCompile(`\b(INTERVAL|HUGEINT|UHUGEINT|BIGNUM|BIT|TIME WITH TIME ZONE|TIMESTAMP_S|TIMESTAMP_MS|TIME_NS|ENUM|UNION|VARIANT)\b`)
)

// Carry returns how Parquet carries a type exactly: as itself (""), or stored as another type that is cast back. ok is
// false if it cannot be carried.
func Carry(typ string) (stored string, ok bool) {
	if exact[typ] || isDecimal(typ) {
		return "", true
	}
	if s, found := carried[typ]; found {
		return s, true
	}
	if strings.HasPrefix(typ, "ENUM(") {
		return "VARCHAR", true
	}
	if elem, list := strings.CutSuffix(typ, "[]"); list && carried[elem] != "" {
		return carried[elem] + "[]", true
	}
	if nestedType.MatchString(typ) && !fragile.MatchString(typ) {
		return "", true
	}
	return "", false
}

// Textual reports whether the text of a type's values reads back as the same values. That of nested types need not: a
// UNION's does not say which member it is. A TIMESTAMPTZ's is in the session's zone, and loses the seconds of
// 19th-century offsets.
func Textual(typ string) bool {
	if typ == "TIMESTAMP WITH TIME ZONE" {
		return false
	}
	_, known := carried[typ]
	return known || exact[typ] || isDecimal(typ) || strings.HasPrefix(typ, "ENUM(")
}

// Store returns the columns with Stored filled in, or E-TYPE for the first that cannot be carried.
func Store(table string, columns []hindcast.Column) ([]hindcast.Column, error) {
	out := make([]hindcast.Column, len(columns))
	for i, c := range columns {
		stored, ok := Carry(c.Type)
		if !ok {
			return nil, &hindcast.Error{Code: hindcast.EType, Class: hindcast.ClassPermanent,
				Message: fmt.Sprintf("column %q of %s has type %s, which Parquet cannot carry exactly", c.Name, table, c.Type),
				Next:    "leave it out with `columns:`, or cast it in a view and use the view"}
		}
		c.Stored = stored
		out[i] = c
	}
	return out, nil
}

// Encode is the select list that writes columns to Parquet, from rows whose columns already have their Type.
func Encode(columns []hindcast.Column) string {
	return selectList(columns, func(c hindcast.Column) string {
		if c.Stored == "" {
			return Name(c.Name)
		}
		return cast(c.Name, c.Stored)
	})
}

// EncodeCast is Encode for rows of other types: each column is first cast to its Type, checked.
func EncodeCast(columns []hindcast.Column) string {
	return selectList(columns, func(c hindcast.Column) string {
		if c.Stored == "" {
			return checked(c)
		}
		return "CAST(" + checked(c) + " AS " + c.Stored + ")"
	})
}

// checked casts a column to its Type. Where DuckDB's own error about a text would name an internal type, or no column, the error
// is ours. A column that has the Type already is not looked at: typeof is known before a row is read.
func checked(c hindcast.Column) string {
	name, value, kind := Name(c.Name), Name(c.Name), c.Type
	switch {
	case c.Type == "UUID":
		value = "CASE WHEN typeof(" + name + ") <> 'VARCHAR' OR regexp_full_match(CAST(" + name + " AS VARCHAR), " + String(sqltext.UUID) + ") THEN " + name + " END"
	case strings.HasPrefix(c.Type, "ENUM("):
		kind = "the ENUM"
	case c.Type != "JSON":
		return cast(c.Name, c.Type)
	}
	return "coalesce(TRY_CAST(" + value + " AS " + c.Type + "), CASE WHEN " + name + " IS NOT NULL THEN error(" +
		String(unfit+kind+", the type of column "+Name(c.Name)+": ") + " || left(CAST(" + name + " AS VARCHAR), 100)) END)"
}

func cast(name, typ string) string { return "CAST(" + Name(name) + " AS " + typ + ")" }

func selectList(columns []hindcast.Column, expression func(hindcast.Column) string) string {
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = expression(c)
		if list[i] != Name(c.Name) {
			list[i] += " AS " + Name(c.Name)
		}
	}
	return strings.Join(list, ", ")
}

// FromParquet is a query over files that hindcast wrote with these columns. No files give no rows. Columns that are
// Absent exist by name and type, but reading one fails, unless it is Blank: a NULL would be a wrong row that nobody notices. Only what is
// in the files counts: without hive_partitioning=false a folder above the lake named region=eu would give every row
// that region.
func FromParquet(columns []hindcast.Column, files []string) string {
	if len(files) == 0 {
		return "SELECT " + selectList(columns, null) + " WHERE false"
	}
	return fromParquet(columns, Paths(files), len(files))
}

// FromGivenParquet is FromParquet of that many files, which are the statement's only parameter, as Given makes it. DuckDB plans it when it is
// executed, and not also when the driver prepares it, as it does if the files stand in the text.
func FromGivenParquet(columns []hindcast.Column, files int) string {
	return fromParquet(columns, "?", files)
}

// Once begins a query with these columns, as Encode writes them, so that DuckDB plans it only when it is executed, and not also when the driver prepares
// it: it cannot plan what depends on a parameter without the parameter's value, for which 0 is to be given. It adds no rows. Over few rows, planning is
// most of what a query over Parquet costs.
func Once(columns []hindcast.Column) string {
	list := selectList(columns, func(c hindcast.Column) string { return "CAST(NULL AS " + cmp.Or(c.Stored, c.Type) + ")" })
	return "SELECT " + list + " FROM range(?) WHERE false UNION ALL "
}

// Given are files as a parameter; no character in them is taken as a pattern.
func Given(files []string) []string {
	literal := make([]string, len(files))
	for i, path := range files {
		literal[i] = Literal(path)
	}
	return literal
}

func fromParquet(columns []hindcast.Column, paths string, files int) string {
	options := ", hive_partitioning=false"
	if files > 1 {
		options += ", union_by_name=true"
	}
	list := selectList(columns, func(c hindcast.Column) string {
		switch {
		case c.Blank:
			return null(c)
		case c.Absent:
			return missing(c)
		case c.Stored != "":
			return cast(c.Name, c.Type)
		}
		return read(c)
	})
	return "SELECT " + list + " FROM read_parquet(" + paths + options + ")"
}

// read is a column as read_parquet gives it. Before it reads rows, DuckDB 1.5 looks up in a file's Bloom filter what a column
// is compared with, and skips rows that match: -0 and 0 are two values there, and of bytes it looks up their escaped text
// (2.0.1 does neither). TRY around a column keeps comparisons away from the filter, at no cost that could be measured.
func read(c hindcast.Column) string {
	switch c.Type {
	case "DOUBLE", "FLOAT", "BLOB":
		return "TRY(" + Name(c.Name) + ")"
	}
	return Name(c.Name)
}

// As gives a query's rows with other columns: each cast to its type, Absent as FromParquet has it, or NULL where the query does
// not have it.
func As(columns, has []hindcast.Column, query string) string {
	return "SELECT " + selectList(columns, func(c hindcast.Column) string {
		i := c.In(has)
		switch {
		case c.Absent:
			return missing(c)
		case i < 0:
			return null(c)
		case has[i].Type == c.Type:
			return Name(has[i].Name)
		}
		return cast(has[i].Name, c.Type)
	}) + " FROM (" + query + ")"
}

// missing is a column that fails when it is read.
func missing(c hindcast.Column) string {
	return "CAST(error(" + String(absent+Name(c.Name)) + ") AS " + c.Type + ")"
}

// null is the value of a column that a source does not have.
func null(c hindcast.Column) string {
	if fill := c.Fill(); fill != nil {
		return "CAST(" + String(*fill) + " AS " + c.Type + ")"
	}
	return "CAST(NULL AS " + c.Type + ")"
}

// FromUsersParquet is FromParquet over the user's own files. Each layout is read separately and cast to the columns'
// types: DuckDB would unify the files' types, and lose digits. Statistics are not trusted about NaN, which many writers
// omit from them.
func FromUsersParquet(columns []hindcast.Column, layouts []hindcast.Layout) string {
	var parts []string
	read := map[string]bool{} // the files of several periods may overlap
	for _, l := range layouts {
		l.Files = slices.DeleteFunc(slices.Clone(l.Files), func(file string) bool {
			again := read[file]
			read[file] = true
			return again
		})
		if len(l.Files) > 0 {
			parts = append(parts, fromLayout(columns, l))
		}
	}
	if len(parts) == 0 {
		return FromParquet(columns, nil)
	}
	return strings.Join(parts, " UNION ALL ")
}

func fromLayout(columns []hindcast.Column, l hindcast.Layout) string {
	has := map[string]bool{}
	for _, name := range l.Columns {
		has[strings.ToLower(name)] = true
	}
	options, named := ", hive_partitioning=false, can_have_nan=true", "filename"
	if has[named] {
		named = "hindcast_file"
	}
	if slices.ContainsFunc(columns, func(c hindcast.Column) bool { return c.Folder != "" }) {
		options += ", filename="
		if named == "filename" {
			options += "true" // only by this name are files excluded by a condition on their folders
		} else {
			options += String(named)
		}
	}
	list := selectList(columns, func(c hindcast.Column) string {
		switch {
		case c.Folder != "":
			return "CAST(" + folderValue(c, named) + " AS " + c.Type + ")"
		case !has[strings.ToLower(c.Name)]:
			return null(c)
		}
		return "CAST(" + read(c) + " AS " + c.Type + ")"
	})
	return "SELECT " + list + " FROM read_parquet(" + Paths(l.Files) + options + ")"
}

// folderValue is the value that a file's folders give a column, or NULL if none has its name, in any case. It is
// escaped as in a URL, except for "+".
func folderValue(c hindcast.Column, file string) string {
	below := utf8.RuneCountInString(strings.TrimSuffix(c.Folder, "/")) + 1
	found := fmt.Sprintf("regexp_extract_all(substr(%s, %d), %s, 1)[1]", file, below, String("(?i)/"+regexp.QuoteMeta(c.Name)+"=([^/]*)/"))
	return "nullif(url_decode(replace(" + found + ", '+', '%2B')), '__HIVE_DEFAULT_PARTITION__')"
}

// Paths is a list of files for read_parquet; no character in them is taken as a pattern.
func Paths(files []string) string { return Strings(Given(files)) }

// Literal keeps DuckDB from taking a path's characters as a pattern.
func Literal(path string) string { return globless.Replace(path) }

var globless = strings.NewReplacer("[", "[[]", "*", "[*]", "?", "[?]")

func isDecimal(typ string) bool {
	_, _, is := datatype.ParseDecimal(typ)
	return is
}
