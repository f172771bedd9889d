package main_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const procRoutesOpen = `rules:
  - path: /gioi-thieu
    access: public
`

const procRoutesShut = `rules:
  - path: /gioi-thieu
    access: deny
    from: 2020-01-01
`

// TestRoutesReloadUnderLoad: the file changes while people ask, and is broken,
// and is gone; no request is lost, and what is broken changes nothing but a
// metric and a line of the log.
func TestRoutesReloadUnderLoad(t *testing.T) {
	t.Parallel()
	w := newProcWorld(t, procWorldConfig{})
	file := filepath.Join(t.TempDir(), "routes.yaml")
	put := func(text string) {
		next := file + ".next"
		require.NoError(t, os.WriteFile(next, []byte(text), 0o600))
		require.NoError(t, os.Rename(next, file), "as a mounted ConfigMap does")
	}
	put(procRoutesOpen)
	child := procServe(t, w.environ("PUBLIC_PATHS=", "ROUTES_FILE="+file))

	ask := func() int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+child.address+"/gioi-thieu", nil)
		require.NoError(t, err)
		r.Host = procHost
		answer, err := http.DefaultClient.Do(r)
		if !assert.NoError(t, err) {
			return 0
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		return answer.StatusCode
	}
	var lost, asked atomic.Int64
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-stop:
				return
			default:
			}
			asked.Add(1)
			if status := ask(); status != http.StatusOK && status != http.StatusForbidden {
				lost.Add(1)
			}
		}
	}()
	becomes := func(status int) {
		t.Helper()
		require.Eventually(t, func() bool { return ask() == status }, procPatience, 20*time.Millisecond)
	}
	metric := func(want string) {
		t.Helper()
		require.Eventually(t, func() bool {
			_, body := procPlain(t, child.admin+"/metrics")
			return regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(want) + `$`).MatchString(body)
		}, procPatience, 20*time.Millisecond, want)
	}
	becomes(http.StatusOK)
	put(procRoutesShut)
	becomes(http.StatusForbidden)

	put("rules:\n  - path: /gioi-thieu\n    acces: public\n")
	metric(`vneid_proxy_config_last_reload_successful{file="routes"} 0`)
	assert.Equal(t, http.StatusForbidden, ask(), "the rules before it hold")
	assert.Contains(t, child.stderr.String(), "field acces not found")

	require.NoError(t, os.Remove(file))
	metric(`vneid_proxy_config_reloads_total{file="routes",outcome="refused"} 2`)
	assert.Equal(t, http.StatusForbidden, ask())

	put(procRoutesOpen)
	becomes(http.StatusOK)
	metric(`vneid_proxy_config_last_reload_successful{file="routes"} 1`)
	close(stop)
	<-ended
	assert.Zero(t, lost.Load())
	assert.Greater(t, asked.Load(), int64(20))
}

func TestRoutesAreCheckedAndExplained(t *testing.T) {
	t.Parallel()
	w := newProcWorld(t, procWorldConfig{})
	example := filepath.Join("..", "..", "docs", "routes.example.yaml")
	example, err := filepath.Abs(example)
	require.NoError(t, err)
	for _, test := range []struct{ request, at, says string }{
		{"GET /", "", "rule 1 decides: public\n"},
		{"GET /dang-ky", "2026-06-30", "rule 3 decides: public\n"},
		{"GET /dang-ky", "2026-07-01", "rule 4 decides: deny\n"},
		{"POST /tin-tuc", "", "no rule decides: protected\n"},
		{"GET /assets/..%2fquan-tri", "", "no rule decides: protected\nrule 7 must be satisfied as well: the path may be read as one of its own\nthe path is not plain: nothing that loosens is for it\n"},
	} {
		args := []string{"check", "--url", test.request}
		if test.at != "" {
			args = append(args, "--at", test.at)
		}
		c := procStart(t, w.environ("PUBLIC_PATHS=", "ROUTES_FILE="+example), args...)
		assert.Zero(t, c.code(t), "%s: %s", test.request, c.stderr.String())
		assert.Equal(t, test.says, c.stdout.String(), "%s", test.request)
	}

	broken := filepath.Join(t.TempDir(), "routes.yaml")
	require.NoError(t, os.WriteFile(broken, []byte("rules:\n- path: /a/../b\n  access: open\n- path: /c\n  access: public\n  from: tomorrow\n"), 0o600))
	for _, command := range []string{"serve", "check"} {
		c := procStart(t, w.environ("PUBLIC_PATHS=", "ROUTES_FILE="+broken), command)
		assert.Equal(t, 2, c.code(t))
		assert.Contains(t, c.stderr.String(), "VNEID_PROXY_ROUTES_FILE: line 6: write the day as 2006-01-02")
	}
	require.NoError(t, os.WriteFile(broken, []byte("rules:\n- path: /a/../b\n  access: open\n"), 0o600))
	c := procStart(t, w.environ("PUBLIC_PATHS=", "ROUTES_FILE="+broken), "serve")
	assert.Equal(t, 2, c.code(t))
	assert.Contains(t, c.stderr.String(), `rule 1: "/a/../b" is no plain path`)
	assert.Contains(t, c.stderr.String(), `rule 1: unknown access "open"`)
}

// TestClosedPageExplains: the old registration page says, to a person, that it
// is closed, and what to do instead.
func TestClosedPageExplains(t *testing.T) {
	t.Parallel()
	w := newProcWorld(t, procWorldConfig{})
	file := filepath.Join(t.TempDir(), "routes.yaml")
	require.NoError(t, os.WriteFile(file, []byte(procRoutesShut), 0o600))
	child := procServe(t, w.environ("PUBLIC_PATHS=", "ROUTES_FILE="+file))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+child.address+"/gioi-thieu", nil)
	require.NoError(t, err)
	r.Host = procHost
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer func() { _ = answer.Body.Close() }()
	page, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	assert.Equal(t, http.StatusForbidden, answer.StatusCode)
	assert.Contains(t, string(page), "Trang này đã đóng")
	assert.Contains(t, string(page), "đăng nhập bằng VNeID")
}
