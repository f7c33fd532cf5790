package chaos_test

import (
	"encoding/json"
	"strings"
	"syscall"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/lake"
	"github.com/hindcast/hindcast/internal/lease"
	"github.com/hindcast/hindcast/internal/objstore"
)

// zombie suspends a supervisor until its lease belongs to somebody else when it wakes up: it must notice, publish
// nothing more, end its processes and report that it did not succeed. Whoever continues finds everything in order.
func (c *trial) zombie() {
	c.strikes = 0
	p := c.launch(c.anywhere(), "run", "--id", run)
	for len(c.events()) < 5 && !p.ended() {
		time.Sleep(time.Millisecond)
	}

	_ = p.cmd.Process.Signal(syscall.SIGSTOP)
	c.replaceLease(map[string]any{"token": "another", "pid": 1, "pid_started": "1"})
	time.Sleep(lease.DefaultTTL/3 + time.Second) // the next renewal is due when it wakes up
	_ = p.cmd.Process.Signal(syscall.SIGCONT)

	if code := p.await(); code != hindcast.ExitFailed || !strings.Contains(p.output(), "E-FENCED") {
		c.Errorf("a zombie ended with exit %d\n%s", code, p.output())
	}
	if err := buried(c.mark, burial, ""); err != nil {
		c.Errorf("after the zombie's end: %v", err)
	}

	c.replaceLease(map[string]any{"released": true})
	c.run()
}

// replaceLease does what another process would do to the lease.
func (c *trial) replaceLease(changes map[string]any) {
	key := lake.LeaseKey(pipeline)
	body, _, err := c.store.Get(c.Context(), key)
	if err != nil {
		c.Fatal(err)
	}

	record := map[string]any{}
	if err := json.Unmarshal(body, &record); err != nil {
		c.Fatal(err)
	}

	for name, value := range changes {
		record[name] = value
	}

	if fence, ok := record["fence"].(float64); ok {
		record["fence"] = fence + 1
	}
	if body, err = json.Marshal(record); err != nil {
		c.Fatal(err)
	}
	if _, err := c.store.Put(c.Context(), key, body, objstore.Condition{}); err != nil {
		c.Fatal(err)
	}
}
