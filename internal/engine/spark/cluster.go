package spark

import (
	"context"
	"fmt"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/numbers"
	"github.com/hindcast/hindcast/internal/sparkhome"
)

// Of YARN and Kubernetes nothing is asked: there an application ends with its driver, which is a process of this machine.

// gone waits until the master names no application of that name any more: its executors are being killed then. A master that
// is not there has no applications; one that is and does not answer may.
func gone(ctx context.Context, c sparkhome.Cluster, name string) error {
	deadline := time.Now().Add(dying)
	for {
		p, err := c.Page(ctx)
		if err == nil && !p.Runs(name) {
			return nil
		}
		if err != nil && c.Refused(ctx) {
			return nil
		}
		if time.Now().After(deadline) {
			if err != nil {
				return fmt.Errorf("no master says whether the application %q has ended: %w", name, err)
			}
			return fmt.Errorf("the application %q still runs, as its master says", name)
		}
		time.Sleep(alivePoll)
	}
}

// fits is how many applications the cluster takes side by side, what caps them, and the cores and memory that it has. An
// application without a number of executors takes all cores that there are.
func fits(s hindcast.Spark, env []string) (slots int, why string, cores int, memory int64) {
	c, is := sparkhome.Standalone(s.Master, env)
	if !is {
		return 1, "run.parallel is not set", 0, 0
	}
	p, err := c.Page(context.Background())
	if err != nil {
		return 1, "the master's web page is not known", 0, 0
	}
	cores, memory = p.Cores, p.Memory<<20
	if s.Executors == 0 || s.Cores == 0 {
		return 1, fmt.Sprintf("an application takes all %d cores unless spark.executors and spark.cores say less", cores), cores, memory
	}
	if s.ExecutorMemory > 0 && memory/(int64(s.Executors)*s.ExecutorMemory) < int64(cores/(s.Executors*s.Cores)) {
		return int(max(1, memory/(int64(s.Executors)*s.ExecutorMemory))), fmt.Sprintf("%s of the cluster, %s for each application", numbers.Size(memory), numbers.Size(int64(s.Executors)*s.ExecutorMemory)), cores, memory
	}
	return max(1, cores/(s.Executors*s.Cores)), fmt.Sprintf("%d cores of the cluster, %d for each application", cores, s.Executors*s.Cores), cores, memory
}
