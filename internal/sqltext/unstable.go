package sqltext

import (
	"slices"
	"strings"
)

// Unstable is a construct in SQL that gives another value each time it runs over the same rows.
type Unstable struct {
	What   string // "random()", "USING SAMPLE"
	Why    string
	Offset int
	Order  bool // it depends on the order of rows, which does not matter to a check that must find none
}

const (
	whyAnother  = "gives another value in every slice and every attempt"
	whySample   = "takes other rows each time; REPEATABLE (1) takes the same ones"
	whyOrder    = "depends on the order of rows, and without ORDER BY they have none"
	whyAnyRows  = "takes any rows: without ORDER BY they have no order"
	whyAnyOne   = "takes any row of each group: without ORDER BY they have no order"
	whyAnyOrder = "goes by the order of rows, and its window gives them none: add an ORDER BY"
)

// varying are functions whose values differ from call to call, or from session to session.
var varying = []string{"random", "setseed", "uuid", "gen_random_uuid", "uuidv4", "uuidv7", "nextval", "currval", "txid_current",
	"current_transaction_id", "current_connection_id", "current_query_id"}

// ordered are aggregates that are sensitive to the order of their rows.
var ordered = []string{"first", "last", "arbitrary", "list", "array_agg", "string_agg", "group_concat", "listagg", "json_group_array"}

// positional are window functions that are sensitive to the order of their window's rows. rank() and the like are not among them:
// without an order all rows are first.
var positional = []string{"row_number", "lag", "lead", "first_value", "last_value", "nth_value", "ntile"}

// orderless are functions of a list whose result does not depend on the order of its elements.
var orderless = []string{"list_sort", "array_sort", "list_reverse_sort", "array_reverse_sort", "len", "array_length", "list_unique", "array_unique",
	"list_sum", "list_min", "list_max", "list_count", "list_contains", "array_contains", "list_has"}

// The same of Spark. A seed does not help there: rows come to another partition, or in another order, as the cluster has it.
var (
	varyingInSpark = []string{"rand", "randn", "random", "randstr", "uniform", "uuid", "shuffle", "monotonically_increasing_id", "spark_partition_id",
		"input_file_name", "input_file_block_start", "input_file_block_length"}
	orderedInSpark   = []string{"first", "last", "collect_list", "collect_set", "array_agg", "listagg", "string_agg"}
	orderlessInSpark = []string{"sort_array", "array_sort", "size", "cardinality", "array_size", "array_contains", "array_max", "array_min", "exists", "forall"}
)

// vocabulary are the functions of a dialect that are, or may be, unstable.
type vocabulary struct{ varying, ordered, positional, orderless []string }

func (d Dialect) vocabulary() vocabulary {
	if d == Spark {
		return vocabulary{varyingInSpark, orderedInSpark, positional, orderlessInSpark}
	}
	return vocabulary{varying, ordered, positional, orderless}
}

// FindUnstable lists such constructs in the order of the text. It goes by words; functions of the current time do not
// count.
func (d Dialect) FindUnstable(text string) []Unstable {
	v := d.vocabulary()
	pieces := slices.DeleteFunc(d.lex(text), func(p piece) bool { return p.kind == space || p.kind == comment })
	var found []Unstable
	for i, p := range pieces {
		if p.kind != word {
			continue
		}
		name := strings.ToLower(p.text)
		call := i+1 < len(pieces) && pieces[i+1].text == "("
		switch {
		case call && slices.Contains(v.varying, name):
			found = append(found, Unstable{name + "()", whyAnother, p.at, false})
		case call && slices.Contains(v.ordered, name) && !orders(pieces, i+1) && !(i > 1 && pieces[i-1].text == "(" && isOne(pieces, i-2, v.orderless)):
			found = append(found, Unstable{name + "()", whyOrder, p.at, true})
		case call && slices.Contains(v.positional, name) && !orders(pieces, i+1):
			found = append(found, Unstable{name + "()", whyAnyOrder, p.at, true})
		case (name == "tablesample" || name == "using" && is(pieces, i+1, "sample")) && !repeats(pieces[i:]):
			found = append(found, Unstable{strings.ToUpper(strings.Join(strings.Fields(name+" "+sampleWord(name)), " ")), whySample, p.at, false})
		case name == "limit" && cuts(pieces, i) && !sorted(pieces, i):
			found = append(found, Unstable{"LIMIT", whyAnyRows, p.at, true})
		case name == "distinct" && is(pieces, i+1, "on") && !sorted(pieces, i):
			found = append(found, Unstable{"DISTINCT ON", whyAnyOne, p.at, true})
		}
	}

	return found
}

