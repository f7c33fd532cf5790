package parse

import (
	"errors"
	"os"
	"testing"

	"github.com/hindcast/hindcast/internal/dialect/cases"
)

// FuzzScript: whatever the text, it is read or refused, with a place in it; statements that are read lie in it one after another.
func FuzzScript(f *testing.F) {
	for _, text := range read {
		text, o := options(text)
		f.Add(text, o.Redshift)
	}
	for _, c := range refused {
		f.Add(c.text, true)
	}
	all, err := cases.Load(os.DirFS("../testdata"))
	if err != nil {
		f.Fatal(err)
	}
	for i, c := range all {
		f.Add(c.Query, i%2 == 0)
	}

	f.Fuzz(func(t *testing.T, text string, redshift bool) {
		all, err := Script(text, Options{Redshift: redshift})
		if bad, ok := errors.AsType[*Error](err); ok {
			if bad.At.Start < 0 || bad.At.End < bad.At.Start || bad.At.End > len(text) {
				t.Fatalf("%q is refused at %v: %v", text, bad.At, bad)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		at := 0
		for _, s := range all {
			span := s.Span()
			if span.Start < at || span.End < span.Start || span.End > len(text) {
				t.Fatalf("%q: a statement stands at %v, behind %d", text, span, at)
			}
			at = span.End
		}
	})
}
