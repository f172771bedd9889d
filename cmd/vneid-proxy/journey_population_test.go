package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/vneidtest"
)

// TestPortalAccountFirstByEveryPopulationWay: whatever the way, a match links,
// anything else does not and says nothing of why, and an outage costs nothing.
func TestPortalAccountFirstByEveryPopulationWay(t *testing.T) {
	onEveryPopulationWay(t, func(t *testing.T, w populationWay) {
		r := newRig(t, rigWorld{way: w})
		who, wrong, waiting := r.persona("cmnd"), r.persona("mismatch"), r.persona("tone")
		p := r.person(t)
		at := p.follow(p.submit(p.atPortal(p.visit(wanted), who.Accounts[0]), "/link/update", "citizen_number", who.CitizenNumber, "consent", "yes"))
		p.landed(at, who.Accounts[0], matched(who, who.Accounts[0]), "linked")
		assert.Equal(t, ledger.MethodMatch, r.onlyLink(who.Accounts[0], false).Method)

		p = r.person(t)
		at = p.submit(p.atPortal(p.visit(wanted), wrong.Accounts[0]), "/link/update", "citizen_number", wrong.CitizenNumber, "consent", "yes")
		assert.Equal(t, http.StatusUnprocessableEntity, at.status)
		assert.Contains(t, at.body, "chưa khớp")
		assert.Empty(t, r.links(wrong.Accounts[0].ID))

		p = r.person(t)
		at = p.atPortal(p.visit(wanted), waiting.Accounts[0])
		require.NoError(t, r.population.Set(w.endpoint()+"_garbage", "on"))
		p.awaits(at, waiting.CitizenNumber)
		require.NoError(t, r.population.Set(w.endpoint()+"_garbage", ""))
		r.restart(nil)
		require.Eventually(t, func() bool { return len(r.links(waiting.Accounts[0].ID)) == 1 }, time.Minute, 50*time.Millisecond)
		assert.Equal(t, ledger.MethodMatch, r.onlyLink(waiting.Accounts[0], false).Method)
		assert.Zero(t, r.population.Calls("form_lookup"), "no record is asked for unless told to")
	})
}

// lookup is a world in which records are looked up.
func lookup(t *testing.T, more ...string) *rig {
	env := map[string]string{"POPULATION_LOOKUP": "on"}
	for i := 0; i < len(more); i += 2 {
		env[more[i]] = more[i+1]
	}
	return newRig(t, rigWorld{way: "ndxp", env: env})
}

// idCardTick reports whether the identity page says that the ID-card number is
// verified.
func (p *person) idCardTick() bool {
	p.t.Helper()
	body := p.visit("/_vneid/identity").body
	_, row, found := strings.Cut(body, "Số CMT (9 số)")
	require.True(p.t, found)
	row, _, _ = strings.Cut(row, "</dd>")
	require.Contains(p.t, row, "******")
	return strings.Contains(row, "mark verified")
}

// TestIDCardLeadsToTheOldAccount: who comes by VNeID sees the account that
// holds their ID-card number, and nobody else's; it is still theirs to prove.
func TestIDCardLeadsToTheOldAccount(t *testing.T) {
	t.Parallel()
	r := lookup(t)
	who, stranger := r.persona("cmnd"), r.persona("cmnd_stranger")
	account := who.Accounts[0]
	require.Equal(t, account.IDCardNumber, stranger.Accounts[0].IDCardNumber, "both accounts hold the number")
	p := r.person(t)
	at := p.vneid(p.visit(wanted), "cmnd")
	require.Equal(t, titleProve, at.title())
	assert.Contains(t, at.body, "tr******inh")
	assert.NotContains(t, at.body, account.Username)
	assert.NotContains(t, at.body, stranger.Accounts[0].Username[:2]+"*", "the account of another name stays unseen")
	assert.NotContains(t, at.body, account.IDCardNumber)
	at = p.visit("/_vneid/link")
	at = p.submit(at, "/link/proof", "username", account.Username, "password", "sai", "consent", "yes")
	require.Equal(t, http.StatusUnprocessableEntity, at.status)
	assert.Contains(t, at.body, "tr******inh")
	assert.Equal(t, 1, r.population.Calls("form_lookup"), "once a sign-in")
	at = p.follow(p.submit(at, "/link/proof", "username", account.Username, "password", account.Password, "consent", "yes"))
	p.landed(at, account, &who, "linked")
	assert.Equal(t, ledger.MethodCredential, r.onlyLink(account, false).Method)
	assert.True(t, p.idCardTick())
	assert.Equal(t, 1, r.population.Calls("form_lookup"))
}

