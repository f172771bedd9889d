package main

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// program asks as a script does.
func (p *person) program(path string) page { return p.get(path, "Accept", "application/json") }

func TestSignOut(t *testing.T) { onBothWires(t, journeySignOut) }

func journeySignOut(t *testing.T, w wire) {
	r := newRig(t, rigWorld{wire: w})
	who := r.persona("linked")

	t.Run("everywhere, and at the provider", func(t *testing.T) {
		p := r.person(t)
		at := p.atPortal(p.visit(wanted), who.Accounts[0]) // leaves a portal session in the browser
		p.landed(at, who.Accounts[0], matched(who, who.Accounts[0]), "linked")
		require.NotEmpty(t, p.cookies()["PORTAL_SID"])
		p.bake("vneid_session", "") // and now by VNeID
		p.vneid(p.visit("/_vneid/sign-in"), "linked")
		stolen := p.copied("vneid_session")
		require.Equal(t, http.StatusOK, stolen.program("/ping").status)

		question := p.get("/_vneid/sign-out")
		assert.Equal(t, "Đăng xuất?", question.title())
		for _, path := range []string{"/_vneid/sign-out", "/_vneid/sign-out?csrf_token=" + url.QueryEscape(question.form("/sign-out").values.Get("csrf_token"))} {
			p.get(path)
			p.ask(http.MethodHead, path, "")
			require.Equal(t, http.StatusOK, p.program("/ping").status, "no address alone signs anybody out")
		}
		without := p.post("/_vneid/sign-out", url.Values{})
		assert.Equal(t, http.StatusForbidden, without.status)
		require.Equal(t, http.StatusOK, p.program("/ping").status)

		ended := r.vneid.Calls("end_session")
		done := p.submit(question, "/sign-out")
		require.Equal(t, http.StatusSeeOther, done.status)
		assert.Equal(t, http.StatusUnauthorized, stolen.program("/ping").status, "a copied cookie is worth nothing at once")
		assert.Equal(t, titleSignIn, stolen.visit("/").title())
		assert.NotContains(t, p.cookies(), "PORTAL_SID", "the portal's own session goes from the browser")
		assert.NotContains(t, p.cookies(), "vneid_session")
		if w.endSession {
			there, err := url.Parse(done.location)
			require.NoError(t, err)
			assert.Equal(t, r.vneidURL+"/end_session", there.Scheme+"://"+there.Host+there.Path)
			assert.NotEmpty(t, there.Query().Get("id_token_hint"))
			ended++
		}
		at = p.follow(done)
		assert.Equal(t, ended, r.vneid.Calls("end_session"))
		assert.Equal(t, "Đã đăng xuất", at.title())
		assert.Equal(t, r.origin+"/_vneid/sign-out", at.url.Scheme+"://"+at.url.Host+at.url.Path)
	})
	t.Run("of a portal account", func(t *testing.T) {
		p := r.person(t)
		account := r.persona("two").Accounts[0]
		p.atPortal(p.visit(wanted), account)
		stolen := p.copied("vneid_session")
		done := p.submit(p.get("/_vneid/sign-out"), "/sign-out")
		assert.Equal(t, r.origin+"/_vneid/sign-out", done.location, "no provider has a session of theirs")
		assert.Equal(t, "Đã đăng xuất", p.follow(done).title())
		assert.Equal(t, http.StatusUnauthorized, stolen.program("/ping").status)
	})
	t.Run("a proof dies with it", func(t *testing.T) {
		p := r.person(t)
		prove := p.vneid(p.visit(wanted), "cmnd")
		stolen := p.copied("vneid_proof")
		p.submit(p.get("/_vneid/sign-out"), "/sign-out")
		assert.NotContains(t, p.cookies(), "vneid_proof")
		account := r.persona("cmnd").Accounts[0]
		at := stolen.submit(prove, "/link/proof", "username", account.Username, "password", account.Password, "consent", "yes")
		assert.Equal(t, http.StatusBadRequest, at.status, at.body)
		assert.Equal(t, titleSpent, at.title())
		assert.Empty(t, r.links(account.ID))
	})
	t.Run("by nobody", func(t *testing.T) {
		p := r.person(t)
		assert.Equal(t, "Đã đăng xuất", p.follow(p.post("/_vneid/sign-out", url.Values{})).title())
	})
	t.Run("with the provider away", func(t *testing.T) {
		p := r.person(t)
		p.vneid(p.visit(wanted), "linked")
		question := p.get("/_vneid/sign-out")
		turn(t, r.vneid.Controls, "discovery_down", "on")
		done := p.submit(question, "/sign-out")
		assert.Equal(t, http.StatusSeeOther, done.status, "the session ends whatever the provider does")
		assert.NotContains(t, p.cookies(), "vneid_session")
	})
}

// A proof opens one door once: a copy of its cookie opens none afterwards,
// though the account behind it is linked by then.
func TestProofOpensOnce(t *testing.T) { onBothWires(t, journeyProofOpensOnce) }

