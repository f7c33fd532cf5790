package screen

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/hindcast/hindcast/internal/numbers"
	"github.com/hindcast/hindcast/internal/view"
)

// Trial shows what computing slices at several sizes showed, and which size that recommends.
func Trial(w io.Writer, t *view.Trial, o Options) {
	pg := &page{o: o}
	unit := "threads x GiB"
	switch {
	case t.Cluster:
		unit = "executors x cores"
	case t.Glue:
		unit = "type of workers : how many"
	}
	what := t.Labels[0]
	if n := len(t.Slices); n > 1 {
		what = fmt.Sprintf("%s (%s to %s)", numbers.Counted(n, "slice"), t.Labels[0], t.Labels[n-1])
	}
	pg.wrap("", "", fmt.Sprintf("%s on %s; %s, the SQL and its checks alone", o.text(what), o.text(t.Engine), unit))
	pg.add("")

	if t.Glue {
		pg.glueTrial(t)
		pg.flush(w)
		return
	}

	table := [][]string{{"size", "start-up", "a slice", "memory", "spilled", "parallel", "history"}}
	for i := range t.Sizes {
		m := &t.Sizes[i]
		if m.Failed != "" {
			table = append(table, []string{m.Size.Name, "out of memory"})
			continue
		}
		table = append(table, []string{m.Size.Name, spoken(seconds(m.StartUp)), spoken(seconds(m.Seconds)), knownSize(m.Memory), numbers.Size(m.Spilled),
			strconv.Itoa(m.Parallel), spoken(seconds(m.HistorySeconds))})
	}
	pg.lines = append(pg.lines, aligned(table)...)

	if t.Price > 0 {
		pg.add("")
		of := "the machine"
		if t.Cluster {
			of = "an executor"
		}
		table = [][]string{{"size", "cost of a slice", "cost of history"}}
		for _, m := range t.Sizes {
			if m.Failed == "" {
				table = append(table, []string{m.Size.Name, cost(m.SliceCost), cost(m.HistoryCost)})
			}
		}
		pg.lines = append(pg.lines, aligned(table)...)
		pg.wrap("", "", fmt.Sprintf("An hour of %s costs %g.", of, t.Price))
	}

	pg.add("")
	pg.wrap("", "", fmt.Sprintf("History: all %s, as many side by side as there is room for, if the others are like %s. It is reckoned, not measured; "+
		"unload and load come on top.", numbers.Counted(t.History, "slice"), these(len(t.Slices))))
	pg.wrap("", "", advice(t))
	pg.flush(w)
}

// glueTrial is the rest of a trial on Glue, where each slice is a run, with a start-up of its own, that is billed by itself.
func (pg *page) glueTrial(t *view.Trial) {
	table := [][]string{{"size", "start-up", "a slice", "unit-hours", "cost", "parallel", "history", "unit-hours", "cost", ""}}
	for i := range t.Sizes {
		m := &t.Sizes[i]
		if m.Failed != "" {
			table = append(table, []string{m.Size.Name, "out of memory"})
			continue
		}
		var marks []string
		if m.Cheapest {
			marks = append(marks, "cheapest")
		}
		if m.Fastest {
			marks = append(marks, "fastest")
		}
		table = append(table, []string{m.Size.Name, spoken(seconds(m.StartUp)), spoken(seconds(m.Seconds)), amount(m.SliceHours), dollars(m.SliceCost),
			strconv.Itoa(m.Parallel), spoken(seconds(m.HistorySeconds)), amount(m.HistoryHours), dollars(m.HistoryCost), strings.Join(marks, ", ")})
	}
	pg.lines = append(pg.lines, aligned(table)...)

	pg.add("")
	pg.wrap("", "", "Start-up is a run over no rows; it is in the time of each slice, and is billed with it. Unit-hours are DPU-hours, or M-DPU-hours of R workers.")
	pg.wrap("", "", fmt.Sprintf("History: all %s, as many side by side as the jobs allow, if the others are like %s. It is reckoned, not measured; "+
		"unload and load come on top.", numbers.Counted(t.History, "slice"), these(len(t.Slices))))
	pg.wrap("", "", advice(t))
}

func dollars(usd float64) string {
	if usd == 0 {
		return "unknown"
	}
	return "$" + money(usd)
}

func these(n int) string {
	if n == 1 {
		return "this one"
	}
	return "these"
}

func advice(t *view.Trial) string {
	a := t.Advice
	switch {
	case a == nil:
		return "No size had enough memory: try larger ones, or shorter slices."
	case t.Glue:
		return fmt.Sprintf("Recommended: %s. glue: {worker_type: %s, number_of_workers: %d}", a.Size, a.WorkerType, a.Workers)
	case t.Cluster:
		memory := ""
		if a.ExecutorMemory > 0 {
			memory = fmt.Sprintf(", executor_memory: %dMiB", a.ExecutorMemory>>20)
		}
		return fmt.Sprintf("Recommended: %s. spark: {executors: %d, cores: %d%s}, run: {parallel: %d}", a.Size, a.Executors, a.Cores, memory, a.Parallel)
	}
	return fmt.Sprintf("Recommended: %s. run: {parallel: %d, memory: %dMiB}", a.Size, a.Parallel, a.Memory>>20)
}

// knownSize is size of what may be unknown.
func knownSize(n int64) string {
	if n == 0 {
		return "unknown"
	}
	return numbers.Size(n)
}

// cost is an amount of whatever the price is in, with three digits that count.
func cost(v float64) string {
	if v >= 100 {
		return numbers.Thousands(int64(v + 0.5))
	}
	if v <= 0 {
		return "0"
	}
	decimals := max(2, 2-int(math.Floor(math.Log10(v))))
	return strconv.FormatFloat(v, 'f', decimals, 64)
}

// aligned sets a table's columns below each other, all but the first to the right.
func aligned(table [][]string) []string {
	wide := make([]int, len(table[0]))
	for _, row := range table {
		for c, text := range row {
			if len(row) == len(wide) {
				wide[c] = max(wide[c], cells(text))
			}
		}
	}

	var lines []string
	for _, row := range table {
		line := padRight(row[0], wide[0])
		for c, text := range row[1:] {
			if len(row) < len(wide) {
				line += "  " + text
				continue
			}
			line += "  " + padLeft(text, wide[c+1])
		}
		lines = append(lines, strings.TrimRight(line, " "))
	}
	return lines
}
