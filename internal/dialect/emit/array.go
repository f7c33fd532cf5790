package emit

import (
	"slices"

	"github.com/hindcast/hindcast/internal/dialect/sem"
)

const ofArrays = "the engine takes other arrays for empty, and counts their elements otherwise"

func sharedArrays() map[sem.Op]rule {
	return map[sem.Op]rule{
		sem.OpArray:       {write: arrayOf},
		sem.OpArrayConcat: {write: arrayConcat, why: "an array that is NULL counts as one without elements in the source"},
		sem.OpElement:     {write: element, why: "positions below 1 have no element in the source"},
		sem.OpElementName: {write: elementName},
		sem.OpArrayLength: {write: arrayLength, why: ofArrays},
		sem.OpParts:       {write: partsOf, why: "an empty text has no parts in the source"},
	}
}

func duckArrays() map[sem.Op]rule {
	return map[sem.Op]rule{
		sem.OpArrayAny:  {write: arrayAnyDuck, why: "the engine takes NULLs among the elements otherwise"},
		sem.OpArrayText: {write: arrayTextDuck, why: ofArrays},
		sem.OpUnnest:    {write: unnestDuck, why: "the engine names the columns otherwise"},
		sem.OpGather:    {write: gatherDuck, filters: true, why: Spelling},
	}
}

func sparkArrays() map[sem.Op]rule {
	return map[sem.Op]rule{
		sem.OpArrayAny:  {write: arrayAnySpark, except: []except{ofQuery}},
		sem.OpArrayText: {form: "array_join($1, $s)"},
		sem.OpUnnest:    {write: unnestSpark},
		sem.OpGather:    {write: gatherSpark, filters: true, why: "the engine leaves NULLs out, and knows no order", except: []except{ofQuery}},
	}
}

// ofQuery is true if a query is read where Spark goes through elements.
var ofQuery = except{func(e *sem.Expr) bool { return slices.ContainsFunc(e.Args, queries) }, "Spark takes no query among the elements of an array", "compute it in a query in FROM"}

func arrayOf(p *printer, e *sem.Expr, args []text) text {
	list := "[" + listed(args) + "]"
	if p.Engine.spark() {
		list = "array(" + listed(args) + ")"
	}
	return text{text: "CAST(" + list + " AS " + p.typeName(e.Type) + ")"}
}

func arrayConcat(p *printer, e *sem.Expr, args []text) text {
	l, r := operand(args[0]), operand(args[1])
	out := "list_concat(" + listed(args) + ")"
	if p.Engine.spark() {
		out = "concat(" + listed(args) + ")"
	}
	var none cases
	if e.Args[0].Op != sem.OpArray {
		none.when(l+" IS NULL", r)
	}
	if e.Args[1].Op != sem.OpArray {
		none.when(r+" IS NULL", l)
	}
	if none.Len() == 0 {
		return text{text: out}
	}
	return text{text: "CASE" + none.String() + " ELSE " + out + " END"}
}

func element(p *printer, e *sem.Expr, args []text) text {
	n := operand(args[1])
	out := "list_extract(" + listed(args) + ")"
	if p.Engine.spark() {
		out = "get(" + args[0].text + ", " + n + " - 1)"
	}
	if fromOne(e.Args[1]) {
		return text{text: out}
	}
	return text{text: "CASE WHEN " + n + " < 1 THEN NULL ELSE " + out + " END"}
}

func partsOf(p *printer, e *sem.Expr, args []text) text {
	none := "[]"
	if p.Engine.spark() {
		none = "array()"
	}
	return text{text: "CASE WHEN " + operand(args[0]) + " = '' THEN CAST(" + none + " AS " + p.typeName(e.Type) + ") ELSE " + p.allParts(e, args) + " END"}
}

func arrayLength(p *printer, e *sem.Expr, args []text) text {
	n := "len(" + args[0].text + ")"
	if p.Engine.spark() {
		n = "size(" + args[0].text + ")"
	}
	if e.Not {
		n = "nullif(" + n + ", 0)"
	}
	if p.Engine.spark() {
		return text{text: "CASE WHEN " + operand(args[0]) + " IS NOT NULL THEN " + n + " END"}
	}
	return text{text: "CAST(" + n + " AS INTEGER)"}
}

func elementName(_ *printer, e *sem.Expr, _ []text) text {
	if e.Text != "" { // the value that is compared with elements
		return text{text: e.Text}
	}
	return text{text: "hindcast_element"}
}

// arrayAnyDuck compares with the elements. The source computes the other side even if there are none, so one that may raise is computed first.
func arrayAnyDuck(p *printer, e *sem.Expr, args []text) text {
	v, name := valueBeside(e)
	if v == nil {
		return text{text: anyElement(e, args[0], args[1])}
	}
	return text{text: named("["+p.expr(v).text+"]", name.Text, anyElement(e, args[0], p.expr(substituted(e.Args[1], v, name))))}
}

