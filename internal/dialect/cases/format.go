package cases

import (
	"slices"
	"strings"
)

// Fill returns the text of a file with what its cases expect replaced by these results, by name. Others stay as they are.
func Fill(stem, text string, results map[string]Result) (string, error) {
	all, err := Parse(stem, text)
	if err != nil {
		return "", err
	}
	lines := strings.Split(text, "\n")
	for _, c := range slices.Backward(all) {
		if result, ok := results[c.Name]; ok {
			lines = slices.Replace(lines, c.expected, c.end, result.lines(c.Ordered)...)
		}
	}
	return strings.Join(lines, "\n"), nil
}

// lines are the result's, as a file holds them; without an order of its own in that of the text.
func (r Result) lines(ordered bool) []string {
	if r.Error != "" {
		return []string{"---- error " + r.Error}
	}
	names := make([]string, len(r.Types))
	for i, t := range r.Types {
		names[i] = t.String()
	}
	rows := make([]string, len(r.Rows))
	for i, row := range r.Rows {
		rows[i] = r.row(row)
	}
	if !ordered {
		slices.Sort(rows)
	}
	return append([]string{"---- " + strings.Join(names, ", ")}, rows...)
}

func (r Result) row(row []Value) string {
	values := make([]string, len(row))
	for i, v := range row {
		switch {
		case v.Null:
			values[i] = "NULL"
		case r.Types[i].quoted():
			values[i] = "'" + strings.ReplaceAll(v.Text, "'", "''") + "'"
		default:
			values[i] = v.Text
		}
	}
	return strings.Join(values, ", ")
}

// String is the result as a file holds it.
func (r Result) String() string { return strings.Join(r.lines(true), "\n") }
