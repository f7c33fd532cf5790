package cache

import (
	"slices"
	"strings"

	"github.com/hindcast/hindcast/internal/chunks"
)

// wanted returns which of a file's bytes a reader of these top-level columns needs: the footer, and the chunks, indexes
// and filters of each column that exists. Nil columns, and any doubt, give the whole file. read returns bytes of the
// file.
func wanted(size int64, columns []string, read func(span) ([]byte, error)) (spans, error) {
	all := spans{{0, size}}
	if columns == nil || size == 0 {
		return all, nil
	}

	layout, err := chunks.Read(size, func(s chunks.Span) ([]byte, error) { return read(span{s.From, s.To}) })
	if err != nil {
		return nil, err
	}
	if layout == nil {
		return all, nil
	}

	want := []span{{layout.Footer.From, layout.Footer.To}}
	for _, c := range layout.Columns {
		if !slices.ContainsFunc(columns, func(name string) bool { return strings.EqualFold(name, c.Name) }) {
			continue
		}
		for _, s := range c.Spans {
			want = append(want, span{s.From, s.To})
		}
	}

	return union(want...), nil
}
