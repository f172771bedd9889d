package proxy_test

import (
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/proxy"
	"vneid-proxy/session"
)

func trusting(c *proxy.Config) {
	c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
}

// Each way of asking is the same gate: what it would forward is allowed with
// the same headers, what it would refuse is refused.
func TestForwardAuth(t *testing.T) {
	r := newRig(t, nil, trusting)
	cookie := "Cookie: PHPSESSID=a; " + r.cookie(linked(t)) + "; vneid_other=b"
	for name, ask := range map[string]func(method, path string, headers ...string) *http.Response{
		"nginx": func(method, path string, headers ...string) *http.Response {
			return r.ask("GET /_vneid/auth", append(headers, "X-Original-Method: "+method, "X-Original-URI: "+path)...)
		},
		"traefik": func(method, path string, headers ...string) *http.Response {
			return r.ask("GET /_vneid/auth/redirect", append(headers, "X-Forwarded-Method: "+method, "X-Forwarded-Uri: "+path, "X-Forwarded-Host: "+publicHost)...)
		},
		"envoy": func(method, path string, headers ...string) *http.Response {
			return r.ask(method+" /_vneid/auth/envoy"+path, append(headers, "Content-Length: 0")...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			answer := ask("POST", "/ho-so?a=%2f;b", cookie, "X-Identity-Name: forged", "X_Forwarded_User: forged")
			require.Equal(t, http.StatusOK, answer.StatusCode)
			assert.Equal(t, []string{"u-17"}, answer.Header["X-Forwarded-User"])
			assert.Equal(t, []string{"Nguy%E1%BB%85n%20Th%E1%BB%8B%20Lan"}, answer.Header["X-Identity-Name"])
			assert.Equal(t, []string{"PHPSESSID=a"}, answer.Header["Cookie"])
			assert.Equal(t, "no-store", answer.Header.Get("Cache-Control"))

			answer = ask("GET", "/assets/a", cookie, "X-Forwarded-User: forged")
			require.Equal(t, http.StatusOK, answer.StatusCode)
			for _, header := range proxy.DefaultHeaders() {
				assert.Equal(t, []string{""}, answer.Header[header.Name], "said to be empty: %s", header.Name)
			}

			for _, path := range []string{"/ho-so?b", "/assets/../ho-so", "/assets/%2e%2e/ho-so", "/assets//a"} {
				answer = ask("GET", path, navigation)
				if name == "nginx" {
					assert.Equal(t, http.StatusUnauthorized, answer.StatusCode)
				} else {
					assert.Equal(t, http.StatusFound, answer.StatusCode)
				}
				assert.Regexp(t, `^https://portal\.example/_vneid/sign-in\?rd=%2F`, answer.Header.Get("Location"))
				answer = ask("GET", path)
				assert.Equal(t, http.StatusUnauthorized, answer.StatusCode, "a program")
				assert.Empty(t, answer.Header.Get("Location"))
			}
			for _, path := range []string{"/_vneid/identity", "/_VNEID/identity", "/a/../_vneid/session"} {
				assert.Equal(t, http.StatusForbidden, ask("GET", path, cookie).StatusCode, path)
			}
			assert.Equal(t, http.StatusForbidden, ask("GET", "/live", cookie, "Sec-WebSocket-Key: x", "Origin: https://evil.example").StatusCode)
			assert.Equal(t, http.StatusOK, ask("GET", "/live", cookie, "Sec-WebSocket-Key: x", "Origin: https://"+publicHost).StatusCode)
			assert.Zero(t, r.count(), "the front proxy forwards")
		})
	}
}

