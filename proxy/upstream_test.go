package proxy_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"io"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/proxy"
)

func (r *rig) request(method, path string, body io.Reader, cookie string) *http.Request {
	q, err := http.NewRequest(method, "http://"+r.addr+path, body)
	require.NoError(r.t, err)
	q.Host = publicHost
	q.Header.Set("Cookie", cookie)
	return q
}

func client(t testing.TB) *http.Client {
	transport := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 64, ExpectContinueTimeout: 20 * time.Second}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// The portal makes its second event only once the first has reached the browser.
func TestEventsArriveAsTheyAreMade(t *testing.T) {
	first := make(chan struct{})
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: 1\n\n")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-first:
			_, _ = io.WriteString(w, "data: 2\n\n")
		case <-q.Context().Done():
		}
	})
	answer, err := client(t).Do(r.request(http.MethodGet, "/events", nil, r.cookie(linked(t))))
	require.NoError(t, err)
	defer func() { _ = answer.Body.Close() }()
	lines := bufio.NewReader(answer.Body)
	line, err := lines.ReadString('\n')
	require.NoError(t, err)
	assert.Equal(t, "data: 1\n", line)
	close(first)
	rest, err := io.ReadAll(lines)
	require.NoError(t, err)
	assert.Equal(t, "\ndata: 2\n\n", string(rest))
}

func TestUploadStreams(t *testing.T) {
	const size = 64 << 20
	begun := make(chan struct{})
	sums := make(chan [32]byte, 1)
	r := newRig(t, func(_ http.ResponseWriter, q *http.Request) {
		sum := sha256.New()
		_, err := io.ReadFull(io.TeeReader(q.Body, sum), make([]byte, 1))
		assert.NoError(t, err)
		close(begun) // the portal reads while the browser still writes
		n, err := io.Copy(sum, q.Body)
		assert.NoError(t, err)
		assert.EqualValues(t, size-1, n)
		sums <- [32]byte(sum.Sum(nil))
	})
	sent := sha256.New()
	source := mathrand.NewChaCha8([32]byte{1})
	reader, writer := io.Pipe()
	go func() {
		both := io.MultiWriter(writer, sent)
		_, _ = io.CopyN(both, source, 1<<20)
		<-begun
		_, _ = io.CopyN(both, source, size-1<<20)
		_ = writer.Close()
	}()
	answer, err := client(t).Do(r.request(http.MethodPost, "/upload", reader, r.cookie(linked(t))))
	require.NoError(t, err)
	_ = answer.Body.Close()
	require.Equal(t, http.StatusOK, answer.StatusCode)
	assert.Equal(t, [32]byte(sent.Sum(nil)), <-sums)
}

func TestExpectContinueIsThePortals(t *testing.T) {
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path == "/no" {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		body, _ := io.ReadAll(q.Body)
		_, _ = w.Write(body)
	})
	for path, want := range map[string]int{"/yes": 200, "/no": 413} {
		continued := false
		q := r.request(http.MethodPost, path, strings.NewReader("hello"), r.cookie(linked(t)))
		q.Header.Set("Expect", "100-continue")
		q = q.WithContext(httptrace.WithClientTrace(q.Context(), &httptrace.ClientTrace{Got100Continue: func() { continued = true }}))
		answer, err := client(t).Do(q)
		require.NoError(t, err)
		body := bodyOf(t, answer)
		_ = answer.Body.Close()
		assert.Equal(t, want, answer.StatusCode)
		assert.Equal(t, want == 200, continued)
		assert.Equal(t, want == 200, body == "hello")
	}
}

