package ledger_test

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/identity"
)

// TestStatesSayWhatTheSingleAnswersSay: looking many accounts up at once is
// looking up each.
func TestStatesSayWhatTheSingleAnswersSay(t *testing.T) {
	ctx := context.Background()
	l := openNew(t)
	now := time.Now()
	var accounts []identity.AccountID
	for i := range 64 {
		account := identity.AccountID(fmt.Sprintf("account-%d", i))
		accounts = append(accounts, account)
		for range i & 3 {
			_, err := l.Skip(ctx, account, identity.KindCitizen, freshProof(), now.Add(time.Hour), netip.AddrPort{})
			require.NoError(t, err)
		}
		if i&4 != 0 {
			_, err := l.AddPending(ctx, newPending(string(account), i))
			require.NoError(t, err)
		}
		if i&8 != 0 {
			require.NoError(t, l.Exempt(ctx, ledger.Exemption{Account: account, Reason: "r", Approver: "a",
				Until: now.Add(time.Duration(i-32) * time.Hour), Extension: i&16 != 0}))
		}
		if i&32 != 0 {
			made, err := l.Link(ctx, newLink(string(account), person(t, 100+i)))
			require.NoError(t, err)
			if i&1 != 0 {
				require.NoError(t, l.MarkProviderUsed(ctx, account))
			}
			if i%5 < 2 {
				require.NoError(t, l.Unlink(ctx, made.ID, "r", "a"))
			}
			if i%5 == 0 {
				_, err = l.Link(ctx, newLink(string(account), person(t, 200+i)))
				require.NoError(t, err)
			}
		}
	}
	asked := append(accounts, "nobody", accounts[5], accounts[63])
	states, err := l.AccountStates(ctx, asked)
	require.NoError(t, err)
	require.Len(t, states, len(asked))
	for i, account := range asked {
		var want ledger.AccountState
		active, err := l.ActiveByAccount(ctx, account)
		want.Linked, want.ProviderUsed = err == nil, err == nil && active.ProviderUsed
		_, err = l.PendingByAccount(ctx, account)
		want.Pending = err == nil
		want.Unlinked, err = l.UnlinkedAccount(ctx, account)
		require.NoError(t, err)
		want.Skips, err = l.Skips(ctx, account)
		require.NoError(t, err)
		if excuse, err := l.ExemptionByAccount(ctx, account, now); err == nil {
			if excuse.Extension {
				want.ExtendedUntil = excuse.Until
			} else {
				want.ExemptUntil = excuse.Until
			}
		}
		got := states[i]
		for _, until := range []*time.Time{&got.ExemptUntil, &got.ExtendedUntil} {
			if !until.After(now) {
				*until = time.Time{} // over, which the single answer leaves out
			}
		}
		assert.Equal(t, want, got, account)
	}
	none, err := l.AccountStates(ctx, nil)
	require.NoError(t, err)
	assert.Empty(t, none)
}

// TestSkipAtMost: of many browsers at once, as many skip as may.
func TestSkipAtMost(t *testing.T) {
	ctx := context.Background()
	l := openNew(t)
	const most = 3
	var done sync.WaitGroup
	results := make(chan error, 12)
	for range cap(results) {
		done.Go(func() {
			_, err := l.SkipAtMost(ctx, most, "lan", identity.KindCitizen, freshProof(), time.Now().Add(time.Hour), netip.AddrPort{})
			results <- err
		})
	}
	done.Wait()
	close(results)
	skipped := 0
	for err := range results {
		if err == nil {
			skipped++
			continue
		}
		assert.ErrorIs(t, err, ledger.ErrSkipsSpent)
	}
	assert.Equal(t, most, skipped)
	proof := freshProof()
	_, err := l.SkipAtMost(ctx, most, "lan", identity.KindCitizen, proof, time.Now().Add(time.Hour), netip.AddrPort{})
	require.ErrorIs(t, err, ledger.ErrSkipsSpent)
	count, err := l.Skip(ctx, "lan", identity.KindCitizen, proof, time.Now().Add(time.Hour), netip.AddrPort{})
	require.NoError(t, err, "the proof was not spent")
	assert.Equal(t, most+1, count)
}

func TestExemptionsAreListedAndEnded(t *testing.T) {
	ctx := context.Background()
	l := openNew(t)
	f := feed(t, l)
	now := time.Now()
	last, err := l.LastExemption(ctx)
	require.NoError(t, err)
	assert.True(t, last.IsZero())
	end := now.Add(2 * time.Hour).Truncate(time.Millisecond)
	for _, e := range []ledger.Exemption{
		{Account: "lan", Reason: "Không có điện thoại", Approver: "can-bo", Until: end},
		{Account: "huy", Reason: "Đang ở nước ngoài", Approver: "can-bo", Until: end.Add(-time.Hour), Extension: true},
		{Account: "mai", Reason: "x", Approver: "can-bo", Until: now.Add(-time.Hour)},
	} {
		require.NoError(t, l.Exempt(ctx, e))
	}
	list := func() (ids []identity.AccountID) {
		require.NoError(t, l.Exemptions(ctx, now, func(e ledger.Exemption) error {
			ids = append(ids, e.Account)
			assert.Equal(t, e.Account == "huy", e.Extension)
			return nil
		}))
		return ids
	}
	assert.Equal(t, []identity.AccountID{"huy", "lan"}, list())
	last, err = l.LastExemption(ctx)
	require.NoError(t, err)
	assert.True(t, last.Equal(end))

	before := now.Add(-time.Second)
	assert.ErrorIs(t, l.EndExemption(ctx, "lan", "", "x"), ledger.ErrIncomplete)
	assert.ErrorIs(t, l.EndExemption(ctx, "mai", "can-bo", "x"), ledger.ErrNotFound, "it was over")
	assert.ErrorIs(t, l.EndExemption(ctx, "nobody", "can-bo", "x"), ledger.ErrNotFound)
	require.NoError(t, l.EndExemption(ctx, "lan", "truong-phong", "Đã có điện thoại"))
	assert.Equal(t, ledger.Changed, f.State(ledger.Ref{Account: "lan", Begun: before}))
	assert.Equal(t, []identity.AccountID{"huy"}, list())
	detail, err := l.AuditDetail(ctx, ledger.EventExemptionEnded)
	require.NoError(t, err)
	assert.Contains(t, detail, "truong-phong")
	assert.ErrorIs(t, l.EndExemption(ctx, "lan", "truong-phong", "x"), ledger.ErrNotFound)
}
