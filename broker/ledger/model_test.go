package ledger_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/identity"
)

// model is the ledger as a few slices.
type model struct {
	citizens []*modelCitizen
	links    []*modelLink // active ones, oldest first
	skips    map[identity.AccountID]int
	ended    map[identity.AccountID]time.Time
	checks   map[identity.AccountID]ledger.Pending // open ones
	exempt   map[identity.AccountID]time.Time      // until when
}

// answer is what becomes of the account's check when it matches.
func (m *model) answer(account identity.AccountID) (*modelLink, error) {
	n := m.checks[account].Number
	_, who := m.who("", n)
	same := func(l *modelLink) bool { return l.account == account }
	if links := m.of(who); slices.ContainsFunc(links, same) {
		return nil, nil
	} else if len(links) > 0 {
		return nil, ledger.ErrConflict
	}
	return m.link(account, "", n)
}

type modelCitizen struct {
	subject string
	number  identity.CitizenNumber
}

type modelLink struct {
	id        string
	account   identity.AccountID
	citizen   *modelCitizen
	isDefault bool
}

func (m *model) who(subject string, n identity.CitizenNumber) (bySubject, byNumber *modelCitizen) {
	for _, c := range m.citizens {
		if subject != "" && c.subject == subject {
			bySubject = c
		}
		if c.number == n {
			byNumber = c
		}
	}
	return bySubject, byNumber
}

func (m *model) link(account identity.AccountID, subject string, n identity.CitizenNumber) (*modelLink, error) {
	bySubject, byNumber := m.who(subject, n)
	citizen := bySubject
	if citizen == nil {
		citizen = byNumber
	}
	if byNumber != nil && (citizen != byNumber || subject != "" && byNumber.subject != "" && byNumber.subject != subject) {
		return nil, ledger.ErrConflict
	}
	for _, l := range m.links {
		if l.account == account && l.citizen == citizen {
			return nil, ledger.ErrAlreadyLinked
		} else if l.account == account {
			return nil, ledger.ErrAccountTaken
		}
	}
	if citizen == nil {
		citizen = &modelCitizen{}
		m.citizens = append(m.citizens, citizen)
	}
	citizen.number = n
	if subject != "" {
		citizen.subject = subject
	}
	made := &modelLink{account: account, citizen: citizen, isDefault: len(m.of(citizen)) == 0}
	m.links = append(m.links, made)
	delete(m.skips, account)
	return made, nil
}

// of is a citizen's links, the default first.
func (m *model) of(c *modelCitizen) (links []*modelLink) {
	for _, l := range m.links {
		if c != nil && l.citizen == c && l.isDefault {
			links = slices.Insert(links, 0, l)
		} else if c != nil && l.citizen == c {
			links = append(links, l)
		}
	}
	return links
}

func (m *model) unlink(l *modelLink) {
	m.links = slices.DeleteFunc(m.links, func(other *modelLink) bool { return other == l })
	if rest := m.of(l.citizen); l.isDefault && len(rest) > 0 {
		rest[0].isDefault = true
	}
}

func TestRandomSequencesAgreeWithTheModel(t *testing.T) {
	for range 4 {
		seed := rand.Uint64()
		t.Run(fmt.Sprint(seed), func(t *testing.T) { walk(t, rand.New(rand.NewPCG(seed, 1)), 150) })
	}
}

