package spark

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
)

// cluster is a standalone cluster of Spark, asked by its master's web page. Of YARN and Kubernetes nothing is asked: there
// an application ends with its driver, which is a process of this machine.
type cluster struct {
	masters []string // HOST:PORT
	web     string   // the port of the web pages
}

// standalone is the cluster that a master names; ok is false if it is of another kind.
func standalone(master string, env []string) (c cluster, ok bool) {
	rest, ok := strings.CutPrefix(master, "spark://")
	if !ok {
		return c, false
	}
	web := ""
	for _, variable := range env {
		if value, is := strings.CutPrefix(variable, "SPARK_MASTER_WEBUI_PORT="); is {
			web = value
		}
	}
	return cluster{strings.Split(rest, ","), cmp.Or(web, "8080")}, true
}

// page is what a master says of its cluster.
type page struct {
	Status  string `json:"status"`
	Workers []struct {
		State  string `json:"state"`
		Cores  int    `json:"cores"`
		Memory int64  `json:"memory"` // MiB
	} `json:"workers"`
	Applications []struct {
		Name  string `json:"name"`
		ID    string `json:"id"`
		State string `json:"state"`
	} `json:"activeapps"`
}

const answer = 5 * time.Second

// page asks the master that leads.
func (c cluster) page(ctx context.Context) (page, error) {
	ctx, cancel := context.WithTimeout(ctx, answer)
	defer cancel()
	var failures []error
	for _, master := range c.masters {
		host, _, err := net.SplitHostPort(master)
		if err != nil {
			return page{}, fmt.Errorf("the master %s names no port", master)
		}
		var p page
		if err := get(ctx, "http://"+net.JoinHostPort(host, c.web)+"/json/", &p); err != nil {
			failures = append(failures, err)
			continue
		}
		if p.Status == "ALIVE" {
			return p, nil
		}
		failures = append(failures, fmt.Errorf("the master %s is %s", master, strings.ToLower(p.Status)))
	}
	return page{}, errors.Join(failures...)
}

func get(ctx context.Context, url string, value any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, response.Status)
	}
	return json.NewDecoder(io.LimitReader(response.Body, 8<<20)).Decode(value)
}

// gone waits until the master names no application of that name any more: its executors are being killed then. A master that
// is not there has no applications; one that is and does not answer may.
func (c cluster) gone(ctx context.Context, name string) error {
	deadline := time.Now().Add(dying)
	for {
		p, err := c.page(ctx)
		if err == nil && !p.runs(name) {
			return nil
		}
		if err != nil && c.refused() {
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

func (p page) runs(name string) bool {
	for _, a := range p.Applications {
		if a.Name == name && a.State != "FINISHED" && a.State != "KILLED" && a.State != "FAILED" {
			return true
		}
	}
	return false
}

// refused reports whether nobody listens where the masters should.
func (c cluster) refused() bool {
	return !slices.ContainsFunc(c.masters, func(master string) bool {
		connection, err := net.DialTimeout("tcp", master, answer)
		if err == nil {
			_ = connection.Close()
		}
		return err == nil
	})
}

// size is how many cores and how much memory the living workers have.
func (p page) size() (cores int, memory int64) {
	for _, w := range p.Workers {
		if w.State == "ALIVE" {
			cores, memory = cores+w.Cores, memory+w.Memory<<20
		}
	}
	return cores, memory
}

// fits is how many applications the cluster takes side by side, what caps them, and the cores and memory that it has. An
// application without a number of executors takes all cores that there are.
func fits(s hindcast.Spark, env []string) (slots int, why string, cores int, memory int64) {
	c, is := standalone(s.Master, env)
	if !is {
		return 1, "run.parallel is not set", 0, 0
	}
	p, err := c.page(context.Background())
	if err != nil {
		return 1, "the master's web page is not known", 0, 0
	}
	cores, memory = p.size()
	if s.Executors == 0 || s.Cores == 0 {
		return 1, fmt.Sprintf("an application takes all %d cores unless spark.executors and spark.cores say less", cores), cores, memory
	}
	if s.ExecutorMemory > 0 && memory/(int64(s.Executors)*s.ExecutorMemory) < int64(cores/(s.Executors*s.Cores)) {
		return int(max(1, memory/(int64(s.Executors)*s.ExecutorMemory))), fmt.Sprintf("%d MiB of the cluster, %d for each application", memory>>20, int64(s.Executors)*s.ExecutorMemory>>20), cores, memory
	}
	return max(1, cores/(s.Executors*s.Cores)), fmt.Sprintf("%d cores of the cluster, %d for each application", cores, s.Executors*s.Cores), cores, memory
}