func TestForwardAuthOnlyFromTrusted(t *testing.T) {
	for name, test := range map[string]struct {
		mend   func(*proxy.Config)
		status int
	}{
		"nobody is trusted, so it is off": {func(*proxy.Config) {}, http.StatusOK}, // the rig's own pages answer
		"another peer": {func(c *proxy.Config) {
			c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.7/32")}
		}, http.StatusForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil, test.mend)
			cookie := "Cookie: " + r.cookie(linked(t))
			for _, line := range []string{"GET /_vneid/auth", "GET /_vneid/auth/redirect", "GET /_vneid/auth/envoy/a"} {
				answer := r.ask(line, cookie, "X-Original-Method: GET", "X-Original-URI: /a", "X-Forwarded-Method: GET", "X-Forwarded-Uri: /a")
				assert.Equal(t, test.status, answer.StatusCode, line)
				assert.Empty(t, answer.Header["X-Forwarded-User"])
			}
		})
	}
}

// What the front proxy says must be said once and be a request.
func TestForwardAuthMalformed(t *testing.T) {
	r := newRig(t, nil, trusting)
	cookie := "Cookie: " + r.cookie(linked(t))
	for _, headers := range [][]string{
		{}, {"X-Original-Method: GET"}, {"X-Original-URI: /a"},
		{"X-Original-Method: GET", "X-Original-URI: /a", "X-Original-URI: /assets/a"},
		{"X-Original-Method: GET", "X-Original-Method: GET", "X-Original-URI: /a"},
		{"X-Original-Method: GET", "X-Original-URI: a"},
		{"X-Original-Method: GET", "X-Original-URI: https://evil.example/a"},
		{"X-Original-Method: GET", "X-Original-URI: *"},
		{"X-Original-Method: GET", "X-Original-URI: /a#/assets/a"},
		{"X-Original-Method: G T", "X-Original-URI: /a"},
		{"X-Original-Method: CONNECT", "X-Original-URI: /a"},
		{"X-Original-Method: GET", "X-Original-URI: "},
	} {
		assert.Equal(t, http.StatusForbidden, r.ask("GET /_vneid/auth", append(headers, cookie)...).StatusCode, "%v", headers)
	}
	for _, headers := range [][]string{
		{}, {"X-Forwarded-Method: GET", "X-Forwarded-Uri: a"},
		{"X-Forwarded-Method: GET", "X-Forwarded-Uri: /a", "X-Forwarded-Host: evil.example"},
		{"X-Forwarded-Method: GET", "X-Forwarded-Uri: /a", "X-Forwarded-Host: portal.example", "X-Forwarded-Host: portal.example"},
	} {
		assert.Equal(t, http.StatusBadRequest, r.ask("GET /_vneid/auth/redirect", append(headers, cookie)...).StatusCode, "%v", headers)
	}
}

// Whoever must link is sent there, and rules decide as they do elsewhere.
func TestForwardAuthVerdicts(t *testing.T) {
	verdict := proxy.Verdict{Action: proxy.ToLink, Reason: "unlinked"}
	rules, err := proxy.NewRules([]proxy.Rule{
		{Path: "/closed", Access: proxy.Denied}, {Path: "/api", Access: proxy.API},
		{Path: "/form", Methods: []string{"POST"}, Access: proxy.Denied},
	})
	require.NoError(t, err)
	r := newRig(t, nil, trusting, func(c *proxy.Config) {
		c.Public, c.Rules = nil, rules
		c.Admit = func(*session.Session, time.Time) proxy.Verdict { return verdict }
	})
	cookie := "Cookie: " + r.cookie(linked(t))
	ask := func(method, path string, headers ...string) *http.Response {
		return r.ask("GET /_vneid/auth", append(headers, cookie, "X-Original-Method: "+method, "X-Original-URI: "+path)...)
	}
	answer := ask("GET", "/a", navigation)
	assert.Equal(t, http.StatusUnauthorized, answer.StatusCode)
	assert.Equal(t, "https://portal.example/_vneid/link?rd=%2Fa", answer.Header.Get("Location"))
	assert.Equal(t, http.StatusForbidden, ask("GET", "/a").StatusCode)
	verdict = proxy.Verdict{Action: proxy.Forward}
	assert.Equal(t, http.StatusOK, ask("GET", "/form").StatusCode)
	assert.Equal(t, http.StatusForbidden, ask("POST", "/form").StatusCode)
	assert.Equal(t, http.StatusForbidden, ask("GET", "/closed", navigation).StatusCode)
}
