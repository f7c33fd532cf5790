package cases_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/big"
	"strconv"
	"testing"
	"time"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"github.com/hindcast/hindcast/internal/dialect/cases"
	"github.com/hindcast/hindcast/internal/duck"
)

// onDuckDB runs SQL over the cases' tables, and returns its rows or its error.
func onDuckDB(t *testing.T, tables []table) (run func(query string) cases.Ran) {
	t.Helper()
	db, err := duck.Open(t.Context(), duck.Options{Threads: 1, TimeZone: "UTC"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	for _, b := range tables {
		if _, err := db.ExecContext(t.Context(), "CREATE VIEW "+duck.Name(b.name)+" AS "+b.view()); err != nil {
			t.Fatal(err)
		}
	}
	return func(query string) cases.Ran {
		result, err := rowsOf(t.Context(), db, query)
		if err != nil {
			return cases.Ran{Raised: duck.Translate(err).Error()}
		}
		return cases.Ran{Result: result}
	}
}

func rowsOf(ctx context.Context, db *sql.DB, query string) (out cases.Result, err error) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return out, err
	}
	defer func() { _ = rows.Close() }()
	types, err := rows.ColumnTypes()
	if err != nil {
		return out, err
	}

	for rows.Next() {
		values, into := make([]any, len(types)), make([]any, len(types))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return out, err
		}
		row := make([]cases.Value, len(types))
		for i, v := range values {
			row[i] = cases.Value{Null: v == nil, Text: text(v, types[i].DatabaseTypeName())}
		}
		out.Rows = append(out.Rows, row)
	}
	return out, rows.Err()
}

// text is a value of DuckDB's driver in PostgreSQL's spelling.
func text(value any, typ string) string {
	switch v := value.(type) {
	case nil:
		return ""
	case float32:
		return strconv.FormatFloat(float64(v), 'g', -1, 32)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case duckdb.Decimal:
		scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(v.Scale)), nil)
		return new(big.Rat).SetFrac(v.Value, scale).FloatString(int(v.Scale))
	case time.Time:
		v = v.UTC()
		year, era := v.Year(), ""
		if year <= 0 {
			year, era = 1-year, " BC"
		}
		form := map[string]string{"DATE": "-01-02", "TIMESTAMPTZ": "-01-02 15:04:05.999999+00"}[typ]
		if form == "" {
			form = "-01-02 15:04:05.999999"
		}
		return fmt.Sprintf("%04d", year) + v.Format(form) + era
	}
	return fmt.Sprint(value)
}
