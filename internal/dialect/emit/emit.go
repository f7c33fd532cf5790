// Package emit writes a bound statement for an engine. It edits the user's text: what an engine spells and means as the source does
// stays byte for byte, everything else is written from the table of operations. Each operation is an expression there, or a refusal.
package emit

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/lex"
	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// Engine is what runs the statement.
type Engine uint8

// The engines.
const (
	DuckDB  Engine = iota // 1.5
	Spark35               // 3.5, with ANSI on and without time zones, as hindcast sets it
	Spark40               // 4.0, the same
)

func (e Engine) spark() bool { return e != DuckDB }

func (e Engine) String() string { return [...]string{"DuckDB", "Spark 3.5", "Spark 4.0"}[e] }

// Options say for whom to write.
type Options struct {
	Engine Engine
	Mark   bool // guards say in their messages which expression they guard
}

// Change is a part of the text that is written in another way.
type Change struct {
	At   lex.Span
	Text string
	Why  string
}

// Result is the statement for the engine.
type Result struct {
	SQL     string
	Changes []Change // in the order of the text; one within another comes after it
	Guards  []Guard  // see Options.Mark
}

// longest is how long a statement may become beyond many times its own length: guards repeat what they guard, and what repeats itself so often
// takes DuckDB gigabytes to plan.
const longest, times = 1 << 20, 16

type printer struct {
	Options
	source  string
	changes []Change
	refused []sem.Refusal
	written int
	full    bool
	order   bool        // what is written is a key of ORDER BY
	writing *sem.Expr   // the expression whose rule is being written
	marks   []*sem.Expr // the guarded expressions: see Options.Mark
	natives []Guard     // what the engine itself raises in

	sure []*sem.Expr // numbers that are not zero where the branch is computed that is being written
	// computed says that a key of GROUP BY is more than a column: what it is made of must be written alike wherever it stands.
	computed bool

	items map[*sem.Expr]text // of select lists, as they are written
	noted []notedItem        // those that are not among them yet

	quotients map[quotient]string // that were divided before, without their operands
	shape     *shape              // of the SELECT that is being written, where that is in another shape; nil otherwise

	// Stacks of what is being written: see withArgs and splice.
	args   []text
	pieces []piece
}

// Query writes a statement.
func Query(source string, q *sem.Query, o Options) (Result, []sem.Refusal) {
	p := &printer{Options: o, args: make([]text, 0, 64), pieces: make([]piece, 0, 64)}
	p.source, p.computed = p.blanks(source), q.Computed
	p.slots(q.Slots)
	if end := p.semicolon(q.At.End); end >= 0 {
		p.pieces = append(p.pieces, piece{at: lex.Span{Start: end, End: end + 1}})
	}
	out := p.splice(lex.Span{End: len(p.source)}, 0)
	if len(p.refused) > 0 {
		return Result{}, p.refused
	}
	slices.SortStableFunc(p.changes, func(a, b Change) int {
		if a.At.Start != b.At.Start {
			return a.At.Start - b.At.Start
		}
		return b.At.End - a.At.End
	})

	return Result{SQL: out, Changes: p.changes, Guards: p.guards()}, nil
}

// semicolon is where one stands behind the statement, which is left out: statements are run one by one. It is -1 if there is none.
func (p *printer) semicolon(from int) int {
	rest := p.source[from:]
	if i := strings.IndexByte(rest, ';'); i >= 0 && strings.Trim(rest[:i], " \t\r\n") == "" {
		return from + i
	}
	return -1
}

func (p *printer) refuse(at lex.Span, instead, format string, args ...any) string {
	p.refused = append(p.refused, sem.Refusal{Reason: sem.NotOnEngine, At: at, Why: fmt.Sprintf(format, args...), Instead: instead})
	return "NULL"
}

// changed notes a change.
func (p *printer) changed(at lex.Span, text, why string) {
	p.changes = append(p.changes, Change{at, text, why})
}

// piece is what stands at a part of the text instead.
type piece struct {
	at   lex.Span
	text string
}

