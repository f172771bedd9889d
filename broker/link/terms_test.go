package link_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/link"
	"vneid-proxy/identity"
)

func TestTermsByFirstCohortThenKindThenDefault(t *testing.T) {
	number, err := identity.VouchedCitizenNumber("099204001238")
	require.NoError(t, err)
	card, err := identity.ParseIDCardNumber("990123456")
	require.NoError(t, err)
	p := link.Policy{
		Default: link.Terms{SkipLimit: 1},
		Classes: map[link.Class]link.Terms{
			{Kind: identity.KindOfficial}:                     {SkipLimit: 2},
			{Kind: identity.KindCitizen, Cohort: "desk"}:      {SkipLimit: 3},
			{Kind: identity.KindOfficial, Cohort: "desk"}:     {SkipLimit: 4},
			{Kind: identity.KindOrganisation, Cohort: "west"}: {SkipLimit: 5},
			{Kind: identity.KindCitizen, Cohort: "cards"}:     {SkipLimit: 6},
			{Kind: identity.KindCitizen, Cohort: "checked"}:   {SkipLimit: 7},
			{Kind: identity.KindOfficial, Cohort: "heads"}:    {SkipLimit: 8},
		},
		Cohorts: []link.Cohort{
			{Name: "desk", CreatedBy: []identity.Creator{identity.CreatedByOfficial}},
			{Name: "west", Groups: []string{"west", "north"}, Kinds: []identity.Kind{identity.KindOrganisation}},
			{Name: "cards", Holds: []link.Holding{link.HoldsIDCard}},
			{Name: "checked", Holds: []link.Holding{link.HoldsVerified}},
			{Name: "heads", Roles: []string{"head", "deputy"}},
		},
	}
	for name, c := range map[string]struct {
		account identity.Account
		limit   int
	}{
		"nothing fits":              {identity.Account{Kind: identity.KindCitizen}, 1},
		"by kind":                   {identity.Account{Kind: identity.KindOfficial}, 2},
		"the first cohort wins":     {identity.Account{Kind: identity.KindCitizen, CreatedBy: identity.CreatedByOfficial, IDCard: card}, 3},
		"a cohort's kind":           {identity.Account{Kind: identity.KindOfficial, CreatedBy: identity.CreatedByOfficial}, 4},
		"all criteria":              {identity.Account{Kind: identity.KindOrganisation, Group: "north"}, 5},
		"one criterion fails":       {identity.Account{Kind: identity.KindCitizen, Group: "north"}, 1},
		"the card alone":            {identity.Account{Kind: identity.KindCitizen, IDCard: card}, 6},
		"both numbers, one typed":   {identity.Account{Kind: identity.KindCitizen, IDCard: card, Number: number}, 1},
		"verified":                  {identity.Account{Kind: identity.KindCitizen, IDCard: card, Number: number, NumberVerified: true}, 7},
		"one of the roles":          {identity.Account{Kind: identity.KindOfficial, Roles: []string{"clerk", "deputy"}}, 8},
		"none of the roles":         {identity.Account{Kind: identity.KindOfficial, Roles: []string{"clerk"}}, 2},
		"a kind that nobody knows":  {identity.Account{Kind: "robot"}, 1},
		"a cohort without own kind": {identity.Account{Kind: identity.KindOrganisation, CreatedBy: identity.CreatedByOfficial}, 1},
	} {
		assert.Equal(t, c.limit, p.TermsOf(p.ClassOf(c.account)).SkipLimit, name)
	}
	assert.Equal(t, 2, p.TermsOf(link.Class{Kind: identity.KindOfficial, Cohort: "gone"}).SkipLimit, "a session may name a cohort that is no more")
	assert.Equal(t, link.HoldsTyped, link.HoldingOf(identity.Account{Number: number}))
	assert.Equal(t, link.HoldsNothing, link.HoldingOf(identity.Account{}))
}

