package emit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/lex"
	"github.com/hindcast/hindcast/internal/dialect/sem"
	"github.com/hindcast/hindcast/internal/sqltext"
)

// Spark takes some SELECTs only in another shape.
//
// Where functions of windows decide which rows are kept, the SELECT becomes a query in FROM of one that filters and orders. The condition and the keys
// of the order are further columns of it.
//
// If there are no rows, Spark gives no row of grouping sets, not even the total. FROM and WHERE become a query in FROM that gives one more row, of
// NULLs, which no aggregate counts. A query around that makes the groups, and gives their keys and aggregates names of its own. What is left of the
// SELECT reads it, without the groups that are made of the added row alone, except for the total. The source is read once.
//
// The same is done without the added row where grouping sets have HAVING: Spark does not find all in it that it does in the select list.

// shape is what is known of a SELECT while it is written in another shape. All of it is empty of one without grouping sets.
type shape struct {
	sets    *sem.Sets
	rows    bool                // what is written is computed of single rows, or is a key
	having  bool                // what is written is a part of HAVING
	guarded bool                // what is written is not computed of groups that the source does not have
	sources []string            // what is read of the source's rows
	places  map[*sem.Column]int // where among them columns are
	groups  []string            // what is computed of groups
}

// The names of what is added.
const (
	rowColumn   = "hindcast_row"   // TRUE of the source's rows, and NULL of the one that is added
	groupColumn = "hindcast_group" // whether a group is one of the source's, or the total
	keptColumn  = "hindcast_kept"  // whether a row is kept
)

// ofSets reports whether what is written belongs to a SELECT with grouping sets that is written in another shape.
func (p *printer) ofSets() bool { return p.shape != nil && p.shape.sets != nil }

func sourceColumn(i int) string { return fmt.Sprintf("hindcast_c%d", i+1) }

func computedColumn(i int) string { return fmt.Sprintf("hindcast_g%d", i+1) }

// selected writes a SELECT that Spark takes only in another shape.
func (p *printer) selected(s *sem.Slot) string {
	if !p.Engine.spark() {
		return p.slotted(s.At, s.Slots)
	}
	defer func(before *shape) { p.shape = before }(p.shape)
	p.shape = nil
	refused := len(p.refused)
	if !p.takes(s) {
		return p.slotted(s.At, slices.DeleteFunc(slices.Clone(s.Slots), func(slot sem.Slot) bool {
			return slot.Kind == sem.SlotEngine && len(p.refused) > refused // once is enough
		}))
	}

	n := len(p.pieces)
	p.shape = &shape{sets: s.Select.Sets, places: map[*sem.Column]int{}}
	w := wrapper{printer: p, of: s.Select}
	source, limit := w.slots(s)
	if s.Select.Sets != nil {
		w.groups()
	}
	if s.Select.Kept != nil {
		w.wrap(s)
	}
	if limit != nil {
		p.pieces = append(p.pieces, piece{limit.At, p.slot(limit)})
	}
	if source != nil {
		p.pieces = append(p.pieces, piece{source.At, p.sourceOf(s, source)})
	}

	return p.splice(s.At, n)
}

func end(at int) lex.Span { return lex.Span{Start: at, End: at} }

func inside(at, in lex.Span) bool {
	return at.Start >= in.Start && at.End <= in.End && in.End > in.Start
}

// takes reports whether a SELECT is written in another shape. What Spark does not take is refused where it stands, or here.
func (p *printer) takes(s *sem.Slot) bool {
	of := s.Select
	switch {
	case of.Kept != nil && of.Kept.Where == nil:
		return false
	case of.Kept == nil && !of.Sets.Total && (of.Outer || of.Sets.Star.End > 0): // which Spark may take as it is
		return false
	}
	refused, instead := "", "write the total as a SELECT of its own, with UNION ALL"
	const total = "Spark gives no row of no rows, where the source gives the total, and that is not written "
	switch {
	case of.Outer:
		refused, instead = "this is not written for Spark in a query that depends on the row around it", "join to a query in FROM that has it"
	case of.Kept != nil && of.Names == nil:
		refused, instead = "this is only written for Spark if every column of the result has a name of its own", "name them by AS"
	case of.Sets == nil:
	case !slices.ContainsFunc(s.Slots, func(slot sem.Slot) bool { return slot.Kind == sem.SlotSource }):
		refused = total + "without FROM"
	case len(of.Sets.Keys) == 0:
		refused = total + "without keys"
	case of.Sets.Star.End > 0:
		refused = total + "beside *"
	}
	if refused != "" {
		p.refuse(placeOf(of), instead, "%s", refused)
	}

	return refused == ""
}

