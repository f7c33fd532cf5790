// Package cases reads the dialects' corpus, one construct a case with the rows or the error that are right, and compares with
// them what a warehouse or an engine returns. Running the SQL is the caller's responsibility.
package cases

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// The dialects that a case may be written in.
const (
	Postgres = "postgres"
	Redshift = "redshift"
)

// Case is one construct in one query, or in one script whose last statement returns rows.
type Case struct {
	Name      string   // the file's and its own: division/by-zero
	Construct string   // of the ranked list
	Rank      int      // in that list
	Dialects  []string // in which the query means this
	Pages     []string // of the documentation, which say so
	Rule      string   // what the page says, where PostgreSQL does not do the same
	Query     string
	Ordered   bool   // the order of the rows is part of the answer
	As        string // the same in PostgreSQL's words, where the query is not in them
	Target    []Type // what the result's columns are cast to before they are compared; empty: the result's own types
	Want      Result

	expected, end int // the lines of the file that hold Want, for Fill
}

// Judged is what PostgreSQL has to answer as the case says; empty if it has another opinion of it.
func (c Case) Judged() string {
	if c.As != "" {
		return c.As
	}
	if c.Rule != "" {
		return ""
	}
	return c.Query
}

// Result is what a query returned, or the error that it raised.
type Result struct {
	Error string // the condition's name: division_by_zero
	Types []Type
	Rows  [][]Value
}

// Value is a value in the text that PostgreSQL gives it.
type Value struct {
	Null bool
	Text string
}

// Load reads the files NAME.cases of a folder, in the order of their constructs' ranks.
func Load(folder fs.FS) ([]Case, error) {
	names, err := fs.Glob(folder, "*.cases")
	if err != nil {
		return nil, err
	}
	var all []Case
	for _, name := range names {
		text, err := fs.ReadFile(folder, name)
		if err != nil {
			return nil, err
		}
		found, err := Parse(strings.TrimSuffix(path.Base(name), ".cases"), string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, found...)
	}

	slices.SortStableFunc(all, func(a, b Case) int { return a.Rank - b.Rank })
	return all, nil
}
