package main

import (
	"bufio"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A session that VNeID says has ended is over at once, in every browser that
// holds it, and what is open under it too.
func TestBackChannelLogout(t *testing.T) {
	r := newRig(t, rigWorld{})
	p := r.person(t)
	p.vneid(p.visit(wanted), "linked")
	other := r.person(t)
	other.atPortal(other.visit(wanted), r.persona("two").Accounts[0])
	require.Equal(t, http.StatusOK, p.program("/ping").status)

	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.origin+"/events?n=0", nil)
	require.NoError(t, err)
	for name, value := range p.cookies() {
		request.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	open, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer open.Body.Close()
	require.Equal(t, "text/event-stream", strings.Split(open.Header.Get("Content-Type"), ";")[0])
	lines := bufio.NewScanner(open.Body)
	require.True(t, lines.Scan(), "the stream runs")

	require.NoError(t, r.vneid.EndSessions(t.Context(), "linked"))
	assert.Equal(t, http.StatusUnauthorized, p.program("/ping").status)
	for lines.Scan() { // the test's deadline is what fails where it never ends
	}
	assert.Error(t, lines.Err(), "the open stream is broken off, not ended")
	assert.Equal(t, http.StatusOK, other.program("/ping").status, "nobody else's")
	assert.Equal(t, 1.0, r.metric(`vneid_proxy_provider_logouts_total{channel="back",outcome="ok",provider="vneid"}`))
}

// What does not prove itself ends nothing, and is answered as the standard
// says: 400, not kept by any cache.
func TestBackChannelLogoutRefuses(t *testing.T) {
	r := newRig(t, rigWorld{})
	p := r.person(t)
	p.vneid(p.visit(wanted), "linked")
	for name, form := range map[string]url.Values{
		"nothing":   {},
		"no token":  {"logout_token": {""}},
		"two":       {"logout_token": {"a.b.c", "a.b.c"}},
		"not a JWT": {"logout_token": {"abc"}},
		"alg none":  {"logout_token": {"eyJhbGciOiJub25lIn0.e30."}},
	} {
		t.Run(name, func(t *testing.T) {
			answer, err := http.PostForm(r.origin+"/_vneid/logout/backchannel", form)
			require.NoError(t, err)
			defer answer.Body.Close()
			assert.Equal(t, http.StatusBadRequest, answer.StatusCode)
			assert.Equal(t, "no-store", answer.Header.Get("Cache-Control"))
			assert.Equal(t, "application/json", answer.Header.Get("Content-Type"))
		})
	}
	answer, err := http.Get(r.origin + "/_vneid/logout/backchannel")
	require.NoError(t, err)
	defer answer.Body.Close()
	assert.Equal(t, http.StatusMethodNotAllowed, answer.StatusCode)
	assert.Equal(t, http.StatusOK, p.program("/ping").status)
	assert.Equal(t, 2.0, r.metric(`vneid_proxy_provider_logouts_total{channel="back",outcome="token",provider="vneid"}`))
	assert.Equal(t, 1.0, r.metric(`vneid_proxy_provider_faults_total{provider="vneid",reason="algorithm"}`))
}

// The frame in VNeID's page has no cookies of ours: iss and sid must do, and an
// invented sid leaves nothing behind. The front-channel plan, by its module's name.
func TestFrontChannelLogout(t *testing.T) {
	r := newRig(t, rigWorld{})
	p := r.person(t)
	p.vneid(p.visit(wanted), "linked")
	sid := r.vneid.SessionIDs("linked")
	require.Len(t, sid, 1)
	ask := func(query url.Values) *http.Response {
		answer, err := http.Get(r.origin + "/_vneid/logout/frontchannel?" + query.Encode())
		require.NoError(t, err)
		defer answer.Body.Close()
		assert.Equal(t, "no-store", answer.Header.Get("Cache-Control"))
		assert.Contains(t, answer.Header.Get("Content-Security-Policy"), "frame-ancestors "+r.vneidURL)
		return answer
	}
	for name, query := range map[string]url.Values{
		"neither":      {},
		"sid alone":    {"sid": sid},
		"iss alone":    {"iss": {r.vneidURL}},
		"another iss":  {"iss": {"https://another.example"}, "sid": sid},
		"two sessions": {"iss": {r.vneidURL}, "sid": {sid[0], "x"}},
	} {
		assert.Equal(t, http.StatusBadRequest, ask(query).StatusCode, name)
	}
	assert.Equal(t, http.StatusOK, ask(url.Values{"iss": {r.vneidURL}, "sid": {"invented"}}).StatusCode)
	require.Equal(t, http.StatusOK, p.program("/ping").status)
	assert.Equal(t, http.StatusOK, ask(url.Values{"iss": {r.vneidURL}, "sid": sid}).StatusCode, "rp-frontchannel-rpinitlogout")
	assert.Equal(t, http.StatusUnauthorized, p.program("/ping").status)
	assert.Equal(t, 1.0, r.metric(`vneid_proxy_provider_logouts_total{channel="front",outcome="unknown",provider="vneid"}`))
	assert.Equal(t, 1.0, r.metric(`vneid_proxy_provider_logouts_total{channel="front",outcome="ok",provider="vneid"}`))
}

// Back from the provider: the state says that its session is over too; without
// it, or with another, the page still says that ours is. The plan of
// RP-initiated logout, by its modules' names.
func TestPostLogoutPage(t *testing.T) {
	r := newRig(t, rigWorld{})
	p := r.person(t)
	p.vneid(p.visit(wanted), "linked")
	at := p.follow(p.submit(p.get("/_vneid/sign-out"), "/sign-out"))
	const everywhere = "tại hệ thống đăng nhập"
	assert.Contains(t, at.body, everywhere, "oidcc-client-test-rp-init-logout")
	require.NotEmpty(t, at.url.Query().Get("state"))
	for module, query := range map[string]string{
		"oidcc-client-test-rp-init-logout-no-state": "", "no state, though named": "?state=",
		"oidcc-client-test-rp-init-logout-other-state": "?state=another", "a state in our form": "?state=QUJD.QUJD",
	} {
		at := p.get("/_vneid/sign-out" + query)
		assert.Equal(t, http.StatusOK, at.status, module)
		assert.Equal(t, "Đã đăng xuất", at.title(), module)
		assert.NotContains(t, at.body, everywhere, module)
	}
}

// A logout token that somebody kept ends nothing a second time: of all of a
// person's sessions, those that began since go on.
func TestLogoutTokenIsGoodOnce(t *testing.T) {
	r := newRig(t, rigWorld{})
	p := r.person(t)
	p.vneid(p.visit(wanted), "linked")
	token, err := r.vneid.LogoutToken("linked", "", "portal")
	require.NoError(t, err)
	post := func() int {
		answer, err := http.PostForm(r.origin+"/_vneid/logout/backchannel", url.Values{"logout_token": {token}, "further": {"ignored"}})
		require.NoError(t, err)
		defer answer.Body.Close()
		return answer.StatusCode
	}
	require.Equal(t, http.StatusOK, post())
	assert.Equal(t, http.StatusUnauthorized, p.program("/ping").status)
	p.vneid(p.visit(wanted), "linked")
	require.Equal(t, http.StatusOK, p.program("/ping").status)
	assert.Equal(t, http.StatusBadRequest, post())
	assert.Equal(t, http.StatusOK, p.program("/ping").status)
	assert.Equal(t, 1.0, r.metric(`vneid_proxy_provider_logouts_total{channel="back",outcome="replay",provider="vneid"}`))
}
