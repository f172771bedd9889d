package ledger_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/identity"
)

func TestFlowALinkMeetsTheProvider(t *testing.T) {
	ctx := context.Background()
	l := openNew(t)
	known := matched(t, 1)
	known.Name = "TRAN THI THU"
	link := mustLink(t, l, "lan", known)

	links, err := l.ActiveByCitizen(ctx, person(t, 1))
	require.NoError(t, err)
	require.Len(t, links, 1, "found by number, for the subject is unknown")
	require.NoError(t, l.NoteSubject(ctx, link.CitizenID, person(t, 1)))
	require.NoError(t, l.NoteSubject(ctx, link.CitizenID, person(t, 1)), "again changes nothing")

	renumbered := person(t, 1)
	renumbered.Number = number(t, 7)
	links, err = l.ActiveByCitizen(ctx, renumbered)
	require.NoError(t, err)
	require.Len(t, links, 1, "found by subject now, whatever the number")
	assert.Equal(t, "Trần Thị Thử", links[0].Name, "the provider's word replaces what was matched")
}

func TestSameSubjectWithANewNumberKeepsItsLinks(t *testing.T) {
	ctx := context.Background()
	for name, c := range map[string]struct {
		change func(*identity.Citizen)
		review bool
	}{
		"same person":      {func(*identity.Citizen) {}, false},
		"another name too": {func(c *identity.Citizen) { c.Name = "Lê Văn Khác" }, true},
		"another birth":    {func(c *identity.Citizen) { c.BirthDate.Day = 4 }, true},
	} {
		t.Run(name, func(t *testing.T) {
			l := openNew(t)
			link := mustLink(t, l, "lan", person(t, 1))
			renumbered := person(t, 1)
			renumbered.Number = number(t, 7)
			c.change(&renumbered)
			require.NoError(t, l.NoteSubject(ctx, link.CitizenID, renumbered))
			now, err := l.ActiveByAccount(ctx, "lan")
			require.NoError(t, err)
			assert.Equal(t, link.ID, now.ID)
			assert.Equal(t, number(t, 7), now.Number)

			links, err := l.ActiveByCitizen(ctx, matched(t, 1))
			require.NoError(t, err)
			assert.Empty(t, links, "the old number is nobody's")
			mustLink(t, l, "huy", person2With(t, number(t, 1)))

			detail, err := l.AuditDetail(ctx, ledger.EventNumberChanged)
			require.NoError(t, err)
			assert.Equal(t, c.review, strings.Contains(detail, `"review":"true"`), detail)
		})
	}
}

func person2With(t *testing.T, n identity.CitizenNumber) identity.Citizen {
	c := person(t, 2)
	c.Number = n
	return c
}

func TestARecycledNumberOpensNobodysAccount(t *testing.T) {
	ctx := context.Background()
	l := openNew(t)
	mustLink(t, l, "lan", person(t, 1))
	stranger := person2With(t, number(t, 1))
	_, err := l.ActiveByCitizen(ctx, stranger)
	assert.ErrorIs(t, err, ledger.ErrConflict)
	_, err = l.Link(ctx, newLink("huy", stranger))
	assert.ErrorIs(t, err, ledger.ErrConflict)

	elsewhere := person2With(t, number(t, 1))
	elsewhere.Provider = "national-portal"
	links, err := l.ActiveByCitizen(ctx, elsewhere)
	require.NoError(t, err)
	assert.Len(t, links, 1, "another provider's subject is no contradiction")
}

func TestNoteSubjectRefuses(t *testing.T) {
	ctx := context.Background()
	l := openNew(t)
	first := mustLink(t, l, "lan", person(t, 1))
	second := mustLink(t, l, "huy", matched(t, 2))
	assert.ErrorIs(t, l.NoteSubject(ctx, "absent", person(t, 3)), ledger.ErrNotFound)
	assert.ErrorIs(t, l.NoteSubject(ctx, first.CitizenID, matched(t, 1)), ledger.ErrIncomplete)
	assert.ErrorIs(t, l.NoteSubject(ctx, second.CitizenID, person(t, 1)), ledger.ErrConflict, "subject of another")
	assert.ErrorIs(t, l.NoteSubject(ctx, second.CitizenID, person(t, 3)), ledger.ErrConflict, "nothing ties the two")
	assert.ErrorIs(t, l.NoteSubject(ctx, first.CitizenID, person2With(t, number(t, 1))), ledger.ErrConflict, "a second subject")
	grabbing := person(t, 1)
	grabbing.Number = number(t, 2)
	assert.ErrorIs(t, l.NoteSubject(ctx, first.CitizenID, grabbing), ledger.ErrConflict, "number of another")
}
