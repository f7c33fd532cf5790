package screen

import (
	"testing"
	"time"
)

func BenchmarkFrame10000(b *testing.B) {
	p, s := tenThousand()
	o := options(80)
	o.Clock = func() time.Time { return s.now }
	board := NewBoard(nil, o, p)
	for _, e := range s.events {
		board.Event(e)
	}
	for b.Loop() {
		board.frame(80, 24)
	}
}
