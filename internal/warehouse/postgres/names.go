package postgres

import (
	"regexp"
	"strings"

	"github.com/hindcast/hindcast/internal/sqltext"
)

// name is a table's name as PostgreSQL reads it: what stands outside double quotes is folded to lower case.
type name struct {
	database, schema string // "" where it is not said: this database, the search path
	table            string
}

// parseName reads [[database.]schema.]table.
func parseName(text string) name {
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

	n := name{table: parts[len(parts)-1]}
	if len(parts) > 1 {
		n.schema = parts[len(parts)-2]
	}
	if len(parts) > 2 {
		n.database = strings.Join(parts[:len(parts)-2], ".")
	}

	return n
}

// sql spells the name for a statement.
func (n name) sql() string {
	if n.schema == "" {
		return sqltext.Identifier(n.table)
	}
	return sqltext.Identifier(n.schema) + "." + sqltext.Identifier(n.table)
}

var plain = regexp.MustCompile(`^[a-z_\x80-\xff][a-z0-9_$\x80-\xff]*$`)

// spell writes a part of a name so that parseName reads it back: with quotes only where it needs them.
func spell(part string) string {
	if plain.MatchString(part) {
		return part
	}
	return sqltext.Identifier(part)
}

// isSystem reports whether a schema is PostgreSQL's own: nobody else's can begin with pg_.
func isSystem(schema string) bool {
	return schema == "information_schema" || strings.HasPrefix(schema, "pg_")
}
