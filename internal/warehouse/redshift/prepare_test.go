package redshift

import (
	"slices"
	"testing"

	"github.com/hindcast/hindcast/internal/pgclient"
)

// A session that waits for a lock is ended before the one that holds it: otherwise it would get the lock, and might commit.
func TestWaitingSessionsAreEndedFirst(t *testing.T) {
	row := func(fields ...string) (r pgclient.Row) {
		for _, f := range fields {
			r = append(r, &f)
		}
		return r
	}
	locks := []pgclient.Row{
		row("11", "1", "t"), row("11", "7", "t"), // holds the lock of table 7
		row("12", "2", "t"), row("12", "7", "f"), // waits for it
		row("13", "9", "t"), row("13", "7", "f"), // another pipeline's
		row("14", "1", "t"),
	}
	if got, want := toEnd([]pgclient.Row{row("1"), row("2")}, locks), []string{"12", "11", "14"}; !slices.Equal(got, want) {
		t.Errorf("in the order of %v, want %v", got, want)
	}
}
