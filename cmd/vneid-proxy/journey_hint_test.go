package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/identity"
	"vneid-proxy/session"
)

// After a session has expired the provider is told who it was, where the
// operator wants that; nobody's number ever stands in an address.
func TestLoginHint(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigWorld{env: map[string]string{"LOGIN_HINT": "last"}})
	// hint is what a browser is sent to the provider with, whose last session
	// was sealed nine hours ago.
	hint := func(citizen identity.Citizen) []string {
		sealed := httptest.NewRecorder()
		s := &session.Session{ID: session.NewID(), Begun: time.Now().Add(-9 * time.Hour), Citizen: citizen,
			Account: session.AccountRef{ID: "tk-1"}, Standing: identity.StandingLinked}
		require.NoError(t, r.oldJar(9*time.Hour).Admit(sealed, s))
		p := r.person(t)
		for _, cookie := range sealed.Result().Cookies() {
			if cookie.Value != "" {
				p.bake(cookie.Name, cookie.Value)
			}
		}
		at := p.get("/_vneid/start?provider=vneid")
		require.Equal(t, http.StatusFound, at.status)
		u, err := at.url.Parse(at.location)
		require.NoError(t, err)
		return u.Query()["login_hint"]
	}
	assert.Equal(t, []string{"can.bo.hanh"}, hint(identity.Citizen{Provider: "vneid", Subject: "s", PreferredUsername: "can.bo.hanh"}))
	for name, citizen := range map[string]identity.Citizen{
		"no user name":         {Provider: "vneid", Subject: "s"},
		"a citizen number":     {Provider: "vneid", Subject: "s", PreferredUsername: "099185000121"},
		"a number, dressed up": {Provider: "vneid", Subject: "s", PreferredUsername: "u_099-185-000-121@example.vn"},
		"an ID-card number":    {Provider: "vneid", Subject: "s", PreferredUsername: "990185012"},
		"in wide digits":       {Provider: "vneid", Subject: "s", PreferredUsername: "９９０１８５０１２"},
		"another provider's":   {Provider: "another", Subject: "s", PreferredUsername: "can.bo.hanh"},
	} {
		assert.Empty(t, hint(citizen), name)
	}

	r.restart(map[string]string{"LOGIN_HINT": "none"})
	assert.Empty(t, hint(identity.Citizen{Provider: "vneid", Subject: "s", PreferredUsername: "can.bo.hanh"}))
}
