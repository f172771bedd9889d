package proxy_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/proxy"
	"vneid-proxy/session"
)

// nginx runs a real one with the given server block, until the test ends.
func nginx(t *testing.T, address, server string) {
	t.Helper()
	program, err := exec.LookPath("nginx")
	if err != nil {
		program = "/usr/sbin/nginx"
	}
	if _, err := os.Stat(program); err != nil {
		if os.Getenv("CI") != "true" {
			t.Skip("left out: nginx is not installed")
		}
		require.NoError(t, err, "nginx is a package of Debian's")
	}
	dir := t.TempDir()
	user := ""
	if os.Geteuid() == 0 {
		user = "user root;\n"
	}
	text := fmt.Sprintf("%sdaemon off;\npid %[2]s/pid;\nerror_log %[2]s/error.log;\nworker_processes 1;\nevents {}\nhttp {\naccess_log off;\n", user, dir)
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		text += fmt.Sprintf("%s_temp_path %s/%s;\n", kind, dir, kind)
	}
	path := filepath.Join(dir, "nginx.conf")
	require.NoError(t, os.WriteFile(path, []byte(text+server+"}\n"), 0o600))
	run := exec.Command(program, "-c", path, "-p", dir, "-e", dir+"/error.log")
	require.NoError(t, run.Start())
	t.Cleanup(func() {
		_ = run.Process.Signal(os.Interrupt)
		_ = run.Wait()
		if t.Failed() {
			log, _ := os.ReadFile(dir + "/error.log")
			t.Logf("%s", log)
		}
	})
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}, 20*time.Second, 10*time.Millisecond, "nginx does not listen")
}

func freeAddress(t *testing.T) string {
	return strings.TrimPrefix(nowhere(t), "http://")
}

// documented is the configuration of docs/forward-auth.md.
func documented(t *testing.T) string {
	text, err := os.ReadFile("../docs/forward-auth.md")
	require.NoError(t, err)
	_, rest, _ := strings.Cut(string(text), "```nginx\n")
	block, _, found := strings.Cut(rest, "```")
	require.True(t, found)
	return block
}

