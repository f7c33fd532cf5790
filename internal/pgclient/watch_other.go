//go:build !linux

package pgclient

import "net"

// watch does nothing: only Linux says when a peer was last heard from.
func watch(*net.TCPConn) {}