// placeOf is where what Spark does not take stands.
func placeOf(s *sem.Select) lex.Span {
	switch {
	case s.Sets != nil:
		return s.Sets.GroupBy
	case s.Kept.Clause.End > 0:
		return s.Kept.Clause
	}
	return s.Quantifier
}

// wrapper writes what is around the parts of a SELECT.
type wrapper struct {
	*printer
	of   *sem.Select
	more strings.Builder // columns
}

// slots writes what stands in the SELECT but for its source and TOP's limit, which it returns: nil if there is none.
func (w *wrapper) slots(s *sem.Slot) (source, limit *sem.Slot) {
	for i := range s.Slots {
		switch slot := &s.Slots[i]; {
		case w.leaves(slot):
		case slot.Kind == sem.SlotSource:
			source = slot
		case slot.Kind == sem.SlotReplace && slot.At == end(s.At.End):
			limit = slot
		case w.of.Kept != nil && slot.Kind == sem.SlotExpr && slot.At.Start >= w.of.End:
			w.key(slot)
		default:
			w.pieces = append(w.pieces, piece{slot.At, w.inside(slot)})
		}
	}
	return source, limit
}

const whyWrapped = "Spark takes this only as a query in FROM of one that filters"

func (w *wrapper) put(at lex.Span, text, why string) {
	w.pieces = append(w.pieces, piece{at, text})
	w.changed(at, text, why)
}

// leaves reports whether a slot is written elsewhere, or not at all.
func (w *wrapper) leaves(slot *sem.Slot) bool {
	kept := w.of.Kept
	return kept != nil && (inside(slot.At, w.of.Quantifier) || inside(slot.At, kept.Clause) || slot.At == kept.Added) ||
		slot.Kind == sem.SlotEngine && slot.Text == besideWindow
}

// key makes a key of the order a column.
func (w *wrapper) key(slot *sem.Slot) {
	name := fmt.Sprintf("hindcast_o%d", slot.At.Start)
	w.column(w.unnoted(func() string { return w.expr(slot.Expr).text }), name)
	w.put(slot.At, name, "the query in FROM computes it")
}

func (w *wrapper) column(x, name string) { w.more.WriteString(", " + x + " AS " + name) }

// inside writes a slot of the SELECT. What stands in GROUP BY is computed of single rows.
func (w *wrapper) inside(slot *sem.Slot) string {
	t := w.of.Sets
	if t != nil && inside(slot.At, t.GroupBy) {
		defer w.ofRows()()
	}
	w.shape.having = t != nil && t.Total && inside(slot.At, t.Having)

	return w.slot(slot)
}

// groups makes a query in FROM of what makes groups.
func (w *wrapper) groups() {
	t, why := w.of.Sets, whyHaving
	if t.Total {
		why = whyTotal
	}
	w.put(end(t.GroupBy.End), ") AS hindcast_groups WHERE "+groupColumn, why)
	if t.Having.End > 0 {
		w.put(lex.Span{Start: t.Having.Start, End: t.Having.Start + len("having")}, "AND (", why)
		w.put(end(t.Having.End), ")", why)
	}
}

// wrap puts the SELECT into FROM of another one.
func (w *wrapper) wrap(s *sem.Slot) {
	names := make([]string, len(w.of.Names))
	for i, n := range w.of.Names {
		names[i] = w.quoted(n)
	}
	head, kept := "SELECT ", w.of.Kept
	if w.of.Distinct {
		head += "DISTINCT "
	}
	w.put(end(s.At.Start), head+strings.Join(names, ", ")+" FROM (", whyWrapped)
	if w.of.Quantifier.End > 0 {
		w.put(w.of.Quantifier, "", whyWrapped)
	}
	w.shape.having = false
	w.column(w.unnoted(func() string { return w.slot(kept.Where) }), keptColumn)
	if kept.Clause.End > 0 {
		w.put(kept.Clause, "", whyWrapped)
	}
	w.put(end(w.of.Items.End), w.more.String(), whyWrapped)
	w.put(end(w.of.End), ") AS hindcast_all WHERE "+keptColumn, whyWrapped)
}

// unnoted writes a part of the text in another place. Its changes are not noted: they would be of that place.
func (p *printer) unnoted(write func() string) string {
	before := slices.Clone(p.changes)
	out := write()
	p.changes = before

	return out
}

