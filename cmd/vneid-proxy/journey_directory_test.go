package main

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/ledger"
)

// newServedRig is a rig whose accounts the portal serves itself.
func newServedRig(t *testing.T, env map[string]string) *rig {
	t.Helper()
	r := newRig(t, rigWorld{env: env})
	r.accounts = nil // nothing of the file is left to fall back on
	r.restart(map[string]string{"DIRECTORY_URL": r.env["UPSTREAM_URL"] + "/api/directory/", "DIRECTORY_WRITE_BACK": "true"})
	return r
}

// TestJourneyServedDirectory: the portal's own directory is asked, the link is
// made while it cannot be written to, and after a while it shows the number as
// verified.
func TestJourneyServedDirectory(t *testing.T) {
	t.Parallel()
	r := newServedRig(t, nil)
	who := r.persona("cmnd")
	account := who.Accounts[0]
	require.NoError(t, r.portal.Set("write_back_down", "on"))
	p := r.person(t)
	at := p.atPortal(p.visit(wanted), account)
	require.Equal(t, titleLink, at.title())
	at = p.follow(p.submit(at, "/link/update", "citizen_number", who.CitizenNumber, "consent", "yes"))
	p.landed(at, account, matched(who, account), "linked")
	require.Len(t, r.links(account.ID), 1)

	const unanswered = `vneid_proxy_write_backs_total{outcome="unanswered"}`
	require.Eventually(t, func() bool { return r.metric(unanswered) > 0 }, time.Minute, 50*time.Millisecond)
	assert.NotContains(t, p.visit("/ca-nhan").body, "đã xác thực")
	require.NoError(t, r.portal.Set("write_back_down", "off"))
	require.Eventually(t, func() bool {
		return r.metric(`vneid_proxy_write_backs_total{outcome="written"}`) == 1
	}, time.Minute, 50*time.Millisecond)
	assert.Contains(t, p.visit("/ca-nhan").body, who.CitizenNumber+" (đã xác thực)")
	require.Eventually(t, func() bool { return r.metric("vneid_proxy_write_back_age_seconds") == 0 }, time.Minute, 50*time.Millisecond)
	assert.Positive(t, r.metric(`vneid_proxy_call_duration_seconds_count{operation="by_id",outcome="ok",system="directory"}`))
	assert.EqualValues(t, 1, r.metric(`vneid_proxy_call_duration_seconds_count{operation="write_back",outcome="ok",system="directory"}`))
	r.beside(func(l *ledger.Ledger) {
		report, err := l.VerifyAudit(t.Context())
		require.NoError(t, err)
		assert.True(t, report.Whole(), report.Reason)
	})

	// The same person by VNeID, and two accounts that are found by number.
	p = r.person(t)
	p.landed(p.vneid(p.visit(wanted), "cmnd"), account, &who, "linked")
	p = r.person(t)
	chooser := p.vneid(p.visit(wanted), "two")
	require.Equal(t, titleChoose, chooser.title())
	assert.Len(t, chooser.choices(), 2)
}

// TestDirectoryFaults: whatever the directory answers amiss, nobody is signed
// in to any account, nothing is used up, and the person can begin again.
func TestDirectoryFaults(t *testing.T) {
	t.Parallel()
	r := newServedRig(t, map[string]string{"CALL_TIMEOUT": "3s"})
	who := r.persona("linked")
	knobs := map[string]string{
		"directory_two": "on", "directory_other": "on", "directory_duplicate": "on", "directory_case": "on", "directory_trailing": "on",
	}
	for fault, value := range faults() {
		knobs["directory_"+fault] = value
	}
	for knob, value := range knobs {
		t.Run(knob, func(t *testing.T) {
			legacy := r.person(t)
			chooser := legacy.visit(wanted)
			provider := r.person(t)
			callback := provider.callback(provider.visit(wanted), "linked")
			require.NoError(t, r.portal.Set(knob, value))
			at := legacy.atPortal(chooser, who.Accounts[0])
			answers := map[*person]page{legacy: at}
			if knob != "directory_two" { // of a search by id alone
				answers[provider] = provider.visit(callback)
			}
			require.NoError(t, r.portal.Set(knob, ""))
			for p, answer := range answers {
				assert.Equal(t, http.StatusServiceUnavailable, answer.status)
				assert.Equal(t, "Chưa tra cứu được tài khoản", answer.title())
				assert.NotEmpty(t, answer.header.Get("Retry-After"))
				assert.NotContains(t, p.cookies(), "vneid_session")
				assert.Equal(t, titleSignIn, p.visit(answer.link("/_vneid/sign-in?rd=")).title(), "a way on")
			}
			require.Empty(t, r.links(who.Accounts[0].ID))
		})
	}
	for outcome := range map[string]bool{"malformed": true, "unavailable": true} {
		assert.Positive(t, r.metric(`vneid_proxy_call_duration_seconds_count{operation="by_id",outcome="`+outcome+`",system="directory"}`), outcome)
	}
	p := r.person(t)
	p.landed(p.vneid(p.visit(wanted), "linked"), who.Accounts[0], &who, "linked")
}
