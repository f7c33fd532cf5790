package duck

import (
	"context"
	"database/sql"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/datatype"
)

// Querier is a connection or a transaction.
type Querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// SumsOf computes the Sums of a query's rows, whose columns must be these. The query is an expression for FROM:
// a table with an optional WHERE.
func SumsOf(ctx context.Context, db Querier, columns []hindcast.Column, from string) (hindcast.Sums, error) {
	totalled, err := Totalled(ctx, db, columns, from)
	if err != nil {
		return hindcast.Sums{}, err
	}
	return ScanSums(db.QueryRowContext(ctx, "SELECT "+asTexts(aggregates(columns, totalled))+" FROM "+from), totalled)
}

// SumsOfFew is SumsOf for few rows, for which planning a statement costs more than reading them: one statement does it, unless there are
// values so large that their total may not fit.
func SumsOfFew(ctx context.Context, db Querier, columns []hindcast.Column, from string) (hindcast.Sums, error) {
	if list, totalled, possible := SumsAtOnce(columns); possible {
		var beyond int64
		sums, err := ScanSums(db.QueryRowContext(ctx, "SELECT "+list+" FROM "+from), totalled, &beyond)
		if err != nil || beyond == 0 {
			return sums, err
		}
	}
	return SumsOf(ctx, db, columns, from)
}

// SumsAtOnce selects the Sums of rows, for ScanSums, after the number of values that have so many digits that a total might not fit: if there
// are any, the totals are of no use. False if the columns are such that there can be no total at all.
func SumsAtOnce(columns []hindcast.Column) (selected string, totalled []hindcast.Column, possible bool) {
	for _, c := range columns {
		if datatype.Exact(c.Type) {
			totalled = append(totalled, c)
		}
	}
	list, beyond := aggregates(columns, totalled), "0"
	for i, c := range totalled {
		precision, scale, _ := datatype.ParseDecimal(c.Type)
		if precision <= alwaysFits {
			continue
		}
		if scale > alwaysFits {
			return "", nil, false
		}
		narrow := fmt.Sprintf("TRY_CAST(%s AS DECIMAL(%d,%d))", Name(c.Name), alwaysFits, scale) // NULL if it has more digits
		list[2+i] = "sum(" + narrow + ")"
		beyond += " + count(" + Name(c.Name) + ") - count(" + narrow + ")"
	}
	return beyond + ", " + asTexts(list), totalled, true
}

// asTexts selects aggregates, of which all but the count are texts.
func asTexts(list []string) string {
	for i := 1; i < len(list); i++ {
		list[i] = "CAST(" + list[i] + " AS VARCHAR)"
	}
	return strings.Join(list, ", ")
}

// Totalled are the columns whose Totals are computed for a query's rows: those of an Exact type, without those whose sum
// might have more than the 38 digits that DuckDB adds up in.
func Totalled(ctx context.Context, db Querier, columns []hindcast.Column, from string) ([]hindcast.Column, error) {
	var exact, wide []hindcast.Column
	list := []string{"count(*)"}
	for _, c := range columns {
		if !datatype.Exact(c.Type) {
			continue
		}
		exact = append(exact, c)
		if !AlwaysAdds(c.Type) {
			wide = append(wide, c)
			list = append(list, "CAST(greatest(max("+Name(c.Name)+"), -min("+Name(c.Name)+")) AS VARCHAR)")
		}
	}
	if len(wide) == 0 {
		return exact, nil
	}

	var rows int64
	largest := make([]sql.NullString, len(wide))
	dest := []any{&rows}
	for i := range largest {
		dest = append(dest, &largest[i])
	}
	if err := db.QueryRowContext(ctx, "SELECT "+strings.Join(list, ", ")+" FROM "+from).Scan(dest...); err != nil {
		return nil, Translate(err)
	}
	for i, c := range wide {
		if mayOverflow(largest[i].String, rows) {
			exact = slices.DeleteFunc(exact, func(e hindcast.Column) bool { return e.Name == c.Name })
		}
	}
	return exact, nil
}

// AlwaysAdds reports whether DuckDB adds up any 10^10 values of a type.
func AlwaysAdds(typ string) bool {
	precision, _, _ := datatype.ParseDecimal(typ)
	return precision <= alwaysFits
}

// alwaysFits is the precision of a DECIMAL of which 10^10 values add up to 38 digits.
const alwaysFits = 28

// mayOverflow reports whether the sum of so many values may have more than 38 digits. The largest of them is given as text;
// it is empty if all are NULL.
func mayOverflow(largest string, rows int64) bool {
	unscaled, ok := new(big.Int).SetString(strings.Replace(largest, ".", "", 1), 10)
	if !ok {
		return false
	}
	limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(38), nil)
	return unscaled.Mul(unscaled, big.NewInt(rows)).Cmp(limit) >= 0
}

// aggregates compute the Sums of rows. Content is the sum of the rows' hashes: it does not depend on their order, and counts
// duplicates.
func aggregates(columns, totalled []hindcast.Column) []string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = Name(c.Name)
		if strings.HasPrefix(c.Type, "ENUM(") {
			names[i] = cast(c.Name, "VARCHAR") // an ENUM hashes by its position, which may differ in another table
		}
	}
	list := []string{"count(*)", "sum(CAST(hash(" + strings.Join(names, ", ") + ") AS HUGEINT))"}
	for _, c := range totalled {
		list = append(list, "sum("+Name(c.Name)+")")
	}
	return list
}

// PartialSums computes Sums in two steps, for rows that are first grouped finely: the first list is selected per group,
// the second over the groups. ScanSums reads it.
func PartialSums(columns, totalled []hindcast.Column) (grouped, over string) {
	return inParts(aggregates(columns, totalled))
}

// Content computes the Content of rows.
func Content(columns []hindcast.Column) string { return aggregates(columns, nil)[1] }

// PartialContent is PartialSums without the Totals.
func PartialContent(columns []hindcast.Column) (grouped, over string) {
	return inParts(aggregates(columns, nil))
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

// ScanSums reads a row of sums, after the given leading columns.
func ScanSums(row scanner, totalled []hindcast.Column, leading ...any) (hindcast.Sums, error) {
	sums := hindcast.Sums{}
	var content sql.NullString
	dest := append(slices.Clone(leading), any(&sums.Rows), any(&content))
	totals := make([]sql.NullString, len(totalled))
	for i := range totals {
		dest = append(dest, &totals[i])
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
			sums.Totals[totalled[i].Name] = total.String
		}
	}
	return sums, nil
}

// SumType is the type of a sum over an Exact type.
func SumType(typ string) string {
	if _, scale, ok := datatype.ParseDecimal(typ); ok {
		return fmt.Sprintf("DECIMAL(38,%d)", scale)
	}
	return "HUGEINT"
}