// ofRows says that what is written until the end is computed of single rows, or is a key.
func (p *printer) ofRows() (end func()) {
	s, rows, order, sure := p.shape, p.shape.rows, p.order, p.sure
	s.rows, p.order, p.sure = true, false, nil
	return func() { s.rows, p.order, p.sure = rows, order, sure }
}

const (
	whyHaving = "Spark does not find all in HAVING that it does in the select list"
	whyTotal  = "Spark gives no total of no rows: there is one more row, which nothing counts"
)

// sourceOf is FROM and WHERE of a SELECT. Of one with grouping sets it is the beginning of the query that makes groups; with a total that reads one
// with one more row. A hint goes where the tables are.
func (p *printer) sourceOf(s, source *sem.Slot) string {
	of := p.shape
	if of.sets == nil {
		p.shape = nil
		return p.slotted(source.At, source.Slots)
	}

	groups := p.groupsOf(of)
	p.shape = nil
	from := p.slotted(source.At, source.Slots)
	list, row := strings.Builder{}, strings.Builder{}
	for i, x := range of.sources {
		fmt.Fprintf(&list, "%s AS %s, ", x, sourceColumn(i))
		row.WriteString("NULL, ")
	}
	if !of.sets.Total {
		out := "(SELECT " + p.hint(s) + groups + " FROM " + from
		p.changed(source.At, out, whyHaving)
		return out
	}
	out := "(SELECT " + groups + " FROM (SELECT " + p.hint(s) + list.String() + "TRUE AS " + rowColumn + " FROM " + from +
		" UNION ALL SELECT " + row.String() + "NULL) AS hindcast_source"
	p.changed(source.At, out, whyTotal)

	return out
}

// groupsOf is the select list of the query that makes groups.
func (p *printer) groupsOf(of *shape) string {
	defer p.ofRows()()
	var out strings.Builder
	for i, x := range of.groups {
		out.WriteString(x + " AS " + computedColumn(i) + ", ")
	}
	if !of.sets.Total {
		return out.String() + "TRUE AS " + groupColumn
	}
	sets := make([]string, len(of.sets.Keys))
	for i, k := range of.sets.Keys {
		sets[i] = "grouping(" + p.unnoted(func() string { return p.expr(k).text }) + ") = 1"
	}
	return out.String() + "count(" + rowColumn + ") > 0 OR " + strings.Join(sets, " AND ") + " AS " + groupColumn
}

// hint is that behind the word SELECT, if one stands there.
func (p *printer) hint(s *sem.Slot) string {
	rest := strings.TrimLeft(p.source[s.At.Start+len("select"):], " \t\r\n")
	if !strings.HasPrefix(rest, "/*+") {
		return ""
	}
	return rest[:sqltext.CommentEnd(rest)] + " "
}

// fromSource is a column of the source by the name that its query gives it.
func (p *printer) fromSource(e *sem.Expr, written string) string {
	if !p.shape.sets.Total {
		return written
	}
	i, ok := p.shape.places[e.Column]
	if !ok {
		i = len(p.shape.sources)
		p.shape.places[e.Column] = i
		p.shape.sources = append(p.shape.sources, written)
	}
	return sourceColumn(i)
}

// lifted is a key that the source's query computes: the row that is added might raise in it, or have another group than that of NULL.
func (p *printer) lifted(key *sem.Expr) text {
	s := p.shape
	p.shape = nil
	x := p.unnoted(func() string { return p.plain(key).text })
	p.shape = s
	i := slices.Index(s.sources, x)
	if i < 0 {
		i = len(s.sources)
		s.sources = append(s.sources, x)
	}
	return text{text: sourceColumn(i)}
}

