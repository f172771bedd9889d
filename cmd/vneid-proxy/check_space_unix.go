//go:build linux || darwin

package main

import "syscall"

// freeSpace is how many bytes this user may still write there.
func freeSpace(folder string) (uint64, bool) {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(folder, &disk); err != nil {
		return 0, false
	}
	return disk.Bavail * uint64(disk.Bsize), true
}
