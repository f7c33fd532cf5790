package sparksql

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/sqltext"
)

func unescape(text string) string {
	if value, err := url.PathUnescape(text); err == nil {
		return value
	}
	return text
}

// End is how a request ended, in the words of hindcast_session.py: one of OK, Failed and Error is there.
type End struct {
	OK     json.RawMessage `json:"ok"`
	Failed *failure        `json:"failed"`
	Error  *said           `json:"error"`
	Peak   int64           `json:"peak"`
	Brief  *brief          `json:"brief"`
}

// Asked is SQL as a session was given it: places of errors are found by it. It is zero for a process that did not ask.
type Asked struct {
	query  engine.Query
	frozen frozen
}

// fault is the error of a request that did not end well; nil of one that did.
func (e End) fault(a Asked) error {
	work := engine.Work{}
	if e.Brief != nil {
		work.Columns, work.Target, work.Checks = e.Brief.Columns, e.Brief.Target, e.Brief.Checks
	}
	switch {
	case e.Failed != nil:
		return failed(work, a.query, e.Failed)
	case e.Error != nil:
		return translate(e.Error, a.query, a.frozen)
	}
	return nil
}

// failure is something that hindcast asked to hold and does not.
type failure struct {
	Kind  string   `json:"kind"`
	Count int64    `json:"count"`
	Check int      `json:"check"`
	Got   any      `json:"got"`
	Want  any      `json:"want"`
	Rows  []string `json:"rows"`
	Error *said    `json:"error"`
}

// said is what an exception says.
type said struct {
	Type    string   `json:"type"`
	Message string   `json:"message"`
	Classes []string `json:"classes"`
	Chain   []struct {
		Type    string `json:"type"`
		Message string `json:"message"`
	} `json:"chain"`
	Offset *int `json:"offset"` // in characters
	Line   int  `json:"line"`
	Column int  `json:"column"` // from 0
}

// Result is what a transform gave that was to write to dir. Whether its files are there is not looked at.
func (e End) Result(a Asked, dir string) (engine.Result, error) {
	if err := e.fault(a); err != nil {
		return engine.Result{}, err
	}

	var ok struct {
		Files []struct {
			Name  string `json:"name"`
			Rows  int64  `json:"rows"`
			Bytes int64  `json:"bytes"`
		} `json:"files"`
		Rows    int64            `json:"rows"`
		Outside int64            `json:"outside"`
		In      map[string]int64 `json:"in"`
		Spilled int64            `json:"spilled"`
	}
	if err := json.Unmarshal(e.OK, &ok); err != nil {
		return engine.Result{}, &hindcast.Error{Code: hindcast.EWorker, Class: hindcast.ClassTransient, Cause: err,
			Message: "what a session of Spark says of its result cannot be read: " + err.Error()}
	}
	result := engine.Result{Rows: ok.Rows, Outside: ok.Outside, In: ok.In, Memory: e.Peak, Spilled: ok.Spilled}
	if e.Brief != nil {
		result.Columns = e.Brief.Columns
	}
	for _, f := range ok.Files {
		result.Files = append(result.Files, hindcast.File{Path: strings.TrimSuffix(dir, "/") + "/" + f.Name, Rows: f.Rows, Bytes: f.Bytes})
		result.Bytes += f.Bytes
	}
	return result, nil
}

