package main

import (
	"bytes"
	"database/sql"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/config"
	"vneid-proxy/vneidtest"
)

// command runs a command of the product beside it, and returns what it prints.
func (r *rig) command(stdin string, run func(environment, terminal) error) (said string, err error) {
	r.t.Helper()
	var environ environment
	for name, value := range r.env {
		environ = append(environ, config.Prefix+name+"="+value)
	}
	var out bytes.Buffer
	err = run(environ, terminal{strings.NewReader(stdin), &out})
	return out.String(), err
}

func (r *rig) decide(reference, officer, decision string) (said string, err error) {
	return r.command("", func(e environment, at terminal) error {
		return reviewsDecideCommand{Reference: reference, Officer: officer, Decision: decision, Note: "đã gặp"}.Run(r.t.Context(), e, at)
	})
}

// claim has somebody type a number that another account holds, and returns
// the code that they are given.
func (r *rig) claim(account vneidtest.PortalAccount, number string) (p *person, code string) {
	r.t.Helper()
	p = r.person(r.t)
	at := p.atPortal(p.visit(wanted), account)
	at = p.submit(at, "/link/update", "citizen_number", number, "consent", "yes")
	require.Equal(r.t, titleConflict, at.title())
	code = referenceCode.FindString(at.body)
	require.NotEmpty(r.t, code)
	return p, code
}

// TestTwoOfficersGiveAnAccountToItsCitizen: a conflict waits, one officer is
// not enough, two are, and each party sees their own account and nothing of
// the other's.
func TestTwoOfficersGiveAnAccountToItsCitizen(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigWorld{})
	who := r.persona("elsewhere")
	first, second := who.Accounts[0], who.Accounts[1]
	p := r.person(t)
	at := p.atPortal(p.visit(wanted), first)
	p.follow(p.submit(at, "/link/update", "citizen_number", who.CitizenNumber, "consent", "yes"))
	waiting, code := r.claim(second, who.CitizenNumber)

	said, err := r.command("", func(e environment, at terminal) error { return reviewsListCommand{Limit: 10}.Run(t.Context(), e, at) })
	require.NoError(t, err)
	assert.Contains(t, said, code)
	show := func(command reviewsShowCommand) string {
		said, err := r.command("", func(e environment, at terminal) error { return command.Run(t.Context(), e, at) })
		require.NoError(t, err)
		return said
	}
	said = show(reviewsShowCommand{Reference: code})
	assert.Contains(t, said, "*********"+who.CitizenNumber[9:])
	assert.NotContains(t, said, who.CitizenNumber)
	assert.NotContains(t, said, second.ID)
	_, err = r.command("", func(e environment, at terminal) error {
		return reviewsShowCommand{Reference: code, Clear: true}.Run(t.Context(), e, at)
	})
	require.ErrorContains(t, err, "--officer")
	said = show(reviewsShowCommand{Reference: code, Clear: true, Officer: "an"})
	assert.Contains(t, said, who.CitizenNumber)
	assert.Contains(t, said, second.ID)
	assert.Equal(t, 1, r.audited(ledger.EventRevealed), "seen, and written down")

	said, err = r.decide(code, "an", "link")
	require.NoError(t, err)
	assert.Contains(t, said, "another officer")
	said, err = r.decide(code, "an", "link")
	require.NoError(t, err)
	assert.Contains(t, said, "another officer", "one officer, one vote")
	require.Len(t, r.links(first.ID), 1)
	said, err = r.decide(code, "bình", "link")
	require.NoError(t, err)
	assert.Contains(t, said, "done: link")
	require.Len(t, r.links(first.ID), 2, "both accounts are this citizen's")
	_, err = r.decide(code, "chi", "reject")
	require.ErrorContains(t, err, "no open review")

	assert.Equal(t, titleLinked, waiting.visit(wanted).title(), "the old password opens it no more")
	assert.NotEqual(t, http.StatusOK, waiting.program(wanted).status)
	later := r.person(t)
	at = later.vneid(later.visit(wanted), "elsewhere")
	require.Equal(t, titleNotices, at.title(), "what officers did is told")
	at = later.follow(later.submit(at, "/notices"))
	later.landed(at, first, &who, "linked")
}

