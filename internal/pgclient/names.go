package pgclient

import (
	"regexp"
	"strings"

	"github.com/hindcast/hindcast/internal/sqltext"
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
