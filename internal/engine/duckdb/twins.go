package duckdb

import (
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// identity shows whether two names belong to one file. The number of an inode says so only where it has several
// names: some network file systems give numbers that are not unique.
type identity struct {
	file string // the same for all names of a file
	own  bool   // no link leads from the name to the file
}

// identify notes which file a name belongs to.
func (f *finder) identify(name string, e fs.DirEntry, info fs.FileInfo) {
	dir := filepath.Dir(name)
	own := f.realFolder(dir) == filepath.Join(f.realFolder(f.base), strings.TrimPrefix(dir, f.base))
	id := identity{file: filepath.Join(f.realFolder(dir), e.Name()), own: own}
	if e.Type()&fs.ModeSymlink != 0 {
		id.own = false
		if real, err := filepath.EvalSymlinks(name); err == nil {
			id.file = real
		}
	}

	if stat, known := info.Sys().(*syscall.Stat_t); known && stat.Nlink > 1 {
		id.file = fmt.Sprintf("inode %d:%d", stat.Dev, stat.Ino)
	}
	f.ids[name] = id
}

// realFolder is a folder's path with all links resolved.
func (f *finder) realFolder(dir string) string {
	if real, known := f.real[dir]; known {
		return real
	}
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		real = dir
	}
	f.real[dir] = real
	return real
}

// once keeps one of the names of each file: one that is not a link, if there is one, otherwise the first.
func (f *finder) once(names []string) []string {
	kept := make(map[string]string, len(names))
	for _, name := range names {
		id := f.ids[name]
		if first, found := kept[id.file]; !found || id.own && !f.ids[first].own {
			kept[id.file] = name
		}
	}
	return slices.DeleteFunc(names, func(name string) bool {
		first := kept[f.ids[name].file]
		if first != name {
			f.twins[name] = first
		}
		return first != name
	})
}

// shared says which files more than one pattern matches, by the same name or by several: what is in them counts for each.
func (f *finder) shared(matches [][]string) (notes []string) {
	first := map[string]string{} // name, by file
	same := map[string]bool{}
	linked := map[string]bool{}
	for _, names := range matches {
		for _, name := range names {
			before, found := first[f.ids[name].file]
			switch {
			case !found:
				first[f.ids[name].file] = name
			case before == name:
				same[f.short(name)] = true
			default:
				linked[f.short(name)+" is "+f.short(before)] = true
			}
		}
	}

	if len(same) > 0 {
		notes = append(notes, "the names of several periods match the same file, whose rows count in each of them: "+few(slices.Collect(maps.Keys(same))))
	}
	if len(linked) > 0 {
		notes = append(notes, "files of several periods are the same file, whose rows count in each of them: "+few(slices.Collect(maps.Keys(linked))))
	}
	return notes
}