func TestSkippingHowOftenAndWhatComesAfter(t *testing.T) {
	now := at("2026-06-15T05:00:00Z")
	far, past := day("2026-12-31"), day("2026-06-14")
	account := link.Account{Name: identity.NameStrong, BirthDate: identity.DateFull}
	for name, c := range map[string]struct {
		terms link.Terms
		skips int
		until time.Time // the extension's
		want  link.Decision
	}{
		"no limit":           {link.Terms{SkipUntil: far}, 99, time.Time{}, link.Decision{Action: link.Ask, CanSkip: true}},
		"the first of two":   {link.Terms{SkipUntil: far, SkipLimit: 2}, 0, time.Time{}, link.Decision{Action: link.Ask, CanSkip: true, SkipsLeft: 2}},
		"the last of two":    {link.Terms{SkipUntil: far, SkipLimit: 2}, 1, time.Time{}, link.Decision{Action: link.Ask, CanSkip: true, SkipsLeft: 1}},
		"used up":            {link.Terms{SkipUntil: far, SkipLimit: 2}, 2, time.Time{}, link.Decision{Action: link.Ask}},
		"used up, extended":  {link.Terms{SkipUntil: far, SkipLimit: 2}, 2, now.Add(time.Millisecond), link.Decision{Action: link.Ask, CanSkip: true}},
		"over":               {link.Terms{SkipUntil: past, SkipLimit: 2}, 0, time.Time{}, link.Decision{Action: link.Ask}},
		"over, extended":     {link.Terms{SkipUntil: past}, 0, now.Add(time.Millisecond), link.Decision{Action: link.Ask, CanSkip: true}},
		"the extension over": {link.Terms{SkipUntil: past}, 0, now, link.Decision{Action: link.Ask}},
		"then reading":       {link.Terms{SkipUntil: past, After: link.ReadOnly}, 0, time.Time{}, link.Decision{Action: link.Ask, CanSkip: true, ReadOnly: true}},
		"reading, used up":   {link.Terms{SkipUntil: far, SkipLimit: 1, After: link.ReadOnly}, 1, time.Time{}, link.Decision{Action: link.Ask, CanSkip: true, ReadOnly: true}},
		"not yet reading":    {link.Terms{SkipUntil: far, After: link.ReadOnly}, 1, time.Time{}, link.Decision{Action: link.Ask, CanSkip: true}},
		"then nothing":       {link.Terms{SkipUntil: past, After: link.UseEnds}, 0, time.Time{}, link.Decision{Action: link.Refuse, Reason: link.UseEnded}},
	} {
		c.terms.LegacySignInUntil = far
		a := account
		a.Skips, a.ExtendedUntil = c.skips, c.until
		got := link.Policy{Default: c.terms}.Decide(link.Evidence{On: now, Account: &a, Proof: link.ByCredential})
		assert.Equal(t, c.want.CanSkip && !c.want.ReadOnly, !got.SkipUntil.Reached(now), name)
		got.SkipUntil = link.Day{}
		assert.Equal(t, c.want, got, name)
	}
	// An extension opens the sign-in too, and no longer than it lasts.
	a := account
	a.ExtendedUntil = at("2026-07-01T00:00:00+07:00")
	for moment, action := range map[string]link.Action{"2026-06-30T16:59:59Z": link.Ask, "2026-06-30T17:00:00Z": link.Refuse} {
		got := link.Policy{}.Decide(link.Evidence{On: at(moment), Account: &a, Proof: link.ByCredential})
		assert.Equal(t, action, got.Action, moment)
	}
}

func TestASkippedSessionWhenItsTimeIsOver(t *testing.T) {
	before, after := at("2026-06-30T16:59:59Z"), at("2026-06-30T17:00:00Z")
	official := link.Class{Kind: identity.KindOfficial}
	held := link.Held{Standing: identity.StandingSkipped, Class: official}
	for end, want := range map[link.After]link.Verdict{link.MustLink: link.ToLink, link.ReadOnly: link.Read, link.UseEnds: link.Closed} {
		p := link.Policy{Classes: map[link.Class]link.Terms{official: {SkipUntil: day("2026-06-30"), After: end}}}
		assert.Equal(t, link.Forward, p.Admit(held, before))
		assert.Equal(t, want, p.Admit(held, after))
		reading := held
		reading.ReadOnly = true
		assert.Equal(t, want, p.Admit(reading, before), "begun to read alone, whatever the date")
		extended := held
		extended.Excused = after.Add(time.Second)
		assert.Equal(t, link.Forward, p.Admit(extended, after))
		assert.Equal(t, want, p.Admit(extended, extended.Excused))
		assert.Equal(t, link.ToLink, p.Admit(link.Held{Standing: identity.StandingSkipped}, before), "another kind has other terms")
	}
}