func journeyProofOpensOnce(t *testing.T, w wire) {
	for name, flow := range map[string]struct {
		proof func(p *person, r *rig) page // to the screen where the proof is held
		link  func(p *person, at page, r *rig) page
	}{
		"provider first": {
			func(p *person, _ *rig) page { return p.vneid(p.visit(wanted), "cmnd") },
			func(p *person, at page, r *rig) page {
				account := r.persona("cmnd").Accounts[0]
				return p.submit(at, "/link/proof", "username", account.Username, "password", account.Password, "consent", "yes")
			},
		},
		"account first": {
			func(p *person, r *rig) page { return p.atPortal(p.visit(wanted), r.persona("cmnd").Accounts[0]) },
			func(p *person, at page, r *rig) page {
				return p.submit(at, "/link/update", "citizen_number", r.persona("cmnd").CitizenNumber, "consent", "yes")
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, rigWorld{wire: w})
			p := r.person(t)
			at := flow.proof(p, r)
			first, second := p.copied("vneid_proof"), p.copied("vneid_proof")
			require.Equal(t, http.StatusSeeOther, flow.link(p, at, r).status)
			p.submit(p.get("/_vneid/sign-out"), "/sign-out")

			first.visit("/_vneid/link")
			assert.NotContains(t, first.cookies(), "vneid_session", "the link screen")
			assert.Equal(t, http.StatusUnauthorized, first.program("/ping").status)
			flow.link(second, at, r)
			assert.NotContains(t, second.cookies(), "vneid_session", "the form")
			assert.Equal(t, http.StatusUnauthorized, second.program("/ping").status)
		})
	}
}

// Linking from one browser ends the account's sessions in others.
func TestLinkEndsOlderSessions(t *testing.T) { onBothWires(t, journeyLinkEndsOlderSessions) }

func journeyLinkEndsOlderSessions(t *testing.T, w wire) {
	r := newRig(t, rigWorld{wire: w})
	who := r.persona("cmnd")
	account := who.Accounts[0]
	old := r.person(t)
	old.follow(old.submit(old.atPortal(old.visit(wanted), account), "/link/skip"))
	require.Equal(t, http.StatusOK, old.program("/ping").status)

	p := r.person(t)
	at := p.vneid(p.visit(wanted), "cmnd")
	at = p.submit(at, "/link/proof", "username", account.Username, "password", account.Password, "consent", "yes")
	assert.Equal(t, http.StatusUnauthorized, old.program("/ping").status)
	assert.Equal(t, titleSignIn, old.visit("/ho-so").title())
	assert.NotContains(t, old.cookies(), "vneid_session", "the dead cookie is taken away")
	p.landed(p.follow(at), account, &who, "linked")
}

// TestNoDeadEnd: a proof that leads nowhere any more is taken away, so that
// the way on is one.
func TestNoDeadEnd(t *testing.T) { onBothWires(t, journeyNoDeadEnd) }

func journeyNoDeadEnd(t *testing.T, w wire) {
	t.Run("account first, answer lost", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, rigWorld{wire: w})
		who := r.persona("cmnd")
		p := r.person(t)
		at := p.atPortal(p.visit(wanted), who.Accounts[0])
		lost := p.copied("vneid_proof")
		require.Equal(t, http.StatusSeeOther, lost.submit(at, "/link/update", "citizen_number", who.CitizenNumber, "consent", "yes").status)
		at = p.submit(at, "/link/update", "citizen_number", who.CitizenNumber, "consent", "yes")
		assert.Equal(t, titleSpent, at.title())
		at = p.visit(at.link("/_vneid/sign-in?rd="))
		require.Equal(t, titleSignIn, at.title())
		p.landed(p.atPortal(at, who.Accounts[0]), who.Accounts[0], matched(who, who.Accounts[0]), "linked")
	})
	t.Run("provider first, answer lost", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, rigWorld{wire: w})
		who := r.persona("cmnd")
		p := r.person(t)
		at := p.vneid(p.visit(wanted), "cmnd")
		lost := p.copied("vneid_proof")
		fields := []string{"username", who.Accounts[0].Username, "password", who.Accounts[0].Password, "consent", "yes"}
		require.Equal(t, http.StatusSeeOther, lost.submit(at, "/link/proof", fields...).status)
		at = p.submit(at, "/link/proof", fields...)
		assert.Equal(t, titleSpent, at.title())
		at = p.visit(at.link("/_vneid/sign-in?rd="))
		require.Equal(t, titleSignIn, at.title())
		p.landed(p.vneid(at, "cmnd"), who.Accounts[0], &who, "linked")
	})
	t.Run("VNeID used elsewhere meanwhile", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, rigWorld{wire: w})
		who := r.persona("cmnd")
		p := r.person(t)
		p.atPortal(p.visit(wanted), who.Accounts[0])
		phone := r.person(t)
		at := phone.vneid(phone.visit("/"), "cmnd")
		phone.submit(at, "/link/proof", "username", who.Accounts[0].Username, "password", who.Accounts[0].Password, "consent", "yes")
		at = p.visit("/_vneid/link")
		require.Equal(t, titleLinked, at.title())
		at = p.visit(at.link("/_vneid/sign-in?rd="))
		require.Equal(t, titleSignIn, at.title())
		p.landed(p.vneid(at, "cmnd"), who.Accounts[0], &who, "linked")
	})
	t.Run("locked", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, rigWorld{wire: w})
		who := r.persona("linked")
		first := r.person(t)
		first.vneid(first.visit("/"), "linked")
		r.accounts[0].Locked = true
		r.restart(nil)
		p := r.person(t)
		at := p.vneid(p.visit(wanted), "linked")
		assert.Equal(t, http.StatusForbidden, at.status)
		assert.Equal(t, "Tài khoản đang bị khóa", at.title())
		assert.Equal(t, titleSignIn, p.visit(at.link("/_vneid/sign-in?rd=")).title())
		legacy := r.person(t)
		at = legacy.atPortal(legacy.visit(wanted), who.Accounts[0])
		assert.Equal(t, http.StatusForbidden, at.status)
		assert.Equal(t, titleSignIn, legacy.visit(lastLink(at)).title())
	})
}
