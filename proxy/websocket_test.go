package proxy_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/proxy"
	"vneid-proxy/session"
)

// echo is a portal that speaks WebSocket and sends back what it hears.
func echo(w http.ResponseWriter, q *http.Request) {
	conn, err := websocket.Accept(w, q, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return
	}
	defer func() { _ = conn.CloseNow() }()
	for {
		kind, message, err := conn.Read(q.Context())
		if err != nil || conn.Write(q.Context(), kind, message) != nil {
			return
		}
	}
}

func (r *rig) dial(path, cookie string, origins ...string) (*websocket.Conn, *http.Response, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	h := http.Header{"Cookie": {cookie}}
	if origins != nil {
		h["Origin"] = origins
	}
	conn, answer, err := websocket.Dial(ctx, "ws://"+r.addr+path, &websocket.DialOptions{Host: publicHost, HTTPHeader: h})
	if conn != nil {
		r.t.Cleanup(func() { _ = conn.CloseNow() })
	}
	return conn, answer, err
}

func says(t *testing.T, conn *websocket.Conn, message string) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	require.NoError(t, conn.Write(ctx, websocket.MessageText, []byte(message)))
	_, got, err := conn.Read(ctx)
	require.NoError(t, err)
	assert.Equal(t, message, string(got))
}

// ends waits for the close frame; a deadline of the test's own would be another
// error.
func ends(t *testing.T, conn *websocket.Conn, code websocket.StatusCode) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	_, _, err := conn.Read(ctx)
	assert.Equal(t, code, websocket.CloseStatus(err), "%v", err)
	require.NoError(t, ctx.Err())
}

func TestWebSocket(t *testing.T) {
	r := newRig(t, echo)
	conn, _, err := r.dial("/live", r.cookie(linked(t)), "https://"+publicHost)
	require.NoError(t, err)
	says(t, conn, "xin chào")
	assert.Equal(t, []string{"u-17"}, r.last().Header["X-Forwarded-User"])
	assert.NotContains(t, r.last().Header.Get("Cookie"), "vneid")
	require.NoError(t, conn.Close(websocket.StatusNormalClosure, ""))
	require.NoError(t, r.proxy.Close(t.Context()))
	assert.Contains(t, r.scrape(), `vneid_proxy_requests_total{code="1xx",decision="forward"} 1`)
}

func TestWebSocketOfOthersIsRefused(t *testing.T) {
	r := newRig(t, echo)
	cookie := r.cookie(linked(t))
	for _, test := range []struct {
		path, cookie string
		origins      []string
		want         int
	}{
		{"/live", "", []string{"https://" + publicHost}, 401},
		{"/live", cookie, nil, 403},
		{"/live", cookie, []string{"null"}, 403},
		{"/live", cookie, []string{"http://" + publicHost}, 403},
		{"/live", cookie, []string{"https://sibling.example"}, 403},
		{"/live", cookie, []string{"https://" + publicHost + ".evil.example"}, 403},
		{"/live", cookie, []string{"https://" + publicHost, "https://evil.example"}, 403},
	} {
		_, answer, err := r.dial(test.path, test.cookie, test.origins...)
		require.Error(t, err)
		assert.Equal(t, test.want, answer.StatusCode, "%v", test)
	}
	assert.Zero(t, r.count())
	// On a public path it is an ordinary request.
	_, answer, err := r.dial("/assets/live", cookie, "https://"+publicHost)
	require.Error(t, err)
	assert.Equal(t, http.StatusUpgradeRequired, answer.StatusCode)
	assert.NotContains(t, r.last().Header, "Upgrade")
}