func TestAdmittedWithoutAnAccount(t *testing.T) {
	none, now := link.Held{Standing: identity.StandingNone, Nobody: true}, at("2026-06-30T16:59:59Z")
	assert.Equal(t, link.ToLink, link.Policy{}.Admit(none, now), "the operator has changed their mind")
	assert.Equal(t, link.Forward, link.Policy{}.Admit(link.Held{Standing: identity.StandingNone}, now), "its provider named the account")
	assert.Equal(t, link.Forward, link.Policy{Mode: link.Off}.Admit(none, now))
	pass := map[link.Class]link.Terms{{Kind: identity.KindCitizen}: {PassNoAccount: true}}
	assert.Equal(t, link.Forward, link.Policy{Classes: pass}.Admit(none, now))
}

func TestProofAndWeakMatchByTerms(t *testing.T) {
	now := at("2026-06-15T05:00:00Z")
	strong := link.Account{Name: identity.NameStrong, BirthDate: identity.DateFull}
	weak := link.Account{Name: identity.NameStrong, BirthDate: identity.DateWeak}
	for proof, takes := range map[link.Proof][]link.Method{
		link.EitherProof: {link.ByCredential, link.ByPortalSession}, link.CredentialProof: {link.ByCredential}, link.PortalProof: {link.ByPortalSession},
	} {
		p := link.Policy{Default: link.Terms{Proof: proof}}
		for _, method := range []link.Method{link.ByCredential, link.ByPortalSession} {
			want := link.Decision{Action: link.Prove, OtherProof: true}
			for _, taken := range takes {
				if taken == method {
					want = link.Decision{Action: link.Record, Method: method, Strength: link.Strong}
				}
			}
			assert.Equal(t, want, p.Decide(link.Evidence{On: now, Vouched: true, Account: &strong, Proof: method}))
		}
	}
	review := link.Policy{Default: link.Terms{ReviewWeak: true, LegacySignInUntil: day("2026-12-31")}}
	refused := link.Decision{Action: link.Refuse, Reason: link.Mismatch}
	assert.Equal(t, refused, review.Decide(link.Evidence{On: now, Vouched: true, Account: &weak, Proof: link.ByCredential}))
	assert.Equal(t, refused, review.Decide(link.Evidence{On: now, Account: &weak, Proof: link.ByCredential, Check: link.Matched}))
	assert.Equal(t, link.Record, review.Decide(link.Evidence{On: now, Vouched: true, Account: &strong, Proof: link.ByCredential}).Action)
}

// TestObserveRefusesForSafetyAlone: whoever enforcing would ask or send away
// is in, and only they.
func TestObserveRefusesForSafetyAlone(t *testing.T) {
	now := at("2026-06-01T00:00:00Z")
	each(func(p link.Policy, e link.Evidence) {
		if e.Vouched || e.Account == nil || e.Check != link.NotAsked {
			return
		}
		e.On = now
		enforced := p.Decide(e)
		rehearsed := p.Rehearse(*e.Account, now)
		p.Mode = link.Observe
		observed := p.Decide(e)
		if p.Rehearse(*e.Account, now) != rehearsed {
			t.Fatal("observing rehearses what enforcing would do")
		}
		switch {
		case enforced.Action == link.Admit:
			if observed != enforced {
				t.Fatalf("%+v %+v: %+v, observed %+v", p, e.Account, enforced, observed)
			}
		case enforced.Reason == link.LegacyClosed || enforced.Action == link.Ask:
			if observed.Action != link.Admit {
				t.Fatalf("%+v %+v: observing blocks: %+v", p, e.Account, observed)
			}
		default:
			if observed != enforced {
				t.Fatalf("%+v %+v: %+v, observed %+v", p, e.Account, enforced, observed)
			}
		}
	})
	for _, standing := range []identity.Standing{identity.StandingUnlinked, identity.StandingSkipped, identity.StandingExempt} {
		assert.Equal(t, link.Forward, link.Policy{Mode: link.Observe}.Admit(link.Held{Standing: standing}, now))
	}
}

