package pgclient

import (
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// watch closes a connection whose peer confirms nothing of what was sent to it. Keep-alives are not sent while something is
// under way, and the system's own patience is a quarter of an hour then. A peer that is only slow to read, as in a COPY that
// waits for a lock, goes on confirming: TCP_USER_TIMEOUT could not distinguish it from a dead one. It ends with the connection.
func watch(conn *net.TCPConn) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return
	}
	for tick := time.Tick(KeepAliveInterval * time.Second); ; <-tick {
		var info *unix.TCPInfo
		var asking error
		err := raw.Control(func(fd uintptr) { info, asking = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO) })
		if err != nil || asking != nil { // it is closed
			return
		}
		if silent(info) {
			_ = conn.Close()
			return
		}
	}
}

// silent reports whether something was sent, or asked, and nothing was heard for as long as keep-alives allow.
func silent(info *unix.TCPInfo) bool {
	const longest = (KeepAliveIdle + KeepAliveInterval*KeepAliveCount) * 1000 // milliseconds
	return (info.Unacked > 0 || info.Probes > 0) && info.Last_ack_recv >= longest
}
