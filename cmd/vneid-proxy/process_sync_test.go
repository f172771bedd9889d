package main_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/vneidtest"
)

// tracedCall is one system call of a trace, from the line where it began to the
// line where it returned.
type tracedCall struct {
	name, fd, text string // text is what was read or written
	begun, ended   int
	failed         bool
}

var (
	tracedWhole   = regexp.MustCompile(`^(\d+) +(\w+)\((\d+<(?:->|[^<>"])*>)(?:, "((?:[^"\\]|\\.)*)".*)?.*\) += (-?\d+)`)
	tracedBegin   = regexp.MustCompile(`^(\d+) +(\w+)\((\d+<(?:->|[^<>"])*>)(?:, "((?:[^"\\]|\\.)*)")?.* <unfinished \.\.\.>$`)
	tracedResumed = regexp.MustCompile(`^(\d+) +<\.\.\. (\w+) resumed>(?:.*?"((?:[^"\\]|\\.)*)")?.* = (-?\d+)`)
)

// parseTrace reads what strace -f -yy wrote. Lines of another form are skipped.
func parseTrace(from io.Reader) (calls []*tracedCall) {
	open := map[string]*tracedCall{} // by thread
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 1<<20)
	for number := 1; lines.Scan(); number++ {
		line := lines.Text()
		if m := tracedBegin.FindStringSubmatch(line); m != nil {
			open[m[1]] = &tracedCall{name: m[2], fd: m[3], text: m[4], begun: number}
			calls = append(calls, open[m[1]])
		} else if m := tracedResumed.FindStringSubmatch(line); m != nil {
			if c := open[m[1]]; c != nil && c.name == m[2] {
				if c.text == "" {
					c.text = m[3]
				}
				c.ended, c.failed = number, strings.HasPrefix(m[4], "-")
				delete(open, m[1])
			}
		} else if m := tracedWhole.FindStringSubmatch(line); m != nil {
			calls = append(calls, &tracedCall{m[2], m[3], m[4], number, number, strings.HasPrefix(m[5], "-")})
		}
	}
	return calls
}

// syncedAnswers holds each answer to a POST of path to its rule: between the
// arrival of the request and the answer's first byte on the same connection the
// ledger's log was written, and all that was written was synced. It returns one
// error, or nil, for each such request.
func syncedAnswers(calls []*tracedCall, path string) (found []error) {
	for i, arrival := range calls {
		// The server waits for a kept connection's next request with a read of
		// one byte.
		whole := strings.HasPrefix(arrival.text, "POST "+path+" ") || strings.HasPrefix(arrival.text, "OST "+path+" ")
		if !whole || arrival.name != "read" {
			continue
		}
		written, dirty, answered := 0, 0, 0
		for _, c := range calls[i+1:] {
			log := strings.HasSuffix(c.fd, "-wal>")
			switch {
			case c.name == "write" && c.fd == arrival.fd:
				answered = c.begun
			case log && c.name == "pwrite64" && c.ended != 0 && c.begun > arrival.ended:
				written, dirty = written+1, c.ended
			case log && (c.name == "fsync" || c.name == "fdatasync") && !c.failed && c.begun > dirty && c.ended != 0 && c.ended < answer(calls[i+1:], arrival.fd):
				dirty = 0
			}
			if answered != 0 {
				break
			}
		}
		switch {
		case answered == 0:
			found = append(found, fmt.Errorf("line %d: no answer", arrival.begun))
		case written == 0:
			found = append(found, fmt.Errorf("line %d: nothing was written before the answer at line %d", arrival.begun, answered))
		case dirty != 0:
			found = append(found, fmt.Errorf("line %d: answered at line %d, but what was written at line %d was not synced", arrival.begun, answered, dirty))
		default:
			found = append(found, nil)
		}
	}
	return found
}

// answer is the line of a connection's next write; past every line where there
// is none.
func answer(calls []*tracedCall, fd string) int {
	for _, c := range calls {
		if c.name == "write" && c.fd == fd {
			return c.begun
		}
	}
	return int(^uint(0) >> 1)
}

