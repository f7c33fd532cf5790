//go:build !linux

package postgres

import "net"

// watch does nothing: only Linux says when a peer was last heard from.
func watch(*net.TCPConn) {}
