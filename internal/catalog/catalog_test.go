package catalog

import (
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
)

// What a system cannot have is refused by name, all of it at once, with what helps.
func TestRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	row := `SELECT 1::BIGINT AS n, uuid() AS id, TIME '12:00' AS "at", 1 AS "a b", 2 AS A, 3 AS a_, 1::UINTEGER AS oid`
	w.unit("billing", "2019-03-01", 1, row, column("n", "BIGINT"), column("id", "UUID"), column("at", "TIME"), column("a b", "INTEGER"), column("oid", "UINTEGER"))
	_, err := w.source().Tables(Athena)
	e := hindcast.AsError(err)
	want := []string{"billing.id: UUID cannot be read exactly there", "billing.at: TIME cannot be read exactly there",
		"billing.a b: the name has other characters than letters, digits and _", "billing.oid: UINTEGER cannot be read exactly there"}
	if e.Code != hindcast.EType || strings.Join(e.Detail, "\n") != strings.Join(want, "\n") ||
		e.Next != "carry them as text, with `text: [id, at, oid]` of billing, and unload again; or leave them out: --without billing.id,billing.at,billing.a b,billing.oid" {
		t.Errorf("%v\n%s\n%s", err, strings.Join(e.Detail, "\n"), e.Next)
	}

	s := w.source()
	s.Without = []string{"billing.id", "Billing.AT", "billing.a b", "billing.oid"}
	if tables, err := s.Tables(Athena); err != nil || len(tables[0].Columns) != 1 {
		t.Errorf("what is left out: %+v, %v", tables, err)
	}
	for _, in := range []Source{{Facts: s.Facts, Lake: w.lake, Without: []string{"billing.x"}}, {Facts: s.Facts, Lake: w.lake, Only: []string{"accounts"}}} {
		if _, err := in.Tables(Athena); hindcast.AsError(err).Code != hindcast.EValue {
			t.Errorf("a name in vain: %v", err)
		}
	}
}

// Names are in lower case, and those that differ in case only are refused.
func TestNames(t *testing.T) {
	t.Parallel()
	id := column("id", "BIGINT")
	for name, c := range map[string]struct {
		make func(w *world)
		want string
	}{
		"fact and dimension": {func(w *world) {
			w.unit("Billing", "2019-03-01", 1, "SELECT 1::BIGINT AS id", id)
			w.dim("billing", 1, "SELECT 1::BIGINT AS id", id)
		}, "the names of fact Billing and dimension billing differ in case only"},
		"table": {func(w *world) { w.dim("by-month", 1, "SELECT 1::BIGINT AS id", id) }, "dimension by-month: the name has other characters"},
		"long": {func(w *world) {
			w.dim(strings.Repeat("x", 200), 1, "SELECT 1::BIGINT AS "+strings.Repeat("y", 256), column(strings.Repeat("y", 256), "BIGINT"))
		}, "more than 255 bytes"},
		"columns": {func(w *world) {
			w.publishColumns("d", column("Id", "BIGINT"), id)
		}, `d.id: the names of this column and of "Id" differ in case only`},
		"fields": {func(w *world) { w.publishColumns("d", column("s", `STRUCT(a BIGINT, "A" BIGINT)`)) }, "d.s: STRUCT(a BIGINT, \"A\" BIGINT) has two fields a"},
		"keys": {func(w *world) {
			w.unit("f", "2019-03-01", 1, "SELECT 1::BIGINT AS slice, 2::BIGINT AS hindcast_slice", column("slice", "BIGINT"), column("hindcast_slice", "BIGINT"))
		}, "f has columns slice and hindcast_slice"},
		"types of units": {func(w *world) {
			w.unit("f", "2019-03-01", 1, "SELECT 1 AS id", column("id", "INTEGER"))
			w.unit("f", "2019-04-01", 1, "SELECT 1::BIGINT AS id", id)
		}, "f.id: INTEGER in the files of 2019-03-01 and BIGINT in those of 2019-04-01"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			c.make(w)
			_, err := w.source().Tables(Glue)
			if e := hindcast.AsError(err); err == nil || e.Code != hindcast.EType || !strings.Contains(e.Message+strings.Join(e.Detail, " "), c.want) || e.Next == "" {
				t.Errorf("%v %q, want %s", err, e.Detail, c.want)
			}
		})
	}
}

// publishColumns makes a dimension of columns that no file has.
func (w *world) publishColumns(name string, columns ...hindcast.Column) {
	w.dim(name, 1, "", columns...)
}

// The statements for Redshift are looked at here: nothing but Redshift reads them.
func TestSpectrumStatements(t *testing.T) {
	t.Parallel()
	partitions := make([]Partition, 101)
	for i := range partitions {
		partitions[i] = Partition{Value: "2019-03-01", Location: `s3://b/it's \/costs/facts/Billing/g1/`}
	}
	list := SpectrumStatements("costs", []Table{{Name: "billing", Of: "fact", Source: "Billing", Pipeline: "costs", Lake: "s3://b", Location: "s3://b/costs/facts/Billing/", Key: "slice",
		Columns:    []Column{{Name: "select", Stored: "TINYINT"}, {Name: "x", Stored: "DECIMAL(18,2)"}, {Name: "s", Stored: "STRUCT(a VARCHAR, b DOUBLE[])"}},
		Partitions: partitions}})
	if len(list) != 4 || strings.Count(list[2], "PARTITION") != 100 || strings.Count(list[3], "PARTITION") != 1 {
		t.Errorf("%d statements", len(list))
	}
	want := `CREATE EXTERNAL TABLE "costs"."billing" (
  "select" smallint,
  "x" decimal(18,2),
  "s" struct<a:varchar(65535),b:array<double precision>>
)
PARTITIONED BY ("slice" varchar(10))
STORED AS PARQUET
LOCATION 's3://b/costs/facts/Billing/'
TABLE PROPERTIES ('classification' = 'parquet', 'hindcast.lake' = 's3://b', 'hindcast.pipeline' = 'costs', 'hindcast.table' = 'fact Billing')`
	if list[1] != want {
		t.Errorf("%s", list[1])
	}
	if want := `ALTER TABLE "costs"."billing" ADD IF NOT EXISTS` + "\n" + `  PARTITION ("slice" = '2019-03-01') LOCATION 's3://b/it''s \\/costs/facts/Billing/g1/'`; list[3] != want {
		t.Errorf("%s", list[3])
	}
}
