package bind

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/lex"
	"github.com/hindcast/hindcast/internal/dialect/regex"
	"github.com/hindcast/hindcast/internal/dialect/sem"
)

func patterns() map[string]function {
	return map[string]function{
		"regexp_replace": {least: 2, most: 5, bind: matchReplace},
		"regexp_substr":  {least: 2, most: 6, bind: matchFound},
		"regexp_count":   {least: 2, most: 4, bind: matchCount},
		"regexp_instr":   {least: 2, most: 2, bind: matchPlace},
		"regexp_like":    {least: 2, most: 3, who: onlyPostgres, bind: matchLike},
	}
}

// matching is a pattern that has been read, and where it stands.
type matching struct {
	*regex.Pattern
	at   lex.Span
	text *sem.Expr // what it is looked for in
}

// unmatched says why a pattern is refused.
func (b *binder) unmatched(e *sem.Expr, bad *regex.Error) {
	b.unread(e, &wrong{bad.From, bad.To, bad.Why}, "write it of characters, brackets, groups, branches and counts")
}

// match reads a pattern, and guards the text where the database's locale decides what it means.
func (b *binder) match(x, pattern *sem.Expr, flags string) (m matching, ok bool) {
	text, ok := b.pattern(pattern)
	if !ok {
		return m, false
	}
	read, bad := regex.Posix(text, regex.Options{Fold: strings.Contains(flags, "i"), Plain: b.Redshift})
	if bad != nil {
		b.unmatched(pattern, bad)
		return m, false
	}
	b.matched(x.Type, x.At)
	return matching{read, pattern.At, b.classed(x, read)}, true
}

// classed is a text in which a pattern is looked for. Where that names a class of characters and the collation is not C, only the locale says
// which characters beyond ASCII's are in it: a text that has some raises.
func (b *binder) classed(x *sem.Expr, p *regex.Pattern) *sem.Expr {
	if b.Redshift || b.Bytewise || !p.Classes || x.ASCII {
		return x
	}
	guard := made(sem.OpOnlyASCII, x.Type, x.At, x)
	guard.Facts = sem.Facts{ASCII: true, NoBlanks: x.NoBlanks}

	return guard
}

// matches is a regular expression's operator.
func (b *binder) matches(x *ast.Binary, l, r *sem.Expr) *sem.Expr {
	l, r = b.settled(l), b.settled(r)
	switch {
	case invalid(l, r):
		return &sem.Expr{At: x.At}
	case !l.Type.IsText() || !r.Type.IsText():
		return b.refuse(sem.Mismatch, x.At, "cast them as text", "%s matches texts, not %s and %s", x.Op, l.Type, r.Type)
	case l.Type.Kind == sem.Char:
		return b.refuse(sem.NotKnown, x.At, "cast it as text", "%s counts the padding of a character(n), which is not carried", x.Op)
	case b.Redshift && strings.HasSuffix(x.Op, "*"):
		return b.refuse(sem.Mismatch, x.At, "match lower() of the text", "Redshift does not have %s", x.Op)
	case r.Op == sem.OpNull:
		return rewritten(sem.OpNull, sem.Of(sem.Bool), x)
	}
	flags := ""
	if strings.HasSuffix(x.Op, "*") {
		flags = "i"
	}
	m, ok := b.match(l, r, flags)
	if !ok {
		return &sem.Expr{At: x.At}
	}
	e := rewritten(sem.OpMatches, sem.Of(sem.Bool), x, m.text)
	e.Text, e.Not = m.String(), strings.HasPrefix(x.Op, "!")

	return e
}

// likePattern is ILIKE or SIMILAR TO, which are matches of a whole text.
func (b *binder) likePattern(x *ast.Like, v, pattern *sem.Expr, escape string) *sem.Expr {
	word := strings.ToUpper(x.Word)
	switch {
	case pattern.Op == sem.OpNull:
		return rewritten(sem.OpNull, sem.Of(sem.Bool), x)
	case pattern.Op != sem.OpText:
		return b.refuse(sem.NotKnown, pattern.At, "write the pattern", "%s reads its pattern when the statement is read, and so it has to be written", word)
	case v.Type.Kind == sem.Char:
		return b.refuse(sem.NotKnown, x.At, "cast it as text", "%s counts the padding of a character(n), which is not carried", word)
	}
	r := rune(-1)
	if escape != "" {
		r, _ = utf8.DecodeRuneInString(escape)
	}
	var read *regex.Pattern
	var bad *regex.Error
	if x.Word == "ilike" {
		read, bad = regex.Like(pattern.Text, r, true)
	} else {
		read, bad = regex.Similar(pattern.Text, r)
	}
	if bad != nil {
		b.unmatched(pattern, bad)
		return &sem.Expr{At: x.At}
	}
	b.matched(v.Type, v.At)
	e := rewritten(sem.OpMatches, sem.Of(sem.Bool), x, b.classed(v, read))
	e.Text, e.Not = read.Whole(), x.Not

	return e
}

