package hindcast_test

import (
	"testing"

	"github.com/hindcast/hindcast"
)

func TestAgrees(t *testing.T) {
	sums := func(rows int64, content, total string) hindcast.Sums {
		s := hindcast.Sums{Rows: rows, Content: content}
		if total != "" {
			s.Totals = map[string]string{"n": total}
		}

		return s
	}
	for _, c := range []struct {
		name string
		a, b hindcast.Sums
		want bool
	}{
		{"the same", sums(2, "7", "3"), sums(2, "7", "3"), true},
		{"another number of rows", sums(2, "7", "3"), sums(3, "7", "3"), false},
		{"another content", sums(2, "7", "3"), sums(2, "8", "3"), false},
		{"content counts more than totals", sums(2, "xid:7", "3"), sums(2, "xid:7", ""), true},
		{"one without content, equal totals", sums(2, "7", "3"), sums(2, "", "3"), true},
		{"one without content, another total", sums(2, "7", "3"), sums(2, "", "4"), false},
		{"one without content, a total that is not there", sums(2, "7", "3"), sums(2, "", ""), false},
		{"contents of two kinds, equal totals", sums(2, "xid:7", "3"), sums(2, "7", "3"), true},
		{"contents of two kinds, another total", sums(2, "pg:7", "3"), sums(2, "xid:7", "4"), false},
		{"the same places", sums(2, "xid:7@1:a,2:b", ""), sums(2, "xid:7@1:a,2:b", "3"), true},
		{"one more place", sums(2, "xid:7@1:a,3:c", ""), sums(2, "xid:7@1:a,2:b,3:c", ""), true},
		{"a place that is not there any more", sums(2, "xid:7@1:a,2:b", ""), sums(2, "xid:7@1:a,3:b,4:c", ""), false},
		{"unknown places", sums(2, "xid:7@1:a,2:b", ""), sums(2, "xid:7", ""), true},
		{"unknown places of another content", sums(2, "xid:7@1:a,2:b", ""), sums(2, "xid:8", ""), false},
		{"the same places of another content", sums(2, "xid:7@1:a", ""), sums(2, "xid:8@1:a", ""), false},
		{"no rows", sums(0, "", ""), sums(0, "xid:7", ""), true},
	} {
		if c.a.Agrees(c.b) != c.want || c.b.Agrees(c.a) != c.want {
			t.Errorf("%s: %+v and %+v agree: %t, want %t", c.name, c.a, c.b, c.a.Agrees(c.b), c.want)
		}
	}
}
