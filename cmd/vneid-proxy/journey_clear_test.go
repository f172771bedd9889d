package main

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/vneidtest"
)

// The two wires in clear, through the product: in to the page first asked for,
// and out again.
func TestClearWires(t *testing.T) {
	t.Parallel()
	start := func(t *testing.T, wire, persona string, accountType int, env map[string]string) (*rig, *vneidtest.Clear) {
		r := newRig(t, rigWorld{})
		c := vneidtest.NewClear(vneidtest.ClearConfig{
			NationalPortal: wire == "national-portal", ClientID: "portal", Secret: "client-secret",
			RedirectURI: r.origin + "/_vneid/callback", PostLogoutReturnURI: r.origin + "/_vneid/sign-out",
			Persona: r.persona(persona), AccountType: accountType,
		})
		address := r.simulate(func(string) http.Handler { return c })
		settings := map[string]string{
			"PROVIDER": wire, "ISSUER_URL": "", "AUTHORIZE_URL": address + "/authorize", "TOKEN_URL": address + "/token",
			"USERINFO_URL": address + "/userinfo", "END_SESSION_URL": address + "/logout",
		}
		if wire == "national-portal" {
			settings["MIN_ACCOUNT_LEVEL"] = "0" // this wire tells none
		}
		for name, value := range env {
			settings[name] = value
		}
		r.restart(settings)
		return r, c
	}
	for _, wire := range []string{"vneid-clear", "national-portal"} {
		t.Run(wire, func(t *testing.T) {
			t.Parallel()
			r, c := start(t, wire, "linked", 1, nil)
			p := r.person(t)
			at := p.visit(p.visit(wanted).link("/_vneid/start?provider=vneid"))
			require.Equal(t, http.StatusOK, at.status, at.body)
			assert.Equal(t, wanted, at.url.RequestURI())
			done := p.follow(p.submit(p.get("/_vneid/sign-out"), "/sign-out"))
			assert.Equal(t, "Đã đăng xuất", done.title())
			require.Len(t, c.Ended(), 1)
			if wire == "national-portal" {
				assert.NotEmpty(t, c.Ended()[0].Get("id_token_hint"))
			} else {
				assert.Equal(t, "portal", c.Ended()[0].Get("client_id"))
			}
			assert.Equal(t, http.StatusUnauthorized, p.program("/ping").status)
		})
		t.Run(wire+", an enterprise", func(t *testing.T) {
			t.Parallel()
			r, _ := start(t, wire, "linked", 2, nil)
			p := r.person(t)
			at := p.visit(p.visit(wanted).link("/_vneid/start?provider=vneid"))
			assert.Equal(t, http.StatusBadRequest, at.status)
			assert.NotContains(t, p.cookies(), "vneid_session")
			assert.Equal(t, 1.0, r.metric(`vneid_proxy_provider_faults_total{provider="vneid",reason="organisation"}`))
		})
	}
	t.Run("vneid-clear, a low level", func(t *testing.T) {
		t.Parallel()
		r, _ := start(t, "vneid-clear", "level1", 1, nil)
		p := r.person(t)
		at := p.visit(p.visit(wanted).link("/_vneid/start?provider=vneid"))
		assert.Equal(t, http.StatusForbidden, at.status)
		assert.Contains(t, at.body, "mức độ 2", "the page says how to raise it")
	})
	t.Run("national-portal tells no level", func(t *testing.T) {
		t.Parallel()
		r, _ := start(t, "national-portal", "linked", 1, map[string]string{"MIN_ACCOUNT_LEVEL": "2"})
		p := r.person(t)
		at := p.visit(p.visit(wanted).link("/_vneid/start?provider=vneid"))
		assert.Equal(t, http.StatusForbidden, at.status, "a missing level is the lowest")
	})
}
