package main

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/vneidtest"
)

const titleEnded = "Tài khoản chưa liên kết đã ngừng sử dụng"

// policyFile is a policy file that can be changed as a mounted ConfigMap is.
type policyFile struct {
	t    *testing.T
	path string
}

func newPolicyFile(t *testing.T, text string) policyFile {
	f := policyFile{t, filepath.Join(t.TempDir(), "policy.yaml")}
	f.put(text)
	return f
}

func (f policyFile) put(text string) {
	f.t.Helper()
	next := f.path + ".next"
	require.NoError(f.t, os.WriteFile(next, []byte(text), 0o600))
	require.NoError(f.t, os.Rename(next, f.path))
}

// reason is why a program is not let through; "" where it is.
func (p *person) reason(method string) string {
	answer := p.ask(method, "/headers", "", "Accept", "application/json")
	var problem struct{ Reason string }
	if answer.status != http.StatusOK {
		require.NoError(p.t, unmarshal(answer.body, &problem))
		assert.NotEmpty(p.t, problem.Reason)
	}
	return problem.Reason
}

// toldPortal is what the portal is told of this browser.
func (p *person) toldPortal() http.Header {
	p.t.Helper()
	answer := p.ask(http.MethodGet, "/headers", "", "Accept", "application/json")
	require.Equal(p.t, http.StatusOK, answer.status, answer.body)
	var got vneidtest.Received
	require.NoError(p.t, unmarshal(answer.body, &got))
	return got.Header
}

// TestReadingAfterTheLastDay: whoever has not linked still reads, and what they
// send leads to the link screen.
func TestReadingAfterTheLastDay(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigWorld{env: map[string]string{
		"SKIP_UNTIL": day(-1), "POLICY_FILE": newPolicyFile(t, "kinds: {citizen: {after: read_only}}").path,
	}})
	who := r.persona("cmnd")
	account := who.Accounts[0]
	p := r.person(t)
	at := p.atPortal(p.visit(wanted), account)
	require.Equal(t, titleLink, at.title())
	assert.Contains(t, at.body, "chỉ xem được")
	p.landed(p.follow(p.submit(at, "/link/skip")), account, nil, "skipped")
	assert.Empty(t, p.reason(http.MethodGet))
	assert.Equal(t, "read_only", p.reason(http.MethodPost))
	assert.Equal(t, "read_only", p.reason(http.MethodDelete))
	r.portal.ForgetRequests()
	sent := p.post("/nop-ho-so", nil, "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "same-origin")
	assert.Equal(t, http.StatusSeeOther, sent.status)
	assert.Empty(t, r.portal.Requests())
	at = p.follow(sent)
	require.Equal(t, titleLink, at.title())
	p.follow(p.submit(at, "/link/update", "citizen_number", who.CitizenNumber, "consent", "yes"))
	assert.Empty(t, p.reason(http.MethodPost))

	// Who is of another kind has other terms.
	official := r.persona("official").Accounts[0]
	other := r.person(t)
	at = other.atPortal(other.visit(wanted), official)
	if at.title() == titleLink {
		assert.NotContains(t, at.body, "/link/skip")
	}
}

// TestThePolicyChangesUnderASession: terms are judged at each request, by the
// file as it stands; a file that cannot be used changes nothing.
func TestThePolicyChangesUnderASession(t *testing.T) {
	t.Parallel()
	file := newPolicyFile(t, "default: {skip_until: "+day(9)+"}")
	r := newRig(t, rigWorld{env: map[string]string{"POLICY_FILE": file.path}})
	who := r.persona("cmnd")
	account := who.Accounts[0]
	p := r.person(t)
	p.landed(p.follow(p.submit(p.atPortal(p.visit(wanted), account), "/link/skip")), account, nil, "skipped")
	assert.Empty(t, p.reason(http.MethodPost))

	file.put("default: {skip_until: soon}")
	require.Eventually(t, func() bool { return r.metric(`vneid_proxy_config_last_reload_successful{file="policy"}`) == 0 }, time.Minute, 50*time.Millisecond)
	assert.Empty(t, p.reason(http.MethodPost), "the terms before it hold")

	file.put("default: {skip_until: never, after: refuse}")
	require.Eventually(t, func() bool { return p.reason(http.MethodGet) == "use_ended" }, time.Minute, 50*time.Millisecond)
	at := p.visit(wanted)
	assert.Equal(t, http.StatusForbidden, at.status)
	require.Equal(t, titleEnded, at.title())
	at = p.visit(at.link("/_vneid/sign-in"))
	require.Equal(t, titleSignIn, at.title(), "VNeID is the way on")
	fresh := r.person(t)
	assert.Equal(t, titleEnded, fresh.atPortal(fresh.visit(wanted), account).title())
	assert.NotContains(t, fresh.cookies(), "vneid_session")
	at = p.vneid(at, "cmnd")
	require.Equal(t, titleProve, at.title())
	p.follow(p.submit(at, "/link/proof", "username", account.Username, "password", account.Password, "consent", "yes"))
	assert.Equal(t, "linked", p.toldPortal().Get("X-Identity-Standing"))
}

