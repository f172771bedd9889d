package link_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"vneid-proxy/broker/link"
	"vneid-proxy/identity"
)

func day(s string) link.Day {
	t, err := time.ParseInLocation("2006-01-02", s, link.Zone())
	if err != nil {
		panic(err)
	}
	return link.DayOf(t)
}

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}

func TestDayIncludesItsLastMomentInVietnam(t *testing.T) {
	d := day("2026-06-30")
	for moment, left := range map[string]int{
		"2026-06-29T16:59:59Z":      2, // 23:59:59 on the 29th
		"2026-06-29T17:00:00Z":      1,
		"2026-06-30T16:59:59Z":      1,
		"2026-06-30T23:59:59+07:00": 1,
		"2026-06-30T17:00:00Z":      0,
		"2026-07-01T00:00:00+07:00": 0,
	} {
		assert.Equal(t, left, d.DaysLeft(at(moment)), moment)
		assert.Equal(t, left == 0, d.Reached(at(moment)), moment)
	}
	assert.True(t, link.Day{}.Reached(at("2020-01-01T00:00:00Z")), "unset means not at all")
	assert.True(t, link.DayOf(time.Time{}).IsZero())
}

func TestAdmitByStandingAndDate(t *testing.T) {
	p := link.Policy{Default: link.Terms{SkipUntil: day("2026-06-30"), PassNoAccount: true}}
	before, after := at("2026-06-30T16:59:59Z"), at("2026-06-30T17:00:00Z")
	for standing, want := range map[identity.Standing][2]link.Verdict{
		identity.StandingLinked:   {link.Forward, link.Forward},
		identity.StandingExempt:   {link.Forward, link.ToLink},
		identity.StandingPending:  {link.Forward, link.Forward},
		identity.StandingNone:     {link.Forward, link.Forward},
		identity.StandingSkipped:  {link.Forward, link.ToLink},
		identity.StandingUnlinked: {link.ToLink, link.ToLink},
		identity.StandingConflict: {link.ToLink, link.ToLink},
		"":                        {link.ToLink, link.ToLink},
		"LINKED":                  {link.ToLink, link.ToLink},
	} {
		assert.Equal(t, want[0], p.Admit(link.Held{Standing: standing, Excused: after.Add(time.Second)}, before), "%q before", standing)
		assert.Equal(t, want[1], p.Admit(link.Held{Standing: standing, Excused: after}, after), "%q after", standing)
	}
}

