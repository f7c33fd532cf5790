package duck_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/duck"
)

// Errors of the system are not the SQL's fault, and only our own stop counts as a stop.
func TestTranslateErrorsOfTheSystem(t *testing.T) {
	path := func(cause error) error { return &fs.PathError{Op: "sync", Path: "part-0.parquet", Err: cause} }
	for _, c := range []struct {
		err   error
		code  hindcast.Code
		class hindcast.Class
	}{
		{context.Canceled, hindcast.EStopped, hindcast.ClassCanceled},
		{context.DeadlineExceeded, hindcast.ETimeout, hindcast.ClassTransient},
		{path(syscall.ENOSPC), hindcast.EDiskFull, hindcast.ClassResource},
		{path(syscall.EACCES), hindcast.EPermission, hindcast.ClassPermanent},
		{path(syscall.EIO), hindcast.ELake, hindcast.ClassTransient},
		{fmt.Errorf("running: %w", sql.ErrConnDone), hindcast.EWarehouse, hindcast.ClassTransient},
	} {
		e := hindcast.AsError(duck.Translate(c.err))
		if e.Code != c.code || e.Class != c.class {
			t.Errorf("%v: %s %s, want %s %s", c.err, e.Code, e.Class, c.code, c.class)
		}
	}
}

// A file by a later DuckDB is refused with the versions that can be read, and never tried again.
func TestTranslateAFileOfAnotherDuckDB(t *testing.T) {
	for version, next := range map[string]string{"99": "STORAGE_VERSION 'v1.5.0'", "101": "STORAGE_VERSION", "9": "EXPORT DATABASE"} {
		e := hindcast.AsError(duck.Translate(errors.New("IO Error: Trying to read a database file with version number " + version +
			", but we can only read versions between 64 and 68.\nThe database file was created with an newer version of DuckDB.")))
		if e.Code != hindcast.EWarehouse || e.Class != hindcast.ClassPermanent || !strings.Contains(e.Message, "has storage version "+version+"; hindcast reads 64 to 68, the files of DuckDB v0.9.0 to "+duck.Version) || !strings.Contains(e.Next, next) {
			t.Errorf("%v\n%s", e, e.Next)
		}
	}
}

// An unreadable page of a Parquet file is the file's fault, not the SQL's.
func TestTranslateADamagedPage(t *testing.T) {
	for _, text := range []string{"TProtocolException: Invalid data", `{"exception_type":"Invalid Input","exception_message":"TProtocolException: Invalid data"}`} {
		if e := hindcast.AsError(duck.Translate(errors.New(text))); e.Code != hindcast.EParquet || e.Class != hindcast.ClassPermanent {
			t.Errorf("%s: %v", text, e)
		}
	}
}

// What a target's constraint refuses is an error of the target, and of the key where that is what is broken.
func TestTranslateAConstraint(t *testing.T) {
	db := opened(t)
	if _, err := db.ExecContext(t.Context(), "CREATE TABLE t (i INTEGER PRIMARY KEY, n INTEGER CHECK (n > 0)); CREATE TABLE o (i INTEGER REFERENCES t); INSERT INTO t VALUES (1, 1)"); err != nil {
		t.Fatal(err)
	}
	for statement, want := range map[string]hindcast.Code{
		"INSERT INTO t VALUES (NULL, 1)": hindcast.ETarget, "INSERT INTO t VALUES (2, -1)": hindcast.ETarget, "INSERT INTO t VALUES (1, 1)": hindcast.EKeyViolated,
		"INSERT INTO o VALUES (7)": hindcast.ETarget,
	} {
		_, err := db.ExecContext(t.Context(), statement)
		if e := hindcast.AsError(duck.Translate(err)); e == nil || e.Code != want || e.Next == "" {
			t.Errorf("%s: %v", statement, err)
		}
	}
}

// After a fatal error the instance answers nothing any more; after others it does.
func TestFatal(t *testing.T) {
	for text, want := range map[string]bool{
		`{"exception_type":"FATAL","exception_message":"Failed to commit: No space left on device"}`: true,
		"FATAL Error: Failed: database has been invalidated because of a previous fatal error":       true,
		"INTERNAL Error: Attempted to access index 3 within vector of size 3":                        true,
		"IO Error: No space left on device":                                                          false,
		"Out of Memory Error: failed to allocate data":                                               false,
	} {
		if got := duck.Fatal(duck.Translate(errors.New(text))); got != want {
			t.Errorf("%s: fatal is %v", text, got)
		}
	}
	if duck.Fatal(nil) {
		t.Error("no error is fatal")
	}
}
