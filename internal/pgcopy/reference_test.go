package pgcopy

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/reference/types.md")

const typesPage = "../../docs/reference/types.md"

// reference is the page, made of the tables that the codec goes by.
func reference() string {
	var b strings.Builder
	b.WriteString(`# PostgreSQL's types

How columns of a PostgreSQL table travel: what they are in the SQL (DuckDB's types), how Parquet stores them where it cannot carry
them by itself, and back. What is not refused comes back bit for bit. This page is made from the codec's own table; a test keeps it.

| PostgreSQL | in the SQL | in Parquet | notes |
|---|---|---|---|
`)
	for _, c := range carriers {
		stored := c.stored
		if stored == "" {
			stored = "as it is"
		}
		b.WriteString("| " + c.name + " | " + c.column + " | " + stored + " | " + c.note + " |\n")
	}
	b.WriteString("| an enum | VARCHAR | as it is | its label |\n| a domain | as its base type | | a load is held to its constraints |\n" +
		"| an array of the above | a LIST, such as BIGINT[] | as it is | of one dimension that counts from 1; others are refused where one is met |\n")
	b.WriteString("\n## As text\n\nThese travel as the text that the server writes, which it reads back to the same value; in the SQL they are VARCHAR:\n")
	var names []string
	for _, c := range texts {
		names = append(names, c.name)
	}
	b.WriteString(strings.Join(append(names, extensions...), ", ") + "; ranges, multiranges and composite types; arrays of these (VARCHAR[]).\n")
	b.WriteString("\n## Refused\n\nEvery other type is refused by its column's name when the run is planned, money among them: its text depends on the\n" +
		"server's locale. Leave the column out with `columns:`, or cast it in a view and use the view.\n")
	return b.String()
}

func TestTheReferenceOfTypesIsTrue(t *testing.T) {
	want := reference()
	if *update {
		if err := os.WriteFile(typesPage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(typesPage)
	if err != nil || string(text) != want {
		t.Errorf("docs/reference/types.md is not what the table says (%v); go test ./internal/pgcopy -run Reference -update writes it", err)
	}
}
