package main

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/broker/screen"
	"vneid-proxy/vneidtest"
)

// The headings of the screens, as people read them.
const (
	titleSignIn   = "Đăng nhập"
	titleLink     = "Cập nhật thông tin từ CSDL dân cư"
	titleProve    = "Xác nhận tài khoản cũ"
	titleChoose   = "Chọn tài khoản"
	titleIdentity = "Thông tin định danh"
	titleConflict = "Tài khoản cần được kiểm tra"
	titleMismatch = "Dữ liệu chưa khớp"
	titleNobody   = "Chưa có tài khoản trên Cổng"
	titleClosed   = "Hãy đăng nhập bằng VNeID"
	titleLinked   = "Tài khoản này dùng VNeID"
	titleExpired  = "Phiên đăng nhập đã hết hạn"
	titleSpent    = "Lần đăng nhập này đã được dùng"
	titleProtocol = "Chưa hoàn tất được việc đăng nhập"
	titleLevel    = "Tài khoản VNeID chưa đủ mức độ"
	titleForm     = "Biểu mẫu không còn hiệu lực"
)

const wanted = "/ho-so?trang=1&loc=%C4%91%E1%BA%A5t&x=a+b"

// landed requires that somebody is on the page first asked for, and that the
// portal received exactly the identity expected.
func (p *person) landed(at page, account vneidtest.PortalAccount, citizen *vneidtest.Persona, standing string) {
	p.t.Helper()
	require.Equal(p.t, http.StatusOK, at.status, at.body)
	require.Equal(p.t, p.rig.origin+wanted, at.url.String(), "the page first asked for, byte for byte: %s", at.title())
	p.forwarded(account, citizen, standing)
}

// forwarded compares a whole request as the portal received it. citizen is who
// is vouched for, nil for nobody.
func (p *person) forwarded(account vneidtest.PortalAccount, citizen *vneidtest.Persona, standing string) {
	p.t.Helper()
	p.rig.portal.ForgetRequests()
	answer := p.get("/headers?b=2&a=1;c&d", "Authorization", "Bearer stranger", "Accept-Language", "vi",
		"X-Ordinary", "kept", "X-Forwarded-For", "192.0.2.1", "Connection", "X-Identity-Standing, X-Forwarded-User")
	require.Equal(p.t, http.StatusOK, answer.status)
	requests := p.rig.portal.Requests()
	require.Len(p.t, requests, 1)
	got := requests[0]
	assert.Equal(p.t, "/headers?b=2&a=1;c&d", got.Target, "byte for byte")
	assert.Equal(p.t, strings.TrimPrefix(p.rig.origin, "http://"), got.Host)

	want := http.Header{
		"Accept": {"text/html"}, "Accept-Encoding": {"gzip"}, "Accept-Language": {"vi"}, "User-Agent": {"journey"},
		"X-Ordinary":      {"kept"},
		"X-Forwarded-For": {"127.0.0.1"}, "X-Forwarded-Proto": {"http"},
		"X-Forwarded-Host":               {strings.TrimPrefix(p.rig.origin, "http://")},
		"X-Forwarded-User":               {account.ID},
		"X-Forwarded-Preferred-Username": {account.Username},
		"X-Forwarded-Groups":             {"kind:" + kind(account)},
		"X-Identity-Standing":            {standing},
		"X-Identity-Assertion":           got.Header["X-Identity-Assertion"],
	}
	if sid := p.cookies()["PORTAL_SID"]; sid != "" {
		want["Cookie"] = []string{"PORTAL_SID=" + sid}
	}
	if citizen != nil {
		want["X-Identity-Citizen-Number"] = []string{citizen.CitizenNumber}
		want["X-Identity-Name"] = []string{strings.ReplaceAll(url.QueryEscape(citizen.Name), "+", "%20")}
		want["X-Identity-Birth-Date"] = []string{citizen.BirthDate}
		if citizen.AccountLevel > 0 {
			want["X-Identity-Account-Level"] = []string{strconv.Itoa(citizen.AccountLevel)}
		}
		if p.rig.wire.level != "" {
			want["X-Identity-Authentication-Level"] = []string{p.rig.wire.level}
		}
		want["X-Identity-Acting"] = []string{"self"}
		if o := citizen.Organisation; o != nil && kind(account) == "organisation" {
			want["X-Identity-Acting"] = []string{"representative"}
			want["X-Identity-Organisation"] = []string{o.ID}
			want["X-Identity-Organisation-Name"] = []string{strings.ReplaceAll(url.QueryEscape(o.Name), "+", "%20")}
		}
	}
	assert.Equal(p.t, want, got.Header, "nothing else: no cookie, token or header of ours")
	require.Len(p.t, got.Header["X-Identity-Assertion"], 1)
	p.asserted(got.Header)
}

