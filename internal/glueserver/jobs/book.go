package jobs

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hindcast/hindcast/internal/glueserver/ledger"
)

// Limits are those of an account. Zero means no limit.
type Limits struct {
	Jobs int
	Runs int     // at the same time
	DPU  float64 // of the runs at the same time
}

// Options open a book.
type Options struct {
	Runner   Runner
	Limits   Limits
	Parallel int              // how many scripts run at the same time on this machine; the others are STARTING until there is room. At least 1.
	Now      func() time.Time // nil is time.Now
	Minute   time.Duration    // how long a minute of a Timeout takes; 0 is a minute
}

// Book is the account: its jobs and runs. Records are never changed, only replaced; what is written is durable before it is seen.
type Book struct {
	options Options
	ledger  Writer
	writing *sync.Mutex // is held by whoever changes anything; of those, one at a time waits for the disk

	mutex sync.RWMutex // guards what follows, for a moment each
	jobs  map[string]*Job
	tags  map[string]map[string]string // by job
	runs  map[string]*kept
	byJob map[string][]*kept // in the order of their starts
	order int64

	ctx   context.Context // ends when the book is closed
	close context.CancelFunc
	lives sync.WaitGroup
	alive map[string]*life // of runs that have not ended and are not waiting
	slots chan struct{}
}

// Writer makes changes durable, all or none.
type Writer interface {
	Write(changes ...ledger.Change) error
}

// The prefixes of the ledger's keys.
const (
	jobKey  = "job/"
	tagsKey = "tags/"
	runKey  = "run/"
)

// New makes a book without contents: Load gives it those that were kept, and Go sets it going. writing is held while it writes.
func New(writer Writer, writing *sync.Mutex, o Options) *Book {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Minute == 0 {
		o.Minute = time.Minute
	}
	b := &Book{options: o, ledger: writer, writing: writing, jobs: map[string]*Job{}, tags: map[string]map[string]string{},
		runs: map[string]*kept{}, byJob: map[string][]*kept{}, alive: map[string]*life{}, slots: make(chan struct{}, max(o.Parallel, 1))}
	b.ctx, b.close = context.WithCancel(context.Background())
	return b
}

// Load takes a value of an earlier book, if it is one.
func (b *Book) Load(c ledger.Change) error {
	switch name, value := c.Key, c.Value; {
	case strings.HasPrefix(name, jobKey):
		var j Job
		if err := json.Unmarshal(value, &j); err != nil {
			return err
		}
		b.jobs[j.Name] = &j
	case strings.HasPrefix(name, tagsKey):
		var tags map[string]string
		if err := json.Unmarshal(value, &tags); err != nil {
			return err
		}
		b.tags[strings.TrimPrefix(name, tagsKey)] = tags
	case strings.HasPrefix(name, runKey):
		var k kept
		if err := json.Unmarshal(value, &k); err != nil {
			return err
		}
		b.runs[k.ID] = &k
		b.byJob[k.JobName] = append(b.byJob[k.JobName], &k)
		b.order = max(b.order, k.Order)
	}
	return nil
}

// Go takes up the runs that have not ended.
func (b *Book) Go() error {
	b.writing.Lock()
	defer b.writing.Unlock()
	for _, list := range b.byJob {
		slices.SortFunc(list, func(x, y *kept) int { return int(x.Order - y.Order) })
	}
	var live []*kept
	for _, k := range b.runs {
		if k.JobRunState.holds() {
			live = append(live, k)
		}
	}
	slices.SortFunc(live, func(x, y *kept) int { return int(x.Order - y.Order) })
	for _, k := range live {
		b.begin(k)
	}
	return b.admit()
}

// Close leaves the runs as they are: their processes go on, and the next book takes them up.
func (b *Book) Close() {
	b.close()
	b.lives.Wait()
}

// now is a moment for a record.
func (b *Book) now() *Time { return Of(b.options.Now()) }

// change is what one write of the ledger does.
type change struct {
	jobs    []*Job
	runs    []*kept
	tags    map[string]map[string]string
	gone    []string // jobs
	goneRun []*kept
}

// commit makes a change durable, and then seen. writing is held.
func (b *Book) commit(c change) error {
	var list []ledger.Change
	for _, j := range c.jobs {
		list = append(list, ledger.Put(jobKey+j.Name, j))
	}
	for name, tags := range c.tags {
		list = append(list, ledger.Put(tagsKey+name, tags))
	}
	for _, k := range c.runs {
		list = append(list, ledger.Put(runKey+k.ID, k))
	}
	for _, name := range c.gone {
		list = append(list, ledger.Delete(jobKey+name), ledger.Delete(tagsKey+name))
	}
	for _, k := range c.goneRun {
		list = append(list, ledger.Delete(runKey+k.ID))
	}
	if err := b.ledger.Write(list...); err != nil {
		return err
	}
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.see(c)
	return nil
}

// see replaces the records. mutex is held.
func (b *Book) see(c change) {
	for _, j := range c.jobs {
		b.jobs[j.Name] = j
	}
	for name, tags := range c.tags {
		b.tags[name] = tags
	}
	for _, k := range c.runs {
		list := b.byJob[k.JobName]
		if at := place(list, k); at < len(list) && list[at].ID == k.ID {
			list[at] = k
		} else {
			b.byJob[k.JobName] = slices.Insert(list, at, k)
		}
		b.runs[k.ID] = k
		b.order = max(b.order, k.Order)
	}
	for _, name := range c.gone {
		delete(b.jobs, name)
		delete(b.tags, name)
	}
	for _, k := range c.goneRun {
		delete(b.runs, k.ID)
		b.byJob[k.JobName] = slices.DeleteFunc(b.byJob[k.JobName], func(is *kept) bool { return is.ID == k.ID })
	}
}

// place is where a run is, or would be, among its job's.
func place(list []*kept, k *kept) int {
	at, _ := slices.BinarySearchFunc(list, k.Order, func(is *kept, order int64) int { return int(is.Order - order) })
	return at
}

// newID is an id as Glue gives them to runs.
func newID() string {
	var random [32]byte
	_, _ = rand.Read(random[:]) // never fails
	return "jr_" + hex.EncodeToString(random[:])
}

func attemptID(first string, attempt int) string { return fmt.Sprintf("%s_attempt_%d", first, attempt) }
