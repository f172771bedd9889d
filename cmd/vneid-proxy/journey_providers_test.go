package main

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/vneidtest"
)

const (
	titleNotAppointed = "Chưa có tài khoản cho cách đăng nhập này"
	titleLocked       = "Tài khoản đang bị khóa"
)

// office is a portal whose officials sign in at the organisation's own
// provider, beside citizens at VNeID.
type office struct {
	*rig
	provider *vneidtest.VNeID // the organisation's
	address  string
	official vneidtest.PortalAccount
}

// officeAccounts are who has which preferred_username at the organisation.
func officeAccounts() map[string]string {
	return map[string]string{
		"official": "lqbao.tiepdan",   // an official's account
		"cmnd":     "tranvanbinh",     // a citizen's
		"two":      "cb.khoa",         // an official's that is locked
		"none":     "khong.co",        // nobody's
		"mismatch": "",                // the claim is empty
		"linked":   "cb.trung",        // two accounts bear it
		"tone":     "0123",            // an account without a kind
		"locked":   "LQBAO.tiepdan",   // another spelling
		"level1":   "lqbao.tiepdan\t", // control characters
	}
}

func newOffice(t *testing.T, world rigWorld) *office {
	t.Helper()
	o := new(office)
	bank := func(id, username, kind string, locked bool) vneidtest.PortalAccount {
		return vneidtest.PortalAccount{ID: id, Username: username, Kind: kind, Locked: locked, Name: "Cán Bộ Nào Đó", BirthDate: "1980-01-01"}
	}
	world.accounts = append(world.accounts,
		bank("cb-0201", "cb.khoa", "official", true), bank("cb-0202", "cb.trung", "official", false), bank("cb-0203", "cb.trung", "official", false))
	world.further = func(r *rig) string {
		var err error
		o.address = r.simulate(func(address string) http.Handler {
			o.provider, err = vneidtest.NewVNeID(vneidtest.VNeIDConfig{
				Issuer: address, Personas: r.people,
				Clients: []vneidtest.Client{{
					ID: "office", RedirectURIs: []string{r.origin + "/_vneid/callback/noi-bo"},
					PostLogoutRedirectURIs: []string{r.origin + "/_vneid/sign-out"},
					BackChannelLogoutURI:   r.origin + "/_vneid/logout/backchannel",
				}},
				Claims: func(p vneidtest.Persona) map[string]any {
					return map[string]any{"preferred_username": officeAccounts()[p.Key], "email": p.Key + "@example.vn"}
				},
			})
			require.NoError(t, err)
			return o.provider
		})
		return fmt.Sprintf(`providers:
  - name: noi-bo
    title: Cán bộ
    issuer_url: %s
    client_id: office
    link: none
    account: {claim: preferred_username, by: username}
`, o.address)
	}
	o.rig = newRig(t, world)
	o.official = o.persona("official").Accounts[0]
	return o
}

// told is the identity that the portal receives, by header.
func (p *person) told() http.Header {
	p.t.Helper()
	p.rig.portal.ForgetRequests()
	require.Equal(p.t, http.StatusOK, p.get("/headers").status)
	requests := p.rig.portal.Requests()
	require.Len(p.t, requests, 1)
	return requests[0].Header
}

