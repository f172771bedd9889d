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

func TestLinkTellsWhatItRecorded(t *testing.T) {
	ctx := context.Background()
	l := openNew(t)
	n := newLink("lan", person(t, 1))
	link, err := l.Link(ctx, n)
	require.NoError(t, err)
	assert.Equal(t, n.Account, link.Account)
	assert.Equal(t, n.Kind, link.Kind)
	assert.Equal(t, n.Citizen.Number, link.Number)
	assert.Equal(t, n.Citizen.Name, link.Name)
	assert.Equal(t, n.Citizen.BirthDate, link.BirthDate)
	assert.Equal(t, ledger.MethodCredential, link.Method)
	assert.Equal(t, ledger.Strong, link.Strength)
	assert.True(t, link.Default)
	assert.False(t, link.ProviderUsed)
	assert.WithinDuration(t, time.Now(), link.Since, time.Minute)

	byAccount, err := l.ActiveByAccount(ctx, "lan")
	require.NoError(t, err)
	assert.Equal(t, link, byAccount)
	for _, citizen := range []identity.Citizen{person(t, 1), matched(t, 1)} {
		byCitizen, err := l.ActiveByCitizen(ctx, citizen)
		require.NoError(t, err)
		assert.Equal(t, []ledger.Link{link}, byCitizen)
	}
	_, err = l.ActiveByAccount(ctx, "huy")
	assert.ErrorIs(t, err, ledger.ErrNotFound)
	none, err := l.ActiveByCitizen(ctx, person(t, 2))
	require.NoError(t, err)
	assert.Empty(t, none)
}

func TestLinkRefuses(t *testing.T) {
	ctx := context.Background()
	for name, c := range map[string]struct {
		change func(*ledger.NewLink)
		want   ledger.Error
	}{
		"no account":          {func(n *ledger.NewLink) { n.Account = "" }, ledger.ErrIncomplete},
		"no kind":             {func(n *ledger.NewLink) { n.Kind = "" }, ledger.ErrIncomplete},
		"no number":           {func(n *ledger.NewLink) { n.Citizen.Number = identity.CitizenNumber{} }, ledger.ErrIncomplete},
		"no method":           {func(n *ledger.NewLink) { n.Method = "" }, ledger.ErrIncomplete},
		"no strength":         {func(n *ledger.NewLink) { n.Strength = "" }, ledger.ErrIncomplete},
		"no proof":            {func(n *ledger.NewLink) { n.Proof = nil }, ledger.ErrIncomplete},
		"no consent":          {func(n *ledger.NewLink) { n.Consent = ledger.Consent{} }, ledger.ErrIncomplete},
		"subject of nobody":   {func(n *ledger.NewLink) { n.Citizen.Provider = "" }, ledger.ErrIncomplete},
		"provider of nobody":  {func(n *ledger.NewLink) { n.Citizen.Subject = "" }, ledger.ErrIncomplete},
		"proof past its time": {func(n *ledger.NewLink) { n.ProofExpires = time.Now().Add(-time.Second) }, ledger.ErrSpent},
		"account of another":  {func(n *ledger.NewLink) { n.Account = "lan" }, ledger.ErrAccountTaken},
		"number of another":   {func(n *ledger.NewLink) { n.Citizen.Number = number(t, 1) }, ledger.ErrConflict},
		"linked already":      {func(n *ledger.NewLink) { n.Account, n.Citizen = "lan", person(t, 1) }, ledger.ErrAlreadyLinked},
		"linked already, flow A": {func(n *ledger.NewLink) { n.Account, n.Citizen = "lan", matched(t, 1) },
			ledger.ErrAlreadyLinked},
	} {
		t.Run(name, func(t *testing.T) {
			l := openNew(t)
			first := mustLink(t, l, "lan", person(t, 1))
			n := newLink("huy", person(t, 2))
			c.change(&n)
			link, err := l.Link(ctx, n)
			require.ErrorIs(t, err, c.want)
			if c.want == ledger.ErrAlreadyLinked {
				assert.Equal(t, first, link)
			}
			_, err = l.ActiveByAccount(ctx, "huy")
			assert.ErrorIs(t, err, ledger.ErrNotFound)
			if c.want != ledger.ErrSpent && len(n.Proof) > 0 {
				assert.NoError(t, l.Spend(ctx, ledger.PurposeProof, n.Proof, n.ProofExpires), "a refused link leaves its proof")
			}
		})
	}
}

