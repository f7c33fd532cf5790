package engine

import (
	"cmp"
	"strings"
)

// Spelling is how an engine's SQL says what checks need.
type Spelling struct {
	Difference string // of a and b, which are sums
	Text       func(expression string) string
	Name       func(name string) string    // of a column or table
	Literal    func(literal string) string // one that the pipeline has
}

// Query is the SQL that a check runs. That of a total gives two sums, of which the given expression is one, and whether they agree.
// Any other gives the rows, or the values, for which the check does not hold. It is "" for a check that needs none.
func (c Check) Query(s Spelling, sum string) string {
	switch {
	case c.Total != nil:
		return c.total(s, sum)
	case len(c.NotNull) > 0:
		return "SELECT * FROM result WHERE " + strings.Join(s.names(c.NotNull), " IS NULL OR ") + " IS NULL"
	case len(c.Unique) > 0:
		names := s.names(c.Unique)
		return s.grouped(strings.Join(names, ", "), "result WHERE "+strings.Join(names, " IS NOT NULL AND ")+" IS NOT NULL") + " HAVING count(*) > 1"
	case c.Accepted != nil:
		column, values := s.Name(c.Accepted.Column), make([]string, len(c.Accepted.Values))
		for i, v := range c.Accepted.Values {
			values[i] = s.Literal(v)
		}
		return s.grouped(column, "result WHERE "+column+" NOT IN ("+strings.Join(values, ", ")+")")
	case c.Related != nil:
		// The field is looked for in a table of FROM: in a subquery of WHERE a name that the table does not have could be the result's.
		r := c.Related
		column := "r." + s.Name(r.Column)
		return s.grouped(column, "result AS r LEFT JOIN (SELECT DISTINCT "+s.Name(r.Field)+" AS field FROM "+s.Name(r.To)+") AS t ON t.field = "+column+
			" WHERE "+column+" IS NOT NULL AND t.field IS NULL")
	}
	return statement(c.SQL)
}

// grouped gives each value with the number of its rows.
func (s Spelling) grouped(columns, from string) string {
	return "SELECT " + columns + ", count(*) AS " + s.Name("rows") + " FROM " + from + " GROUP BY " + columns
}

func (s Spelling) names(columns []string) []string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = s.Name(c)
	}
	return names
}

func (c Check) total(s Spelling, sum string) string {
	within := cmp.Or(c.Total.Within, "0")
	return "SELECT " + s.Text("a") + ", " + s.Text("b") + ", (a IS NULL AND b IS NULL) OR coalesce(abs(" + s.Difference + ") <= " + within + ", false)" +
		" FROM (SELECT " + sum + " AS a, (" + statement(c.Total.Equals) + "\n) AS b)"
}

func statement(sql string) string { return strings.TrimRight(strings.TrimSpace(sql), ";") }