func TestDecideNamedCases(t *testing.T) {
	now := at("2026-06-01T00:00:00Z")
	later := now.Add(time.Millisecond)
	open := link.Policy{Default: link.Terms{LegacySignInUntil: day("2026-12-31"), SkipUntil: day("2026-06-30")}}
	trusting := open
	trusting.TrustPopulationIDCard = true
	full := link.Account{Name: identity.NameStrong, BirthDate: identity.DateFull}
	with := func(change func(*link.Account)) *link.Account {
		a := full
		change(&a)
		return &a
	}
	for name, c := range map[string]struct {
		policy   link.Policy
		evidence link.Evidence
		want     link.Decision
	}{
		"A: nothing typed yet": {open, link.Evidence{Account: &full, Proof: link.ByPortalSession},
			link.Decision{Action: link.Ask, CanSkip: true}},
		"A: after the last day of skipping": {link.Policy{Default: link.Terms{LegacySignInUntil: open.Default.LegacySignInUntil}}, link.Evidence{Account: &full, Proof: link.ByPortalSession},
			link.Decision{Action: link.Ask}},
		"A: matched": {open, link.Evidence{Account: &full, Proof: link.ByPortalSession, Check: link.Matched},
			link.Decision{Action: link.Record, Method: link.ByMatch, Strength: link.Strong}},
		"A: matched on the year alone": {open, link.Evidence{Account: with(func(a *link.Account) { a.BirthDate = identity.DateWeak }), Proof: link.ByPortalSession, Check: link.Matched},
			link.Decision{Action: link.Record, Method: link.ByMatch, Strength: link.Weak}},
		"A: not matched": {open, link.Evidence{Account: &full, Proof: link.ByPortalSession, Check: link.NotMatched},
			link.Decision{Action: link.Ask, CanSkip: true, Wrong: true}},
		"A: no answer uses nothing up": {open, link.Evidence{Account: &full, Proof: link.ByPortalSession, Check: link.Unanswered},
			link.Decision{Action: link.Await, Standing: identity.StandingPending}},
		"A: no answer after the last day of skipping": {link.Policy{Default: link.Terms{LegacySignInUntil: open.Default.LegacySignInUntil}}, link.Evidence{Account: &full, Proof: link.ByPortalSession, Check: link.Unanswered},
			link.Decision{Action: link.Await, Standing: identity.StandingPending}},
		"A: a check still awaits its answer": {link.Policy{Default: link.Terms{LegacySignInUntil: open.Default.LegacySignInUntil}}, link.Evidence{Account: with(func(a *link.Account) { a.Pending = true }), Proof: link.ByPortalSession},
			link.Decision{Action: link.Admit, Standing: identity.StandingPending}},
		"A: a better number while a check is open": {open, link.Evidence{Account: with(func(a *link.Account) { a.Pending = true }), Proof: link.ByPortalSession, Check: link.Matched},
			link.Decision{Action: link.Record, Method: link.ByMatch, Strength: link.Strong}},
		"A: exempt": {link.Policy{Default: link.Terms{LegacySignInUntil: open.Default.LegacySignInUntil}}, link.Evidence{Account: with(func(a *link.Account) { a.ExemptUntil, a.Pending = later, true }), Proof: link.ByPortalSession},
			link.Decision{Action: link.Admit, Standing: identity.StandingExempt}},
		"A: exempt, yet links": {open, link.Evidence{Account: with(func(a *link.Account) { a.ExemptUntil = later }), Proof: link.ByPortalSession, Check: link.Matched},
			link.Decision{Action: link.Record, Method: link.ByMatch, Strength: link.Strong}},
		"A: exempt, and so from the last day too": {link.Policy{}, link.Evidence{Account: with(func(a *link.Account) { a.ExemptUntil = later }), Proof: link.ByPortalSession},
			link.Decision{Action: link.Admit, Standing: identity.StandingExempt}},
		"A: exempt until this moment": {link.Policy{}, link.Evidence{Account: with(func(a *link.Account) { a.ExemptUntil = now }), Proof: link.ByPortalSession},
			link.Decision{Action: link.Refuse, Reason: link.LegacyClosed}},
		"B: exempt or pending proves nothing": {open, link.Evidence{Account: with(func(a *link.Account) { a.ExemptUntil, a.Pending = later, true }), Vouched: true},
			link.Decision{Action: link.Prove}},
		"A: matched, but the number is elsewhere": {open, link.Evidence{Account: &full, Proof: link.ByPortalSession, Check: link.Matched, NumberElsewhere: true},
			link.Decision{Action: link.Refuse, Reason: link.Conflict}},
		"A: directory number verified": {open, link.Evidence{Account: with(func(a *link.Account) { a.Number = link.NumberVerified }), Proof: link.ByPortalSession},
			link.Decision{Action: link.Admit, Standing: identity.StandingLinked}},
		"A: directory number merely typed": {open, link.Evidence{Account: with(func(a *link.Account) { a.Number = link.NumberTyped }), Proof: link.ByPortalSession},
			link.Decision{Action: link.Ask, CanSkip: true}},
		"A: linked, VNeID not used yet": {open, link.Evidence{Account: with(func(a *link.Account) { a.Link = link.LinkedSame }), Proof: link.ByPortalSession},
			link.Decision{Action: link.Admit, Standing: identity.StandingLinked}},
		"A: linked and VNeID used": {open, link.Evidence{Account: with(func(a *link.Account) { a.Link, a.ProviderUsed = link.LinkedSame, true }), Proof: link.ByPortalSession},
			link.Decision{Action: link.Refuse, Reason: link.AlreadyLinked}},
		"A: after the last day": {link.Policy{}, link.Evidence{Account: &full, Proof: link.ByPortalSession},
			link.Decision{Action: link.Refuse, Reason: link.LegacyClosed}},
		"locked wins": {open, link.Evidence{Account: with(func(a *link.Account) { a.Locked, a.Link = true, link.LinkedSame }), Vouched: true},
			link.Decision{Action: link.Refuse, Reason: link.Locked}},
		"B: linked": {open, link.Evidence{Account: with(func(a *link.Account) { a.Link = link.LinkedSame }), Vouched: true},
			link.Decision{Action: link.Admit, Standing: identity.StandingLinked}},
		"B: somebody else's, though the password is right": {open, link.Evidence{Account: with(func(a *link.Account) { a.Link = link.LinkedToOther }), Vouched: true, Proof: link.ByCredential},
			link.Decision{Action: link.Refuse, Reason: link.Conflict}},
		"B: directory number, all agrees": {open, link.Evidence{Account: with(func(a *link.Account) { a.Number = link.NumberVerified }), Vouched: true},
			link.Decision{Action: link.Record, Method: link.ByDirectory, Strength: link.Strong}},
		"B: directory number, name without marks": {open, link.Evidence{Account: with(func(a *link.Account) { a.Number, a.Name = link.NumberVerified, identity.NameStateEqual }), Vouched: true},
			link.Decision{Action: link.Record, Method: link.ByDirectory, Strength: link.Weak}},
		"B: directory number, year only, wants proof": {open, link.Evidence{Account: with(func(a *link.Account) { a.Number, a.BirthDate = link.NumberVerified, identity.DateWeak }), Vouched: true},
			link.Decision{Action: link.Prove}},
		"B: a stranger typed the number": {open, link.Evidence{Account: with(func(a *link.Account) { a.Number = link.NumberTyped }), Vouched: true},
			link.Decision{Action: link.Prove}},
		"B: proved by password": {open, link.Evidence{Account: &full, Vouched: true, Proof: link.ByCredential},
			link.Decision{Action: link.Record, Method: link.ByCredential, Strength: link.Strong}},
		"B: proved by password after the last day of legacy sign-in": {link.Policy{}, link.Evidence{Account: &full, Vouched: true, Proof: link.ByCredential},
			link.Decision{Action: link.Record, Method: link.ByCredential, Strength: link.Strong}},
		"B: proved, but the data name somebody else": {open, link.Evidence{Account: with(func(a *link.Account) { a.Name = identity.NameDiffers }), Vouched: true, Proof: link.ByCredential},
			link.Decision{Action: link.Refuse, Reason: link.Mismatch}},
		"B: proved, but another number is verified there": {open, link.Evidence{Account: with(func(a *link.Account) { a.Number = link.NumberOther }), Vouched: true, Proof: link.ByCredential},
			link.Decision{Action: link.Refuse, Reason: link.Conflict}},
		"A: an organisation's account, a number typed": {open, link.Evidence{Account: with(func(a *link.Account) { a.Organisation = true }), Proof: link.ByPortalSession, Check: link.Matched},
			link.Decision{Action: link.Refuse, Reason: link.OrganisationAccount}},
		"B: for themselves, an organisation's account": {open, link.Evidence{Account: with(func(a *link.Account) { a.Organisation = true }), Vouched: true, Proof: link.ByCredential},
			link.Decision{Action: link.Refuse, Reason: link.OrganisationAccount}},
		"B: for themselves, their old link to an organisation's account": {open, link.Evidence{Account: with(func(a *link.Account) { a.Organisation, a.Link = true, link.LinkedSame }), Vouched: true},
			link.Decision{Action: link.Refuse, Reason: link.OrganisationAccount}},
		"B: for an organisation, a person's account": {open, link.Evidence{Account: with(func(a *link.Account) { a.Number = link.NumberVerified }), Vouched: true, ForOrganisation: true, Proof: link.ByCredential},
			link.Decision{Action: link.Refuse, Reason: link.PersonalAccount}},
		"B: for an organisation, its account, proved": {open, link.Evidence{Account: with(func(a *link.Account) { a.Organisation, a.BirthDate = true, identity.DateDiffers }), Vouched: true, ForOrganisation: true, Proof: link.ByCredential},
			link.Decision{Action: link.Record, Method: link.ByCredential, Strength: link.Strong}},
		"B: for an organisation, an account of another name": {open, link.Evidence{Account: with(func(a *link.Account) { a.Organisation, a.Name = true, identity.NameDiffers }), Vouched: true, ForOrganisation: true, Proof: link.ByCredential},
			link.Decision{Action: link.Refuse, Reason: link.Mismatch}},
		"B: for an organisation, the directory's number proves nothing": {open, link.Evidence{Account: with(func(a *link.Account) { a.Organisation, a.Number = true, link.NumberVerified }), Vouched: true, ForOrganisation: true},
			link.Decision{Action: link.Prove}},
		"B: for an organisation, linked": {open, link.Evidence{Account: with(func(a *link.Account) { a.Organisation, a.Link = true, link.LinkedSame }), Vouched: true, ForOrganisation: true},
			link.Decision{Action: link.Admit, Standing: identity.StandingLinked}},
		"A: matched, but the ID card is another's": {open, link.Evidence{Account: &full, Proof: link.ByPortalSession, Check: link.Matched, IDCard: link.IDCardOther},
			link.Decision{Action: link.Refuse, Reason: link.Mismatch}},
		"A: matched, and the ID card is theirs": {open, link.Evidence{Account: &full, Proof: link.ByPortalSession, Check: link.Matched, IDCard: link.IDCardOwn},
			link.Decision{Action: link.Record, Method: link.ByMatch, Strength: link.Strong}},
		"B: the ID card alone wants proof": {open, link.Evidence{Account: &full, Vouched: true, IDCard: link.IDCardOwn},
			link.Decision{Action: link.Prove}},
		"B: the ID card, trusted": {trusting, link.Evidence{Account: &full, Vouched: true, IDCard: link.IDCardOwn},
			link.Decision{Action: link.Record, Method: link.ByPopulation, Strength: link.Strong}},
		"B: the ID card, trusted, name without marks": {trusting, link.Evidence{Account: with(func(a *link.Account) { a.Name = identity.NameStateEqual }), Vouched: true, IDCard: link.IDCardOwn},
			link.Decision{Action: link.Record, Method: link.ByPopulation, Strength: link.Weak}},
		"B: the ID card, trusted, year only": {trusting, link.Evidence{Account: with(func(a *link.Account) { a.BirthDate = identity.DateWeak }), Vouched: true, IDCard: link.IDCardOwn},
			link.Decision{Action: link.Prove}},
		"B: the ID card, trusted, another number verified": {trusting, link.Evidence{Account: with(func(a *link.Account) { a.Number = link.NumberOther }), Vouched: true, IDCard: link.IDCardOwn},
			link.Decision{Action: link.Prove}},
		"B: proved, but the ID card is another's": {trusting, link.Evidence{Account: &full, Vouched: true, Proof: link.ByCredential, IDCard: link.IDCardOther},
			link.Decision{Action: link.Refuse, Reason: link.Mismatch}},
		"B: directory number, but the ID card is another's": {open, link.Evidence{Account: with(func(a *link.Account) { a.Number = link.NumberVerified }), Vouched: true, IDCard: link.IDCardOther},
			link.Decision{Action: link.Prove}},
		"B: two accounts":           {open, link.Evidence{Vouched: true, Admissible: 2}, link.Decision{Action: link.Choose}},
		"B: no account":             {open, link.Evidence{Vouched: true}, link.Decision{Action: link.Prove}},
		"nobody proved anything":    {open, link.Evidence{}, link.Decision{Action: link.Refuse, Reason: link.Conflict}},
		"A: an account, not proved": {open, link.Evidence{Account: &full}, link.Decision{Action: link.Refuse, Reason: link.Conflict}},
	} {
		t.Run(name, func(t *testing.T) {
			c.evidence.On = now
			if c.want.CanSkip {
				c.want.SkipUntil = c.policy.Default.SkipUntil
			}
			assert.Equal(t, c.want, c.policy.Decide(c.evidence))
		})
	}
}