// TestRejectedClaim: nothing changes, and nobody is told more than before.
func TestRejectedClaim(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigWorld{})
	who := r.persona("elsewhere")
	first, second := who.Accounts[0], who.Accounts[1]
	p := r.person(t)
	at := p.atPortal(p.visit(wanted), first)
	p.follow(p.submit(at, "/link/update", "citizen_number", who.CitizenNumber, "consent", "yes"))
	_, code := r.claim(second, who.CitizenNumber)
	for _, officer := range []string{"an", "bình"} {
		_, err := r.decide(code, officer, "reject")
		require.NoError(t, err)
	}
	require.Len(t, r.links(first.ID), 1)
	require.Empty(t, r.links(second.ID))
	_, again := r.claim(second, who.CitizenNumber)
	assert.NotEqual(t, code, again, "a new claim is a new case")
}

// TestStaffEndALink: by the account's id on standard input, never on the
// command line.
func TestStaffEndALink(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigWorld{})
	who := r.persona("cmnd")
	account := who.Accounts[0]
	p := r.person(t)
	at := p.atPortal(p.visit(wanted), account)
	p.follow(p.submit(at, "/link/update", "citizen_number", who.CitizenNumber, "consent", "yes"))
	require.Len(t, r.links(account.ID), 1)

	show := func() string {
		said, err := r.command(account.ID+"\n", func(e environment, at terminal) error { return linksShowCommand{}.Run(t.Context(), e, at) })
		require.NoError(t, err)
		return said
	}
	assert.Contains(t, show(), "*********"+who.CitizenNumber[9:])
	assert.NotContains(t, show(), account.ID)
	said, err := r.command(account.ID, func(e environment, at terminal) error {
		return linksShowCommand{Clear: true, Officer: "an"}.Run(t.Context(), e, at)
	})
	require.NoError(t, err)
	assert.Contains(t, said, who.CitizenNumber)

	unlink := func(id string) error {
		_, err := r.command(id, func(e environment, at terminal) error {
			return linksUnlinkCommand{Officer: "an", Reason: "nhầm tài khoản"}.Run(t.Context(), e, at)
		})
		return err
	}
	require.ErrorContains(t, unlink(""), "standard input")
	require.ErrorContains(t, unlink("no-such-account"), "no active link")
	require.NoError(t, unlink(account.ID))
	require.Empty(t, r.links(account.ID))
	assert.Contains(t, show(), "no active link")
	said, err = r.command(account.ID, func(e environment, at terminal) error { return linksHistoryCommand{}.Run(t.Context(), e, at) })
	require.NoError(t, err)
	assert.Equal(t, 2, strings.Count(said, "\n"), "history stays: %s", said)
	require.Eventually(t, func() bool { return p.program(wanted).status == http.StatusUnauthorized }, time.Minute, 50*time.Millisecond)
}

// audited counts the audit rows of an event.
func (r *rig) audited(event string) (rows int) {
	r.t.Helper()
	db, err := sql.Open("sqlite", strings.TrimPrefix(r.env["LEDGER_URL"], "sqlite://"))
	require.NoError(r.t, err)
	defer func() { require.NoError(r.t, db.Close()) }()
	require.NoError(r.t, db.QueryRow("SELECT COUNT(*) FROM audit WHERE event = ?", event).Scan(&rows))
	return rows
}

// TestErased: the audit's words about a citizen go, the chain stays whole, and
// they sign in as before.
func TestErased(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigWorld{})
	who := r.persona("cmnd")
	account := who.Accounts[0]
	p := r.person(t)
	at := p.atPortal(p.visit(wanted), account)
	p.follow(p.submit(at, "/link/update", "citizen_number", who.CitizenNumber, "consent", "yes"))
	erase := func(id string) error {
		_, err := r.command(id, func(e environment, at terminal) error {
			return auditEraseCommand{Officer: "an", Reason: "theo yêu cầu"}.Run(t.Context(), e, at)
		})
		return err
	}
	require.ErrorContains(t, erase("nobody"), "never had a link")
	require.NoError(t, erase(account.ID))
	require.ErrorContains(t, erase(account.ID), "already")
	assert.Equal(t, 1, r.audited(ledger.EventCitizenErased))
	r.beside(func(l *ledger.Ledger) {
		require.Eventually(t, func() bool {
			report, err := l.VerifyAudit(t.Context())
			return err == nil && report.Whole() && report.Unsealed == 0
		}, time.Minute, 50*time.Millisecond)
	})
	later := r.person(t)
	later.landed(later.vneid(later.visit(wanted), "cmnd"), account, &who, "linked")
}
