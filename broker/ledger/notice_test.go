package ledger_test

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/identity"
)

// Whoever has the page before them is not told again; what happens behind
// their back waits, for whichever of their accounts they sign in to.
func TestNoticesWaitForTheNextSignIn(t *testing.T) {
	ctx := context.Background()
	l := openNew(t)
	first := mustLink(t, l, "lan", person(t, 1))
	mustLink(t, l, "huy", person(t, 1))
	mustLink(t, l, "of-somebody-else", person(t, 2))
	waiting, err := l.WaitingNotices(ctx, "lan", true)
	require.NoError(t, err)
	assert.Empty(t, waiting)

	due := time.Now().Add(72 * time.Hour).Truncate(time.Second)
	require.NoError(t, l.AskUnlink(ctx, first.ID, due, netip.AddrPort{}))
	for account, want := range map[string]int{"lan": 1, "huy": 1, "of-somebody-else": 0, "nobody": 0} {
		waiting, err = l.WaitingNotices(ctx, identity.AccountID(account), true)
		require.NoError(t, err)
		assert.Len(t, waiting, want, account)
	}
	waiting, err = l.WaitingNotices(ctx, "huy", false)
	require.NoError(t, err)
	assert.Empty(t, waiting, "nobody vouched: the citizen's other accounts are none of theirs")
	waiting, err = l.WaitingNotices(ctx, "huy", true)
	require.NoError(t, err)
	assert.Equal(t, ledger.EventUnlinkAsked, waiting[0].Event)
	assert.EqualValues(t, "lan", waiting[0].Account)
	assert.True(t, waiting[0].Due.Equal(due))
	require.NoError(t, l.CloseNotice(ctx, waiting[0].ID, ledger.NoticeShown))
	require.NoError(t, l.CloseNotice(ctx, waiting[0].ID, ledger.NoticeFailed), "it has ended")
	waiting, err = l.WaitingNotices(ctx, "lan", true)
	require.NoError(t, err)
	assert.Empty(t, waiting)
	require.ErrorIs(t, l.CloseNotice(ctx, "x", ""), ledger.ErrIncomplete)
}

func TestNoticesAreClaimedOnce(t *testing.T) {
	ctx := context.Background()
	at := newClock()
	c := config(tempFile(t))
	c.Now, c.Notify = at.now, true
	l := open(t, c)
	mustLink(t, l, "lan", person(t, 1))
	claimed, err := l.ClaimNotices(ctx, time.Minute)
	require.NoError(t, err)
	require.Len(t, claimed, 1, "the portal is told of every link")
	assert.Equal(t, ledger.EventLinked, claimed[0].Event)
	assert.Equal(t, ledger.MethodCredential, claimed[0].Method)
	assert.Equal(t, 1, claimed[0].Tries)
	none, err := l.ClaimNotices(ctx, time.Minute)
	require.NoError(t, err)
	assert.Empty(t, none)
	at.advance(2 * time.Minute)
	again, err := l.ClaimNotices(ctx, time.Minute)
	require.NoError(t, err)
	require.Len(t, again, 1, "whoever had it was killed")
	assert.Equal(t, claimed[0].ID, again[0].ID)
	require.NoError(t, l.CloseNotice(ctx, again[0].ID, ledger.NoticeDelivered))
	at.advance(400 * 24 * time.Hour)
	require.NoError(t, l.Sweep(ctx))
}
