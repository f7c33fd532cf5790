package duck

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"github.com/hindcast/hindcast"
)

// fault is DuckDB's error as JSON (SET errors_as_json=true).
type fault struct {
	Type       string `json:"exception_type"`
	Message    string `json:"exception_message"`
	Position   string `json:"position"`
	Name       string `json:"name"`
	Candidates string `json:"candidates"`
}

// SQLError is an error in a statement's text, with DuckDB's offset.
type SQLError struct {
	Fault  *hindcast.Error
	Offset int    // bytes into the statement; -1 if unknown
	Name   string // the table or column concerned, if DuckDB names it
}

func (e *SQLError) Error() string { return e.Fault.Error() }

// Unwrap returns the error without the offset.
func (e *SQLError) Unwrap() error { return e.Fault }

// Translate turns an error of DuckDB, or of the operating system around it, into ours. Nil and errors that are already
// ours stay as they are.
func Translate(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*hindcast.Error](err); ok {
		return err
	}
	if _, ok := errors.AsType[*SQLError](err); ok {
		return err
	}
	if errors.Is(err, context.DeadlineExceeded) { // nobody asked to stop: it may be faster next time
		return &hindcast.Error{Code: hindcast.ETimeout, Class: hindcast.ClassTransient, Message: "it took too long", Cause: err,
			Next: "check what else is using the machine"}
	}
	if errors.Is(err, context.Canceled) {
		return &hindcast.Error{Code: hindcast.EStopped, Class: hindcast.ClassCanceled, Message: "stopped", Cause: err}
	}
	if e := system(err); e != nil {
		return e
	}
	f := parse(err)
	if e := byText(f, err); e != nil {
		return e
	}
	return byType(f, err)
}

// Fatal reports whether an error leaves the instance unusable: after an internal error, or a COMMIT that could not be
// written, DuckDB refuses every statement until the database is opened again.
func Fatal(err error) bool {
	if err == nil {
		return false
	}
	e := hindcast.AsError(err)
	text := e.Message
	if e.Cause != nil {
		text = e.Cause.Error()
	}
	f := parse(errors.New(text))
	return strings.Contains(f.Message, "has been invalidated") || strings.EqualFold(f.Type, "FATAL") || strings.EqualFold(f.Type, "INTERNAL")
}

// Damaged says that a Parquet file cannot be read, and why.
func Damaged(path, why string) error {
	message := why
	if !strings.Contains(why, path) {
		message = path + " cannot be read: " + why
	}
	return &hindcast.Error{Code: hindcast.EParquet, Class: hindcast.ClassPermanent, Message: message, Next: damagedNext}
}

// OfFile reports whether a damaged Parquet file may be behind a DuckDB error: it depends on which component fails what
// the error is called.
func OfFile(err error) bool {
	e := hindcast.AsError(err)
	if e == nil || e.Code == hindcast.EParquet {
		return e != nil
	}
	if e.Cause == nil || e.Class == hindcast.ClassResource || e.Class == hindcast.ClassCanceled {
		return false
	}
	switch strings.TrimSuffix(parse(e.Cause).Type, " Exception") {
	case "", "IO", "Invalid", "Invalid Input", "INTERNAL", "Internal", "FATAL", "Fatal", "Serialization":
		return true
	}
	return false
}

// system recognizes errors of the operating system and lost connections. What the user cannot fix may heal.
func system(err error) *hindcast.Error {
	var number syscall.Errno
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return diskFull(err.Error(), err)
	case errors.Is(err, fs.ErrPermission):
		return denied(err.Error(), err)
	case errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone):
		return &hindcast.Error{Code: hindcast.EWarehouse, Class: hindcast.ClassTransient, Message: err.Error(), Cause: err}
	case errors.As(err, &number):
		return &hindcast.Error{Code: hindcast.ELake, Class: hindcast.ClassTransient, Message: err.Error(), Cause: err,
			Next: "check the file system"}
	}
	return nil
}

func diskFull(message string, err error) *hindcast.Error {
	return &hindcast.Error{Code: hindcast.EDiskFull, Class: hindcast.ClassResource, Message: message, Cause: err,
		Next: "free space there"}
}

func denied(message string, err error) *hindcast.Error {
	return &hindcast.Error{Code: hindcast.EPermission, Class: hindcast.ClassPermanent, Message: message, Cause: err,
		Next: "give this user permission for it, then run again"}
}

// parse finds the JSON in a driver's error; without any, the whole text is the message.
func parse(err error) fault {
	text := err.Error()
	var f fault
	if i := strings.Index(text, `{"exception_type"`); i >= 0 {
		if json.NewDecoder(strings.NewReader(text[i:])).Decode(&f) == nil {
			return f
		}
	}
	f.Message = text
	if i := strings.Index(text, " Error: "); i >= 0 {
		f.Type, f.Message = text[strings.LastIndex(text[:i], ": ")+1:i], text[i+len(" Error: "):]
		f.Type = strings.TrimSpace(f.Type)
	}
	return f
}

