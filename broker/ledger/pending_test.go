package ledger_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/identity"
)

func newPending(account string, i int) ledger.NewPending {
	n, err := identity.VouchedCitizenNumber(killNumber("0000", 3*i))
	if err != nil {
		panic(err)
	}
	link := newLink(account, identity.Citizen{})
	return ledger.NewPending{Account: link.Account, Kind: link.Kind, Number: n, Name: "Trần Thị Thử",
		BirthDate: identity.BirthDate{Year: 1990, Month: 2, Day: 3},
		Proof:     link.Proof, ProofExpires: link.ProofExpires, Consent: link.Consent, Source: link.Source}
}

func ask(t testing.TB, l *ledger.Ledger, account string, i int) ledger.Pending {
	t.Helper()
	p, err := l.AddPending(context.Background(), newPending(account, i))
	require.NoError(t, err)
	return p
}

func TestAPendingCheckTellsWhatItRecorded(t *testing.T) {
	ctx := context.Background()
	l := openNew(t)
	n := newPending("lan", 1)
	p, err := l.AddPending(ctx, n)
	require.NoError(t, err)
	assert.Equal(t, ledger.Pending{ID: p.ID, Account: n.Account, Kind: n.Kind, Number: n.Number, Name: n.Name,
		BirthDate: n.BirthDate, Consent: n.Consent, Source: n.Source, At: p.At}, p)
	assert.WithinDuration(t, time.Now(), p.At, time.Minute)
	got, err := l.PendingByAccount(ctx, "lan")
	require.NoError(t, err)
	assert.Equal(t, p, got)
	_, err = l.PendingByAccount(ctx, "huy")
	assert.ErrorIs(t, err, ledger.ErrNotFound)
	_, err = l.AnsweredByAccount(ctx, "lan")
	assert.ErrorIs(t, err, ledger.ErrNotFound)
	backlog, err := l.Backlog(ctx)
	require.NoError(t, err)
	assert.Equal(t, ledger.Backlog{Pending: 1, Oldest: p.At, Unsealed: 1}, backlog)
}

func TestAddPendingRefuses(t *testing.T) {
	ctx := context.Background()
	for name, c := range map[string]struct {
		change func(*ledger.NewPending)
		want   ledger.Error
	}{
		"no account":          {func(n *ledger.NewPending) { n.Account = "" }, ledger.ErrIncomplete},
		"no kind":             {func(n *ledger.NewPending) { n.Kind = "" }, ledger.ErrIncomplete},
		"no number":           {func(n *ledger.NewPending) { n.Number = identity.CitizenNumber{} }, ledger.ErrIncomplete},
		"no consent":          {func(n *ledger.NewPending) { n.Consent = ledger.Consent{} }, ledger.ErrIncomplete},
		"no proof":            {func(n *ledger.NewPending) { n.Proof = nil }, ledger.ErrIncomplete},
		"proof past its time": {func(n *ledger.NewPending) { n.ProofExpires = time.Now().Add(-time.Second) }, ledger.ErrSpent},
		"another is open":     {func(n *ledger.NewPending) { n.Account = "lan" }, ledger.ErrPending},
		"linked":              {func(n *ledger.NewPending) { n.Account = "huy" }, ledger.ErrAlreadyLinked},
	} {
		t.Run(name, func(t *testing.T) {
			l := openNew(t)
			ask(t, l, "lan", 1)
			mustLink(t, l, "huy", person(t, 2))
			n := newPending("minh", 3)
			c.change(&n)
			_, err := l.AddPending(ctx, n)
			require.ErrorIs(t, err, c.want)
			if c.want != ledger.ErrSpent && len(n.Proof) > 0 {
				assert.NoError(t, l.Spend(ctx, ledger.PurposeProof, n.Proof, n.ProofExpires), "a refused check leaves its proof")
			}
		})
	}
	l := openNew(t)
	n := newPending("lan", 1)
	_, err := l.AddPending(ctx, n)
	require.NoError(t, err)
	n.Account = "huy"
	_, err = l.AddPending(ctx, n)
	assert.ErrorIs(t, err, ledger.ErrSpent, "a proof asks once")
}

