package plan

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/numbers"
)

// Change is what became of the user's own files of a unit, or of a dimension, since a result was made of them.
type Change struct {
	Record *hindcast.Manifest
	Lost   string // what is gone, in words; "" if nothing is
	Other  string // what else changed
	Next   string // a slice that reads them
}

// Changes compares the files of the plan's slices, of those that run only if so asked, with the records of what results
// were made of.
func (p *Plan) Changes(records []*hindcast.Manifest, running bool) []Change {
	now := map[string]*Unit{}
	for i := range p.Units {
		now[p.Units[i].Fact+"\x00"+p.Units[i].Source] = &p.Units[i]
	}
	for _, d := range p.Dims {
		now[d.Name+"\x00"+d.Source] = &Unit{Files: d.Files, Layouts: d.Layouts, Content: d.Content}
	}
	damaged := make(map[string]bool, len(p.Damaged))
	for _, d := range p.Damaged {
		damaged[d.Path] = true
	}
	var changes []Change
	for _, all := range records {
		r := readable(all, damaged)
		u := now[r.Name+"\x00"+r.Source]
		if u == nil {
			u = &Unit{} // none is there, and none has to be
		}
		reader, read := p.reader(r, running, len(u.Files) == 0)
		if !read {
			continue
		}
		c := Change{Record: r, Lost: lost(r, u, p.Pipeline.Dir), Next: p.Label(reader)}
		if c.Lost == "" && r.Sums.Content != u.Content {
			c.Other = other(r.Files, u.Files, len(r.Files) < len(all.Files))
		}
		if c.Lost != "" || c.Other != "" {
			changes = append(changes, c)
		}
	}
	return changes
}

// readable is a record of those of its files that are not known to be damaged: what is damaged is not lost as well, and is
// told by itself.
func readable(r *hindcast.Manifest, damaged map[string]bool) *hindcast.Manifest {
	if !slices.ContainsFunc(r.Files, func(f hindcast.File) bool { return damaged[f.Path] }) {
		return r
	}
	rest := *r
	rest.Layouts = slices.Clone(hindcast.Filled(r.Layouts, r.Files))
	for i, l := range rest.Layouts {
		rest.Layouts[i].Files = slices.DeleteFunc(slices.Clone(l.Files), func(path string) bool { return damaged[path] })
	}
	rest.Files = slices.DeleteFunc(slices.Clone(r.Files), func(f hindcast.File) bool { return damaged[f.Path] })
	return &rest
}

// reader is a slice of the plan that reads the files of a record, if they are still those that the pipeline names. One
// that is skipped because they are gone would read them.
func (p *Plan) reader(r *hindcast.Manifest, running, gone bool) (string, bool) {
	reads := func(hindcast.Slice) bool { return false }
	for _, f := range p.Pipeline.Facts {
		if f.Name == r.Name && f.Files != "" && (r.Source == f.Files || f.TimeNamed() && r.Source == fill(f, r.Interval.Start.In(zoneOf(p.Pipeline.History)))) {
			reads = func(s hindcast.Slice) bool { return Window(f, s).Overlaps(r.Interval) }
		}
	}
	for _, d := range p.Pipeline.Dims {
		if d.Name == r.Name && d.Files != "" && r.Source == d.Files {
			reads = func(hindcast.Slice) bool { return true }
		}
	}
	for _, item := range p.Items {
		runs := item.Reason.Runs() || gone && item.Reason == hindcast.ReasonMissing
		if (runs || !running) && reads(item.Slice) {
			return item.Slice.Key, true
		}
	}
	return "", false
}

