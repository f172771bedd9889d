package proxy_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/proxy"
)

// The variables that make the test binary the proxy of the test below.
const (
	idlePortal = "TEST_IDLE_PORTAL"
	idleCount  = 1000
)

// A thousand WebSockets that say nothing cost the process less than 64 MB. The
// proxy is a process of its own, so that neither browsers nor portal count.
func TestIdleWebSocketsCostLittle(t *testing.T) {
	if portal := os.Getenv(idlePortal); portal != "" {
		serveIdle(t, portal)
		return
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { // agrees, and says nothing from then on
				q, err := http.ReadRequest(bufio.NewReader(conn))
				if err == nil && q.Header.Get("Upgrade") != "" {
					_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n")
				}
				_, _ = io.Copy(io.Discard, conn)
				_ = conn.Close()
			}()
		}
	}()
	// The race detector takes several times the memory.
	program := filepath.Join(t.TempDir(), "proxy.test")
	built, err := exec.Command("go", "test", "-c", "-o", program, ".").CombinedOutput()
	require.NoError(t, err, "%s", built)
	run := exec.Command(program, "-test.run=^TestIdleWebSocketsCostLittle$", "-test.v=false")
	run.Env = append(os.Environ(), idlePortal+"=http://"+listener.Addr().String())
	in, err := run.StdinPipe()
	require.NoError(t, err)
	out, err := run.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, run.Start())
	t.Cleanup(func() { _ = run.Process.Signal(syscall.SIGKILL); _ = run.Wait() })
	lines := bufio.NewScanner(out)
	said := func() string {
		require.True(t, lines.Scan(), "the proxy is gone")
		return lines.Text()
	}
	address := said()
	base, err := strconv.ParseInt(said(), 10, 64)
	require.NoError(t, err)
	cookie := (&rig{t: t, jar: newJar(t, nil)}).cookie(linked(t))
	for range idleCount {
		conn, err := net.Dial("tcp", address)
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close() })
		_, err = fmt.Fprintf(conn, "GET /live HTTP/1.1\r\nHost: %s\r\nOrigin: https://%[1]s\r\nCookie: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n", publicHost, cookie)
		require.NoError(t, err)
		head, err := bufio.NewReader(conn).ReadString('\n')
		require.NoError(t, err)
		require.Contains(t, head, "101")
	}
	_, err = io.WriteString(in, "count\n")
	require.NoError(t, err)
	open, err := strconv.ParseInt(said(), 10, 64)
	require.NoError(t, err)
	t.Logf("%d WebSockets: %d kB", idleCount, (open-base)>>10)
	assert.Less(t, open-base, int64(64<<20))
}

// serveIdle is the proxy: it tells its address and its memory, and its memory
// again when asked.
func serveIdle(t *testing.T, portal string) {
	r := newRig(t, nil, func(c *proxy.Config) { c.Upstream = parse(portal) })
	fmt.Println(r.addr)
	fmt.Println(resident(t))
	in := bufio.NewScanner(os.Stdin)
	in.Scan()
	fmt.Println(resident(t))
	in.Scan()
}

// resident is the memory that the process holds, in bytes.
func resident(t *testing.T) int64 {
	runtime.GC()
	text, err := os.ReadFile("/proc/self/statm")
	require.NoError(t, err)
	pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	require.NoError(t, err)
	return pages * int64(os.Getpagesize())
}
