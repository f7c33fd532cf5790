package survey

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/plan"
)

// damaged records the user's own files that were left out. Columns that no other file has are taken from the lake's
// records, so that the SQL still binds. It returns E-PARQUET if there is no record of the columns either.
func (s *Survey) damaged(ctx context.Context, of plan.Files, found *engine.Scanned) error {
	if len(found.Damaged) == 0 {
		return nil
	}
	name := nameOf(of.Key)
	for _, d := range found.Damaged {
		s.found = append(s.found, plan.Damaged{Name: name, Path: d.Path, Message: d.Why})
	}
	records, err := s.Lake.Records(ctx)
	if err != nil {
		return err
	}
	slices.SortFunc(records, func(a, b *hindcast.Manifest) int { return cmp.Compare(b.CreatedAt.UnixNano(), a.CreatedAt.UnixNano()) })

	for _, r := range records {
		if r.Name != name {
			continue
		}
		for _, c := range r.Columns {
			known := slices.ContainsFunc(found.Columns, func(now hindcast.Column) bool { return strings.EqualFold(now.Name, c.Name) })
			if !known {
				found.Columns = append(found.Columns, c)
			}
		}
	}
	if len(found.Columns) == 0 {
		return &hindcast.Error{Code: hindcast.EParquet, Class: hindcast.ClassPermanent, Place: s.place(of.Key, "files"),
			Message: "no file of " + name + " can be read, and no run has recorded its columns: " + found.Damaged[0].Why,
			Next:    "restore the files, or correct `files:`"}
	}
	return nil
}
