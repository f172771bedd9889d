package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/broker/link"
	"vneid-proxy/identity"
	"vneid-proxy/vneidtest"
)

// rehearsalPolicy has a day of its own for each kind, and a cohort for each
// thing that terms can say.
const rehearsalPolicy = `
default: {legacy_sign_in_until: 2026-12-31, skip_until: 2026-10-31, skip_limit: 2}
kinds:
  official: {skip_until: 2026-09-30, after: refuse}
  organisation: {legacy_sign_in_until: 2027-01-31, skip_until: 2026-11-30, skip_limit: 0}
cohorts:
  - name: one-stop
    who: {created_by: [official]}
    terms: {legacy_sign_in_until: 2027-03-31, skip_until: 2026-12-15, after: read_only}
  - name: west
    who: {kind: [citizen], group: [west]}
    terms: {legacy_sign_in_until: never, skip_until: never}
  - name: cards
    who: {kind: [citizen, organisation], holds: [id_card]}
    terms: {after: refuse}
`

// The ends of what is granted to single accounts, exclusive, in
// Asia/Ho_Chi_Minh.
func rehearsalExemptUntil() time.Time { return time.Date(2027, 2, 11, 0, 0, 0, 0, vietnam()) }
func rehearsalExtendUntil() time.Time { return time.Date(2027, 1, 11, 0, 0, 0, 0, vietnam()) }
func rehearsalBegins() time.Time      { return time.Date(2026, 9, 1, 8, 0, 0, 0, vietnam()) }
func lateExtension() time.Time        { return time.Date(2027, 4, 11, 0, 0, 0, 0, vietnam()) }
func rehearsalMoments() (at []time.Time) {
	for _, last := range []string{"2026-09-30", "2026-10-31", "2026-11-30", "2026-12-15", "2026-12-31",
		"2027-01-10", "2027-01-31", "2027-02-10", "2027-03-31", "2027-04-10"} {
		day, err := time.ParseInLocation(time.DateOnly, last, vietnam())
		if err != nil {
			panic(err)
		}
		midnight := day.AddDate(0, 0, 1)
		at = append(at, midnight.Add(-time.Second), midnight, midnight.Add(time.Second))
	}
	return at
}

// ledgerRow is what the ledger is made to hold of an account.
type ledgerRow int

const (
	rowNothing ledgerRow = iota
	rowLinked            // by a match; VNeID not used yet
	rowLinkedUsed
	rowPending
	rowSkippedOnce
	rowSkippedOut // as often as most terms allow
	rowExempt
	rowExtended
	rowExtendedLate // beyond every deadline, its skips used up
	rowExemptPending
	rowUnlinked // linked once, and not any more
	ledgerRows
)

// drawn is one account of the directory, drawn from every combination.
type drawn struct {
	account identity.Account
	row     ledgerRow
}

// draw is the i-th account. Accounts differ in every way that a policy sees.
func draw(i int) drawn {
	pick := func(n int) int {
		chosen := i % n
		i /= n
		return chosen
	}
	serial := i
	d := drawn{row: ledgerRow(pick(int(ledgerRows)))}
	a := &d.account
	a.ID, a.Username, a.Name = identity.AccountID(fmt.Sprintf("tk-%d", serial)), fmt.Sprintf("nguoi.%d", serial), "Trần Thị Thử"
	a.Kind = kinds()[pick(3)]
	switch pick(3) {
	case 1:
		a.CreatedBy = identity.CreatedByOfficial
	case 2:
		a.Group = "west"
	}
	number := drawnNumber(serial)
	switch pick(4) {
	case 1:
		a.Number, a.NumberVerified = number, true
	case 2:
		a.Number = number
	case 3:
		a.IDCard = drawnCard(serial)
	}
	a.BirthDate = identity.BirthDate{Year: 1990, Month: 2, Day: 3}
	switch pick(8) {
	case 5:
		a.Locked = true
	case 6:
		a.BirthDate = identity.BirthDate{Year: 1990}
	case 7:
		a.Name = ""
	}
	return d
}

// drawnKinds is how many accounts there are until they repeat.
const drawnKinds = int(ledgerRows) * 3 * 3 * 4 * 8

func drawnNumber(i int) identity.CitizenNumber {
	number, err := identity.VouchedCitizenNumber(fmt.Sprintf("099%09d", i))
	if err != nil {
		panic(err)
	}
	return number
}

