package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// billingTables is how many tables billing makes, of two months each; those from billingRows on are empty.
const (
	billingTables = 36
	billingRows   = 24
)

func billingMonth(n int) time.Time {
	return time.Date(2016, time.Month(1+2*n), 1, 0, 0, 0, 0, time.UTC)
}

func billingTable(n int) string { return "table_" + billingMonth(n).Format("20060102") }

// billing makes tables of billing, table_20160101 to table_20211101, the last twelve empty: billing DATABASE COLUMNS.
// COLUMNS is a file with a column a line: its name, and what stands in it, by the number of its line: an expression of SQL,
// or "cost", "rate", "number"; a text of few values, and NULL, where nothing is said.
func billing(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: billing DATABASE COLUMNS")
	}
	const first = "2016-01-01"
	known := map[string]string{"cost": "(line % 997 / 100)::DECIMAL(28,10)", "rate": "(line % 7 / 10)::DECIMAL(28,10)", "number": "line % 11",
		"": "nullif('text ' || line % 5, 'text 0')"}
	var columns []string
	for _, line := range strings.Split(strings.TrimSpace(ts.ReadFile(args[1])), "\n") {
		name, value, _ := strings.Cut(line, " ")
		value = strings.TrimSpace(value)
		if expression, is := known[value]; is {
			value = expression
		}
		columns = append(columns, value+" AS "+name)
	}
	statements := []string{"CREATE TABLE table_20160101 AS SELECT " + strings.Join(columns, ", ") + " FROM range(1400) AS r(line)"}

	const later = "%[1]s + to_days((DATE '%[2]s' - DATE '" + first + "')::INTEGER) AS %[1]s"
	for n := 1; n < billingTables; n++ {
		query := "FROM table_20160101 LIMIT 0"
		if n < billingRows {
			var moved []string
			for _, name := range []string{"line_item_usage_start_date", "line_item_usage_end_date", "bill_billing_period_start_date", "bill_billing_period_end_date"} {
				moved = append(moved, fmt.Sprintf(later, name, billingMonth(n).Format(time.DateOnly)))
			}
			query = "SELECT * REPLACE (" + strings.Join(moved, ", ") + ") FROM table_20160101"
		}
		statements = append(statements, "CREATE TABLE "+billingTable(n)+" AS "+query)
	}
	runSQL(ts, false, []string{args[0], strings.Join(statements, "; ")})
}

// everyRow makes a view of the rows of all tables that billing makes: everyrow DATABASE VIEW.
func everyRow(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: everyrow DATABASE VIEW")
	}
	var tables []string
	for n := range billingTables {
		tables = append(tables, "FROM "+billingTable(n))
	}
	runSQL(ts, false, []string{args[0], "CREATE VIEW " + args[1] + " AS " + strings.Join(tables, " UNION ALL ")})
}
