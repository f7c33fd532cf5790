package spark

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/sparksql"
)

// memory keeps on this machine what Spark said of SQL, so that nobody starts a JVM to ask again. It is keyed by all that the
// answer depends on, and holds no errors.
type memory struct{ dir string }

// kept is how many answers are kept; those that were not asked for longest go first.
const kept = 1000

// question is all that decides what Spark says of a query. The times that parameters give are not among it: their types are.
type question struct {
	Version string
	Driver  string // the hash of ours
	Conf    []string
	Used    bool
	Zone    string
	SQL     string
	Tables  []engine.Table
	Checks  []sparksql.Check
}

var driverHash = func() string {
	all := driver
	for _, m := range sparksql.Modules() {
		all = slices.Concat(all, m.Text)
	}
	return hash(all)
}()

func hash(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

var (
	timeLiterals = regexp.MustCompile(`(?i)\b(DATE|TIMESTAMP(?:_LTZ|_NTZ)?)\s*'[^']*'`)
	timeAtEnd    = regexp.MustCompile(timeLiterals.String() + `$`)
)

// path is where the answer to a question lies.
func (m memory) path(e *Engine, q engine.Query, checks []engine.Check, used bool) string {
	asked := question{Version: e.options.Version, Driver: driverHash, Conf: e.options.Spark.Deciding(), Used: used, Zone: q.TimeZone, SQL: untimed(q)}
	for _, t := range q.Tables {
		asked.Tables = append(asked.Tables, engine.Table{Name: t.Name, Columns: t.Columns, Time: t.Time})
	}
	said, _ := sparksql.Checks(checks, q) // what is wrong with them is told by whoever asks
	for _, c := range said {
		c.Min, c.Max = nil, nil // which Spark is not asked about
		c.SQL = timeLiterals.ReplaceAllString(c.SQL, "$1 ''")
		asked.Checks = append(asked.Checks, c)
	}
	return filepath.Join(m.dir, hash(asJSON(asked))+".json")
}

// untimed is the query's SQL with the types alone of the times that parameters gave it: those differ from slice to slice and
// from run to run, and the result's types do not. What the user wrote is left as it is.
func untimed(q engine.Query) string {
	var out strings.Builder
	last := 0
	for _, s := range q.Shifts { // each stands behind a literal
		out.WriteString(timeAtEnd.ReplaceAllString(q.SQL[last:s.At], "$1 ''"))
		last = s.At
	}
	out.WriteString(q.SQL[last:])
	return out.String()
}

// recall reads an answer.
func (m memory) recall(path string, value any) bool {
	if read(path, value) != nil {
		return false
	}
	now := time.Now()
	_ = os.Chtimes(path, now, now) // or it is forgotten earlier
	return true
}

// keep writes an answer; one that cannot be written is asked for again.
func (m memory) keep(path string, value any) {
	if os.MkdirAll(m.dir, 0o700) != nil || place(path, asJSON(value)) != nil {
		return
	}
	entries, err := os.ReadDir(m.dir)
	if err != nil || len(entries) <= kept {
		return
	}
	age := func(entry os.DirEntry) time.Time {
		info, err := entry.Info()
		if err != nil {
			return time.Time{}
		}
		return info.ModTime()
	}
	slices.SortFunc(entries, func(a, b os.DirEntry) int { return age(a).Compare(age(b)) })
	for _, entry := range entries[:len(entries)-kept/2] {
		_ = os.Remove(filepath.Join(m.dir, entry.Name())) // or the next one does it
	}
}
