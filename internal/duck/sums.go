package duck

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
)

// SumsList is the select list that computes the Sums of rows with these columns; ScanSums reads it. Content is
// the sum of the rows' hashes: it does not depend on their order, and counts duplicates.
func SumsList(columns []hindcast.Column) string {
	list := aggregates(columns)
	for i := 1; i < len(list); i++ {
		list[i] = "CAST(" + list[i] + " AS VARCHAR)"
	}
	return strings.Join(list, ", ")
}

func aggregates(columns []hindcast.Column) []string {
	names := make([]string, len(columns))
	list := []string{"count(*)", ""}
	for i, c := range columns {
		names[i] = Name(c.Name)
		if strings.HasPrefix(c.Type, "ENUM(") {
			names[i] = cast(c.Name, "VARCHAR") // an ENUM hashes by its position, which may differ in another table
		}
		if Exact(c.Type) {
			list = append(list, "sum("+Name(c.Name)+")")
		}
	}
	list[1] = "sum(CAST(hash(" + strings.Join(names, ", ") + ") AS HUGEINT))"
	return list
}

// PartialSums is SumsList in two steps, for rows that are first grouped finely: the first list is selected per group,
// the second over the groups.
func PartialSums(columns []hindcast.Column) (grouped, over string) {
	return inParts(aggregates(columns))
}

// PartialContent is PartialSums without the Totals.
func PartialContent(columns []hindcast.Column) (grouped, over string) {
	return inParts(aggregates(columns)[:2])
}

func inParts(list []string) (grouped, over string) {
	outer := make([]string, len(list))
	for i := range list {
		part := fmt.Sprintf("hindcast_part_%d", i)
		list[i] += " AS " + part
		outer[i] = "CAST(sum(" + part + ") AS VARCHAR)"
	}
	outer[0] = "CAST(sum(hindcast_part_0) AS BIGINT)"
	return strings.Join(list, ", "), strings.Join(outer, ", ")
}

// scanner is *sql.Row or *sql.Rows.
type scanner interface{ Scan(dest ...any) error }

// ScanSums reads a row of SumsList, after the given leading columns.
func ScanSums(row scanner, columns []hindcast.Column, leading ...any) (hindcast.Sums, error) {
	sums := hindcast.Sums{}
	var content sql.NullString
	dest := append(slices.Clone(leading), any(&sums.Rows), any(&content))
	var totals []*sql.NullString
	var names []string
	for _, c := range columns {
		if Exact(c.Type) {
			total := new(sql.NullString)
			totals, names, dest = append(totals, total), append(names, c.Name), append(dest, total)
		}
	}
	if err := row.Scan(dest...); err != nil {
		return sums, Translate(err)
	}
	sums.Content = content.String
	for i, total := range totals {
		if total.Valid {
			if sums.Totals == nil {
				sums.Totals = map[string]string{}
			}
			sums.Totals[names[i]] = total.String
		}
	}
	return sums, nil
}

// Querier is a connection or a transaction.
type Querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// SumsOf computes the Sums of a query's rows, whose columns must be these. The query is an expression for FROM:
// a table with an optional WHERE.
func SumsOf(ctx context.Context, db Querier, columns []hindcast.Column, from string) (hindcast.Sums, error) {
	return ScanSums(db.QueryRowContext(ctx, "SELECT "+SumsList(columns)+" FROM "+from), columns)
}

// SumType is the type of a sum over an Exact type.
func SumType(typ string) string {
	if m := decimalType.FindStringSubmatch(typ); m != nil {
		return "DECIMAL(38," + m[2] + ")"
	}
	return "HUGEINT"
}
