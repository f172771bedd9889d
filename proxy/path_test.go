package proxy_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/proxy"
)

func TestTargetArrivesByteForByte(t *testing.T) {
	upstream, heads := rawPortal(t)
	r := newRig(t, nil, func(c *proxy.Config) { c.Upstream = upstream })
	cookie := "Cookie: " + r.cookie(linked(t))
	for _, target := range []string{
		"/", "/?", "/a?", "/a??", "/a?b=1&a=2", "/a?z;y=1;x", "/a?%zz", "/a?q=%", "/a?a=b?c=d&&",
		"/a%2Fb", "/a%2fb", "/a//b", "//a/b", "//evil.example/x?y", "///", "/a/./b/../c", "/a;jsessionid=1/b", "/%41%c3%a9",
		"/a|b", `/a"b<c>`, "/a^b`c{d}", "/\xc4\x90inh", "/a?\xc4\x91=1", "/a?x=|{}^`\"<>", `/a\b`, "/a%5cb", "/a%00b", "/a%20b+c",
		"/*", "/http://x/", "/a:b@c", "/~x", "/%25%32%66", "/a!$&'()*+,;=:@", "/[x]", "/a?[x]=1", "/.well-known/x", "/a/?",
	} {
		answer := r.ask("GET "+target, cookie, "Connection: close")
		require.Equal(t, http.StatusOK, answer.StatusCode, "%q", target)
		head := <-heads
		line, _, _ := strings.Cut(head, "\r\n")
		assert.Equal(t, "GET "+target+" HTTP/1.1", line)
		assert.Contains(t, head, "\r\nHost: "+publicHost+"\r\n")
	}
}

func TestPublicPathsArePlain(t *testing.T) {
	r := newRig(t, nil)
	for path, open := range map[string]bool{
		"/assets/": true, "/assets/a.css": true, "/assets/a/b@2x~.png": true, "/favicon.ico": true,
		"/assets/a.css?v=1": true, "/assets/a?x=../../private": true, "/favicon.ico/x": true, "/assets/a/": true,
		"/assets": false, "/Assets/a": false, "/assetsx": false, "/favicon.icox": false, "/": false, "//assets/a": false,
		"/assets//a": false, "/assets/./a": false, "/assets/../private": false, "/assets/..": false, "/assets/.": false,
		"/assets/%2e%2e/private": false, "/assets/..%2fprivate": false, "/assets/..;/private": false, "/assets/a;x": false,
		`/assets/..\private`: false, "/assets/%5c..%5cprivate": false, "/assets/a%00": false, "/assets/a%20": false,
		"/assets/a|b": false, "/x/../assets/a": false, "/%61ssets/a": false, "/private/assets/a": false,
	} {
		before := r.count()
		answer := r.ask("GET "+path, "Connection: close")
		if open {
			assert.Equal(t, http.StatusOK, answer.StatusCode, path)
			assert.Equal(t, before+1, r.count(), path)
		} else {
			assert.Equal(t, http.StatusUnauthorized, answer.StatusCode, path)
			assert.Equal(t, before, r.count(), path)
		}
	}
}

func TestReservedPrefixIsNeverForwarded(t *testing.T) {
	// The prefix is made public too: even then nothing below it is forwarded.
	r := newRig(t, nil, func(c *proxy.Config) { c.Public = append(c.Public, "/_vneid", "/_VNEID") })
	cookie := "Cookie: " + r.cookie(linked(t))
	own := map[string]bool{"/_vneid": true, "/_vneid/": true, "/_vneid/link": true, "/_vneid/a/b": true}
	spellings := []string{
		"/_VNEID/link", "/_Vneid", "/%5fvneid/link", "/%5Fvneid", "/%255fvneid/link", "/_vnei%64/x", "/_vnei%2564/x",
		"//_vneid/link", "/./_vneid/link", "/x/../_vneid/link", "/x/%2e%2e/_vneid", "/x/..;/_vneid/link", "/x/..;a=b/_vneid",
		"/;/_vneid/link", "/_vneid;x/link", "/_vneid;", "/_vneid%3bx/link", `/\_vneid/link`, `/x\..\_vneid\link`, "/%5c_vneid/link",
		"/x/..%5c_vneid", "/%2f_vneid/link", "/_vneid%2flink", "/_vneid%252flink", `/_vneid\link`, "/_vneid%00", "/_vneid%00/x",
		"/_vneid%3fx", "/_vneid%23x", "/_vneid//link", "/_vneid/../private", "/_vneid/./link", "/_vneid/%2e%2e/private",
		"/_vneid/%6cink", "/x/%252e%252e/_vneid/link", "/_vneid/a;b", "/x//../_vneid/", "/%2e/_vneid/x", "/x/..%252f_vneid",
	}
	for path := range own {
		answer := r.ask("GET "+path, cookie)
		assert.Equal(t, "own "+path, bodyOf(t, answer))
		assert.Equal(t, "no-store", answer.Header.Get("Cache-Control"))
	}
	for _, path := range spellings {
		answer := r.ask("GET "+path, cookie)
		assert.Equal(t, http.StatusNotFound, answer.StatusCode, path)
	}
	assert.Zero(t, r.count())
	for _, path := range []string{"/_vneidx", "/x_vneid/", "/vneid/link", "/x/_vneid/link", "/_vneid%78/a", "/_vneid.js"} {
		assert.Equal(t, http.StatusOK, r.ask("GET "+path, cookie).StatusCode, path)
	}
}

func TestRequestTargets(t *testing.T) {
	r := newRig(t, nil)
	cookie := "Cookie: " + r.cookie(linked(t))
	for line, want := range map[string]int{
		"CONNECT portal.example:443": 405, "CONNECT /x": 405, "TRACE /": 405, "OPTIONS *": 400,
		"GET https://portal.example/": 400, "GET http://evil.example/": 400, "GET /a#b": 400, "GET /assets/a#/../private": 400,
		"GET x": 400, "GET /%zz": 400, "GET //a\"b": 400, "OPTIONS /": 200, "PROPFIND /": 200, "get /": 200,
	} {
		assert.Equal(t, want, r.ask(line, cookie, "Connection: close").StatusCode, line)
	}
}

func TestHost(t *testing.T) {
	r := newRig(t, nil)
	cookie := "Cookie: " + r.cookie(linked(t))
	for host, want := range map[string]int{
		"portal.example": 200, "PORTAL.Example": 200, "portal.example:443": 200,
		"portal.example:80": 421, "portal.example:8443": 421, "evil.example": 421, "portal.example.": 421, "portal.example.evil": 421,
		"xportal.example": 421, "": 421, "portal.example:": 421, "127.0.0.1": 421,
	} {
		answer := r.ask("GET /", "Host: "+host, cookie, "X-Forwarded-Host: portal.example", "Forwarded: host=portal.example")
		assert.Equal(t, want, answer.StatusCode, host)
	}
	assert.Equal(t, publicHost, r.last().Host)
	assert.Contains(t, r.scrape(), `vneid_proxy_requests_total{code="4xx",decision="misdirected"} 9`)
}
