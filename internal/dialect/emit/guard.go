package emit

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/lex"
	"github.com/hindcast/hindcast/internal/dialect/sem"
	"github.com/hindcast/hindcast/internal/sqltext"
)

// A guard raises where the source raises, or where the engine would answer otherwise. Options.Mark has its message end in a mark,
// <<SQLSTATE#N>>: N is the number of the guarded expression, from 1, whose place is in Result.Guards. Expressions that compute the same have the
// same number, since an engine that finds one in GROUP BY has to find the same in SELECT; comments and blanks do not change it.

// Mark finds the mark of a guard in a text.
var Mark = sqltext.GuardMark

// most is how many guarded expressions have numbers of their own. Finding the same one again takes time.
const most = 1000

// states are the SQLSTATEs of what the source raises, by how its message begins. What is not here is raised by us alone.
var states = []struct{ begins, state string }{
	{"division by zero", "22012"},
	{"value out of range", "22003"},
	{"invalid input syntax for type date", "22007"},
	{"invalid input syntax for type timestamp", "22007"},
	{"invalid input syntax", "22P02"},
	{"value too long", "22001"},
	{"a NULL for the column", "23502"},
	{"date out of range", "22008"},
	{"timestamp out of range", "22008"},
	{"date/time field value out of range", "22008"},
	{"field position must not be zero", "22023"},
	{"cannot get array length", "22023"},
	{"cannot subtract infinite dates", "22008"},
	{"negative substring length not allowed", "22011"},
}

// raise is an expression that ends the run.
func (p *printer) raise(message string) string {
	name := "error("
	if p.Engine.spark() {
		name = "raise_error("
	}
	return name + p.literal(message+p.mark(message)) + ")"
}

// raiseWhere is an expression, and ends the run where a condition holds.
func (p *printer) raiseWhere(condition, message, out string) string {
	return "CASE WHEN " + condition + " THEN " + p.raise(message) + " ELSE " + out + " END"
}

// mark is that of a message of the expression that is being written.
func (p *printer) mark(message string) string {
	if !p.Mark || p.writing == nil {
		return ""
	}
	state := ""
	for _, s := range states {
		if strings.HasPrefix(message, s.begins) {
			state = s.state
			break
		}
	}
	return fmt.Sprintf("<<%s#%d>>", state, p.guard(p.writing))
}

// guard is the number of a guarded expression.
func (p *printer) guard(e *sem.Expr) int {
	if i := slices.IndexFunc(p.marks, func(g *sem.Expr) bool { return sem.Same(g, e) }); i >= 0 {
		return i + 1
	}
	if len(p.marks) == most {
		return 0
	}
	p.marks = append(p.marks, e)
	return len(p.marks)
}

// raised is a call that raises in a rule's form.
var raised = regexp.MustCompile(`error\('((?:[^']|'')*)'\)`)

// marked is a rule's form with marks in its messages.
func (p *printer) marked(form string) string {
	if !p.Mark || !strings.Contains(form, "error('") {
		return form
	}
	return raised.ReplaceAllStringFunc(form, func(call string) string {
		message := raised.FindStringSubmatch(call)[1]
		if Mark.MatchString(message) {
			return call
		}
		return strings.TrimSuffix(call, "')") + p.mark(message) + "')"
	})
}

// Guard is a part of the source in which something raises.
type Guard struct {
	At lex.Span
	Op string // what overflows, where the engine itself raises and says no more than that; "" of a guarded expression
}

// guards are the guarded expressions by their numbers, and behind them those in which the engine itself raises.
func (p *printer) guards() []Guard {
	all := make([]Guard, 0, len(p.marks)+len(p.natives))
	for _, e := range p.marks {
		all = append(all, Guard{At: e.At})
	}
	return append(all, p.natives...)
}

// overflows are DuckDB's words for what overflows, of which it does not tell the place.
var overflows = [sem.Ops]string{sem.OpAdd: "addition", sem.OpSubtract: "subtraction", sem.OpMultiply: "multiplication"}

// mayOverflow notes an operation of exact numbers.
func (p *printer) mayOverflow(e *sem.Expr) {
	if !p.Mark || overflows[e.Op] == "" {
		return
	}
	if guard := (Guard{At: e.At, Op: overflows[e.Op]}); len(p.natives) < most && !slices.Contains(p.natives, guard) {
		p.natives = append(p.natives, guard)
	}
}
