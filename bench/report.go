package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"
)

// row is one line of the table.
type row struct {
	figure, measured, reach, verdict string
}

// ratio adds a figure that should be at least reach.
func (b *bench) ratio(figure string, measured, reach float64, detail string) {
	b.add(row{figure, fmt.Sprintf("%.2f (%s)", measured, detail), fmt.Sprintf(">= %.2f", reach), verdict(measured >= reach)})
}

// most adds a ratio that should be at most reach.
func (b *bench) most(figure string, measured, reach float64, detail string) {
	b.add(row{figure, fmt.Sprintf("%.3f (%s)", measured, detail), fmt.Sprintf("<= %.2f", reach), verdict(measured <= reach)})
}

// below adds a figure that should be below reach.
func (b *bench) below(figure string, measured, reach float64, unit, detail string) {
	text := number(measured) + " " + unit
	if detail != "" {
		text += " (" + detail + ")"
	}
	b.add(row{figure, text, "< " + number(reach) + " " + unit, verdict(measured < reach)})
}

// peer adds a figure for comparison only.
func (b *bench) peer(figure, measured string) { b.add(row{figure, measured, "", ""}) }

func (b *bench) add(r row) {
	b.rows = append(b.rows, r)
	say("  %s: %s %s %s", r.figure, r.measured, r.reach, r.verdict)
}

func verdict(reached bool) string {
	if reached {
		return "reached"
	}
	return "**not reached**"
}

func number(x float64) string {
	switch {
	case x >= 100:
		return fmt.Sprintf("%.0f", x)
	case x >= 10:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.2f", x)
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	switch {
	case n == 0:
		return 0
	case n%2 == 1:
		return sorted[n/2]
	}

	return (sorted[n/2-1] + sorted[n/2]) / 2
}

// table is the rows in Markdown, its columns aligned for a terminal as well.
func (b *bench) table() string {
	lines := [][]string{{"figure", "measured", "to reach", "verdict"}, {"-", "-", "-", "-"}}
	for _, r := range b.rows {
		lines = append(lines, []string{r.figure, r.measured, r.reach, r.verdict})
	}

	widths := make([]int, len(lines[0]))
	for _, line := range lines {
		for i, cell := range line {
			widths[i] = max(widths[i], len(cell))
		}
	}

	var out strings.Builder
	for _, line := range lines {
		for i, cell := range line {
			pad := " "
			if cell == "-" {
				pad = "-"
				cell = "--"
			}

			out.WriteString("|" + pad + cell + strings.Repeat(pad, max(widths[i]-len(cell), 0)) + pad)
		}
		out.WriteString("|\n")
	}

	return out.String()
}

// machine says where and with what the figures were measured.
func (b *bench) machine() string {
	version, err := exec.Command(b.hindcast, "version").Output()
	if err != nil {
		version = []byte("hindcast, of unknown version")
	}
	return fmt.Sprintf("%s, %d cores (load %s at the end), %s/%s, %s", cpu(), runtime.NumCPU(), load(), runtime.GOOS, runtime.GOARCH,
		strings.Join(strings.Fields(string(version)), " "))
}

// load is the machine's load average: well above the number of cores it means that the machine was busy with other
// work.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	one, _, _ := strings.Cut(string(text), " ")
	return one
}

func cpu() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown CPU"
	}

	for line := range strings.Lines(string(text)) {
		if name, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}

	return "unknown CPU"
}

const (
	mark    = "<!-- measured: bench/run replaces what is between these marks -->\n"
	markEnd = "<!-- end of what is measured -->\n"
)

// write replaces the measured section of the page; the text around it is written by people.
func (b *bench) write(path, table string, took time.Duration) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}

	head, rest, found := strings.Cut(string(text), mark)
	_, tail, ended := strings.Cut(rest, markEnd)
	if !found || !ended {
		return fmt.Errorf("%s has no marks for what is measured", path)
	}

	measured := fmt.Sprintf("\nMeasured %s in %.0f minutes on: %s.\n\n%s\n", time.Now().Format("2006-01-02"), took.Minutes(), b.machine(), table)
	return os.WriteFile(path, []byte(head+mark+measured+markEnd+tail), 0o644)
}
