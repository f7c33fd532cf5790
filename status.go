package hindcast

import "time"

// Ranges cut time into parts of the same width, numbered from 0.
type Ranges struct {
	From  time.Time     `json:"from"`
	Width time.Duration `json:"width"` // whole microseconds
	Count int           `json:"count"`
}

// Of is the number of the range that an instant lies in; -1 if it lies in none.
func (r Ranges) Of(t time.Time) int {
	since := t.UnixMicro() - r.From.UnixMicro()
	if n := since / r.Width.Microseconds(); since >= 0 && n < int64(r.Count) {
		return int(n)
	}
	return -1
}

// Digest stands for the status rows of one target whose slices begin within one of several ranges. Rows that differ from those it
// was made of, in their slice or their fingerprint, have another one.
type Digest struct {
	Range int   `json:"range"`
	Rows  int64 `json:"rows"`
	// Sums add up the halves of the rows' hashes, each modulo 2^64: the order of the rows does not count, and how often a row is
	// there does.
	Sums [2]uint64 `json:"sums"`
	// By says who committed the rows, in the order of time. Where that is too many it is cut short, and Rows are those of By.
	By []Commits `json:"by"`
}

// Commits are the status rows that a run committed on one day, as far as they are in a digest.
type Commits struct {
	Run   string    `json:"run"`
	Day   int64     `json:"day"` // since 1970, in UTC
	Rows  int64     `json:"rows"`
	First time.Time `json:"first"` // the starts of their first and their last slice
	Last  time.Time `json:"last"`
}

// MostCommits is how many Commits a digest has at most.
const MostCommits = 64

// Add counts a row's hash.
func (d *Digest) Add(hash [2]uint64) {
	d.Rows++
	d.Sums[0] += hash[0]
	d.Sums[1] += hash[1]
}