func drawnCard(i int) identity.IDCardNumber {
	card, err := identity.ParseIDCardNumber(fmt.Sprintf("990%06d", i%1_000_000))
	if err != nil {
		panic(err)
	}
	return card
}

// seedAccount makes the ledger hold what was drawn.
func seedAccount(t testing.TB, l *ledger.Ledger, i int, d drawn) {
	t.Helper()
	ctx, a := t.Context(), d.account
	proofs := 0
	proof := func() []byte { proofs++; return fmt.Appendf(nil, "seed-%d-%d", i, proofs) }
	expires := rehearsalBegins().Add(time.Hour)
	consent := ledger.Consent{Version: "2026-11", Language: "vi"}
	skip := func(times int) {
		for range times {
			_, err := l.Skip(ctx, a.ID, a.Kind, proof(), expires, noSource())
			require.NoError(t, err)
		}
	}
	pending := func() {
		_, err := l.AddPending(ctx, ledger.NewPending{Account: a.ID, Kind: a.Kind, Number: drawnNumber(i), Name: a.Name, BirthDate: a.BirthDate,
			Proof: proof(), ProofExpires: expires, Consent: consent})
		require.NoError(t, err)
	}
	excuse := func(until time.Time, extension bool) {
		require.NoError(t, l.Exempt(ctx, ledger.Exemption{Account: a.ID, Reason: "thử", Approver: "can-bo", Until: until, Extension: extension}))
	}
	switch d.row {
	case rowLinked, rowLinkedUsed, rowUnlinked:
		made, err := l.Link(ctx, ledger.NewLink{Account: a.ID, Kind: a.Kind,
			Citizen: identity.Citizen{Number: drawnNumber(i), Name: drawnPersona(i).Name, BirthDate: identity.BirthDate{Year: 1990, Month: 2, Day: 3}},
			Method:  ledger.MethodMatch, Strength: ledger.Strong, Proof: proof(), ProofExpires: expires, Consent: consent})
		require.NoError(t, err)
		if d.row == rowLinkedUsed {
			require.NoError(t, l.MarkProviderUsed(ctx, a.ID))
		}
		if d.row == rowUnlinked {
			require.NoError(t, l.Unlink(ctx, made.ID, "thử", "can-bo"))
		}
	case rowPending:
		pending()
	case rowSkippedOnce:
		skip(1)
	case rowSkippedOut:
		skip(2)
	case rowExempt:
		excuse(rehearsalExemptUntil(), false)
	case rowExtended:
		excuse(rehearsalExtendUntil(), true)
	case rowExtendedLate:
		skip(2)
		excuse(lateExtension(), true)
	case rowExemptPending:
		pending()
		excuse(rehearsalExemptUntil(), false)
	}
}

// drawnPersona is the person whose account the i-th is.
func drawnPersona(i int) vneidtest.Persona {
	number := drawnNumber(i).Reveal()
	return vneidtest.Persona{
		Key: fmt.Sprintf("p%d", i), Name: "Trần Thị Thử", BirthDate: "1990-02-03", CitizenNumber: number, AccountLevel: 2,
		VNeID: vneidtest.VNeIDLogin{Username: number, Password: "vneid-" + number, Subject: fmt.Sprintf("nguoi-%d", i)},
	}
}

// portalRow is the account as the simulated portal holds it.
func portalRow(d drawn) vneidtest.PortalAccount {
	a := d.account
	return vneidtest.PortalAccount{ID: string(a.ID), Username: a.Username, Password: "cong-" + string(a.ID), Name: a.Name,
		BirthDate: strings.TrimSpace(a.BirthDate.String()), Locked: a.Locked, Kind: string(a.Kind)}
}

// theirWay reports that VNeID is worth a try for an account: there is a link,
// or a verified number. An organisation's opens only to who acts for it, which
// nobody drawn does.
func (d drawn) theirWay() bool {
	if d.account.Kind == identity.KindOrganisation {
		return false
	}
	return d.row == rowLinked || d.row == rowLinkedUsed || d.account.NumberVerified
}

func shuffled(n int) []int { return rand.New(rand.NewPCG(1, 2)).Perm(n) }

// outcomesOf counts what came out, so that a test can require that all of it
// was there.
type outcomesOf map[link.Outcome]int
