package ledger_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/identity"
)

func TestAnIDCardIsNotedWithItsCitizen(t *testing.T) {
	ctx := context.Background()
	path := tempFile(t)
	l := open(t, config(path))
	one, err := identity.ParseIDCardNumber("990190001")
	require.NoError(t, err)
	other, err := identity.ParseIDCardNumber("990190002")
	require.NoError(t, err)

	n := newLink("lan", person(t, 1))
	n.IDCard = one
	link, err := l.Link(ctx, n)
	require.NoError(t, err)
	assert.Equal(t, one, link.IDCard)
	again := mustLink(t, l, "lan-2", person(t, 1))
	assert.Equal(t, one, again.IDCard, "it is the citizen's, whatever the account")
	assert.True(t, mustLink(t, l, "huy", person(t, 2)).IDCard.IsZero())

	require.NoError(t, l.NoteIDCard(ctx, link.CitizenID, other))
	require.NoError(t, l.NoteIDCard(ctx, link.CitizenID, other))
	link, err = l.ActiveByAccount(ctx, "lan")
	require.NoError(t, err)
	assert.Equal(t, other, link.IDCard)
	assert.Equal(t, person(t, 1).Name, link.Name, "nothing else changed")
	require.NoError(t, l.NoteSubject(ctx, link.CitizenID, person(t, 1)))
	link, err = l.ActiveByAccount(ctx, "lan")
	require.NoError(t, err)
	assert.Equal(t, other, link.IDCard)

	var events int
	require.NoError(t, rawSQL(t, path).QueryRow("SELECT COUNT(*) FROM audit WHERE event = ?", ledger.EventIDCardNoted).Scan(&events))
	assert.Equal(t, 2, events, "once each")
	require.ErrorIs(t, l.NoteIDCard(ctx, "nobody", one), ledger.ErrNotFound)
	require.ErrorIs(t, l.NoteIDCard(ctx, link.CitizenID, identity.IDCardNumber{}), ledger.ErrIncomplete)
	require.ErrorIs(t, l.NoteIDCard(ctx, "", one), ledger.ErrIncomplete)
	for _, name := range []string{path, path + "-wal"} {
		if onPostgres() {
			break // the server keeps its files to itself
		}
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		assert.NotContains(t, string(text), other.Reveal(), "at rest it is encrypted")
	}
}

func TestAPendingCheckKeepsTheIDCardUntilItIsAnswered(t *testing.T) {
	ctx := context.Background()
	l := openNew(t)
	n := newPending("lan", 1)
	var err error
	n.IDCard, err = identity.ParseIDCardNumber("990190001")
	require.NoError(t, err)
	asked, err := l.AddPending(ctx, n)
	require.NoError(t, err)
	assert.Equal(t, n.IDCard, asked.IDCard)
	claimed, err := l.ClaimPending(ctx, time.Minute)
	require.NoError(t, err)
	require.Len(t, claimed, 1)
	assert.Equal(t, n.IDCard, claimed[0].IDCard)
	_, err = l.AnswerPending(ctx, asked.ID, false, "")
	require.NoError(t, err)
	closed, err := l.AnsweredByAccount(ctx, "lan")
	require.NoError(t, err)
	assert.True(t, closed.IDCard.IsZero())
}
