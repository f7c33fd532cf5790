package dialect_test

import (
	"errors"
	"os"
	"testing"

	"github.com/hindcast/hindcast/internal/dialect"
	"github.com/hindcast/hindcast/internal/dialect/cases"
)

// FuzzTranslate: whatever the text, it is translated for each engine or refused, with places in it, and always in the same way.
func FuzzTranslate(f *testing.F) {
	for _, query := range constructs {
		f.Add(query, uint8(0))
	}
	for _, c := range redshift {
		f.Add(c[0], uint8(3))
	}
	all, err := cases.Load(os.DirFS("testdata"))
	if err != nil {
		f.Fatal(err)
	}
	for i, c := range all {
		f.Add(c.Query, uint8(i%6))
	}
	made, err := os.ReadFile("testdata/tables.sql")
	if err != nil {
		f.Fatal(err)
	}
	schema, err := dialect.ReadSchema(string(made), dialect.Postgres)
	if err != nil {
		f.Fatal(err)
	}
	schema.Tables = append(schema.Tables, shopSchema.Tables...)

	f.Fuzz(func(t *testing.T, text string, way uint8) {
		o := dialect.Options{From: dialect.Postgres, To: []dialect.Target{dialect.DuckDB, dialect.Spark35, dialect.Spark40}[way%3], Schema: schema,
			Settings: dialect.Settings{Collation: "C"}}
		if way%2 == 1 {
			o.From = dialect.Redshift
		}
		first, err := dialect.Translate(text, o)
		if refusals, ok := errors.AsType[dialect.Refusals](err); ok {
			for _, r := range refusals {
				if r.Code == "" || r.Why == "" || r.Line < 1 || r.Column < 1 || r.At.Start < 0 || r.At.End < r.At.Start || r.At.End > len(text) {
					t.Fatalf("%q is refused so: %+v", text, r)
				}
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		again, err := dialect.Translate(text, o)
		if err != nil || again.SQL != first.SQL {
			t.Fatalf("%q is once\n%s\nand then\n%s\n%v", text, first.SQL, again.SQL, err)
		}
	})
}
