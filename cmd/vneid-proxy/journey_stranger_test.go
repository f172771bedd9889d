package main

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/vneidtest"
)

// Somebody typed a stranger's number into their account and nobody verified it
// (the squatter); the number is the owner's, who comes by VNeID.

// without is a page without what stands in it of one request alone: its token,
// its reference code and what was typed.
func without(a page, typed ...string) string {
	body := regexp.MustCompile(`value="[^"]*"`).ReplaceAllString(a.body, "")
	body = referenceCode.ReplaceAllString(body, "")
	for _, text := range typed {
		body = strings.ReplaceAll(body, text, "")
	}
	return body
}

// nothingOf requires that a page tells nothing of somebody's account.
func (a page) nothingOf(who vneidtest.Persona) {
	a.t.Helper()
	for _, account := range who.Accounts {
		for _, text := range []string{account.ID, account.Username, account.Name, account.IDCardNumber, who.Name} {
			assert.NotContains(a.t, a.body, text)
		}
	}
}

// TestStrangersNumber: the number alone never puts its owner into the account
// that somebody wrote it into, whether the operator trusts such numbers or not;
// and neither of the two learns that there is the other.
func TestStrangersNumber(t *testing.T) {
	onBothWires(t, func(t *testing.T, w wire) {
		for _, trust := range []string{"false", "true"} {
			t.Run("trusted "+trust, func(t *testing.T) {
				t.Parallel()
				journeyStrangersNumber(t, w, trust)
			})
		}
	})
}

func journeyStrangersNumber(t *testing.T, w wire, trust string) {
	r := newRig(t, rigWorld{wire: w, env: map[string]string{"TRUST_DIRECTORY_NUMBER": trust}})
	// The same without the squatter: what the owner sees there is what they
	// must see here.
	var peace []vneidtest.Persona
	for _, p := range r.people {
		if p.Key != "squatter" {
			peace = append(peace, p)
		}
	}
	calm := newRig(t, rigWorld{wire: w, people: peace, env: map[string]string{"TRUST_DIRECTORY_NUMBER": trust}})
	owner, squatter := r.persona("owner"), r.persona("squatter")
	own, squatted := owner.Accounts[0], squatter.Accounts[0]
	require.Equal(t, owner.CitizenNumber, squatted.CitizenNumber)
	require.False(t, squatted.CitizenNumberVerified)

	// The owner is asked for an account of hers, as if there were none by her number.
	p, undisturbed := r.person(t), calm.person(t)
	at, there := p.vneid(p.visit(wanted), "owner"), undisturbed.vneid(undisturbed.visit(wanted), "owner")
	require.Equal(t, titleProve, at.title())
	assert.Equal(t, without(there), without(at))
	at.nothingOf(squatter)
	p.outside(squatted)

	// Its name and a guess tell her no more than a name that nobody has.
	guess := func(username string) page {
		answer := p.submit(at, "/link/proof", "username", username, "password", "doan-bua", "consent", "yes")
		assert.Equal(t, http.StatusUnprocessableEntity, answer.status)
		return answer
	}
	assert.Equal(t, without(guess("khongcoai")), without(guess(squatted.Username)))

	// Were she to know the password too, name and birth date are not hers.
	fooled := p.submit(at, "/link/proof", "username", squatted.Username, "password", squatted.Password, "consent", "yes")
	assert.Equal(t, http.StatusForbidden, fooled.status)
	assert.Equal(t, titleMismatch, fooled.title())
	p.outside(squatted)

	// The squatter cannot link the number: to the population database it is
	// another's, and the page is the one for a number that nobody has.
	thief := r.person(t)
	screenA := thief.atPortal(thief.visit(wanted), squatted)
	types := func(number string) page {
		answer := thief.submit(screenA, "/link/update", "citizen_number", number, "consent", "yes")
		assert.Equal(t, http.StatusUnprocessableEntity, answer.status)
		answer.nothingOf(owner)
		return answer
	}
	var before page
	if trust == "false" {
		require.Equal(t, titleLink, screenA.title())
		before = types(owner.CitizenNumber)
		assert.Equal(t, without(types("099300000999"), "099300000999"), without(before, owner.CitizenNumber))
	}

	// The owner goes on with her own account, and to it alone.
	at = p.submit(at, "/link/proof", "username", own.Username, "password", own.Password, "consent", "yes")
	p.landed(p.follow(at), own, &owner, "linked")
	again := r.person(t)
	again.landed(again.vneid(again.visit(wanted), "owner"), own, &owner, "linked")
	require.Len(t, r.links(own.ID), 1)
	require.Empty(t, r.links(squatted.ID))

	// That it is linked now is nothing that the squatter can see either, and
	// the password opens what it always did.
	if trust == "false" {
		assert.Equal(t, without(before), without(types(owner.CitizenNumber)))
		thief.landed(thief.follow(thief.submit(screenA, "/link/skip")), squatted, nil, "skipped")
	} else {
		require.Equal(t, r.origin+wanted, screenA.url.String(), "the operator says that the account has a number")
	}
	r.portal.ForgetRequests()
	require.Equal(t, http.StatusOK, thief.program("/ping").status)
	assert.Equal(t, squatted.ID, r.last().Header.Get("X-Forwarded-User"))
	assert.NotContains(t, r.last().Header, "X-Identity-Citizen-Number", "the portal is never told that they are the owner")
	for _, path := range []string{"/_vneid/identity", "/_vneid/session"} {
		thief.get(path).nothingOf(owner)
	}
	for _, username := range []string{own.Username, owner.CitizenNumber} {
		other := r.person(t)
		at := other.vneid(other.visit(wanted), "squatter")
		require.Equal(t, titleProve, at.title())
		at.nothingOf(owner)
		at = other.submit(at, "/link/proof", "username", username, "password", squatted.Password, "consent", "yes")
		assert.Equal(t, http.StatusUnprocessableEntity, at.status)
		assert.NotContains(t, other.cookies(), "vneid_session")
	}

	// By their own number they have their own account.
	real := r.person(t)
	at = real.vneid(real.visit(wanted), "squatter")
	at = real.submit(at, "/link/proof", "username", squatted.Username, "password", squatted.Password, "consent", "yes")
	real.landed(real.follow(at), squatted, &squatter, "linked")
}
