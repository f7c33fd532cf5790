package cache

import (
	"cmp"
	"slices"
)

// span is a half-open range of a file's bytes.
type span struct{ from, to int64 }

func (s span) bytes() int64 { return s.to - s.from }

// spans are disjoint, in order, and do not touch.
type spans []span

// union makes spans of any ranges; empty ones are ignored.
func union(ranges ...span) spans {
	ranges = slices.Clone(ranges)
	slices.SortFunc(ranges, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	var out spans
	for _, r := range ranges {
		switch last := len(out) - 1; {
		case r.from >= r.to:
		case last >= 0 && r.from <= out[last].to:
			out[last].to = max(out[last].to, r.to)
		default:
			out = append(out, r)
		}
	}

	return out
}

func (s spans) with(more ...span) spans { return union(append(slices.Clone(s), more...)...) }

// minus is what of s is not in other.
func (s spans) minus(other spans) spans {
	var out spans
	i := 0
	for _, r := range s {
		for i < len(other) && other[i].to <= r.from {
			i++
		}
		at := r.from
		for j := i; j < len(other) && other[j].from < r.to; j++ {
			if at < other[j].from {
				out = append(out, span{at, other[j].from})
			}
			at = max(at, other[j].to)
		}

		if at < r.to {
			out = append(out, span{at, r.to})
		}
	}

	return out
}

// covers reports whether all of other is in s.
func (s spans) covers(other spans) bool { return len(other.minus(s)) == 0 }

func (s spans) bytes() (n int64) {
	for _, r := range s {
		n += r.bytes()
	}
	return n
}

// coalesce joins neighbours to save requests, the closest first, as long as the unwanted bytes between them add up to
// at most share of the wanted ones. It never joins across bytes that are already there.
func (s spans) coalesce(have spans, share float64) spans {
	left := int64(share * float64(s.bytes()))
	var gaps spans
	for i := 1; i < len(s); i++ {
		gap := span{s[i-1].to, s[i].from}
		if gap.bytes() <= left && (spans{gap}).minus(have).bytes() == gap.bytes() {
			gaps = append(gaps, gap)
		}
	}

	slices.SortFunc(gaps, func(a, b span) int { return cmp.Compare(a.bytes(), b.bytes()) })
	joined := slices.Clone(s)
	for _, gap := range gaps {
		if left -= gap.bytes(); left < 0 {
			break
		}
		joined = append(joined, gap)
	}

	return union(joined...)
}

// cut makes pieces of at most size bytes.
func (s spans) cut(size int64) []span {
	var pieces []span
	for _, r := range s {
		for ; r.bytes() > size; r.from += size {
			pieces = append(pieces, span{r.from, r.from + size})
		}
		pieces = append(pieces, r)
	}

	return pieces
}
