package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestStreams: what is no plain page passes too, with the identity.
func TestStreams(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigWorld{})
	who := r.persona("linked")
	p := r.person(t)
	p.vneid(p.visit("/"), "linked")
	cookie := "vneid_session=" + p.cookies()["vneid_session"]
	identified := func(t *testing.T, target string) {
		t.Helper()
		requests := r.portal.Requests()
		require.Len(t, requests, 1)
		assert.Equal(t, target, requests[0].Target)
		assert.Equal(t, []string{who.Accounts[0].ID}, requests[0].Header["X-Forwarded-User"])
		assert.Equal(t, []string{who.CitizenNumber}, requests[0].Header["X-Identity-Citizen-Number"])
		assert.NotContains(t, requests[0].Header, "Cookie")
		p.asserted(requests[0].Header)
	}

	t.Run("WebSocket", func(t *testing.T) {
		r.portal.ForgetRequests()
		address := strings.Replace(r.origin, "http:", "ws:", 1) + "/ws?b=1&a=%2F"
		conn, answer, err := websocket.Dial(t.Context(), address, &websocket.DialOptions{HTTPHeader: http.Header{
			"Cookie": {cookie}, "Origin": {r.origin}, "X-Forwarded-User": {"forged"},
		}})
		require.NoError(t, err)
		defer func() { _ = conn.CloseNow() }()
		assert.Equal(t, http.StatusSwitchingProtocols, answer.StatusCode)
		for _, message := range []string{"xin chào", strings.Repeat("dài ", 5000)} {
			require.NoError(t, conn.Write(t.Context(), websocket.MessageText, []byte(message)))
			conn.SetReadLimit(1 << 20)
			_, echoed, err := conn.Read(t.Context())
			require.NoError(t, err)
			assert.Equal(t, message, string(echoed))
		}
		require.NoError(t, conn.Close(websocket.StatusNormalClosure, ""))
		identified(t, "/ws?b=1&a=%2F")
	})
	t.Run("WebSocket refused", func(t *testing.T) {
		r.portal.ForgetRequests()
		for name, header := range map[string]http.Header{
			"nobody":         {"Origin": {r.origin}},
			"another origin": {"Cookie": {cookie}, "Origin": {"https://evil.invalid"}},
			"no origin":      {"Cookie": {cookie}},
			"a forged user":  {"Origin": {r.origin}, "X-Forwarded-User": {who.Accounts[0].ID}},
		} {
			conn, answer, err := websocket.Dial(t.Context(), strings.Replace(r.origin, "http:", "ws:", 1)+"/ws", &websocket.DialOptions{HTTPHeader: header})
			if err == nil {
				_ = conn.CloseNow()
			}
			require.Error(t, err, name)
			assert.Contains(t, []int{http.StatusUnauthorized, http.StatusForbidden}, answer.StatusCode, name)
		}
		assert.Empty(t, r.portal.Requests())
	})
	t.Run("server-sent events", func(t *testing.T) {
		r.portal.ForgetRequests()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.origin+"/events?n=0", nil)
		require.NoError(t, err)
		request.Header.Set("Accept", "text/event-stream")
		request.Header.Set("Cookie", cookie)
		answer, err := http.DefaultTransport.RoundTrip(request)
		require.NoError(t, err)
		assert.Equal(t, "text/event-stream", answer.Header.Get("Content-Type"))
		lines := bufio.NewReader(answer.Body)
		for _, want := range []string{"id: 1\n", "data: thông báo 1\n", "\n", "id: 2\n"} { // it never ends: each must come by itself
			line, err := lines.ReadString('\n')
			require.NoError(t, err)
			assert.Equal(t, want, line)
		}
		require.NoError(t, answer.Body.Close())
		identified(t, "/events?n=0")
	})
	t.Run("upload", func(t *testing.T) {
		r.portal.ForgetRequests()
		content := bytes.Repeat([]byte("đơn đề nghị\x00"), 300_000)
		var body bytes.Buffer
		parts := multipart.NewWriter(&body)
		part, err := parts.CreateFormFile("file", "đơn.pdf")
		require.NoError(t, err)
		_, _ = part.Write(content)
		require.NoError(t, parts.Close())
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.origin+"/tai-len", io.MultiReader(&body)) // of unknown length
		require.NoError(t, err)
		request.Header.Set("Content-Type", parts.FormDataContentType())
		request.Header.Set("Accept", "application/json")
		request.Header.Set("Cookie", cookie)
		answer, err := http.DefaultTransport.RoundTrip(request)
		require.NoError(t, err)
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		var got struct {
			Name, SHA256 string
			Size         int
		}
		require.NoError(t, unmarshal(string(text), &got))
		sum := sha256.Sum256(content)
		assert.Equal(t, "đơn.pdf", got.Name)
		assert.Equal(t, len(content), got.Size)
		assert.Equal(t, hex.EncodeToString(sum[:]), got.SHA256)
		identified(t, "/tai-len")
	})
	t.Run("byte for byte", func(t *testing.T) {
		for _, target := range []string{"/echo//a/../b;c=d?z=1&a=2&z=;&%41", "/echo/%2e%2e/%2F%5c?x=%zz", "/echo?", "/echo/a%20b+c|d"} {
			r.portal.ForgetRequests()
			require.Equal(t, http.StatusOK, r.raw(t, "GET "+target+" HTTP/1.1\r\nHost: "+strings.TrimPrefix(r.origin, "http://")+
				"\r\nConnection: close\r\nCookie: "+cookie+"\r\n\r\n"), target)
			require.Len(t, r.portal.Requests(), 1)
			assert.Equal(t, target, r.portal.Requests()[0].Target)
		}
	})
}
