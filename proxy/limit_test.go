package proxy_test

import (
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/proxy"
)

func TestBodyLimit(t *testing.T) {
	rules, err := proxy.NewRules([]proxy.Rule{{Path: "/upload", Access: proxy.Protected, MaxBody: 1000}})
	require.NoError(t, err)
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		n, err := io.Copy(io.Discard, q.Body)
		if err == nil {
			_, _ = io.WriteString(w, strconv.FormatInt(n, 10))
		}
	}, func(c *proxy.Config) { c.Public, c.Rules, c.MaxBody = nil, rules, 10 })
	cookie := r.cookie(linked(t))
	for _, test := range []struct {
		path   string
		size   int
		status int
	}{
		{"/a", 10, 200}, {"/a", 11, 413}, {"/a", 100000, 413}, {"/upload", 1000, 200}, {"/upload", 1001, 413},
	} {
		for name, body := range map[string]io.Reader{
			"with its length": strings.NewReader(strings.Repeat("x", test.size)),
			"in chunks":       io.MultiReader(strings.NewReader(strings.Repeat("x", test.size))),
		} {
			answer, err := client(t).Do(r.request(http.MethodPost, test.path, body, cookie))
			require.NoError(t, err)
			assert.Equal(t, test.status, answer.StatusCode, "%v %s", test, name)
			if test.status == http.StatusOK {
				assert.Equal(t, strconv.Itoa(test.size), bodyOf(t, answer))
			} else {
				assert.Contains(t, bodyOf(t, answer), "body_too_large")
			}
			_ = answer.Body.Close()
		}
	}
}

// A client that goes silent within its body does not hold one of the portal's
// few workers.
func TestSilentUploadEnds(t *testing.T) {
	ended := make(chan error, 1)
	r := newRig(t, func(_ http.ResponseWriter, q *http.Request) {
		_, err := io.Copy(io.Discard, q.Body)
		ended <- err
	}, func(c *proxy.Config) { c.ClientTimeout = 50 * time.Millisecond })
	body, silent := io.Pipe()
	t.Cleanup(func() { _ = silent.Close() })
	go func() { _, _ = silent.Write([]byte("half of ")) }()
	answer, err := client(t).Do(r.request(http.MethodPost, "/a", body, r.cookie(linked(t))))
	if err == nil {
		assert.Equal(t, http.StatusRequestTimeout, answer.StatusCode)
		_ = answer.Body.Close()
	}
	select {
	case err := <-ended:
		require.Error(t, err)
	case <-time.After(20 * time.Second):
		require.Fail(t, "the portal still waits")
	}
}

// heap is what is in use once all that can go is gone.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

const gigabytes = 2 << 30

// Two gigabytes each way, and the memory of proxy, browser and portal together
// does not grow with them.
func TestTwoGigabytes(t *testing.T) {
	var grown int64
	check := func(base int64) { grown = max(grown, heap()-base) }
	var base int64
	count := func(dst io.Writer, src io.Reader) int64 {
		var total int64
		for {
			n, err := io.CopyN(dst, src, 256<<20)
			total += n
			check(base)
			if err != nil {
				return total
			}
		}
	}
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		if q.Method == http.MethodPost {
			_, _ = io.WriteString(w, strconv.FormatInt(count(io.Discard, q.Body), 10))
			return
		}
		w.Header().Set("Content-Length", strconv.Itoa(gigabytes))
		_, _ = io.Copy(w, io.LimitReader(zeros{}, gigabytes))
	})
	cookie := r.cookie(linked(t))
	for name, browser := range map[string]*http.Client{"HTTP/1.1": client(t), "HTTP/2": second(t)} {
		base = heap()
		answer, err := browser.Do(r.request(http.MethodPost, "/up", io.LimitReader(zeros{}, gigabytes), cookie))
		require.NoError(t, err, name)
		assert.Equal(t, strconv.Itoa(gigabytes), bodyOf(t, answer), name)
		answer, err = browser.Do(r.request(http.MethodGet, "/down", nil, cookie))
		require.NoError(t, err, name)
		assert.EqualValues(t, gigabytes, count(io.Discard, answer.Body), name)
		_ = answer.Body.Close()
	}
	assert.Less(t, grown, int64(32<<20))
	t.Logf("grown by %d kB at most", grown>>10)
}
