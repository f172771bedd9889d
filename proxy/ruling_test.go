package proxy_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/identity"
	"vneid-proxy/proxy"
)

func ruled(t testing.TB, list ...proxy.Rule) *proxy.Rules {
	rules, err := proxy.NewRules(list)
	require.NoError(t, err)
	return rules
}

// What loosens matches plain raw paths only; what tightens, any reading.
func TestWhichRuleDecides(t *testing.T) {
	rules := ruled(t,
		proxy.Rule{Exact: "/", Access: proxy.Public},                                // 1
		proxy.Rule{Path: "/help/admin", Access: proxy.Protected},                    // 2
		proxy.Rule{Path: "/help/", Access: proxy.Public},                            // 3
		proxy.Rule{Path: "/admin/", Access: proxy.Denied},                           // 4
		proxy.Rule{Path: "/api", Methods: []string{"GET"}, Access: proxy.API},       // 5
		proxy.Rule{Path: "/api", Methods: []string{"DELETE"}, Access: proxy.Denied}, // 6
		proxy.Rule{Path: "/news", Methods: []string{"GET"}, Access: proxy.Optional}, // 7
		proxy.Rule{Path: "/tep", Methods: []string{"PUT"}, Access: proxy.API},       // 8
	)
	for _, test := range []struct {
		method, path string
		rule         int
		also         []int
	}{
		{"GET", "/", 1, nil},
		{"GET", "//", 0, nil},
		{"GET", "/help/a", 3, nil},
		{"GET", "/help/", 3, nil},
		{"GET", "/help", 0, nil},
		{"GET", "/HELP/a", 0, nil},
		{"GET", "/help/admin/x", 2, nil},
		{"GET", "/help/Admin/x", 3, []int{2}},
		{"GET", "/help/a%20b", 0, nil},
		{"GET", "/help/../admin/x", 0, []int{4}},
		{"GET", "/help/%2e%2e/admin/x", 0, []int{4}},
		{"GET", `/help/..%5cadmin`, 0, []int{4}},
		{"GET", "/help/admin/..;/../admin/", 0, []int{2, 4}},
		{"GET", "/admin", 4, nil},
		{"GET", "/admin/users", 4, nil},
		{"GET", "/admin/a%20b", 4, nil},
		{"GET", "/ADMIN/users", 0, []int{4}},
		{"GET", "/%61dmin", 0, []int{4}},
		{"GET", "/%2561dmin", 0, []int{4}},
		{"GET", "/admin;x=1/users", 0, []int{4}},
		{"GET", "/administration", 0, nil},
		{"GET", "/api/x", 5, nil},
		{"HEAD", "/api/x", 5, nil},
		{"get", "/api/x", 5, nil},
		{"POST", "/api/x", 0, nil},
		{"delete", "/api/x", 6, nil},
		{"DELETE", "/api/%2e%2e/api/x", 6, nil},
		{"GET", "/news/1", 7, nil},
		{"get", "/news/1", 0, nil},
		{"POST", "/news/1", 0, nil},
		{"PUT", "/tep/a%C3%A0", 8, nil},
	} {
		got := rules.Explain(test.method, test.path+"?q=/help/", time.Now())
		assert.Equal(t, test.rule, got.Rule, "%s %s", test.method, test.path)
		assert.Equal(t, test.also, got.Also, "%s %s", test.method, test.path)
	}
}

// Rules are there from the first instant of a day to the last of another.
func TestRulesHaveTheirTime(t *testing.T) {
	zone := time.FixedZone("Asia/Ho_Chi_Minh", 7*3600)
	closes := time.Date(2026, 7, 1, 0, 0, 0, 0, zone)
	rules := ruled(t,
		proxy.Rule{Path: "/dang-ky", Access: proxy.Public, Before: closes},
		proxy.Rule{Path: "/dang-ky", Access: proxy.Denied, From: closes},
	)
	assert.Equal(t, proxy.Public, rules.Explain("GET", "/dang-ky", closes.Add(-time.Nanosecond)).Access)
	assert.Equal(t, proxy.Denied, rules.Explain("GET", "/dang-ky", closes).Access)
}

