package bind

import (
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// number binds a number, with a sign that stood before it.
func (b *binder) number(x ast.Expr, text, sign string) *sem.Expr {
	e := read(sem.OpInt, sem.Of(sem.Numeric), x)
	e.Made = x.Span().Start == x.Span().End // it stands for what is not written
	integer := strings.IndexFunc(text, func(r rune) bool { return r < '0' || r > '9' }) < 0
	if integer {
		e.Text = sign + trimZeros(text)
		if n, err := strconv.ParseInt(e.Text, 10, 64); err == nil {
			e.Type = sem.Of(sem.Int8)
			if int64(int32(n)) == n {
				e.Type = sem.Of(sem.Int4)
			}
			e.Made = e.Made || n == math.MinInt32 || n == math.MinInt64 // engines negate what does not fit
			return e
		}
	}

	plain, ok := unscaled(text)
	if !ok {
		return b.refuse(sem.NotOnEngine, x.Span(), "", "engines hold decimals of up to 38 digits")
	}
	whole, fraction, _ := strings.Cut(plain, ".")
	e.Op, e.Text = sem.OpDecimal, sign+plain
	e.Type = sem.Decimal(max(len(strings.TrimLeft(whole, "0"))+len(fraction), 1), len(fraction))
	e.Made = e.Made || plain != text

	return e
}

func trimZeros(digits string) string {
	if t := strings.TrimLeft(digits, "0"); t != "" {
		return t
	}
	return "0"
}

// unscaled writes a number of PostgreSQL without an exponent; not ok if it has too many digits. All digits that are written count.
func unscaled(text string) (string, bool) {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(text), "e")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	shift, err := strconv.Atoi(strings.TrimPrefix(exponent, "+"))
	if exponent != "" && (err != nil || shift > sem.Most || shift < -sem.Most) {
		return "", false
	}
	digits := whole + fraction
	point := len(whole) + shift
	if point < 0 {
		digits, point = strings.Repeat("0", -point)+digits, 0
	}
	if point > len(digits) {
		digits += strings.Repeat("0", point-len(digits))
	}
	whole, fraction = trimZeros(digits[:point]), digits[point:]
	if len(whole)+len(fraction) > sem.Most || len(fraction) >= sem.Most {
		return "", false
	}
	if fraction == "" {
		return whole, true
	}

	return whole + "." + fraction, true
}

