package ledger_test

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/ledger"
)

func TestALinkEndsWhenItsTimeHasCome(t *testing.T) {
	ctx := context.Background()
	at := newClock()
	c := config(tempFile(t))
	c.Now = at.now
	l := open(t, c)
	first, second := mustLink(t, l, "lan", person(t, 1)), mustLink(t, l, "huy", person(t, 1))
	source := netip.MustParseAddrPort("192.0.2.9:50000")
	due := at.now().Add(72 * time.Hour)
	require.NoError(t, l.AskUnlink(ctx, first.ID, due, source))
	require.NoError(t, l.AskUnlink(ctx, first.ID, due.Add(-time.Hour), source), "the first request stands")

	found, err := l.ActiveByAccount(ctx, "lan")
	require.NoError(t, err)
	assert.Equal(t, due.UnixMilli(), found.UnlinkDue.UnixMilli())
	unlinked, err := l.UnlinkedAccount(ctx, "lan")
	require.NoError(t, err)
	assert.False(t, unlinked)

	at.advance(72*time.Hour - time.Millisecond)
	ended, err := l.EndDueUnlinks(ctx)
	require.NoError(t, err)
	assert.Zero(t, ended, "not before its time")
	at.advance(time.Millisecond)
	ended, err = l.EndDueUnlinks(ctx)
	require.NoError(t, err)
	assert.Equal(t, 1, ended)
	ended, err = l.EndDueUnlinks(ctx)
	require.NoError(t, err)
	assert.Zero(t, ended, "once")

	_, err = l.ActiveByAccount(ctx, "lan")
	require.ErrorIs(t, err, ledger.ErrNotFound)
	unlinked, err = l.UnlinkedAccount(ctx, "lan")
	require.NoError(t, err)
	assert.True(t, unlinked)
	rest, err := l.ActiveByCitizen(ctx, person(t, 1))
	require.NoError(t, err)
	require.Len(t, rest, 1)
	assert.Equal(t, second.ID, rest[0].ID)
	assert.True(t, rest[0].Default, "the default moves on")

	again := mustLink(t, l, "lan", person(t, 2))
	assert.NotEqual(t, first.ID, again.ID, "history is kept, a new proof makes a new link")
	unlinked, err = l.UnlinkedAccount(ctx, "lan")
	require.NoError(t, err)
	assert.False(t, unlinked)
}

func TestAnUnlinkIsWithdrawn(t *testing.T) {
	ctx := context.Background()
	at := newClock()
	c := config(tempFile(t))
	c.Now = at.now
	l := open(t, c)
	link := mustLink(t, l, "lan", person(t, 1))
	require.ErrorIs(t, l.WithdrawUnlink(ctx, link.ID, netip.AddrPort{}), ledger.ErrNotFound)
	require.NoError(t, l.AskUnlink(ctx, link.ID, at.now().Add(time.Hour), netip.AddrPort{}))
	require.NoError(t, l.WithdrawUnlink(ctx, link.ID, netip.AddrPort{}))
	at.advance(2 * time.Hour)
	ended, err := l.EndDueUnlinks(ctx)
	require.NoError(t, err)
	assert.Zero(t, ended)
	require.NoError(t, l.AskUnlink(ctx, link.ID, at.now().Add(time.Hour), netip.AddrPort{}), "it may be asked again")
	assert.ErrorIs(t, l.AskUnlink(ctx, "no such link", at.now(), netip.AddrPort{}), ledger.ErrNotFound)
}

// A link that ends otherwise takes its request along.
func TestStaffAreFaster(t *testing.T) {
	ctx := context.Background()
	at := newClock()
	c := config(tempFile(t))
	c.Now = at.now
	l := open(t, c)
	link := mustLink(t, l, "lan", person(t, 1))
	require.NoError(t, l.AskUnlink(ctx, link.ID, at.now().Add(time.Hour), netip.AddrPort{}))
	require.NoError(t, l.Unlink(ctx, link.ID, "yêu cầu tại quầy", "an"))
	mustLink(t, l, "lan", person(t, 1))
	at.advance(2 * time.Hour)
	ended, err := l.EndDueUnlinks(ctx)
	require.NoError(t, err)
	assert.Zero(t, ended, "the new link was not asked to end")
	_, err = l.ActiveByAccount(ctx, "lan")
	require.NoError(t, err)
}
