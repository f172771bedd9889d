package main

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/session"
	"vneid-proxy/vneidtest"
)

// aged makes the browser's session cookie one that was written a while ago, so
// that the next page has it written anew.
func (p *person) aged(ago time.Duration) {
	p.t.Helper()
	request := httptest.NewRequest(http.MethodGet, "/", nil)
	request.AddCookie(&http.Cookie{Name: "vneid_session", Value: p.cookies()["vneid_session"]})
	s, ok := p.rig.oldJar(0).Open(request).(*session.Session)
	require.True(p.t, ok)
	written := httptest.NewRecorder()
	require.NoError(p.t, p.rig.oldJar(ago).Admit(written, s))
	for _, cookie := range written.Result().Cookies() {
		if cookie.Name == "vneid_session" {
			p.bake(cookie.Name, cookie.Value)
		}
	}
}

// While somebody goes from page to page, the provider is asked whether their
// session still holds there: once for all of their pages. Its no ends the
// session, its silence does not.
func TestRefresh(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		word   string
		ends   bool
		reason string // of the provider's fault
	}{
		"it holds":           {"", false, ""},
		"it is over":         {"invalid_grant", true, ""},
		"another's answer":   {"sub", true, "sub"},
		"another issuer's":   {"iss", true, "iss"},
		"our secret is old":  {"invalid_client", false, "client"},
		"it does not answer": {"down", false, "token_unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, rigWorld{})
			var asked atomic.Int32
			issuer := r.simulate(func(address string) http.Handler {
				a, err := vneidtest.NewAdversary(vneidtest.AdversaryConfig{
					Issuer: address, ClientID: "portal", Persona: r.persona("linked"),
					Refresh: func() string { asked.Add(1); return test.word },
				}, "")
				require.NoError(t, err)
				return a
			})
			r.restart(map[string]string{"ISSUER_URL": issuer, "REFRESH": "true", "SCOPES": "openid offline_access"})
			p := r.person(t)
			p.visit(p.visit(wanted).link("/_vneid/start?provider=vneid"))
			require.Equal(t, http.StatusOK, p.get("/ping").status)
			require.Zero(t, asked.Load(), "no page waits for it, and no page asks before it is time")

			require.Eventually(t, func() bool { // the access token expires, and then one of many pages asks
				p.aged(10 * time.Minute)
				var pages sync.WaitGroup
				for range 10 {
					pages.Go(func() {
						if status := p.get("/ping").status; status != http.StatusOK && status != http.StatusFound {
							t.Errorf("status %d", status)
						}
					})
				}
				pages.Wait()
				return asked.Load() > 0
			}, time.Minute, 50*time.Millisecond)
			if test.ends {
				require.Eventually(t, func() bool { return p.program("/ping").status == http.StatusUnauthorized }, time.Minute, 20*time.Millisecond)
			} else {
				assert.Equal(t, http.StatusOK, p.program("/ping").status)
			}
			if test.reason != "" {
				require.Eventually(t, func() bool {
					return r.metric(`vneid_proxy_provider_faults_total{provider="vneid",reason="`+test.reason+`"}`) == 1
				}, time.Minute, 20*time.Millisecond)
			}
			assert.EqualValues(t, 1, asked.Load(), "one asks, for all")
			// Connections that were opened beside others and never used would hold
			// up the end.
			p.client.CloseIdleConnections()
			r.stop() // waits for who is still asking
			assert.EqualValues(t, 1, asked.Load())
		})
	}
}