func TestAMatchMakesTheLink(t *testing.T) {
	ctx := context.Background()
	at := newClock()
	c := config(tempFile(t))
	c.Now = at.now
	l := open(t, c)
	f := feed(t, l)
	_, err := l.Skip(ctx, "lan", identity.KindCitizen, freshProof(), at.now().Add(time.Hour), newPending("x", 1).Source)
	require.NoError(t, err)
	older := at.now()
	at.advance(time.Second)
	n := newPending("lan", 1)
	n.ProofExpires = at.now().Add(time.Hour)
	p, err := l.AddPending(ctx, n)
	require.NoError(t, err)
	mine := at.now()
	at.advance(time.Hour)

	_, err = l.AnswerPending(ctx, p.ID, true, "")
	require.ErrorIs(t, err, ledger.ErrIncomplete)
	link, err := l.AnswerPending(ctx, p.ID, true, ledger.Strong)
	require.NoError(t, err)
	assert.Equal(t, ledger.MethodMatch, link.Method)
	assert.Equal(t, ledger.Strong, link.Strength)
	assert.Equal(t, n.Number, link.Number)
	assert.Equal(t, n.Name, link.Name)
	assert.Equal(t, at.now(), link.Since)
	stored, err := l.ActiveByAccount(ctx, "lan")
	require.NoError(t, err)
	assert.Equal(t, link, stored)
	skips, err := l.Skips(ctx, "lan")
	require.NoError(t, err)
	assert.Zero(t, skips)

	assert.Equal(t, ledger.Ended, f.State(ledger.Ref{Account: "lan", Begun: older}))
	assert.Equal(t, ledger.Changed, f.State(ledger.Ref{Account: "lan", Begun: mine}), "whoever asked stays, and reads anew")
	at.advance(time.Second)
	assert.Equal(t, ledger.Live, f.State(ledger.Ref{Account: "lan", Begun: mine, Read: at.now()}))

	_, err = l.PendingByAccount(ctx, "lan")
	assert.ErrorIs(t, err, ledger.ErrNotFound)
	answered, err := l.AnsweredByAccount(ctx, "lan")
	require.NoError(t, err)
	assert.Equal(t, ledger.OutcomeMatched, answered.Outcome)
	assert.Empty(t, answered.Reference)
	assert.True(t, answered.Number.IsZero(), "the link has it")
	for _, matched := range []bool{true, false} {
		_, err = l.AnswerPending(ctx, p.ID, matched, ledger.Strong)
		assert.ErrorIs(t, err, ledger.ErrNotFound, "once")
	}
}

func TestNoMatchAsksAgain(t *testing.T) {
	ctx := context.Background()
	l := openNew(t)
	f := feed(t, l)
	p := ask(t, l, "lan", 1)
	_, err := l.AnswerPending(ctx, p.ID, false, "")
	require.NoError(t, err)
	_, err = l.ActiveByAccount(ctx, "lan")
	assert.ErrorIs(t, err, ledger.ErrNotFound)
	answered, err := l.AnsweredByAccount(ctx, "lan")
	require.NoError(t, err)
	assert.Equal(t, ledger.OutcomeNotMatched, answered.Outcome)
	assert.Regexp(t, "^[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4}$", answered.Reference)
	assert.True(t, answered.Number.IsZero(), "the review has it")
	waiting, err := l.Reviews(ctx, 10)
	require.NoError(t, err)
	require.Len(t, waiting, 1)
	assert.Equal(t, answered.Reference, waiting[0].Reference)
	assert.Equal(t, ledger.ReviewMismatch, waiting[0].Reason)
	assert.Equal(t, p.Number, waiting[0].Citizen.Number)
	detail, err := l.AuditDetail(ctx, ledger.EventCheckAnswered)
	require.NoError(t, err)
	assert.Contains(t, detail, answered.Reference)
	assert.Equal(t, ledger.Changed, f.State(ledger.Ref{Account: "lan", Begun: p.At}))
	ask(t, l, "lan", 2)
}