// looked are the text and the pattern of a function; same says that where its matches are matters, groups that what their groups match does.
func (b *binder) looked(c *call, flags string, same, groups bool) (matching, bool) {
	for _, i := range []int{0, 1} {
		c.args[i] = b.settled(c.args[i])
	}
	if !b.asTexts(c, 0, 1) {
		return matching{}, false
	}
	m, ok := b.match(c.args[0], c.args[1], flags)
	if !ok || !same {
		return m, ok
	}
	if why := m.Same(groups); why != "" {
		b.refuse(sem.NotOnEngine, m.at, "let what is counted end where something else begins, such as [^,]*, and put ^ or $ at an end", "%s", why)
		return m, false
	}
	return m, true
}

// said are a function's arguments from a place on: a position, an occurrence and flags, as far as they are there.
type said struct {
	from, nth int
	flags     string
}

func (b *binder) said(c *call, at int) (s said, ok bool) {
	s = said{from: 1, nth: 1}
	for i := at; i < len(c.args); i++ {
		switch e := c.args[i]; {
		case e.Op == sem.OpText && i == len(c.args)-1 && i < at+3:
			s.flags = e.Text
			if strings.Trim(e.Text, "cgi") != "" || strings.Contains(e.Text, "c") && strings.Contains(e.Text, "i") {
				b.refuse(sem.NotKnown, e.At, "write i or nothing", "other options are not read")
				return s, false
			}
		case i == at:
			if s.from, ok = b.written(e, 1); !ok {
				return s, false
			}
		case i == at+1:
			if s.nth, ok = b.written(e, 1); !ok {
				return s, false
			}
		default:
			b.refuse(sem.NotKnown, e.At, "leave it out", "this argument is not read")
			return s, false
		}
	}
	return s, true
}

// found is a function of matches over a text from a position on.
func (m *matching) found(op sem.Op, t sem.Type, c *call, from int) *sem.Expr {
	x := m.text
	if from > 1 {
		x = made(sem.OpSubstring, sem.Of(sem.Text), x.At, x, number(from, x.At))
	}
	e := rewritten(op, t, c.x, x)
	e.Text = m.String()
	e.Form = &sem.Form{Match: sem.Match{Start: m.Start(), End: m.End(), Nth: 1}}

	return e
}

// number is a whole number that is not written.
func number(n int, at lex.Span) *sem.Expr {
	e := made(sem.OpInt, sem.Of(sem.Int4), at)
	e.Text = strconv.Itoa(n)
	return e
}

// quoted is a text that is not written.
func quoted(text string, at lex.Span) *sem.Expr {
	e := made(sem.OpText, sem.Of(sem.Text), at)
	e.Text, e.Facts = text, factsOf(text)
	return e
}

