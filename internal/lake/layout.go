package lake

import (
	"fmt"
	"hash/crc32"
	"regexp"
	"strconv"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/objstore"
)

// reserved is the folder of all that is hindcast's own bookkeeping. No pipeline's folder can have this name:
// a leading underscore is escaped.
const reserved = "_hindcast/"

// Bookkeeping is the prefix of a pipeline's own records: lease, catalog, runs.
func Bookkeeping(pipeline string) string { return reserved + objstore.Escape(pipeline) + "/" }

// LeaseKey is the key of the pipeline's lease.
func LeaseKey(pipeline string) string { return Bookkeeping(pipeline) + "lease.json" }

// RunPrefix is where all of a run's records are, its journal among them.
func RunPrefix(pipeline, run string) string {
	return Bookkeeping(pipeline) + "runs/" + objstore.Escape(run) + "/"
}

// StopKey is the key of the request to stop a run.
func StopKey(pipeline, run string) string { return RunPrefix(pipeline, run) + "stop.json" }

// RunPrefix is where all of a run's records are, its journal among them.
func (l *Lake) RunPrefix(run string) string { return RunPrefix(l.pipeline, run) }

// PlanKey is the key of a run's frozen plan.
func (l *Lake) PlanKey(run string) string { return l.RunPrefix(run) + "plan.json" }

// LogKey is the key of a run's log, a text file.
func (l *Lake) LogKey(run string) string { return l.RunPrefix(run) + "log" }

// Tags is what the tags of all work on the pipeline begin with. Where an engine serves several lakes, two of them may have pipelines
// of the same name.
func (l *Lake) Tags() string {
	return fmt.Sprintf("%s-%08x/", l.pipeline, crc32.ChecksumIEEE([]byte(l.store.URL())))
}

// Prefix is where one attempt at the generation that m describes writes, and nobody else (promise 3): the fence in it
// keeps a process that was taken over, and counts the same attempt, apart from its successor.
func (l *Lake) Prefix(m *hindcast.Manifest) string {
	below := l.unitPrefix(m.Name, m.Key)
	switch {
	case m.Target != "":
		below = l.resultPrefix(m.Target, m.Key)
	case isDim(m):
		below = l.dimPrefix(m.Name)
	}
	return below + fmt.Sprintf("g%d-%s-%s/", m.Generation, objstore.Escape(m.Run), attemptName(m.Fence, m.Attempt))
}

// attemptName distinguishes all attempts at one thing in one run.
func attemptName(fence int64, attempt int) string {
	if fence == 0 { // of a lake that an earlier hindcast wrote
		return "a" + strconv.Itoa(attempt)
	}
	return fmt.Sprintf("f%d-a%d", fence, attempt)
}

func (l *Lake) unitPrefix(fact, unit string) string {
	return objstore.Escape(l.pipeline) + "/facts/" + objstore.Escape(fact) + "/" + objstore.Escape(unit) + "/"
}

func (l *Lake) dimPrefix(dim string) string {
	return objstore.Escape(l.pipeline) + "/dimensions/" + objstore.Escape(dim) + "/"
}

// resultsPrefix is where the results are kept that were committed in the target.
func (l *Lake) resultsPrefix(target string) string {
	return objstore.Escape(l.pipeline) + "/results/" + objstore.Escape(target) + "/"
}

func (l *Lake) resultPrefix(target, slice string) string {
	return l.resultsPrefix(target) + objstore.Escape(slice) + "/"
}

// StagingPrefix is where an attempt's result is staged.
func (l *Lake) StagingPrefix(run, slice string, fence int64, attempt int) string {
	return l.stagingOf(run, slice) + attemptName(fence, attempt) + "/"
}

// OutputPrefix is where an attempt writes what is of one of several outputs, below its own prefix, so that what is deleted by
// attempt is deleted whole. The only output has no name, and the whole prefix.
func OutputPrefix(attempt, output string) string {
	if output == "" {
		return attempt
	}
	return attempt + objstore.Escape(output) + "/"
}

// stagingOf is where all attempts of a run at a slice stage.
func (l *Lake) stagingOf(run, slice string) string {
	return l.RunPrefix(run) + "staging/" + objstore.Escape(slice) + "/"
}

