package ledger_test

import (
	"errors"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/ledger"
)

// Of all replicas one is given a secret that is due; who comes too late cannot
// put theirs in the place of another's.
func TestDueSecretIsClaimedByOne(t *testing.T) {
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "ledger.db")
	now := newClock()
	one, two := openWriting(t, path, now), openWriting(t, path, now)
	key := []byte("row")
	_, _, err := one.ClaimDueSecret(ctx, key, time.Minute)
	require.ErrorIs(t, err, ledger.ErrNotFound)
	require.NoError(t, one.PutDueSecret(ctx, key, []byte("first"), now.now().Add(time.Hour), now.now().Add(8*time.Hour)))
	_, _, err = one.ClaimDueSecret(ctx, key, time.Minute)
	require.ErrorIs(t, err, ledger.ErrNotFound, "not due")

	now.advance(time.Hour)
	var fence atomic.Int64
	var got sync.WaitGroup
	for i := range 20 {
		l := []*ledger.Ledger{one, two}[i%2]
		got.Go(func() {
			value, mine, err := l.ClaimDueSecret(ctx, key, time.Minute)
			if errors.Is(err, ledger.ErrNotFound) {
				return
			}
			if assert.NoError(t, err) {
				assert.Equal(t, "first", string(value))
				assert.True(t, fence.CompareAndSwap(0, mine), "one alone")
			}
		})
	}
	got.Wait()
	require.NotZero(t, fence.Load())

	now.advance(time.Minute) // whoever had it is gone, or slow
	value, next, err := two.ClaimDueSecret(ctx, key, time.Minute)
	require.NoError(t, err)
	assert.Equal(t, "first", string(value))
	require.NoError(t, two.RenewDueSecret(ctx, key, next, []byte("second"), now.now().Add(time.Hour)))
	assert.ErrorIs(t, one.RenewDueSecret(ctx, key, fence.Load(), []byte("late"), now.now()), ledger.ErrSpent)
	value, err = one.GetSecret(ctx, key)
	require.NoError(t, err)
	assert.Equal(t, "second", string(value))

	require.NoError(t, one.DeleteSecret(ctx, key))
	assert.ErrorIs(t, two.RenewDueSecret(ctx, key, next, []byte("third"), now.now()), ledger.ErrSpent, "what is forgotten stays so")
}
