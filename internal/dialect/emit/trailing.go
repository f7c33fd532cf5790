package emit

import "github.com/hindcast/hindcast/internal/dialect/sem"

// oneSpelling is the one text of a group that is made without trailing blanks.
func oneSpelling(p *printer, e *sem.Expr, args []text) text {
	x := args[0].text
	p.noteItem(e.Args[0], args[0])
	out := "CASE WHEN min(" + x + ") " + p.same() + " max(" + x + ") THEN min(" + x + ") ELSE " +
		p.raise("a text ends in a blank, which does not count in the source, and another one of its group does not") + " END"
	if e.Not {
		key := p.fill(rules(p.Engine)[sem.OpTrimKey].form, e, args)
		out = "CASE WHEN grouping(" + key + ") = 0 THEN " + out + " END"
	}

	return text{text: out}
}