func kind(a vneidtest.PortalAccount) string { return cmp.Or(a.Kind, "citizen") }

// asserted verifies the assertion as a portal would, and compares each claim
// with its header.
func (p *person) asserted(header http.Header) {
	p.t.Helper()
	answer := p.rig.person(p.t).get("/_vneid/jwks.json")
	require.Equal(p.t, http.StatusOK, answer.status)
	var set jose.JSONWebKeySet
	require.NoError(p.t, unmarshal(answer.body, &set))
	token, err := jwt.ParseSigned(header.Get("X-Identity-Assertion"), []jose.SignatureAlgorithm{jose.EdDSA})
	require.NoError(p.t, err)
	keys := set.Key(token.Headers[0].KeyID)
	require.Len(p.t, keys, 1)
	require.True(p.t, keys[0].IsPublic())
	claims := map[string]any{}
	require.NoError(p.t, token.Claims(keys[0], &claims))

	issued, expires := claims["iat"].(float64), claims["exp"].(float64)
	assert.LessOrEqual(p.t, expires-issued, 60.0)
	assert.Greater(p.t, int64(expires), time.Now().Unix())
	want := map[string]any{
		"iss": p.rig.origin, "aud": p.rig.origin, "iat": issued, "exp": expires,
		"groups": []any{header.Get("X-Forwarded-Groups")}, "kind": strings.TrimPrefix(header.Get("X-Forwarded-Groups"), "kind:"),
	}
	name, err := url.PathUnescape(header.Get("X-Identity-Name"))
	require.NoError(p.t, err)
	organisation, err := url.PathUnescape(header.Get("X-Identity-Organisation-Name"))
	require.NoError(p.t, err)
	if p.rig.wire.profile == "oidc" && organisation != "" {
		want["organisation_role"] = "Giám đốc"
	}
	for claim, text := range map[string]string{
		"sub": header.Get("X-Forwarded-User"), "username": header.Get("X-Forwarded-Preferred-Username"),
		"citizen_number": header.Get("X-Identity-Citizen-Number"), "name": name,
		"birth_date": header.Get("X-Identity-Birth-Date"), "account_level": header.Get("X-Identity-Account-Level"),
		"standing": header.Get("X-Identity-Standing"), "acting": header.Get("X-Identity-Acting"),
		"authentication_level": header.Get("X-Identity-Authentication-Level"),
		"organisation_id":      header.Get("X-Identity-Organisation"), "organisation_name": organisation,
		"organisation_tax_code": header.Get("X-Identity-Organisation"), // they are one, mostly
	} {
		if text != "" {
			want[claim] = text
		}
	}
	vouched := header.Get("X-Identity-Account-Level")+header.Get("X-Identity-Authentication-Level") != ""
	if vouched || header.Get("X-Identity-Standing") == "none" { // the provider vouched
		want["provider"] = p.rig.wire.provider
	}
	assert.Equal(p.t, want, claims)
}

// matched is a citizen known by a match or the directory alone: no provider
// has told a level.
func matched(p vneidtest.Persona, a vneidtest.PortalAccount) *vneidtest.Persona {
	p.Name, p.BirthDate, p.AccountLevel = a.Name, a.BirthDate, 0
	return &p
}

// everyAccount runs a journey for each account of each person, which is the
// nth of theirs. A second account is a story of its own, in a fresh world: in
// this one the first may be linked by now.
func everyAccount(t *testing.T, w wire, journey func(t *testing.T, r *rig, who vneidtest.Persona, nth int)) {
	shared := newRig(t, rigWorld{wire: w})
	for _, who := range shared.people {
		for nth, account := range who.Accounts {
			t.Run(who.Key+" "+account.Username, func(t *testing.T) {
				r := shared
				if nth > 0 {
					r = newRig(t, rigWorld{wire: w})
				}
				journey(t, r, who, nth)
			})
		}
	}
}

