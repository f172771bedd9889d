package ledger_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/identity"
)

func link(officer string) ledger.Vote {
	return ledger.Vote{Officer: officer, Decision: ledger.DecisionLink, Note: "gặp trực tiếp"}
}

func reject(officer string) ledger.Vote {
	return ledger.Vote{Officer: officer, Decision: ledger.DecisionReject}
}

func askReview(t testing.TB, l *ledger.Ledger, n ledger.NewReview) string {
	t.Helper()
	reference, err := l.AskReview(context.Background(), n)
	require.NoError(t, err)
	return reference
}

func decide(t testing.TB, l *ledger.Ledger, reference string, v ledger.Vote) bool {
	t.Helper()
	carried, err := l.Decide(context.Background(), reference, v)
	require.NoError(t, err)
	return carried
}

func TestTwoOfficersDecide(t *testing.T) {
	ctx := context.Background()
	l := openNew(t)
	holder, rival := person(t, 1), person(t, 2)
	before := mustLink(t, l, "lan", holder)
	reference := askReview(t, l, refused("lan", rival, ledger.ReviewConflict))

	assert.False(t, decide(t, l, reference, link("an")))
	assert.False(t, decide(t, l, reference, link("an")), "an officer has one vote")
	assert.False(t, decide(t, l, reference, reject("binh")), "they disagree")
	r, votes, err := l.ReviewByReference(ctx, reference)
	require.NoError(t, err)
	assert.Equal(t, identity.AccountID("lan"), r.Account)
	require.Len(t, votes, 2)
	notes := map[string]string{votes[0].Officer: votes[0].Note, votes[1].Officer: votes[1].Note}
	assert.Equal(t, map[string]string{"an": "gặp trực tiếp", "binh": ""}, notes)
	still, err := l.ActiveByAccount(ctx, "lan")
	require.NoError(t, err)
	assert.Equal(t, before.ID, still.ID, "one vote changes nothing")

	assert.True(t, decide(t, l, reference, link("binh")), "who changes their mind makes it two")
	now, err := l.ActiveByAccount(ctx, "lan")
	require.NoError(t, err)
	assert.Equal(t, rival.Number, now.Number)
	assert.Equal(t, ledger.MethodReview, now.Method)
	assert.True(t, now.ProviderUsed, "the old password opens it no more")
	assert.Equal(t, ledger.Weak, now.Strength)
	lost, err := l.ActiveByCitizen(ctx, holder)
	require.NoError(t, err)
	assert.Empty(t, lost)
	_, _, err = l.ReviewByReference(ctx, reference)
	require.ErrorIs(t, err, ledger.ErrNotFound, "decided once")
	_, err = l.Decide(ctx, reference, reject("chi"))
	require.ErrorIs(t, err, ledger.ErrNotFound)
	_, err = l.SealAudit(ctx)
	require.NoError(t, err)
	_, err = l.VerifyAudit(ctx)
	require.NoError(t, err)
}

func TestARejectedReviewChangesNothing(t *testing.T) {
	ctx := context.Background()
	l := openNew(t)
	holder := mustLink(t, l, "lan", person(t, 1))
	reference := askReview(t, l, refused("lan", person(t, 2), ledger.ReviewConflict))
	assert.False(t, decide(t, l, reference, reject("an")))
	assert.True(t, decide(t, l, reference, reject("binh")))
	now, err := l.ActiveByAccount(ctx, "lan")
	require.NoError(t, err)
	assert.Equal(t, holder, now)
	waiting, err := l.Reviews(ctx, 10)
	require.NoError(t, err)
	assert.Empty(t, waiting)
}

// In flow A nobody vouched: the number typed and the account's own data are
// all that is known of the citizen.
func TestAReviewOfANumberTyped(t *testing.T) {
	ctx := context.Background()
	l := openNew(t)
	mustLink(t, l, "huy", person(t, 1))
	reference := askReview(t, l, refused("lan", typed(person(t, 1)), ledger.ReviewConflict))
	decide(t, l, reference, link("an"))
	assert.True(t, decide(t, l, reference, link("binh")))
	both, err := l.ActiveByCitizen(ctx, person(t, 1))
	require.NoError(t, err)
	assert.Len(t, both, 2, "one citizen may have several accounts")
}

func TestVotesThatCannotCount(t *testing.T) {
	ctx := context.Background()
	l := openNew(t)
	noAccount := askReview(t, l, ledger.NewReview{Reason: ledger.ReviewConflict, Citizen: person(t, 1)})
	for name, tt := range map[string]struct {
		reference string
		vote      ledger.Vote
		want      error
	}{
		"nobody's":          {noAccount, reject(""), ledger.ErrIncomplete},
		"no decision":       {noAccount, ledger.Vote{Officer: "an"}, ledger.ErrIncomplete},
		"another decision":  {noAccount, ledger.Vote{Officer: "an", Decision: "perhaps"}, ledger.ErrIncomplete},
		"nothing to link":   {noAccount, link("an"), ledger.ErrNoLink},
		"no such reference": {"AAAA-AAAA", reject("an"), ledger.ErrNotFound},
	} {
		carried, err := l.Decide(ctx, tt.reference, tt.vote)
		require.ErrorIs(t, err, tt.want, name)
		assert.False(t, carried, name)
	}
	_, votes, err := l.ReviewByReference(ctx, noAccount)
	require.NoError(t, err)
	assert.Empty(t, votes)

	// The subject is one citizen's and the number another's: no link can be
	// made, and the vote that would have made it does not count.
	mustLink(t, l, "a", person(t, 1))
	mustLink(t, l, "b", person(t, 2))
	torn := person(t, 1)
	torn.Number = person(t, 2).Number
	reference := askReview(t, l, refused("lan", torn, ledger.ReviewConflict))
	decide(t, l, reference, link("an"))
	_, err = l.Decide(ctx, reference, link("binh"))
	require.ErrorIs(t, err, ledger.ErrConflict)
	_, votes, err = l.ReviewByReference(ctx, reference)
	require.NoError(t, err)
	assert.Len(t, votes, 1)
}

// Of many officers at once, one carries the decision out.
func TestOfficersRace(t *testing.T) {
	ctx := context.Background()
	l := openNew(t)
	reference := askReview(t, l, refused("lan", person(t, 1), ledger.ReviewMismatch))
	var carried atomic.Int32
	var all sync.WaitGroup
	for _, officer := range []string{"an", "binh", "chi", "dung", "em", "giang"} {
		all.Go(func() {
			if done, err := l.Decide(ctx, reference, link(officer)); err == nil && done {
				carried.Add(1)
			}
		})
	}
	all.Wait()
	assert.Equal(t, int32(1), carried.Load())
	links, err := l.ActiveByCitizen(ctx, person(t, 1))
	require.NoError(t, err)
	assert.Len(t, links, 1)
}

func TestClosedReviewsGoWithTheirVotes(t *testing.T) {
	ctx := context.Background()
	at := newClock()
	c := config(tempFile(t))
	c.Now = at.now
	l := open(t, c)
	reference := askReview(t, l, refused("lan", person(t, 1), ledger.ReviewMismatch))
	decide(t, l, reference, reject("an"))
	decide(t, l, reference, reject("binh"))
	at.advance(400 * 24 * time.Hour)
	require.NoError(t, l.Sweep(ctx))
}