// Citizens by VNeID, officials by the organisation's own provider, chosen on
// one page; each reaches their own account in their own way.
func TestCitizensAndOfficials(t *testing.T) {
	onBothWires(t, func(t *testing.T, w wire) {
		o := newOffice(t, rigWorld{wire: w})
		citizen := o.person(t)
		chooser := citizen.visit(wanted)
		require.Equal(t, titleSignIn, chooser.title())
		assert.Less(t, strings.Index(chooser.body, "provider=vneid"), strings.Index(chooser.body, "provider=noi-bo"), "VNeID first")
		assert.Contains(t, chooser.body, "Cán bộ</a>")
		assert.Contains(t, chooser.header.Get("Content-Security-Policy"), o.address, "a form may lead there")
		who := o.persona("linked")
		citizen.landed(citizen.vneid(chooser, "linked"), who.Accounts[0], &who, "linked")

		official := o.person(t)
		at := official.by("noi-bo", official.visit(wanted), "official")
		require.Equal(t, o.origin+wanted, at.url.String(), at.title())
		told := official.told()
		assert.Equal(t, "cb-0101", told.Get("X-Forwarded-User"))
		assert.Equal(t, "lqbao.tiepdan", told.Get("X-Forwarded-Preferred-Username"))
		assert.Equal(t, "kind:official", told.Get("X-Forwarded-Groups"))
		assert.Equal(t, "none", told.Get("X-Identity-Standing"))
		assert.Empty(t, told.Values("X-Identity-Citizen-Number"), "a number that nobody matched is not told on")
		assert.Empty(t, o.links("cb-0101"), "nothing is linked")
		asOffice := *o.rig
		asOffice.wire.provider = "noi-bo"
		(&person{t: t, rig: &asOffice, client: official.client}).asserted(told)
		assert.Equal(t, 1.0, o.metric(`vneid_proxy_sign_in_steps_total{provider="noi-bo",reason="",step="admitted"}`))
		assert.Equal(t, 1.0, o.metric(`vneid_proxy_sign_in_steps_total{provider="vneid",reason="",step="admitted"}`))
		assert.Equal(t, 1.0, o.metric(`vneid_proxy_call_duration_seconds_count{operation="redeem",outcome="ok",system="provider/noi-bo"}`))

		page := official.get("/_vneid/identity")
		assert.Equal(t, titleIdentity, page.title())
		assert.NotContains(t, page.body, "identity/update", "there is nothing to link")
		state := map[string]string{}
		answer, err := http.Get(o.admin + "/readyz")
		require.NoError(t, err)
		defer answer.Body.Close()
		require.NoError(t, readJSON(answer.Body, &state))
		assert.Equal(t, "ok", state["provider"])
		assert.Equal(t, "ok", state["provider/noi-bo"])
	})
}

// Nobody gets by the organisation's provider into an account that is not its
// to open, and each is told so on a page that leads on.
func TestAppointedRefuses(t *testing.T) {
	o := newOffice(t, rigWorld{})
	for key, want := range map[string]struct {
		status int
		title  string
	}{
		"cmnd": {http.StatusForbidden, titleNotAppointed}, "none": {http.StatusForbidden, titleNotAppointed},
		"linked": {http.StatusForbidden, titleNotAppointed}, "locked": {http.StatusForbidden, titleNotAppointed},
		"two":      {http.StatusForbidden, titleLocked},
		"mismatch": {http.StatusBadRequest, titleProtocol}, "level1": {http.StatusBadRequest, titleProtocol},
	} {
		t.Run(key, func(t *testing.T) {
			p := o.person(t)
			at := p.by("noi-bo", p.visit(wanted), key)
			assert.Equal(t, want.status, at.status)
			assert.Equal(t, want.title, at.title())
			assert.NotContains(t, p.cookies(), "vneid_session")
			assert.NotContains(t, p.cookies(), "vneid_proof")
			assert.Equal(t, http.StatusUnauthorized, p.program("/ping").status)
			assert.Equal(t, titleSignIn, p.visit(at.link("/_vneid/sign-in?rd=")).title(), "a way on")
		})
	}
	assert.Equal(t, 1.0, o.metric(`vneid_proxy_provider_faults_total{provider="noi-bo",reason="account"}`))
	assert.Equal(t, 1.0, o.metric(`vneid_proxy_provider_faults_total{provider="noi-bo",reason="claims"}`))
}

// A hint, on the sign-in page or in a rule, goes straight to the provider; an
// unknown one is a choice like any other.
func TestProviderHints(t *testing.T) {
	routes := t.TempDir() + "/routes.yaml"
	writeFile(t, routes, "rules:\n  - {path: /quan-tri, access: protected, provider: noi-bo, needs: {kind: [official]}}\n")
	o := newOffice(t, rigWorld{env: map[string]string{"ROUTES_FILE": routes, "PUBLIC_PATHS": ""}})
	p := o.person(t)
	at := p.get("/_vneid/sign-in?provider=noi-bo&rd=/ho-so")
	assert.Equal(t, o.origin+"/_vneid/start?provider=noi-bo&rd=%2Fho-so", at.location)
	assert.Equal(t, titleSignIn, p.visit("/_vneid/sign-in?provider=ai-do&rd=/ho-so").title())
	assert.Equal(t, http.StatusNotFound, p.visit("/_vneid/start?provider=ai-do&rd=/ho-so").status)
	assert.Equal(t, http.StatusNotFound, p.visit("/_vneid/callback/ai-do?state=x").status)

	ruled := p.get("/quan-tri/a?b=c")
	assert.Equal(t, o.origin+"/_vneid/start?provider=noi-bo&rd=%2Fquan-tri%2Fa%3Fb%3Dc", ruled.location)
	assert.Equal(t, http.StatusUnauthorized, p.program("/quan-tri/a").status)
	unsent := p.post("/quan-tri/a", url.Values{"a": {"b"}}, "Sec-Fetch-Mode", "navigate")
	assert.Contains(t, unsent.location, "/_vneid/sign-in?", "the page that says what did not arrive")
	at = p.follow(p.get(p.callbackFrom(ruled.location, "official")))
	assert.Equal(t, o.origin+"/quan-tri/a?b=c", at.url.String(), at.title())

	citizen := o.person(t)
	citizen.vneid(citizen.visit("/ho-so"), "linked")
	assert.Equal(t, http.StatusForbidden, citizen.visit("/quan-tri/a").status, "a hint is no permission")
}

// Mix-up (RFC 9700, 4.4): an answer that comes by another provider's address,
// or from another provider, goes to nobody's token endpoint.
func TestMixUp(t *testing.T) {
	o := newOffice(t, rigWorld{})
	tokens := func() int { return o.vneid.Calls("token") + o.provider.Calls("token") }
	begin := func(p *person, name, key string) *url.URL {
		back, err := url.Parse(p.callbackFrom(p.visit(wanted).link("/_vneid/start?provider="+name), key))
		require.NoError(t, err)
		return back
	}
	for name, change := range map[string]func(official, citizen *url.URL) string{
		"the official's answer at VNeID's address": func(official, _ *url.URL) string {
			official.Path = "/_vneid/callback"
			return official.String()
		},
		"VNeID's answer at the organisation's address": func(_, citizen *url.URL) string {
			citizen.Path = "/_vneid/callback/noi-bo"
			return citizen.String()
		},
		"VNeID's code in the official's sign-in": func(official, citizen *url.URL) string {
			query := official.Query()
			query.Set("code", citizen.Query().Get("code"))
			query.Set("iss", citizen.Query().Get("iss"))
			official.RawQuery = query.Encode()
			return official.String()
		},
		"the official's code in VNeID's sign-in": func(official, citizen *url.URL) string {
			query := citizen.Query()
			query.Set("code", official.Query().Get("code"))
			query.Set("iss", official.Query().Get("iss"))
			citizen.RawQuery = query.Encode()
			return citizen.String()
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := o.person(t)
			official, citizen := begin(p, "noi-bo", "official"), begin(p, "vneid", "linked")
			before := tokens()
			address := change(official, citizen)
			at := p.visit(address)
			assert.Equal(t, http.StatusBadRequest, at.status)
			assert.Equal(t, titleProtocol, at.title())
			assert.Equal(t, before, tokens(), "no code goes anywhere")
			assert.NotContains(t, p.cookies(), "vneid_session")
			again := p.visit(address)
			assert.NotEqual(t, http.StatusOK, again.status, "and the attempt is spent")
		})
	}
}

// Each provider ends its own sessions and nobody else's, though they use one
// subject and one address.
func TestLogoutByEachProvider(t *testing.T) {
	o := newOffice(t, rigWorld{})
	citizen, official := o.person(t), o.person(t)
	both := func() (int, int) { return citizen.program("/ping").status, official.program("/ping").status }
	in := func() {
		citizen.vneid(citizen.visit(wanted), "official") // the very same person
		account := o.official
		if at := citizen.visit("/_vneid/link"); at.title() == titleProve {
			citizen.submit(at, "/link/proof", "username", account.Username, "password", account.Password, "consent", "yes")
		}
		official.by("noi-bo", official.visit(wanted), "official")
		c, s := both()
		require.Equal(t, []int{200, 200}, []int{c, s})
	}
	in()
	require.NoError(t, o.provider.EndSessions(t.Context(), "official"))
	c, s := both()
	assert.Equal(t, []int{200, 401}, []int{c, s})
	official.by("noi-bo", official.visit(wanted), "official")
	require.NoError(t, o.vneid.EndSessions(t.Context(), "official"))
	c, s = both()
	assert.Equal(t, []int{401, 200}, []int{c, s})
	assert.Equal(t, 1.0, o.metric(`vneid_proxy_provider_logouts_total{channel="back",outcome="ok",provider="noi-bo"}`))
	assert.Equal(t, 1.0, o.metric(`vneid_proxy_provider_logouts_total{channel="back",outcome="ok",provider="vneid"}`))

	post := func(token string) int {
		answer, err := http.PostForm(o.origin+"/_vneid/logout/backchannel", url.Values{"logout_token": {token}})
		require.NoError(t, err)
		defer answer.Body.Close()
		return answer.StatusCode
	}
	forged, err := o.vneid.LogoutToken("official", "", "office") // by VNeID, for the organisation's client
	require.NoError(t, err)
	assert.Equal(t, http.StatusBadRequest, post(forged))
	relabelled, err := o.provider.LogoutToken("official", "", "portal")
	require.NoError(t, err)
	assert.Equal(t, http.StatusBadRequest, post(relabelled), "another client's")
	_, s = both()
	assert.Equal(t, 200, s)

	t.Run("by a frame", func(t *testing.T) {
		sid := o.provider.SessionIDs("official")
		require.NotEmpty(t, sid)
		ask := func(issuer string) int {
			answer, err := http.Get(o.origin + "/_vneid/logout/frontchannel?" + url.Values{"iss": {issuer}, "sid": {sid[len(sid)-1]}}.Encode())
			require.NoError(t, err)
			defer answer.Body.Close()
			assert.Contains(t, answer.Header.Get("Content-Security-Policy"), o.address)
			return answer.StatusCode
		}
		assert.Equal(t, http.StatusOK, ask(o.vneidURL), "a sid of another's is unknown")
		_, s := both()
		assert.Equal(t, 200, s)
		assert.Equal(t, http.StatusOK, ask(o.address))
		_, s = both()
		assert.Equal(t, 401, s)
		assert.Equal(t, 1.0, o.metric(`vneid_proxy_provider_logouts_total{channel="front",outcome="unknown",provider="vneid"}`))
	})
	t.Run("by the person", func(t *testing.T) {
		official.by("noi-bo", official.visit(wanted), "official")
		done := official.submit(official.get("/_vneid/sign-out"), "/sign-out")
		assert.True(t, strings.HasPrefix(done.location, o.address+"/end_session?"), done.location)
		assert.Equal(t, "Đã đăng xuất", official.follow(done).title())
	})
}

