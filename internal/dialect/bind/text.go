package bind

import (
	"strconv"
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/lex"
	"github.com/hindcast/hindcast/internal/dialect/sem"
)

func texts() map[string]function {
	return map[string]function{
		"starts_with": {least: 2, most: 2, who: onlyPostgres, bind: startsWith}, "upper": {least: 1, most: 1, bind: casing(sem.OpUpper)}, "lower": {least: 1, most: 1, bind: casing(sem.OpLower)},
		"length": {least: 1, most: 1, bind: length}, "char_length": {least: 1, most: 1, bind: length}, "character_length": {least: 1, most: 1, bind: length},
		"len":       {least: 1, most: 1, who: onlyRedshift, bind: length},
		"textlen":   {least: 1, most: 1, who: onlyRedshift, bind: length},
		"concat":    {least: 1, most: 100, bind: concat},
		"substring": {least: 2, most: 3, bind: substring}, "substr": {least: 2, most: 3, bind: substring},
		"btrim": {least: 1, most: 2, bind: trim("both")}, "ltrim": {least: 1, most: 2, bind: trim("leading")}, "rtrim": {least: 1, most: 2, bind: trim("trailing")},
		"strpos": {least: 2, most: 2, bind: position}, "position": {least: 2, most: 2, bind: position}, "charindex": {least: 2, most: 2, who: onlyRedshift, bind: charIndex},
		"replace": {least: 3, most: 3, bind: replace},
		"left":    {least: 2, most: 2, bind: ending(sem.OpLeft)}, "right": {least: 2, most: 2, bind: ending(sem.OpRight)},
		"split_part": {least: 3, most: 3, bind: splitPart},
		"repeat":     {least: 2, most: 2, bind: repeat},
		"reverse":    {least: 1, most: 1, bind: simpleText(sem.OpReverse)},
		"lpad":       {least: 2, most: 3, bind: pad(sem.OpPadLeft)}, "rpad": {least: 2, most: 3, bind: pad(sem.OpPadRight)},
		"md5": {least: 1, most: 1, bind: simpleText(sem.OpMD5)},
	}
}

// blankless are Redshift's functions that do not count the trailing blanks of a CHAR.
var blankless = map[string]bool{"len": true, "length": true, "char_length": true, "character_length": true, "textlen": true, "upper": true, "lower": true, "btrim": true, "rtrim": true}

// asTexts converts arguments that are literals, and refuses what is not a text.
func (b *binder) asTexts(c *call, which ...int) bool {
	for _, i := range which {
		if i >= len(c.args) {
			continue
		}
		a := b.settled(c.args[i])
		if !a.Type.IsText() {
			b.refuse(sem.Mismatch, a.At, "cast it as text", "this is %s, and a text is read here", a.Type)
			return false
		}
		if b.Redshift && a.Type.Kind == sem.Char && !blankless[c.x.Name] {
			b.refuse(sem.NotDecidable, a.At, "write rtrim() around it", "whether Redshift counts the trailing blanks of a CHAR here is not documented")
			return false
		}
		c.args[i] = a
	}
	if len(which) > 1 && len(c.args) > 1 && c.x.Name != "concat" { // one is looked for in the other
		b.matched(c.args[0].Type, c.args[0].At)
	}

	return true
}

func textResult(op sem.Op, c *call) *sem.Expr {
	return rewritten(op, sem.Of(sem.Text), c.x, c.args...)
}

func simpleText(op sem.Op) func(*binder, *call) *sem.Expr {
	return func(b *binder, c *call) *sem.Expr {
		if !b.asTexts(c, 0) {
			return &sem.Expr{At: c.x.At}
		}
		e := textResult(op, c)
		e.ASCII = op == sem.OpMD5 || c.args[0].ASCII
		e.NoBlanks = op == sem.OpMD5
		return e
	}
}

func casing(op sem.Op) func(*binder, *call) *sem.Expr {
	return func(b *binder, c *call) *sem.Expr {
		if !b.asTexts(c, 0) {
			return &sem.Expr{At: c.x.At}
		}
		e := read(op, sem.Of(sem.Text), c.x, c.args...)
		e.Facts = sem.Facts{ASCII: true, NoBlanks: c.args[0].NoBlanks}
		e.Made = !c.args[0].ASCII
		return e
	}
}