// TestRehearsalIsTheDecision: the word is what Decide does to whoever signs in
// by the portal account, or by VNeID where there is a link.
func TestRehearsalIsTheDecision(t *testing.T) {
	now := at("2026-06-01T00:00:00Z")
	seen := map[link.Outcome]int{}
	check := func(p link.Policy, a link.Account) {
		outcome := p.Rehearse(a, now)
		seen[outcome]++
		d := p.Decide(link.Evidence{On: now, Account: &a, Proof: link.ByCredential})
		in := d.Action == link.Admit
		want := map[link.Outcome]bool{
			link.OutcomeLinked:        a.Link != link.NotLinked && !a.Locked,
			link.OutcomeTrustedNumber: in && d.Standing == identity.StandingLinked && a.Link == link.NotLinked,
			link.OutcomeExempt:        in && d.Standing == identity.StandingExempt,
			link.OutcomePending:       in && d.Standing == identity.StandingPending,
			link.OutcomeMaySkip:       d.Action == link.Ask && d.CanSkip && !d.ReadOnly,
			link.OutcomeReadOnly:      d.Action == link.Ask && d.CanSkip && d.ReadOnly,
			link.OutcomeMustLink:      d.Action == link.Ask && !d.CanSkip,
			link.OutcomeUseEnded:      d.Reason == link.UseEnded,
			link.OutcomeLegacyClosed:  d.Reason == link.LegacyClosed,
			link.OutcomeVNeIDNumber:   d.Reason == link.LegacyClosed,
			link.OutcomeLocked:        d.Reason == link.Locked,
		}
		if !want[outcome] {
			t.Fatalf("%+v %+v: %s, but %+v", p, a, outcome, d)
		}
		if outcome == link.OutcomeVNeIDNumber {
			b := p.Decide(link.Evidence{On: now, Vouched: true, Account: &a})
			if b.Method != link.ByDirectory {
				t.Fatalf("%+v %+v: VNeID alone does not open it: %+v", p, a, b)
			}
		}
	}
	each(func(p link.Policy, e link.Evidence) {
		if e.Account == nil || e.Vouched || e.Proof != link.ByCredential || e.Check != link.NotAsked || e.NumberElsewhere {
			return
		}
		for _, end := range []link.After{link.MustLink, link.ReadOnly, link.UseEnds} {
			p.Default.After = end
			check(p, *e.Account)
		}
	})
	for _, outcome := range link.Outcomes() {
		if outcome != link.OutcomeMustProve {
			assert.NotZero(t, seen[outcome], outcome)
		}
	}
}

func TestLegacyOfferedWhileAnybodyMay(t *testing.T) {
	p := link.Policy{Classes: map[link.Class]link.Terms{{Kind: identity.KindOrganisation}: {LegacySignInUntil: day("2026-06-30")}}}
	before, after := at("2026-06-30T16:59:59Z"), at("2026-06-30T17:00:00Z")
	p.Classes[link.Class{Kind: identity.KindOfficial}] = link.Terms{LegacySignInUntil: day("2026-06-30")}
	assert.Equal(t, day("2026-06-30"), p.LegacyDay())
	assert.True(t, p.LegacyOffered(before))
	assert.False(t, p.LegacyOffered(after))
	p.ExcusedUntil = after.Add(time.Second)
	assert.True(t, p.LegacyOffered(after))
	assert.False(t, p.LegacyOffered(p.ExcusedUntil))
	p.Classes[link.Class{Kind: identity.KindCitizen}] = link.Terms{LegacySignInUntil: day("2026-05-31")}
	assert.Equal(t, day("2026-06-30"), p.LegacyUntil())
	assert.True(t, p.LegacyDay().IsZero(), "whose account it will be, nobody knows yet")
	p.Mode = link.Off
	assert.False(t, p.LegacyOffered(before))
	p.Mode = link.Observe
	assert.True(t, p.LegacyOffered(after.Add(time.Hour)))
}
