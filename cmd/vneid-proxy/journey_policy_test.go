package main

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestAfterLegacySignIn: the portal's own sign-in is over, but it still proves
// an old account beside VNeID.
func TestAfterLegacySignIn(t *testing.T) { onBothWires(t, journeyAfterLegacySignIn) }

func journeyAfterLegacySignIn(t *testing.T, w wire) {
	for name, until := range map[string]string{"past": day(-1), "never": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, rigWorld{wire: w, env: map[string]string{"LEGACY_SIGN_IN_UNTIL": until}})
			who := r.persona("cmnd")
			stranger := r.person(t)
			chooser := stranger.visit(wanted)
			require.Equal(t, titleSignIn, chooser.title())
			assert.NotContains(t, chooser.body, "provider=portal", "not offered")
			refused := stranger.get("/_vneid/start?provider=portal")
			assert.Equal(t, http.StatusForbidden, refused.status)
			assert.Equal(t, titleClosed, refused.title())
			assert.NotContains(t, refused.header.Get("Set-Cookie"), "vneid_attempt")
			r.portal.ForgetRequests()
			assert.Equal(t, titleSignIn, stranger.visit("/dang-nhap").title(), "the page is not public any more")
			posted := stranger.ask(http.MethodPost, "/dang-nhap", "username=x", "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Mode", "navigate")
			assert.Equal(t, http.StatusSeeOther, posted.status)
			assert.Empty(t, r.portal.Requests())

			p := r.person(t)
			at := p.vneid(p.visit(wanted), "cmnd")
			require.Equal(t, titleProve, at.title())
			at = p.atPortal(at, who.Accounts[0])
			require.Equal(t, titleChoose, at.title())
			at = p.submit(at, "/link/choose", "account", at.choices()[0], "consent", "yes")
			p.landed(p.follow(at), who.Accounts[0], &who, "linked")
			p.submit(p.get("/_vneid/sign-out"), "/sign-out")
			assert.Equal(t, titleSignIn, p.visit("/dang-nhap").title(), "open for the proof alone")
		})
	}
}

// TestProofAtAPortalThatCannotReturn: a portal that takes no return address
// sends people to its own start; they are asked about there all the same.
func TestProofAtAPortalThatCannotReturn(t *testing.T) {
	onBothWires(t, journeyProofAtAPortalThatCannotReturn)
}

func journeyProofAtAPortalThatCannotReturn(t *testing.T, w wire) {
	r := newRig(t, rigWorld{wire: w, env: map[string]string{"PORTAL_RETURN_PARAMETER": ""}})
	who := r.persona("cmnd")
	p := r.person(t)
	at := p.vneid(p.visit(wanted), "cmnd")
	// Seen, but not signed in there: the way back is open.
	p.visit(at.link("/_vneid/start?provider=portal"))
	p.bake("PORTAL_SID", "of-a-visitor")
	at = p.visit("/_vneid/link")
	require.Equal(t, titleProve, at.title())
	at = p.atPortal(at, who.Accounts[0])
	require.Equal(t, titleChoose, at.title())
	at = p.submit(at, "/link/choose", "account", at.choices()[0], "consent", "yes")
	p.landed(p.follow(at), who.Accounts[0], &who, "linked")

	legacy := r.person(t)
	account := r.persona("linked").Accounts[0]
	legacy.landed(legacy.atPortal(legacy.visit(wanted), account), account, matched(r.persona("linked"), account), "linked")
}

// TestAfterSkip: from the day after, a skipped session is sent to link.
func TestAfterSkip(t *testing.T) { onBothWires(t, journeyAfterSkip) }