// startsWith is the function and the operator ^@.
func startsWith(b *binder, c *call) *sem.Expr {
	if !b.asTexts(c, 0, 1) {
		return &sem.Expr{At: c.x.At}
	}
	return rewritten(sem.OpStartsWith, sem.Of(sem.Bool), c.x, c.args...)
}

func length(b *binder, c *call) *sem.Expr {
	if !b.asTexts(c, 0) {
		return &sem.Expr{At: c.x.At}
	}
	return rewritten(sem.OpLength, sem.Of(sem.Int4), c.x, c.args...)
}

// concat is the function, which leaves NULLs out in PostgreSQL and not in Redshift.
func concat(b *binder, c *call) *sem.Expr {
	if b.Redshift {
		if len(c.args) != 2 || !b.asTexts(c, 0, 1) {
			return b.refuse(sem.Mismatch, c.x.At, "write ||", "Redshift's concat joins two texts")
		}
		return rewritten(sem.OpConcat, sem.Of(sem.Text), c.x, c.args...)
	}
	for i, a := range c.args {
		if c.args[i] = b.spelled(a); invalid(c.args[i]) {
			return &sem.Expr{At: c.x.At}
		}
	}

	return textResult(sem.OpConcatSkip, c)
}

// integer is an argument that counts something.
func (b *binder) integer(e *sem.Expr) (*sem.Expr, bool) {
	e, ok := b.narrow(e)
	if !ok {
		return e, false
	}
	return b.coerce(e, sem.Of(sem.Int4)), true
}

// written is the value of an argument that is an integer as it is written, from least on. The source has no such functions of bigint.
func (b *binder) written(e *sem.Expr, least int) (int, bool) {
	n, err := strconv.ParseInt(e.Text, 10, 32)
	if e.Op != sem.OpInt || err != nil || int(n) < least {
		b.refuse(sem.NotKnown, e.At, "write the number", "only a written number from %d on is read here", least)
		return 0, false
	}
	return int(n), true
}

func substring(b *binder, c *call) *sem.Expr {
	if !b.asTexts(c, 0) {
		return &sem.Expr{At: c.x.At}
	}
	for i := range c.args[1:] {
		if c.args[i+1].Type.Kind == sem.Unknown || c.args[i+1].Type.IsText() {
			return b.patterned(c)
		}
		var ok bool
		if c.args[i+1], ok = b.integer(c.args[i+1]); !ok {
			return &sem.Expr{At: c.x.At}
		}
	}
	e := textResult(sem.OpSubstring, c)
	e.ASCII = c.args[0].ASCII

	return e
}

// unsaid is the place of an argument that is left out: before the last parenthesis.
func unsaid(c *call) lex.Span { return lex.Span{Start: c.x.At.End - 1, End: c.x.At.End - 1} }

func trim(side string) func(*binder, *call) *sem.Expr {
	return func(b *binder, c *call) *sem.Expr {
		if !b.asTexts(c, 0, 1) {
			return &sem.Expr{At: c.x.At}
		}
		if len(c.args) == 1 {
			c.args = append(c.args, quoted(" ", unsaid(c)))
		}
		e := textResult(sem.OpTrim, c)
		e.Text = side
		set := c.args[1]
		e.Facts = sem.Facts{ASCII: c.args[0].ASCII, NoBlanks: side != "leading" && set.Op == sem.OpText && set.Text == " " || side == "leading" && c.args[0].NoBlanks}
		return e
	}
}

func position(b *binder, c *call) *sem.Expr {
	if !b.asTexts(c, 0, 1) {
		return &sem.Expr{At: c.x.At}
	}
	return rewritten(sem.OpPosition, sem.Of(sem.Int4), c.x, c.args...)
}

func charIndex(b *binder, c *call) *sem.Expr {
	c.args[0], c.args[1] = c.args[1], c.args[0]
	return position(b, c)
}

