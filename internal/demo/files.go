package demo

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"text/template"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/numbers"
)

// folder holds the demo's files, as templates.
//
//go:embed folder
var folder embed.FS

// Files writes the pipeline, its SQL and the README into dir, which it creates. It never changes a file: one with the
// same content stays, one with other content is E-USAGE and nothing is written. undo removes what it wrote, and the
// folder unless it holds anything else.
func Files(dir string, o Options) (undo func(), err error) {
	if o, err = o.filled(); err != nil {
		return nil, err
	}

	_, there := os.Stat(dir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, duck.Translate(err)
	}

	missing, err := missing(dir, o)
	if err != nil {
		return nil, err
	}

	undo = func() {
		for path := range missing {
			_ = os.Remove(path)
		}
		if there != nil {
			_ = os.Remove(dir) // if it is empty
		}
	}

	for path, text := range missing {
		if err := create(path, text); err != nil {
			undo()
			return nil, fmt.Errorf("writing %s: %w", path, duck.Translate(err))
		}
	}

	return undo, nil
}

// missing returns the texts of the files that do not exist yet.
func missing(dir string, o Options) (map[string][]byte, error) {
	missing := map[string][]byte{}
	for _, name := range []string{PipelineFile, SQLFile, ReadmeFile} {
		text, err := render(name, o)
		if err != nil {
			return nil, fmt.Errorf("writing the demo's %s: %w", name, err)
		}
		path := filepath.Join(dir, name)
		switch there, err := os.ReadFile(path); {
		case errors.Is(err, fs.ErrNotExist):
			missing[path] = text
		case err != nil:
			return nil, duck.Translate(err)
		case !bytes.Equal(there, text):
			return nil, &hindcast.Error{Code: hindcast.EUsage, Class: hindcast.ClassPermanent,
				Place: hindcast.Place{File: path}, Message: "the file is already there with other content, and the demo overwrites nothing",
				Next: "name another folder; or, to run the pipeline that is there, use `hindcast run` in its folder"}
		}
	}

	return missing, nil
}

// plain matches values that YAML reads without quotes.
var plain = regexp.MustCompile(`^[A-Za-z0-9./~][A-Za-z0-9._/:~-]*[A-Za-z0-9._/-]$`)

func render(name string, o Options) ([]byte, error) {
	switch { // the SQL has no placeholders
	case name == SQLFile && o.Dialect != "":
		return folder.ReadFile("folder/cost_summary." + o.Dialect + ".sql")
	case name == SQLFile:
		return folder.ReadFile("folder/" + name)
	}

	quoted := func(value string) string {
		if plain.MatchString(value) {
			return value
		}
		return strconv.Quote(value)
	}
	blanks, err := template.New(name).Funcs(template.FuncMap{"quoted": quoted}).ParseFS(folder, "folder/"+name)
	if err != nil {
		return nil, err
	}

	var text bytes.Buffer
	err = blanks.Execute(&text, struct {
		Options
		From, To, RowsText string
		Foreign            bool // the warehouse's SQL is not the engine's
	}{o, start.Format(time.DateOnly), sliceStart(o.Slices).Format(time.DateOnly), numbers.Thousands(o.Rows), !strings.HasPrefix(o.Warehouse, "duckdb:")})
	return text.Bytes(), err
}

// create writes a new file, whole or not at all: a truncated file would be refused by the next demo.
func create(path string, text []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}

	_, err = file.Write(text)
	err = errors.Join(err, file.Chmod(0o644), file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}

	return nil
}