func journeyAfterSkip(t *testing.T, w wire) {
	for _, legacy := range []string{day(30), day(-1)} {
		r := newRig(t, rigWorld{wire: w})
		who := r.persona("cmnd")
		p := r.person(t)
		p.follow(p.submit(p.atPortal(p.visit(wanted), who.Accounts[0]), "/link/skip"))
		p.forwarded(who.Accounts[0], nil, "skipped")
		copied := p.copied("vneid_session")

		r.restart(map[string]string{"SKIP_UNTIL": day(-1), "LEGACY_SIGN_IN_UNTIL": legacy})
		r.portal.ForgetRequests()
		program := p.program("/ping")
		assert.Equal(t, http.StatusForbidden, program.status)
		var problem struct {
			Status int    `json:"status"`
			Reason string `json:"reason"`
		}
		require.NoError(t, unmarshal(program.body, &problem))
		assert.Equal(t, http.StatusForbidden, problem.Status)
		assert.Equal(t, "unlinked", problem.Reason)
		first := p.get(wanted)
		assert.Equal(t, http.StatusFound, first.status)
		at := p.follow(first)
		if legacy == day(-1) {
			assert.Equal(t, titleClosed, at.title(), "VNeID is the way now")
			assert.Empty(t, r.portal.Requests())
			p.landed(func() page {
				at := p.vneid(p.visit(at.link("/_vneid/sign-in?rd=")), "cmnd")
				return p.follow(p.submit(at, "/link/proof", "username", who.Accounts[0].Username, "password", who.Accounts[0].Password, "consent", "yes"))
			}(), who.Accounts[0], &who, "linked")
			continue
		}
		require.Equal(t, titleLink, at.title())
		assert.NotContains(t, at.body, "Bỏ qua", "no skipping any more")
		assert.Contains(t, at.body, "Ông/bà cần cập nhật số CCCD")
		form := at.form("/link/update")
		skipped := p.post("/_vneid/link/skip", form.values)
		assert.Equal(t, http.StatusForbidden, skipped.status)
		assert.Equal(t, "Đã hết thời hạn bỏ qua", skipped.title())
		assert.Empty(t, r.portal.Requests(), "not one request was forwarded")
		at = p.submit(at, "/link/update", "citizen_number", who.CitizenNumber, "consent", "yes")
		p.landed(p.follow(at), who.Accounts[0], matched(who, who.Accounts[0]), "linked")
		assert.Equal(t, http.StatusUnauthorized, copied.program("/ping").status, "the skipped session is over")
	}
}

// TestLegacyForm is flow A where the portal has no page of its own for it.
func TestLegacyForm(t *testing.T) { onBothWires(t, journeyLegacyForm) }

func journeyLegacyForm(t *testing.T, w wire) {
	r := newRig(t, rigWorld{
		wire:     w,
		env:      map[string]string{"PORTAL_LOGIN_URL": "", "PORTAL_WHOAMI_URL": "", "PORTAL_SESSION_COOKIES": ""},
		accounts: lockedAccounts(),
	})
	who := r.persona("cmnd")
	account := who.Accounts[0]
	p := r.person(t)
	chooser := p.visit(wanted)
	for name, pair := range map[string][2]string{
		"wrong": {account.Username, "no"}, "unknown": {"nobody", "no"}, "locked": {"bikhoa", "cong-khoa-7399"}, "empty": {"", ""},
	} {
		answer := p.submit(chooser, "/sign-in/legacy", "username", pair[0], "password", pair[1])
		assert.Equal(t, http.StatusUnprocessableEntity, answer.status, name)
		assert.Contains(t, answer.body, "Tên đăng nhập hoặc mật khẩu không đúng, hoặc tài khoản không dùng được cách này.", name)
	}
	assert.Equal(t, http.StatusForbidden, p.submit(chooser, "/sign-in/legacy", "csrf_token", "x", "username", account.Username, "password", account.Password).status)
	at := p.follow(p.submit(chooser, "/sign-in/legacy", "username", account.Username, "password", account.Password))
	require.Equal(t, titleLink, at.title(), at.body)
	at = p.submit(at, "/link/update", "citizen_number", who.CitizenNumber, "consent", "yes")
	p.landed(p.follow(at), account, matched(who, account), "linked")
	again := p.copied("vneid_session")
	again.bake("vneid_session", "")
	assert.Equal(t, r.origin+"/_vneid/sign-in", again.submit(chooser, "/sign-in/legacy", "username", account.Username, "password", account.Password).location, "no attempt of this browser")

	provider := r.person(t)
	provider.landed(provider.vneid(provider.visit(wanted), "cmnd"), account, &who, "linked")
	late := r.person(t)
	answer := late.submit(late.visit(wanted), "/sign-in/legacy", "username", account.Username, "password", account.Password)
	assert.Equal(t, http.StatusUnprocessableEntity, answer.status, "the old account alone opens nothing once VNeID was used")
	assert.NotContains(t, late.cookies(), "vneid_session")
}
