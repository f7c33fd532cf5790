package catalog

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hindcast/hindcast/internal/pythontest"
)

// What Spectrum and Athena are told is read by a parser of their dialects that is not ours, and each column has the type that was written.
func TestStatementsAreParsed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	columns, query := allTypes()
	w.unit("types", "2019-03-01", 1, query, columns...)
	w.unit("Table", "2019-03-01T05:00+02:00", 1, `SELECT 1::BIGINT AS "Select", 'own' AS slice, DATE '2020-01-01' AS date`,
		column("Select", "BIGINT"), column("slice", "VARCHAR"), column("date", "DATE"))
	w.dim("accounts", 1, `SELECT 'a' AS name`, column("name", "VARCHAR"))

	for dialect, c := range map[string]struct {
		system     System
		statements func(string, []Table) []string
		spelled    spelling
		types      string // the dialect that has these types: Athena's own, of queries, has others
	}{
		"redshift": {Spectrum, SpectrumStatements, redshiftSpelling, "redshift"},
		"athena":   {Athena, HiveStatements, hiveSpelling, "hive"},
		"hive":     {Hive, HiveStatements, hiveSpelling, "hive"},
	} {
		t.Run(dialect, func(t *testing.T) {
			tables := w.tables(c.system)
			statements := c.statements("costs", tables)
			parsed := pythontest.Parse(t, dialect, c.types, statements)
			made := 0
			for i, text := range statements {
				if !strings.HasPrefix(text, "CREATE EXTERNAL TABLE") {
					continue
				}
				made++
				var want, got []string
				for _, is := range tables[made-1].Columns {
					spelled, _ := c.spelled.of(is.Stored)
					want = append(want, is.Name+" "+plain(spelled))
				}
				for _, is := range parsed[i].Columns {
					got = append(got, is[0]+" "+plain(is[1]))
				}
				if parsed[i].Kind != "Create" || fmt.Sprint(got[:min(len(got), len(want))]) != fmt.Sprint(want) {
					t.Errorf("%s\nis read as %s of\n%s\nwant\n%s", text, parsed[i].Kind, strings.Join(got, "\n"), strings.Join(want, "\n"))
				}
			}
			if made != 3 {
				t.Errorf("%d tables", made)
			}
		})
	}
}

// plain is a type without case, and without what dialects write in different ways: blanks, quotes, and lists, which are counted.
func plain(typ string) string {
	typ = strings.ToLower(typ)
	lists := strings.Count(typ, "array<") + strings.Count(typ, "[]")
	return fmt.Sprint(strings.NewReplacer("array", "", "[]", "", "<", "", ">", "", ":", "", ",", "", " ", "", "`", "", `"`, "").Replace(typ), " ", lists, " lists")
}
