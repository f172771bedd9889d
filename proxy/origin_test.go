package proxy_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"vneid-proxy/proxy"
)

// A portal that insists on its own name is called by it, and browsers never
// hear of it.
func TestPortalWithAnotherName(t *testing.T) {
	var answers http.Header
	r := newRig(t, func(w http.ResponseWriter, _ *http.Request) {
		for name, values := range answers {
			w.Header()[name] = values
		}
		w.WriteHeader(http.StatusFound)
	}, func(c *proxy.Config) { c.UpstreamHost = "old.portal.internal:8000" })
	cookie := "Cookie: " + r.cookie(linked(t))
	address := strings.TrimPrefix(r.config.Upstream.String(), "http://")
	for from, to := range map[string]string{
		"http://old.portal.internal:8000/a?b#c":    "https://portal.example/a?b#c",
		"HTTPS://OLD.portal.internal:8000":         "https://portal.example",
		"http://" + address + "/a":                 "https://portal.example/a",
		"http://portal.example/a":                  "https://portal.example/a",
		"https://portal.example/a":                 "https://portal.example/a",
		"http://old.portal.internal:80001/a":       "http://old.portal.internal:80001/a",
		"http://old.portal.internal:8000.evil/a":   "http://old.portal.internal:8000.evil/a",
		"http://old.portal.internal:8000@evil/a":   "http://old.portal.internal:8000@evil/a",
		"http://portal.example.evil/":              "http://portal.example.evil/",
		"https://elsewhere.example/pay?back=//x/y": "https://elsewhere.example/pay?back=//x/y",
		"/a?b":       "/a?b",
		"a/b":        "a/b",
		"//portal/a": "//portal/a",
	} {
		answers = http.Header{"Location": {from}, "Content-Location": {from}, "Refresh": {"5; URL=" + from}}
		answer := r.ask("GET /a", cookie, "Origin: https://portal.example", "Referer: https://portal.example/form?x")
		assert.Equal(t, to, answer.Header.Get("Location"))
		assert.Equal(t, to, answer.Header.Get("Content-Location"))
		assert.Equal(t, "5; URL="+to, answer.Header.Get("Refresh"))
		got := r.last()
		assert.Equal(t, "old.portal.internal:8000", got.Host)
		assert.Equal(t, "https://old.portal.internal:8000", got.Header.Get("Origin"))
		assert.Equal(t, "https://old.portal.internal:8000/form?x", got.Header.Get("Referer"))
		assert.Equal(t, "portal.example", got.Header.Get("X-Forwarded-Host"))
	}
	for from, to := range map[string]string{
		"a=b; Path=/; Domain=old.portal.internal; HttpOnly": "a=b; Path=/; HttpOnly",
		"a=b; domain=.portal.internal":                      "a=b",
		"a=domain=x; Path=/":                                "a=domain=x; Path=/",
		"a=b; Domain=other.internal":                        "a=b; Domain=other.internal",
		"a=b; Domain=ortal.internal":                        "a=b; Domain=ortal.internal",
	} {
		answers = http.Header{"Set-Cookie": {from}}
		assert.Equal(t, []string{to}, r.ask("GET /a", cookie).Header["Set-Cookie"])
	}
	// Other origins are the portal's to judge.
	r.ask("GET /a", cookie, "Origin: https://evil.example")
	assert.Equal(t, "https://evil.example", r.last().Header.Get("Origin"))
}

// Without a name of its own the portal is told the public one, and a redirect
// to plain http, which it takes for its own, does not leave TLS.
func TestRedirectsKeepTLS(t *testing.T) {
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		w.Header().Set("Location", "http://"+q.Host+"/dang-nhap")
		w.Header().Add("Set-Cookie", "a=b; Domain=portal.example")
		w.WriteHeader(http.StatusFound)
	})
	answer := r.ask("GET /a", "Cookie: "+r.cookie(linked(t)))
	assert.Equal(t, "https://portal.example/dang-nhap", answer.Header.Get("Location"))
	assert.Equal(t, []string{"a=b; Domain=portal.example"}, answer.Header["Set-Cookie"])
}