// An interim answer passes, and neither takes our cookie along nor loses it.
func TestEarlyHintsAndRefresh(t *testing.T) {
	r := newRig(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</a.css>; rel=preload")
		w.Header().Set("Set-Cookie", "__Host-vneid_session=portal")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Set("Set-Cookie", "portal=1")
		_, _ = io.WriteString(w, "page")
	})
	sealed := linked(t)
	old := newJar(t, func() time.Time { return time.Now().Add(-20 * time.Minute) })
	w := httptest.NewRecorder()
	require.NoError(t, old.Admit(w, sealed))
	var hints []textproto.MIMEHeader
	ask := func(mode string) *http.Response {
		q := r.request(http.MethodGet, "/a", nil, cookiesOf(w))
		q.Header.Set("Sec-Fetch-Mode", mode)
		q = q.WithContext(httptrace.WithClientTrace(q.Context(), &httptrace.ClientTrace{
			Got1xxResponse: func(_ int, h textproto.MIMEHeader) error { hints = append(hints, h); return nil },
		}))
		answer, err := client(t).Do(q)
		require.NoError(t, err)
		_ = answer.Body.Close()
		return answer
	}
	answer := ask("navigate")
	require.Len(t, hints, 1)
	assert.Equal(t, "</a.css>; rel=preload", hints[0].Get("Link"))
	assert.NotContains(t, hints[0], "Set-Cookie")
	cookies := answer.Header["Set-Cookie"]
	require.Len(t, cookies, 2)
	assert.Regexp(t, `^__Host-vneid_session=[\w=-]{100,}; Path=/; HttpOnly; Secure; SameSite=Lax$`, cookies[0])
	assert.Equal(t, "portal=1", cookies[1])

	// A page that polls does not keep an absent person signed in.
	assert.Equal(t, []string{"portal=1"}, ask("cors").Header["Set-Cookie"])
}

func TestPortalCannotSetOurCookies(t *testing.T) {
	r := newRig(t, func(w http.ResponseWriter, _ *http.Request) {
		for _, cookie := range []string{
			"a=1", "__Host-vneid_session=x; Path=/; Secure", "vneid_proof=x", "__Secure-VNEID_attempt_1=x", " vneid_session =x",
			"=vneid_session=x", " = __Host-vneid_session=x", "b=vneid_session=x",
		} {
			w.Header().Add("Set-Cookie", cookie)
		}
	})
	for _, path := range []string{"/a", "/assets/a"} {
		answer := r.ask("GET "+path, "Cookie: "+r.cookie(linked(t)))
		assert.Equal(t, []string{"a=1", "b=vneid_session=x"}, answer.Header["Set-Cookie"], path)
	}
}

func TestPersonalAnswersStayOutOfSharedCaches(t *testing.T) {
	var control []string
	r := newRig(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Cache-Control"] = control
		w.Header().Set("CDN-Cache-Control", "max-age=60")
	})
	cookie := "Cookie: " + r.cookie(linked(t))
	for _, test := range []struct{ given, want []string }{
		{nil, []string{"private"}},
		{[]string{"public, max-age=60"}, []string{"private, max-age=60"}},
		{[]string{"max-age=60, S-MaxAge=600", "Public,immutable"}, []string{"private, max-age=60, immutable"}},
		{[]string{"Private, max-age=1"}, []string{"Private, max-age=1"}},
		{[]string{"no-store"}, []string{"no-store"}},
		{[]string{`private="x-a"`}, []string{`private, private="x-a"`}},
		{[]string{"no-cache"}, []string{"private, no-cache"}},
	} {
		control = test.given
		answer := r.ask("GET /a", cookie)
		assert.Equal(t, test.want, answer.Header["Cache-Control"])
		assert.NotContains(t, answer.Header, "Cdn-Cache-Control")
		assert.Equal(t, test.given, r.ask("GET /assets/a", cookie).Header["Cache-Control"])
	}
}

func TestAnswerTrailersPass(t *testing.T) {
	r := newRig(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		_, _ = io.WriteString(w, "body")
		w.Header().Set("X-Sum", "42")
	})
	answer, err := client(t).Do(r.request(http.MethodGet, "/a", nil, r.cookie(linked(t))))
	require.NoError(t, err)
	assert.Equal(t, "body", bodyOf(t, answer))
	assert.Equal(t, "42", answer.Trailer.Get("X-Sum"))
	_ = answer.Body.Close()
}