// failed is the error of what did not hold.
func failed(work engine.Work, q engine.Query, f *failure) error {
	var of engine.Check
	if f.Check < len(work.Checks) {
		of = work.Checks[f.Check]
	}
	switch f.Kind {
	case "outside":
		work.Query.Dialect = sqltext.Spark
		return work.Outside(f.Count, f.Rows)
	case "null_key":
		return work.NullKey(f.Count, f.Rows)
	case "key_twice":
		return work.KeyTwice(f.Count, f.Rows)
	case "check_rows":
		return of.FailedRows(f.Count)
	case "check_total":
		return of.FailedTotal(text(f.Got), text(f.Want))
	case "check_sql":
		return of.FailedSQL(f.Count, f.Rows)
	case "check_error":
		return of.At(translate(f.Error, engine.Query{}, frozen{}))
	case "not_select":
		return q.NotSelect()
	case "clock":
		return &hindcast.Error{Code: hindcast.ESQL, Class: hindcast.ClassPermanent, Place: hindcast.Place{File: q.File},
			Message: "the SQL makes a time of a text such as 'today', 'now' or 'epoch', which Spark reads by its own clock",
			Next:    "write current_date(), now() or a date: they give the same time in every slice"}
	case "files":
		return &hindcast.Error{Code: hindcast.EParquet, Class: hindcast.ClassTransient, Message: fmt.Sprintf("Spark reads %v of %v files", f.Got, f.Want)}
	case "unseen":
		return unshared(fmt.Sprintf("a machine of the cluster does not see %v, which is in a folder of this one", f.Got))
	case "unshared":
		return unshared(fmt.Sprintf("Spark counted %v rows of the result, and %v of them are there: machines of the cluster wrote to folders of their own", f.Want, f.Got))
	case "columns":
		return &hindcast.Error{Code: hindcast.EPlanChanged, Class: hindcast.ClassPermanent,
			Message: fmt.Sprintf("the SQL gives %v columns, the plan has %v", f.Got, f.Want), Next: "begin a new run"}
	}
	return &hindcast.Error{Code: hindcast.EParquet, Class: hindcast.ClassTransient,
		Message: fmt.Sprintf("Spark counted %v rows of the result, and %v of them are there", f.Want, f.Got)}
}

// unshared is the error of a folder that not all machines of a cluster have.
func unshared(message string) error {
	return &hindcast.Error{Code: hindcast.ELake, Class: hindcast.ClassPermanent, Message: message,
		Next: "have every machine see the lake's folder by the same path, on a disk that they share; or keep the lake in a bucket"}
}

func text(value any) *string {
	if value == nil {
		return nil
	}
	t := fmt.Sprint(value)
	return &t
}

// codes are hindcast's for what Spark's error classes begin with, the first that fits.
var codes = []struct {
	class string
	code  hindcast.Code
}{
	{"PARSE_", hindcast.ESQLSyntax}, {"UNCLOSED_BRACKETED_COMMENT", hindcast.ESQLSyntax}, {"INVALID_SQL_SYNTAX", hindcast.ESQLSyntax},
	{"UNRESOLVED_COLUMN", hindcast.ESQLColumn}, {"UNRESOLVED_FIELD", hindcast.ESQLColumn}, {"AMBIGUOUS_REFERENCE", hindcast.ESQLColumn},
	{"COLUMN_ALREADY_EXISTS", hindcast.ESQLColumn}, {"MISSING_AGGREGATION", hindcast.ESQLColumn}, {"TABLE_OR_VIEW_NOT_FOUND", hindcast.ESQLTable},
	{"UNSUPPORTED_DATASOURCE_FOR_DIRECT_QUERY", hindcast.ESQLAccess}, {"UNRESOLVABLE_TABLE_VALUED_FUNCTION", hindcast.ESQLTable},
	{"CAST_OVERFLOW", hindcast.EOverflow}, {"NUMERIC_VALUE_OUT_OF_RANGE", hindcast.EOverflow}, {"ARITHMETIC_OVERFLOW", hindcast.EOverflow},
	{"BINARY_ARITHMETIC_OVERFLOW", hindcast.EOverflow}, {"NUMERIC_OUT_OF_SUPPORTED_RANGE", hindcast.EOverflow}, {"DATETIME_OVERFLOW", hindcast.EOverflow},
	{"PATH_NOT_FOUND", hindcast.EParquet}, {"FAILED_READ_FILE", hindcast.EParquet}, {"CANNOT_READ_FILE", hindcast.EParquet}, {"PARQUET", hindcast.EParquet},
}

// Words of Java's exceptions that do not blame the SQL.
var (
	memoryWords = []string{"OutOfMemoryError", "insufficient memory for the Java Runtime", "INVALID_DRIVER_MEMORY", "INVALID_EXECUTOR_MEMORY", "UNABLE_TO_ACQUIRE_MEMORY", "SparkOutOfMemoryError", "exceeding memory limits",
		"Container killed by YARN for exceeding", "exited with code 52", "exit code 52", "Exit status: 52", "possible container OOM"} // 52 is Spark's own exit code for it
	diskWords = []string{"No space left on device", "Disk quota exceeded"}
	lostWords = []string{"ExecutorLostFailure", "Lost executor", "Master removed our application", "SparkContext was shut down", "SparkContext is stopped",
		"Stage cancelled because SparkContext", "Connection refused", "Connection reset", "FetchFailed", "Failed to connect to"}
	damageWords = []string{"is not a Parquet file", "Could not read footer", "Encountered error while reading file", "ParquetDecodingException", "can not read class"}
)

