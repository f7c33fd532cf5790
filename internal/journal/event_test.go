package journal

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
)

// lines are events in the form that Append writes, and others that must read the same way.
func lines(t testing.TB) []string {
	t.Helper()
	code := 6
	full := hindcast.Event{V: 1, Seq: 2, Time: time.Date(2026, 1, 2, 3, 4, 5, 600, time.UTC), Run: "r1", Type: hindcast.EventCommitted,
		Slice: "2020-01-01T00:00+01:00", Attempt: 3, Step: hindcast.StepLoad, Fact: "f", Rows: 4, Bytes: -5, Seconds: 0.25e-7, Memory: 6,
		Fingerprint: "abc", Manifest: &hindcast.Manifest{Name: `a"}]\`, Columns: []hindcast.Column{{Name: "c", Type: "DATE"}}, Files: []hindcast.File{{Path: "x{", Rows: 1}}},
		Error: &hindcast.Error{Code: hindcast.ESQL, Detail: []string{"]", "é"}}, Message: "plain", Total: 7, Fence: 8, Pid: 9, Host: "h"}
	rare := full
	rare.ExitCode, rare.Counts, rare.Dead, rare.Message = &code, map[hindcast.State]int{hindcast.Failed: 1}, []string{"x"}, "a\n\"<é>\\"
	var texts []string
	for _, e := range []hindcast.Event{{}, full, rare} {
		body, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(body))
	}

	return append(texts, "", "{", "{}", "null", `{"seq":1}`, `{"seq":1,}`, `{"seq":1}x`, `{"seq":01}`, `{"seq":-0}`, `{"seq":1.0}`, `{"seq":1e3}`,
		`{"seq":9223372036854775807}`, `{"seq":99999999999999999999}`, `{"seq":"1"}`, `{"SEQ":1}`, `{ "seq": 1 }`, `{"seconds":1.}`,
		`{"seconds":.5}`, `{"seconds":1e999}`, `{"seconds":null}`, `{"time":"nope"}`, `{"slice":"\u0041"}`, "{\"slice\":\"\xff\"}", "{\"slice\":\"\t\"}",
		`{"manifest":{"name":"a"},"manifest":{"key":"b"}}`, `{"manifest":{"name":1}}`, `{"manifest":{]}}`, `{"manifest":null}`, `{"manifest":{"columns":null}}`, `{"manifest":{"columns":[]}}`,
		`{"manifest":{"columns":{}}}`, `{"manifest":{"Columns":[{"name":"a"}]}}`, `{"manifest":{"sums":{"columns":[1]}}}`,
		`{"unknown":{"a":[1]},"seq":1}`, `{"slice":"a","slice":"b"}`, `{"seq":1,"seq":2}`, `{"error":[]}`, `{"seq":1]`, `{"seq"`)
}

// same checks that a line decodes as json decodes it.
func same(t *testing.T, line []byte) {
	t.Helper()
	var got, want hindcast.Event
	err, wantErr := newDecoder().event(line, &got), json.Unmarshal(line, &want)
	if (err == nil) != (wantErr == nil) || err == nil && !reflect.DeepEqual(got, want) {
		t.Fatalf("%q reads as %+v, %v; json says %+v, %v", line, got, err, want, wantErr)
	}
}

func TestDecodeEventIsJSON(t *testing.T) {
	for _, line := range lines(t) {
		same(t, []byte(line))
		for at := range line {
			same(t, []byte(line[:at]))
			changed := []byte(line)
			changed[at] ^= 0x02
			same(t, changed)
		}
	}
}

// TestDecodeEventIsDirect checks that the form that Append writes takes the fast path.
func TestDecodeEventIsDirect(t *testing.T) {
	var e hindcast.Event
	s := scanner{rest: bytes.Clone([]byte(lines(t)[1])), decoder: newDecoder()}
	if !s.event(&e) || e.Host != "h" {
		t.Errorf("%s is left to json at %s", lines(t)[1], s.rest)
	}
}

func FuzzDecodeEvent(f *testing.F) {
	for _, line := range lines(f) {
		f.Add([]byte(line))
	}
	f.Fuzz(same)
}