// TestDecideEveryCombination walks all evidence there can be and holds the
// rules that no case may break.
func TestDecideEveryCombination(t *testing.T) {
	now := at("2026-06-01T00:00:00Z")
	seen := map[link.Action]int{}
	each(func(p link.Policy, e link.Evidence) {
		e.On = now
		d := p.Decide(e)
		seen[d.Action]++
		ok := func(condition bool, rule string) {
			if !condition {
				t.Fatalf("%s: %+v %+v %+v → %+v", rule, p, e, e.Account, d)
			}
		}
		ok(d.Action != 0, "every case is decided")
		enters := d.Action == link.Admit || d.Action == link.Record || d.Action == link.Await
		if !enters {
			return
		}
		a := e.Account
		ok(a != nil && !a.Locked, "nobody enters a locked account or none")
		ok(a.Link != link.LinkedToOther || !e.Vouched, "nobody enters another citizen's account")
		ok(e.Vouched || e.Proof != "", "nobody enters without proof")
		ok(!e.Vouched || a.Organisation == e.ForOrganisation, "a person's account and an organisation's are never each other's")
		ok(e.Vouched || !p.Default.LegacySignInUntil.Reached(now) || !a.ExemptUntil.IsZero(), "an old account alone ends with its date, unless excused")
		ok(e.Vouched || a.Link == link.NotLinked || !a.ProviderUsed, "an old password overrides no used link")
		if d.Action == link.Await {
			ok(!e.Vouched && e.Check == link.Unanswered && d.Standing == identity.StandingPending, "only a check without an answer is put off")
			ok(a.Link == link.NotLinked, "a link awaits nothing")
			return
		}
		if d.Action == link.Admit && d.Standing != identity.StandingLinked {
			ok(!e.Vouched && e.Check == link.NotAsked, "without a link only an old account enters, and asks nothing")
			ok(d.Standing == identity.StandingExempt && !a.ExemptUntil.IsZero() || d.Standing == identity.StandingPending && a.Pending, "each standing has its ground")
			return
		}
		if d.Action == link.Admit {
			verified := a.Number == link.NumberVerified || (a.Number == link.NumberTyped && p.TrustDirectoryNumber)
			ok(a.Link != link.NotLinked || (!e.Vouched && verified), "linked without a recorded link only by a verified number")
			return
		}
		ok(a.Link == link.NotLinked, "an active link is never overwritten")
		ok(e.IDCard != link.IDCardOther, "another's ID card never links")
		ok(d.Method != link.ByPopulation || p.TrustPopulationIDCard && e.Vouched && e.IDCard == link.IDCardOwn && a.BirthDate == identity.DateFull,
			"an ID card links only where it is theirs and trusted")
		if e.Vouched {
			ok(a.Name != identity.NameDiffers && (a.BirthDate != identity.DateDiffers || a.Organisation), "two people's data never link")
			ok(a.Number != link.NumberOther || a.Organisation, "a verified other number never links")
			ok(!a.Organisation || e.Proof != "", "an organisation's account links by proof alone")
			ok(d.Method != link.ByMatch, "flow B links by no typed number")
		} else {
			ok(e.Check == link.Matched && !e.NumberElsewhere, "flow A links by a match alone")
			ok(!a.Organisation, "no person's number links an organisation's account")
		}
		ok(d.Strength == link.Weak || a.BirthDate == identity.DateFull || a.Organisation, "strong needs the full date")
	})
	for _, action := range []link.Action{link.Refuse, link.Admit, link.Record, link.Await, link.Ask, link.Choose, link.Prove} {
		assert.NotZero(t, seen[action], "the walk reaches action %d", action)
	}
}

