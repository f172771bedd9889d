package proxy_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/identity"
	"vneid-proxy/proxy"
	"vneid-proxy/session"
)

func TestPersonOrProgram(t *testing.T) {
	r := newRig(t, nil)
	const html = "Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"
	for _, test := range []struct {
		line    string
		headers []string
		want    int
	}{
		{"GET /a", []string{html}, 302},
		{"HEAD /a", []string{html}, 302},
		{"GET /a", []string{"Accept: application/json, TEXT/HTML;q=0.1"}, 302},
		{"GET /a", []string{navigation}, 302},
		{"GET /a", []string{navigation, "Accept: */*"}, 302},
		{"POST /a", []string{navigation, "Content-Length: 0"}, 303},
		{"PUT /a", []string{navigation}, 303},
		{"GET /a", nil, 401},
		{"GET /a", []string{"Accept: */*"}, 401},
		{"GET /a", []string{"Accept: text/htmlx"}, 401},
		{"POST /a", []string{html, "Content-Length: 0"}, 401},
		{"OPTIONS /a", []string{html}, 401},
		{"GET /a", []string{html, "Sec-Fetch-Mode: cors"}, 401},
		{"GET /a", []string{html, "Sec-Fetch-Mode: no-cors"}, 401},
		{"GET /a", []string{html, navigation, navigation}, 401},
		{"GET /a", []string{html, navigation, "X-Requested-With: XMLHttpRequest"}, 401},
		{"GET /a", []string{html, "X-Requested-With: com.example.app"}, 302},
	} {
		assert.Equal(t, test.want, r.ask(test.line, test.headers...).StatusCode, "%s %v", test.line, test.headers)
	}
	assert.Zero(t, r.count())
}

func TestNobodyIsSentToSignIn(t *testing.T) {
	r := newRig(t, nil)
	for target, rd := range map[string]string{
		"/ho-so/1?tab=2&x=%C4%91":       "%2Fho-so%2F1%3Ftab%3D2%26x%3D%25C4%2591",
		"//evil.example/":               "%2F",
		`/\evil.example`:                "%2F",
		"/a/../b":                       "%2F",
		"/" + strings.Repeat("a", 2000): "%2F",
	} {
		answer := r.ask("GET "+target, navigation)
		assert.Equal(t, http.StatusFound, answer.StatusCode)
		assert.Equal(t, "/_vneid/sign-in?rd="+rd, answer.Header.Get("Location"))
		assert.Equal(t, "no-store", answer.Header.Get("Cache-Control"))
		assert.Empty(t, answer.Header["Set-Cookie"])
	}

	answer := r.ask("GET /api", "Accept: application/json")
	assert.Equal(t, http.StatusUnauthorized, answer.StatusCode)
	assert.Equal(t, `VNeID realm="portal"`, answer.Header.Get("WWW-Authenticate"))
	assert.Equal(t, "application/problem+json", answer.Header.Get("Content-Type"))
	assert.Equal(t, "no-store", answer.Header.Get("Cache-Control"))
	assert.JSONEq(t, `{"title":"Unauthorized","status":401,"reason":"sign_in","sign_in":"https://portal.example/_vneid/sign-in"}`, bodyOf(t, answer))
}

// A body is not waited for: the answer comes although the body never does.
func TestUnauthenticatedBodyClosesTheConnection(t *testing.T) {
	r := newRig(t, nil)
	for _, headers := range [][]string{
		{"Content-Length: 1000000"}, {"Transfer-Encoding: chunked"},
		{"Content-Length: 1000000", "Expect: 100-continue"}, {navigation, "Content-Length: 9"},
	} {
		answer := r.ask("POST /a", headers...)
		assert.True(t, answer.Close, "%v", headers)
		assert.NotEqual(t, http.StatusOK, answer.StatusCode)
	}
	assert.False(t, r.ask("POST /a", "Content-Length: 0").Close)
	assert.Zero(t, r.count())
}

func TestCookiesThatCountAsNone(t *testing.T) {
	r := newRig(t, nil)
	good := r.cookie(linked(t))
	for name, cookie := range map[string]string{
		"forged": good[:len(good)-4] + "AAAA", "cut": good[:len(good)/2], "doubled": good + "; " + good,
		"plain name": strings.TrimPrefix(good, "__Host-"), "other case": strings.Replace(good, "__Host-", "__HOST-", 1),
		"as proof": strings.Replace(good, "session", "proof", 1),
	} {
		assert.Equal(t, http.StatusUnauthorized, r.ask("GET /a", "Cookie: "+cookie).StatusCode, name)
	}
	assert.Zero(t, r.count())
	assert.Equal(t, http.StatusOK, r.ask("GET /a", "Cookie: "+good).StatusCode)
}