func TestAMatchThatComesTooLate(t *testing.T) {
	ctx := context.Background()
	for name, c := range map[string]struct {
		between func(*testing.T, *ledger.Ledger, identity.Citizen)
		want    error
		outcome ledger.Outcome
	}{
		"account linked to another": {func(t *testing.T, l *ledger.Ledger, _ identity.Citizen) {
			mustLink(t, l, "lan", person(t, 9))
		}, ledger.ErrAccountTaken, ledger.OutcomeConflict},
		"number linked elsewhere": {func(t *testing.T, l *ledger.Ledger, c identity.Citizen) {
			mustLink(t, l, "huy", c)
		}, ledger.ErrConflict, ledger.OutcomeConflict},
		"linked to the same": {func(t *testing.T, l *ledger.Ledger, c identity.Citizen) {
			mustLink(t, l, "lan", c)
		}, nil, ledger.OutcomeMatched},
		"linked to the same and another account too": {func(t *testing.T, l *ledger.Ledger, c identity.Citizen) {
			mustLink(t, l, "huy", c)
			mustLink(t, l, "lan", c)
		}, nil, ledger.OutcomeMatched},
	} {
		t.Run(name, func(t *testing.T) {
			l := openNew(t)
			p := ask(t, l, "lan", 1)
			citizen := person(t, 1)
			citizen.Number = p.Number
			c.between(t, l, citizen)
			before, beforeErr := l.ActiveByAccount(ctx, "lan")
			link, err := l.AnswerPending(ctx, p.ID, true, ledger.Strong)
			require.ErrorIs(t, err, c.want)
			answered, answeredErr := l.AnsweredByAccount(ctx, "lan")
			require.NoError(t, answeredErr, "closed, whatever came of it")
			assert.Equal(t, c.outcome, answered.Outcome)
			assert.Equal(t, c.want != nil, answered.Reference != "")
			if c.want == nil {
				assert.Equal(t, before, link)
			} else {
				assert.Zero(t, link)
			}
			after, afterErr := l.ActiveByAccount(ctx, "lan")
			assert.Equal(t, before, after)
			assert.Equal(t, beforeErr, afterErr)
		})
	}
}

func TestAnswersAtOnce(t *testing.T) {
	ctx := context.Background()
	ledgers := twoProcesses(t)
	for round := range 5 {
		p := ask(t, ledgers[0], string(rune('a'+round)), round)
		errs := make([]error, 6)
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() { _, errs[i] = ledgers[i%2].AnswerPending(ctx, p.ID, i%3 > 0, ledger.Weak) })
		}
		wg.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else {
				assert.ErrorIs(t, err, ledger.ErrNotFound)
			}
		}
		assert.Equal(t, 1, won)
	}
}

func TestAClaimIsALease(t *testing.T) {
	ctx := context.Background()
	at := newClock()
	c := config(tempFile(t))
	c.Now = at.now
	ledgers := []*ledger.Ledger{open(t, c), open(t, c)}
	for i := range 10 {
		n := newPending(string(rune('a'+i)), i)
		n.ProofExpires = at.now().Add(time.Hour)
		_, err := ledgers[0].AddPending(ctx, n)
		require.NoError(t, err)
		at.advance(time.Millisecond)
	}
	first, err := ledgers[0].ClaimPending(ctx, time.Minute)
	require.NoError(t, err)
	require.Len(t, first, 8)
	assert.EqualValues(t, "a", first[0].Account, "the longest due first")
	assert.Equal(t, 1, first[0].Tries)
	rest, err := ledgers[1].ClaimPending(ctx, time.Minute)
	require.NoError(t, err)
	require.Len(t, rest, 2)
	none, err := ledgers[1].ClaimPending(ctx, time.Minute)
	require.NoError(t, err)
	assert.Empty(t, none)

	require.NoError(t, ledgers[0].PostponePending(ctx, first[0].ID, at.now().Add(time.Hour)))
	_, err = ledgers[0].AnswerPending(ctx, first[1].ID, false, "")
	require.NoError(t, err)
	require.NoError(t, ledgers[0].PostponePending(ctx, first[1].ID, at.now()), "an answered one stays answered")
	at.advance(time.Minute)
	again, err := ledgers[1].ClaimPending(ctx, time.Minute)
	require.NoError(t, err)
	require.Len(t, again, 8, "leases have run out but for the postponed and the answered one")
	for _, p := range again {
		assert.NotContains(t, []string{first[0].ID, first[1].ID}, p.ID)
		assert.Equal(t, 2, p.Tries)
	}
	at.advance(time.Hour)
	again, err = ledgers[1].ClaimPending(ctx, time.Minute)
	require.NoError(t, err)
	assert.Len(t, again, 8)
}

