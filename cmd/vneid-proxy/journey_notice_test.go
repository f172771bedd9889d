package main

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/identity"
	"vneid-proxy/vneidtest"
)

const titleNotices = "Thông báo về tài khoản"

// TestToldAtTheNextSignIn: what staff did to an account its holder reads when
// they next sign in, once, on the way to the page first asked for.
func TestToldAtTheNextSignIn(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigWorld{})
	who := r.persona("cmnd")
	account := who.Accounts[0]
	link := func() {
		p := r.person(t)
		at := p.vneid(p.visit(wanted), "cmnd")
		require.Equal(t, titleProve, at.title())
		at = p.follow(p.submit(at, "/link/proof", "username", account.Username, "password", account.Password, "consent", "yes"))
		if at.title() == titleNotices {
			at = p.follow(p.submit(at, "/notices"))
		}
		p.landed(at, account, &who, "linked")
	}
	link()
	r.unlinkByStaff(account)

	p := r.person(t)
	at := p.atPortal(p.visit(wanted), account)
	require.Equal(t, titleLink, at.title())
	at = p.follow(p.submit(at, "/link/skip"))
	require.Equal(t, titleNotices, at.title(), at.body)
	assert.Contains(t, at.body, "đã được hủy lúc")
	assert.NotContains(t, at.body, account.ID)
	assert.NotContains(t, at.body, account.Username)
	again := p.visit("/_vneid/notices?rd=" + wanted)
	assert.Equal(t, titleNotices, again.title(), "read, it is not yet acknowledged")
	done := p.submit(at, "/notices")
	require.Equal(t, http.StatusSeeOther, done.status)
	p.landed(p.follow(done), account, nil, "skipped")

	later := r.person(t)
	at = later.atPortal(later.visit(wanted), account)
	later.landed(later.follow(later.submit(at, "/link/skip")), account, nil, "skipped")
}

func (r *rig) unlinkByStaff(account vneidtest.PortalAccount) {
	r.t.Helper()
	_, err := r.command(account.ID, func(e environment, at terminal) error {
		return linksUnlinkCommand{Officer: "an", Reason: "theo đề nghị"}.Run(r.t.Context(), e, at)
	})
	require.NoError(r.t, err)
}

// receiver is a portal's endpoint for notices, written from RFC 8935 and RFC
// 8417: it believes what the published keys have signed.
type receiver struct {
	mu     sync.Mutex
	down   bool
	tokens []string
}

func (p *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/secevent+jwt" {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	p.tokens = append(p.tokens, string(body))
	w.WriteHeader(http.StatusAccepted)
}

func (p *receiver) set(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
}

func (p *receiver) received() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.tokens...)
}

// TestThePortalIsTold: each event reaches the portal, after an outage too,
// signed with the published keys, without a citizen's number; nobody is then
// told a second time at their sign-in.
func TestThePortalIsTold(t *testing.T) {
	t.Parallel()
	portal := &receiver{down: true}
	r := newRig(t, rigWorld{})
	address := r.simulate(func(string) http.Handler { return portal })
	r.restart(map[string]string{"NOTIFY_URL": address + "/api/notices"})
	who := r.persona("cmnd")
	account := who.Accounts[0]
	p := r.person(t)
	at := p.vneid(p.visit(wanted), "cmnd")
	at = p.follow(p.submit(at, "/link/proof", "username", account.Username, "password", account.Password, "consent", "yes"))
	p.landed(at, account, &who, "linked")
	require.Eventually(t, func() bool { return r.metric(`vneid_proxy_notices_total{outcome="unanswered"}`) > 0 }, time.Minute, 50*time.Millisecond)
	portal.set(false)
	require.Eventually(t, func() bool { return len(portal.received()) == 1 }, time.Minute, 50*time.Millisecond)
	require.Equal(t, http.StatusSeeOther, p.submit(p.visit("/_vneid/identity"), "/identity/unlink").status)
	require.Eventually(t, func() bool { return len(portal.received()) == 2 }, time.Minute, 50*time.Millisecond)

	answer, err := http.Get(r.origin + "/_vneid/jwks.json")
	require.NoError(t, err)
	defer answer.Body.Close()
	var keys jose.JSONWebKeySet
	require.NoError(t, json.NewDecoder(answer.Body).Decode(&keys))
	seen := map[string]bool{}
	for i, event := range []string{"linked", "unlink_asked"} {
		token, err := jwt.ParseSigned(portal.received()[i], []jose.SignatureAlgorithm{jose.EdDSA})
		require.NoError(t, err)
		assert.Equal(t, "secevent+jwt", token.Headers[0].ExtraHeaders["typ"])
		var claims struct {
			jwt.Claims
			Subject map[string]string            `json:"sub_id"`
			Events  map[string]map[string]string `json:"events"`
		}
		require.NoError(t, token.Claims(keys.Key(token.Headers[0].KeyID)[0].Key, &claims))
		require.NoError(t, claims.Claims.Validate(jwt.Expected{Issuer: r.origin, AnyAudience: jwt.Audience{r.origin}}))
		assert.Equal(t, map[string]string{"format": "opaque", "id": account.ID}, claims.Subject)
		require.Contains(t, claims.Events, r.origin+"/_vneid/events/"+event)
		assert.NotEmpty(t, claims.ID)
		assert.False(t, seen[claims.ID], "each has an id of its own")
		seen[claims.ID] = true
		coded := strings.Split(portal.received()[i], ".")[1]
		payload, err := base64.RawURLEncoding.DecodeString(coded)
		require.NoError(t, err)
		assert.False(t, strings.Contains(string(payload), who.CitizenNumber) || strings.Contains(string(payload), who.Name))
	}
	later := r.person(t)
	later.landed(later.vneid(later.visit(wanted), "cmnd"), account, &who, "linked")
}

// TestAnOldTabHidesNothing: a page of notices that was left open does not
// acknowledge what came after it.
func TestAnOldTabHidesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigWorld{})
	who := r.persona("two")
	p := r.person(t)
	at := p.vneid(p.visit(wanted), "two")
	require.Equal(t, titleChoose, at.title())
	p.follow(p.submit(at, "/link/choose", "account", at.choices()[0], "consent", "yes"))
	asks := func() {
		r.beside(func(l *ledger.Ledger) {
			link, err := l.ActiveByAccount(t.Context(), identity.AccountID(who.Accounts[1].ID))
			require.NoError(t, err)
			if !link.UnlinkDue.IsZero() {
				require.NoError(t, l.WithdrawUnlink(t.Context(), link.ID, netip.AddrPort{}))
			}
			require.NoError(t, l.AskUnlink(t.Context(), link.ID, time.Now().Add(time.Hour), netip.AddrPort{}))
		})
	}
	asks()
	at = p.visit("/_vneid/notices?rd=/ho-so")
	require.Equal(t, titleNotices, at.title())
	require.Equal(t, http.StatusSeeOther, p.submit(at, "/notices").status)
	require.NotEqual(t, titleNotices, p.visit("/_vneid/notices?rd=/ho-so").title(), "acknowledged")
	asks()
	require.Equal(t, http.StatusSeeOther, p.submit(at, "/notices").status, "the tab that was left open")
	assert.Equal(t, titleNotices, p.visit("/_vneid/notices?rd=/ho-so").title())
}
