package ledger_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/identity"
)

func cleanQuestion(t *testing.T, account, number string) ledger.CleanQuestion {
	t.Helper()
	n, err := identity.VouchedCitizenNumber(number)
	require.NoError(t, err)
	return ledger.CleanQuestion{Account: identity.AccountID(account), Number: n, Name: "DOTHITHU",
		BirthDate: identity.BirthDate{Year: 1990, Month: 1, Day: 31}, Cohort: "citizen"}
}

func TestCleanStateFollowsTheQuestion(t *testing.T) {
	l := openNew(t)
	ctx := t.Context()
	a, b := cleanQuestion(t, "a", "099090012345"), cleanQuestion(t, "b", "099090054321")
	one, two := ledger.CleanAsk{Run: "1", Lease: time.Hour}, ledger.CleanAsk{Run: "2", Lease: time.Hour}
	state := func(q ledger.CleanQuestion) ledger.CleanState {
		found, err := l.Cleaned(ctx, []ledger.CleanQuestion{b, q, q})
		require.NoError(t, err)
		require.Len(t, found, 3)
		assert.Equal(t, found[1], found[2], "one asked for twice is answered twice")
		assert.Empty(t, found[0].State)
		return found[1].State
	}
	ask := func(q ledger.CleanQuestion, as ledger.CleanAsk) ledger.CleanState {
		s, err := l.AskClean(ctx, q, as)
		require.NoError(t, err)
		return s
	}
	assert.Empty(t, state(a))
	assert.Empty(t, ask(a, one))
	assert.Equal(t, ledger.CleanAsking, state(a))
	_, err := l.AskClean(ctx, a, two)
	assert.ErrorIs(t, err, ledger.ErrPending)
	two.Lease = 0
	assert.Empty(t, ask(a, two), "after the lease another run takes over")
	require.NoError(t, l.AnswerClean(ctx, a, ledger.CleanUnanswered))
	assert.Equal(t, ledger.CleanUnanswered, state(a))
	assert.Empty(t, ask(a, one))
	require.NoError(t, l.AnswerClean(ctx, a, ledger.CleanNotMatched))
	assert.Equal(t, ledger.CleanNotMatched, state(a))
	assert.Equal(t, ledger.CleanNotMatched, ask(a, one))
	require.NoError(t, l.AnswerClean(ctx, a, ledger.CleanConfirmed), "it is answered already")
	assert.Equal(t, ledger.CleanNotMatched, state(a))

	corrected := a
	corrected.Name = "DOTHITHUY"
	assert.Empty(t, state(corrected), "other data are another question")
	_, err = l.AskClean(ctx, corrected, one)
	assert.ErrorIs(t, err, ledger.ErrPending, "but not in the run that asked the first")
	one.Run = "3"
	assert.Empty(t, ask(corrected, one))
	require.NoError(t, l.AnswerClean(ctx, a, ledger.CleanConfirmed))
	assert.Equal(t, ledger.CleanAsking, state(corrected), "an answer to the old question is none to the new one")
	require.NoError(t, l.AnswerClean(ctx, corrected, ledger.CleanConfirmed))
	assert.Equal(t, ledger.CleanConfirmed, state(corrected))

	require.NoError(t, l.GiveUpClean(ctx, "a", "citizen", "officer", "papers lost"))
	assert.Equal(t, ledger.CleanHopeless, state(a))
	assert.Equal(t, ledger.CleanHopeless, state(corrected))
	assert.Equal(t, ledger.CleanHopeless, ask(a, one))
	require.NoError(t, l.GiveUpClean(ctx, "a", "citizen", "officer", ""))
	assert.Empty(t, state(a))
	assert.ErrorIs(t, l.GiveUpClean(ctx, "a", "citizen", "officer", ""), ledger.ErrNotFound)
	assert.ErrorIs(t, l.GiveUpClean(ctx, "a", "citizen", "", "x"), ledger.ErrIncomplete)
	_, err = l.AskClean(ctx, ledger.CleanQuestion{Account: "a"}, one)
	assert.ErrorIs(t, err, ledger.ErrIncomplete)
	assert.ErrorIs(t, l.AnswerClean(ctx, a, ledger.CleanAsking), ledger.ErrIncomplete)
	found, err := l.Cleaned(ctx, nil)
	require.NoError(t, err)
	assert.Empty(t, found)
}