// TestSkippingRunsOut: the screen says how often it may be skipped, and means
// it.
func TestSkippingRunsOut(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigWorld{env: map[string]string{"POLICY_FILE": newPolicyFile(t, "default: {skip_limit: 2}").path}})
	account := r.persona("cmnd").Accounts[0]
	for _, says := range []string{"còn được bỏ qua 2 lần", "lần cuối"} {
		p := r.person(t)
		at := p.atPortal(p.visit(wanted), account)
		require.Equal(t, titleLink, at.title())
		assert.Contains(t, at.body, says)
		p.landed(p.follow(p.submit(at, "/link/skip")), account, nil, "skipped")
	}
	p := r.person(t)
	at := p.atPortal(p.visit(wanted), account)
	require.Equal(t, titleLink, at.title())
	assert.NotContains(t, at.body, "/link/skip")
	refused := p.post("/_vneid/link/skip", at.form("/link/update").values)
	assert.Equal(t, http.StatusForbidden, refused.status)
}

// TestTheProofThatTermsAskFor: another proof leads back to the page that says
// so, and links nothing.
func TestTheProofThatTermsAskFor(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigWorld{env: map[string]string{"POLICY_FILE": newPolicyFile(t, "default: {proof: portal_session}").path}})
	who := r.persona("cmnd")
	account := who.Accounts[0]
	p := r.person(t)
	at := p.vneid(p.visit(wanted), "cmnd")
	require.Equal(t, titleProve, at.title())
	at = p.submit(at, "/link/proof", "username", account.Username, "password", account.Password, "consent", "yes")
	assert.Equal(t, http.StatusUnprocessableEntity, at.status)
	assert.Contains(t, at.body, "bằng cách khác trong các cách dưới đây")
	assert.Empty(t, r.links(account.ID))
	at = p.atPortal(at, account)
	require.Equal(t, titleChoose, at.title())
	at = p.submit(at, "/link/choose", "account", at.choices()[0], "consent", "yes")
	p.landed(p.follow(at), account, &who, "linked")

	r.restart(map[string]string{"POLICY_FILE": newPolicyFile(t, "default: {proof: credential}").path})
	other := r.persona("year_only")
	p = r.person(t)
	at = p.atPortal(p.vneid(p.visit(wanted), "year_only"), other.Accounts[0])
	require.Equal(t, titleProve, at.title())
	assert.Contains(t, at.body, "bằng cách khác trong các cách dưới đây")
	p.landed(p.follow(p.submit(at, "/link/proof", "username", other.Accounts[0].Username, "password", other.Accounts[0].Password, "consent", "yes")),
		other.Accounts[0], &other, "linked")
}

// TestAWeakMatchForStaff: the year alone agrees, and the terms have staff look.
func TestAWeakMatchForStaff(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigWorld{env: map[string]string{"POLICY_FILE": newPolicyFile(t, "default: {weak_match: review}").path}})
	who := r.persona("year_only")
	account := who.Accounts[0]
	p := r.person(t)
	at := p.atPortal(p.visit(wanted), account)
	at = p.submit(at, "/link/update", "citizen_number", who.CitizenNumber, "consent", "yes")
	require.Equal(t, titleMismatch, at.title())
	assert.Regexp(t, `[0-9A-Z]{4}-[0-9A-Z]{4}`, at.body, "a reference code")
	assert.Empty(t, r.links(account.ID))
	q := r.person(t)
	at = q.vneid(q.visit(wanted), "year_only")
	at = q.submit(at, "/link/proof", "username", account.Username, "password", account.Password, "consent", "yes")
	require.Equal(t, titleMismatch, at.title())
	assert.Empty(t, r.links(account.ID))
}

// TestPassedWithoutAnAccount: who owns none is let in by the provider's
// subject, and nobody is by whose account it may be.
func TestPassedWithoutAnAccount(t *testing.T) {
	t.Parallel()
	who := vneidtest.Personas()
	r := newRig(t, rigWorld{people: who, env: map[string]string{"ON_NO_ACCOUNT": "pass"}, accounts: []vneidtest.PortalAccount{
		{ID: "ai-do", Username: "ai-do", Password: "x", Name: "Ai Đó", BirthDate: "1980-01-02", CitizenNumber: personaOf(who, "foreigner").CitizenNumber},
	}})
	none := r.persona("none")
	p := r.person(t)
	at := p.vneid(p.visit(wanted), "none")
	require.Equal(t, titleProve, at.title())
	at = p.follow(p.submit(at, "/link/none"))
	assert.Equal(t, r.origin+wanted, at.url.String())
	told := p.toldPortal()
	assert.Equal(t, none.VNeID.Subject, told.Get("X-Forwarded-User"))
	assert.Equal(t, "none", told.Get("X-Identity-Standing"))
	assert.Equal(t, none.CitizenNumber, told.Get("X-Identity-Citizen-Number"))
	assert.Equal(t, titleIdentity, p.get("/_vneid/identity").title())

	claimed := r.person(t)
	at = claimed.vneid(claimed.visit(wanted), "foreigner")
	require.Equal(t, titleProve, at.title())
	assert.Equal(t, titleNobody, claimed.submit(at, "/link/none").title(), "an account holds their number")
	assert.NotContains(t, claimed.cookies(), "vneid_session")

	r.restart(map[string]string{"ON_NO_ACCOUNT": "refuse"})
	assert.Equal(t, "unlinked", p.reason(http.MethodGet), "the operator has changed their mind")
	assert.Equal(t, titleProve, p.visit(wanted).title())
}

