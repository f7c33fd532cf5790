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

// otherStorage matches DuckDB's refusal of a file whose format it does not know.
var otherStorage = regexp.MustCompile(`database file with version number (\d+), but we can only read versions? (?:between )?(\d+)(?: and (\d+))?`)

// otherType matches its refusal of a readable file with a column of a later type.
var otherType = regexp.MustCompile(`unrecognized enum value "?(\d+)"? for enum "LogicalTypeId"`)

// nanoInstant is TIMESTAMPTZ_NS in files: the only type of DuckDB 2.0 that its copies for older versions keep.
const nanoInstant = "33"

// oldest is the DuckDB that introduced the oldest readable format: storage version 64.
const oldest = "v0.9.0"

// foreign translates an error of opening a file, and names the DuckDB version that wrote it if it was another one.
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

// foreignFile names the readable files by versions of DuckDB, which people know, not only by storage versions. The path
// is "" if unknown.
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

// readable is the storage version that a later DuckDB must write so that ours can read it.
func readable() string { return Version[:strings.LastIndexByte(Version, '.')] + ".0" }

// writtenBy is the DuckDB version that wrote a database file, according to its header; "" if unknown.
func writtenBy(path string) string {
	const at, length = 52, 32
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer func() { _ = file.Close() }() // it was only read
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

// foreignType names what keeps a file of a readable format from being read.
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