// TestIDCardLinksWhereThePolicyTrustsIt: no password, but a choice and consent.
func TestIDCardLinksWhereThePolicyTrustsIt(t *testing.T) {
	t.Parallel()
	r := lookup(t, "TRUST_POPULATION_ID_CARD", "true")
	who := r.persona("cmnd")
	account := who.Accounts[0]
	p := r.person(t)
	at := p.vneid(p.visit(wanted), "cmnd")
	require.Equal(t, titleChoose, at.title())
	assert.Equal(t, 1, strings.Count(at.body, `type="radio"`), "the account of another name is no choice")
	handle := at.choices()[0]
	refused := p.submit(at, "/link/choose", "account", handle)
	require.Equal(t, http.StatusUnprocessableEntity, refused.status)
	require.Empty(t, r.links(account.ID), "nothing without consent")
	at = p.follow(p.submit(refused, "/link/choose", "account", handle, "consent", "yes"))
	p.landed(at, account, &who, "linked")
	assert.Equal(t, ledger.MethodPopulation, r.onlyLink(account, false).Method)
	assert.True(t, p.idCardTick())
	assert.Equal(t, 1.0, r.metric(`vneid_proxy_links_total{method="population",strength="strong"}`))

	// Weak agreement stays proof's business: the year alone, another date.
	for _, key := range []string{"year_only", "mismatch", "cmnd_stranger"} {
		p := r.person(t)
		assert.Equal(t, titleProve, p.vneid(p.visit(wanted), key).title(), key)
	}
}

// TestIDCardBringsNoEndedLinkBack: whose link was ended proves the account
// anew, however much the policy trusts the record.
func TestIDCardBringsNoEndedLinkBack(t *testing.T) {
	t.Parallel()
	r := lookup(t, "TRUST_POPULATION_ID_CARD", "true")
	who := r.persona("cmnd")
	account := who.Accounts[0]
	p := r.person(t)
	at := p.vneid(p.visit(wanted), "cmnd")
	p.landed(p.follow(p.submit(at, "/link/choose", "account", at.choices()[0], "consent", "yes")), account, &who, "linked")
	made := r.onlyLink(account, false)
	r.beside(func(l *ledger.Ledger) { require.NoError(t, l.Unlink(t.Context(), made.ID, "a mistake", "can-bo-1")) })

	p = r.person(t)
	at = p.vneid(p.visit(wanted), "cmnd")
	require.Equal(t, titleProve, at.title())
	assert.Contains(t, at.body, "tr******inh", "a hint it stays")
	p.follow(p.submit(at, "/link/proof", "username", account.Username, "password", account.Password, "consent", "yes"))
	assert.Equal(t, ledger.MethodCredential, r.onlyLink(account, false).Method)
}

// TestAnothersIDCardGoesToReview, in either flow, and where the answer comes
// late: the account's ID-card number is not the citizen's.
func TestAnothersIDCardGoesToReview(t *testing.T) {
	t.Parallel()
	r := lookup(t)
	who := r.persona("cmnd_stranger")
	account := who.Accounts[0]

	p := r.person(t)
	at := p.vneid(p.visit(wanted), "cmnd_stranger")
	require.Equal(t, titleProve, at.title())
	assert.NotContains(t, at.body, r.persona("cmnd").Accounts[0].Username[:2]+"*")
	at = p.submit(at, "/link/proof", "username", account.Username, "password", account.Password, "consent", "yes")
	assert.Equal(t, titleMismatch, at.title())
	require.NotEmpty(t, referenceCode.FindString(at.body))
	p.outside(account)

	p = r.person(t)
	at = p.submit(p.atPortal(p.visit(wanted), account), "/link/update", "citizen_number", who.CitizenNumber, "consent", "yes")
	assert.Equal(t, titleMismatch, at.title())
	code := referenceCode.FindString(at.body)
	require.NotEmpty(t, code)
	assert.Empty(t, r.links(account.ID))
	waiting := r.reviews()
	require.Len(t, waiting, 2)
	for _, one := range waiting {
		assert.Equal(t, ledger.ReviewMismatch, one.Reason)
		assert.Equal(t, who.CitizenNumber, one.Citizen.Number.Reveal())
	}

	p = r.person(t)
	at = p.atPortal(p.visit(wanted), account)
	require.NoError(t, r.population.Set("soap_down", "on"))
	p.awaits(at, who.CitizenNumber)
	require.NoError(t, r.population.Set("soap_down", ""))
	r.restart(nil)
	at = p.eventually(wanted, titleLink)
	assert.Contains(t, at.body, "Lần kiểm tra trước")
	assert.Empty(t, r.links(account.ID))
}