// PreviousPrefix is where an attempt's load keeps the rows that it replaces.
func (l *Lake) PreviousPrefix(run, slice string, fence int64, attempt int) string {
	return l.RunPrefix(run) + "previous/" + objstore.Escape(slice) + "/" + attemptName(fence, attempt) + "/"
}

// ViewsKey is the key of the script of views over the current generations.
func (l *Lake) ViewsKey() string { return objstore.Escape(l.pipeline) + "/views.sql" }

func (l *Lake) catalogPrefix() string { return Bookkeeping(l.pipeline) + "catalog/" }

func (l *Lake) factPrefix(fact string) string {
	return l.catalogPrefix() + "facts/" + objstore.Escape(fact) + "/"
}

func (l *Lake) factKey(fact, unit string) string {
	return l.factPrefix(fact) + objstore.Escape(unit) + entrySuffix
}

// entrySuffix ends the key of every entry.
const entrySuffix = ".json"

// indexKey is not below the catalog: a folder of entries holds nothing else.
func (l *Lake) indexKey(fact string) string { return l.indexPrefix() + objstore.Escape(fact) }

func (l *Lake) indexPrefix() string { return Bookkeeping(l.pipeline) + "index/" }

// changesKey is of what changed since the index was written.
func (l *Lake) changesKey(fact string) string {
	return Bookkeeping(l.pipeline) + "changes/" + objstore.Escape(fact)
}

func (l *Lake) dimKey(dim string) string {
	return l.catalogPrefix() + "dimensions/" + objstore.Escape(dim) + entrySuffix
}

// keptPrefix is where the entries of the results are that were committed in the target.
func (l *Lake) keptPrefix(target string) string {
	return l.catalogPrefix() + "results/" + objstore.Escape(target) + "/"
}

func (l *Lake) keptKey(target, slice string) string {
	return l.keptPrefix(target) + objstore.Escape(slice) + entrySuffix
}

var (
	generationForm = regexp.MustCompile(`^g([1-9][0-9]*)-.*-a[0-9]+$`)
	runForm        = regexp.MustCompile(`^g[1-9][0-9]*-(.+?)(?:-f[1-9][0-9]*)?-a[0-9]+$`)
	attemptForm    = regexp.MustCompile(`(?:^|-)a([0-9]+)$`)
	fenceForm      = regexp.MustCompile(`(?:^|[-/])f([1-9][0-9]*)-a[0-9]+$`)
)

// generationOf reads the number out of a generation's folder; 0 for a folder that is not ours.
func generationOf(folder string) int { return int(numberIn(generationForm, folder)) }

// fenceOf reads the fence out of the folder of an attempt; 0 if there is none.
func fenceOf(folder string) int64 { return numberIn(fenceForm, folder) }

// runOf reads the run out of the folder of a generation; "" if there is none.
func runOf(folder string) string {
	match := runForm.FindStringSubmatch(folder)
	if match == nil {
		return ""
	}

	run, err := objstore.Unescape(match[1])
	if err != nil {
		return ""
	}

	return run
}

// attemptOf reads the number of the attempt out of its folder.
func attemptOf(folder string) int { return int(numberIn(attemptForm, folder)) }

func numberIn(form *regexp.Regexp, text string) int64 {
	match := form.FindStringSubmatch(text)
	if match == nil {
		return 0
	}

	n, err := strconv.ParseInt(match[1], 10, 64)
	if err != nil {
		return 0
	}

	return n
}

// factOf reads which fact a catalog key is of.
func (l *Lake) factOf(key string) (fact string, ok bool) {
	below, ok := l.generationsOf(key)
	parts := strings.Split(below, "/")
	if !ok || parts[1] != "facts" {
		return "", false
	}
	fact, err := objstore.Unescape(parts[2])
	return fact, err == nil
}

// generationsOf is the prefix of the generations of what a catalog key is of: a fact's unit, a dimension, or a slice's result.
func (l *Lake) generationsOf(key string) (below string, ok bool) {
	path, isEntry := strings.CutSuffix(strings.TrimPrefix(key, l.catalogPrefix()), entrySuffix)
	parts := strings.Split(path, "/")
	kinds := map[string]int{"facts": 3, "dimensions": 2, "results": 3}
	if !isEntry || kinds[parts[0]] != len(parts) {
		return "", false
	}

	for _, name := range parts {
		if _, err := objstore.Unescape(name); err != nil {
			return "", false
		}
	}
	return objstore.Escape(l.pipeline) + "/" + path + "/", true
}
