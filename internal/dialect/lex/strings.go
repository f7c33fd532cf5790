package lex

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// quoteEnd finds the end of what is quoted, whose first quote is at from; a quote written twice stands for one. -1 if it does not end.
func (l *lexer) quoteEnd(from int, quote byte) (end int, twice bool) {
	for i := from + 1; i < len(l.text); i++ {
		if l.text[i] != quote {
			continue
		}
		if i+1 < len(l.text) && l.text[i+1] == quote {
			twice = true
			i++
			continue
		}
		return i + 1, twice
	}

	return -1, false
}

// plain cuts '…'. On a later line it continues the string before it.
func (l *lexer) plain(glued int) error {
	end, twice := l.quoteEnd(l.at, '\'')
	if end < 0 {
		return &Error{Span{l.at, l.at + 1}, "the text does not end"}
	}
	value := l.text[l.at+1 : end-1]
	if twice {
		value = strings.ReplaceAll(value, "''", "'")
	}

	if last := len(l.all) - 1; glued >= 0 && last >= 0 && l.all[last].At.End == glued {
		l.all[last].Text += value
		l.all[last].At.End = end
		l.all[last].Form = 'E' // it is not one plain literal any more
		l.at, l.glued = end, end
		return nil
	}

	l.add(String, end, value)
	l.all[len(l.all)-1].Form = '\''
	l.glued = end
	return nil
}

func (l *lexer) name() error {
	end, twice := l.quoteEnd(l.at, '"')
	if end < 0 {
		return &Error{Span{l.at, l.at + 1}, "the quoted name does not end"}
	}
	value := l.text[l.at+1 : end-1]
	if value == "" {
		return &Error{Span{l.at, end}, "a name cannot be empty"}
	}
	if twice {
		value = strings.ReplaceAll(value, `""`, `"`)
	}

	l.add(Quoted, end, value)
	l.all[len(l.all)-1].Form = '"'
	return nil
}

// prefixed cuts a text or name behind a prefix of n characters, as it is written: none of these forms is read further.
func (l *lexer) prefixed(form byte, n int) error {
	quote := l.text[l.at+n]
	end, _ := l.quoteEnd(l.at+n, quote)
	if end < 0 {
		return &Error{Span{l.at, l.at + n + 1}, "the text does not end"}
	}
	kind := String
	if quote == '"' {
		kind = Quoted
	}

	l.add(kind, end, l.text[l.at+n+1:end-1])
	l.all[len(l.all)-1].Form = form
	return nil
}

// dollar cuts $1 and $tag$…$tag$.
func (l *lexer) dollar() error {
	i := l.at + 1
	if i < len(l.text) && isDigit(l.text[i]) {
		for i < len(l.text) && isDigit(l.text[i]) {
			i++
		}
		l.add(Param, i, l.text[l.at+1:i])
		return nil
	}
	if i < len(l.text) && isStart(l.text[i]) {
		for i < len(l.text) && (isStart(l.text[i]) || isDigit(l.text[i])) {
			i++
		}
	}
	if i >= len(l.text) || l.text[i] != '$' {
		return &Error{Span{l.at, l.at + 1}, "this character has no meaning here"}
	}

	tag := l.text[l.at : i+1]
	n := strings.Index(l.text[i+1:], tag)
	if n < 0 {
		return &Error{Span{l.at, i + 1}, "the text does not end"}
	}
	l.add(String, i+1+n+len(tag), l.text[i+1:i+1+n])
	l.all[len(l.all)-1].Form = '$'

	return nil
}

// escaped cuts E'…'.
func (l *lexer) escaped() error {
	var value strings.Builder
	for i := l.at + 2; i < len(l.text); {
		switch c := l.text[i]; {
		case c == '\'' && i+1 < len(l.text) && l.text[i+1] == '\'':
			value.WriteByte('\'')
			i += 2
		case c == '\'':
			if !utf8.ValidString(value.String()) || strings.IndexByte(value.String(), 0) >= 0 {
				return &Error{Span{l.at, i + 1}, "the text is not valid UTF-8, or holds a zero byte"}
			}
			l.add(String, i+1, value.String())
			l.all[len(l.all)-1].Form = 'E'
			return nil
		case c == '\\' && i+1 < len(l.text):
			n, err := l.escape(&value, i)
			if err != nil {
				return err
			}
			i += n
		default:
			value.WriteByte(c)
			i++
		}
	}

	return &Error{Span{l.at, l.at + 2}, "the text does not end"}
}

var escapes = map[byte]byte{'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escape reads the escape at i, and returns how long it is.
func (l *lexer) escape(value *strings.Builder, i int) (int, error) {
	c := l.text[i+1]
	if e, ok := escapes[c]; ok {
		value.WriteByte(e)
		return 2, nil
	}
	switch {
	case c >= '0' && c <= '7':
		n := run(l.text[i+1:], 3, func(c byte) bool { return c >= '0' && c <= '7' })
		b, _ := strconv.ParseUint(l.text[i+1:i+1+n], 8, 16)
		value.WriteByte(byte(b))
		return 1 + n, nil
	case c == 'x':
		n := run(l.text[i+2:], 2, isHex)
		if n > 0 {
			b, _ := strconv.ParseUint(l.text[i+2:i+2+n], 16, 16)
			value.WriteByte(byte(b))
			return 2 + n, nil
		}
	case c == 'u' || c == 'U':
		want := 4
		if c == 'U' {
			want = 8
		}
		r, err := strconv.ParseUint(l.text[i+2:min(i+2+want, len(l.text))], 16, 32)
		if err != nil || !utf8.ValidRune(rune(r)) {
			return 0, &Error{Span{i, i + 2}, "this is not an escape of a character"}
		}
		value.WriteRune(rune(r))
		return 2 + want, nil
	}

	value.WriteByte(c)
	return 2, nil
}

func isHex(c byte) bool { return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f' }

// run counts the bytes at the beginning of s that are of a set, up to most.
func run(s string, most int, of func(byte) bool) int {
	n := 0
	for n < len(s) && n < most && of(s[n]) {
		n++
	}
	return n
}
