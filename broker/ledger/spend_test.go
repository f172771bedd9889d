package ledger_test

import (
	"context"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/identity"
)

func TestSpendOnce(t *testing.T) {
	ctx := context.Background()
	ledgers := twoProcesses(t)
	soon := time.Now().Add(time.Hour)
	var won atomic.Int64
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			if err := ledgers[i%2].Spend(ctx, ledger.PurposeState, []byte("state"), soon); err == nil {
				won.Add(1)
			} else {
				assert.ErrorIs(t, err, ledger.ErrSpent)
			}
		})
	}
	wg.Wait()
	assert.EqualValues(t, 1, won.Load())
	assert.NoError(t, ledgers[0].Spend(ctx, ledger.PurposeJTI, []byte("state"), soon), "another purpose is another id")
	assert.ErrorIs(t, ledgers[0].Spend(ctx, ledger.PurposeJTI, nil, soon), ledger.ErrIncomplete)
}

func TestSpentStaysSpentPastItsTime(t *testing.T) {
	ctx := context.Background()
	at := newClock()
	c := config(tempFile(t))
	c.Now = at.now
	l := open(t, c)
	expires := at.now().Add(10 * time.Minute)
	require.NoError(t, l.Spend(ctx, ledger.PurposeState, []byte("state"), expires))
	at.advance(time.Hour)
	require.NoError(t, l.Sweep(ctx))
	assert.ErrorIs(t, l.Spend(ctx, ledger.PurposeState, []byte("state"), expires), ledger.ErrSpent)
}

func TestCounters(t *testing.T) {
	ctx := context.Background()
	at := newClock()
	c := config(tempFile(t))
	c.Now = at.now
	one, other := open(t, c), open(t, c)
	key := []byte("lan")
	began := at.now()
	raise := func(l *ledger.Ledger, want int) time.Time {
		t.Helper()
		tries, until, err := l.Raise(ctx, "account", key, 15*time.Minute)
		require.NoError(t, err)
		assert.Equal(t, want, tries)
		return until
	}
	first := raise(one, 1)
	assert.True(t, first.Equal(began.Add(15*time.Minute)))
	at.advance(time.Minute)
	assert.Equal(t, first, raise(other, 2), "replicas share the counter, and the window does not move")
	require.NoError(t, one.Lower(ctx, "account", key, first))
	raise(one, 2)
	tries, _, err := one.Raise(ctx, "citizen", key, time.Minute)
	require.NoError(t, err)
	assert.Equal(t, 1, tries, "another scope is another counter")

	at.advance(14 * time.Minute)
	second := raise(one, 1)
	assert.True(t, second.After(first))
	require.NoError(t, one.Lower(ctx, "account", key, first), "late, from the window before")
	raise(one, 2)
	for range 5 {
		require.NoError(t, one.Lower(ctx, "account", key, second))
	}
	raise(one, 1)
	_, _, err = one.Raise(ctx, "account", key, 0)
	assert.ErrorIs(t, err, ledger.ErrIncomplete)
}

func TestCountersRaisedAtOnce(t *testing.T) {
	ledgers := twoProcesses(t)
	var wg sync.WaitGroup
	var seen sync.Map
	for i := range 10 {
		wg.Go(func() {
			tries, _, err := ledgers[i%2].Raise(context.Background(), "account", []byte("lan"), time.Hour)
			assert.NoError(t, err)
			_, twice := seen.LoadOrStore(tries, true)
			assert.False(t, twice, "two tries counted as one")
		})
	}
	wg.Wait()
}

func TestSkips(t *testing.T) {
	ctx := context.Background()
	l := openNew(t)
	soon := time.Now().Add(time.Hour)
	skip := func(account identity.AccountID) (int, error) {
		return l.Skip(ctx, account, identity.KindCitizen, freshProof(), soon, netip.AddrPort{})
	}
	for want := 1; want <= 3; want++ {
		count, err := skip("lan")
		require.NoError(t, err)
		assert.Equal(t, want, count)
	}
	count, err := l.Skips(ctx, "huy")
	require.NoError(t, err)
	assert.Zero(t, count)
	_, err = skip("")
	assert.ErrorIs(t, err, ledger.ErrIncomplete)

	link := mustLink(t, l, "lan", person(t, 1))
	count, err = l.Skips(ctx, "lan")
	require.NoError(t, err)
	assert.Zero(t, count, "a link closes them")
	_, err = skip("lan")
	assert.ErrorIs(t, err, ledger.ErrAlreadyLinked)
	require.NoError(t, l.Unlink(ctx, link.ID, "by_citizen", "citizen"))
	count, err = skip("lan")
	require.NoError(t, err)
	assert.Equal(t, 1, count)
}

func TestSecrets(t *testing.T) {
	ctx := context.Background()
	at := newClock()
	c := config(tempFile(t))
	c.Now = at.now
	l := open(t, c)
	key := []byte("tokens")
	_, err := l.GetSecret(ctx, key)
	assert.ErrorIs(t, err, ledger.ErrNotFound)
	require.NoError(t, l.PutSecret(ctx, key, []byte("one"), at.now().Add(time.Hour)))
	require.NoError(t, l.PutSecret(ctx, key, []byte("two"), at.now().Add(time.Hour)))
	value, err := l.GetSecret(ctx, key)
	require.NoError(t, err)
	assert.Equal(t, "two", string(value))
	require.NoError(t, l.DeleteSecret(ctx, key))
	require.NoError(t, l.DeleteSecret(ctx, key))
	_, err = l.GetSecret(ctx, key)
	assert.ErrorIs(t, err, ledger.ErrNotFound)

	require.NoError(t, l.PutSecret(ctx, key, []byte("three"), at.now().Add(time.Hour)))
	at.advance(time.Hour)
	_, err = l.GetSecret(ctx, key)
	assert.ErrorIs(t, err, ledger.ErrNotFound, "expired, swept or not")
}

func TestSweepKeepsWhatIsHistory(t *testing.T) {
	ctx := context.Background()
	at := newClock()
	path := tempFile(t)
	c := config(path)
	c.Now = at.now
	c.SessionLifetime = time.Hour
	l := open(t, c)
	soon := at.now().Add(time.Hour)
	_, err := l.Skip(ctx, "lan", identity.KindCitizen, freshProof(), soon, netip.AddrPort{})
	require.NoError(t, err)
	n := newLink("lan", person(t, 1))
	n.ProofExpires = soon
	_, err = l.Link(ctx, n)
	require.NoError(t, err)
	_, _, err = l.Raise(ctx, "account", []byte("lan"), time.Hour)
	require.NoError(t, err)
	require.NoError(t, l.PutSecret(ctx, []byte("k"), []byte("v"), soon))

	raw := rawSQL(t, path)
	rows := func(table string) (n int) {
		require.NoError(t, raw.QueryRow("SELECT COUNT(*) FROM "+table).Scan(&n))
		return n
	}
	gone := []string{"spent", "counters", "revocations", "secrets"}
	require.NoError(t, l.Sweep(ctx))
	for _, table := range gone {
		assert.NotZero(t, rows(table), table)
	}
	at.advance(2 * time.Hour)
	require.NoError(t, l.Sweep(ctx))
	for _, table := range gone {
		assert.Zero(t, rows(table), table)
	}
	for _, table := range []string{"links", "citizens", "identifiers", "consents", "skips", "audit"} {
		assert.NotZero(t, rows(table), table)
	}
}