// onlyLink is the account's link, the one and only, as strong as expected.
func (r *rig) onlyLink(account vneidtest.PortalAccount, weak bool) ledger.Link {
	r.t.Helper()
	links := r.links(account.ID)
	i := slices.IndexFunc(links, func(l ledger.Link) bool { return string(l.Account) == account.ID })
	require.GreaterOrEqual(r.t, i, 0, "on disk")
	want := ledger.Strong
	if weak {
		want = ledger.Weak
	}
	assert.Equal(r.t, want, links[i].Strength)
	return links[i]
}

// outside requires that nobody is let in, and that nothing was recorded.
func (p *person) outside(account vneidtest.PortalAccount) {
	p.t.Helper()
	assert.NotContains(p.t, p.cookies(), "vneid_session")
	assert.Equal(p.t, http.StatusUnauthorized, p.program("/ping").status)
	assert.Empty(p.t, p.rig.links(account.ID))
}

func TestJourneyLegacyUpdate(t *testing.T) {
	onBothWires(t, func(t *testing.T, w wire) { everyAccount(t, w, journeyLegacyUpdate) })
}

func journeyLegacyUpdate(t *testing.T, r *rig, who vneidtest.Persona, nth int) {
	account := who.Accounts[nth]
	p := r.person(t)
	chooser := p.visit(wanted)
	require.Equal(t, titleSignIn, chooser.title())
	at := p.atPortal(chooser, account)
	if who.Expected.LegacyUpdate == "" { // the portal itself lets them no further
		assert.Equal(t, "/dang-nhap", at.url.Path)
		p.outside(account)
		return
	}
	if at.title() == titleLink {
		require.Contains(t, at.body, account.IDCardNumber, "people see their own CMND")
		require.NotContains(t, at.body, `checked`, "consent is not given beforehand")
		at = p.submit(at, "/link/update", "citizen_number", who.CitizenNumber, "consent", "yes")
		require.Equal(t, who.Expected.LegacyUpdate == "linked", at.status == http.StatusSeeOther, at.body)
		if at.status == http.StatusSeeOther {
			made := r.onlyLink(account, who.Expected.LegacyWeak)
			assert.Equal(t, ledger.MethodMatch, made.Method)
			assert.Equal(t, who.CitizenNumber, made.Number.Reveal())
			assert.Equal(t, kind(account), string(made.Kind))
		}
		at = p.follow(at)
	}
	if who.Expected.LegacyUpdate != "linked" {
		assert.Equal(t, http.StatusUnprocessableEntity, at.status)
		assert.Contains(t, at.body, "Thông tin chưa khớp với Cơ sở dữ liệu quốc gia về dân cư")
		p.outside(account)
		return
	}
	p.landed(at, account, matched(who, account), "linked")
}

func TestJourneyLegacySkip(t *testing.T) {
	onBothWires(t, func(t *testing.T, w wire) { everyAccount(t, w, journeyLegacySkip) })
}

func journeyLegacySkip(t *testing.T, r *rig, who vneidtest.Persona, nth int) {
	account := who.Accounts[nth]
	p := r.person(t)
	at := p.atPortal(p.visit(wanted), account)
	switch who.Expected.LegacySkip {
	case "":
		assert.Equal(t, "/dang-nhap", at.url.Path)
		p.outside(account)
		return
	case "linked":
		p.landed(at, account, matched(who, account), "linked")
		return
	}
	require.Equal(t, titleLink, at.title())
	skipped := p.submit(at, "/link/skip")
	require.Equal(t, http.StatusSeeOther, skipped.status, skipped.body)
	p.landed(p.follow(skipped), account, nil, "skipped")

	// Later, from the identity page.
	at = p.visit("/_vneid/identity")
	require.Equal(t, titleIdentity, at.title())
	require.NotContains(t, at.body, "Đã xác thực", "no tick without evidence")
	at = p.follow(p.submit(at, "/identity/update"))
	require.Equal(t, titleLink, at.title())
	old := p.copied("vneid_session")
	at = p.submit(at, "/link/update", "citizen_number", who.CitizenNumber, "consent", "yes")
	if who.Expected.LegacyUpdate != "linked" {
		assert.Equal(t, http.StatusUnprocessableEntity, at.status)
		p.forwarded(account, nil, "skipped")
		return
	}
	require.Equal(t, http.StatusSeeOther, at.status, at.body)
	at = p.follow(at)
	require.Equal(t, titleIdentity, at.title(), "back where they came from")
	assert.Contains(t, at.body, "Đã xác thực")
	assert.Contains(t, at.body, "*********"+who.CitizenNumber[9:])
	assert.NotContains(t, at.body, who.CitizenNumber)
	p.forwarded(account, matched(who, account), "linked")
	assert.Equal(t, http.StatusUnauthorized, old.get("/ping", "Accept", "*/*").status, "the session before the link")
}