func TestProofIsNeverForwarded(t *testing.T) {
	r := newRig(t, nil)
	cookie := "Cookie: " + r.proofCookie(&session.Proof{ID: session.NewID(), Begun: time.Now(), Account: linked(t).Account})
	answer := r.ask("GET /a?b", navigation, cookie)
	assert.Equal(t, http.StatusFound, answer.StatusCode)
	assert.Equal(t, "/_vneid/link", answer.Header.Get("Location"))
	assert.Equal(t, http.StatusSeeOther, r.ask("POST /a", navigation, cookie, "Content-Length: 0").StatusCode)
	assert.Equal(t, http.StatusUnauthorized, r.ask("GET /a", cookie).StatusCode)
	assert.Equal(t, http.StatusOK, r.ask("GET /assets/a", cookie).StatusCode)
	assert.Equal(t, 1, r.count())
	assert.NotContains(t, r.last().Header, "X-Forwarded-User")
}

// TestReading: who may only read gets what changes nothing, and no further.
func TestReading(t *testing.T) {
	r := newRig(t, nil, func(c *proxy.Config) {
		c.Admit = func(*session.Session, time.Time) proxy.Verdict {
			return proxy.Verdict{Action: proxy.Read, Reason: "read_only"}
		}
	})
	cookie := "Cookie: " + r.cookie(linked(t))
	assert.Equal(t, http.StatusOK, r.ask("GET /a", cookie).StatusCode)
	assert.Equal(t, http.StatusOK, r.ask("HEAD /a", cookie).StatusCode)
	require.Equal(t, 2, r.count())
	for name, request := range map[string][]string{
		"post": {"POST /a", "Content-Length: 0"}, "put": {"PUT /a", "Content-Length: 0"}, "delete": {"DELETE /a"}, "options": {"OPTIONS /a"},
		"override": {"GET /a", "X-HTTP-Method-Override: DELETE"}, "older override": {"GET /a", "x-http-method: PUT"}, "third": {"GET /a", "X-Method-Override: PUT"},
		"socket": {"GET /a", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "Origin: https://" + publicHost},
	} {
		answer := r.ask(request[0], append(request[1:], cookie)...)
		assert.Equal(t, http.StatusForbidden, answer.StatusCode, name)
		assert.Contains(t, bodyOf(t, answer), `"read_only"`, name)
	}
	answer := r.ask("POST /a?b", cookie, navigation, "Content-Length: 0")
	assert.Equal(t, http.StatusSeeOther, answer.StatusCode)
	assert.Equal(t, "/_vneid/link?rd=%2Fa%3Fb", answer.Header.Get("Location"))
	assert.Equal(t, 2, r.count(), "nothing more was forwarded")
}

func TestVerdictsAndValidity(t *testing.T) {
	for name, test := range map[string]struct {
		verdict          proxy.Verdict
		validity         proxy.Validity
		person, program  int
		location, reason string
		clears           bool
	}{
		"live":           {proxy.Verdict{Action: proxy.Forward}, proxy.Live, 200, 200, "", "", false},
		"unlinked":       {proxy.Verdict{Action: proxy.ToLink, Reason: "unlinked"}, proxy.Live, 302, 403, "/_vneid/link?rd=%2Fa%3Fb", "unlinked", false},
		"denied":         {proxy.Verdict{Action: proxy.Deny, Reason: "locked"}, proxy.Live, 403, 403, "", "locked", false},
		"no verdict":     {proxy.Verdict{}, proxy.Live, 403, 403, "", "", false},
		"unknown action": {proxy.Verdict{Action: 9}, proxy.Live, 403, 403, "", "", false},
		"ended":          {proxy.Verdict{Action: proxy.Forward}, proxy.Ended, 302, 401, "/_vneid/sign-in?rd=%2Fa%3Fb", "sign_in", true},
		"changed":        {proxy.Verdict{Action: proxy.Forward}, proxy.Changed, 302, 403, "/_vneid/link?rd=%2Fa%3Fb", "standing_changed", false},
		"unknown":        {proxy.Verdict{Action: proxy.Forward}, proxy.Unknown, 503, 503, "", "revocation_feed", false},
		"strange":        {proxy.Verdict{Action: proxy.Forward}, 9, 503, 503, "", "revocation_feed", false},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil, func(c *proxy.Config) {
				c.Admit = func(*session.Session, time.Time) proxy.Verdict { return test.verdict }
				c.Validity = func(*session.Session) proxy.Validity { return test.validity }
			})
			cookie := "Cookie: " + r.cookie(linked(t))

			answer := r.ask("GET /a?b", cookie, navigation)
			assert.Equal(t, test.person, answer.StatusCode)
			assert.Equal(t, test.location, answer.Header.Get("Location"))
			cleared := strings.Join(answer.Header["Set-Cookie"], "\n")
			assert.Equal(t, test.clears, strings.Contains(cleared, "__Host-vneid_session=; Path=/; Max-Age=0; HttpOnly; Secure"), cleared)
			if test.person >= 400 {
				assert.Equal(t, "page "+test.reason, bodyOf(t, answer))
			}

			answer = r.ask("GET /a?b", cookie)
			assert.Equal(t, test.program, answer.StatusCode)
			assert.Empty(t, answer.Header["Set-Cookie"])
			if test.program >= 400 {
				var problem struct{ Reason string }
				require.NoError(t, json.Unmarshal([]byte(bodyOf(t, answer)), &problem))
				assert.Equal(t, test.reason, problem.Reason)
				assert.Equal(t, "no-store", answer.Header.Get("Cache-Control"))
			}
			assert.Equal(t, test.program == 503, answer.Header.Get("Retry-After") == "5")
			if test.program == 200 {
				assert.Equal(t, 2, r.count())
			} else {
				assert.Zero(t, r.count())
			}
		})
	}
}

