package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/identity"
	"vneid-proxy/session"
)

// sealed is a session of ours, written so long ago.
func (r *rig) sealed(t *testing.T, ago time.Duration) string {
	t.Helper()
	w := httptest.NewRecorder()
	began := time.Now().Add(-ago)
	require.NoError(t, r.oldJar(ago).Admit(w, &session.Session{
		ID: session.NewID(), Begun: began, Read: began, Standing: identity.StandingLinked,
		Account: session.AccountRef{ID: "tk-2001", Username: "tranvanbinh", Kind: identity.KindCitizen},
	}))
	for _, c := range w.Result().Cookies() {
		if c.Name == "vneid_session" {
			return c.Value
		}
	}
	require.FailNow(t, "no session sealed")
	return ""
}

// TestBadCookies: whatever is wrong with a cookie, it counts as none, and is
// counted.
func TestBadCookies(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigWorld{})
	p, other, proving := r.person(t), r.person(t), r.person(t)
	p.vneid(p.visit("/"), "linked")
	other.atPortal(other.visit("/"), r.persona("two").Accounts[0])
	prove := proving.vneid(proving.visit("/"), "cmnd")
	good, others := p.cookies()["vneid_session"], other.cookies()["vneid_session"]
	proof := proving.cookies()["vneid_proof"]
	attempt := ""
	for name, value := range proving.cookies() {
		if strings.HasPrefix(name, "vneid_attempt_") {
			attempt = value
		}
	}
	require.NotEmpty(t, attempt)
	half := min(len(good), len(others)) / 2
	flipped := []byte(good)
	flipped[len(flipped)/2] ^= 1

	bare := &person{t: t, rig: r, client: &http.Client{CheckRedirect: p.client.CheckRedirect}}
	require.Equal(t, http.StatusOK, bare.get("/ping", "Cookie", "vneid_session="+good).status)
	require.Equal(t, http.StatusOK, bare.get("/ping", "Cookie", "vneid_session="+r.sealed(t, 20*time.Minute)).status)
	for name, bad := range map[string]struct{ cookie, kind, reason string }{
		"written by hand":              {"vneid_session=linked", "session", "forged"},
		"empty":                        {"vneid_session=", "session", "forged"},
		"a bit flipped":                {"vneid_session=" + string(flipped), "session", "forged"},
		"cut":                          {"vneid_session=" + good[:len(good)-9], "session", "forged"},
		"beginning cut":                {"vneid_session=" + good[4:], "session", "forged"},
		"two people's joined":          {"vneid_session=" + good[:half] + others[half:], "session", "forged"},
		"a proof as a session":         {"vneid_session=" + proof, "session", "forged"},
		"an attempt as a session":      {"vneid_session=" + attempt, "session", "forged"},
		"a session as a proof":         {"vneid_proof=" + good, "proof", "forged"},
		"a session as an attempt":      {"vneid_attempt_0=" + good, "attempt", "forged"},
		"twice":                        {"vneid_session=" + good + "; vneid_session=" + good, "session", "doubled"},
		"beside a stranger's":          {"vneid_session=" + others + "; vneid_session=" + good, "session", "doubled"},
		"unused for longer than idle":  {"vneid_session=" + r.sealed(t, 31*time.Minute), "session", "expired"},
		"older than the lifetime":      {"vneid_session=" + r.sealed(t, 9*time.Hour), "session", "expired"},
		"sealed under a key unknown":   {"vneid_session=" + strings.Map(rot13, good), "session", "forged"},
		"longer than any that we seal": {"vneid_session=" + strings.Repeat(good, 20), "session", "forged"},
	} {
		t.Run(name, func(t *testing.T) {
			series := `vneid_proxy_cookies_refused_total{cookie="` + bad.kind + `",reason="` + bad.reason + `"}`
			before := r.metric(series)
			r.portal.ForgetRequests()
			person := bare.get("/ho-so?trang=1", "Cookie", bad.cookie)
			assert.Equal(t, http.StatusFound, person.status)
			assert.Equal(t, r.origin+"/_vneid/sign-in?rd="+url.QueryEscape("/ho-so?trang=1"), person.location)
			program := bare.get("/ping", "Cookie", bad.cookie, "Accept", "*/*")
			assert.Equal(t, http.StatusUnauthorized, program.status)
			assert.Equal(t, `VNeID realm="portal"`, program.header.Get("WWW-Authenticate"))
			assert.Equal(t, "application/problem+json", program.header.Get("Content-Type"))
			assert.Equal(t, http.StatusUnauthorized, bare.get("/_vneid/session", "Cookie", bad.cookie).status)
			assert.Empty(t, r.portal.Requests(), "nobody is forwarded")
			if bad.kind != "session" { // the gate looks for attempts on our own pages only
				bare.get("/_vneid/callback?state=x&code=y", "Cookie", bad.cookie)
			}
			assert.Greater(t, r.metric(series), before, "counted")
		})
	}
	t.Run("of another name", func(t *testing.T) {
		for _, cookie := range []string{"Vneid_session=" + good, "__Host-vneid_session=" + good, "vneid_session =" + good, "vneid_session2=" + good} {
			assert.Equal(t, http.StatusUnauthorized, bare.get("/ping", "Cookie", cookie, "Accept", "*/*").status, cookie[:20])
		}
	})
	t.Run("a proof of somebody else's form", func(t *testing.T) {
		stranger := r.person(t)
		stranger.vneid(stranger.visit("/"), "none")
		form := prove.form("/link/proof") // its token names the other's proof
		account := r.persona("cmnd").Accounts[0]
		form.values.Set("username", account.Username)
		form.values.Set("password", account.Password)
		form.values.Set("consent", "yes")
		answer := stranger.post(form.action, form.values)
		assert.Equal(t, http.StatusForbidden, answer.status)
		assert.Equal(t, titleForm, answer.title())
		assert.Zero(t, r.portal.Calls("credential"))
	})
	t.Run("never to the portal", func(t *testing.T) {
		r.portal.ForgetRequests()
		bare.get("/headers", "Cookie", "a=1; vneid_session="+good+"; vneid_proof="+proof+"; b=2; vneid_attempt_3="+attempt+"; __Host-vneid_session=x; VNEID_PROOF=y; vneid_lang=vi")
		require.Len(t, r.portal.Requests(), 1)
		assert.Equal(t, []string{"a=1; b=2"}, r.portal.Requests()[0].Header["Cookie"])
	})
}

func rot13(r rune) rune {
	switch {
	case r >= 'a' && r <= 'z':
		return 'a' + (r-'a'+13)%26
	case r >= 'A' && r <= 'Z':
		return 'A' + (r-'A'+13)%26
	}
	return r
}
