package emit

import (
	"strconv"

	"github.com/hindcast/hindcast/internal/dialect/sem"
)

func sharedParts() map[sem.Op]rule {
	return map[sem.Op]rule{
		sem.OpPart:      {write: onePart, why: "an empty text has no parts in the source"},
		sem.OpPartCount: {write: countParts, why: "an empty text has no parts in the source"},
	}
}

// allParts is a text as the list of its parts: the engines make one part of the empty text.
func (p *printer) allParts(e *sem.Expr, args []text) string {
	if p.Engine.spark() {
		return "split(" + args[0].text + ", " + p.literal(`\Q`+e.Args[1].Text+`\E`) + ", -1)"
	}
	return "string_split(" + args[0].text + ", " + args[1].text + ")"
}

func onePart(p *printer, e *sem.Expr, args []text) text {
	n, all := operand(args[2]), p.allParts(e, args)
	out := "list_extract(" + all + ", " + n + ")"
	if p.Engine.spark() {
		out = "get(" + all + ", " + n + " - 1)"
	}
	none := operand(args[0]) + " = ''"
	if !fromOne(e.Args[2]) {
		none += " OR " + n + " < 1"
	}
	return text{text: "CASE WHEN " + none + " THEN NULL ELSE " + out + " END"}
}

// fromOne reports whether a position is written, and is 1 or more.
func fromOne(position *sem.Expr) bool {
	at, err := strconv.Atoi(position.Text)
	return position.Op == sem.OpInt && err == nil && at > 0
}

func countParts(p *printer, e *sem.Expr, args []text) text {
	all := p.allParts(e, args)
	out := "CAST(len(" + all + ") AS INTEGER)"
	if p.Engine.spark() {
		out = "CASE WHEN " + operand(args[0]) + " IS NOT NULL THEN size(" + all + ") END"
	}
	none := map[string]string{"array_length": "NULL", "cardinality": "0"}[e.Text]
	if none == "" {
		none = p.raise("the parts of an empty text are not settled")
	}
	return text{text: "CASE WHEN " + operand(args[0]) + " = '' THEN " + none + " ELSE " + out + " END"}
}