// absent is the prefix of the error for a column that is read but was not unloaded: see FromParquet.
const absent = "hindcast has not unloaded "

// unfit is the prefix of the error for a text that is not one of its column's type: see checked.
const unfit = "a text does not fit "

var (
	lockHolder = regexp.MustCompile(`[Cc]onflicting lock is held in (.*?) ?\(PID (\d+)\)`)
	lockFile   = regexp.MustCompile(`lock on file "([^"]+)"`)
)

// byText recognizes errors that DuckDB reports under types that are too broad.
func byText(f fault, err error) error {
	text := f.Message
	switch {
	case strings.Contains(text, "Could not set lock on file"):
		return busy(text, err)
	case strings.Contains(text, "No space left on device"), strings.Contains(text, "Disk quota exceeded"):
		return diskFull(firstLine(text), err)
	case strings.Contains(text, "failed to offload data block"), strings.Contains(text, "max_temp_directory_size"):
		return diskFull(firstLine(text), err)
	case strings.Contains(text, "Permission denied"):
		return denied(firstLine(text), err)
	case strings.HasPrefix(text, absent):
		return &hindcast.Error{Code: hindcast.ESQLColumn, Class: hindcast.ClassPermanent, Cause: err,
			Message: "the SQL reads the column " + strings.TrimPrefix(firstLine(text), absent) + ", which was not unloaded because nothing seemed to read it",
			Next:    "name the columns in place of `columns: used`, such as columns: [a, b], or leave the key out for all of them"}
	case strings.Contains(text, "TProtocolException"): // of a page header: no type, or "Invalid Input"
		return &hindcast.Error{Code: hindcast.EParquet, Class: hindcast.ClassPermanent, Message: firstLine(text), Cause: err, Next: damagedNext}
	}
	return nil
}

func busy(text string, err error) error {
	e := &hindcast.Error{Code: hindcast.EWarehouseBusy, Class: hindcast.ClassTransient, Cause: err,
		Message: "the database is open in another process", Next: "close it there, then run again"}
	if m := lockFile.FindStringSubmatch(text); m != nil {
		e.Message = m[1] + " is open in another process"
	}
	if m := lockHolder.FindStringSubmatch(text); m != nil {
		e.Message += fmt.Sprintf(": %s, pid %s", strings.TrimSpace(m[1]), m[2])
	}
	return e
}

func byType(f fault, err error) error {
	e := &hindcast.Error{Code: hindcast.ESQL, Class: hindcast.ClassPermanent, Message: plainly(firstLine(f.Message)), Cause: err}
	switch strings.TrimSuffix(f.Type, " Exception") {
	case "Out of Memory", "Out Of Memory":
		e.Code, e.Class = hindcast.EMemory, hindcast.ClassResource
		e.Next = "it is tried again alone; if that fails too, raise run.memory or make slices shorter"
		return e
	case "Interrupt", "INTERRUPT":
		e.Code, e.Class, e.Message = hindcast.EStopped, hindcast.ClassCanceled, "stopped"
		return e
	case "IO":
		return ioError(e)
	case "Parser", "Syntax":
		e.Code = hindcast.ESQLSyntax
	case "Catalog", "Binder":
		e.Code = bindingCode(f)
		e.Detail = candidates(f)
	case "Conversion", "Out of Range", "Invalid Input":
		e.Code = valueCode(f.Message)
		if e.Code == hindcast.EParquet {
			e.Next = damagedNext
			return e
		}
		if e.Code == hindcast.EOverflow {
			e.Next = "bound the value in the SQL, or widen the target's column with ALTER TABLE"
			if strings.HasPrefix(f.Message, "Overflow in ") { // during the computation: the target is not involved
				e.Next = "cast what it is computed from in the SQL: to a DECIMAL that holds the result, or to DOUBLE, which rounds"
			} else if strings.HasPrefix(f.Message, unfit) {
				e.Next = "correct the value in the SQL, or give the target's column another type with ALTER TABLE"
			}
		}
	case "Constraint":
		constraint(e)
	case "Permission":
		e.Code, e.Next = hindcast.ESQLAccess, "the SQL sees facts and dimensions only; declare the file as a fact with `files:`"
	case "TransactionContext", "Connection", "FATAL", "INTERNAL", "Fatal", "Internal":
		e.Code, e.Class = hindcast.EWarehouse, hindcast.ClassTransient
	}
	return &SQLError{Fault: e, Offset: offset(f), Name: f.Name}
}