func walk(t *testing.T, r *rand.Rand, steps int) {
	ctx := context.Background()
	at := newClock()
	at.step.Store(1)
	c := config(tempFile(t))
	c.Now, c.CheckpointRows = at.now, 7
	ledgers := []*ledger.Ledger{open(t, c), open(t, c)}
	f := feed(t, ledgers[0])
	m := &model{skips: make(map[identity.AccountID]int), ended: make(map[identity.AccountID]time.Time),
		checks: make(map[identity.AccountID]ledger.Pending), exempt: make(map[identity.AccountID]time.Time)}
	accounts := []identity.AccountID{"a", "b", "c", "d", "e"}
	subjects := []string{"", "s1", "s2", "s3"}
	numbers := []identity.CitizenNumber{number(t, 1), number(t, 2), number(t, 3), number(t, 4)}
	proof, spent := freshProof(), false

	for step := range steps {
		l := ledgers[0]
		if r.IntN(4) == 0 {
			l = ledgers[1]
		}
		account := accounts[r.IntN(len(accounts))]
		subject, n := subjects[r.IntN(len(subjects))], numbers[r.IntN(len(numbers))]
		soon := at.now().Add(time.Hour)
		// Now and then the proof of the step before, spent or not.
		if r.IntN(8) > 0 {
			proof, spent = freshProof(), false
		}
		switch op := r.IntN(15); {
		case op < 5:
			citizen := identity.Citizen{Subject: subject, Number: n}
			if subject != "" {
				citizen.Provider = "vneid"
			}
			attempt := newLink(string(account), citizen)
			attempt.Proof, attempt.ProofExpires = proof, soon
			got, err := l.Link(ctx, attempt)
			if spent {
				require.ErrorIs(t, err, ledger.ErrSpent)
				break
			}
			made, want := m.link(account, subject, n)
			require.ErrorIs(t, err, want)
			if want == nil {
				made.id, m.ended[account], spent = got.ID, got.Since, true
			}
		case op < 7 && len(m.links) > 0:
			victim := m.links[r.IntN(len(m.links))]
			require.NoError(t, l.Unlink(ctx, victim.id, "test", "test"))
			m.unlink(victim)
			m.ended[victim.account] = at.now()
		case op < 8 && len(m.links) > 0:
			chosen := m.links[r.IntN(len(m.links))]
			require.NoError(t, l.SetDefault(ctx, chosen.id))
			for _, other := range m.of(chosen.citizen) {
				other.isDefault = other == chosen
			}
		case op == 10:
			asked := newPending(string(account), 0)
			asked.Number, asked.Proof, asked.ProofExpires = n, proof, soon
			got, err := l.AddPending(ctx, asked)
			_, open := m.checks[account]
			switch {
			case spent:
				require.ErrorIs(t, err, ledger.ErrSpent)
			case slices.ContainsFunc(m.links, func(l *modelLink) bool { return l.account == account }):
				require.ErrorIs(t, err, ledger.ErrAlreadyLinked)
			case open:
				require.ErrorIs(t, err, ledger.ErrPending)
			default:
				require.NoError(t, err)
				m.checks[account], spent = got, true
			}
		case op == 11 || op == 12:
			check, open := m.checks[account]
			if !open {
				break
			}
			matched := r.IntN(4) > 0
			got, err := l.AnswerPending(ctx, check.ID, matched, ledger.Weak)
			if matched {
				made, want := m.answer(account)
				require.ErrorIs(t, err, want)
				if made != nil {
					made.id = got.ID
					if m.ended[account].Before(check.At) {
						m.ended[account] = check.At
					}
				}
			} else {
				require.NoError(t, err)
			}
			_, err = l.AnswerPending(ctx, check.ID, matched, ledger.Weak)
			require.ErrorIs(t, err, ledger.ErrNotFound)
			delete(m.checks, account)
		case op == 13:
			m.exempt[account] = at.now().Add(time.Duration(r.IntN(200)-50) * time.Millisecond)
			require.NoError(t, l.Exempt(ctx, ledger.Exemption{Account: account, Reason: "r", Approver: "a", Until: m.exempt[account]}))
		case op == 14:
			_, err := l.SealAudit(ctx)
			require.NoError(t, err)
			report := verify(t, l)
			require.True(t, report.Whole(), report.Reason)
		default:
			_, err := l.Skip(ctx, account, identity.KindCitizen, proof, soon, netip.AddrPort{})
			if spent {
				require.ErrorIs(t, err, ledger.ErrSpent)
			} else if slices.ContainsFunc(m.links, func(l *modelLink) bool { return l.account == account }) {
				require.ErrorIs(t, err, ledger.ErrAlreadyLinked)
			} else {
				require.NoError(t, err)
				m.skips[account]++
				spent = true
			}
		}
		// What the step touched, and now and then everything.
		if step%15 == 0 {
			compare(t, l, m, accounts, subjects, numbers)
		} else {
			compare(t, l, m, []identity.AccountID{account}, []string{subject}, []identity.CitizenNumber{n})
		}
	}
	compare(t, ledgers[1], m, accounts, subjects, numbers)
	for account := range m.exempt {
		for _, now := range []time.Time{m.exempt[account].Add(-1), m.exempt[account]} {
			_, err := ledgers[0].ExemptionByAccount(ctx, account, now)
			require.Equal(t, now.Before(m.exempt[account]), err == nil)
		}
	}
	at.advance(time.Minute) // past the lease of whoever sealed last
	seal(t, ledgers[0])
	report := verify(t, ledgers[1])
	require.True(t, report.Whole(), report.Reason)
	require.Zero(t, report.Unsealed)
	for account, ended := range m.ended {
		require.Eventually(t, func() bool {
			return f.State(ledger.Ref{Account: account, Begun: ended.Add(-10 * time.Second)}) == ledger.Ended
		}, 10*time.Second, time.Millisecond)
		require.Equal(t, ledger.Live, f.State(ledger.Ref{Account: account, Begun: at.now()}))
	}
}

func compare(t *testing.T, l *ledger.Ledger, m *model, accounts []identity.AccountID, subjects []string, numbers []identity.CitizenNumber) {
	t.Helper()
	ctx := context.Background()
	for _, account := range accounts {
		got, err := l.ActiveByAccount(ctx, account)
		i := slices.IndexFunc(m.links, func(l *modelLink) bool { return l.account == account })
		if i < 0 {
			require.ErrorIs(t, err, ledger.ErrNotFound)
		} else {
			require.NoError(t, err)
			require.Equal(t, m.links[i].citizen.number, got.Number)
			require.Equal(t, m.links[i].isDefault, got.Default)
		}
		check, err := l.PendingByAccount(ctx, account)
		if want, open := m.checks[account]; open {
			require.NoError(t, err)
			require.Equal(t, want, check)
		} else {
			require.ErrorIs(t, err, ledger.ErrNotFound)
		}
		count, err := l.Skips(ctx, account)
		require.NoError(t, err)
		require.Equal(t, m.skips[account], count)
	}
	for _, subject := range subjects {
		for _, n := range numbers {
			citizen := identity.Citizen{Subject: subject, Number: n}
			if subject != "" {
				citizen.Provider = "vneid"
			}
			links, err := l.ActiveByCitizen(ctx, citizen)
			who, byNumber := m.who(subject, n)
			if who == nil && byNumber != nil && subject != "" && byNumber.subject != "" {
				require.ErrorIs(t, err, ledger.ErrConflict)
				continue
			}
			if who == nil {
				who = byNumber
			}
			require.NoError(t, err)
			var got, want []string
			for _, link := range links {
				got = append(got, link.ID)
			}
			for _, link := range m.of(who) {
				want = append(want, link.id)
			}
			require.Equal(t, want, got)
		}
	}
}