// cuts reports whether the LIMIT at i may leave out rows whose number matters.
func cuts(pieces []piece, i int) bool {
	start, _ := scope(pieces, i)
	limited := i+1 < len(pieces) && pieces[i+1].text != "0" && !is(pieces, i+1, "all")
	return limited && !is(pieces, start-2, "exists")
}

// scope is the range of pieces, without its parentheses, of the innermost pair around i.
func scope(pieces []piece, i int) (start, end int) {
	depth := 0
	for start = i; start > 0; start-- {
		switch pieces[start-1].text {
		case ")":
			depth++
		case "(":
			if depth--; depth < 0 {
				return start, closing(pieces, start-1)
			}
		}
	}
	return 0, len(pieces)
}

// sorted reports whether the SELECT around i has an ORDER BY, or a query within it does, from which it may take its rows. The
// ORDER BY of a window or of an aggregate sorts no rows.
func sorted(pieces []piece, i int) bool {
	start, end := scope(pieces, i)
	for k := start; k < end; k++ {
		switch {
		case is(pieces, k, "order"):
			return true
		case pieces[k].text == "(" && !isOne(pieces, k+1, []string{"select", "with", "from", "values", "("}):
			k = closing(pieces, k)
		}
	}
	return false
}

func sampleWord(name string) string {
	if name == "using" {
		return "sample"
	}
	return ""
}

func is(pieces []piece, i int, text string) bool {
	return i >= 0 && i < len(pieces) && pieces[i].kind == word && strings.EqualFold(pieces[i].text, text)
}

func isOne(pieces []piece, i int, texts []string) bool {
	return i >= 0 && i < len(pieces) && pieces[i].kind != quoted && slices.Contains(texts, strings.ToLower(pieces[i].text))
}

// orders reports whether the call whose parenthesis opens at i has an ORDER BY, inside it or in the window after it.
func orders(pieces []piece, i int) bool {
	end := closing(pieces, i)
	for k := end + 1; k < min(end+8, len(pieces)); k++ {
		switch {
		case is(pieces, k, "filter") && k+1 < len(pieces):
			k = closing(pieces, k+1)
		case is(pieces, k, "over") && k+1 < len(pieces) && pieces[k+1].text != "(":
			return contains(pieces[i:end], "order") || namedOrders(pieces, pieces[k+1].text)
		case is(pieces, k, "over"):
			window := pieces[k+1 : closing(pieces, k+1)]
			return contains(pieces[i:end], "order") || contains(window, "order") || contains(window, "sort") // SORT BY is Spark's
		case is(pieces, k, "within"):
			return true
		default:
			k = len(pieces)
		}
	}

	return contains(pieces[i:end], "order")
}

// namedOrders reports whether the window of that name has an ORDER BY, or is not defined here.
func namedOrders(pieces []piece, name string) bool {
	for i := range pieces {
		if strings.EqualFold(pieces[i].text, name) && is(pieces, i+1, "as") && i+2 < len(pieces) && pieces[i+2].text == "(" && !isOne(pieces, i+3, []string{"select", "with", "from"}) {
			window := pieces[i+2 : closing(pieces, i+2)]
			return contains(window, "order") || contains(window, "sort")
		}
	}
	return true
}

func contains(pieces []piece, text string) bool {
	return slices.ContainsFunc(pieces, func(p piece) bool { return p.kind == word && strings.EqualFold(p.text, text) })
}

// closing returns where the parenthesis that opens at i closes.
func closing(pieces []piece, i int) int {
	depth := 0
	for ; i < len(pieces); i++ {
		switch pieces[i].text {
		case "(":
			depth++
		case ")":
			if depth--; depth == 0 {
				return i
			}
		}
	}

	return len(pieces) - 1
}

// repeats reports whether a sample that begins here says REPEATABLE, or gives a seed: SAMPLE 10 PERCENT (system, 377).
func repeats(pieces []piece) bool {
	for i := 1; i < min(len(pieces), 14); i++ {
		switch {
		case is(pieces, i, "repeatable"):
			return true
		case pieces[i].text == ",":
			return i+2 < len(pieces) && pieces[i+2].text == ")" && pieces[i+1].text[0] >= '0' && pieces[i+1].text[0] <= '9'
		case pieces[i].text == ";", is(pieces, i, "where"), is(pieces, i, "group"), is(pieces, i, "join"), is(pieces, i, "union"):
			return false
		}
	}
	return false
}