// constraint gives an error its code and next step where a row breaks a constraint of the target. They are those of PostgreSQL's errors.
func constraint(e *hindcast.Error) {
	e.Code, e.Next = hindcast.ETarget, "correct the SQL, or the target's constraint"
	switch {
	case strings.Contains(e.Message, "NOT NULL constraint"):
		e.Next = "give the column a value in the SQL, or: ALTER TABLE … ALTER COLUMN … DROP NOT NULL"
	case strings.Contains(strings.ToLower(e.Message), "duplicate key"):
		e.Code, e.Class = hindcast.EKeyViolated, hindcast.ClassCheck
		e.Next = "see which rows the SQL gives twice, or which rows outside the slice have the key"
	}
}

func ioError(e *hindcast.Error) error {
	if versions := otherStorage.FindStringSubmatch(e.Message); versions != nil {
		return foreignFile(e, versions, "")
	}
	switch {
	case strings.Contains(e.Message, "arquet"), strings.Contains(e.Message, "thrift"), strings.Contains(e.Message, "No magic bytes"):
		e.Code, e.Next = hindcast.EParquet, damagedNext
	case strings.Contains(e.Message, "not a valid DuckDB database file"):
		e.Code, e.Next = hindcast.EWarehouse, "correct `warehouse:` in the pipeline file, or put the database back"
	default:
		e.Code, e.Class = hindcast.EWarehouse, hindcast.ClassTransient
	}
	return e
}

func bindingCode(f fault) hindcast.Code {
	switch text := plainly(f.Message); {
	case strings.HasPrefix(text, "Table with name"):
		return hindcast.ESQLTable
	case strings.Contains(text, "olumn") && (strings.Contains(text, "not found") || strings.Contains(text, "does not have")):
		return hindcast.ESQLColumn
	case strings.Contains(text, "is not a column") || strings.Contains(text, "not found in FROM clause"):
		return hindcast.ESQLColumn
	}
	return hindcast.ESQL
}

func valueCode(text string) hindcast.Code {
	switch {
	case strings.HasPrefix(text, unfit), strings.Contains(text, "out of range"), strings.Contains(text, "verflow"), strings.Contains(text, "Could not cast value"),
		strings.Contains(text, "can't be cast"):
		return hindcast.EOverflow
	case strings.Contains(text, "arquet"), strings.Contains(text, "Snappy"), strings.Contains(text, "snappy"):
		return hindcast.EParquet
	}
	return hindcast.ESQL
}

// mostCandidates is how many lines of suggestions help; an operator has dozens of signatures.
const mostCandidates = 6

// itsOwn matches a suggestion from DuckDB's own catalogue, which no pipeline's SQL means.
var itsOwn = regexp.MustCompile(`^Did you mean "(system\.)?(pg_|duckdb_|sqlite_|pragma_|information_schema)`)

// candidates keeps what DuckDB says after the first line: suggested names.
func candidates(f fault) []string {
	var detail []string
	for line := range strings.Lines(f.Message) {
		line = strings.TrimSpace(line)
		if line == "" || firstLine(line) == firstLine(f.Message) || itsOwn.MatchString(line) {
			continue
		}
		if len(detail) == mostCandidates {
			return append(detail, "…")
		}
		detail = append(detail, strings.Replace(line, "bindings: :", "bindings:", 1))
	}
	return detail
}

func offset(f fault) int {
	n, err := strconv.Atoi(f.Position)
	if err != nil {
		return -1
	}
	return n
}

var noColumn = regexp.MustCompile(`^(?:Values list|Table) "(.+)" does not have a column named "(.+)"`)

// damagedNext is the next step for an unreadable Parquet file.
const damagedNext = "`hindcast verify --files` names the damaged files; unload those slices again with `hindcast unload --fresh`, or restore the file if it is your own"

// plainly rephrases DuckDB's binder messages in the user's words: to the binder, a fact is a list of values.
func plainly(message string) string {
	message = noColumn.ReplaceAllString(message, `$1 does not have the column "$2"`)
	m := tooLarge.FindStringSubmatch(message)
	if m == nil {
		return message
	}
	typ := m[2]
	if sql, ok := physical[typ]; ok {
		typ = sql
	}
	message = "the value " + m[1] + " does not fit " + typ
	if m[3] != "" {
		message += fmt.Sprintf(", the type of column %q", m[3])
	}
	return message
}

var tooLarge = regexp.MustCompile(`^Type \w+ with value (\S+) can't be cast because the value is out of range for the destination type (\S+)(?: when casting from source column (.+))?$`)

// physical are DuckDB's internal type names.
var physical = map[string]string{"INT8": "TINYINT", "INT16": "SMALLINT", "INT32": "INTEGER", "INT64": "BIGINT", "INT128": "HUGEINT",
	"UINT8": "UTINYINT", "UINT16": "USMALLINT", "UINT32": "UINTEGER", "UINT64": "UBIGINT"}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return strings.TrimSuffix(strings.TrimSpace(line), "!")
}