// shaped writes an expression in a SELECT with grouping sets. What the query that makes groups computes is a column of that.
func (p *printer) shaped(e *sem.Expr) text {
	s := p.shape
	key := slices.IndexFunc(s.sets.Keys, func(k *sem.Expr) bool { return sem.Same(k, e) })
	switch {
	case s.rows && s.sets.Total && key >= 0 && !(null(e) && calm(e)):
		out := p.lifted(e)
		p.changed(e.At, out.text, "the query in FROM computes it")
		return out
	case s.rows:
		return p.plain(e)
	case s.sets.Total && e.Op == sem.OpOneSpelling && e.Args[0].Op != sem.OpColumn:
		p.refuse(e.At, "group in a query in FROM", "a key that may end in blanks is only written beside a total for Spark if it is a column")
		return text{text: "NULL"}
	case isAggregate(e):
		of := e
		if s.sets.Total {
			of = ofSourceRows(e)
		}
		return p.ofGroups(of, e.At)
	case key >= 0:
		return p.ofGroups(s.sets.Keys[key], e.At)
	case e.Op == sem.OpGrouping || e.Op == sem.OpColumn && e.Item == nil:
		return p.ofGroups(e, e.At)
	case !s.having || s.guarded || harmless[e.Op] || e.Query != nil || calm(e):
		return p.plain(e)
	}
	s.guarded = true
	defer func() { s.guarded = false }()
	from := len(p.changes)
	out := "CASE WHEN " + groupColumn + " THEN " + p.plain(e).text + " END"
	p.changes = slices.Insert(p.changes, from, Change{e.At, out, "it may raise in a group that the source does not have"})

	return text{text: out}
}

// ofGroups is a column of the query that makes groups.
func (p *printer) ofGroups(e *sem.Expr, at lex.Span) text {
	s := p.shape
	end := p.ofRows()
	x := p.unnoted(func() string { return p.expr(e).text })
	end()
	i := slices.Index(s.groups, x)
	if i < 0 {
		i = len(s.groups)
		s.groups = append(s.groups, x)
	}
	name := computedColumn(i)
	p.changed(at, name, "the query in FROM computes it")

	return text{text: name}
}

// isAggregate reports whether an expression is a value of a group. The one text of a group is, too.
func isAggregate(e *sem.Expr) bool {
	return (e.Aggregates() || e.Op == sem.OpOneSpelling) && e.Over == nil
}

// ofSourceRows is an aggregate that leaves out the row that stands for no rows. Those that leave NULLs out need nothing where it gives NULL.
func ofSourceRows(e *sem.Expr) *sem.Expr {
	plain := e.Op != sem.OpCountRows && e.Op != sem.OpGather
	for _, a := range e.Args {
		plain = plain && null(a) && calm(a)
	}
	if plain {
		return e
	}
	out := *e
	row := &sem.Expr{Op: sem.OpName, Type: sem.Of(sem.Bool), At: e.At, Made: true, Text: rowColumn}
	out.Filter, out.Made = row, true
	if e.Filter != nil {
		out.Filter = &sem.Expr{Op: sem.OpAnd, Type: row.Type, At: e.At, Made: true, Args: []*sem.Expr{row, e.Filter}}
	}

	return &out
}

// strict are operations that give NULL where an argument is NULL, and raise nothing then.
var strict = map[sem.Op]bool{sem.OpAdd: true, sem.OpSubtract: true, sem.OpMultiply: true, sem.OpNegate: true, sem.OpPlus: true, sem.OpAbs: true, sem.OpRound: true,
	sem.OpFloatAdd: true, sem.OpFloatSubtract: true, sem.OpFloatMultiply: true, sem.OpFloatDivide: true, sem.OpFloatNegate: true,
	sem.OpIntDivide: true, sem.OpDecimalDivide: true, sem.OpNumericDivide: true, sem.OpWiden: true, sem.OpSame: true, sem.OpIntToInt: true,
	sem.OpToDecimal: true, sem.OpDecimalToInt: true, sem.OpToFloat: true}

// null reports whether an expression is known to be NULL of the row that stands for no rows, or of a group that is made of it alone.
func null(e *sem.Expr) bool {
	switch {
	case e.Item != nil:
		return null(e.Item)
	case e.Op == sem.OpTrimKey:
		return null(e.Args[0])
	case e.Op == sem.OpColumn || e.Op == sem.OpNull:
		return true
	case isAggregate(e):
		return e.Op != sem.OpCountRows && e.Op != sem.OpCount && e.Op != sem.OpOneSpelling
	}
	return strict[e.Op] && slices.ContainsFunc(e.Args, null)
}

// calm reports whether an expression is known to raise nothing there.
func calm(e *sem.Expr) bool {
	switch {
	case e.Item != nil:
		return calm(e.Item)
	case isAggregate(e):
		return e.Op != sem.OpOneSpelling
	case e.Op == sem.OpColumn || e.Op == sem.OpNull || e.Op == sem.OpGrouping || isLiteral(e):
		return true
	}
	restless := func(a *sem.Expr) bool { return !calm(a) }
	return (harmless[e.Op] || strict[e.Op] && null(e)) && e.Query == nil && len(e.Args) > 0 && !slices.ContainsFunc(e.Args, restless)
}
