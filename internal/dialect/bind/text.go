package bind

import (
	"strconv"

	"github.com/hindcast/hindcast/internal/dialect/lex"
	"github.com/hindcast/hindcast/internal/dialect/sem"
)

func texts() map[string]function {
	return map[string]function{
		"upper": {least: 1, most: 1, bind: casing(sem.OpUpper)}, "lower": {least: 1, most: 1, bind: casing(sem.OpLower)},
		"length": {least: 1, most: 1, bind: length}, "char_length": {least: 1, most: 1, bind: length}, "character_length": {least: 1, most: 1, bind: length},
		"len":       {least: 1, most: 1, who: onlyRedshift, bind: length},
		"concat":    {least: 1, most: 100, bind: concat},
		"substring": {least: 2, most: 3, bind: substring}, "substr": {least: 2, most: 3, bind: substring},
		"btrim": {least: 1, most: 2, bind: trim("both")}, "ltrim": {least: 1, most: 2, bind: trim("leading")}, "rtrim": {least: 1, most: 2, bind: trim("trailing")},
		"strpos": {least: 2, most: 2, bind: position}, "charindex": {least: 2, most: 2, who: onlyRedshift, bind: charIndex},
		"replace": {least: 3, most: 3, bind: replace},
		"left":    {least: 2, most: 2, bind: ending(sem.OpLeft)}, "right": {least: 2, most: 2, bind: ending(sem.OpRight)},
		"split_part": {least: 3, most: 3, bind: splitPart},
		"repeat":     {least: 2, most: 2, bind: repeat},
		"reverse":    {least: 1, most: 1, bind: simpleText(sem.OpReverse)},
		"lpad":       {least: 2, most: 3, bind: pad(sem.OpPadLeft)}, "rpad": {least: 2, most: 3, bind: pad(sem.OpPadRight)},
		"md5": {least: 1, most: 1, bind: simpleText(sem.OpMD5)},
	}
}

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
		if b.Redshift && a.Type.Kind == sem.Char && c.x.Name != "len" && c.x.Name != "upper" && c.x.Name != "lower" && c.x.Name != "btrim" && c.x.Name != "rtrim" {
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
		if a.Type.Kind == sem.Bool {
			return b.refuse(sem.NotKnown, a.At, "cast it as text", "concat writes a boolean as t or f")
		}
		if a.Type.Kind == sem.Char {
			return b.refuse(sem.NotKnown, a.At, "cast it as text", "concat keeps the padding of a character(n), which is not carried")
		}
		if c.args[i] = b.asText(a); invalid(c.args[i]) {
			return &sem.Expr{At: c.x.At}
		}
	}

	return textResult(sem.OpConcatSkip, c)
}

// integer is an argument that counts something.
func (b *binder) integer(e *sem.Expr) (*sem.Expr, bool) {
	if e.Type.Kind == sem.Unknown {
		e = b.literal(e, sem.Of(sem.Int4))
	}
	switch {
	case invalid(e):
		return e, false
	case e.Type.Kind != sem.Int4 && e.Type.Kind != sem.Int2:
		b.refuse(sem.Mismatch, e.At, "cast it as integer", "this is %s, and an integer is read here", e.Type)
		return e, false
	}
	return b.coerce(e, sem.Of(sem.Int4)), true
}

// written is the value of an argument that is a whole number as it is written, from least on.
func (b *binder) written(e *sem.Expr, least int) (int, bool) {
	n, err := strconv.Atoi(e.Text)
	if e.Op != sem.OpInt || err != nil || n < least {
		b.refuse(sem.NotKnown, e.At, "write a number from "+strconv.Itoa(least)+" on", "only such a number is read here")
		return 0, false
	}
	return n, true
}

func substring(b *binder, c *call) *sem.Expr {
	if !b.asTexts(c, 0) {
		return &sem.Expr{At: c.x.At}
	}
	for i := range c.args[1:] {
		if c.args[i+1].Type.Kind == sem.Unknown || c.args[i+1].Type.IsText() {
			return b.refuse(sem.NotKnown, c.x.At, "", "substring by a pattern is not read")
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
			blank := made(sem.OpText, sem.Of(sem.Text), unsaid(c))
			blank.Text, blank.Facts = " ", factsOf(" ")
			c.args = append(c.args, blank)
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

func replace(b *binder, c *call) *sem.Expr {
	if !b.asTexts(c, 0, 1, 2) {
		return &sem.Expr{At: c.x.At}
	}
	if c.args[1].Op != sem.OpText || c.args[1].Text == "" {
		return b.refuse(sem.NotKnown, c.args[1].At, "write the text", "only a written text that is not empty is read here")
	}
	e := textResult(sem.OpReplace, c)
	e.ASCII = c.args[0].ASCII && c.args[2].ASCII

	return e
}

// ending is LEFT or RIGHT.
func ending(op sem.Op) func(*binder, *call) *sem.Expr {
	return func(b *binder, c *call) *sem.Expr {
		if !b.asTexts(c, 0) {
			return &sem.Expr{At: c.x.At}
		}
		n, ok := b.written(c.args[1], 0)
		if !ok {
			return &sem.Expr{At: c.x.At}
		}
		e := textResult(op, c)
		e.N = n
		e.Facts = sem.Facts{ASCII: c.args[0].ASCII, NoBlanks: op == sem.OpRight && c.args[0].NoBlanks}
		return e
	}
}

func splitPart(b *binder, c *call) *sem.Expr {
	if !b.asTexts(c, 0, 1) {
		return &sem.Expr{At: c.x.At}
	}
	if c.args[1].Op != sem.OpText || c.args[1].Text == "" {
		return b.refuse(sem.NotKnown, c.args[1].At, "write the text", "only a written text that is not empty is read here")
	}
	if _, ok := b.written(c.args[2], 1); !ok {
		return &sem.Expr{At: c.x.At}
	}
	e := textResult(sem.OpSplitPart, c)
	e.ASCII = c.args[0].ASCII

	return e
}

func repeat(b *binder, c *call) *sem.Expr {
	if !b.asTexts(c, 0) {
		return &sem.Expr{At: c.x.At}
	}
	if _, ok := b.written(c.args[1], 0); !ok {
		return &sem.Expr{At: c.x.At}
	}
	return textResult(sem.OpRepeat, c)
}

func pad(op sem.Op) func(*binder, *call) *sem.Expr {
	return func(b *binder, c *call) *sem.Expr {
		if !b.asTexts(c, 0, 2) {
			return &sem.Expr{At: c.x.At}
		}
		n, ok := b.written(c.args[1], 0)
		if !ok {
			return &sem.Expr{At: c.x.At}
		}
		fill := " "
		if len(c.args) == 3 {
			if fill = c.args[2].Text; c.args[2].Op != sem.OpText || fill == "" {
				return b.refuse(sem.NotKnown, c.args[2].At, "write the text", "only a written text that is not empty is read here")
			}
		}
		at := unsaid(c)
		if len(c.args) == 3 {
			at = c.args[2].At
		}
		with := made(sem.OpText, sem.Of(sem.Text), at)
		with.Text, with.Facts = fill, factsOf(fill)
		e := rewritten(op, sem.Of(sem.Text), c.x, c.args[0], with)
		e.N, e.ASCII = n, c.args[0].ASCII && with.ASCII
		return e
	}
}