func TestCleanCountsMoveWithTheAnswers(t *testing.T) {
	clock := time.Now()
	c := config(tempFile(t))
	c.Now = func() time.Time { return clock }
	l := open(t, c)
	ctx := t.Context()
	counts, at, err := l.CleanCounts(ctx)
	require.NoError(t, err)
	assert.Empty(t, counts)
	assert.Zero(t, at)
	q := cleanQuestion(t, "a", "099090012345")
	one := ledger.CleanAsk{Run: "1", Lease: time.Hour}
	require.NoError(t, l.PutCleanCounts(ctx, []ledger.CleanCount{{State: "gone", Cohort: "citizen", Accounts: 9}}))
	require.NoError(t, l.PutCleanCounts(ctx, []ledger.CleanCount{{State: "ready", Cohort: "citizen", Accounts: 1}, {State: "ready", Cohort: "official", Accounts: 5}}))
	expect := func(want ...ledger.CleanCount) {
		t.Helper()
		counts, at, err := l.CleanCounts(ctx)
		require.NoError(t, err)
		assert.Equal(t, want, counts)
		assert.Equal(t, clock.UnixMilli(), at.UnixMilli())
	}
	official := ledger.CleanCount{State: "ready", Cohort: "official", Accounts: 5}
	_, err = l.AskClean(ctx, q, one)
	require.NoError(t, err)
	expect(ledger.CleanCount{State: "ready", Cohort: "citizen"}, official, ledger.CleanCount{State: "unanswered", Cohort: "citizen", Accounts: 1})
	_, err = l.AskClean(ctx, q, one)
	require.NoError(t, err)
	require.NoError(t, l.AnswerClean(ctx, q, ledger.CleanConfirmed))
	moved := []ledger.CleanCount{{State: "confirmed", Cohort: "citizen", Accounts: 1}, {State: "ready", Cohort: "citizen"}, official, {State: "unanswered", Cohort: "citizen"}}
	expect(moved...)

	// Whom the reading did not count, nothing is moved for.
	_, err = l.AskClean(ctx, cleanQuestion(t, "b", "099090054321"), one)
	require.NoError(t, err)
	expect(moved...)
}

func TestCleanDayIsCounted(t *testing.T) {
	clock := time.Now()
	c := config(tempFile(t))
	c.Now = func() time.Time { return clock }
	l := open(t, c)
	ask := func(account string) error {
		_, err := l.AskClean(t.Context(), cleanQuestion(t, account, "099090012345"), ledger.CleanAsk{Run: "1", Lease: time.Hour, PerDay: 2, Until: clock.Add(time.Hour)})
		return err
	}
	require.NoError(t, ask("a"))
	require.NoError(t, ask("b"))
	assert.ErrorIs(t, ask("c"), ledger.ErrSpent)
	found, err := l.Cleaned(t.Context(), []ledger.CleanQuestion{cleanQuestion(t, "c", "099090012345")})
	require.NoError(t, err)
	assert.Empty(t, found[0].State, "what is not asked is not recorded as asked")
	clock = clock.Add(2 * time.Hour)
	require.NoError(t, ask("c"))
}

func TestCleanStatesAreSealedAndSwept(t *testing.T) {
	clock := time.Now()
	path := tempFile(t)
	c := config(path)
	c.Now = func() time.Time { return clock }
	l := open(t, c)
	q := cleanQuestion(t, "tai-khoan-bi-mat", "099090012345")
	_, err := l.AskClean(t.Context(), q, ledger.CleanAsk{Run: "1", Lease: time.Hour})
	require.NoError(t, err)
	require.NoError(t, l.AnswerClean(t.Context(), q, ledger.CleanConfirmed))
	require.NoError(t, l.GiveUpClean(t.Context(), "khac", "citizen", "officer", "ly-do-bi-mat"))
	db := rawSQL(t, path)
	var dump string
	require.NoError(t, db.QueryRow(`SELECT group_concat(hex(account_hmac) || hex(sealed) || CAST(sealed AS TEXT) || hex(question_hmac) || cohort || run) FROM clean_states`).Scan(&dump))
	for _, secret := range []string{"bi-mat", "099090012345", "DOTHITHU"} {
		assert.NotContains(t, dump, secret)
	}
	clock = clock.AddDate(1, 0, 1)
	require.NoError(t, l.Sweep(t.Context()))
	found, err := l.Cleaned(t.Context(), []ledger.CleanQuestion{q, {Account: "khac"}})
	require.NoError(t, err)
	assert.Equal(t, []ledger.Cleaned{{}, {State: ledger.CleanHopeless}}, found, "an answer is good for a year, staff's word for good")

	c.Keys = [][]byte{key(2)}
	_, err = ledger.Open(t.Context(), c)
	assert.ErrorIs(t, err, ledger.ErrKey)
}
