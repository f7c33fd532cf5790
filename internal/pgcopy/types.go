package pgcopy

import (
	"github.com/hindcast/hindcast"
)

// Carry says how a column of the source is carried: its type in DuckDB's spelling, how Parquet stores it, and
// whether as its text, which asText asks for. E-TYPE names a column that cannot be carried exactly.
func Carry(name string, t Type, asText bool) (Field, error) { panic("not yet") }

// Receive says how a staged column, as it is in Parquet, is sent to a target column of type t. E-TARGET if the
// type cannot hold every value, or E-TYPE if nothing can be sent to it. Where AsText is set the load goes through
// Staging.
func Receive(staged hindcast.Column, t Type) (Field, error) { panic("not yet") }

func expression(f Field) string { panic("not yet") }

func staging(fields []Field) (columns, selected string) { panic("not yet") }

func names(fields []Field) []string { panic("not yet") }