func TestRulesThatAreRefused(t *testing.T) {
	for want, rule := range map[string]proxy.Rule{
		"write either path or exact":       {Access: proxy.Public},
		"write either path or exact ":      {Path: "/a", Exact: "/a", Access: proxy.Public},
		"is no plain path":                 {Path: "/a/../b", Access: proxy.Denied},
		"would open the whole portal":      {Path: "/", Access: proxy.Public},
		"only protected sends people":      {Path: "/a", Access: proxy.API, Provider: "noi-bo"},
		"unknown access":                   {Path: "/a", Access: "open"},
		"is not in capitals":               {Path: "/a", Access: proxy.Denied, Methods: []string{"get"}},
		"can ask for something":            {Path: "/a", Access: proxy.Public, Needs: proxy.Needs{Roles: []string{"x"}}},
		"account_level is 1 or 2":          {Path: "/a", Access: proxy.API, Needs: proxy.Needs{AccountLevel: 3}},
		"max_age is from":                  {Path: "/a", Access: proxy.API, Needs: proxy.Needs{MaxAge: time.Second}},
		"max_age is from ":                 {Path: "/a", Access: proxy.API, Needs: proxy.Needs{MaxAge: 25 * time.Hour}},
		"step_up needs":                    {Path: "/a", Access: proxy.Protected, StepUp: true},
		"prompt is login":                  {Path: "/a", Access: proxy.Protected, Prompt: "login", Needs: proxy.Needs{MaxAge: time.Hour}},
		"prompt is login, and":             {Path: "/a", Access: proxy.Protected, StepUp: true, Prompt: "none", Needs: proxy.Needs{MaxAge: time.Hour}},
		"only protected and api can ask":   {Path: "/a", Access: proxy.Optional, Needs: proxy.Needs{MaxAge: time.Hour}},
		"has the standing":                 {Path: "/a", Access: proxy.API, Needs: proxy.Needs{Standings: []identity.Standing{identity.StandingUnlinked}}},
		"unknown kind":                     {Path: "/a", Access: proxy.API, Needs: proxy.Needs{Kinds: []identity.Kind{"robot"}}},
		"it ends before it begins":         {Path: "/a", Access: proxy.API, From: time.Unix(9, 0), Before: time.Unix(8, 0)},
		"the upstream must be":             {Path: "/a", Access: proxy.API, Upstream: parse("http://portal.example/a")},
		"unknown field":                    {Path: "/a", Access: proxy.API, Headers: []proxy.Header{{Name: "X-A", Field: "x"}}},
		"on public paths it passes anyway": {Path: "/a", Access: proxy.Public, PassAuthorization: true},
	} {
		_, err := proxy.NewRules([]proxy.Rule{{Path: "/ok", Access: proxy.Protected}, rule})
		require.Error(t, err, want)
		assert.Contains(t, err.Error(), strings.TrimSpace(want))
	}
}

// FuzzRules: whatever the spelling, a path that some server reads as denied is
// never without that rule, and nothing but a plain path is opened.
func FuzzRules(f *testing.F) {
	for _, seed := range []string{"/open/a", "/open/../shut", "/open/%2e%2e/shut/a", "/OPEN", "/open;/shut", "/open/..%255cshut", "//shut", "/open//a", "/open/..0"} {
		f.Add(seed, "GET")
	}
	rules := ruled(f, proxy.Rule{Path: "/open", Access: proxy.Public}, proxy.Rule{Path: "/shut", Access: proxy.Denied})
	f.Fuzz(func(t *testing.T, path, method string) {
		if !strings.HasPrefix(path, "/") || strings.ContainsAny(path, "?#") {
			return
		}
		got := rules.Explain(method, path, time.Now())
		if got.Access == proxy.Public {
			require.True(t, path == "/open" || strings.HasPrefix(path, "/open/"))
			require.NotContains(t, path, "%")
			require.NotContains(t, path, "//")
			for segment := range strings.SplitSeq(path, "/") {
				require.NotContains(t, []string{".", ".."}, segment)
			}
		}
		if strings.HasPrefix(strings.ToLower(path), "/shut/") && bytes.IndexByte([]byte(path), '/') == 0 {
			require.True(t, got.Access == proxy.Denied || len(got.Also) > 0, "%q", path)
		}
	})
}

