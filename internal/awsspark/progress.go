package awsspark

import (
	"context"
	"encoding/json"
	"time"

	"github.com/hindcast/hindcast"
)

// progressFile is what the script writes now and then beside its end: how far it is.
const progressFile = "_hindcast_progress.json"

// Reading what a run's script says of its progress.
const (
	readEvery = 5               // times the pace between two looks
	readTime  = 2 * time.Second // of one: the run's end does not wait for it
)

// Reports are what the script of one work says of its progress.
type Reports struct {
	last hindcast.Progress
	next time.Time
}

// Read is how far a run that works in the folder is, as its script said last. That it says nothing, or nothing that can be read, is no reason to
// fail. The bucket is asked only once in several times the pace.
func (r *Reports) Read(ctx context.Context, o *Objects, dir string, pace time.Duration) hindcast.Progress {
	now := time.Now()
	key, err := o.key(dir)
	if err != nil || now.Before(r.next) {
		return r.last
	}
	r.next = now.Add(Jittered(readEvery * pace))

	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	text, _, err := o.Store.Get(ctx, key+progressFile)
	var said hindcast.Progress
	if err == nil && json.Unmarshal(text, &said) == nil && said.Tasks > 0 {
		r.last = said
	}
	return r.last
}