func TestJourneyProviderEverybody(t *testing.T) {
	onBothWires(t, func(t *testing.T, w wire) { everyAccount(t, w, journeyProviderEverybody) })
}

func journeyProviderEverybody(t *testing.T, r *rig, who vneidtest.Persona, nth int) {
	account := who.Accounts[nth]
	p := r.person(t)
	at := p.vneid(p.visit(wanted), who.Key)
	if who.Expected.VNeIDRefusal != "" {
		require.Equal(t, string(screen.LevelTooLow), who.Expected.VNeIDRefusal)
		assert.Equal(t, http.StatusForbidden, at.status)
		assert.Equal(t, titleLevel, at.title())
		assert.Equal(t, titleSignIn, p.visit(at.link("/_vneid/sign-in?rd=")).title(), "a way on")
		p.outside(account)
		return
	}
	method := ledger.MethodDirectory
	switch at.title() {
	case titleChoose:
		at = p.submit(at, "/link/choose", "account", at.choices()[nth], "consent", "yes")
	case titleProve:
		require.NotContains(t, at.body, account.Username, "nobody's account is named before it is proved")
		method = ledger.MethodCredential
		wrong := p.submit(at, "/link/proof", "username", account.Username, "password", "sai-mat-khau", "consent", "yes")
		at = p.submit(at, "/link/proof", "username", account.Username, "password", account.Password, "consent", "yes")
		switch who.Expected.VNeID {
		case "": // locked: as a wrong password
			assert.Equal(t, http.StatusUnprocessableEntity, at.status)
			assert.Equal(t, plainBody(wrong), plainBody(at))
			p.outside(account)
			return
		case "unlinked":
			assert.Equal(t, http.StatusForbidden, at.status)
			assert.Equal(t, titleMismatch, at.title())
			assert.Regexp(t, referenceCode, at.body, "a code to read out")
			assert.NotEqual(t, "/ho-so", p.visit(wanted).url.Path)
			p.outside(account)
			return
		}
		require.Equal(t, http.StatusSeeOther, at.status, at.body)
	}
	made := r.onlyLink(account, who.Expected.VNeIDWeak)
	assert.Equal(t, method, made.Method)
	assert.Equal(t, who.CitizenNumber, made.Number.Reveal())
	assert.Equal(t, kind(account), string(made.Kind))
	p.landed(p.follow(at), account, &who, who.Expected.VNeID)

	again := r.person(t)
	again.landed(again.vneid(again.visit(wanted), who.Key), account, &who, "linked")
	legacy := r.person(t)
	at = legacy.atPortal(legacy.visit(wanted), account)
	assert.Equal(t, http.StatusForbidden, at.status)
	assert.Equal(t, titleLinked, at.title(), "the old account alone opens nothing any more")
	assert.Equal(t, titleSignIn, legacy.visit(wanted).title())
}

func TestJourneyProvider(t *testing.T) { onBothWires(t, journeyProvider) }

