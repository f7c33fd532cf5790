package pgclient

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/hindcast/hindcast/internal/sqltext"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// Name is a table's name as PostgreSQL and its relatives read it: what stands outside double quotes is folded to lower case.
type Name struct {
	Database, Schema string // "" where it is not said: this database, the search path
	Table            string
}

// ParseName reads [[database.]schema.]table.
func ParseName(text string) Name {
	parts := []string{""}
	quoted := false

	for i := 0; i < len(text); i++ {
		last := &parts[len(parts)-1]
		switch c := text[i]; {
		case c == '"' && quoted && i+1 < len(text) && text[i+1] == '"':
			*last += `"`
			i++
		case c == '"':
			quoted = !quoted
		case c == '.' && !quoted:
			parts = append(parts, "")
		case 'A' <= c && c <= 'Z' && !quoted:
			*last += string(c - 'A' + 'a')
		default:
			*last += string([]byte{c})
		}
	}

	n := Name{Table: parts[len(parts)-1]}
	if len(parts) > 1 {
		n.Schema = parts[len(parts)-2]
	}
	if len(parts) > 2 {
		n.Database = strings.Join(parts[:len(parts)-2], ".")
	}

	return n
}

// Is reports whether the name leads to a table of a database, which is visible if the search path leads to it.
func (n Name) Is(table Name, visible bool, database string) bool {
	return n.Table == table.Table && (n.Schema == table.Schema || n.Schema == "" && visible) && (n.Database == "" || n.Database == database)
}

// SQL spells the name for a statement.
func (n Name) SQL() string {
	if n.Schema == "" {
		return sqltext.Identifier(n.Table)
	}
	return sqltext.Identifier(n.Schema) + "." + sqltext.Identifier(n.Table)
}

var plain = regexp.MustCompile(`^[a-z_\x80-\xff][a-z0-9_$\x80-\xff]*$`)

// Spell writes a part of a name so that ParseName reads it back: with quotes only where it needs them.
func Spell(part string) string {
	if plain.MatchString(part) {
		return part
	}
	return sqltext.Identifier(part)
}

// PatternOf is the pattern of a time-named table as a pipeline has it.
func PatternOf(text string) warehouse.Pattern {
	n := ParseName(text)
	if n.Schema == "" {
		return warehouse.NewPattern(text, []string{n.Table}, false)
	}
	return warehouse.NewPattern(text, []string{n.Schema, n.Table}, false)
}

// Named are the names that a pattern could mean of tables, given as rows of schema and table.
func Named(p warehouse.Pattern, rows []Row) (list []string) {
	for _, r := range rows {
		if name, ok := p.Qualified(r.Text(0), r.Text(1)); ok {
			list = append(list, name)
		}
	}
	return list
}

// Unreadable says that a user, whose name is given as SQL, may not read some tables of a schema, and who can change that.
func Unreadable(count int64, schema, user string) string {
	what := "tables"
	if count == 1 {
		what = "table"
	}
	return fmt.Sprintf("%d %s of schema %s may not be read; their owner: GRANT USAGE ON SCHEMA %[3]s TO %[4]s; GRANT SELECT ON ALL TABLES IN SCHEMA %[3]s TO %[4]s;",
		count, what, sqltext.Identifier(schema), user)
}
