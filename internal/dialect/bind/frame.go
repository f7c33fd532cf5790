package bind

import (
	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/lex"
	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// base begins a window with another one's; not ok if there is none.
func (b *binder) base(x *ast.Window, w *sem.Window, s *scope) bool {
	of := s.window(x.Base.Text)
	switch {
	case of == nil:
		b.refuse(sem.Syntax, x.Base.At, "", "there is no window %s", x.Base.Text)
		return false
	case len(x.Partition) > 0 || len(x.Order) > 0 && of.Ordered:
		b.refuse(sem.Mismatch, x.At, "write the window in full", "the window %s says this already", x.Base.Text)
		return false
	case of.Frame != "":
		b.refuse(sem.NotKnown, x.At, "write OVER "+x.Base.Text+" without parentheses", "a window with a frame cannot begin another one")
		return false
	}
	w.Ordered = of.Ordered
	w.Slots = append(w.Slots, sem.Slot{Kind: sem.SlotName, At: x.Base.At, Text: x.Base.Text, Quoted: x.Base.Quoted})
	if len(x.Order) > 0 || x.Frame != nil {
		w.Slots = append(w.Slots, sem.Slot{Kind: sem.SlotEngine, At: x.Base.At, Text: "base window"})
	}

	return true
}

// frame binds a window's frame; w has the window's keys already.
func (b *binder) frame(x *ast.Window, w *sem.Window, s *scope) {
	f := x.Frame
	w.Frame = f.Mode
	if f.Mode == "groups" {
		b.engineFrame(x, w, "groups", "Redshift does not have GROUPS")
	}
	if f.Exclude.End > 0 {
		b.engineFrame(x, w, "exclude", "Redshift does not have EXCLUDE")
	}
	away := false
	for _, bound := range []ast.Bound{f.Start, f.End} {
		switch {
		case bound.Offset == nil:
		case f.Mode == "range":
			away = true
			b.distance(x, bound.Offset, w, s)
		default:
			b.wholeNumber(bound.Offset)
		}
	}
	if away {
		b.engineFrame(x, w, "distance", "Redshift does not have RANGE with a distance")
		b.roomForDistance(x, w)
	}
}

// engineFrame notes a part of a frame that not every engine has, and that Redshift does not have.
func (b *binder) engineFrame(x *ast.Window, w *sem.Window, what, redshift string) {
	start := x.Frame.At.Start
	w.Slots = append(w.Slots, sem.Slot{Kind: sem.SlotEngine, At: lex.Span{Start: start, End: start + len(x.Frame.Mode)}, Text: what})
	if b.Redshift {
		b.refuse(sem.Mismatch, x.Frame.At, "", "%s", redshift)
	}
}

// distance binds how far a frame of RANGE reaches: a number for an exact key, an interval for a date or timestamp.
func (b *binder) distance(x *ast.Window, offset ast.Expr, w *sem.Window, s *scope) {
	if w.Key == nil || invalid(w.Key) {
		return // roomForDistance refuses it
	}
	t := w.Key.Type
	switch o := offset.(type) {
	case *ast.Number:
		if t.IsInt() && o.Integer || t.Kind == sem.Numeric {
			e := b.expr(offset, s)
			w.Slots = append(w.Slots, sem.Slot{Kind: sem.SlotExpr, At: e.At, Expr: e})
			return
		}
	case *ast.Interval:
		e := b.interval(o)
		if invalid(e) {
			return
		}
		if !t.IsTime() || e.Months < 0 || e.Days < 0 || e.Micros < 0 {
			break
		}
		if t.Kind == sem.TimestampTZ {
			b.zoned(o.At)
		}
		w.Slots = append(w.Slots, sem.Slot{Kind: sem.SlotExpr, At: e.At, Expr: distanceOf(e)})
		return
	}
	b.refuse(sem.NotKnown, offset.Span(), "write a number for exact numbers, an INTERVAL for dates and timestamps", "this distance is not read for an order by %s", t)
}

// distanceOf is an interval by itself, as a frame has it.
func distanceOf(e *sem.Expr) *sem.Expr {
	out := made(sem.OpDistance, e.Type, e.At)
	out.Months, out.Days, out.Micros = e.Months, e.Days, e.Micros
	return out
}

// roomForDistance widens the window's one key, so that a distance from an extreme does not overflow.
func (b *binder) roomForDistance(x *ast.Window, w *sem.Window) {
	key := w.Key
	if len(x.Order) != 1 || key == nil {
		b.refuse(sem.Mismatch, x.At, "write one key", "RANGE with a distance needs an order by one key")
		return
	}
	inner := *key
	switch t := key.Type; {
	case invalid(key):
	case t.Kind == sem.Int2 || t.Kind == sem.Int4:
		*key = *made(sem.OpIntToInt, sem.Of(sem.Int8), key.At, &inner)
	case t.Kind == sem.Int8:
		*key = *made(sem.OpToDecimal, sem.Decimal(sem.Most, 0), key.At, &inner)
	case t.Kind == sem.Numeric && t.P-t.S < sem.Most-t.S-1:
		*key = *made(sem.OpToDecimal, sem.Decimal(sem.Most, t.S), key.At, &inner)
	case t.Kind == sem.Numeric:
		b.refuse(sem.NotOnEngine, key.At, "cast it as a decimal of fewer digits", "%s and a distance have more digits than an engine holds", t)
	}
	key.Why = "a distance from it might overflow"
}
