package ledger_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/identity"
)

// openWriting is a ledger that queues write-backs.
func openWriting(t testing.TB, path string, at *clock) *ledger.Ledger {
	c := config(path)
	c.WriteBack, c.AuditKeep = true, 24*time.Hour
	if at != nil {
		c.Now = at.now
	}
	return open(t, c)
}

func claimWriteBacks(t testing.TB, l *ledger.Ledger) []ledger.WriteBack {
	t.Helper()
	claimed, err := l.ClaimWriteBack(context.Background(), time.Minute)
	require.NoError(t, err)
	return claimed
}

func TestALinkQueuesItsWriteBack(t *testing.T) {
	ctx := context.Background()
	path := tempFile(t)
	l := openWriting(t, path, nil)
	link := mustLink(t, l, "lan", person(t, 1))
	n := newLink("lan", person(t, 1))
	_, err := l.Link(ctx, n)
	require.ErrorIs(t, err, ledger.ErrAlreadyLinked)
	_, err = l.Link(ctx, newLink("lan", person(t, 2)))
	require.ErrorIs(t, err, ledger.ErrAccountTaken)
	p := ask(t, l, "huy", 3)
	checked, err := l.AnswerPending(ctx, p.ID, true, ledger.Strong)
	require.NoError(t, err)
	refused := ask(t, l, "thuy", 4)
	_, err = l.AnswerPending(ctx, refused.ID, false, "")
	require.NoError(t, err)

	backlog, err := l.Backlog(ctx)
	require.NoError(t, err)
	assert.Equal(t, 2, backlog.WriteBacks)
	assert.Equal(t, link.Since, backlog.OldestWriteBack)
	claimed := claimWriteBacks(t, l)
	require.Len(t, claimed, 2)
	for _, w := range claimed {
		want := map[identity.AccountID]ledger.Link{"lan": link, "huy": checked}[w.Account]
		assert.Equal(t, []any{want.ID, want.Since, 1}, []any{w.ID, w.At, w.Tries})
	}

	quiet := open(t, config(path))
	mustLink(t, quiet, "dao", person(t, 5))
	backlog, err = l.Backlog(ctx)
	require.NoError(t, err)
	assert.Equal(t, 2, backlog.WriteBacks, "queued only where it is on")
}

func TestAWriteBackIsClosedOnce(t *testing.T) {
	ctx := context.Background()
	path := tempFile(t)
	ledgers := []*ledger.Ledger{openWriting(t, path, nil), openWriting(t, path, nil)}
	link := mustLink(t, ledgers[0], "lan", person(t, 1))
	_, err := ledgers[0].CloseWriteBack(ctx, link.ID, "")
	require.ErrorIs(t, err, ledger.ErrIncomplete)
	errs := make([]error, 8)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { _, errs[i] = ledgers[i%2].CloseWriteBack(ctx, link.ID, ledger.WriteBackWritten) })
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else {
			assert.ErrorIs(t, err, ledger.ErrNotFound)
		}
	}
	assert.Equal(t, 1, won)
	var rows int
	require.NoError(t, rawSQL(t, path).QueryRow("SELECT COUNT(*) FROM audit WHERE event = 'write_back_closed'").Scan(&rows))
	assert.Equal(t, 1, rows)
	detail, err := ledgers[0].AuditDetail(ctx, ledger.EventWriteBack)
	require.NoError(t, err)
	assert.JSONEq(t, `{"detail":{"link":"`+link.ID+`","outcome":"written"}}`, detail)

	require.NoError(t, ledgers[0].PostponeWriteBack(ctx, link.ID, time.Now()))
	assert.Empty(t, claimWriteBacks(t, ledgers[0]), "a closed one stays closed")
}

func TestARefusedWriteBackWaitsForStaff(t *testing.T) {
	ctx := context.Background()
	l := openWriting(t, tempFile(t), nil)
	link := mustLink(t, l, "lan", person(t, 1))
	closed, err := l.CloseWriteBack(ctx, link.ID, ledger.WriteBackRefused)
	require.NoError(t, err)
	assert.Equal(t, ledger.WriteBackRefused, closed.Outcome)
	assert.NotEmpty(t, closed.Reference)
	waiting, err := l.Reviews(ctx, 10)
	require.NoError(t, err)
	require.Len(t, waiting, 1)
	assert.Equal(t, closed.Reference, waiting[0].Reference)
	assert.Equal(t, ledger.ReviewConflict, waiting[0].Reason)
	assert.EqualValues(t, "lan", waiting[0].Account)
	assert.Equal(t, typed(person(t, 1)), waiting[0].Citizen)
	detail, err := l.AuditDetail(ctx, ledger.EventWriteBack)
	require.NoError(t, err)
	assert.Contains(t, detail, closed.Reference)
	active, err := l.ActiveByAccount(ctx, "lan")
	require.NoError(t, err)
	assert.Equal(t, link.ID, active.ID, "the link stands")

	second := mustLink(t, l, "huy", person(t, 2))
	require.NoError(t, l.Unlink(ctx, second.ID, "by_staff", "staff"))
	closed, err = l.CloseWriteBack(ctx, second.ID, ledger.WriteBackRefused)
	require.NoError(t, err)
	assert.Equal(t, ledger.WriteBackDropped, closed.Outcome, "what was refused is gone")
	assert.Empty(t, closed.Reference)
}

func TestAWriteBackOfALinkThatEnded(t *testing.T) {
	ctx := context.Background()
	l := openWriting(t, tempFile(t), nil)
	first := mustLink(t, l, "lan", person(t, 1))
	require.NoError(t, l.Unlink(ctx, first.ID, "by_staff", "staff"))
	second := mustLink(t, l, "lan", person(t, 2))
	claimed := claimWriteBacks(t, l)
	require.Len(t, claimed, 2)
	for _, w := range claimed {
		assert.EqualValues(t, "lan", w.Account)
		assert.Contains(t, []string{first.ID, second.ID}, w.ID)
	}
}

func TestClosedWriteBacksGoAfterTheirTime(t *testing.T) {
	ctx := context.Background()
	at := newClock()
	path := tempFile(t)
	l := openWriting(t, path, at)
	var links []ledger.Link
	for i, account := range []string{"lan", "huy"} {
		n := newLink(account, person(t, i))
		n.ProofExpires = at.now().Add(time.Hour)
		link, err := l.Link(ctx, n)
		require.NoError(t, err)
		links = append(links, link)
	}
	_, err := l.CloseWriteBack(ctx, links[0].ID, ledger.WriteBackThere)
	require.NoError(t, err)
	at.advance(25 * time.Hour)
	require.NoError(t, l.Sweep(ctx))
	var id string
	require.NoError(t, rawSQL(t, path).QueryRow("SELECT id FROM write_backs").Scan(&id))
	assert.Equal(t, links[1].ID, id, "an open one waits for as long as it takes")
}
