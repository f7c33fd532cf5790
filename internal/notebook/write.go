package notebook

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/config"
)

// places are where a notebook and its rows lie.
type places struct {
	file string // the notebook
	data string // the folder beside it
}

const suffix = ".ipynb"

// ignore is the file that keeps rows out of version control, and marks the folder as one that may be replaced.
const (
	ignoreFile = ".gitignore"
	ignoreText = "# Rows that hindcast notebook read for the notebook beside this folder. Remove both together.\n*\n"
)

// free refuses to replace what is not ours, or what somebody has changed.
func (p places) free(ctx context.Context, cells []cell, force bool) error {
	if marked, err := os.ReadFile(filepath.Join(p.data, ignoreFile)); !errors.Is(err, fs.ErrNotExist) && string(marked) != ignoreText || err != nil && there(p.data) {
		return refused(p.data+" is there already, and is not a notebook's", "name another notebook with --output, or move the folder away")
	}
	if force {
		return nil
	}

	text, err := config.ReadFile(ctx, p.file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return unwritable(p.file, err)
	case changed(text, cells):
		return refused(p.file+" was changed since hindcast wrote it", "name another one with --output, or replace it with --force")
	}
	return nil
}

func there(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// changed reports whether a notebook has a cell that is neither as it was written nor as it is to be written now. Outputs do not
// count: running it again gives them.
func changed(text []byte, cells []cell) bool {
	var was document
	if err := json.Unmarshal(text, &was); err != nil || was.Format == 0 {
		return true
	}
	for _, c := range was.Cells {
		source := c.Source.text()
		if strings.TrimSpace(source) == "" || c.Metadata.Hindcast.SHA256 == hash(source) {
			continue
		}
		same := false
		for _, now := range cells {
			same = same || now.Source.text() == source
		}
		if !same {
			return true
		}
	}
	return false
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// replace puts the notebook in its place, and its rows, if it has any, which are in a folder beside it.
func (p places) replace(text []byte, rows string, has bool) error {
	if err := os.RemoveAll(p.data); err != nil {
		return unwritable(p.data, err)
	}
	if has {
		err := os.WriteFile(filepath.Join(rows, ignoreFile), []byte(ignoreText), 0o600)
		if err = errors.Join(err, os.Rename(rows, p.data)); err != nil {
			return unwritable(p.data, err)
		}
	}

	part := p.file + ".part"
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return unwritable(p.file, err)
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(part, p.file)
	}
	if err != nil {
		return errors.Join(unwritable(p.file, err), os.Remove(part))
	}
	return nil
}

func refused(message, next string) error {
	return &hindcast.Error{Code: hindcast.EUsage, Class: hindcast.ClassPermanent, Message: message, Next: next}
}

func unwritable(path string, err error) error {
	e := &hindcast.Error{Code: hindcast.EUsage, Class: hindcast.ClassPermanent, Cause: err, Message: path + " cannot be written: " + cause(err),
		Next: "name another notebook with --output"}
	if errors.Is(err, fs.ErrPermission) {
		e.Code = hindcast.EPermission
	}
	return e
}

// cause is an error without the path, which is said already.
func cause(err error) string {
	if path, is := errors.AsType[*fs.PathError](err); is {
		return path.Err.Error()
	}
	return err.Error()
}

// document is a notebook as nbformat 4.5 has it.
type document struct {
	Cells    []cell         `json:"cells"`
	Metadata map[string]any `json:"metadata"`
	Format   int            `json:"nbformat"`
	Minor    int            `json:"nbformat_minor"`
}

type cell struct {
	Type     string   `json:"cell_type"`
	ID       string   `json:"id"`
	Metadata metadata `json:"metadata"`
	Source   source   `json:"source"`
}

type metadata struct {
	Hindcast written     `json:"hindcast,omitzero"`
	Jupyter  *appearance `json:"jupyter,omitempty"`
}

// written is what hindcast notes of a cell, to find out later whether somebody changed it.
type written struct {
	SHA256 string `json:"sha256"`
}

type appearance struct {
	Hidden bool `json:"source_hidden"`
}

// MarshalJSON adds what only cells with code have.
func (c cell) MarshalJSON() ([]byte, error) {
	type plain cell
	if c.Type != "code" {
		return encode(plain(c))
	}
	return encode(struct {
		plain
		Count   *int  `json:"execution_count"`
		Outputs []any `json:"outputs"`
	}{plain: plain(c), Outputs: []any{}})
}

// source is a cell's text, which a notebook has as one text or as its lines.
type source []string

func (s source) text() string { return strings.Join(s, "") }

// UnmarshalJSON takes both.
func (s *source) UnmarshalJSON(text []byte) error {
	var lines []string
	if json.Unmarshal(text, &lines) == nil {
		*s = lines
		return nil
	}
	var whole string
	err := json.Unmarshal(text, &whole)
	*s = source{whole}
	return err
}

// newCell makes a cell, of the lines that Jupyter would save it as.
func newCell(kind, id, text string, hidden bool) cell {
	text = strings.TrimRight(text, "\n")
	c := cell{Type: kind, ID: id, Metadata: metadata{Hindcast: written{SHA256: hash(text)}}, Source: source(strings.SplitAfter(text, "\n"))}
	if hidden {
		c.Metadata.Jupyter = &appearance{Hidden: true}
	}
	return c
}

// encode is JSON as it stands in notebooks: no character is escaped that need not be.
func encode(value any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	err := encoder.Encode(value)
	return out.Bytes(), err
}
