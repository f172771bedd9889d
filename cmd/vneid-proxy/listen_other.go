//go:build !linux

package main

import (
	"syscall"
	"time"
)

// boundStall is for Linux alone: elsewhere the system's own patience holds.
func boundStall(time.Duration) func(network, address string, c syscall.RawConn) error { return nil }
