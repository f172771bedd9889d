package main

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/vneidtest"
)

// TestNumberLinkedElsewhere: in flow A a number that another account has is for
// staff to look at, and the page is the same whoever's account that is.
func TestNumberLinkedElsewhere(t *testing.T) {
	t.Parallel()
	namesake := vneidtest.PortalAccount{ // of somebody else with the same name and birth date
		ID: "tk-6199", Username: "tuan.trungten", Password: "cong-tuan-7399", Name: "Hồ Minh Tuấn", BirthDate: "1987-05-20",
		IDCardNumber: "990187140",
	}
	r := newRig(t, rigWorld{accounts: []vneidtest.PortalAccount{namesake}})
	who := r.persona("elsewhere")
	first, second := who.Accounts[0], who.Accounts[1]
	update := func(account vneidtest.PortalAccount) (*person, page) {
		p := r.person(t)
		at := p.atPortal(p.visit(wanted), account)
		require.Equal(t, titleLink, at.title())
		return p, p.submit(at, "/link/update", "citizen_number", who.CitizenNumber, "consent", "yes")
	}
	p, at := update(first)
	p.landed(p.follow(at), first, matched(who, first), "linked")

	var bodies []string
	for _, account := range []vneidtest.PortalAccount{second, namesake} {
		p, at := update(account)
		assert.Equal(t, http.StatusForbidden, at.status)
		assert.Equal(t, titleConflict, at.title())
		code := referenceCode.FindString(at.body)
		require.NotEmpty(t, code, "a code to read out")
		for _, text := range []string{first.ID, first.Username, who.CitizenNumber} {
			assert.NotContains(t, at.body, text, "not what it is linked to")
		}
		p.outside(account)
		waiting := r.reviews()
		require.NotEmpty(t, waiting)
		found := false
		for _, review := range waiting {
			found = found || review.Reference == code && string(review.Account) == account.ID && review.Reason == ledger.ReviewConflict
		}
		assert.True(t, found, "staff find the case by its code: %v", waiting)
		bodies = append(bodies, without(at))
		require.Contains(t, at.body, `href="/_vneid/link">`, "a way on")
		at = p.visit("/_vneid/link")
		require.Equal(t, titleLink, at.title(), "a way on")
		p.landed(p.follow(p.submit(at, "/link/skip")), account, nil, "skipped")
	}
	assert.Equal(t, bodies[0], bodies[1])
	require.Len(t, r.links(first.ID), 1, "the link that was there is as it was")
}

// TestSecondAccountByItsCredential: VNeID vouches for the person and the
// password for the account: a second account of theirs is theirs too, beside
// the default.
func TestSecondAccountByItsCredential(t *testing.T) {
	onBothWires(t, func(t *testing.T, w wire) {
		r := newRig(t, rigWorld{wire: w})
		who := r.persona("elsewhere")
		var at [2]page
		people := [2]*person{r.person(t), r.person(t)}
		for i, p := range people { // both are asked for an account before either has one
			at[i] = p.vneid(p.visit(wanted), "elsewhere")
			require.Equal(t, titleProve, at[i].title())
		}
		for i, p := range people {
			account := who.Accounts[i]
			done := p.submit(at[i], "/link/proof", "username", account.Username, "password", account.Password, "consent", "yes")
			require.Equal(t, http.StatusSeeOther, done.status, done.body)
			p.landed(p.follow(done), account, &who, "linked")
		}
		links := r.links(who.Accounts[0].ID)
		require.Len(t, links, 2)
		assert.True(t, links[0].Default)
		assert.Equal(t, who.Accounts[0].ID, string(links[0].Account), "the first stays the default")
		assert.False(t, links[1].Default)
		p := r.person(t)
		p.landed(p.vneid(p.visit(wanted), "elsewhere"), who.Accounts[0], &who, "linked")
		for _, account := range who.Accounts {
			legacy := r.person(t)
			assert.Equal(t, titleLinked, legacy.atPortal(legacy.visit(wanted), account).title())
		}
	})
}

// TestLockedAccount: that an account is locked is told to whoever has proved
// that it is theirs, and to nobody else.
func TestLockedAccount(t *testing.T) {
	onBothWires(t, func(t *testing.T, w wire) {
		r := newRig(t, rigWorld{wire: w})
		who := r.persona("locked")
		account := who.Accounts[0]
		p := r.person(t)
		at := p.vneid(p.visit(wanted), "locked")
		try := func(username, password string) string {
			answer := p.submit(at, "/link/proof", "username", username, "password", password, "consent", "yes")
			assert.Equal(t, http.StatusUnprocessableEntity, answer.status)
			return without(answer)
		}
		unknown := try("khongcoai", account.Password)
		assert.Equal(t, unknown, try(account.Username, account.Password))
		assert.Equal(t, unknown, try(account.Username, "sai-mat-khau"))
		p.outside(account)

		// The portal does not know of the lock, the directory does: signed in
		// there, the person is told, in both flows.
		people := vneidtest.Personas()
		for i := range people {
			if people[i].Key == "locked" {
				people[i].Accounts[0].Locked = false
			}
		}
		r = newRig(t, rigWorld{wire: w, people: people})
		for i := range r.accounts {
			r.accounts[i].Locked = string(r.accounts[i].ID) == account.ID
		}
		r.restart(nil)
		told := func(p *person, at page) {
			t.Helper()
			assert.Equal(t, http.StatusForbidden, at.status)
			assert.Equal(t, "Tài khoản đang bị khóa", at.title())
			p.outside(account)
		}
		legacy := r.person(t)
		told(legacy, legacy.atPortal(legacy.visit(wanted), account))
		p = r.person(t)
		at = p.vneid(p.visit(wanted), "locked")
		assert.Equal(t, unknown, try(account.Username, account.Password), "a password alone is told nothing")
		told(p, p.atPortal(p.visit("/_vneid/link"), account))
	})
}
