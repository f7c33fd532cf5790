package config

import (
	"fmt"
	"strings"
)

// didYouMean ends a message about a mistyped word with the candidate that it most likely means; empty if none is close.
func didYouMean(word string, candidates []string) string {
	if near := nearest(word, candidates); near != "" {
		return fmt.Sprintf(", did you mean %q?", near)
	}
	return ""
}

// nearest returns the candidate that a mistyped word most likely means; empty if none is close.
func nearest(word string, candidates []string) string {
	best, limit := "", max(len(word)/3, 1)+1
	for _, candidate := range candidates {
		if n := distance(plain(word), plain(candidate)); n < limit {
			best, limit = candidate, n
		}
	}

	return best
}

// plain removes the differences that people mix up: case, and "-" or " " for "_".
func plain(word string) string {
	return strings.NewReplacer("-", "_", " ", "_").Replace(strings.ToLower(word))
}

// distance counts the letters to insert, delete, change or swap with a neighbour to turn a into b.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	older, old := []int(nil), make([]int, len(y)+1)
	for j := range old {
		old[j] = j
	}

	for i := 1; i <= len(x); i++ {
		row := make([]int, len(y)+1)
		row[0] = i
		for j := 1; j <= len(y); j++ {
			change := old[j-1]
			if x[i-1] != y[j-1] {
				change++
			}
			row[j] = min(old[j]+1, row[j-1]+1, change)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], older[j-2]+1)
			}
		}

		older, old = old, row
	}

	return old[len(y)]
}
