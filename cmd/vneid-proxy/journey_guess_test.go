package main

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/vneidtest"
)

// lockedAccounts is an account that portal and directory know to be locked.
func lockedAccounts() []vneidtest.PortalAccount {
	return []vneidtest.PortalAccount{{
		ID: "tk-7001", Username: "bikhoa", Password: "cong-khoa-7399", Name: "Trần Văn Bình", BirthDate: "1979-11-02", Locked: true,
	}}
}

var (
	tokenIn = regexp.MustCompile(`name="csrf_token" value="[^"]*"`)
	typedIn = regexp.MustCompile(`name="username" value="[^"]*"`)
)

// plainBody is a page without what differs by the form that was sent.
func plainBody(a page) string {
	return typedIn.ReplaceAllString(tokenIn.ReplaceAllString(a.body, ""), "")
}

// TestOneAnswerBeforeProof: unknown, wrong, locked and somebody else's cannot
// be told apart.
func TestOneAnswerBeforeProof(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigWorld{accounts: lockedAccounts()})
	owner := r.person(t)
	require.Equal(t, http.StatusOK, owner.vneid(owner.visit("/"), "linked").status)
	taken := r.persona("linked").Accounts[0]
	p := r.person(t)
	at := p.vneid(p.visit(wanted), "cmnd")
	var bodies []string
	for name, pair := range map[string][2]string{
		"unknown": {"khongco", "mat-khau"}, "wrong": {"tranvanbinh", "mat-khau"}, "locked": {"bikhoa", "cong-khoa-7399"},
		"locked, wrong": {"bikhoa", "mat-khau"}, "somebody else's": {taken.Username, taken.Password}, "somebody else's, wrong": {taken.Username, "mat-khau"},
	} {
		answer := p.submit(at, "/link/proof", "username", pair[0], "password", pair[1], "consent", "yes")
		assert.Equal(t, http.StatusUnprocessableEntity, answer.status, name)
		assert.NotContains(t, answer.body, pair[1], "the password is not shown again")
		for header := range answer.header {
			assert.NotEqual(t, "Set-Cookie", header, name)
		}
		bodies = append(bodies, plainBody(answer))
	}
	for _, body := range bodies {
		assert.Equal(t, bodies[0], body)
	}
	assert.Empty(t, r.links("tk-7001"))
	assert.Len(t, r.links(taken.ID), 1)
}

// TestFiveTries: then the right password is refused too, whoever asks, until
// the window ends.
func TestFiveTries(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigWorld{})
	account := r.persona("cmnd").Accounts[0]
	limited := func(t *testing.T, answer page) {
		t.Helper()
		assert.Equal(t, http.StatusTooManyRequests, answer.status, answer.body)
		seconds, err := strconv.Atoi(answer.header.Get("Retry-After"))
		require.NoError(t, err)
		assert.Positive(t, seconds)
		assert.LessOrEqual(t, seconds, 15*60)
		assert.Equal(t, "Đã thử quá nhiều lần", answer.title())
		assert.NotEmpty(t, lastLink(answer), "another way")
	}
	attacker := r.person(t)
	at := attacker.vneid(attacker.visit("/"), "none")
	try := func(p *person, username, password string) page {
		return p.submit(at, "/link/proof", "username", username, "password", password, "consent", "yes")
	}
	var bodies [2]string
	for i, username := range []string{account.Username, "khongcoai"} {
		for n := range 5 {
			assert.Equal(t, http.StatusUnprocessableEntity, try(attacker, username, "sai-"+strconv.Itoa(n)).status)
		}
		called := r.portal.Calls("credential")
		answer := try(attacker, username, account.Password)
		limited(t, answer)
		assert.Equal(t, called, r.portal.Calls("credential"), "the portal is not asked")
		bodies[i] = plainBody(answer)
	}
	assert.Equal(t, bodies[0], bodies[1], "an unknown name locks alike")
	for _, spelling := range []string{"KhongCoAi", " khongcoai ", "ｋｈｏｎｇｃｏａｉ"} {
		limited(t, try(attacker, spelling, "x"))
	}

	owner := r.person(t)
	at = owner.vneid(owner.visit(wanted), "cmnd")
	limited(t, try(owner, account.Username, account.Password))
	r.restart(nil)
	limited(t, try(owner, account.Username, account.Password))
	require.Empty(t, r.links(account.ID))
	// The page that the portal has of its own is another way.
	at = owner.atPortal(owner.visit("/_vneid/link"), account)
	require.Equal(t, titleChoose, at.title())
}

