package testserver

import (
	"bytes"
	"context"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// startLimit is how long a server may take until it answers, on a busy machine.
const startLimit = 2 * time.Minute

// find is the newest program that one of the patterns names.
func find(t testing.TB, debianPackage string, patterns ...string) string {
	t.Helper()
	for _, pattern := range patterns {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return slices.Max(found)
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is not installed (Debian's package %s)", filepath.Base(patterns[0]), debianPackage)
	}
	t.Skipf("%s is not installed (Debian's package %s)", filepath.Base(patterns[0]), debianPackage)
	return ""
}

// freePort is a port of loopback that nobody listens at. It is below the range
// from which the system gives ports by itself, so that no connection takes it
// before the server does.
func freePort(t testing.TB) string {
	t.Helper()
	for range 100 {
		port := strconv.Itoa(10000 + rand.IntN(10000))
		if listener, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			_ = listener.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return ""
}

// credential is the user that a server which refuses to be root's runs as; nil
// where we are not root.
func credential(t testing.TB, name string) *syscall.Credential {
	t.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	account, err := user.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.ParseUint(account.Uid, 10, 32)
	gid, _ := strconv.ParseUint(account.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// folder is a temporary one that belongs to who.
func folder(t testing.TB, who *syscall.Credential) string {
	t.Helper()
	// Not t.TempDir: the path of a socket must stay short.
	dir, err := os.MkdirTemp("", "testserver")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if who != nil {
		if err := os.Chown(dir, int(who.Uid), int(who.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// run runs a program to its end.
func run(t testing.TB, who *syscall.Credential, dir, program string, args ...string) {
	t.Helper()
	command := exec.Command(program, args...)
	command.Dir = dir
	command.SysProcAttr = &syscall.SysProcAttr{Credential: who}
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", program, err, output)
	}
}

// start runs a server until the test ends, when stop is sent to it, and waits
// until ready says nil.
func start(t testing.TB, who *syscall.Credential, dir string, stop syscall.Signal, ready func(context.Context) error, program string, args ...string) {
	t.Helper()
	var said bytes.Buffer
	command := exec.Command(program, args...)
	command.Dir = dir
	command.Stdout, command.Stderr = &said, &said
	command.SysProcAttr = &syscall.SysProcAttr{Credential: who, Pdeathsig: syscall.SIGKILL}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	t.Cleanup(func() {
		_ = command.Process.Signal(stop)
		select {
		case <-ended:
		case <-time.After(startLimit):
			_ = command.Process.Kill()
			<-ended
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	for {
		err := ready(ctx)
		if err == nil {
			return
		}
		select {
		case wait := <-ended:
			ended <- wait
			t.Fatalf("%s ended: %v\n%s", program, wait, said.String())
		case <-ctx.Done():
			t.Fatalf("%s does not answer: %v", program, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