// The documented nginx before the portal, with the proxy at its side.
func TestForwardAuthWithNginx(t *testing.T) {
	clock := &movable{now: time.Now()}
	r := newRig(t, nil, trusting, func(c *proxy.Config) {
		c.Jar = newJar(t, clock.Now)
		c.Now = clock.Now
	})
	var got *http.Request
	portal := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		got = q
		_, _ = io.WriteString(w, "portal")
	}))
	t.Cleanup(portal.Close)
	address := freeAddress(t)
	server := documented(t)
	for from, to := range map[string]string{
		"listen 80": "listen " + address, "127.0.0.1:8080": r.addr, "127.0.0.1:8000": strings.TrimPrefix(portal.URL, "http://"),
	} {
		require.Contains(t, server, from)
		server = strings.ReplaceAll(server, from, to)
	}
	nginx(t, address, server)
	front := &rig{t: t, addr: address}
	cookie := "Cookie: PHPSESSID=a; " + r.cookie(linked(t))

	answer := front.ask("GET /ho-so?a=%2f;b", navigation)
	assert.Equal(t, http.StatusFound, answer.StatusCode)
	assert.Equal(t, "https://portal.example/_vneid/sign-in?rd=%2Fho-so%3Fa%3D%252f%3Bb", answer.Header.Get("Location"))
	assert.Equal(t, http.StatusUnauthorized, front.ask("GET /ho-so").StatusCode)
	assert.Nil(t, got, "nobody got through")

	forged := []string{cookie, "Content-Length: 0", "x-forwarded-user: forged"}
	for _, header := range proxy.DefaultHeaders() {
		forged = append(forged, header.Name+": forged")
	}
	answer = front.ask("POST /ho-so?a=%2f;b", append(forged,
		"X_Forwarded_User: forged", "X.Forwarded.User: forged", "X_Identity_Name: forged",
		"X-Auth-Request-User: forged", "Remote-User: forged", "Authorization: Bearer forged",
		"X-Original-URI: /assets/forged", "X-Original-Method: forged", "X-Forwarded-For: 203.0.113.9")...)
	require.Equal(t, http.StatusOK, answer.StatusCode)
	assert.Equal(t, "portal", bodyOf(t, answer))
	assert.Equal(t, []string{"u-17"}, got.Header["X-Forwarded-User"])
	assert.Equal(t, []string{"099203004567"}, got.Header["X-Identity-Citizen-Number"])
	assert.NotEmpty(t, got.Header["X-Identity-Standing"])
	assert.Equal(t, []string{"PHPSESSID=a"}, got.Header["Cookie"])
	assert.Equal(t, "/ho-so?a=%2f;b", got.RequestURI)
	assert.NotContains(t, got.Header, "Authorization")
	for name, values := range got.Header {
		if name != "X-Original-Uri" && name != "X-Original-Method" {
			assert.NotContains(t, strings.Join(values, " "), "forged", name)
		}
	}
	assert.Equal(t, "private", answer.Header.Get("Cache-Control"))
	assert.Empty(t, answer.Header["Set-Cookie"])

	// A public path tells nothing of anybody, whatever the browser says.
	answer = front.ask("GET /assets/a", "X-Forwarded-User: forged")
	require.Equal(t, http.StatusOK, answer.StatusCode)
	assert.NotContains(t, got.Header, "X-Forwarded-User")
	// nginx reads this path as public, and we do not.
	assert.Equal(t, http.StatusUnauthorized, front.ask("GET /assets/../ho-so").StatusCode)

	// Nobody asks the gate from outside, and our own pages are reached.
	assert.Equal(t, http.StatusNotFound, front.ask("GET /_vneid/auth", cookie).StatusCode)
	assert.Equal(t, http.StatusNotFound, front.ask("GET /_vneid/auth/redirect", cookie).StatusCode)
	assert.Equal(t, http.StatusNotFound, front.ask("GET /vneid-ask", cookie).StatusCode)
	assert.Equal(t, "own /_vneid/sign-in", bodyOf(t, front.ask("GET /_vneid/sign-in")))

	clock.move(10 * time.Minute)
	answer = front.ask("GET /ho-so", cookie, navigation)
	require.Equal(t, http.StatusOK, answer.StatusCode)
	renewed, ok := r.config.Jar.Open(&http.Request{Header: http.Header{"Cookie": {strings.Split(answer.Header.Get("Set-Cookie"), ";")[0]}}}).(*session.Session)
	require.True(t, ok, "the renewed session reaches the browser")
	assert.EqualValues(t, "u-17", renewed.Account.ID)
}

// A real nginx as the portal.
func TestNginxAsUpstream(t *testing.T) {
	address, dir := freeAddress(t), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "large.bin"), make([]byte, 3<<20), 0o600))
	nginx(t, address, fmt.Sprintf(`server {
	listen %s;
	client_max_body_size 0;
	location / { root %s; }
	location /told { return 200 "$http_x_forwarded_user $host $http_cookie $request_uri"; }
	location /moved { return 302 /there; }
	location /upload { proxy_pass http://%[1]s/uploaded; }
	location /uploaded { return 200 "$content_length"; }
}
`, address, dir))
	r := newRig(t, nil, func(c *proxy.Config) { c.Upstream = parse("http://" + address) })
	cookie := r.cookie(linked(t)) + "; PHPSESSID=a"
	assert.Equal(t, "u-17 portal.example PHPSESSID=a /told?a=%2f", bodyOf(t, r.ask("GET /told?a=%2f", "Cookie: "+cookie)))
	assert.Equal(t, "https://portal.example/there", r.ask("GET /moved", "Cookie: "+cookie).Header.Get("Location"))
	assert.Len(t, bodyOf(t, r.ask("GET /large.bin", "Cookie: "+cookie)), 3<<20)
	part := r.ask("GET /large.bin", "Cookie: "+cookie, "Range: bytes=10-19")
	assert.Equal(t, http.StatusPartialContent, part.StatusCode)
	assert.Len(t, bodyOf(t, part), 10)
	answer, err := client(t).Do(r.request(http.MethodPost, "/upload", io.LimitReader(zeros{}, 5<<20), cookie))
	require.NoError(t, err)
	assert.Equal(t, "5242880", bodyOf(t, answer))
}

// zeros never ends.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }
