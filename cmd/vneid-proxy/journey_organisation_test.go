package main

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/vneidtest"
)

const (
	titleOrganisation = "Đây là tài khoản của tổ chức"
	titlePersonal     = "Đây là tài khoản của cá nhân"
)

// Whoever represents an enterprise opens its account when they act for it and
// their own when they do not; each is proved once, and neither is ever taken
// for the other.
func TestOrganisation(t *testing.T) {
	t.Parallel()
	for _, w := range []wire{wireOIDC(), {profile: "national-portal", provider: "national-portal", level: "LoA1"}} {
		t.Run(w.profile, func(t *testing.T) {
			t.Parallel()
			who := vneidtest.Representative()
			own, theirs := who.Accounts[0], who.Accounts[1]
			var r *rig
			// signIn comes back from the provider, for the enterprise or not, and
			// goes to the page that follows.
			var signIn func(p *person, acting bool) page
			if w.profile == "oidc" {
				r = newRig(t, rigWorld{people: append(vneidtest.Personas(), who)})
				signIn = func(p *person, acting bool) page {
					require.NoError(t, r.vneid.Set("acting", map[bool]string{true: "on", false: ""}[acting]))
					return p.vneid(p.visit(wanted), who.Key)
				}
			} else {
				r = newRig(t, rigWorld{people: append(vneidtest.Personas(), who)})
				var now http.Handler
				address := r.simulate(func(string) http.Handler {
					return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { now.ServeHTTP(w, q) })
				})
				as := func(kind int, nameless bool) http.Handler {
					return vneidtest.NewClear(vneidtest.ClearConfig{
						NationalPortal: true, ClientID: "portal", Secret: "client-secret", RedirectURI: r.origin + "/_vneid/callback",
						PostLogoutReturnURI: r.origin + "/_vneid/sign-out", Persona: who, AccountType: kind, Nameless: nameless,
					})
				}
				who.AccountLevel = 0 // this wire tells none
				r.wire = w
				r.restart(map[string]string{
					"PROVIDER": w.profile, "ISSUER_URL": "", "AUTHORIZE_URL": address + "/authorize", "TOKEN_URL": address + "/token",
					"USERINFO_URL": address + "/userinfo", "END_SESSION_URL": address + "/logout", "MIN_ACCOUNT_LEVEL": "0",
				})
				signIn = func(p *person, acting bool) page {
					now = as(map[bool]int{true: 2, false: 1}[acting], false)
					return p.visit(p.visit(wanted).link("/_vneid/start?provider=vneid"))
				}
				t.Run("which names nobody", func(t *testing.T) {
					now = as(2, true)
					p := r.person(t)
					at := p.visit(p.visit(wanted).link("/_vneid/start?provider=vneid"))
					assert.Equal(t, http.StatusForbidden, at.status)
					assert.Equal(t, "Chưa xác định được người đại diện", at.title())
					p.outside(theirs)
					assert.Equal(t, 1.0, r.metric(`vneid_proxy_provider_faults_total{provider="vneid",reason="representative"}`))
				})
			}
			prove := func(p *person, at page, account vneidtest.PortalAccount) page {
				require.Equal(t, titleProve, at.title(), at.body)
				return p.follow(p.submit(at, "/link/proof", "username", account.Username, "password", account.Password, "consent", "yes"))
			}

			p := r.person(t)
			at := signIn(p, true)
			assert.Contains(t, at.body, who.Organisation.Name, "people see whom they act for")
			at = prove(p, at, own)
			assert.Equal(t, titlePersonal, at.title())
			p.outside(own)

			p = r.person(t)
			p.landed(prove(p, signIn(p, true), theirs), theirs, &who, "linked")
			p = r.person(t)
			p.landed(signIn(p, true), theirs, &who, "linked")
			assert.Contains(t, p.get("/_vneid/identity").body, who.Organisation.Name)
			assert.Contains(t, p.program("/_vneid/session").body, `"organisation":"`+who.Organisation.Name+`"`)

			p = r.person(t)
			at = signIn(p, false)
			p.landed(at, own, &who, "linked")
			again := r.person(t)
			again.landed(signIn(again, true), theirs, &who, "linked")
			again = r.person(t)
			again.landed(signIn(again, false), own, &who, "linked")
		})
	}
}

// For themselves nobody links an enterprise's account, though they have its
// password: neither before a first link of it nor by typing their number.
func TestOrganisationAccountIsNobodysOwn(t *testing.T) {
	t.Parallel()
	who := vneidtest.Representative()
	who.Accounts[0].CitizenNumberVerified, who.Accounts[0].CitizenNumber = false, ""
	theirs := who.Accounts[1]
	r := newRig(t, rigWorld{people: append(vneidtest.Personas(), who)})
	p := r.person(t)
	at := p.vneid(p.visit(wanted), who.Key)
	require.Equal(t, titleProve, at.title())
	at = p.follow(p.submit(at, "/link/proof", "username", theirs.Username, "password", theirs.Password, "consent", "yes"))
	assert.Equal(t, http.StatusForbidden, at.status)
	assert.Equal(t, titleOrganisation, at.title())
	p.outside(theirs)
	assert.Equal(t, titleSignIn, p.visit(at.link("/_vneid/sign-in")).title(), "they can choose again for whom")

	legacy := r.person(t)
	at = legacy.atPortal(legacy.visit(wanted), theirs)
	require.Equal(t, titleLink, at.title())
	asked := r.population.Calls("match")
	at = legacy.follow(legacy.submit(at, "/link/update", "citizen_number", who.CitizenNumber, "consent", "yes"))
	assert.Equal(t, titleOrganisation, at.title())
	assert.Equal(t, asked, r.population.Calls("match"), "nothing is asked about")
	legacy.outside(theirs)
}