// matchReplace is REGEXP_REPLACE: of the first match in PostgreSQL unless g is said, of each in Redshift.
func matchReplace(b *binder, c *call) *sem.Expr {
	if !b.Redshift && len(c.args) == 4 && c.args[3].Op != sem.OpText || !b.Redshift && len(c.args) != 3 && len(c.args) != 4 {
		return b.refuse(sem.NotKnown, c.x.At, "write regexp_replace(text, pattern, replacement, 'g')", "a position in regexp_replace is not read")
	}
	with, ok := "", true
	if len(c.args) > 2 {
		with, ok = b.pattern(c.args[2])
	}
	s, fine := b.said(c, 3)
	if !ok || !fine {
		return &sem.Expr{At: c.x.At}
	}
	pieces, groups := pieces(with)
	if b.Redshift && strings.ContainsAny(with, `$\`) {
		return b.refuse(sem.NotDecidable, c.args[2].At, "leave $ and backslashes out", "what $ means in a replacement is not documented clearly")
	}
	m, ok := b.looked(c, s.flags, true, groups > 0)
	if !ok {
		return &sem.Expr{At: c.x.At}
	}
	each := b.Redshift || strings.Contains(s.flags, "g")
	switch {
	case groups > m.Groups():
		return b.refuse(sem.Mismatch, c.args[2].At, "put what is to be kept in parentheses", "the pattern has %d groups", m.Groups())
	case each && m.Empty() && (!m.Start() || s.from > 1):
		return b.refuse(sem.NotOnEngine, m.at, "count with + rather than *", "the pattern matches the empty text, of which engines do not replace the same ones")
	case s.from > 1 && m.Start():
		return b.refuse(sem.NotKnown, m.at, "leave ^ out", "^ and a position are not read together")
	}
	e := m.found(sem.OpMatchReplace, sem.Of(sem.Text), c, s.from)
	e.Form.Match.Each, e.Form.Match.With = each, pieces
	if groups > 0 {
		e.Text = m.Grouped()
	}
	if s.from == 1 {
		return e
	}
	left := made(sem.OpLeft, sem.Of(sem.Text), m.text.At, m.text)
	left.N = s.from - 1
	e.Made = true

	return rewritten(sem.OpConcat, sem.Of(sem.Text), c.x, left, e)
}

// pieces are the parts of a replacement, and the number of the highest group in it.
func pieces(with string) (all []sem.Piece, groups int) {
	text := ""
	add := func(group int) {
		if text != "" {
			all = append(all, sem.Piece{Text: text})
			text = ""
		}
		if group >= 0 {
			all = append(all, sem.Piece{Group: group, Found: true})
			groups = max(groups, group)
		}
	}
	for i := 0; i < len(with); i++ {
		if with[i] != '\\' || i+1 == len(with) {
			text += with[i : i+1]
			continue
		}
		switch c := with[i+1]; {
		case c == '&':
			add(0)
		case c >= '1' && c <= '9':
			add(int(c - '0'))
		case c == '\\':
			text += `\`
		default:
			text += with[i : i+2]
		}
		i++
	}
	add(-1)

	return all, groups
}

// matchFound is REGEXP_SUBSTR, which gives NULL without a match, and in Redshift the empty text.
func matchFound(b *binder, c *call) *sem.Expr {
	s, ok := b.said(c, 2)
	if !ok {
		return &sem.Expr{At: c.x.At}
	}
	return b.found(c, s, false)
}

// found is a match in a text, or the first group of it.
func (b *binder) found(c *call, s said, groups bool) *sem.Expr {
	m, ok := b.looked(c, s.flags, true, groups)
	if !ok {
		return &sem.Expr{At: c.x.At}
	}
	if (s.from > 1 || s.nth > 1) && (m.Start() || m.End() || m.Empty()) {
		return b.refuse(sem.NotKnown, m.at, "look for a part that is not empty, without ^ and $", "^, $ and matches of the empty text are not read with a position or an occurrence")
	}
	e := m.found(sem.OpMatchFound, sem.Of(sem.Text), c, s.from)
	e.ASCII = m.text.ASCII
	e.Form.Match.Nth, e.Form.Match.Blank = s.nth, b.Redshift
	if groups && m.Groups() > 0 {
		e.Text, e.Form.Match.Group = m.Grouped(), 1
	}

	return e
}

// matchCount is REGEXP_COUNT.
func matchCount(b *binder, c *call) *sem.Expr {
	s, ok := b.said(c, 2)
	if !ok {
		return &sem.Expr{At: c.x.At}
	}
	m, ok := b.looked(c, s.flags, true, false)
	switch {
	case !ok:
		return &sem.Expr{At: c.x.At}
	case m.Empty():
		return b.refuse(sem.NotOnEngine, m.at, "count with + rather than *", "the pattern matches the empty text, of which engines do not count the same ones")
	case s.from > 1 && m.Start():
		return b.refuse(sem.NotKnown, m.at, "leave ^ out", "^ and a position are not read together")
	}
	return m.found(sem.OpMatchCount, sem.Of(sem.Int4), c, s.from)
}

// matchPlace is REGEXP_INSTR.
func matchPlace(b *binder, c *call) *sem.Expr {
	m, ok := b.looked(c, "", true, false)
	if !ok {
		return &sem.Expr{At: c.x.At}
	}
	return m.found(sem.OpMatchPlace, sem.Of(sem.Int4), c, 1)
}

// matchLike is PostgreSQL's REGEXP_LIKE.
func matchLike(b *binder, c *call) *sem.Expr {
	flags := ""
	if len(c.args) == 3 {
		s, ok := b.said(c, 2)
		if flags = s.flags; !ok || strings.Contains(flags, "g") || c.args[2].Op != sem.OpText {
			return b.refuse(sem.NotKnown, c.x.At, "write i or nothing", "other options are not read")
		}
	}
	m, ok := b.looked(c, flags, false, false)
	if !ok {
		return &sem.Expr{At: c.x.At}
	}
	return m.found(sem.OpMatches, sem.Of(sem.Bool), c, 1)
}
