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
	whyAnyOrder = "numbers rows that have no order: give its window an ORDER BY"
)

// varying are functions whose values differ from call to call, or from session to session.
var varying = []string{"random", "setseed", "uuid", "gen_random_uuid", "uuidv4", "uuidv7", "nextval", "currval", "txid_current",
	"current_transaction_id", "current_connection_id", "current_query_id"}

// ordered are aggregates that are sensitive to the order of their rows.
var ordered = []string{"first", "last", "list", "array_agg", "string_agg", "group_concat", "listagg"}

// FindUnstable lists such constructs in the order of the text. It goes by words; functions of the current time do not
// count.
func FindUnstable(text string) []Unstable {
	pieces := slices.DeleteFunc(lex(text), func(p piece) bool { return p.kind == space || p.kind == comment })
	var found []Unstable
	for i, p := range pieces {
		if p.kind != word {
			continue
		}
		name := strings.ToLower(p.text)
		call := i+1 < len(pieces) && pieces[i+1].text == "("
		switch {
		case call && slices.Contains(varying, name):
			found = append(found, Unstable{name + "()", whyAnother, p.at, false})
		case call && slices.Contains(ordered, name) && !orders(pieces, i+1):
			found = append(found, Unstable{name + "()", whyOrder, p.at, true})
		case call && name == "row_number" && !orders(pieces, i+1):
			found = append(found, Unstable{"row_number()", whyAnyOrder, p.at, true})
		case (name == "tablesample" || name == "using" && is(pieces, i+1, "sample")) && !repeats(pieces[i:]):
			found = append(found, Unstable{strings.ToUpper(strings.Join(strings.Fields(name+" "+sampleWord(name)), " ")), whySample, p.at, false})
		case name == "limit" && !slices.ContainsFunc(pieces, func(p piece) bool { return p.kind == word && strings.EqualFold(p.text, "order") }):
			found = append(found, Unstable{"LIMIT", whyAnyRows, p.at, true})
		}
	}

	return found
}

func sampleWord(name string) string {
	if name == "using" {
		return "sample"
	}
	return ""
}

func is(pieces []piece, i int, text string) bool {
	return i < len(pieces) && pieces[i].kind == word && strings.EqualFold(pieces[i].text, text)
}

// orders reports whether the call whose parenthesis opens at i has an ORDER BY, inside it or in the window after it.
func orders(pieces []piece, i int) bool {
	end := closing(pieces, i)
	for k := end + 1; k < min(end+8, len(pieces)); k++ {
		switch {
		case is(pieces, k, "filter") && k+1 < len(pieces):
			k = closing(pieces, k+1)
		case is(pieces, k, "over") && k+1 < len(pieces) && pieces[k+1].text != "(":
			return true // a named window: its definition has the order
		case is(pieces, k, "over"):
			return contains(pieces[i:end], "order") || contains(pieces[k+1:closing(pieces, k+1)], "order")
		case is(pieces, k, "within"):
			return true
		default:
			k = len(pieces)
		}
	}

	return contains(pieces[i:end], "order")
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
