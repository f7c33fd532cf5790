package why

import "strings"

// around is how many lines that are the same are shown on each side of those that differ.
const around = 2

// most is how many lines of each text are compared one by one. Beyond that all lines between the first and the last difference count
// as changed.
const most = 2000

// diff compares two texts by lines, as view.WhyOutput has it. It is nil where they are the same.
func diff(was, is string) []string {
	if was == is {
		return nil
	}
	return shorten(edits(lines(was), lines(is)))
}

func lines(text string) []string {
	return strings.Split(strings.TrimSuffix(strings.ReplaceAll(text, "\r\n", "\n"), "\n"), "\n")
}

// edits are all lines of both texts, each once: marked with "-", "+" or a blank.
func edits(was, is []string) (out []string) {
	head := 0
	for head < min(len(was), len(is)) && was[head] == is[head] {
		head++
	}
	tail := 0
	for tail < min(len(was), len(is))-head && was[len(was)-1-tail] == is[len(is)-1-tail] {
		tail++
	}

	for _, line := range was[:head] {
		out = append(out, " "+line)
	}
	out = append(out, between(was[head:len(was)-tail], is[head:len(is)-tail])...)
	for _, line := range was[len(was)-tail:] {
		out = append(out, " "+line)
	}
	return out
}

// between is edits by the longest common subsequence.
func between(was, is []string) (out []string) {
	if len(was) > most || len(is) > most {
		for _, line := range was {
			out = append(out, "-"+line)
		}
		for _, line := range is {
			out = append(out, "+"+line)
		}
		return out
	}

	common := make([][]int, len(was)+1) // of what follows both places
	for i := range common {
		common[i] = make([]int, len(is)+1)
	}
	for i := len(was) - 1; i >= 0; i-- {
		for j := len(is) - 1; j >= 0; j-- {
			if common[i][j] = max(common[i+1][j], common[i][j+1]); was[i] == is[j] {
				common[i][j] = common[i+1][j+1] + 1
			}
		}
	}

	i, j := 0, 0
	for i < len(was) || j < len(is) {
		switch {
		case i < len(was) && j < len(is) && was[i] == is[j]:
			out, i, j = append(out, " "+was[i]), i+1, j+1
		case j == len(is) || i < len(was) && common[i+1][j] >= common[i][j+1]:
			out, i = append(out, "-"+was[i]), i+1
		default:
			out, j = append(out, "+"+is[j]), j+1
		}
	}
	return out
}

// shorten leaves out what is far from every difference.
func shorten(all []string) (out []string) {
	near := make([]bool, len(all))
	for i, line := range all {
		if line[0] != ' ' {
			for k := max(0, i-around); k <= min(len(all)-1, i+around); k++ {
				near[k] = true
			}
		}
	}
	for i, line := range all {
		if near[i] {
			out = append(out, line)
		} else if i > 0 && near[i-1] || i == 0 {
			out = append(out, "@@")
		}
	}
	return out
}
