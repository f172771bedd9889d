package main

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/identity"
	"vneid-proxy/session"
	"vneid-proxy/vneidtest"
)

// lapsed is the browser of somebody whose session has ended by itself, while
// the portal's own goes on.
func (p *person) lapsed(r *rig, account vneidtest.PortalAccount, portal string) {
	w := httptest.NewRecorder()
	then := time.Now().Add(-40 * time.Minute)
	require.NoError(p.t, r.oldJar(40*time.Minute).Admit(w, &session.Session{
		ID: session.NewID(), Begun: then, Read: then, Standing: identity.StandingLinked,
		Account: session.RefOf(directoryRow(r.t, account)),
	}))
	for _, cookie := range w.Result().Cookies() {
		if cookie.MaxAge >= 0 {
			p.bake(cookie.Name, cookie.Value)
		}
	}
	p.bake("PORTAL_SID", portal)
}

// On a shared computer the portal's own session outlives ours: whoever comes
// next must not see the pages of whoever was there before.
func TestPortalSessionGoesWithThePerson(t *testing.T) { onBothWires(t, journeySwitch) }

func journeySwitch(t *testing.T, w wire) {
	r := newRig(t, rigWorld{wire: w})
	const left = "left-by-somebody"
	who := r.persona("linked")
	account := who.Accounts[0]

	t.Run("another person", func(t *testing.T) {
		p := r.person(t)
		p.lapsed(r, r.persona("cmnd").Accounts[0], left)
		p.landed(p.vneid(p.visit(wanted), "linked"), account, &who, "linked")
		assert.NotEqual(t, left, p.cookies()["PORTAL_SID"])
	})
	t.Run("nobody knows who", func(t *testing.T) {
		p := r.person(t)
		p.bake("PORTAL_SID", left)
		p.landed(p.vneid(p.visit(wanted), "linked"), account, &who, "linked")
		assert.NotEqual(t, left, p.cookies()["PORTAL_SID"])
	})
	t.Run("the same person keeps what they had begun", func(t *testing.T) {
		p := r.person(t)
		p.lapsed(r, account, left)
		p.landed(p.vneid(p.visit(wanted), "linked"), account, &who, "linked")
		assert.Equal(t, left, p.cookies()["PORTAL_SID"])
	})
	t.Run("whoever has just signed in at the portal keeps that session", func(t *testing.T) {
		p := r.person(t)
		p.lapsed(r, r.persona("cmnd").Accounts[0], left)
		p.atPortal(p.visit(wanted), account)
		now := p.cookies()["PORTAL_SID"]
		assert.NotEmpty(t, now)
		assert.NotEqual(t, left, now)
	})
}