func TestAnsweredChecksGoAfterTheirTime(t *testing.T) {
	ctx := context.Background()
	at := newClock()
	c := config(tempFile(t))
	c.Now, c.AuditKeep = at.now, 24*time.Hour
	l := open(t, c)
	for i, account := range []string{"lan", "huy"} {
		n := newPending(account, i)
		n.ProofExpires = at.now().Add(time.Hour)
		p, err := l.AddPending(ctx, n)
		require.NoError(t, err)
		if account == "lan" {
			_, err = l.AnswerPending(ctx, p.ID, false, "")
			require.NoError(t, err)
		}
	}
	at.advance(25 * time.Hour)
	require.NoError(t, l.Sweep(ctx))
	_, err := l.AnsweredByAccount(ctx, "lan")
	assert.ErrorIs(t, err, ledger.ErrNotFound)
	_, err = l.PendingByAccount(ctx, "huy")
	assert.NoError(t, err, "an open one waits")
}

func TestExemption(t *testing.T) {
	ctx := context.Background()
	l := openNew(t)
	f := feed(t, l)
	now := time.Now()
	until := now.Add(time.Hour).Truncate(time.Millisecond)
	e := ledger.Exemption{Account: "lan", Reason: "Không có điện thoại thông minh", Approver: "can-bo", Until: until}
	for _, change := range []func(*ledger.Exemption){
		func(e *ledger.Exemption) { e.Account = "" }, func(e *ledger.Exemption) { e.Reason = "" },
		func(e *ledger.Exemption) { e.Approver = "" }, func(e *ledger.Exemption) { e.Until = time.Time{} },
	} {
		wrong := e
		change(&wrong)
		assert.ErrorIs(t, l.Exempt(ctx, wrong), ledger.ErrIncomplete)
	}
	_, err := l.ExemptionByAccount(ctx, "lan", now)
	assert.ErrorIs(t, err, ledger.ErrNotFound)
	require.NoError(t, l.Exempt(ctx, e))
	got, err := l.ExemptionByAccount(ctx, "lan", now)
	require.NoError(t, err)
	assert.True(t, got.Until.Equal(until))
	got.Until = e.Until
	assert.Equal(t, e, got)
	assert.Equal(t, ledger.Changed, f.State(ledger.Ref{Account: "lan", Begun: now.Add(-time.Second)}))
	_, err = l.ExemptionByAccount(ctx, "lan", until)
	assert.ErrorIs(t, err, ledger.ErrNotFound, "its end is exclusive")
	_, err = l.ExemptionByAccount(ctx, "huy", now)
	assert.ErrorIs(t, err, ledger.ErrNotFound)
	detail, err := l.AuditDetail(ctx, ledger.EventExempted)
	require.NoError(t, err)
	assert.Contains(t, detail, "can-bo")

	e.Until = now.Add(-time.Second)
	require.NoError(t, l.Exempt(ctx, e))
	_, err = l.ExemptionByAccount(ctx, "lan", now)
	assert.ErrorIs(t, err, ledger.ErrNotFound, "a past end takes it back")
}
