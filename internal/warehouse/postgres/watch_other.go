//go:build !linux

package postgres

import "net"

// watch does nothing: only Linux tells when a peer was last heard.
func watch(*net.TCPConn) {}