func TestPortalsOwnSignInPage(t *testing.T) {
	var asked []string
	stages := make(map[string]session.Stage)
	validity := proxy.Live
	r := newRig(t, nil, func(c *proxy.Config) {
		c.Login = func(path string, stage session.Stage, _ time.Time) bool {
			asked = append(asked, path)
			stages[path] = stage
			return strings.HasPrefix(path, "/login")
		}
		c.Validity = func(*session.Session) proxy.Validity { return validity }
	})
	assert.Equal(t, 200, r.ask("GET /login", navigation).StatusCode)
	assert.NotContains(t, r.last().Header, "X-Forwarded-User")
	assert.Equal(t, 200, r.ask("POST /login/captcha", navigation, "Content-Length: 0").StatusCode)
	assert.Equal(t, 302, r.ask("GET /private", navigation).StatusCode)
	assert.Equal(t, 302, r.ask("GET /login/../private", navigation).StatusCode)
	assert.Equal(t, 302, r.ask("GET /login;x", navigation).StatusCode)
	assert.Equal(t, 302, r.ask("GET /login%2fx", navigation).StatusCode)
	assert.Equal(t, []string{"/login", "/login/captcha", "/private"}, asked)
	assert.Nil(t, stages["/login"])

	r.ask("GET /login/proof", navigation, "Cookie: "+r.proofCookie(&session.Proof{ID: session.NewID(), Begun: time.Now()}))
	assert.IsType(t, &session.Proof{}, stages["/login/proof"])

	cookie := "Cookie: " + r.cookie(linked(t))
	r.ask("GET /login/admitted", navigation, cookie)
	assert.NotContains(t, asked, "/login/admitted")
	assert.Equal(t, "u-17", r.last().Header.Get("X-Forwarded-User"))

	validity = proxy.Ended
	r.ask("GET /login/ended", navigation, cookie)
	assert.Nil(t, stages["/login/ended"])
	assert.NotContains(t, r.last().Header, "X-Forwarded-User")
}

func TestPublicPathIgnoresTheSession(t *testing.T) {
	r := newRig(t, nil, func(c *proxy.Config) {
		c.Validity = func(*session.Session) proxy.Validity { return proxy.Unknown }
	})
	answer := r.ask("GET /assets/a", "Cookie: "+r.cookie(linked(t)))
	assert.Equal(t, http.StatusOK, answer.StatusCode)
	assert.Empty(t, answer.Header.Get("Cache-Control"))
	for _, header := range proxy.DefaultHeaders() {
		assert.NotContains(t, r.last().Header, header.Name)
	}
}

func TestLogHoldsNoNumbersAndNoQueries(t *testing.T) {
	r := newRig(t, nil)
	s := linked(t)
	cookie := r.cookie(s)
	r.ask("GET /people/099203004567/x?token=secret", "Cookie: "+cookie)
	r.ask("GET /people/%30%39%39203004567?token=secret", "Authorization: Bearer secret")
	r.ask("GET /people/%309%392%303%300%304%356%37", navigation)
	r.ask("GET /people/%25309%25392%25303%25300%25304%25356", navigation)
	r.ask("GET /people/%2530%39%39203004567", navigation)
	r.ask("GET /tra-cuu/099.203-004%20567", navigation)
	r.ask("SECRET /x")
	log := r.log.String()
	assert.Contains(t, log, "/people/************/x")
	assert.Contains(t, log, "/tra-cuu/***.***-*** ***")
	for _, private := range []string{"099203004567", "%309%392", "secret", "SECRET", "Lan", "u-17", strings.TrimPrefix(cookie, "__Host-vneid_session=")} {
		assert.NotContains(t, log, private)
	}
}

func TestSessionThatNamesNobodyIsRefused(t *testing.T) {
	r := newRig(t, nil)
	nobody := linked(t)
	nobody.Account.ID = ""
	assert.Equal(t, 403, r.ask("GET /a", "Cookie: "+r.cookie(nobody)).StatusCode)
	nobody.Standing = identity.StandingNone // LINK=off: the subject stands in
	assert.Equal(t, 200, r.ask("GET /a", "Cookie: "+r.cookie(nobody)).StatusCode)
	assert.Equal(t, "s-1", r.last().Header.Get("X-Forwarded-User"))
	assert.Equal(t, 1, r.count())
}