func TestTraceRule(t *testing.T) {
	const (
		arrives = "7 read(9<TCP:[127.0.0.1:1->127.0.0.1:2]>, \"POST /p HTTP/1.1\\r\\nHost: x\\r\\n\"..., 4096) = 300\n"
		writes  = "8 pwrite64(5</x/ledger.db-wal>, \"\\0\\1\"..., 24, 0) = 24\n"
		syncs   = "8 fdatasync(5</x/ledger.db-wal>) = 0\n"
		begins  = "8 fdatasync(5</x/ledger.db-wal> <unfinished ...>\n"
		ends    = "8 <... fdatasync resumed>) = 0\n"
		answers = "7 write(9<TCP:[127.0.0.1:1->127.0.0.1:2]>, \"HTTP/1.1 303 See Other\\r\\n\"..., 200) = 200\n"
		other   = "7 write(3<TCP:[127.0.0.1:1->127.0.0.1:7]>, \"HTTP/1.1 200 OK\\r\\n\"..., 200) = 200\n"
		another = "8 pwrite64(6</x/ledger.db>, \"\\0\\1\"..., 24, 0) = 24\n"
	)
	for name, c := range map[string]struct{ trace, want string }{
		"synced":                       {arrives + writes + writes + syncs + answers, ""},
		"synced in two lines":          {arrives + writes + begins + other + ends + answers, ""},
		"arrived in two lines":         {"7 read(9<TCP:[127.0.0.1:1->127.0.0.1:2]> <unfinished ...>\n7 <... read resumed>, \"POST /p HTTP/1.1\\r\\n\"..., 4096) = 300\n" + writes + syncs + answers, ""},
		"arrived in two reads":         {"7 read(9<TCP:[127.0.0.1:1->127.0.0.1:2]>, \"P\", 1) = 1\n" + strings.Replace(arrives, "POST", "OST", 1) + writes + syncs + answers, ""},
		"written before the request":   {writes + syncs + arrives + answers, "nothing was written"},
		"another file":                 {arrives + another + syncs + answers, "nothing was written"},
		"never synced":                 {arrives + writes + answers, "not synced"},
		"synced after the answer":      {arrives + writes + answers + syncs, "not synced"},
		"sync still under way":         {arrives + writes + begins + answers + ends, "not synced"},
		"sync failed":                  {arrives + writes + "8 fdatasync(5</x/ledger.db-wal>) = -1 EIO (Input/output error)\n" + answers, "not synced"},
		"sync began before the write":  {arrives + begins + "9" + writes[1:] + ends + answers, "not synced"},
		"more was written, not synced": {arrives + writes + syncs + writes + answers, "not synced"},
		"no answer":                    {arrives + writes + syncs + other, "no answer"},
	} {
		t.Run(name, func(t *testing.T) {
			got := syncedAnswers(parseTrace(strings.NewReader(c.trace)), "/p")
			require.Len(t, got, 1)
			if c.want == "" {
				assert.NoError(t, got[0])
			} else {
				assert.ErrorContains(t, got[0], c.want)
			}
		})
	}
	assert.Empty(t, syncedAnswers(parseTrace(strings.NewReader(arrives+writes+syncs+answers)), "/other"))
}

// TestSyncedBeforeTheFirstByte traces the product's system calls while people
// link, skip, wait for a check and come by VNeID: what a page confirms is on
// disk before the page's first byte.
func TestSyncedBeforeTheFirstByte(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil && os.Getenv("CI") != "true" {
		t.Skip("left out: strace is not installed")
	}
	const each = 3
	people := procPeople(4 * each)
	w := newProcWorld(t, procWorldConfig{people: people})
	child := procServe(t, w.environ())
	trace := filepath.Join(t.TempDir(), "trace")
	stop := traceCalls(t, child, trace)

	post := func(p vneidtest.Persona, provider bool, form string, fields map[string]string) {
		b := newProcBrowser(t, w.public, child.address, nil, nil)
		var page procPage
		var err error
		if provider {
			page, err = b.atVNeID(procLanding, map[string]string{"persona": p.Key})
		} else {
			page, err = b.atPortal(procLanding, p.Accounts[0].Username, p.Accounts[0].Password)
		}
		require.NoError(t, err)
		r, err := page.fill(form, fields)
		require.NoError(t, err)
		page, err = b.do(r, false)
		require.NoError(t, err)
		require.Equal(t, http.StatusSeeOther, page.status, form)
	}
	update := func(p vneidtest.Persona) map[string]string {
		return map[string]string{"citizen_number": p.CitizenNumber, "consent": "yes"}
	}
	for i := range each {
		post(people[4*i], false, "/link/update", update(people[4*i]))
		post(people[4*i+1], false, "/link/skip", nil)
		p := people[4*i+2]
		post(p, true, "/link/proof", map[string]string{"username": p.Accounts[0].Username, "password": p.Accounts[0].Password, "consent": "yes"})
	}
	down, err := http.PostForm(w.population+"/sim/knobs", url.Values{"match_down": {"on"}})
	require.NoError(t, err)
	require.NoError(t, down.Body.Close())
	for i := range each {
		post(people[4*i+3], false, "/link/update", update(people[4*i+3]))
	}
	stop()

	file, err := os.Open(trace)
	require.NoError(t, err)
	defer func() { _ = file.Close() }()
	calls := parseTrace(file)
	for path, count := range map[string]int{"/_vneid/link/update": 2 * each, "/_vneid/link/skip": each, "/_vneid/link/proof": each} {
		found := syncedAnswers(calls, path)
		require.Len(t, found, count, path)
		unsynced := 0
		for _, err := range found {
			if err != nil {
				unsynced++
				t.Logf("%s: %v", path, err)
			}
		}
		// The audit is sealed once a second: at most one of the answers may
		// meet what that has written and not synced yet.
		assert.LessOrEqual(t, unsynced, 1, path)
	}
}

// traceCalls attaches strace; stop detaches it.
func traceCalls(t *testing.T, child *procChild, into string) (stop func()) {
	t.Helper()
	var said procOutput
	tracer := exec.Command("strace", "-f", "-yy", "-s", "64", "-e", "trace=read,write,pwrite64,fsync,fdatasync",
		"-o", into, "-p", fmt.Sprint(child.cmd.Process.Pid))
	tracer.Stderr = &said
	require.NoError(t, tracer.Start(), "strace is a package of Debian's")
	ended := make(chan struct{})
	go func() { defer close(ended); _ = tracer.Wait() }()
	stop = func() {
		_ = tracer.Process.Signal(os.Interrupt) // it may have ended already
		<-ended
	}
	t.Cleanup(stop)
	require.Eventually(t, func() bool {
		select {
		case <-ended:
			return true
		default:
			return strings.Contains(said.String(), "attached")
		}
	}, procPatience, 5*time.Millisecond)
	require.Contains(t, said.String(), "attached", "this machine lets nobody trace")
	return stop
}