// One provider that is away leaves the other as it is, and the page names the
// one that is.
func TestOneProviderDown(t *testing.T) {
	o := newOffice(t, rigWorld{})
	turn(t, o.provider.Controls, "discovery_down", "on")
	p := o.person(t)
	at := p.visit(p.visit(wanted).link("/_vneid/start?provider=noi-bo"))
	assert.Equal(t, http.StatusServiceUnavailable, at.status)
	assert.Contains(t, at.body, "Hiện chưa thể đăng nhập bằng Cán bộ.")
	who := o.persona("linked")
	p.landed(p.vneid(p.visit(wanted), "linked"), who.Accounts[0], &who, "linked")
	state := map[string]string{}
	answer, err := http.Get(o.admin + "/readyz")
	require.NoError(t, err)
	defer answer.Body.Close()
	assert.Equal(t, http.StatusOK, answer.StatusCode, "no provider is readiness")
	require.NoError(t, readJSON(answer.Body, &state))
	assert.Equal(t, "unavailable", state["provider/noi-bo"])
}

// A session whose account has changed is read anew: whoever is still what the
// provider may open goes on, whoever is not is let in no further.
func TestAppointedIsReadAnew(t *testing.T) {
	o := newOffice(t, rigWorld{})
	p := o.person(t)
	p.by("noi-bo", p.visit(wanted), "official")
	changed := func() {
		o.beside(func(l *ledger.Ledger) {
			require.NoError(t, l.Exempt(t.Context(), ledger.Exemption{
				Account: "cb-0101", Reason: "r", Approver: "a", Until: time.Now().Add(time.Hour),
			}))
		})
	}
	changed()
	require.Eventually(t, func() bool { return p.program("/ping").status == http.StatusForbidden }, time.Minute, 20*time.Millisecond)
	at := p.visit(wanted)
	require.Equal(t, o.origin+wanted, at.url.String(), at.title())
	assert.Equal(t, "none", p.told().Get("X-Identity-Standing"), "an exemption is for whoever would have to link")

	for i := range o.accounts {
		if o.accounts[i].ID == "cb-0101" {
			o.accounts[i].Kind = "citizen"
		}
	}
	o.restart(nil)
	changed()
	require.Eventually(t, func() bool { return p.program("/ping").status == http.StatusForbidden }, time.Minute, 20*time.Millisecond)
	at = p.visit(wanted)
	assert.Equal(t, titleNotAppointed, at.title())
	assert.Equal(t, http.StatusForbidden, p.program("/ping").status)
	assert.Equal(t, titleSignIn, p.visit(at.link("/_vneid/sign-in?rd=")).title())
	assert.Equal(t, titleNotAppointed, p.by("noi-bo", p.visit("/_vneid/sign-in"), "official").title())
}

// A provider that names accounts from now on does not stand behind a proof from
// the time when its people were linked; nor does one that is gone.
func TestProofOfAnotherPolicy(t *testing.T) {
	for name, text := range map[string]string{"names accounts now": "", "is gone": "providers: []\n"} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t, rigWorld{})
			file := o.env["PROVIDERS_FILE"]
			whole, err := os.ReadFile(file)
			require.NoError(t, err)
			linking, _, _ := strings.Cut(string(whole), "    link: none")
			writeFile(t, file, linking)
			o.restart(nil)
			p := o.person(t)
			prove := p.by("noi-bo", p.visit(wanted), "official")
			require.Equal(t, titleProve, prove.title(), "flow B, by another provider")
			if text == "" {
				text = string(whole)
			}
			writeFile(t, file, text)
			o.restart(nil)
			at := p.follow(p.submit(prove, "/link/proof", "username", o.official.Username, "password", o.official.Password, "consent", "yes"))
			assert.Equal(t, titleExpired, at.title())
			assert.Empty(t, o.links("cb-0101"))
			assert.NotContains(t, p.cookies(), "vneid_proof")
			assert.Equal(t, titleSignIn, p.visit(at.link("/_vneid/sign-in?rd=")).title())
		})
	}
}

