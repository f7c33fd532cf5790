package duckdb

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
)

// finder looks for the files that patterns match. Like Spark and pyarrow it skips names that begin with _ or . unless the
// pattern spells that.
type finder struct {
	base   string              // absolute: folders from here on may name columns, and belong to a table format
	hidden map[string]bool     // what the patterns would match if its name were another
	other  map[string][]string // what else is not a data file, by reason
	looked map[string]bool     // folders
	ids    map[string]identity // of the files found
	real   map[string]string   // folders with all links resolved
	twins  map[string]string   // further names of files that are found already, and the names that are read
}

func newFinder(s engine.Search) *finder {
	base := s.Dir
	if len(s.Patterns) > 0 {
		pattern := path.Clean(s.Patterns[0])
		for ; strings.HasPrefix(pattern, "../"); pattern = pattern[len("../"):] {
			base = filepath.Dir(base)
		}
		if filepath.IsAbs(pattern) {
			base = "/"
		}
	}
	return &finder{base: base, hidden: map[string]bool{}, other: map[string][]string{}, looked: map[string]bool{},
		ids: map[string]identity{}, real: map[string]string{}, twins: map[string]string{}}
}

// find lists the files that a pattern matches, in the order of their names. A file that it comes to by several names is
// listed once.
func (f *finder) find(pattern string) ([]string, error) {
	rest := strings.TrimPrefix(path.Clean(pattern), "/")
	for strings.HasPrefix(rest, "../") {
		rest = rest[len("../"):] // the base is above already
	}
	names := strings.Split(rest, "/")
	for i, p := range names {
		names[i] = strings.ReplaceAll(p, "[!", "[^") // as a shell writes it
		if _, err := path.Match(names[i], ""); err != nil {
			return nil, &hindcast.Error{Code: hindcast.EValue, Class: hindcast.ClassPermanent,
				Message: fmt.Sprintf("%s is not a pattern: %q has no end", pattern, p), Next: `write \[ for a bracket that a name holds`}
		}
	}

	var found []string
	if err := f.walk(f.base, names, &found); err != nil {
		return nil, err
	}
	slices.Sort(found)
	found = f.once(slices.Compact(found)) // ** may come to a file twice
	for _, file := range found {
		f.formats(filepath.Dir(file))
	}
	return found, nil
}

// walk follows the components of a pattern from dir on.
func (f *finder) walk(dir string, names []string, found *[]string) error {
	component, last := names[0], len(names) == 1
	if !last && !strings.ContainsAny(component, `*?[\`) { // taken as is, links followed
		return f.walk(filepath.Join(dir, component), names[1:], found)
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || isFile(dir) {
		return nil
	}
	if err != nil {
		return unreadable(err)
	}
	if component == "**" && !last {
		if err := f.walk(dir, names[1:], found); err != nil {
			return err
		}
	}

	for _, e := range entries {
		if err := f.entry(dir, e, names, found); err != nil {
			return err
		}
	}
	return nil
}

func (f *finder) entry(dir string, e fs.DirEntry, names []string, found *[]string) error {
	component, last, name := names[0], len(names) == 1, filepath.Join(dir, e.Name())
	if matches, _ := path.Match(component, e.Name()); !matches && component != "**" {
		return nil
	}
	if hidden(e.Name()) && !spelled(component, e.Name()) {
		if last || e.IsDir() && component != "**" {
			f.hidden[name] = true
		}
		return nil
	}

	if component == "**" {
		switch {
		case e.IsDir():
			return f.walk(name, names, found)
		case e.Type()&fs.ModeSymlink != 0 && isFolder(name):
			f.note("is a link to a folder, which ** does not follow", name)
			return nil
		case !last:
			return nil
		}
	}

	info, err := os.Stat(name) // links followed
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.note("is a link to nothing", name)
	case err != nil:
		return unreadable(err)
	case !last && info.IsDir():
		return f.walk(name, names[1:], found)
	case !last:
	case info.IsDir():
		f.note("is a folder: write what is below it into the pattern, if it is data", name)
	case !info.Mode().IsRegular():
		f.note("is not a plain file", name)
	default:
		f.identify(name, e, info)
		*found = append(*found, name)
	}
	return nil
}

// hidden reports whether a name does not name data. Spark has partitions of columns that begin with _.
func hidden(name string) bool {
	return name[0] == '.' || name[0] == '_' && !strings.Contains(name, "=")
}

// spelled reports whether a pattern asks for a hidden name.
func spelled(component, name string) bool {
	return component[0] == name[0] || !strings.ContainsAny(component, "*?[")
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && !info.IsDir()
}

func isFolder(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

func unreadable(err error) error {
	code := hindcast.ELake
	if errors.Is(err, fs.ErrPermission) {
		code = hindcast.EPermission
	}
	return &hindcast.Error{Code: code, Class: hindcast.ClassPermanent, Message: err.Error(), Next: "give this user the right to read it, or correct `files:`", Cause: err}
}

func (f *finder) note(why, name string) { f.other[why] = append(f.other[why], name) }

// formats notes what makes a folder more than a set of files: the log of a table format, which says which of them
// count, or a Spark write that is not done.
func (f *finder) formats(dir string) {
	for ; !f.looked[dir]; dir = filepath.Dir(dir) {
		f.looked[dir] = true
		for name, why := range map[string]string{
			"_delta_log": "makes its folder a table of Delta Lake: files that were deleted from the table are read too",
			".hoodie":    "makes its folder a table of Hudi: files that were replaced are read too",
			"_temporary": "is left by a Spark write that is in progress, or died: its files are not all there",
		} {
			if found := filepath.Join(dir, name); isFolder(found) {
				f.note(why, found)
			}
		}
		if iceberg, _ := filepath.Glob(filepath.Join(literal(dir), "metadata", "*.metadata.json")); len(iceberg) > 0 {
			f.note("makes its folder a table of Iceberg: files that were deleted from the table are read too", filepath.Join(dir, "metadata"))
		}
		if dir == f.base || dir == "/" {
			return
		}
	}
}

// literal keeps a path's own characters from being a pattern of package filepath.
var literal = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace

// notes are what was left out, and what else is to be known, in words.
func (f *finder) notes() []string {
	var notes []string
	if len(f.hidden) > 0 {
		names := make([]string, 0, len(f.hidden))
		for name := range f.hidden {
			names = append(names, f.short(name))
		}
		notes = append(notes, "left out, as names that begin with _ or . are not data: "+few(names))
	}

	if len(f.twins) > 0 {
		names := make([]string, 0, len(f.twins))
		for name, kept := range f.twins {
			names = append(names, f.short(name)+" is "+f.short(kept))
		}
		notes = append(notes, "left out, as they are other names of files that are read: "+few(names))
	}

	for _, why := range slices.Sorted(maps.Keys(f.other)) {
		names := make([]string, len(f.other[why]))
		for i, name := range f.other[why] {
			names[i] = f.short(name)
		}
		notes = append(notes, few(names)+" "+why)
	}
	return notes
}

// few names some, and counts the rest.
func few(names []string) string {
	const shown = 3
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) <= shown {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), len(names)-shown)
}

// short is a name as it is seen from the pipeline's folder.
func (f *finder) short(name string) string {
	if below, found := strings.CutPrefix(name, f.base+"/"); found && f.base != "/" {
		return below
	}
	return name
}
