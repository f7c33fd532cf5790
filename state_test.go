package hindcast

import (
	"slices"
	"testing"
)

// A full disk is reported once, whichever files met it; damaged files are reported individually.
func TestTheSameErrorIsToldOnce(t *testing.T) {
	var st RunState
	meet := func(slice string, attempt int, code Code, message string) {
		st.Apply(Event{Type: EventAttemptFailed, Slice: slice, Attempt: attempt, Error: &Error{Code: code, Class: ClassResource, Message: message}})
	}
	meet("a", 1, EDiskFull, `Could not write file "/lake/a/a1/part-0.parquet": No space left on device`)
	meet("a", 2, EDiskFull, `Could not write file "/lake/a/a2/part-0.parquet": No space left on device`)
	meet("b", 1, EDiskFull, `Could not write file "/lake/b/a 1/part-0.parquet": No space left on device`)
	meet("b", 2, EDiskFull, `write /lake/b/a2/part-0.parquet: no space left on device`)
	meet("c", 1, EDiskFull, `write s3-scratch/c/a1/part-0.parquet: no space left on device`)
	meet("b", 3, EParquet, `No magic bytes found at end of file '/lake/b/a'`)
	meet("c", 2, EParquet, `No magic bytes found at end of file '/lake/b/b'`)
	want := [][]string{{"a", "b"}, {"b", "c"}, {"b"}, {"c"}}
	if len(st.Failures) != len(want) {
		t.Fatalf("%d different errors, want %d", len(st.Failures), len(want))
	}

	for i, f := range st.Failures {
		if !slices.Equal(f.Slices, want[i]) {
			t.Errorf("%s was met by %v, want %v", f.Error.Message, f.Slices, want[i])
		}
	}

	if !slices.Equal(st.Failures[0].Attempts["a"], []int{1, 2}) {
		t.Errorf("the attempts are %v", st.Failures[0].Attempts)
	}
}