// raised is the text of an error that hindcast made (mark, and raised in hindcast_tables.py) and that was evaluated: it begins a
// message. In the middle of one it stands in a plan that Spark shows of SQL that it cannot analyze.
var raised = regexp.MustCompile(`(?m)(?:^|Exception: )(?:\[USER_RAISED_EXCEPTION\] )?hindcast(?:<<|!!)(.*?)>>`)

// translate makes one error of what Spark says, with its place in the query's SQL.
func translate(s *said, q engine.Query, f frozen) error {
	all := s.Message
	for _, link := range s.Chain {
		all += "\n" + link.Type + ": " + link.Message
	}
	if err := unreached(all, s); err != nil {
		return err
	}
	switch {
	case has(all, memoryWords):
		return &hindcast.Error{Code: hindcast.EMemory, Class: hindcast.ClassResource, Message: "Spark ran out of memory: " + summary(s),
			Next: "give it more: run.memory, or spark.executor_memory"}
	case has(all, diskWords):
		return &hindcast.Error{Code: hindcast.EDiskFull, Class: hindcast.ClassTransient, Message: summary(s), Next: "free space where Spark spills"}
	case has(all, lostWords), has(s.Type, []string{"Py4JNetworkError", "ConnectionRefusedError", "ConnectionResetError", "BrokenPipeError"}):
		return &hindcast.Error{Code: hindcast.EWorker, Class: hindcast.ClassTransient, Message: "Spark lost what worked on the slice: " + summary(s)}
	}
	if found := raised.FindStringSubmatch(all); found != nil {
		return unreadable(found[1])
	}

	code := hindcast.ESQL
	for _, class := range s.Classes {
		if i := slices.IndexFunc(codes, func(c struct {
			class string
			code  hindcast.Code
		}) bool {
			return strings.HasPrefix(class, c.class)
		}); i >= 0 {
			code = codes[i].code
			break
		}
	}
	if code == hindcast.ESQL && has(all, damageWords) {
		code = hindcast.EParquet
	}
	e := &hindcast.Error{Code: code, Class: hindcast.ClassPermanent, Message: summary(s), Place: hindcast.Place{File: q.File},
		Next: "correct the SQL; try it on one slice with: hindcast sql"}
	if raised := q.Raised(e); raised != nil {
		return raised
	}
	switch {
	case code == hindcast.EParquet:
		e.Class, e.Next = hindcast.ClassTransient, ""
	case code == hindcast.ESQLSyntax && named(q.SQL, "QUALIFY"):
		e.Next = "Spark has no QUALIFY: number the rows in a subquery, row_number() OVER (…) AS n, and write WHERE n = 1 around it"
	}
	if offset, known := s.at(f.text); known && q.File != "" {
		e.Place = q.Place(f.before(offset) + f.start)
	}
	q.Shown(e)
	if strings.Contains(all, "[DIVIDE_BY_ZERO]") {
		if raised := q.DividedByZero(e.Place); raised != nil {
			return raised
		}
	}
	return q.Known(e)
}

// at is the byte offset in the text that the exception names.
func (s *said) at(text string) (int, bool) {
	switch {
	case text == "":
		return 0, false
	case s.Offset != nil:
		return byteOffset(text, *s.Offset), true
	case s.Line > 0:
		return offsetOf(text, s.Line, s.Column)
	}
	messages := []string{s.Message}
	for _, link := range s.Chain {
		messages = append(messages, link.Message)
	}
	if found := met.FindStringSubmatch(strings.Join(messages, "\n")); found != nil {
		line, _ := strconv.Atoi(found[1])
		position, _ := strconv.Atoi(found[2])
		return offsetOf(text, line, position-1)
	}
	return 0, false
}

// met is what Spark says of the place of an error that it met in rows.
var met = regexp.MustCompile(`(?m)^== SQL \(line (\d+), position (\d+)\) ==`)

