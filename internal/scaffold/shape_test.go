package scaffold

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"

	_ "github.com/duckdb/duckdb-go/v2"

	"github.com/hindcast/hindcast"
)

// The SQL that init writes binds whatever types the columns have, as numbers, keys and times.
func TestEveryTypeBinds(t *testing.T) {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	exec := func(statement string) {
		t.Helper()
		if _, err := db.Exec(statement); err != nil {
			t.Errorf("%v\n%s", err, statement)
		}
	}
	for i, typ := range typesOf(t, db) {
		for _, name := range []string{"v", "v_id", "cost"} {
			exec("CREATE OR REPLACE TABLE billing (" + name + " " + typ + ")")
			f := Fact{Name: "billing", Table: "billing", Columns: []hindcast.Column{{Name: name, Type: typ}}, Every: months(1)}
			if times := f.times(); len(times) > 0 {
				f.Time = times[0].Name
			}
			s := shapeOf(f, nil, "b")
			query := strings.ReplaceAll("SELECT "+strings.Join(s.lines, "\n")+" FROM billing AS b GROUP BY ALL", ":slice_start", "'2016-01-01'")
			exec(fmt.Sprintf("CREATE TABLE result_%d_%s AS %s", i, name, query))
		}
	}
}

// typesOf are DuckDB's types, and lists and structs of them.
func typesOf(t *testing.T, db *sql.DB) []string {
	t.Helper()
	rows, err := db.Query("SELECT DISTINCT column_type FROM (DESCRIBE FROM test_all_types())")
	if err != nil {
		t.Fatal(err)
	}
	var types []string
	for rows.Next() {
		var typ string
		if err := rows.Scan(&typ); err != nil {
			t.Fatal(err)
		}
		types = append(types, typ)
		if !strings.Contains(typ, "[") {
			types = append(types, typ+"[]", typ+"[2]", typ+"[][]")
		}
	}
	if err := rows.Err(); err != nil || len(types) < 60 {
		t.Fatalf("%d types, %v", len(types), err)
	}
	return append(types, "DECIMAL(38,0)", "DECIMAL(4,1)", "STRUCT(cost DECIMAL(9,2))", "MAP(VARCHAR, DECIMAL(9,2))")
}

func TestAmounts(t *testing.T) {
	var columns []hindcast.Column
	for _, name := range strings.Fields("line_item_usage_amount line_item_unblended_rate unitPrice unblended_cost list_unit_price exchange_rate latitude TaxAmount generated average_cost account_id") {
		columns = append(columns, hindcast.Column{Name: name, Type: "DECIMAL(18,6)"})
	}
	var names []string
	for _, c := range sumsOf(Fact{Columns: columns}, nil) {
		names = append(names, c.Name)
	}
	if got, want := strings.Join(names, " "), "unblended_cost TaxAmount line_item_usage_amount generated"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A bill's period has one value in a bill; a line's own id has a value a row.
func TestColumnsThatTellRowsApart(t *testing.T) {
	f := Fact{Name: "cur", sample: 1000, spread: map[string]int64{"bill_start_date": 1, "usage_start_date": 30, "usage_end_date": 31, "updated_at": 900,
		"payer_account_id": 1, "resource_id": 700, "product_code": 40}}
	for _, name := range []string{"bill_start_date", "updated_at", "usage_end_date", "usage_start_date"} {
		f.Columns = append(f.Columns, hindcast.Column{Name: name, Type: "TIMESTAMP"})
	}
	for _, name := range []string{"identity_line_item_id", "payer_account_id", "resource_id", "product_code"} {
		f.Columns = append(f.Columns, hindcast.Column{Name: name, Type: "VARCHAR"})
	}
	if got := f.times()[0].Name; got != "usage_start_date" {
		t.Errorf("rows are placed by %s", got)
	}
	if keys := keysOf(f, nil); len(keys) != 1 || keys[0].Name != "product_code" {
		t.Errorf("the keys are %v", keys)
	}
}