func TestPortalDownOrSilent(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	nonsense, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = nonsense.Close() })
	go func() {
		for {
			conn, err := nonsense.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, "SECRET 099203004567\r\n\r\n")
			_ = conn.Close()
		}
	}()
	for name, test := range map[string]struct {
		upstream string
		status   int
		reason   string
	}{
		"down":     {"http://" + closed.Addr().String(), 502, "upstream_unavailable"},
		"nonsense": {"http://" + nonsense.Addr().String(), 502, "upstream_unavailable"},
		"silent":   {"", 504, "upstream_timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(_ http.ResponseWriter, q *http.Request) { <-q.Context().Done() }, func(c *proxy.Config) {
				c.ResponseTimeout = 20 * time.Millisecond
				if test.upstream != "" {
					c.Upstream = parse(test.upstream)
				}
			})
			cookie := "Cookie: " + r.cookie(linked(t))
			page := r.ask("GET /a", cookie, navigation)
			assert.Equal(t, test.status, page.StatusCode)
			assert.Equal(t, "page "+test.reason, bodyOf(t, page))
			assert.Equal(t, "10", page.Header.Get("Retry-After"))
			answer := r.ask("GET /assets/a")
			assert.Equal(t, test.status, answer.StatusCode)
			assert.Equal(t, "no-store", answer.Header.Get("Cache-Control"))
			body := bodyOf(t, answer)
			assert.Contains(t, body, test.reason)
			assert.NotContains(t, body, "127.0.0.1")
			assert.NotContains(t, r.log.String()+body, "SECRET")
			assert.NotContains(t, r.log.String(), "099203004567")
		})
	}
}

func TestClientThatLeavesIsNoError(t *testing.T) {
	arrived := make(chan struct{})
	gone := make(chan struct{})
	r := newRig(t, func(_ http.ResponseWriter, q *http.Request) {
		close(arrived)
		<-q.Context().Done()
		close(gone)
	})
	ctx, cancel := context.WithCancel(context.Background())
	go func() { <-arrived; cancel() }()
	_, err := client(t).Do(r.request(http.MethodGet, "/a", nil, r.cookie(linked(t))).WithContext(ctx))
	require.ErrorIs(t, err, context.Canceled)
	<-gone
	require.Eventually(t, func() bool { return strings.Contains(r.log.String(), "reason=client_gone") }, 10*time.Second, time.Millisecond)
	assert.NotContains(t, r.log.String(), "level=WARN")
}

func TestConnectionsToThePortalAreReused(t *testing.T) {
	var dials atomic.Int64
	r := newRig(t, nil, func(c *proxy.Config) {
		counted := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }))
		counted.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				dials.Add(1)
			}
		}
		counted.Start()
		t.Cleanup(counted.Close)
		c.Upstream = parse(counted.URL)
	})
	cookie := r.cookie(linked(t))
	browser := client(t)
	var wait sync.WaitGroup
	for range 32 {
		wait.Go(func() {
			for range 32 {
				answer, err := browser.Do(r.request(http.MethodGet, "/a", nil, cookie))
				if assert.NoError(t, err) {
					_, _ = io.Copy(io.Discard, answer.Body)
					_ = answer.Body.Close()
				}
			}
		})
	}
	wait.Wait()
	assert.LessOrEqual(t, dials.Load(), int64(40))
}

func TestBytesPassUncompressedAndUntouched(t *testing.T) {
	r := newRig(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write([]byte{0x1f, 0x8b, 1, 2, 3})
	})
	answer := r.ask("GET /a", "Cookie: "+r.cookie(linked(t)), "Accept-Encoding: br")
	assert.Equal(t, "\x1f\x8b\x01\x02\x03", bodyOf(t, answer))
	assert.Equal(t, "br", r.last().Header.Get("Accept-Encoding"))
	r.ask("GET /a", "Cookie: "+r.cookie(linked(t)))
	assert.NotContains(t, r.last().Header, "Accept-Encoding")
	assert.NotContains(t, r.last().Header, "User-Agent")
}

func TestUnaskedSwitchOfProtocolsIsRefused(t *testing.T) {
	for _, head := range []string{
		"\r\n", "Connection: Upgrade\r\n\r\n", "Connection: Upgrade\r\nUpgrade:\r\n\r\n", "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
	} {
		r := newRig(t, func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\n"+head)
			_ = conn.Close()
		})
		answer := r.ask("GET /a", "Cookie: "+r.cookie(linked(t)))
		assert.Equal(t, http.StatusBadGateway, answer.StatusCode, "%q", head)
	}
}