func journeyProvider(t *testing.T, w wire) {
	r := newRig(t, rigWorld{wire: w})
	enter := func(t *testing.T, key string) (*person, vneidtest.Persona, page) {
		p := r.person(t)
		return p, r.persona(key), p.vneid(p.visit(wanted), key)
	}
	t.Run("cmnd", func(t *testing.T) {
		p, who, at := enter(t, "cmnd")
		require.Equal(t, titleProve, at.title())
		assert.Contains(t, at.body, "*********"+who.CitizenNumber[9:])
		assert.NotContains(t, at.body, who.CitizenNumber)
		require.Equal(t, "/_vneid/link", p.visit("/ho-so").url.Path, "nobody is forwarded before proof")
		account := who.Accounts[0]
		at = p.submit(at, "/link/proof", "username", account.Username, "password", account.Password, "consent", "yes")
		require.Equal(t, http.StatusSeeOther, at.status, at.body)
		require.Len(t, r.links(account.ID), 1, "on disk before the answer")
		p.landed(p.follow(at), account, &who, "linked")
	})
	t.Run("cmnd by the portal's own page", func(t *testing.T) {
		// In a world of its own: there the account is linked above.
		r := newRig(t, rigWorld{wire: w})
		who := r.persona("cmnd")
		p := r.person(t)
		at := p.vneid(p.visit(wanted), "cmnd")
		at = p.atPortal(at, who.Accounts[0])
		require.Equal(t, titleChoose, at.title(), at.body)
		require.Len(t, at.choices(), 1)
		at = p.submit(at, "/link/choose", "account", at.choices()[0], "consent", "yes")
		p.landed(p.follow(at), who.Accounts[0], &who, "linked")
		assert.Equal(t, "portal_session", string(r.links(who.Accounts[0].ID)[0].Method))
	})
	t.Run("two", func(t *testing.T) {
		p, who, at := enter(t, "two")
		require.Equal(t, titleChoose, at.title(), at.body)
		require.Len(t, at.choices(), 2)
		for _, account := range who.Accounts {
			assert.NotContains(t, at.body, account.ID, "a handle, never the portal's id")
		}
		second := at.choices()[1]
		missing := p.submit(at, "/link/choose", "consent", "yes")
		assert.Equal(t, http.StatusUnprocessableEntity, missing.status)
		stranger := p.submit(at, "/link/choose", "account", who.Accounts[1].ID, "consent", "yes")
		assert.Equal(t, http.StatusUnprocessableEntity, stranger.status)
		require.Empty(t, r.links(who.Accounts[0].ID))
		at = p.submit(at, "/link/choose", "account", second, "consent", "yes")
		p.landed(p.follow(at), who.Accounts[1], &who, "linked")
		links := r.links(who.Accounts[0].ID)
		require.Len(t, links, 2, "both are linked")
		assert.True(t, links[0].Default)
		assert.Equal(t, who.Accounts[1].ID, string(links[0].Account), "the one chosen")
		assert.False(t, links[1].Default, "one default")
	})
	t.Run("none", func(t *testing.T) {
		p, _, at := enter(t, "none")
		require.Equal(t, titleProve, at.title())
		at = p.submit(at, "/link/none")
		assert.Equal(t, http.StatusForbidden, at.status)
		assert.Equal(t, titleNobody, at.title())
		assert.Contains(t, at.body, "1900.0368", "whom to call")
		assert.Empty(t, p.cookies()["vneid_proof"])
		assert.Equal(t, titleSignIn, p.visit(wanted).title())
	})
	t.Run("cancelled", func(t *testing.T) {
		p := r.person(t)
		login := p.visit(p.visit(wanted).link("/_vneid/start?provider=vneid"))
		form := login.form("/login")
		form.values.Set("cancel", "1")
		at := p.follow(p.post(form.action, form.values))
		assert.Equal(t, http.StatusForbidden, at.status)
		assert.Equal(t, "Việc đăng nhập đã dừng", at.title())
		who := r.persona("linked")
		p.landed(p.vneid(p.visit(at.link("/_vneid/sign-in?rd=")), "linked"), who.Accounts[0], &who, "linked")
	})
}

// The number is taken as people type it.
func TestJourneyTypedNumber(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigWorld{})
	who := r.persona("cmnd")
	p := r.person(t)
	at := p.atPortal(p.visit(wanted), who.Accounts[0])
	at = p.submit(at, "/link/update", "citizen_number", " ０９９.079 000-245\u200b", "consent", "yes")
	p.landed(p.follow(at), who.Accounts[0], matched(who, who.Accounts[0]), "linked")
}