// With a provider that is taken out of the configuration its sessions end, and
// nobody else's.
func TestProviderTakenOut(t *testing.T) {
	o := newOffice(t, rigWorld{})
	official, citizen := o.person(t), o.person(t)
	official.by("noi-bo", official.visit(wanted), "official")
	citizen.vneid(citizen.visit(wanted), "linked")
	writeFile(t, o.env["PROVIDERS_FILE"], "providers: []\n")
	o.restart(nil)
	assert.Equal(t, http.StatusUnauthorized, official.program("/ping").status)
	assert.Equal(t, http.StatusUnauthorized, official.get("/_vneid/session").status)
	assert.Equal(t, titleSignIn, official.visit(wanted).title())
	assert.NotContains(t, official.cookies(), "vneid_session")
	assert.Equal(t, http.StatusOK, citizen.program("/ping").status)
}

// People of a further provider that states the citizen number are linked as
// VNeID's are, and one person is one citizen whoever vouches for them.
func TestFurtherProviderLinks(t *testing.T) {
	o := newOffice(t, rigWorld{})
	file := o.env["PROVIDERS_FILE"]
	whole, err := os.ReadFile(file)
	require.NoError(t, err)
	linking, _, _ := strings.Cut(string(whole), "    link: none")
	writeFile(t, file, linking)
	o.restart(nil)
	who := o.persona("cmnd")
	account := who.Accounts[0]
	p := o.person(t)
	at := p.by("noi-bo", p.visit(wanted), "cmnd")
	assert.Contains(t, at.body, "do Cán bộ cung cấp", "the consent names who supplies the data")
	assert.NotContains(t, at.body, "do VNeID cung cấp")
	at = p.submit(at, "/link/proof", "username", account.Username, "password", account.Password, "consent", "yes")
	require.Equal(t, o.origin+wanted, p.follow(at).url.String())
	assert.Equal(t, "linked", p.told().Get("X-Identity-Standing"))
	assert.Equal(t, who.CitizenNumber, p.told().Get("X-Identity-Citizen-Number"))
	assert.Equal(t, 1.0, o.metric(`vneid_proxy_sign_in_steps_total{provider="noi-bo",reason="",step="linked"}`))
	other := o.person(t)
	other.landed(other.vneid(other.visit(wanted), "cmnd"), account, &who, "linked")
	require.Len(t, o.links(account.ID), 1)
}

// Two providers of one issuer are two clients there: a logout token is for one
// of them alone.
func TestTwoClientsOfOneIssuer(t *testing.T) {
	r := newRig(t, rigWorld{further: func(r *rig) string {
		var two string
		address := r.simulate(func(address string) http.Handler {
			var clients []vneidtest.Client
			for _, name := range []string{"mot", "hai"} {
				clients = append(clients, vneidtest.Client{
					ID: name, RedirectURIs: []string{r.origin + "/_vneid/callback/" + name}, BackChannelLogoutURI: r.origin + "/_vneid/logout/backchannel",
				})
			}
			v, err := vneidtest.NewVNeID(vneidtest.VNeIDConfig{
				Issuer: address, Personas: r.people, Clients: clients,
				Claims: func(vneidtest.Persona) map[string]any { return map[string]any{"uid": "cb-0101"} },
			})
			require.NoError(t, err)
			r.vneid = v // whose logout tokens the test asks for
			return v
		})
		for _, name := range []string{"mot", "hai"} {
			two += fmt.Sprintf("  - {name: %s, title: %s, issuer_url: %q, client_id: %s, link: none, account: {claim: uid, by: id}}\n", name, name, address, name)
		}
		return "providers:\n" + two
	}})
	one, two := r.person(t), r.person(t)
	require.Equal(t, http.StatusOK, one.by("mot", one.visit(wanted), "official").status)
	require.Equal(t, http.StatusOK, two.by("hai", two.visit(wanted), "official").status)
	token, err := r.vneid.LogoutToken("official", "", "hai")
	require.NoError(t, err)
	answer, err := http.PostForm(r.origin+"/_vneid/logout/backchannel", url.Values{"logout_token": {token}})
	require.NoError(t, err)
	defer answer.Body.Close()
	assert.Equal(t, http.StatusOK, answer.StatusCode)
	assert.Equal(t, []int{200, 401}, []int{one.program("/ping").status, two.program("/ping").status})
}