func TestOtherUpgradesAreRemoved(t *testing.T) {
	r := newRig(t, nil)
	cookie := "Cookie: " + r.cookie(linked(t))
	for _, headers := range [][]string{
		{"Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"},
		{"Connection: Upgrade", "Upgrade: websocket, h2c"},
		{"Connection: Upgrade", "Upgrade: websocket", "Upgrade: h2c"},
		{"Connection: Upgrade", "Upgrade: TLS/1.2"},
		{"Upgrade: websocket"},
		{"Connection: Upgrade", "Upgrade: websocket", "Content-Length: 1", "", "x"},
	} {
		answer := r.ask("GET /live", append([]string{cookie, "Origin: https://" + publicHost}, headers...)...)
		assert.Equal(t, http.StatusOK, answer.StatusCode, "%v", headers)
		assert.NotContains(t, r.last().Header, "Upgrade", "%v", headers)
		assert.NotContains(t, r.last().Header, "Http2-Settings", "%v", headers)
	}
	assert.Equal(t, 200, r.ask("POST /live", cookie, "Connection: Upgrade", "Upgrade: websocket", "Content-Length: 0").StatusCode)
	assert.NotContains(t, r.last().Header, "Upgrade")
}

func TestWebSocketEndsWithTheSession(t *testing.T) {
	for name, end := range map[string]func(validity, action *atomic.Int64, clock *movable){
		"signed out":     func(v, _ *atomic.Int64, _ *movable) { v.Store(int64(proxy.Ended)) },
		"feed too old":   func(v, _ *atomic.Int64, _ *movable) { v.Store(int64(proxy.Unknown)) },
		"not admitted":   func(_, a *atomic.Int64, _ *movable) { a.Store(int64(proxy.ToLink)) },
		"lifetime is up": func(_, _ *atomic.Int64, c *movable) { c.move(9 * time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			var validity, action, judged atomic.Int64
			validity.Store(int64(proxy.Live))
			action.Store(int64(proxy.Forward))
			clock := &movable{now: time.Now()}
			r := newRig(t, echo, func(c *proxy.Config) {
				c.Jar, c.Now, c.Recheck = newJar(t, clock.Now), clock.Now, time.Millisecond
				c.Validity = func(*session.Session) proxy.Validity {
					judged.Add(1)
					return proxy.Validity(validity.Load())
				}
				c.Admit = func(*session.Session, time.Time) proxy.Verdict {
					return proxy.Verdict{Action: proxy.Action(action.Load())}
				}
			})
			conn, _, err := r.dial("/live", r.cookie(linked(t)), "https://"+publicHost)
			require.NoError(t, err)
			says(t, conn, "here")
			clock.move(40 * time.Minute) // idle, but in use
			before := judged.Load()
			require.Eventually(t, func() bool { return judged.Load() > before+1 }, 20*time.Second, time.Millisecond)
			says(t, conn, "still here")
			end(&validity, &action, clock)
			ends(t, conn, websocket.StatusPolicyViolation)
		})
	}
}

func TestCloseEndsWebSockets(t *testing.T) {
	r := newRig(t, echo)
	cookie := r.cookie(linked(t))
	conn, _, err := r.dial("/live", cookie, "https://"+publicHost)
	require.NoError(t, err)
	says(t, conn, "here")
	// It reads in the meantime, as browsers do, and so answers the close frame.
	closed := make(chan error, 1)
	go func() { closed <- r.proxy.Close(t.Context()) }()
	ends(t, conn, websocket.StatusGoingAway)
	require.NoError(t, <-closed)
	_, answer, err := r.dial("/live", cookie, "https://"+publicHost)
	require.Error(t, err)
	assert.Equal(t, http.StatusServiceUnavailable, answer.StatusCode)
	require.NoError(t, r.proxy.Close(t.Context()))
}

func TestCloseCutsWhoDoesNotAnswer(t *testing.T) {
	r := newRig(t, echo)
	conn, _, err := r.dial("/live", r.cookie(linked(t)), "https://"+publicHost)
	require.NoError(t, err)
	says(t, conn, "here")
	expired, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, r.proxy.Close(expired), context.Canceled)
}