func TestRulesAtTheGate(t *testing.T) {
	closes := time.Now().Add(-time.Hour)
	upstream := http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { w.Header().Set("X-Portal", "first") })
	r := newRig(t, upstream, func(c *proxy.Config) {
		c.Public = nil
		c.Rules = ruled(t,
			proxy.Rule{Path: "/news", Access: proxy.Optional},
			proxy.Rule{Path: "/api", Access: proxy.API},
			proxy.Rule{Path: "/dang-ky", Access: proxy.Denied, From: closes},
			proxy.Rule{Path: "/never", Access: proxy.Denied},
			proxy.Rule{Path: "/officials", Access: proxy.Protected, Needs: proxy.Needs{Kinds: []identity.Kind{identity.KindOfficial}}},
			proxy.Rule{Path: "/writers", Access: proxy.Protected, Needs: proxy.Needs{Roles: []string{"writer", "reader"}}},
			proxy.Rule{Path: "/editors", Access: proxy.Protected, Needs: proxy.Needs{Roles: []string{"editor"}}},
			proxy.Rule{Path: "/level1", Access: proxy.Protected, Needs: proxy.Needs{AccountLevel: 1}},
			proxy.Rule{Path: "/strong", Access: proxy.Protected, Needs: proxy.Needs{AuthenticationLevels: []string{"4"}}},
			proxy.Rule{Path: "/exempt", Access: proxy.Protected, Needs: proxy.Needs{Standings: []identity.Standing{identity.StandingExempt}}},
			proxy.Rule{Path: "/basic", Access: proxy.Protected, PassAuthorization: true, Headers: []proxy.Header{{Name: "SM-User", Field: "username"}}},
		)
	})
	signedIn := "Cookie: " + r.cookie(linked(t))
	for _, test := range []struct {
		line, cookie string
		person       bool
		status       int
		reason       string
	}{
		{"GET /news", "", true, 200, ""},
		{"GET /news/..", "", true, 302, ""},
		{"GET /api/a", "", true, 401, "sign_in"},
		{"GET /api/a", signedIn, true, 200, ""},
		{"GET /dang-ky", "", true, 403, "closed"},
		{"GET /dang-ky", signedIn, false, 403, "closed"},
		{"GET /x/../dang-ky", signedIn, true, 403, "closed"},
		{"POST /Dang-Ky/luu", signedIn, true, 403, "closed"},
		{"GET /never", "", false, 403, "denied"},
		{"GET /officials", "", true, 302, ""},
		{"GET /officials", signedIn, true, 403, "kind"},
		{"GET /x/..;/officials", signedIn, true, 403, "kind"},
		{"GET /writers", signedIn, true, 200, ""},
		{"GET /editors", signedIn, true, 403, "role"},
		{"GET /level1", signedIn, true, 200, ""},
		{"GET /strong", signedIn, true, 403, "authentication_level"},
		{"GET /exempt", signedIn, true, 403, "standing"},
	} {
		lines := []string{"Accept: */*"}
		if test.cookie != "" {
			lines = append(lines, test.cookie)
		}
		if test.person {
			lines = append(lines, navigation)
		}
		answer := r.ask(test.line, lines...)
		assert.Equal(t, test.status, answer.StatusCode, "%s", test.line)
		if test.reason != "" {
			assert.Contains(t, bodyOf(t, answer), test.reason, "%s", test.line)
		}
	}

	r.ask("GET /news", signedIn)
	assert.Equal(t, []string{"u-17"}, r.last().Header["X-Forwarded-User"], "optional: with the identity of whoever is signed in")
	r.ask("GET /news", "X-Forwarded-User: forged")
	assert.NotContains(t, r.last().Header, "X-Forwarded-User")

	r.ask("GET /basic", signedIn, "Authorization: Basic eA==", "SM_USER: forged", "Sm-User: forged")
	assert.Equal(t, []string{"lan.nguyen"}, r.last().Header["Sm-User"])
	assert.Equal(t, []string{"Basic eA=="}, r.last().Header["Authorization"])
	assert.NotContains(t, r.last().Header, "X-Forwarded-User", "a rule's own headers take the place of the others")
	r.ask("GET /news", "Sm-User: forged", "SM.USER: forged")
	for name := range r.last().Header {
		assert.NotEqual(t, "sm-user", strings.ToLower(strings.ReplaceAll(name, ".", "-")), "a rule's header is nobody's to send, on any path")
	}
}

// A list takes the place of another between two requests, and none is lost.
func TestRulesAreReplacedUnderLoad(t *testing.T) {
	r := newRig(t, nil)
	cookie := r.cookie(linked(t))
	shut, open := ruled(t, proxy.Rule{Path: "/a", Access: proxy.Denied}), ruled(t, proxy.Rule{Path: "/a", Access: proxy.API})
	stop, asked := make(chan struct{}), make(chan [2]int)
	browser := client(t)
	for range 4 {
		go func() {
			var seen [2]int
			defer func() { asked <- seen }()
			for {
				select {
				case <-stop:
					return
				default:
				}
				answer, err := browser.Do(r.request(http.MethodGet, "/a", nil, cookie))
				if !assert.NoError(t, err) {
					return
				}
				_ = answer.Body.Close()
				switch answer.StatusCode {
				case http.StatusOK:
					seen[0]++
				case http.StatusForbidden:
					seen[1]++
				default:
					assert.Fail(t, "lost", answer.Status)
				}
			}
		}()
	}
	for i := range 2000 {
		r.proxy.SetRules([]*proxy.Rules{shut, open}[i%2])
		time.Sleep(100 * time.Microsecond)
	}
	close(stop)
	var sum [2]int
	for range 4 {
		seen := <-asked
		sum[0], sum[1] = sum[0]+seen[0], sum[1]+seen[1]
	}
	assert.Positive(t, sum[0])
	assert.Positive(t, sum[1])
	r.proxy.SetRules(shut)
	assert.Equal(t, http.StatusForbidden, r.ask("GET /a", "Cookie: "+cookie).StatusCode)
	r.proxy.SetRules(open)
	assert.Equal(t, http.StatusOK, r.ask("GET /a", "Cookie: "+cookie).StatusCode)
}