func TestLinkWithoutAScreenNeedsNoConsent(t *testing.T) {
	n := newLink("lan", person(t, 1))
	n.Method, n.Consent = ledger.MethodDirectory, ledger.Consent{}
	_, err := openNew(t).Link(context.Background(), n)
	assert.NoError(t, err)
}

func TestAProofLinksOnce(t *testing.T) {
	ctx := context.Background()
	l := openNew(t)
	n := newLink("lan", person(t, 1))
	_, err := l.Link(ctx, n)
	require.NoError(t, err)
	n.Account = "huy"
	_, err = l.Link(ctx, n)
	assert.ErrorIs(t, err, ledger.ErrSpent)
	_, err = l.Skip(ctx, "huy", n.Kind, n.Proof, n.ProofExpires, n.Source)
	assert.ErrorIs(t, err, ledger.ErrSpent)
}

// twoProcesses is one file opened twice, as by two processes.
func twoProcesses(t *testing.T) [2]*ledger.Ledger {
	c := config(tempFile(t))
	return [2]*ledger.Ledger{open(t, c), open(t, c)}
}

func TestOneAccountManyCitizensAtOnce(t *testing.T) {
	ctx := context.Background()
	ledgers := twoProcesses(t)
	for round := range 10 {
		account := string(rune('a' + round))
		errs := make([]error, 6)
		var wg sync.WaitGroup
		for i := range errs {
			n := newLink(account, person(t, 100*round+i))
			wg.Go(func() { _, errs[i] = ledgers[i%2].Link(ctx, n) })
		}
		wg.Wait()
		winner := -1
		for i, err := range errs {
			if err == nil {
				assert.Equal(t, -1, winner, "two winners")
				winner = i
			} else {
				assert.ErrorIs(t, err, ledger.ErrAccountTaken)
			}
		}
		require.NotEqual(t, -1, winner)
		link, err := ledgers[1].ActiveByAccount(ctx, identity.AccountID(account))
		require.NoError(t, err)
		assert.Equal(t, number(t, 100*round+winner), link.Number)
	}
}

func TestOneCitizenManyAccountsAtOnce(t *testing.T) {
	ctx := context.Background()
	ledgers := twoProcesses(t)
	var wg sync.WaitGroup
	for i := range 6 {
		n := newLink(string(rune('a'+i)), person(t, 1))
		wg.Go(func() {
			_, err := ledgers[i%2].Link(ctx, n)
			assert.NoError(t, err)
		})
	}
	wg.Wait()
	links, err := ledgers[0].ActiveByCitizen(ctx, person(t, 1))
	require.NoError(t, err)
	require.Len(t, links, 6)
	for i, link := range links {
		assert.Equal(t, i == 0, link.Default, "one default, and it comes first")
	}
}

func TestOneProofManyAccountsAtOnce(t *testing.T) {
	ctx := context.Background()
	ledgers := twoProcesses(t)
	n := newLink("", person(t, 1))
	errs := make([]error, 6)
	var wg sync.WaitGroup
	for i := range errs {
		mine := n
		mine.Account = identity.AccountID(rune('a' + i))
		wg.Go(func() { _, errs[i] = ledgers[i%2].Link(ctx, mine) })
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else {
			assert.ErrorIs(t, err, ledger.ErrSpent)
		}
	}
	assert.Equal(t, 1, won)
}

func TestTheIndexesHoldWithoutTheCode(t *testing.T) {
	path := tempFile(t)
	l := open(t, config(path))
	mustLink(t, l, "lan", person(t, 1))
	mustLink(t, l, "huy", person(t, 1))
	raw := rawSQL(t, path)
	for name, statement := range map[string]string{
		"two links an account":   "UPDATE links SET account_hmac = (SELECT account_hmac FROM links LIMIT 1)",
		"two defaults a citizen": "UPDATE links SET is_default = 1",
		"two holders of a number": `INSERT INTO identifiers SELECT 'x', citizen_id, kind, 'other', hmac, key_id, sealed, since, NULL
			FROM identifiers WHERE kind = 'number'`,
	} {
		_, err := raw.Exec(statement)
		require.Error(t, err, name)
		assert.Regexp(t, "(?i)unique", err.Error(), name)
	}
}

