package main

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/identity"
)

const unlinkForm = `action="/_vneid/identity/unlink"`

// TestCitizenUnlinks: a citizen asks for it, thinks better of it, asks again,
// and when the time has come the link has ended everywhere; neither side lets
// anybody back in without a new proof.
func TestCitizenUnlinks(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigWorld{})
	who := r.persona("two")
	chosen, other := who.Accounts[0], who.Accounts[1]
	p := r.person(t)
	at := p.vneid(p.visit(wanted), "two")
	require.Equal(t, titleChoose, at.title())
	p.follow(p.submit(at, "/link/choose", "account", at.choices()[0], "consent", "yes"))
	elsewhere := p.copied("vneid_session")
	at = p.visit("/_vneid/identity")
	require.Equal(t, titleIdentity, at.title())
	require.Contains(t, at.body, unlinkForm)

	done := p.submit(at, "/identity/unlink")
	require.Equal(t, http.StatusSeeOther, done.status, done.body)
	at = p.follow(done)
	assert.Contains(t, at.body, "Đã ghi nhận yêu cầu hủy liên kết.")
	asked := r.unlinking(chosen.ID, other.ID)
	require.Len(t, asked, 1)
	assert.WithinDuration(t, time.Now().Add(72*time.Hour), asked[0].UnlinkDue, time.Minute)
	assert.Equal(t, http.StatusOK, elsewhere.visit(wanted).status, "nothing has ended yet")

	at = p.follow(p.submit(at, "/identity/keep"))
	assert.Contains(t, at.body, "Liên kết được giữ lại.")
	assert.Empty(t, r.unlinking(chosen.ID, other.ID))

	r.restart(map[string]string{"UNLINK_AFTER": "0s"})
	at = p.visit("/_vneid/identity")
	require.Equal(t, http.StatusSeeOther, p.submit(at, "/identity/unlink").status)
	require.Eventually(t, func() bool { return len(r.links(chosen.ID))+len(r.links(other.ID)) < 3 }, time.Minute, 50*time.Millisecond)
	require.Eventually(t, func() bool { return elsewhere.program(wanted).status == http.StatusUnauthorized }, time.Minute, 50*time.Millisecond,
		"the session ends in every browser")
	assert.Equal(t, 1.0, r.metric("vneid_proxy_unlinks_total"))

	gone := chosen
	if len(r.links(chosen.ID)) > 0 {
		gone = other
	}
	legacy := r.person(t)
	assert.Equal(t, titleLink, legacy.atPortal(legacy.visit(wanted), gone).title(), "the number that the directory holds opens nothing any more")
}

// TestUnlinkIsNobodyElses: no other citizen's link, no session that an old
// password began, no form of another's.
func TestUnlinkIsNobodyElses(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigWorld{})
	victim := r.persona("linked")
	owner := r.person(t)
	require.Equal(t, http.StatusOK, owner.vneid(owner.visit(wanted), "linked").status)
	theirs := owner.visit("/_vneid/identity").form("/identity/unlink").values.Get("account")

	stranger := r.person(t)
	at := stranger.vneid(stranger.visit(wanted), "two")
	require.Equal(t, titleChoose, at.title())
	stranger.follow(stranger.submit(at, "/link/choose", "account", at.choices()[0], "consent", "yes"))
	at = stranger.visit("/_vneid/identity")
	done := stranger.submit(at, "/identity/unlink", "account", theirs)
	assert.Equal(t, http.StatusSeeOther, done.status)
	assert.Equal(t, "/_vneid/identity", done.header.Get("Location"), "a handle of another session names nothing")

	legacy := r.person(t)
	cmnd := r.persona("cmnd")
	at = legacy.atPortal(legacy.visit(wanted), cmnd.Accounts[0])
	legacy.follow(legacy.submit(at, "/link/update", "citizen_number", cmnd.CitizenNumber, "consent", "yes"))
	at = legacy.visit("/_vneid/identity")
	assert.Contains(t, at.body, "Danh sách tài khoản liên kết")
	assert.NotContains(t, at.body, unlinkForm, "VNeID has not vouched in this session")

	assert.Empty(t, r.unlinking(victim.Accounts[0].ID, cmnd.Accounts[0].ID))
}

// unlinking are the links of the accounts that are going to end.
func (r *rig) unlinking(accounts ...string) (asked []ledger.Link) {
	r.t.Helper()
	r.beside(func(l *ledger.Ledger) {
		for _, account := range accounts {
			if link, err := l.ActiveByAccount(r.t.Context(), identity.AccountID(account)); err == nil && !link.UnlinkDue.IsZero() {
				asked = append(asked, link)
			}
		}
	})
	return asked
}
