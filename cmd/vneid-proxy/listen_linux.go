package main

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// boundStall ends a connection whose peer has taken nothing of what is sent for
// that long (TCP_USER_TIMEOUT, RFC 5482): a browser that stops reading would
// hold one of the portal's workers. Accepted connections inherit it.
func boundStall(stall time.Duration) func(network, address string, c syscall.RawConn) error {
	return func(_, _ string, c syscall.RawConn) (err error) {
		if fault := c.Control(func(fd uintptr) {
			err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(stall.Milliseconds()))
		}); fault != nil {
			return fault
		}
		return err
	}
}
