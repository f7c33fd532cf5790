package preflight

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/numbers"
)

// Limit is one of what caps how many runs are under way at once.
type Limit struct {
	Name     string `json:"limit"`
	Value    string `json:"value"`
	Runs     int    `json:"runs"`           // that it has room for
	Asked    int    `json:"asked"`          // that the pipeline would have under it
	Part     bool   `json:"part,omitempty"` // one row of several: the next whole row sums them
	Assumed  bool   `json:"assumed,omitempty"`
	Smallest bool   `json:"smallest,omitempty"`
	Raise    string `json:"raise"`
}

// demand is what one run takes.
func (l *look) demand() string {
	if l.onEMR() {
		e := l.Pipeline.Transform.EMR
		return fmt.Sprintf("%s: %d vCPU, ", numbers.Counted(e.Workers(), "worker"), e.Cores()) + strconv.Itoa(e.Memory()) + " GB" // as EMR Serverless counts them
	}
	g := l.Pipeline.Transform.Glue
	text := fmt.Sprintf("%s of %s: %s %s", numbers.Counted(g.Workers, "worker"), g.WorkerType, numbers.Thousands(int64(g.Units())), g.Worker().Metered)
	if len(g.Connections) > 0 {
		text += ", " + numbers.Thousands(g.Workers) + " addresses"
	}
	return text
}

// limits are all that are known, in the order from the pipeline file to the network. The smallest is marked.
func (l *look) limits(f engineFindings) []Limit {
	if l.onEMR() {
		return l.emrLimits(f)
	}
	g := l.Pipeline.Transform.Glue
	list, asked := l.own(Limit{Name: "glue.jobs x glue.runs_per_job", Value: fmt.Sprintf("%d x %d", g.Jobs, g.RunsPerJob), Runs: g.Jobs * g.RunsPerJob,
		Raise: "raise glue.jobs or glue.runs_per_job"})

	runs, per, dpu := of(f.quotas, quotaRuns), of(f.quotas, quotaPer), of(f.quotas, quotaDPU)
	if g.Class == "FLEX" {
		dpu = of(f.quotas, quotaSpare)
	}
	if g.Worker().Metered != hindcast.DPU {
		dpu.applied = false // whether it counts memory's units is not documented
	}
	list = append(list, quotaLimit(runs, int(runs.value)), quotaLimit(per, g.Jobs*int(per.value)), quotaLimit(dpu, int(dpu.value/max(g.Units(), 1))))
	return marked(append(list, l.addressLimits(f.subnets, asked)...), asked)
}

// own are the pipeline file's limits, the engine's first, and how many runs they leave.
func (l *look) own(engines Limit) (list []Limit, asked int) {
	list, asked = []Limit{engines}, engines.Runs
	if n := l.Pipeline.Run.Parallel; n > 0 {
		list = append(list, Limit{Name: "run.parallel", Value: numbers.Thousands(n), Runs: n, Raise: "raise run.parallel, or leave it out"})
		asked = min(asked, n)
	}
	if l.Slices > 0 {
		list = append(list, Limit{Name: "slices of the history", Value: numbers.Thousands(l.Slices), Runs: l.Slices, Raise: "cut history finer: history.every"})
		asked = min(asked, l.Slices)
	}
	return list, asked
}

// marked are the limits with the smallest marked, of equals the first.
func marked(list []Limit, asked int) []Limit {
	smallest := 0
	for i := range list {
		if !list[i].Part {
			list[i].Asked = asked
			if list[i].Runs < list[smallest].Runs {
				smallest = i
			}
		}
	}
	list[smallest].Smallest = true
	return list
}

// quotaLimit is what a quota has room for.
func quotaLimit(q quota, runs int) Limit {
	value := numbers.Thousands(int64(q.value))
	if !q.applied {
		value += " ?"
	}
	return Limit{Name: q.name, Value: value, Runs: runs, Assumed: !q.applied,
		Raise: "ask for more: Service Quotas, " + map[string]string{"": "AWS Glue", emrService: "Amazon EMR Serverless"}[q.service] + ", " + q.code + "; other runs of the account count as well"}
}

// addressLimits are of the subnets, and of all of them: a subnet has room for its own jobs' runs only.
func (l *look) addressLimits(subnets []*subnet, asked int) []Limit {
	tenant := l.tenant()
	var list []Limit
	free, room, held, complete := 0, 0, 0, true
	for _, s := range subnets {
		if !s.known {
			complete = false
			continue
		}
		fits := s.free / tenant.workers
		free, room, held = free+s.free, room+fits, held+min(fits, s.runs)
		list = append(list, Limit{Name: "addresses " + s.by(), Value: numbers.Thousands(s.free), Runs: fits, Asked: min(s.runs, asked), Part: true})
	}
	if len(list) == 0 || !complete {
		return list
	}
	total := Limit{Name: "addresses of all subnets", Value: numbers.Thousands(free), Runs: room,
		Raise: tenant.more + ", or take fewer, larger workers"}
	if l.onEMR() { // which chooses among them
		total.Runs = free / tenant.workers
	} else if held < l.Pipeline.Transform.Glue.Jobs*l.Pipeline.Transform.Glue.RunsPerJob {
		total.Runs = held // some subnet has less room than its jobs have runs
	}
	return append(list, total)
}

// capped says what the smallest limit means for a run.
func (l *look) capped(list []Limit, f *findings) {
	for _, is := range list {
		if !is.Smallest {
			continue
		}
		f.note(fmt.Sprintf("parallelism: %d of %d runs, capped by %s", is.Runs, is.Asked, kindOf(is)))
		if is.Runs > 0 {
			return
		}
		e := &hindcast.Error{Place: l.Pipeline.Places[l.tenant().fewer],
			Message: "not one run fits: it takes " + l.demand() + ", and " + is.Name + " is " + strings.TrimSuffix(is.Value, " ?"), Next: is.Raise + ", or lower " + l.tenant().fewer}
		if is.Assumed {
			f.add(Unknown, "room", "for not one run, if the quota is the lowest documented one")
			return
		}
		f.wrong("room", "for not one run: "+is.Name, e)
	}
}

// kindOf names a limit without what the user calls it.
func kindOf(is Limit) string {
	if is.Part {
		return "addresses"
	}
	return is.Name
}