// valueBeside is what is compared with elements where that is computed first, and what stands for it then.
func valueBeside(e *sem.Expr) (v, name *sem.Expr) {
	v = besideElement(e.Args[1])
	if v == nil || aggregates(e.Args[0]) || queries(e.Args[0]) {
		return nil, nil
	}
	return v, &sem.Expr{Op: sem.OpElementName, Type: v.Type, At: v.At, Made: true, Text: "hindcast_value"}
}

// besideElement is the part of a condition that reads no element and may raise; nil if there is none.
func besideElement(e *sem.Expr) *sem.Expr {
	if !readsElement(e) {
		if mayRaise(e) {
			return e
		}
		return nil
	}
	for _, a := range e.Args {
		if v := besideElement(a); v != nil {
			return v
		}
	}
	return nil
}

func readsElement(e *sem.Expr) bool {
	return e.Op == sem.OpElementName || slices.ContainsFunc(e.Args, readsElement)
}

// substituted is an expression with another one in the place of a part of it.
func substituted(e, part, by *sem.Expr) *sem.Expr {
	if e == part {
		return by
	}
	out := *e
	out.Args, out.Made = make([]*sem.Expr, len(e.Args)), true
	for i, a := range e.Args {
		out.Args[i] = substituted(a, part, by)
	}
	return &out
}

// anyElement looks for an element that decides, and is NULL if there is none but the comparison with one is NULL.
func anyElement(e *sem.Expr, array, compared text) string {
	a, condition := array.text, operand(compared)
	some := func(condition string) string {
		return "len(list_filter(" + a + ", lambda hindcast_element: " + condition + ")) > 0"
	}
	decides, found, otherwise := condition, "TRUE", "FALSE"
	if e.Not {
		decides, found, otherwise = "NOT "+condition, "FALSE", "TRUE"
	}
	return "CASE WHEN " + operand(array) + " IS NULL THEN NULL WHEN " + some(decides) + " THEN " + found +
		" WHEN " + some(condition+" IS NULL") + " THEN NULL ELSE " + otherwise + " END"
}

func arrayAnySpark(p *printer, e *sem.Expr, args []text) text {
	all := "exists"
	if e.Not {
		all = "forall"
	}
	out := func(condition text) string {
		return all + "(" + args[0].text + ", hindcast_element -> " + condition.text + ")"
	}
	v, name := valueBeside(e)
	if v == nil {
		return text{text: out(args[1])}
	}
	return text{text: "transform(array(" + p.expr(v).text + "), " + name.Text + " -> " + out(p.expr(substituted(e.Args[1], v, name))) + ")[0]"}
}

func arrayTextDuck(p *printer, e *sem.Expr, args []text) text {
	a := operand(args[0])
	return text{text: "CASE WHEN " + a + " IS NOT NULL THEN coalesce(array_to_string(list_filter(" + args[0].text + ", lambda hindcast_element: hindcast_element IS NOT NULL), " +
		p.literal(e.Text) + "), '') END"}
}

func unnestDuck(_ *printer, e *sem.Expr, args []text) text {
	positions := ""
	if e.Not {
		positions = ", unnest(range(1, len(" + args[0].text + ") + 1)) AS hindcast_n"
	}
	return text{text: "LATERAL (SELECT unnest(" + args[0].text + ") AS hindcast_x" + positions + ")"}
}

func unnestSpark(_ *printer, e *sem.Expr, args []text) text {
	rows := "explode(" + args[0].text + ") AS hindcast_x"
	if e.Not {
		rows = "inline(transform(" + args[0].text + ", (hindcast_x, hindcast_i) -> named_struct('x', hindcast_x, 'n', CAST(hindcast_i + 1 AS BIGINT))))"
	}
	return text{text: "LATERAL (SELECT " + rows + ")"}
}

// gatherDuck gathers values in an order. The engine may also compute what is filtered out.
func gatherDuck(p *printer, e *sem.Expr, args []text) text {
	x := args[0].text
	if e.Filter != nil && mayRaise(e.Args[0]) {
		x = p.passed(e, x)
		args = []text{{text: x}}
	}
	if e.Distinct {
		return text{text: listSort("list(DISTINCT "+x+")"+p.behind(e), e.Keys[0])}
	}
	return text{text: "list(" + x + " ORDER BY " + p.keyTexts(e, args) + ")" + p.behind(e)}
}

// gatherSpark gathers values in rows with their keys, which are never NULL, and sorts them.
func gatherSpark(p *printer, e *sem.Expr, args []text) text {
	p.refuseOrder(e)
	name, row, key := "collect_set(", "named_struct('x', "+args[0].text+")", func(side string, _ int) string { return side + ".x" }
	if !e.Distinct {
		name, row, key = "collect_list(", p.keyed(e, args), keyField
	}
	if e.Filter != nil {
		row = p.passed(e, row)
	}
	return text{text: "CASE WHEN count(" + row + ") > 0 THEN " + unkeyed(arraySort(name+row+")", e.Keys, key)) + " END"}
}
