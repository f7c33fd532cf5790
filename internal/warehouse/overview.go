package warehouse

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
)

// Overviewer says of a long history what a plan needs, without handing over all that is known.
type Overviewer interface {
	// Overview lists the pipeline's status rows for the target, in the order of time, without their details.
	Overview(ctx context.Context, pipeline, target string) (Overview, error)
	// Details returns the whole status rows of some of its slices, by key.
	Details(ctx context.Context, pipeline, target string, keys []string) ([]hindcast.Committed, error)
	// Edited names the slices whose rows in the target may not be those that were committed: Published shows whether they are. No others
	// were edited. The Intervals are not looked at: the status rows have them.
	Edited(ctx context.Context, pipeline string, p Published) ([]string, error)
}

// Overview has a line for each status row: a value of each column is the text between two line ends. A hundred thousand
// rows are six texts, which cross from process to process at the speed of memory.
type Overview struct {
	Rows   int    `json:"rows"`
	Keys   string `json:"keys"`
	Starts string `json:"starts"` // microseconds since 1970
	Ends   string `json:"ends"`
	Runs   string `json:"runs"`
	Prints string `json:"prints"`
	At     string `json:"at"` // when it was committed, in microseconds since 1970
}

// Committed are the status rows without their Parts, their Sums and what says where they came from.
func (o Overview) Committed(pipeline, target string) ([]hindcast.Committed, error) {
	rows := make([]hindcast.Committed, o.Rows)
	for i := range rows {
		c := &rows[i]
		c.Pipeline, c.Target = pipeline, target
		c.Slice.Key, c.Run, c.Fingerprint = line(&o.Keys), line(&o.Runs), line(&o.Prints)
		var wrong [3]error
		c.Slice.Start, wrong[0] = instant(&o.Starts)
		c.Slice.End, wrong[1] = instant(&o.Ends)
		c.CommittedAt, wrong[2] = instant(&o.At)
		if err := errors.Join(wrong[:]...); err != nil {
			return nil, fmt.Errorf("reading the status row of %s: %w", c.Slice.Key, err)
		}
	}
	return rows, nil
}

func instant(text *string) (time.Time, error) {
	micros, err := strconv.ParseInt(line(text), 10, 64)
	return time.UnixMicro(micros).UTC(), err
}

// line takes the first line off the text.
func line(text *string) string {
	first, rest, _ := strings.Cut(*text, "\n")
	*text = rest
	return first
}