func each(visit func(link.Policy, link.Evidence)) {
	bools := []bool{false, true}
	days := []link.Day{{}, day("2026-05-31"), day("2026-06-30")}
	var accounts []*link.Account
	accounts = append(accounts, nil)
	for _, locked := range bools {
		for _, used := range bools {
			for linked := link.NotLinked; linked <= link.LinkedToOther; linked++ {
				for number := link.NoNumber; number <= link.NumberOther; number++ {
					for name := identity.NameDiffers; name <= identity.NameStrong; name++ {
						for date := identity.DateDiffers; date <= identity.DateFull; date++ {
							for _, pending := range bools {
								for _, exempt := range []time.Time{{}, at("2026-06-01T00:00:01Z")} {
									for _, organisation := range bools {
										accounts = append(accounts, &link.Account{Locked: locked, Link: linked, ProviderUsed: used, Organisation: organisation,
											Number: number, Name: name, BirthDate: date, Pending: pending, ExemptUntil: exempt})
									}
								}
							}
						}
					}
				}
			}
		}
	}
	for _, legacy := range days {
		for _, skip := range days {
			for _, trust := range bools {
				// The two kinds of trust meet in no rule; one flag turns both.
				p := link.Policy{Default: link.Terms{LegacySignInUntil: legacy, SkipUntil: skip}, TrustDirectoryNumber: trust, TrustPopulationIDCard: trust}
				for _, a := range accounts {
					for _, vouched := range bools {
						for _, proof := range []link.Method{"", link.ByCredential, link.ByPortalSession} {
							for check := link.NotAsked; check <= link.Unanswered; check++ {
								for _, elsewhere := range bools {
									for admissible := range 3 {
										if a != nil && admissible > 0 {
											continue // counted only where no account is chosen
										}
										for _, acting := range bools {
											if acting && !vouched {
												continue // only a provider says so
											}
											e := link.Evidence{Account: a, Vouched: vouched, ForOrganisation: acting, Proof: proof, Check: check, NumberElsewhere: elsewhere, Admissible: admissible}
											for e.IDCard = link.IDCardNotSaid; e.IDCard <= link.IDCardOther; e.IDCard++ {
												visit(p, e)
											}
										}
									}
								}
							}
						}
					}
				}
			}
		}
	}
}
