// Package testserver starts the real servers that tests need, from Debian's
// packages: each on a free port of loopback, in a temporary folder, stopped
// when its test ends, and by the kernel if the test's process is killed. Only
// tests import it.
//
// Where a server's program is missing, the test is skipped with the name of
// the package, and fails under CI=true: make test installs them all.
package testserver
