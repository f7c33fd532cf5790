package redshift

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/datatype"
	"github.com/hindcast/hindcast/internal/pgclient"
	"github.com/hindcast/hindcast/internal/sqltext"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// clusterHash begins the Content of rows that the cluster has hashed: the sum of a 64-bit hash of each row, which does not
// depend on their order.
const clusterHash = "rs:"

// sums counts, sums and hashes the rows of a FROM clause.
func (s *session) sums(ctx context.Context, columns []hindcast.Column, from string) (hindcast.Sums, error) {
	row, err := s.one(ctx, sumsQuery(columns, from, true))
	if err != nil {
		return hindcast.Sums{}, err
	}
	return readSums(row, columns, true), nil
}

// sumsQuery gives one row for readSums.
func sumsQuery(columns []hindcast.Column, from string, content bool) string {
	list := []string{"count(*) AS n"}
	if content {
		list = append(list, "CAST(sum(CAST("+rowHash(columns)+" AS numeric(38,0))) AS varchar) AS content")
	}
	for _, c := range columns {
		if summable(c) {
			_, scale, _ := datatype.ParseDecimal(c.Type) // 0 of an integer
			list = append(list, fmt.Sprintf("CAST(sum(CAST(%s AS numeric(38,%d))) AS varchar) AS t%d", sqltext.Identifier(c.Name), scale, len(list)))
		}
	}
	return "SELECT " + strings.Join(list, ", ") + " FROM " + from
}

func summable(c hindcast.Column) bool { return datatype.Exact(c.Type) && !c.Text }

func readSums(r pgclient.Row, columns []hindcast.Column, content bool) hindcast.Sums {
	sums, at := hindcast.Sums{Rows: r.Number(0)}, 1
	if content {
		if at++; sums.Rows > 0 {
			sums.Content = clusterHash + r.Text(1)
		}
	}
	for _, c := range columns {
		if !summable(c) {
			continue
		}
		if r[at] != nil {
			if sums.Totals == nil {
				sums.Totals = map[string]string{}
			}
			sums.Totals[c.Name] = r.Text(at)
		}
		at++
	}
	return sums
}

// rowHash is a row's hash, over the values of all columns, and over which of them are NULL.
func rowHash(columns []hindcast.Column) string {
	hash := "fnv_hash(1)"
	for _, c := range columns {
		value, zero := sqltext.Identifier(c.Name), ""
		switch typ := hold(c.Source).typ; {
		case c.Text:
			value, zero = "CAST("+value+" AS varchar)", "''"
		case typ == "VARCHAR", typ == "" && c.Source == "":
			zero = "''"
		case typ == "DATE":
			zero = "CAST('1970-01-01' AS date)"
		case typ == "TIMESTAMP", typ == instant:
			zero = "CAST('1970-01-01' AS " + map[bool]string{false: "timestamp", true: "timestamptz"}[typ == instant] + ")"
		case typ == "TIME":
			zero = "CAST('00:00:00' AS time)"
		case typ == "BOOLEAN":
			zero = "false"
		case typ == "JSON":
			value, zero = "json_serialize("+value+")", "''"
		default:
			zero = "0"
		}
		hash = "fnv_hash(CASE WHEN " + value + " IS NULL THEN 1 ELSE 0 END, fnv_hash(coalesce(" + value + ", " + zero + "), " + hash + "))"
	}
	return hash
}

const (
	civilDay  = "2006-01-02"
	civilTime = "2006-01-02 15:04:05.999999"
)

// bound is a slice's bound as a column of that type is compared with it.
func bound(typ string, t time.Time) string {
	t = warehouse.Reading(typ, t)
	if literal := hindcast.FormattedBound(typ, t); literal != "" {
		return literal
	}
	switch typ {
	case "DATE":
		return "CAST(" + literal(t.Format(civilDay)) + " AS date)"
	case instant:
		return "CAST(" + literal(t.Format(civilTime)+"+00") + " AS timestamptz)"
	}
	return "CAST(" + literal(t.Format(civilTime)) + " AS timestamp)"
}