// splice is a part of the source with its pieces put in, which are those on the stack behind the first n, and are taken off it. It is the source
// itself if none differs.
func (p *printer) splice(at lex.Span, n int) string {
	pieces := p.pieces[n:]
	p.pieces = p.pieces[:n]
	if same := !slices.ContainsFunc(pieces, func(c piece) bool { return c.at.In(p.source) != c.text }); same {
		return at.In(p.source)
	}
	if inOrder := func(a, b piece) int { return a.at.Start - b.at.Start }; !slices.IsSortedFunc(pieces, inOrder) {
		slices.SortStableFunc(pieces, inOrder)
	}

	var out strings.Builder
	more := 0
	for _, c := range pieces {
		more += len(c.text)
	}
	out.Grow(at.End - at.Start + more)
	from := at.Start
	for _, c := range pieces {
		if c.at.Start < from {
			if c.text != c.at.In(p.source) {
				p.refuse(c.at, "write it in a query of its own", "this is written otherwise within what is written otherwise, too")
			}
			continue
		}
		out.WriteString(p.source[from:c.at.Start])
		out.WriteString(c.text)
		from = c.at.End
	}
	out.WriteString(p.source[from:at.End])

	return out.String()
}

// query writes a query.
func (p *printer) query(q *sem.Query) string {
	if p.ofSets() && q.Outer {
		p.refuse(q.At, "join the tables", "a query that depends on the row around it is not written for Spark beside grouping sets with HAVING or a total")
	}
	defer func(sure []*sem.Expr, computed bool, around *shape) {
		p.sure, p.computed, p.shape = sure, computed, around
	}(p.sure, p.computed, p.shape)
	p.sure, p.computed, p.shape = nil, q.Computed, nil

	return p.slotted(q.At, q.Slots)
}

// slotted writes a part of the text with slots in it.
func (p *printer) slotted(at lex.Span, slots []sem.Slot) string {
	n := len(p.pieces)
	p.slots(slots)

	return p.splice(at, n)
}

// slots puts on the stack what stands in slots.
func (p *printer) slots(all []sem.Slot) {
	for i := range all {
		out := p.slot(&all[i])
		p.pieces = append(p.pieces, piece{all[i].At, out})
	}
}

func (p *printer) slot(s *sem.Slot) string {
	switch s.Kind {
	case sem.SlotExpr:
		defer func(order bool) { p.order = order }(p.order)
		p.order = s.Text == "order"
		if s.Text == oneRow {
			return p.oneRow(s.Expr)
		}
		out := p.expr(s.Expr)
		if s.Item() {
			p.noteItem(s.Expr, out)
		}
		return out.text
	case sem.SlotQuery:
		return p.query(s.Query)
	case sem.SlotName:
		return p.name(s.At, s.Text, s.Quoted)
	case sem.SlotAlias:
		return p.alias(s)
	case sem.SlotLabel:
		if s.Bare && p.shape == nil {
			return ""
		}
		text := " AS " + p.quoted(s.Text)
		p.changed(s.At, text, "the source names the column so")
		return text
	case sem.SlotNulls:
		return p.nulls(s)
	case sem.SlotReplace:
		return p.replaced(s)
	case sem.SlotEngine:
		return p.engine(s)
	case sem.SlotSelect:
		return p.selected(s)
	case sem.SlotSource:
		return p.slotted(s.At, s.Slots)
	}

	return ""
}

// replaced writes a text with slots in it, where each NUL stands for one.
func (p *printer) replaced(s *sem.Slot) string {
	parts := strings.Split(s.Text, "\x00")
	var out strings.Builder
	for i, part := range parts {
		out.WriteString(part)
		if i < len(parts)-1 {
			out.WriteString(p.slot(&s.Slots[i]))
		}
	}
	p.changed(s.At, out.String(), s.Why)

	return out.String()
}

// nulls says where NULLs go, if the engine would put them elsewhere: they are greater than everything in the source.
func (p *printer) nulls(s *sem.Slot) string {
	text := ""
	switch {
	case s.Desc:
		text = " NULLS FIRST"
	case p.Engine.spark():
		text = " NULLS LAST"
	default:
		return ""
	}
	p.changed(s.At, text, "NULL is greater than everything in the source's order")

	return text
}

// engine writes what one engine does not take.
func (p *printer) engine(s *sem.Slot) string {
	as := s.At.In(p.source)
	if !p.Engine.spark() {
		if s.Text == "ties" {
			p.changed(s.At, "", "rows of rank n or less are the first n with their ties")
			return ""
		}
		return as
	}
	if s.Expr != nil { // a number of an item, or its alias, which Spark does not take here
		out := p.unnoted(func() string { return p.expr(s.Expr).text })
		p.changed(s.At, out, "the engine takes no number or alias of an item here")
		return out
	}
	if instead, ok := notOnSpark[s.Text]; ok {
		p.refuse(s.At, instead.instead, "%s", instead.refusal)
		return as
	}
	switch s.Text {
	case "materialized":
		p.changed(s.At, "", "the engine decides")
		return ""
	case "empty group":
		p.changed(s.At, "", "an aggregate makes one group of all rows by itself")
		return ""
	}

	return as
}

