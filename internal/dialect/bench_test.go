package dialect_test

import (
	"strings"
	"testing"

	"github.com/hindcast/hindcast/internal/dialect"
	"github.com/hindcast/hindcast/internal/pythontest"
)

// BenchmarkTPCDS translates TPC-DS for DuckDB; an operation is all its statements that are not refused.
func BenchmarkTPCDS(b *testing.B) {
	_, made := pythontest.MakeTPC(b, 0)
	names := strings.NewReplacer("decimal", "numeric")
	var schema dialect.Schema
	for _, t := range made.Tables {
		one := dialect.Table{Name: t.Name}
		for _, c := range t.Columns {
			one.Columns = append(one.Columns, dialect.Column{Name: c[0], Type: names.Replace(strings.ToLower(c[1])), ASCII: true})
		}
		schema.Tables = append(schema.Tables, one)
	}

	for _, from := range []dialect.Source{dialect.Postgres, dialect.Redshift} {
		b.Run(string(from), func(b *testing.B) {
			o := dialect.Options{From: from, To: dialect.DuckDB, Schema: schema, Settings: dialect.Settings{Collation: "C"}}
			var texts []string
			for _, text := range made.Queries {
				if _, err := dialect.Translate(text, o); err == nil {
					texts = append(texts, text)
				}
			}
			if len(texts) < 90 {
				b.Fatalf("only %d of %d statements are translated", len(texts), len(made.Queries))
			}
			b.ReportAllocs()
			for b.Loop() {
				for _, text := range texts {
					if _, err := dialect.Translate(text, o); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