func TestUnlink(t *testing.T) {
	ctx := context.Background()
	path := tempFile(t)
	l := open(t, config(path))
	first := mustLink(t, l, "lan", person(t, 1))
	second := mustLink(t, l, "huy", person(t, 1))
	require.True(t, first.Default)
	require.False(t, second.Default)

	require.NoError(t, l.SetDefault(ctx, second.ID))
	require.NoError(t, l.SetDefault(ctx, second.ID), "again changes nothing")
	links, err := l.ActiveByCitizen(ctx, person(t, 1))
	require.NoError(t, err)
	require.Len(t, links, 2)
	assert.Equal(t, second.ID, links[0].ID)
	assert.True(t, links[0].Default)
	assert.False(t, links[1].Default)

	require.NoError(t, l.Unlink(ctx, second.ID, "by_citizen", "citizen"))
	links, err = l.ActiveByCitizen(ctx, person(t, 1))
	require.NoError(t, err)
	require.Len(t, links, 1)
	assert.Equal(t, first.ID, links[0].ID)
	assert.True(t, links[0].Default, "the default moved on")
	assert.ErrorIs(t, l.Unlink(ctx, second.ID, "by_citizen", "citizen"), ledger.ErrNotFound)
	assert.ErrorIs(t, l.SetDefault(ctx, second.ID), ledger.ErrNotFound)

	another := mustLink(t, l, "huy", person(t, 2))
	assert.NotEqual(t, second.ID, another.ID)
	var rows int
	require.NoError(t, rawSQL(t, path).QueryRow("SELECT COUNT(*) FROM links").Scan(&rows))
	assert.Equal(t, 3, rows, "history is kept")
}

func TestProviderUsedBelongsToTheLink(t *testing.T) {
	ctx := context.Background()
	l := openNew(t)
	assert.ErrorIs(t, l.MarkProviderUsed(ctx, "lan"), ledger.ErrNotFound)
	first := mustLink(t, l, "lan", person(t, 1))
	require.NoError(t, l.MarkProviderUsed(ctx, "lan"))
	require.NoError(t, l.MarkProviderUsed(ctx, "lan"))
	link, err := l.ActiveByAccount(ctx, "lan")
	require.NoError(t, err)
	assert.True(t, link.ProviderUsed)
	require.NoError(t, l.Unlink(ctx, first.ID, "wrong person", "staff"))
	assert.False(t, mustLink(t, l, "lan", person(t, 2)).ProviderUsed)
}

func TestAuditRowsComeWithWhatTheyTell(t *testing.T) {
	ctx := context.Background()
	path := tempFile(t)
	l := open(t, config(path))
	link := mustLink(t, l, "lan", person(t, 1))
	_, err := l.Link(ctx, newLink("lan", person(t, 2)))
	require.ErrorIs(t, err, ledger.ErrAccountTaken)
	require.NoError(t, l.Unlink(ctx, link.ID, "by_citizen", "citizen"))
	require.ErrorIs(t, l.Audit(ctx, ledger.Event{}), ledger.ErrIncomplete)

	rows, err := rawSQL(t, path).Query("SELECT event, actor, account, citizen FROM audit ORDER BY seq")
	require.NoError(t, err)
	defer func() { _ = rows.Close() }()
	var events []string
	for rows.Next() {
		var event, actor, account, citizen string
		require.NoError(t, rows.Scan(&event, &actor, &account, &citizen))
		events = append(events, event)
		assert.Equal(t, l.Pseudonym("actor", "citizen"), actor)
		assert.Equal(t, l.Pseudonym("account", "lan"), account)
		assert.Equal(t, l.Pseudonym("citizen", link.CitizenID), citizen)
	}
	require.NoError(t, rows.Err())
	assert.Equal(t, []string{ledger.EventLinked, ledger.EventUnlinked}, events)
}