// TestOwnIDCardIsEvidence, in flow A at once and where the answer comes late.
func TestOwnIDCardIsEvidence(t *testing.T) {
	t.Parallel()
	r := lookup(t)
	at := func(key string, fault string) (*person, vneidtest.Persona) {
		who := r.persona(key)
		p := r.person(t)
		at := p.atPortal(p.visit(wanted), who.Accounts[0])
		if fault != "" {
			require.NoError(t, r.population.Set("soap_down", "on"))
			p.awaits(at, who.CitizenNumber)
			require.NoError(t, r.population.Set("soap_down", ""))
			assert.False(t, p.idCardTick())
			r.restart(nil)
			require.Eventually(t, func() bool {
				links := r.links(who.Accounts[0].ID)
				return len(links) == 1 && !links[0].IDCard.IsZero()
			}, time.Minute, 50*time.Millisecond)
			p.visit(wanted)
		} else {
			p.follow(p.submit(at, "/link/update", "citizen_number", who.CitizenNumber, "consent", "yes"))
		}
		require.Equal(t, ledger.MethodMatch, r.onlyLink(who.Accounts[0], false).Method)
		return p, who
	}
	for _, fault := range []string{"", "down"} {
		key := map[string]string{"": "cmnd", "down": "tone"}[fault]
		p, who := at(key, fault)
		assert.True(t, p.idCardTick(), key)
		assert.Equal(t, who.IDCardNumber, r.onlyLink(who.Accounts[0], false).IDCard.Reveal())
	}
	// Without a lookup nothing is ticked: a match says nothing of it.
	r.restart(map[string]string{"POPULATION_LOOKUP": ""})
	who := r.persona("level1")
	p := r.person(t)
	p.follow(p.submit(p.atPortal(p.visit(wanted), who.Accounts[0]), "/link/update", "citizen_number", who.CitizenNumber, "consent", "yes"))
	require.NotEmpty(t, r.links(who.Accounts[0].ID))
	assert.False(t, p.idCardTick())
}

// TestLookupDownHidesNothing: who comes by VNeID goes on as without a lookup.
func TestLookupDownHidesNothing(t *testing.T) {
	t.Parallel()
	r := lookup(t, "TRUST_POPULATION_ID_CARD", "true")
	who := r.persona("cmnd")
	account := who.Accounts[0]
	require.NoError(t, r.population.Set("soap_down", "on"))
	p := r.person(t)
	at := p.vneid(p.visit(wanted), "cmnd")
	require.Equal(t, titleProve, at.title())
	require.NoError(t, r.population.Set("soap_down", ""))
	at = p.follow(p.submit(at, "/link/proof", "username", account.Username, "password", account.Password, "consent", "yes"))
	p.landed(at, account, &who, "linked")
	assert.Equal(t, ledger.MethodCredential, r.onlyLink(account, false).Method)
}

// TestTheDaysCallsAreSpent: whoever comes after the last one is pending, as in
// an outage, and a restart does not begin the day anew.
func TestTheDaysCallsAreSpent(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigWorld{env: map[string]string{"POPULATION_CALLS_PER_DAY": "2", "POPULATION_RESERVE_PERCENT": "100"}})
	link := func(key string) page {
		who := r.persona(key)
		p := r.person(t)
		return p.follow(p.submit(p.atPortal(p.visit(wanted), who.Accounts[0]), "/link/update", "citizen_number", who.CitizenNumber, "consent", "yes"))
	}
	link("cmnd")
	assert.Equal(t, 1.0, r.metric("vneid_proxy_population_calls_left"))
	r.restart(nil)
	link("tone")
	assert.Equal(t, 0.0, r.metric("vneid_proxy_population_calls_left"))
	assert.Equal(t, 2.0, r.metric("vneid_proxy_population_calls_today"))
	assert.Equal(t, titlePending, link("diacritics").title())
	assert.Equal(t, 2, r.population.Calls("match"))
	assert.Equal(t, 1.0, r.metric(`vneid_proxy_call_duration_seconds_count{operation="match",outcome="limited",system="population"}`))
}