// sought reports whether a text is read as one to look for: in Redshift only one that is written and not empty. It refuses any other.
func (b *binder) sought(e *sem.Expr) bool {
	if b.Redshift && (e.Op != sem.OpText || e.Text == "") {
		b.refuse(sem.NotKnown, e.At, "write the text", "only a written text that is not empty is read here")
		return false
	}
	return true
}

func replace(b *binder, c *call) *sem.Expr {
	if !b.asTexts(c, 0, 1, 2) {
		return &sem.Expr{At: c.x.At}
	}
	if !b.sought(c.args[1]) {
		return &sem.Expr{At: c.x.At}
	}
	e := textResult(sem.OpReplace, c)
	e.ASCII = c.args[0].ASCII && c.args[2].ASCII

	return e
}

// ending is LEFT or RIGHT: without so many characters if the number is below zero, which Redshift does not say.
func ending(op sem.Op) func(*binder, *call) *sem.Expr {
	return func(b *binder, c *call) *sem.Expr {
		n, ok := b.integer(c.args[1])
		if !b.asTexts(c, 0) || !ok {
			return &sem.Expr{At: c.x.At}
		}
		c.args[1] = n
		if n.Op == sem.OpInt && strings.HasPrefix(n.Text, "-") && b.Redshift {
			return b.refuse(sem.NotDecidable, n.At, "write a number from 0 on", "what Redshift does with a number below zero is not documented")
		}
		e := textResult(op, c)
		e.N = noLength
		if count, err := strconv.Atoi(n.Text); n.Op == sem.OpInt && err == nil && count >= 0 {
			e.N, e.Args = count, c.args[:1]
		}
		e.Not = b.Redshift
		e.Facts = sem.Facts{ASCII: c.args[0].ASCII, NoBlanks: op == sem.OpRight && c.args[0].NoBlanks}
		return e
	}
}

// noLength is the N of OpLeft and OpRight whose length is their second argument. Not says that one below zero raises.
const noLength = -1

// splitPart is SPLIT_PART, from the end if the number is below zero in PostgreSQL.
func splitPart(b *binder, c *call) *sem.Expr {
	if !b.asTexts(c, 0, 1) {
		return &sem.Expr{At: c.x.At}
	}
	if !b.sought(c.args[1]) {
		return &sem.Expr{At: c.x.At}
	}
	n, ok := b.integer(c.args[2])
	if b.Redshift && ok {
		_, ok = b.written(n, 1)
	}
	if !ok {
		return &sem.Expr{At: c.x.At}
	}
	c.args[2] = n
	e := textResult(sem.OpSplitPart, c)
	e.ASCII = c.args[0].ASCII

	return e
}

// count is an argument that says how long or how often: in PostgreSQL any integer, in Redshift one that is written.
func (b *binder) count(c *call, i int) bool {
	n, ok := b.integer(c.args[i])
	if b.Redshift && ok {
		_, ok = b.written(n, 0)
	}
	c.args[i] = n
	return ok
}

func repeat(b *binder, c *call) *sem.Expr {
	if !b.asTexts(c, 0) || !b.count(c, 1) {
		return &sem.Expr{At: c.x.At}
	}
	return textResult(sem.OpRepeat, c)
}

// pad is LPAD or RPAD; what is filled with nothing is cut.
func pad(op sem.Op) func(*binder, *call) *sem.Expr {
	return func(b *binder, c *call) *sem.Expr {
		if !b.asTexts(c, 0, 2) || !b.count(c, 1) {
			return &sem.Expr{At: c.x.At}
		}
		at := unsaid(c)
		fill := " "
		if len(c.args) == 3 {
			at = c.args[2].At
			if fill = c.args[2].Text; c.args[2].Op != sem.OpText || b.Redshift && fill == "" {
				return b.refuse(sem.NotKnown, at, "write the text", "only a written text that is not empty is read here")
			}
		}
		with := quoted(fill, at)
		e := rewritten(op, sem.Of(sem.Text), c.x, c.args[0], c.args[1], with)
		e.ASCII = c.args[0].ASCII && with.ASCII
		return e
	}
}
