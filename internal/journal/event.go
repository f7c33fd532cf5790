package journal

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/hindcast/hindcast"
)

// decoder decodes events one after another. Events of one fact have the same columns and share them, so callers must
// not modify what they read.
type decoder struct{ columns map[string][]hindcast.Column }

func newDecoder() *decoder { return &decoder{columns: map[string][]hindcast.Column{}} }

// event is json.Unmarshal for one event. A resume reads tens of thousands of lines before its first slice, so the form
// that Append writes is parsed directly; anything else is left to json.
func (d *decoder) event(line []byte, e *hindcast.Event) error {
	s := scanner{rest: line, decoder: d}
	if s.event(e) {
		return nil
	}
	*e = hindcast.Event{}
	return json.Unmarshal(line, e)
}

// scanner reads compact JSON from the front of rest. Its methods report false for anything unexpected.
type scanner struct {
	rest    []byte
	decoder *decoder
}

func (s *scanner) event(e *hindcast.Event) bool {
	if !s.skip('{') {
		return false
	}
	for {
		key, ok := s.text()
		if !ok || !s.skip(':') || !s.field(e, string(key)) {
			return false
		}
		if !s.skip(',') {
			return s.skip('}') && len(s.rest) == 0
		}
	}
}

// field reads one field's value into e.
func (s *scanner) field(e *hindcast.Event, key string) bool {
	switch key {
	case "v":
		return number(s, &e.V)
	case "seq":
		return number(s, &e.Seq)
	case "time":
		raw, ok := s.quoted()
		return ok && e.Time.UnmarshalJSON(raw) == nil
	case "run":
		return text(s, &e.Run)
	case "type":
		return text(s, &e.Type)
	case "slice":
		return text(s, &e.Slice)
	case "attempt":
		return number(s, &e.Attempt)
	case "step":
		return text(s, &e.Step)
	case "fact":
		return text(s, &e.Fact)
	case "output":
		return text(s, &e.Output)
	case "rows":
		return number(s, &e.Rows)
	case "bytes":
		return number(s, &e.Bytes)
	case "memory":
		return number(s, &e.Memory)
	case "total":
		return number(s, &e.Total)
	case "fence":
		return number(s, &e.Fence)
	case "pid":
		return number(s, &e.Pid)
	case "fingerprint":
		return text(s, &e.Fingerprint)
	case "message":
		return text(s, &e.Message)
	case "host":
		return text(s, &e.Host)
	case "seconds":
		return s.float(&e.Seconds)
	case "manifest":
		raw, ok := s.object()
		return ok && e.Manifest == nil && s.decoder.manifest(raw, &e.Manifest) == nil
	case "error":
		raw, ok := s.object()
		return ok && e.Error == nil && json.Unmarshal(raw, &e.Error) == nil
	}
	return false // rare, or not ours
}

func (s *scanner) skip(c byte) bool {
	if len(s.rest) == 0 || s.rest[0] != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

// quoted reads a string of plain ASCII without escapes, including its quotes.
func (s *scanner) quoted() ([]byte, bool) {
	if len(s.rest) == 0 || s.rest[0] != '"' {
		return nil, false
	}

	for i, c := range s.rest[1:] {
		switch {
		case c == '"':
			raw := s.rest[:i+2]
			s.rest = s.rest[i+2:]
			return raw, true
		case c < ' ' || c == '\\' || c > '~':
			return nil, false
		}
	}

	return nil, false
}

func (s *scanner) text() ([]byte, bool) {
	raw, ok := s.quoted()
	if !ok {
		return nil, false
	}
	return raw[1 : len(raw)-1], true
}

func text[T ~string](s *scanner, into *T) bool {
	value, ok := s.text()
	*into = T(value)
	return ok
}

// number reads a whole number of at most 18 digits.
func number[T int | int64](s *scanner, into *T) bool {
	negative := s.skip('-')
	var value T
	i := 0
	for ; i < len(s.rest) && s.rest[i] >= '0' && s.rest[i] <= '9'; i++ {
		value = value*10 + T(s.rest[i]-'0')
	}

	if i == 0 || i > 18 || i > 1 && s.rest[0] == '0' {
		return false
	}
	if negative {
		value = -value
	}

	s.rest, *into = s.rest[i:], value
	return true
}

func (s *scanner) float(into *float64) bool {
	end := bytes.IndexAny(s.rest, ",}")
	if end < 0 || !json.Valid(s.rest[:end]) {
		return false
	}

	value, err := strconv.ParseFloat(string(s.rest[:end]), 64)
	s.rest, *into = s.rest[end:], value
	return err == nil
}

// manifest is json.Unmarshal for a manifest, except that columns seen before are shared.
func (d *decoder) manifest(raw []byte, into **hindcast.Manifest) error {
	var m struct {
		hindcast.Manifest
		Columns json.RawMessage `json:"columns"` // shadows the manifest's own
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return err
	}

	known, ok := d.columns[string(m.Columns)]
	if !ok && m.Columns != nil {
		if err := json.Unmarshal(m.Columns, &known); err != nil {
			return err
		}
		d.columns[string(m.Columns)] = known
	}

	whole := m.Manifest // not a pointer into m, which holds the raw bytes too
	whole.Columns = known
	*into = &whole
	return nil
}

// object reads a whole object and leaves its contents to json.
func (s *scanner) object() ([]byte, bool) {
	if len(s.rest) == 0 || s.rest[0] != '{' {
		return nil, false
	}

	depth, inText := 0, false
	for i := 0; i < len(s.rest); i++ {
		switch c := s.rest[i]; {
		case inText && c == '\\':
			i++
		case c == '"':
			inText = !inText
		case inText:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		}
		if depth == 0 {
			raw := s.rest[:i+1]
			s.rest = s.rest[i+1:]
			return raw, true
		}
	}

	return nil, false
}
