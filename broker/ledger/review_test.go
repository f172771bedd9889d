package ledger_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/identity"
)

func refused(account string, c identity.Citizen, reason ledger.ReviewReason) ledger.NewReview {
	link := newLink(account, c)
	return ledger.NewReview{Account: link.Account, Kind: link.Kind, Reason: reason, Citizen: c, Source: link.Source}
}

// typed is a citizen as flow A knows them: no provider has vouched.
func typed(c identity.Citizen) identity.Citizen {
	return identity.Citizen{Number: c.Number, Name: c.Name, BirthDate: c.BirthDate}
}

func TestAReviewWaitsWithWhatWasSaid(t *testing.T) {
	ctx := context.Background()
	at := newClock()
	l := open(t, ledger.Config{URL: ledgerURL(tempFile(t)), Keys: [][]byte{key(1)}, IndexKey: key(9), Now: at.now})
	asked := refused("lan", person(t, 1), ledger.ReviewMismatch)
	reference, err := l.AskReview(ctx, asked)
	require.NoError(t, err)
	assert.Regexp(t, "^[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4}$", reference)
	detail, err := l.AuditDetail(ctx, ledger.EventReviewAsked)
	require.NoError(t, err)
	assert.Contains(t, detail, reference)

	first := at.at.Load()
	at.advance(time.Hour)
	asked.Citizen.Name = "Trần Thị Thử Lại"
	again, err := l.AskReview(ctx, asked)
	require.NoError(t, err)
	assert.Equal(t, reference, again, "one case, one code")
	for name, other := range map[string]ledger.NewReview{
		"another citizen": refused("lan", person(t, 2), ledger.ReviewMismatch),
		"another reason":  refused("lan", person(t, 1), ledger.ReviewConflict),
		"another account": refused("huy", person(t, 1), ledger.ReviewMismatch),
		"the account's holder, whom nobody vouched for": refused("lan", typed(person(t, 1)), ledger.ReviewMismatch),
		"a citizen without an account":                  {Reason: ledger.ReviewConflict, Citizen: person(t, 1)},
	} {
		code, err := l.AskReview(ctx, other)
		require.NoError(t, err, name)
		assert.NotEqual(t, reference, code, name)
	}

	waiting, err := l.Reviews(ctx, 100)
	require.NoError(t, err)
	require.Len(t, waiting, 6)
	assert.Equal(t, asked, waiting[0].NewReview, "the newest data, the oldest first")
	assert.Equal(t, 2, waiting[0].Times)
	assert.Equal(t, first, waiting[0].At.UnixMilli())
	assert.Equal(t, time.Hour, waiting[0].Last.Sub(waiting[0].At))
	few, err := l.Reviews(ctx, 2)
	require.NoError(t, err)
	assert.Equal(t, waiting[:2], few)
	backlog, err := l.Backlog(ctx)
	require.NoError(t, err)
	assert.Equal(t, 6, backlog.Reviews)
}

func TestALinkSettlesItsOwnReviews(t *testing.T) {
	ctx := context.Background()
	l := openNew(t)
	holder, rival := person(t, 1), person(t, 2)
	for _, n := range []ledger.NewReview{
		refused("lan", typed(holder), ledger.ReviewMismatch), // settled: the account's holder asked
		refused("lan", holder, ledger.ReviewConflict),        // settled: the citizen now linked asked
		refused("lan", rival, ledger.ReviewConflict),         // stays: somebody else claims the account
		refused("huy", holder, ledger.ReviewMismatch),        // stays: another account
	} {
		_, err := l.AskReview(ctx, n)
		require.NoError(t, err)
	}
	mustLink(t, l, "lan", holder)
	waiting, err := l.Reviews(ctx, 10)
	require.NoError(t, err)
	require.Len(t, waiting, 2)
	assert.ElementsMatch(t, []identity.AccountID{"lan", "huy"}, []identity.AccountID{waiting[0].Account, waiting[1].Account})
	for _, r := range waiting {
		assert.Equal(t, r.Account == "lan", r.Citizen.Subject == rival.Subject)
	}

	before := waiting[0].Reference
	code, err := l.AskReview(ctx, refused("lan", typed(holder), ledger.ReviewMismatch))
	require.NoError(t, err)
	assert.NotEqual(t, before, code, "a settled case is not opened again")
}

func TestAReviewNeedsItsFields(t *testing.T) {
	l := openNew(t)
	for name, change := range map[string]func(*ledger.NewReview){
		"no reason":               func(n *ledger.NewReview) { n.Reason = "" },
		"no account, but a kind":  func(n *ledger.NewReview) { n.Account = "" },
		"no kind":                 func(n *ledger.NewReview) { n.Kind = "" },
		"neither account nor who": func(n *ledger.NewReview) { n.Account, n.Kind, n.Citizen = "", "", identity.Citizen{} },
	} {
		n := refused("lan", person(t, 1), ledger.ReviewConflict)
		change(&n)
		_, err := l.AskReview(context.Background(), n)
		assert.ErrorIs(t, err, ledger.ErrIncomplete, name)
	}
	waiting, err := l.Reviews(context.Background(), 10)
	require.NoError(t, err)
	assert.Empty(t, waiting)
}