func personaOf(people []vneidtest.Persona, key string) vneidtest.Persona {
	for _, p := range people {
		if p.Key == key {
			return p
		}
	}
	return vneidtest.Persona{}
}

// TestObserve: nobody sees the link screen, nothing is written, and what
// enforcing would do is counted in the words of the rehearsal.
func TestObserve(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigWorld{accounts: lockedAccounts(), env: map[string]string{
		"LINK": "observe", "POPULATION_URL": "", "POPULATION_TOKEN": "", "LEGACY_SIGN_IN_UNTIL": day(-1), "SKIP_UNTIL": "",
		"POLICY_FILE": newPolicyFile(t, "cohorts: [{name: cards, who: {kind: [citizen], holds: [id_card]}, terms: {legacy_sign_in_until: "+day(9)+"}}]").path,
	}})
	counted := func(kind, cohort, outcome string) float64 {
		return r.metric(`vneid_proxy_observed_sign_ins_total{cohort="` + cohort + `",kind="` + kind + `",outcome="` + outcome + `"}`)
	}
	cmnd := r.persona("cmnd")
	p := r.person(t)
	p.landed(p.atPortal(p.visit(wanted), cmnd.Accounts[0]), cmnd.Accounts[0], nil, "unlinked")
	assert.Equal(t, 1.0, counted("citizen", "cards", "must_link"))

	linked := r.persona("linked")
	legacy := r.person(t)
	legacy.atPortal(legacy.visit(wanted), linked.Accounts[0])
	assert.Equal(t, "linked", legacy.toldPortal().Get("X-Identity-Standing"))
	assert.Equal(t, 1.0, counted("citizen", "", "vneid_number"))
	byNumber := r.person(t)
	byNumber.landed(byNumber.vneid(byNumber.visit(wanted), "linked"), linked.Accounts[0], &linked, "linked")
	assert.Equal(t, 2.0, counted("citizen", "", "vneid_number"))
	assert.Empty(t, r.links(linked.Accounts[0].ID), "nothing is recorded")

	nobody := r.person(t)
	at := nobody.vneid(nobody.visit(wanted), "none")
	assert.Equal(t, r.origin+wanted, at.url.String())
	assert.Equal(t, "unlinked", nobody.toldPortal().Get("X-Identity-Standing"))
	assert.Equal(t, 1.0, counted("citizen", "", "must_prove"))

	r.restart(map[string]string{"LINK": "enforce", "POPULATION_URL": "http://127.0.0.1:1/match", "POPULATION_TOKEN": "x"})
	assert.Equal(t, "unlinked", p.reason(http.MethodGet), "enforcing begins with the next request")
	assert.Equal(t, titleLink, p.visit(wanted).title())
	assert.Equal(t, titleProve, nobody.visit(wanted).title())
}

// TestOff is a plain OpenID Connect proxy.
func TestOff(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigWorld{env: map[string]string{
		"LINK": "off", "POPULATION_URL": "", "POPULATION_TOKEN": "", "DIRECTORY_URL": "", "DIRECTORY_CREDENTIAL_URL": "", "DIRECTORY_TOKEN": "",
		"LEGACY_SIGN_IN_UNTIL": "", "SKIP_UNTIL": "", "PORTAL_LOGIN_URL": "", "PORTAL_WHOAMI_URL": "", "PORTAL_SESSION_COOKIES": "",
	}})
	cmnd := r.persona("cmnd")
	p := r.person(t)
	chooser := p.visit(wanted)
	assert.NotContains(t, chooser.body, "/sign-in/legacy")
	at := p.vneid(chooser, "cmnd")
	assert.Equal(t, r.origin+wanted, at.url.String())
	told := p.toldPortal()
	assert.Equal(t, cmnd.VNeID.Subject, told.Get("X-Forwarded-User"))
	assert.Equal(t, "none", told.Get("X-Identity-Standing"))
	assert.Equal(t, cmnd.CitizenNumber, told.Get("X-Identity-Citizen-Number"))
	assert.Empty(t, p.reason(http.MethodPost))
	assert.Equal(t, titleIdentity, p.get("/_vneid/identity").title())
	p.submit(p.get("/_vneid/sign-out"), "/sign-out")
	assert.Equal(t, "sign_in", p.reason(http.MethodGet))
	assert.Equal(t, http.StatusForbidden, r.person(t).get("/_vneid/start?provider=portal").status)
}