// notOnSpark are parts of statements that Spark does not take, or takes otherwise.
var notOnSpark = map[string]struct{ refusal, instead string }{
	"distinct on":                   {"Spark does not have DISTINCT ON, and without an order no row is the first", "write ORDER BY with the same keys first"},
	"groups":                        {"Spark does not have GROUPS", "number the groups by dense_rank() in a query in FROM, and write RANGE"},
	"exclude":                       {"Spark does not have EXCLUDE in a frame", "subtract what is excluded"},
	"distance":                      {"RANGE with a distance is not written for Spark", "join the table with itself by the distance"},
	"base window":                   {"Spark does not add to a window of another name", "write the window in full"},
	"qualify":                       {"Spark 3.5 and 4.0 do not have QUALIFY", "filter in an outer query"},
	"ties":                          {"Spark does not have WITH TIES", "filter by rank() in an outer query"},
	"recursive":                     {"Spark 3.5 and 4.0 have no recursive queries as the source has them", "join to a table of numbers, or compute it in the warehouse"},
	"lateral":                       {"Spark's LATERAL does not take all that the source's takes", "join to a query over the whole table"},
	"before a limit in parentheses": {"the source does this before the limit in the parentheses, and Spark after it", "write both in the parentheses, or the inner query in FROM"},
	"empty group of constants":      {"Spark does not have GROUP BY () without an aggregate", "leave FROM and GROUP BY out"},
	besideWindow:                    {"Spark does not find what a group's key is made of, in an order beside a function of a window", "order in an outer query"},
}

const besideWindow = "order of groups beside a window"

// text is an expression as it is written for the engine. A loose one needs parentheses where operators stand around it.
type text struct {
	text  string
	loose bool
}

// expr writes an expression.
func (p *printer) expr(e *sem.Expr) text {
	if p.ofSets() {
		return p.shaped(e)
	}
	return p.plain(e)
}

// plain writes an expression as it is written in any SELECT.
func (p *printer) plain(e *sem.Expr) text {
	if !p.wrote(8, e.At) {
		return text{text: "NULL"}
	}
	n, sure := len(p.args), p.sure
	if readsRows(e) {
		p.sure = nil
	}
	for range e.Args {
		p.args = append(p.args, text{})
	}
	out := p.withArgs(e, p.args[n:])
	p.args, p.sure = p.args[:n], sure

	return out
}

// withArgs writes an expression; args is the place for its arguments.
func (p *printer) withArgs(e *sem.Expr, args []text) text {
	p.mayOverflow(e)
	rule := &rules(p.Engine)[e.Op]
	if p.roundsOnce(e) {
		whole := *e
		whole.Args = e.Args[0].Args[:2]
		e, rule, args = &whole, &once, make([]text, 2)
	}
	from := len(p.changes)
	p.arguments(e, args)
	if e.Filter != nil && slices.ContainsFunc(e.Keys, func(k sem.Key) bool { return k.X != e.Args[0] && mayRaise(k.X) }) {
		p.refuse(e.At, "filter in a query in FROM", "engines compute the order of what FILTER leaves out, too, and it may raise")
	}
	if e.Filter != nil && !rule.filters && (len(args) == 1 && mayRaise(e.Args[0]) || p.Engine.spark() && e.Over != nil) {
		e, args = p.filtered(e, args)
		rule = &rules(p.Engine)[e.Op]
	}
	for _, x := range rule.except {
		if x.when(e) {
			p.refuse(e.At, x.instead, "%s", x.refusal)
			return text{text: "NULL"}
		}
	}
	if rule.keep && !e.Made && e.Over == nil && e.Filter == nil {
		return p.kept(e, args)
	}
	if rule.keep && !e.Made {
		return p.keptCall(e, args)
	}

	out := p.ruled(rule, e, args)
	if !p.wrote(len(out.text), e.At) {
		return text{text: "NULL"}
	}
	if out.text != e.At.In(p.source) {
		p.changes = slices.Insert(p.changes, from, Change{e.At, out.text, why(e, rule, out.text)})
	}

	return out
}

// wrote counts what is written, and refuses the statement where that becomes too much.
func (p *printer) wrote(n int, at lex.Span) bool {
	if p.written += n; p.written > longest+times*len(p.source) && !p.full {
		p.full = true
		p.refuse(at, "divide the statement into queries of WITH", "the statement becomes too long: guards repeat what they guard")
	}
	return !p.full
}

