package cache

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// bits is a set of bytes, one by one.
type bits [200]bool

func (b *bits) put(s spans) *bits {
	for _, r := range s {
		for i := r.from; i < r.to; i++ {
			b[i] = true
		}
	}
	return b
}

func some(random *rand.Rand) []span {
	list := make([]span, random.IntN(8))
	for i := range list {
		from := random.Int64N(180)
		list[i] = span{from, from + random.Int64N(20)}
	}
	return list
}

func ordered(s spans) error {
	for i, r := range s {
		if r.from >= r.to || i > 0 && s[i-1].to >= r.from {
			return fmt.Errorf("%v is not in order", s)
		}
	}
	return nil
}

// Operations on spans equal those on the bytes in them.
func TestSpansAreSets(t *testing.T) {
	holds(t, 20000, func(random *rand.Rand) error {
		list := some(random)
		a, b := union(list...), union(some(random)...)
		minus, with := a.minus(b), a.with(b...)
		for _, s := range []spans{a, b, minus, with} {
			if err := ordered(s); err != nil {
				return err
			}
		}

		inList, inA, inB := new(bits).put(list), new(bits).put(a), new(bits).put(b)
		inMinus, inWith := new(bits).put(minus), new(bits).put(with)
		n, covers := int64(0), true
		for i := range inA {
			if inA[i] {
				n++
			}
			covers = covers && (inA[i] || !inB[i])
			if inA[i] != inList[i] || inMinus[i] != (inA[i] && !inB[i]) || inWith[i] != (inA[i] || inB[i]) {
				return fmt.Errorf("byte %d of %v and %v: minus %v, with %v", i, a, b, minus, with)
			}
		}

		if a.bytes() != n || a.covers(b) != covers {
			return fmt.Errorf("%v: %d bytes, covers %v: %v", a, a.bytes(), b, a.covers(b))
		}

		return nil
	})
}

// Joining saves requests, keeps to its share, and fetches nothing again.
func TestCoalesce(t *testing.T) {
	holds(t, 20000, func(random *rand.Rand) error {
		have := union(some(random)...)
		want := union(some(random)...).minus(have)
		share := random.Float64()
		joined := want.coalesce(have, share)
		if err := ordered(joined); err != nil {
			return err
		}

		switch spare := joined.bytes() - want.bytes(); {
		case !joined.covers(want), len(joined) > len(want):
			return fmt.Errorf("%v became %v", want, joined)
		case float64(spare) > share*float64(want.bytes()):
			return fmt.Errorf("%v became %v: %d bytes more, share %f", want, joined, spare, share)
		case joined.minus(have).bytes() != joined.bytes():
			return fmt.Errorf("%v became %v, but %v is there", want, joined, have)
		}

		pieces := joined.cut(1 + random.Int64N(9))
		if got := union(pieces...); got.bytes() != joined.bytes() || !got.covers(joined) {
			return fmt.Errorf("%v was cut into %v", joined, pieces)
		}

		return nil
	})
	if got := (spans{{0, 100}, {101, 200}, {210, 300}}).coalesce(nil, 0.02); len(got) != 2 || got[0] != (span{0, 200}) {
		t.Errorf("the closest are joined first: %v", got)
	}
}