// str binds a text.
func (b *binder) str(x *ast.String) *sem.Expr {
	if b.Redshift && x.Form == '\'' && strings.Contains(x.Value, `\`) {
		return b.refuse(sem.NotDecidable, x.At, "write chr(92) for the backslash", "whether a backslash in a text stands for itself in Redshift is a matter of settings")
	}
	e := read(sem.OpText, sem.Of(sem.Unknown), x)
	e.Text, e.Facts = x.Value, factsOf(x.Value)
	e.Made = x.Form != '\''

	return e
}

func factsOf(text string) sem.Facts {
	f := sem.Facts{NoBlanks: !strings.HasSuffix(text, " "), ASCII: true}
	for i := range len(text) {
		f.ASCII = f.ASCII && text[i] < utf8.RuneSelf
	}
	return f
}

// literal gives a literal in quotes, or NULL, the type that its place asks for. A place does not ask for a length: only a cast cuts.
func (b *binder) literal(e *sem.Expr, t sem.Type) *sem.Expr {
	if t.IsText() {
		t.N = 0
	}
	out := b.typed(e, t)
	if out.Op == sem.OpDecimal && e.Op == sem.OpText { // which has the digits that are written, not those of the type
		_, fraction, _ := strings.Cut(strings.Trim(e.Text, blanks), ".")
		out.Loose = len(fraction) != t.S
	}

	return out
}

// unsized is the type that a literal in quotes, or NULL, takes from a value beside it: not the length, and digits enough for its own.
func (b *binder) unsized(t sem.Type, e *sem.Expr) sem.Type {
	if t.IsText() {
		t.N = 0
	}
	if t.Kind != sem.Numeric || t.P == 0 || e.Op != sem.OpText {
		return t
	}
	own := *e
	own.Type = sem.Of(sem.Numeric)
	if !decimalText(strings.Trim(e.Text, blanks), &own) {
		return t // literal refuses it
	}
	if own.Type.S > t.S && b.Redshift {
		b.refuse(sem.NotDecidable, e.At, "write the number without quotes", "whether Redshift rounds this text as %s is not documented", t)
		return t
	}
	t, _ = b.unify(t, own.Type)

	return t
}

// blanks are what may stand around a value that is written as a text.
const blanks = " \t\n\r\v\f"

// typed is a literal in quotes, or NULL, as a cast makes it.
func (b *binder) typed(e *sem.Expr, t sem.Type) *sem.Expr {
	out := *e
	out.Type = t
	if e.Op == sem.OpNull {
		out.Facts = sem.Facts{NoBlanks: true, ASCII: true}
		return &out
	}
	if t.IsText() {
		return b.textLiteral(&out)
	}

	out.Made, out.Facts = true, sem.Facts{}
	text := strings.Trim(e.Text, blanks)
	ok := false
	switch {
	case t.Kind == sem.Bool:
		out.Op = sem.OpBool
		out.Text, ok = boolText(text)
	case t.IsInt():
		out.Op = sem.OpInt
		out.Text, ok = intText(text, t.Kind)
	case t.Kind == sem.Numeric:
		out.Op = sem.OpDecimal
		ok = decimalText(text, &out)
	case t.Kind == sem.Float8:
		out.Op = sem.OpFloat
		out.Text, ok = floatText(text)
	case t.Kind == sem.Date:
		out.Op = sem.OpDate
		out.Text, ok = dateText(text)
	case t.Kind == sem.Timestamp:
		out.Op = sem.OpTimestamp
		out.Text, ok = timestampText(text)
	}
	if !ok {
		return b.refuse(sem.NotKnown, e.At, form(t), "%q is not read as %s", e.Text, t)
	}

	return &out
}

func (b *binder) textLiteral(e *sem.Expr) *sem.Expr {
	t := e.Type
	cut := e.Text
	if t.N > 0 && len(cut) > t.N {
		if b.Redshift && !e.ASCII {
			return b.refuse(sem.NotKnown, e.At, "write the text as it is to be", "the text is longer than %s", t)
		}
		if runes := []rune(cut); len(runes) > t.N {
			cut = string(runes[:t.N])
		}
	}
	if t.Kind == sem.Char {
		cut = strings.TrimRight(cut, " ")
	}
	if cut != e.Text {
		e.Text, e.Facts, e.Made = cut, factsOf(cut), true
	}

	return e
}

// form says how a literal of a type is written.
func form(t sem.Type) string {
	switch {
	case t.Kind == sem.Date:
		return "write it as YYYY-MM-DD"
	case t.Kind == sem.Timestamp || t.Kind == sem.TimestampTZ:
		return "write TIMESTAMP 'YYYY-MM-DD HH:MM:SS'"
	case t.IsNumber():
		return "write a number"
	}
	return ""
}

func boolText(text string) (string, bool) {
	switch strings.ToLower(text) {
	case "t", "tr", "tru", "true", "y", "ye", "yes", "on", "1":
		return "TRUE", true
	case "f", "fa", "fal", "fals", "false", "n", "no", "of", "off", "0":
		return "FALSE", true
	}
	return "", false
}

func floatText(text string) (string, bool) {
	text = strings.TrimPrefix(text, "+")
	switch strings.ToLower(text) {
	case "inf", "infinity":
		return "Infinity", true
	case "-inf", "-infinity":
		return "-Infinity", true
	case "nan":
		return "NaN", true
	}
	_, err := strconv.ParseFloat(text, 64)
	return text, err == nil && strings.IndexFunc(text, func(r rune) bool { return !strings.ContainsRune("0123456789+-.eE", r) }) < 0
}

func intText(text string, k sem.Kind) (string, bool) {
	bits := map[sem.Kind]int{sem.Int2: 16, sem.Int4: 32, sem.Int8: 64}[k]
	n, err := strconv.ParseInt(text, 10, bits)
	return strconv.FormatInt(n, 10), err == nil
}

var unsigned = regexp.MustCompile(`^([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$`)

// decimalText gives a decimal its text, rounded to the digits of its type as PostgreSQL rounds.
func decimalText(text string, e *sem.Expr) bool {
	sign := ""
	if rest, negative := strings.CutPrefix(text, "-"); negative {
		sign, text = "-", rest
	}
	text = strings.TrimPrefix(text, "+")
	if !unsigned.MatchString(text) {
		return false
	}
	plain, ok := unscaled(text)
	if !ok {
		return false
	}
	whole, fraction, _ := strings.Cut(plain, ".")
	if e.Type.P == 0 {
		e.Type = sem.Decimal(max(len(whole)+len(fraction), 1), len(fraction))
		e.Text = sign + plain
		return true
	}
	if len(fraction) > e.Type.S {
		whole, fraction = rounded(whole, fraction, e.Type.S)
	}
	fraction += strings.Repeat("0", e.Type.S-len(fraction))
	if len(trimZeros(whole)) > e.Type.P-e.Type.S && trimZeros(whole) != "0" {
		return false
	}
	e.Text = sign + whole
	if fraction != "" {
		e.Text += "." + fraction
	}

	return true
}

// rounded rounds a number half away from zero.
func rounded(whole, fraction string, s int) (w, f string) {
	up := fraction[s] >= '5'
	n, ok := new(big.Int).SetString(whole+fraction[:s], 10)
	if !ok {
		return whole, fraction[:s]
	}
	if up {
		n.Add(n, big.NewInt(1))
	}
	digits := n.String()
	if len(digits) <= s {
		digits = strings.Repeat("0", s+1-len(digits)) + digits
	}

	return digits[:len(digits)-s], digits[len(digits)-s:]
}

func dateText(text string) (string, bool) {
	d, err := time.Parse(time.DateOnly, text)
	if err != nil {
		var ok bool
		if text, ok = timestampText(text); !ok {
			return "", false
		}
		return text[:len(time.DateOnly)], true
	}
	return d.Format(time.DateOnly), d.Year() > 0
}

func timestampText(text string) (string, bool) {
	if strings.Contains(text, ",") { // time.Parse takes it for a point
		return "", false
	}
	if strings.EqualFold(text, "epoch") {
		return "1970-01-01 00:00:00", true
	}
	text = strings.Replace(text, "T", " ", 1)
	for _, layout := range []string{"2006-01-02 15:04:05.999999", "2006-01-02 15:04", time.DateOnly, "20060102 15:04:05.999999", "20060102"} {
		t, err := time.Parse(layout, text)
		if err != nil || t.Year() < 1 {
			continue
		}
		if _, fraction, _ := strings.Cut(text, "."); len(fraction) > 6 {
			return "", false
		}
		return t.Format("2006-01-02 15:04:05.999999"), true
	}
	return "", false
}