// lost says what a unit's files had and have no longer. Rows are counted by folder, so that files may be written again
// under other names.
func lost(r *hindcast.Manifest, u *Unit, dir string) string {
	was, is := byFolder(r.Files), byFolder(u.Files)
	for _, folder := range slices.Sorted(maps.Keys(was)) {
		if is[folder] >= was[folder] {
			continue
		}
		text := fmt.Sprintf("%s had %s when %s read it and has %s now", strings.TrimPrefix(folder, dir+"/"), numbers.Counted(was[folder], "row"), r.Run, numbers.Thousands(is[folder]))
		if gone := missingFiles(r.Files, u.Files, folder); gone != "" {
			text += ", without " + gone
		}
		return text
	}
	before, after := withColumn(r.Layouts, r.Files), withColumn(u.Layouts, u.Files)
	for _, c := range r.Columns {
		name := strings.ToLower(c.Name)
		elsewhere := slices.ContainsFunc(u.Columns, func(now hindcast.Column) bool { return strings.EqualFold(now.Name, c.Name) })
		if n := after[name]; c.Folder == "" && n < before[name] && (n > 0 || elsewhere) { // where no file has it, SQL that reads it is refused
			return fmt.Sprintf("%s had the column %q in files of %s when %s read it, and has it in files of %s now", r.Source, c.Name,
				numbers.Counted(before[name], "row"), r.Run, numbers.Counted(n, "row"))
		}
	}
	return ""
}

func byFolder(files []hindcast.File) map[string]int64 {
	rows := map[string]int64{}
	for _, f := range files {
		rows[path.Dir(f.Path)] += f.Rows
	}
	return rows
}

// withColumn counts the rows of files that have a column, by its name in lower case.
func withColumn(layouts []hindcast.Layout, files []hindcast.File) map[string]int64 {
	rows := make(map[string]int64, len(files))
	for _, f := range files {
		rows[f.Path] = f.Rows
	}
	count := map[string]int64{}
	for _, l := range hindcast.Filled(layouts, files) {
		var n int64
		for _, file := range l.Files {
			n += rows[file]
		}
		for _, name := range l.Columns {
			count[strings.ToLower(name)] += n
		}
	}
	return count
}

// missingFiles names the files of a folder that are not there any more.
func missingFiles(was, is []hindcast.File, folder string) string {
	there := map[string]bool{}
	for _, f := range is {
		there[f.Path] = true
	}
	var gone []string
	for _, f := range was {
		if path.Dir(f.Path) == folder && !there[f.Path] {
			gone = append(gone, path.Base(f.Path))
		}
	}
	return few(gone)
}

// other says of files that are not as they were which those are; "" if only some were compared, and none of these differs
// in name, size or time.
func other(was, is []hindcast.File, some bool) string {
	before := map[string]hindcast.File{}
	for _, f := range was {
		before[f.Path] = f
	}
	var fresh, changed []string
	for _, f := range is {
		old, known := before[f.Path]
		delete(before, f.Path)
		switch {
		case !known:
			fresh = append(fresh, f.Path)
		case old.Bytes != f.Bytes || old.Modified != f.Modified:
			changed = append(changed, f.Path)
		}
	}
	var parts []string
	for _, group := range []struct {
		names []string
		what  string
	}{{fresh, "new"}, {changed, "changed"}, {slices.Sorted(maps.Keys(before)), "gone, its rows are in others"}} {
		if len(group.names) > 0 {
			parts = append(parts, few(group.names)+" ("+group.what+")")
		}
	}
	if len(parts) == 0 && !some {
		return "a file has another footer, and the size and time that it had"
	}
	return strings.Join(parts, ", ")
}

func few(names []string) string {
	const shown = 3
	if len(names) > shown {
		return strings.Join(names[:shown], ", ") + " and " + numbers.Thousands(len(names)-shown) + " more"
	}
	return strings.Join(names, ", ")
}

// Loss is E-SOURCE for a plan whose running slices would be made of less than what is published was made of; nil if
// that is accepted.
func (p *Plan) Loss(records []*hindcast.Manifest) error {
	var gone []string
	var first hindcast.Place
	for _, c := range p.Changes(records, true) {
		if c.Lost == "" {
			continue
		}
		if len(gone) == 0 {
			first = placeOf(&p.Pipeline, "facts."+c.Record.Name+".files")
			if c.Record.Interval == (hindcast.Interval{}) {
				first = placeOf(&p.Pipeline, "dimensions."+c.Record.Name+".files")
			}
		}
		gone = append(gone, c.Lost)
	}
	if len(gone) == 0 || p.AcceptLoss {
		return nil
	}
	return &hindcast.Error{Code: hindcast.ESource, Class: hindcast.ClassPermanent, Place: first, Message: gone[0], Detail: some(gone),
		Next: "put back what is gone; if that was done on purpose: hindcast run --accept-loss"}
}
