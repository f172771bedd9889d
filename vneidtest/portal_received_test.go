package vneidtest_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/vneidtest"
)

func TestPortalShowsHeaders(t *testing.T) {
	_, address := startPortal(t)
	sent := http.Header{
		"Accept": {"application/json"}, "X-Twice": {"a", "b"}, "X-Forwarded-User": {"tk-2001"}, "X-Html": {"<script>"},
	}
	_, body := do(t, http.MethodPut, address+"/headers?a=%2F&b=2;c", "", sent)
	var got vneidtest.Received
	require.NoError(t, json.Unmarshal([]byte(body), &got))
	assert.Equal(t, http.MethodPut, got.Method)
	assert.Equal(t, "/headers?a=%2F&b=2;c", got.Target)
	assert.Equal(t, strings.TrimPrefix(address, "http://"), got.Host)
	assert.Equal(t, []string{"a", "b"}, got.Header["X-Twice"])
	assert.Contains(t, body, `"headers":{`)

	sent.Set("Accept", "text/html,application/json;q=0.9")
	_, body = do(t, http.MethodGet, address+"/headers", "", sent)
	assert.Contains(t, body, "<code>X-Twice</code>")
	assert.Contains(t, body, "&lt;script&gt;")
	assert.Contains(t, body, "Trần Văn Bình")
}

func TestPortalEchoesTargetsByteForByte(t *testing.T) {
	_, address := startPortal(t)
	sum := sha256.Sum256([]byte("xin chào"))
	for _, target := range []string{"/echo", "/echo//a/../b/./c;p=1?z=1&a=%2f&a;b", "/echo%2Fa%5C?", "/echo/%E1%BA%A1"} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(address, "http://"))
		require.NoError(t, err)
		_, err = fmt.Fprintf(conn, "REPORT %s HTTP/1.1\r\nHost: portal\r\nContent-Length: %d\r\nConnection: close\r\n\r\nxin chào", target, len("xin chào"))
		require.NoError(t, err)
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err)
		body, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		require.NoError(t, conn.Close())
		var got map[string]any
		require.NoError(t, json.Unmarshal(body, &got), target)
		assert.Equal(t, map[string]any{
			"method": "REPORT", "target": target, "size": 9.0, "sha256": hex.EncodeToString(sum[:]),
		}, got)
	}
}

func TestPortalRecordsRequests(t *testing.T) {
	p, address := startPortal(t)
	assert.Empty(t, p.Requests())
	do(t, http.MethodGet, address+"/gioi-thieu?x=1", "", http.Header{"X-Test": {"1"}})
	got := p.Requests()
	require.Len(t, got, 1)
	assert.Equal(t, "/gioi-thieu?x=1", got[0].Target)
	assert.Equal(t, "1", got[0].Header.Get("X-Test"))
	for i := range 1001 {
		do(t, http.MethodGet, fmt.Sprintf("%s/echo/%d", address, i), "", nil)
	}
	got = p.Requests()
	require.Len(t, got, 1000)
	assert.Equal(t, "/echo/1", got[0].Target, "the oldest go")
	p.ForgetRequests()
	assert.Empty(t, p.Requests())
}

func TestPortalUpload(t *testing.T) {
	_, address := startPortal(t)
	content := bytes.Repeat([]byte("giấy tờ "), 100_000)
	sum := sha256.Sum256(content)
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	require.NoError(t, form.WriteField("note", "before the file"))
	part, err := form.CreateFormFile("file", "giấy khai sinh.pdf")
	require.NoError(t, err)
	_, err = part.Write(content)
	require.NoError(t, err)
	require.NoError(t, form.Close())
	sent := http.Header{"X-Forwarded-User": {"tk-2001"}, "Content-Type": {form.FormDataContentType()}}

	status, answer := do(t, http.MethodPost, address+"/tai-len", body.String(), sent)
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, answer, hex.EncodeToString(sum[:]))
	assert.Contains(t, answer, "giấy khai sinh.pdf")
	sent.Set("Accept", "application/json")
	_, answer = do(t, http.MethodPost, address+"/tai-len", body.String(), sent)
	assert.JSONEq(t, fmt.Sprintf(`{"name":"giấy khai sinh.pdf","size":%d,"sha256":"%x"}`, len(content), sum), answer)

	status, _ = do(t, http.MethodPost, address+"/tai-len", body.String()[:body.Len()/2], sent)
	assert.Equal(t, http.StatusBadRequest, status, "cut short")
	sent.Set("Content-Type", "text/plain")
	status, _ = do(t, http.MethodPost, address+"/tai-len", "x", sent)
	assert.Equal(t, http.StatusBadRequest, status)
	status, _ = do(t, http.MethodPost, address+"/tai-len", "x", nil)
	assert.Equal(t, http.StatusFound, status)
}

func TestPortalStreamsEvents(t *testing.T) {
	_, address := startPortal(t)
	status, body := do(t, http.MethodGet, address+"/events?n=2", "", nil)
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, "id: 1\ndata: thông báo 1\n\nid: 2\ndata: thông báo 2\n\n", body)

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/events?n=0", nil)
	require.NoError(t, err)
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer func() { _ = answer.Body.Close() }()
	assert.Equal(t, "text/event-stream", answer.Header.Get("Content-Type"))
	line, err := bufio.NewReader(answer.Body).ReadString('\n')
	require.NoError(t, err, "the first arrives though the stream never ends")
	assert.Equal(t, "id: 1\n", line)
}

func TestPortalEchoesWebSocket(t *testing.T) {
	_, address := startPortal(t)
	conn, answer, err := websocket.Dial(t.Context(), strings.Replace(address, "http", "ws", 1)+"/ws",
		&websocket.DialOptions{HTTPHeader: http.Header{"Origin": {"http://another.invalid"}}})
	require.NoError(t, err)
	defer func() { _ = conn.CloseNow() }()
	conn.SetReadLimit(1 << 20)
	assert.Equal(t, http.StatusSwitchingProtocols, answer.StatusCode)
	for _, message := range []string{"xin chào", strings.Repeat("x", 100_000)} {
		require.NoError(t, conn.Write(t.Context(), websocket.MessageText, []byte(message)))
		kind, got, err := conn.Read(t.Context())
		require.NoError(t, err)
		assert.Equal(t, websocket.MessageText, kind)
		assert.Equal(t, message, string(got))
	}
	require.NoError(t, conn.Close(websocket.StatusNormalClosure, ""))
}