// TestFourTriesAndTheRightOne: the right one gives its own try back and no
// other.
func TestFourTriesAndTheRightOne(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigWorld{})
	who := r.persona("cmnd")
	account := who.Accounts[0]
	p := r.person(t)
	at := p.vneid(p.visit(wanted), "cmnd")
	for range 4 {
		p.submit(at, "/link/proof", "username", account.Username, "password", "sai", "consent", "yes")
	}
	at = p.submit(at, "/link/proof", "username", account.Username, "password", account.Password, "consent", "yes")
	p.landed(p.follow(at), account, &who, "linked")
}

// TestLinkNumberTries: numbers cannot be tried at will either, neither many
// from one account nor one from many.
func TestLinkNumberTries(t *testing.T) {
	t.Parallel()
	people, accounts := twins(7)
	r := newRig(t, rigWorld{people: people, accounts: accounts})
	p := r.person(t)
	at := p.atPortal(p.visit("/"), accounts[0])
	for n := range 5 {
		answer := p.submit(at, "/link/update", "citizen_number", "09930000010"+strconv.Itoa(n), "consent", "yes")
		assert.Equal(t, http.StatusUnprocessableEntity, answer.status)
		assert.Equal(t, titleLink, answer.title())
	}
	answer := p.submit(at, "/link/update", "citizen_number", people[0].CitizenNumber, "consent", "yes")
	assert.Equal(t, http.StatusTooManyRequests, answer.status, "the right one too")
	assert.Equal(t, 5, r.population.Calls("match"))
	require.Empty(t, r.links(accounts[0].ID))
	require.Equal(t, http.StatusSeeOther, p.submit(at, "/link/skip").status, "skipping is no try")

	// One number, from one account after the other.
	const number = "099300000777"
	for n := 1; n < 7; n++ {
		p := r.person(t)
		at := p.atPortal(p.visit("/"), accounts[n])
		answer := p.submit(at, "/link/update", "citizen_number", spaced(number), "consent", "yes")
		want := http.StatusUnprocessableEntity
		if n == 6 {
			want = http.StatusTooManyRequests
		}
		assert.Equal(t, want, answer.status, n)
	}
}

func spaced(number string) string { return strings.Join(strings.Split(number, ""), " ") }

// guess tries a password that is wrong at a name that nobody has.
func (p *person) guess(at page, name string, headers ...string) page {
	f := at.form("/link/proof")
	f.values.Set("username", name)
	f.values.Set("password", "mat-khau-sai")
	f.values.Set("consent", "yes")
	return p.post(f.action, f.values, headers...)
}

// TestManyNamesFromOneAddress: one password at many accounts is refused by the
// address, where it is known, and by that alone.
func TestManyNamesFromOneAddress(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigWorld{env: map[string]string{"TRUSTED_PROXIES": "127.0.0.0/8"}})
	p := r.person(t)
	at := p.vneid(p.visit(wanted), "cmnd")
	const from, other = "203.0.113.9", "203.0.113.10"
	for i := range 50 {
		require.Equal(t, http.StatusUnprocessableEntity, p.guess(at, "khongco"+strconv.Itoa(i), "X-Forwarded-For", from).status, i)
	}
	refused := p.guess(at, "khongco", "X-Forwarded-For", from)
	assert.Equal(t, http.StatusTooManyRequests, refused.status)
	assert.NotEmpty(t, refused.header.Get("Retry-After"))
	assert.Equal(t, http.StatusTooManyRequests, p.guess(at, "khongco", "X-Forwarded-For", "198.51.100.1, "+from).status, "what the client itself writes counts for nothing")
	assert.Equal(t, http.StatusUnprocessableEntity, p.guess(at, "khongco", "X-Forwarded-For", other).status)
	assert.Equal(t, http.StatusUnprocessableEntity, p.guess(at, "khongco").status, "nobody tells the address")
	assert.Zero(t, r.metric("vneid_proxy_tries_slowed_total"))
}

// TestManyTriesInAll: a stranger cannot shut everybody out; answers become
// slower, and a metric tells.
func TestManyTriesInAll(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigWorld{})
	p := r.person(t)
	at := p.vneid(p.visit(wanted), "cmnd")
	for i := range 200 {
		require.Equal(t, http.StatusUnprocessableEntity, p.guess(at, "khongco"+strconv.Itoa(i)).status, i)
	}
	assert.Zero(t, r.metric("vneid_proxy_tries_slowed_total"))
	assert.Equal(t, http.StatusUnprocessableEntity, p.guess(at, "khongco").status)
	assert.EqualValues(t, 1, r.metric("vneid_proxy_tries_slowed_total"))
	account := r.persona("cmnd").Accounts[0]
	done := p.submit(at, "/link/proof", "username", account.Username, "password", account.Password, "consent", "yes")
	assert.Equal(t, http.StatusSeeOther, done.status, "the right password is still right")
}