// ruled is an expression as its rule writes it.
func (p *printer) ruled(r *rule, e *sem.Expr, args []text) text {
	before := p.writing
	p.writing = e
	defer func() { p.writing = before }()
	switch {
	case p.full:
	case r.write != nil:
		return r.write(p, e, args)
	case r.form != "":
		return text{text: p.fill(r.form, e, args)}
	case r.refusal != "":
		p.refuse(e.At, r.instead, "%s", r.refusal)
	default:
		p.refuse(e.At, "", "this is not written for %s", p.Engine)
	}
	return text{text: "NULL"}
}

// Spelling is why a part is written in another way that means the same.
const Spelling = "the engine spells it so"

func why(e *sem.Expr, r *rule, written string) string {
	guarded := strings.HasPrefix(written, "CASE")
	switch {
	case e.Why != "":
		return e.Why
	case e.Item != nil:
		return "the engine does not take an alias of the same list everywhere"
	case guarded && r.guards != "" && r.why != "":
		return r.why + ", and " + r.guards
	case guarded && r.guards != "":
		return r.guards
	case r.why != "" && (guarded || !r.mayGuard):
		return r.why
	}
	return Spelling
}

// kept is an operation that is spelled as in the source.
func (p *printer) kept(e *sem.Expr, args []text) text {
	n := len(p.pieces)
	for i, a := range e.Args {
		if outside(a.At, e.At) {
			continue
		}
		t := args[i].text
		if !a.Parens && (args[i].loose || !bare(a)) && !nests(e, a, i) {
			t = "(" + t + ")"
			p.changes = slices.Insert(p.changes, 0, Change{a.At, t, "engines do not agree on which operator comes first"})
		}
		p.pieces = append(p.pieces, piece{a.At, t})
	}
	if e.Query != nil {
		out := p.query(e.Query)
		p.pieces = append(p.pieces, piece{e.Query.At, out})
	}

	return text{p.splice(e.At, n), level(e.Op) < levelAtom}
}

// keptCall is a call that is spelled as in the source, with what stands behind it.
func (p *printer) keptCall(e *sem.Expr, args []text) text {
	n := len(p.pieces)
	for i, a := range e.Args {
		if !outside(a.At, e.At) {
			p.pieces = append(p.pieces, piece{a.At, args[i].text})
		}
	}
	if e.Filter != nil {
		out := p.expr(e.Filter).text
		p.pieces = append(p.pieces, piece{e.Filter.At, out})
	}
	if e.Over != nil {
		out := p.window(e)
		p.pieces = append(p.pieces, piece{e.Over.At, out})
	}

	return text{text: p.splice(e.At, n)}
}

// outside reports whether an argument does not stand in the text of its operation.
func outside(a, in lex.Span) bool { return a.Start < in.Start || a.End > in.End || a == in }

// distinct is DISTINCT before an aggregate's argument, if it has that.
func distinct(e *sem.Expr) string {
	if e.Distinct {
		return "DISTINCT "
	}
	return ""
}

// behind writes FILTER and OVER.
func (p *printer) behind(e *sem.Expr) string {
	out := ""
	if e.Filter != nil {
		out = " FILTER (WHERE " + p.expr(e.Filter).text + ")"
	}
	if e.Over != nil {
		out += " OVER " + p.window(e)
	}
	return out
}

// fill writes a form: $1 is the first argument, @1 the same as an operand, $d DISTINCT, $w what stands behind an aggregate, $t the type, $n
// the number, $q the query, $x the text as a word, $s the text in quotes.
func (p *printer) fill(form string, e *sem.Expr, args []text) string {
	form = p.marked(form)
	var out strings.Builder
	out.Grow(2 * len(form))
	from := 0 // of what is not written yet
	for i := 0; i+1 < len(form); i++ {
		if c := form[i]; c == '$' || c == '@' {
			out.WriteString(form[from:i])
			i++
			out.WriteString(p.filled(c, form[i], e, args))
			from = i + 1
		}
	}
	out.WriteString(form[from:])

	return out.String()
}

// filled is what a place of a form stands for.
func (p *printer) filled(c, n byte, e *sem.Expr, args []text) string {
	switch {
	case n >= '1' && n <= '9' && c == '@':
		return operand(args[n-'1'])
	case n >= '1' && n <= '9':
		return args[n-'1'].text
	case n == 'd':
		return distinct(e)
	case n == 'w':
		return p.behind(e)
	case n == 't':
		return p.typeName(e.Type)
	case n == 'n':
		return strconv.Itoa(e.N)
	case n == 'q':
		return p.query(e.Query)
	case n == 'x':
		return e.Text
	case n == 's':
		return p.literal(e.Text)
	}
	return ""
}
