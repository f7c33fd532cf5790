package config

import (
	"bytes"
	"encoding/json"
	"slices"
)

// vocabulary are the keys of JSON whose values are hindcast's own words, ids and times: a secret that is also one of them
// does not show there, and to strike it would break what programs read.
var vocabulary = []string{"type", "time", "run", "slice", "state", "step", "code", "class", "reason"}

// JSON strikes secrets out of the strings of one JSON value: keys, numbers and structure stay as they are. What is not JSON is
// struck as any text.
func (r *Redactor) JSON(text []byte) []byte {
	if r == nil || len(r.needles) == 0 {
		return text
	}
	if !json.Valid(text) {
		return []byte(r.String(string(text)))
	}

	var out []byte
	key := ""
	for len(text) > 0 {
		start := bytes.IndexByte(text, '"')
		if start < 0 {
			break
		}

		length := literal(text[start:])
		quoted, rest := text[start:start+length], text[start+length:]
		out = append(out, text[:start]...)

		switch after := bytes.TrimLeft(rest, " \t\r\n"); {
		case len(after) > 0 && after[0] == ':':
			key = string(quoted[1 : length-1])
		case !slices.Contains(vocabulary, key):
			quoted = r.value(quoted)
		}

		out, text = append(out, quoted...), rest
	}

	return append(out, text...)
}

// value strikes one string with its quotes.
func (r *Redactor) value(quoted []byte) []byte {
	out := slices.Concat([]byte{'"'}, []byte(r.String(string(quoted[1:len(quoted)-1]))), []byte{'"'})
	if !json.Valid(out) { // half of an escape was taken, or what takes its place has quotes
		return []byte(`"` + struck + `"`)
	}
	return out
}

// literal is the length of the string that text begins with, quotes included.
func literal(text []byte) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}