// offsetOf is the byte offset of a line, counted from 1, and a column, counted from 0.
func offsetOf(text string, line, column int) (int, bool) {
	at := 0
	for range line - 1 {
		next := strings.IndexByte(text[at:], '\n')
		if next < 0 {
			return 0, false
		}
		at += next + 1
	}
	return at + byteOffset(text[at:], max(column, 0)), true
}

// byteOffset is where the n-th character begins.
func byteOffset(text string, n int) int {
	for at := range text {
		if n == 0 {
			return at
		}
		n--
	}
	return len(text)
}

func has(text string, words []string) bool {
	return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(text, word) })
}

// summary is the message of the innermost exception that has a class of Spark's, or of the innermost, in one line.
func summary(s *said) string {
	message, classed := s.Message, false
	for _, link := range s.Chain {
		is := strings.HasPrefix(link.Message, "[")
		if is || !classed && link.Message != "" {
			message, classed = link.Message, is
		}
	}
	line, _, _ := strings.Cut(strings.TrimSpace(message), "\n")
	line, _, _ = strings.Cut(line, " SQLSTATE: ")
	line, _, _ = strings.Cut(line, "; line ")
	line, _, _ = strings.Cut(line, "(line ") // which is another one than the user's file's
	if kind, rest, is := strings.Cut(line, "] "); is && strings.HasPrefix(kind, "[") {
		line = rest
	}
	return followable(strings.TrimSpace(line))
}

// followable is Spark's message without the sentences that advise to change a setting which every session has fixed: `try_cast`
// helps, and switching ANSI off is nobody's to do.
func followable(message string) string {
	sentences := strings.Split(message, ". ")
	kept := slices.DeleteFunc(slices.Clone(sentences), func(sentence string) bool {
		return has(sentence, slices.Collect(maps.Keys(fixed)))
	})
	if len(kept) == len(sentences) || len(kept) == 0 {
		return message
	}
	return strings.TrimSuffix(strings.Join(kept, ". "), ".") + "."
}

// unreadable is the error of SQL that reads a column that it cannot have, as mark names it.
func unreadable(what string) error {
	kind, column, _ := strings.Cut(what, ":")
	switch kind {
	case "infinite":
		return &hindcast.Error{Code: hindcast.EType, Class: hindcast.ClassPermanent,
			Message: fmt.Sprintf("%s has an infinite time, or one that is not DuckDB's: Spark would take it for a day of a distant year", column),
			Next:    "carry it as text, with text: in the pipeline file, use a view that has another value there, or leave the column out of the SQL"}
	case "inexact":
		return &hindcast.Error{Code: hindcast.EOverflow, Class: hindcast.ClassPermanent,
			Message: fmt.Sprintf("a value of %s is not one of the type that the column is read as", column),
			Next:    "choose a type that holds all values: types: in the pipeline file"}
	case "misfit":
		at := max(strings.LastIndex(column, ":"), 0)
		return &hindcast.Error{Code: hindcast.EOverflow, Class: hindcast.ClassPermanent,
			Message: fmt.Sprintf("a value of the result's column %q does not fit into %s", column[:at], strings.TrimPrefix(column[at:], ":")),
			Next:    "correct the SQL, or widen the target's column"}
	case "type":
		return &hindcast.Error{Code: hindcast.EType, Class: hindcast.ClassPermanent,
			Message: fmt.Sprintf("the SQL reads %s, whose type Spark does not have", column),
			Next:    "carry it as text, with text: in the pipeline file, or leave it out of the SQL"}
	}
	return &hindcast.Error{Code: hindcast.EParquet, Class: hindcast.ClassTransient,
		Message: fmt.Sprintf("the SQL reads %s, which was not unloaded because it seemed not to be read", column),
		Next:    "name its columns in the pipeline file with columns:"}
}

// Starved reports whether the log of a session that died says that memory ran out.
func Starved(log string) bool { return has(log, memoryWords) }

// LastLines are the last few of a log that say something.
func LastLines(text string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "at ") && !strings.HasPrefix(line, "...") {
			lines = append(lines, line)
		}
	}
	return lines[max(0, len(lines)-engine.Samples):]
}
