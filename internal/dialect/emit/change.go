package emit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// condition is that of an UPDATE or DELETE.
func (p *printer) condition(s *sem.Step) string {
	if s.Where == nil {
		return "TRUE"
	}
	return p.expr(s.Where).text
}

// crossed are items of FROM, each row of one with each of the others.
func (p *printer) crossed(items []sem.Item) string {
	all := make([]string, len(items))
	for i := range items {
		all[i] = p.query(&items[i].Query)
		if items[i].Join {
			all[i] = "(" + all[i] + ")"
		}
	}
	return strings.Join(all, " CROSS JOIN ")
}

// updatedFrom is an UPDATE with FROM: each row of the table beside what matches it, made one row again. The source takes any of several matches: those that
// do not agree on the new values raise.
func (p *printer) updatedFrom(s *sem.Step) string {
	if queries(s.Where) {
		p.refuse(s.Where.At, "join to the query in FROM", "%s does not take a query in the condition of an outer join, as which FROM is written", p.Engine)
	}
	numbered, alias := "row_number() OVER ()", p.quoted(s.Alias)
	if p.Engine.spark() {
		numbered = "monotonically_increasing_id()"
	}
	before, after := make([]string, len(s.Columns)), make([]string, len(s.Columns))
	for i, c := range s.Columns {
		before[i] = fmt.Sprintf("%s.%s AS hindcast_c%d", alias, p.quoted(c.Name), i+1)
		after[i] = fmt.Sprintf("first(hindcast_c%d)", i+1)
		if v := s.Values[i]; v != nil {
			before = append(before, fmt.Sprintf("CASE WHEN hindcast_m.hindcast_hit THEN %s END AS hindcast_v%d", p.expr(v).text, i+1))
			after[i] = "CAST(" + p.agreed(i+1) + " AS " + p.typeName(c.Type) + ")"
		}
	}
	matches := p.crossed(s.From)

	return "SELECT " + strings.Join(after, ", ") + " FROM (SELECT " + strings.Join(before, ", ") + ", " + alias + ".hindcast_row, hindcast_m.hindcast_hit FROM (SELECT *, " + numbered +
		" AS hindcast_row FROM " + s.Before + ") AS " + alias + " LEFT JOIN ((SELECT TRUE AS hindcast_hit) AS hindcast_m CROSS JOIN " + matches + ") ON " + p.condition(s) +
		") AS hindcast_u GROUP BY hindcast_row"
}

// agreed is the value that all matches of a row give its column n, or the one that it had where there are none.
func (p *printer) agreed(n int) string {
	form := "CASE WHEN count(hindcast_hit) = 0 THEN first($c) WHEN count($v) NOT IN (0, count(hindcast_hit)) OR min($v) <> max($v) THEN $e ELSE max($v) END"
	raises := p.raise("several rows of FROM match a row of UPDATE, and give it different values")
	return strings.NewReplacer("$c", fmt.Sprintf("hindcast_c%d", n), "$v", fmt.Sprintf("hindcast_v%d", n), "$e", raises).Replace(form)
}

// queries reports whether an expression has a query in it.
func queries(e *sem.Expr) bool {
	return e != nil && (e.Query != nil || slices.ContainsFunc(e.Args, queries))
}

// altered is a table with the columns that ALTER TABLE leaves.
func (p *printer) altered(s *sem.Step) string {
	list := make([]string, len(s.Picks))
	for i, name := range s.Picks {
		list[i] = p.quoted(name)
	}
	if s.Added != nil {
		list = append(list, "CAST("+p.expr(s.Added).text+" AS "+p.typeName(s.Added.Type)+")")
	}
	return "SELECT " + strings.Join(list, ", ") + " FROM " + s.Before
}
