package engine

import (
	"bytes"
	"encoding/json"
	"strings"
)

// PythonText is a text as a literal of Python.
func PythonText(text string) string {
	raw := "r'''" + text + "'''"
	if strings.ContainsAny(text, `\"`) && !strings.Contains(text, "'''") && !strings.HasSuffix(text, "'") && !strings.HasSuffix(text, `\`) && printable(text) {
		return raw // as it is, which people can read
	}

	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(text); err != nil {
		panic(err) // of a string
	}
	return strings.TrimSuffix(out.String(), "\n") // what JSON writes of a text means the same in Python
}

// printable reports whether a text has none of the characters that a program's text may lose.
func printable(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool {
		return r < ' ' || r == 0x7f || r == 0xfeff || r == 0xfffd || r == 0x2028 || r == 0x2029
	})
}
