package emit

import (
	"fmt"
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// keyText is the text of a key of an aggregate's order.
func (p *printer) keyText(e *sem.Expr, k sem.Key, args []text) string {
	if k.X == e.Args[0] {
		return args[0].text
	}
	return p.expr(k.X).text
}

// keyTexts are the keys of an aggregate's order, as ORDER BY has them.
func (p *printer) keyTexts(e *sem.Expr, args []text) string {
	keys := make([]string, len(e.Keys))
	for i, k := range e.Keys {
		direction, nulls := directions(k)
		keys[i] = p.keyText(e, k, args) + " " + direction + " " + nulls
	}
	return strings.Join(keys, ", ")
}

// joinTextDuck joins texts in an order. Those that are made distinct DuckDB only orders by what can raise nothing.
func joinTextDuck(p *printer, e *sem.Expr, args []text) text {
	if e.Distinct {
		list, _ := p.sortedList(e, args[0].text)
		return text{text: p.limited(e, "array_to_string("+list+", "+p.literal(e.Text)+")")}
	}
	out := p.fill("string_agg($1, $s ORDER BY "+p.keyTexts(e, args)+")$w", e, args)

	return text{text: p.limited(e, out)}
}

// limited raises where a text has more bytes than it may.
func (p *printer) limited(e *sem.Expr, out string) string {
	if e.N == 0 {
		return out
	}
	return p.raiseWhere(fmt.Sprintf("%s > %d", p.bytes(out), e.N), "the joined text is too long for LISTAGG", out)
}

// directions are a key's direction and where NULLs go, in words.
func directions(k sem.Key) (direction, nulls string) {
	direction, nulls = "ASC", "NULLS LAST"
	if k.Desc {
		direction = "DESC"
	}
	if k.NullsFirst {
		nulls = "NULLS FIRST"
	}
	return direction, nulls
}

// listSort is a list in the order of a key, on DuckDB.
func listSort(list string, k sem.Key) string {
	direction, nulls := directions(k)
	return "list_sort(" + list + ", '" + direction + "', '" + nulls + "')"
}

// joinTextSpark joins texts in an order: it sorts a list of them with their keys.
func joinTextSpark(p *printer, e *sem.Expr, args []text) text {
	x, behind := args[0].text, p.behind(e)
	p.refuseOrder(e)
	var list string
	if e.Distinct {
		list = arraySort("collect_set("+x+")"+behind, e.Keys, func(side string, _ int) string { return side })
	} else {
		rows := "collect_list(CASE WHEN " + operand(args[0]) + " IS NOT NULL THEN " + p.keyed(e, args) + " END)" + behind
		list = unkeyed(arraySort(rows, e.Keys, keyField))
	}
	out := "CASE WHEN count(" + x + ")" + behind + " > 0 THEN array_join(" + list + ", " + p.literal(e.Text) + ") END"

	return text{text: p.limited(e, out)}
}

// keyed is a row of an aggregate's value, as x, and the keys of its order, each as keyField has it.
func (p *printer) keyed(e *sem.Expr, args []text) string {
	fields := []string{"'x', " + args[0].text}
	for i, k := range e.Keys {
		fields = append(fields, fmt.Sprintf("'k%d', %s", i, p.keyText(e, k, args)))
	}
	return "named_struct(" + strings.Join(fields, ", ") + ")"
}

func keyField(row string, key int) string { return fmt.Sprintf("%s.k%d", row, key) }

// unkeyed are the values of a list of rows with keys.
func unkeyed(list string) string { return "transform(" + list + ", hindcast_a -> hindcast_a.x)" }

// arraySort is a list in an order, on Spark; of says where a key is in an element.
func arraySort(list string, keys []sem.Key, of func(side string, key int) string) string {
	return "array_sort(" + list + ", (hindcast_a, hindcast_b) -> " + before(keys, of) + ")"
}

// before is -1, 0 or 1 by the order of hindcast_a and hindcast_b; of says where the key of a number is in either.
func before(keys []sem.Key, of func(side string, key int) string) string {
	var out strings.Builder
	out.WriteString("CASE")
	for i, k := range keys {
		a, b := of("hindcast_a", i), of("hindcast_b", i)
		less, null := -1, 1
		if k.Desc {
			less = 1
		}
		if k.NullsFirst {
			null = -1
		}
		fmt.Fprintf(&out, " WHEN %s IS NULL AND %s IS NOT NULL THEN %d WHEN %s IS NOT NULL AND %s IS NULL THEN %d", a, b, null, a, b, -null)
		fmt.Fprintf(&out, " WHEN %s < %s THEN %d WHEN %s > %s THEN %d", a, b, less, a, b, -less)
	}
	out.WriteString(" ELSE 0 END")

	return out.String()
}

// sortedList is a list of an aggregate's values in its order, without NULLs; n is how many there are.
func (p *printer) sortedList(e *sem.Expr, x string) (list, n string) {
	desc := e.Keys[0].Desc
	if p.Engine.spark() {
		p.refuseOrder(e)
		list = "array_sort(collect_list(" + x + ")" + p.behind(e) + ")"
		if desc {
			list = "sort_array(collect_list(" + x + ")" + p.behind(e) + ", FALSE)"
		}
		return list, "count(" + x + ")" + p.behind(e)
	}

	where := x + " IS NOT NULL"
	if e.Filter != nil {
		where = "(" + p.expr(e.Filter).text + ") AND " + where
	}

	return listSort("list("+distinct(e)+x+") FILTER (WHERE "+where+")", sem.Key{Desc: desc}), p.fill("count($1)$w", e, []text{{text: x}})
}

// refuseOrder refuses what Spark makes of lists in ORDER BY, where it does not find their columns.
func (p *printer) refuseOrder(e *sem.Expr) {
	if p.order {
		p.refuse(e.At, "give it an alias in the select list, and order by that", "Spark does not find the columns of this in ORDER BY")
	}
}

// at is the value of a list at a position from 1 on, which is a whole number of any type; NULL if there is none.
func (p *printer) at(list, position string) string {
	if p.Engine.spark() {
		return "get(" + list + ", CAST(" + position + " AS INT) - 1)"
	}
	return list + "[CAST(" + position + " AS BIGINT)]"
}

func discrete(p *printer, e *sem.Expr, args []text) text {
	if e.Over != nil {
		return text{text: p.overNumbers(e, args[0].text, "quantile_disc($1, CAST($s AS DOUBLE))$w")}
	}
	list, n := p.sortedList(e, args[0].text)
	return text{text: p.at(list, "greatest(ceil(CAST('"+e.Text+"' AS DOUBLE) * "+n+"), 1)")}
}

// continuous is what PostgreSQL computes: a point between the values on either side.
func continuous(p *printer, e *sem.Expr, args []text) text {
	if e.Over != nil {
		form := "quantile_cont($1, CAST($s AS DOUBLE))$w"
		if e.Keys[0].Desc {
			form = "-quantile_cont(-($1), CAST($s AS DOUBLE))$w"
		}
		return text{text: p.overNumbers(e, args[0].text, form)}
	}
	list, n := p.sortedList(e, args[0].text)
	row := "CAST('" + e.Text + "' AS DOUBLE) * (" + n + " - 1)"
	low, high := p.at(list, "floor("+row+") + 1"), p.at(list, "ceil("+row+") + 1")

	return text{text: "CASE WHEN floor(" + row + ") = ceil(" + row + ") THEN " + low + " ELSE " + low + " + (" + row + " - floor(" + row + ")) * (" + high + " - " + low + ") END"}
}

// middle is the middle of integers, or half the sum of the two in the middle.
func middle(p *printer, e *sem.Expr, args []text) text {
	if e.Over != nil {
		both := "quantile_disc(CAST($1 AS DECIMAL(20,0)), CAST('0.5' AS DOUBLE))$w - quantile_disc(-CAST($1 AS DECIMAL(20,0)), CAST('0.5' AS DOUBLE))$w"
		return text{text: p.overNumbers(e, args[0].text, "CAST(("+both+") * 0.5 AS $t)")}
	}
	list, n := p.sortedList(e, args[0].text)
	div, wide, half := " // ", "DECIMAL(38,0)", "0.5"
	if p.Engine.spark() {
		div, wide, half = " div ", "DECIMAL(20,0)", "0.5BD"
	}
	low, high := p.at(list, "(("+n+" + 1)"+div+"2)"), p.at(list, "("+n+div+"2 + 1)")

	return text{text: "CAST((CAST(" + low + " AS " + wide + ") + CAST(" + high + " AS " + wide + ")) * " + half + " AS " + p.typeName(e.Type) + ")"}
}

// overNumbers is a percentile over a window, where a list for each row would cost too much. DuckDB has no order there for what is not a number.
func (p *printer) overNumbers(e *sem.Expr, x, form string) string {
	if p.Engine.spark() {
		p.refuse(e.At, "compute it by GROUP BY in a query in FROM, and join that", "percentiles over a window are not written for Spark")
	}
	out := p.fill(form, e, []text{{text: x}})
	if !e.Args[0].Type.IsFloat() {
		return out
	}
	return p.raiseWhere("bool_or(isnan("+x+"))"+p.behind(e), "a percentile of what is not a number", out)
}

// modeDuck is the most frequent value: the keys of a histogram are in their order.
func modeDuck(p *printer, e *sem.Expr, args []text) text {
	h := p.fill("histogram($1)$w", e, args)
	keys, counts := "map_keys("+h+")", "map_values("+h+")"
	if e.Keys[0].Desc {
		keys, counts = "list_reverse("+keys+")", "list_reverse("+counts+")"
	}
	return text{text: keys + "[list_position(" + counts + ", list_max(" + counts + "))]"}
}

// deviation is one of floats. It is NaN if one of them is not finite. What PostgreSQL squares overflows beyond 1e150.
func deviation(p *printer, e *sem.Expr, args []text) text {
	x := operand(args[0])
	small := "abs(" + x + ") <= CAST('1e150' AS DOUBLE)"
	behind := p.behind(e)
	odd := "count(CASE WHEN NOT " + small + " OR isnan(" + x + ") THEN 1 END)" + behind
	wild := "count(CASE WHEN " + p.infinite(x) + " OR isnan(" + x + ") THEN 1 END)" + behind
	plain := e.Text + "(" + distinct(e) + "CASE WHEN " + small + " AND NOT isnan(" + x + ") THEN " + x + " END)" + behind
	alone := "count(" + distinct(e) + x + ")" + behind + " < 2"
	nan := "WHEN " + wild + " > 0 THEN CAST('NaN' AS DOUBLE)"
	if strings.HasSuffix(e.Text, "samp") {
		nan = "WHEN " + alone + " THEN NULL " + nan
	}

	return text{text: "CASE " + nan + " WHEN " + odd + " > 0 THEN " + p.raise("a deviation of numbers beyond 1e150, which may overflow") + " ELSE " + plain + " END"}
}

// ratio divides a value by the sum of all.
func ratio(p *printer, e *sem.Expr, args []text) text {
	sum := p.fill("sum($1)$w", e, args)
	return text{text: p.raiseWhere(sum+" = 0 AND "+operand(args[0])+" IS NOT NULL", "division by zero: the sum that RATIO_TO_REPORT divides by",
		"CAST("+args[0].text+" AS DOUBLE) / CAST("+sum+" AS DOUBLE)")}
}

// edge is FIRST_VALUE and its kind.
func edge(name string) func(*printer, *sem.Expr, []text) text {
	return func(p *printer, e *sem.Expr, args []text) text {
		inside, after := "", ""
		switch {
		case e.Text == "ignore" && p.Engine.spark():
			after = " IGNORE NULLS"
		case e.Text == "ignore":
			inside = " IGNORE NULLS"
		}
		return text{text: name + "(" + listed(args) + inside + ")" + after + p.behind(e)}
	}
}

func groupingDuck(_ *printer, _ *sem.Expr, args []text) text {
	return text{text: "CAST(grouping(" + listed(args) + ") AS INTEGER)"}
}

func groupingSpark(_ *printer, _ *sem.Expr, args []text) text {
	all := make([]string, len(args))
	for i, a := range args {
		all[i] = fmt.Sprintf("CAST(grouping(%s) AS INT) * %d", a.text, 1<<(len(args)-1-i))
	}
	return text{text: "(" + strings.Join(all, " + ") + ")"}
}

// distance is an interval as a frame's end has it.
func distance(_ *printer, e *sem.Expr, _ []text) text {
	return text{text: "(" + writtenInterval(e) + ")"}
}
