package emit

import "github.com/hindcast/hindcast/internal/dialect/sem"

// oneSpelling is the one text of a group that is made without trailing blanks.
func oneSpelling(p *printer, e *sem.Expr, args []text) text {
	x := args[0].text
	same := "min(" + x + ") IS NOT DISTINCT FROM max(" + x + ")"
	if p.Engine.spark() {
		same = "min(" + x + ") <=> max(" + x + ")"
	}
	out := "CASE WHEN " + same + " THEN min(" + x + ") ELSE " +
		p.raise("a text ends in a blank, which does not count in the source, and another one of its group does not") + " END"
	if e.Not {
		key := p.fill(rules(p.Engine)[sem.OpTrimKey].form, e, args)
		out = "CASE WHEN grouping(" + key + ") = 0 THEN " + out + " END"
	}

	return text{text: out}
}
