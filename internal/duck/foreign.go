package duck

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/hindcast/hindcast"
)

// otherStorage is DuckDB's refusal of a file whose format it does not know.
var otherStorage = regexp.MustCompile(`database file with version number (\d+), but we can only read versions? (?:between )?(\d+)(?: and (\d+))?`)

// otherType is its refusal of a file that it can read, with a column of a type that came later.
var otherType = regexp.MustCompile(`unrecognized enum value "?(\d+)"? for enum "LogicalTypeId"`)

// nanoInstant is TIMESTAMPTZ_NS in files: the one type of DuckDB 2.0 that its copies for older versions keep.
const nanoInstant = "33"

// oldest is the DuckDB that wrote the first format that is read still: storage version 64.
const oldest = "v0.9.0"

// foreign translates an error of opening the file, and says of one that another DuckDB wrote which one that was.
func foreign(path string, err error) error {
	f := parse(err)
	if versions := otherStorage.FindStringSubmatch(f.Message); versions != nil {
		return foreignFile(&hindcast.Error{Cause: err}, versions, path)
	}
	if m := otherType.FindStringSubmatch(f.Message); m != nil {
		return foreignType(path, m[1], err)
	}
	return Translate(err)
}

// foreignFile says which files are read in versions of DuckDB, which people know, and not of its storage alone. The path
// is "" where it is not known.
func foreignFile(e *hindcast.Error, versions []string, path string) error {
	file, newest := versions[1], versions[2]
	if versions[3] != "" {
		newest = versions[3]
	}
	what, by, old := "the database file", "the DuckDB that wrote it", "FILE"
	if path != "" {
		what, old = path, strings.ReplaceAll(path, "'", "''")
	}
	e.Code, e.Class = hindcast.EWarehouse, hindcast.ClassPermanent
	e.Message = fmt.Sprintf("%s has storage version %s; hindcast reads %s to %s, the files of DuckDB %s to %s", what, file, versions[2], newest, oldest, Version)
	if writer := writtenBy(path); writer != "" {
		by = "DuckDB " + writer
		e.Message = fmt.Sprintf("%s was written by DuckDB %s; hindcast reads the files of DuckDB %s to %s", what, writer, oldest, Version)
	}
	e.Next = "make a copy that can be read, with " + by + " opened without a file, and name readable.duckdb in `warehouse:`. " +
		"ATTACH '" + old + "' AS old (READ_ONLY); ATTACH 'readable.duckdb' AS readable (STORAGE_VERSION '" + readable() + "'); COPY FROM DATABASE old TO readable"
	first, err := strconv.Atoi(versions[2])
	if n, bad := strconv.Atoi(file); err == nil && bad == nil && n < first {
		e.Next = "with the DuckDB that wrote it: EXPORT DATABASE; then IMPORT DATABASE with DuckDB " + Version
	}
	return e
}

// readable is the storage version that a later DuckDB is told to write, so that ours can read it.
func readable() string { return Version[:strings.LastIndexByte(Version, '.')] + ".0" }

// writtenBy is the version of the DuckDB that wrote a database file, as its header has it; "" if that is not known.
func writtenBy(path string) string {
	const at, length = 52, 32
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer func() { _ = file.Close() }() // only read
	header := make([]byte, at+length)
	if _, err := io.ReadFull(file, header); err != nil || string(header[8:12]) != "DUCK" {
		return ""
	}
	version, _, _ := strings.Cut(string(header[at:]), "\x00")
	if !versionForm.MatchString(version) {
		return ""
	}
	return version
}

var versionForm = regexp.MustCompile(`^v\d+\.\d+\.\d+[-.\w]*$`)

// foreignType says of a file in a format that is read what keeps it from being read all the same.
func foreignType(path, typ string, err error) error {
	e := &hindcast.Error{Code: hindcast.EWarehouse, Class: hindcast.ClassPermanent, Cause: err,
		Message: path + " has a column of a type that DuckDB " + Version + " does not know",
		Next:    "find it with the DuckDB that wrote the file, and ALTER its type to one that both know"}
	if writer := writtenBy(path); writer != "" {
		e.Message = fmt.Sprintf("%s, written by DuckDB %s, has a column of a type that DuckDB %s does not know", path, writer, Version)
	}
	if typ == nanoInstant {
		e.Message += ": TIMESTAMPTZ_NS"
		e.Next = "round it to TIMESTAMPTZ, which has microseconds, in the file with the DuckDB that wrote it. " +
			"SELECT format('ALTER TABLE \"{}\".\"{}\" ALTER \"{}\" TYPE TIMESTAMPTZ;', schema_name, table_name, column_name) FROM duckdb_columns() WHERE data_type = 'TIMESTAMPTZ_NS'"
	}
	return e
}
