// Package sparksql is what every engine that runs Spark shares: what a session is asked for, the Python in it that does that, and
// what becomes of its answers and errors. Who starts sessions, where, and how requests get there is an engine's responsibility.
package sparksql

import _ "embed"

//go:embed hindcast_tables.py
var tablesModule []byte

//go:embed hindcast_session.py
var sessionModule []byte

// Module is a module of Python that a session's program imports.
type Module struct {
	Name string // as it is imported
	Text []byte
}

// Modules are those of a session, each before those that import it: the views of the tables, which notebooks open too, and what requests
// are done with.
func Modules() []Module {
	return []Module{{"hindcast_tables", tablesModule}, {"hindcast_session", sessionModule}}
}
