package ledger_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/identity"
)

// acting is person i for an organisation, signed in with an account of the
// organisation's that the provider knows by a subject of its own.
func acting(t *testing.T, i int, organisation string) identity.Citizen {
	c := person(t, i)
	c.Subject, c.Organisation = "enterprise-"+organisation, identity.Organisation{ID: organisation, Name: "Công ty " + organisation}
	return c
}

func accountsOf(t *testing.T, l *ledger.Ledger, c identity.Citizen) (ids []identity.AccountID) {
	links, err := l.ActiveByCitizen(t.Context(), c)
	require.NoError(t, err)
	for _, link := range links {
		ids = append(ids, link.Account)
	}
	return ids
}

// A representative of two organisations has the accounts of the one that they
// act for, and as themselves their own; each has its default.
func TestLinksByOrganisation(t *testing.T) {
	l := openNew(t)
	for account, c := range map[string]identity.Citizen{
		"own": person(t, 1), "first": acting(t, 1, "9900000001"), "second": acting(t, 1, "9900000002"),
	} {
		link := mustLink(t, l, account, c)
		assert.True(t, link.Default, account)
		require.NoError(t, l.NoteSubject(t.Context(), link.CitizenID, c))
	}
	assert.Equal(t, []identity.AccountID{"own"}, accountsOf(t, l, person(t, 1)))
	assert.Equal(t, []identity.AccountID{"own"}, accountsOf(t, l, matched(t, 1)))
	assert.Equal(t, []identity.AccountID{"first"}, accountsOf(t, l, acting(t, 1, "9900000001")))
	assert.Equal(t, []identity.AccountID{"second"}, accountsOf(t, l, acting(t, 1, "9900000002")))
	assert.Empty(t, accountsOf(t, l, acting(t, 1, "9900000003")))

	further := mustLink(t, l, "further", acting(t, 1, "9900000001"))
	assert.False(t, further.Default)
	require.NoError(t, l.SetDefault(t.Context(), further.ID))
	assert.Equal(t, []identity.AccountID{"further", "first"}, accountsOf(t, l, acting(t, 1, "9900000001")))
	own, err := l.ActiveByAccount(t.Context(), "own")
	require.NoError(t, err)
	assert.True(t, own.Default, "another default of the organisation's changes nothing of one's own")
	require.NoError(t, l.Unlink(t.Context(), further.ID, "test", "test"))
	first, err := l.ActiveByAccount(t.Context(), "first")
	require.NoError(t, err)
	assert.True(t, first.Default)
}

// The organisation's account at the provider has a new representative: its
// subject makes nobody of the one before.
func TestNextRepresentativeIsSomebodyElse(t *testing.T) {
	l := openNew(t)
	mustLink(t, l, "own", person(t, 1))
	mustLink(t, l, "first", acting(t, 1, "9900000001"))
	assert.Empty(t, accountsOf(t, l, acting(t, 2, "9900000001")))
	_, err := l.Link(t.Context(), newLink("first", acting(t, 2, "9900000001")))
	assert.ErrorIs(t, err, ledger.ErrAccountTaken)
	mustLink(t, l, "theirs", acting(t, 2, "9900000001"))
	assert.Equal(t, []identity.AccountID{"own"}, accountsOf(t, l, person(t, 1)), "number and subject are as they were")
	assert.Empty(t, accountsOf(t, l, person(t, 2)))
	mustLink(t, l, "second own", person(t, 2)) // their own subject is free yet
	assert.Equal(t, []identity.AccountID{"second own"}, accountsOf(t, l, person(t, 2)))
}

// One account is opened for one organisation, or for oneself.
func TestAccountIsForOneOrganisation(t *testing.T) {
	l := openNew(t)
	mustLink(t, l, "first", acting(t, 1, "9900000001"))
	for _, c := range []identity.Citizen{person(t, 1), matched(t, 1), acting(t, 1, "9900000002")} {
		_, err := l.Link(t.Context(), newLink("first", c))
		assert.ErrorIs(t, err, ledger.ErrAccountTaken)
	}
	_, err := l.Link(t.Context(), newLink("first", acting(t, 1, "9900000001")))
	assert.ErrorIs(t, err, ledger.ErrAlreadyLinked)
}

// Staff see whom the person acted for.
func TestReviewNamesTheOrganisation(t *testing.T) {
	l := openNew(t)
	c := acting(t, 1, "9900000001")
	_, err := l.AskReview(t.Context(), ledger.NewReview{Account: "first", Kind: identity.KindOrganisation, Reason: ledger.ReviewMismatch, Citizen: c})
	require.NoError(t, err)
	waiting, err := l.Reviews(t.Context(), 10)
	require.NoError(t, err)
	require.Len(t, waiting, 1)
	assert.Equal(t, c.Organisation, waiting[0].Citizen.Organisation)
}

// An organisation's account that its representative had as their own goes to
// the organisation once two officers say so.
func TestReviewAwardsToTheOrganisation(t *testing.T) {
	l := openNew(t)
	mustLink(t, l, "first", person(t, 1))
	reference, err := l.AskReview(t.Context(), ledger.NewReview{
		Account: "first", Kind: identity.KindOrganisation, Reason: ledger.ReviewConflict, Citizen: acting(t, 1, "9900000001"),
	})
	require.NoError(t, err)
	assert.False(t, decide(t, l, reference, link("an")))
	assert.True(t, decide(t, l, reference, link("binh")))
	assert.Empty(t, accountsOf(t, l, person(t, 1)))
	assert.Equal(t, []identity.AccountID{"first"}, accountsOf(t, l, acting(t, 1, "9900000001")))
}
