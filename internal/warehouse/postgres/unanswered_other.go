//go:build !linux

package postgres

import "syscall"

// limitUnanswered does nothing: only Linux can limit how long what was sent may go unanswered.
func limitUnanswered(string, string, syscall.RawConn) error { return nil }
