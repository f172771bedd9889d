package ledger_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/ledger"
)

func seal(t testing.TB, l *ledger.Ledger) int {
	t.Helper()
	sealed, err := l.SealAudit(context.Background())
	require.NoError(t, err)
	return sealed
}

func verify(t testing.TB, l *ledger.Ledger) ledger.AuditReport {
	t.Helper()
	report, err := l.VerifyAudit(context.Background())
	require.NoError(t, err)
	return report
}

func say(t testing.TB, l *ledger.Ledger, events ...string) {
	t.Helper()
	for _, event := range events {
		require.NoError(t, l.Audit(context.Background(), ledger.Event{Name: event, Actor: "staff"}))
	}
}

func TestANewLedgerHasAWholeChain(t *testing.T) {
	l := openNew(t)
	report := verify(t, l)
	assert.True(t, report.Whole(), report.Reason)
	assert.EqualValues(t, 1, report.First)
	assert.EqualValues(t, 0, report.Last)
	assert.Equal(t, 1, report.Checkpoints, "the beginning is signed")
	assert.Zero(t, seal(t, l))
}

func TestRowsAreChainedInOrder(t *testing.T) {
	path := tempFile(t)
	l := open(t, config(path))
	say(t, l, "a", "b")
	assert.Equal(t, 2, verify(t, l).Unsealed)
	assert.Equal(t, 2, seal(t, l))
	say(t, l, "c")
	assert.Equal(t, 1, seal(t, l))
	report := verify(t, l)
	assert.True(t, report.Whole(), report.Reason)
	assert.EqualValues(t, 3, report.Last)
	assert.Zero(t, report.Unsealed)
	assert.Len(t, report.Head, 64)

	var order string
	require.NoError(t, rawSQL(t, path).QueryRow(
		"SELECT group_concat(event, '') FROM (SELECT event FROM audit ORDER BY chain_seq) AS a").Scan(&order))
	assert.Equal(t, "abc", order)
}

func TestManyRowsAreSealedAtOnce(t *testing.T) {
	path := tempFile(t)
	c := config(path)
	c.CheckpointRows = 100
	l := open(t, c)
	for i := range 20 {
		say(t, l, fmt.Sprint(i))
	}
	// More than one batch, without writing each in a transaction of its own:
	// rows that nobody appended by the ledger are named, however many.
	_, err := rawSQL(t, path).Exec(`INSERT INTO audit (id, at, event, actor, account, citizen, key_id, data_key, sealed, mac)
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)
		SELECT 'x' || i, 0, 'forged', '', '', '', '', '', zeroblob(1), zeroblob(1) FROM n`)
	require.NoError(t, err)
	assert.Equal(t, 1220, seal(t, l))
	report := verify(t, l)
	assert.EqualValues(t, 21, report.Broken)
	var checkpoints int
	require.NoError(t, rawSQL(t, path).QueryRow("SELECT COUNT(*) FROM audit_checkpoints").Scan(&checkpoints))
	assert.Equal(t, 1+12, checkpoints)
}

func TestCheckpoints(t *testing.T) {
	at := newClock()
	c := config(tempFile(t))
	c.Now, c.CheckpointRows = at.now, 3
	l := open(t, c)
	say(t, l, "a", "b")
	seal(t, l)
	assert.Equal(t, 1, verify(t, l).Checkpoints)
	say(t, l, "c", "d")
	seal(t, l)
	assert.Equal(t, 2, verify(t, l).Checkpoints, "the third row has one")
	at.advance(59 * time.Second)
	seal(t, l)
	assert.Equal(t, 2, verify(t, l).Checkpoints)
	at.advance(time.Second)
	seal(t, l)
	assert.Equal(t, 3, verify(t, l).Checkpoints, "after a minute, the row after it too")
	at.advance(time.Hour)
	seal(t, l)
	report := verify(t, l)
	assert.Equal(t, 3, report.Checkpoints, "nothing new, nothing signed")
	assert.True(t, report.Whole(), report.Reason)
}

func TestABrokenChainStaysBrokenOverARestart(t *testing.T) {
	path := tempFile(t)
	l, err := ledger.Open(context.Background(), config(path))
	require.NoError(t, err)
	say(t, l, "a")
	seal(t, l)
	require.NoError(t, l.Close())
	_, err = rawSQL(t, path).Exec("DELETE FROM audit_head; DELETE FROM audit")
	require.NoError(t, err)
	l = open(t, config(path))
	assert.False(t, verify(t, l).Whole(), "no new beginning is signed over what is missing")
	say(t, l, "b")
	_, err = l.SealAudit(context.Background())
	assert.ErrorIs(t, err, ledger.ErrChain)
}

func TestTwoSealersAtOnce(t *testing.T) {
	path := tempFile(t)
	c := config(path)
	c.CheckpointRows = 5
	ledgers := []*ledger.Ledger{open(t, c), open(t, c)}
	var writers, sealers sync.WaitGroup
	done := make(chan struct{})
	sealed := make([]int, len(ledgers))
	for i, l := range ledgers {
		writers.Go(func() {
			for range 60 {
				assert.NoError(t, l.Audit(context.Background(), ledger.Event{Name: "said"}))
			}
		})
		sealers.Go(func() {
			for {
				n, err := l.SealAudit(context.Background())
				assert.NoError(t, err)
				sealed[i] += n
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	writers.Wait()
	close(done)
	sealers.Wait()
	for i, l := range ledgers {
		sealed[i] += seal(t, l)
	}
	assert.Equal(t, 120, sealed[0]+sealed[1])
	assert.True(t, sealed[0] == 0 || sealed[1] == 0, "one seals: %v", sealed)
	report := verify(t, ledgers[0])
	assert.True(t, report.Whole(), report.Reason)
	assert.EqualValues(t, 120, report.Last)
}

func TestTheLeaseOfASealerThatDiedRunsOut(t *testing.T) {
	at := newClock()
	c := config(tempFile(t))
	c.Now = at.now
	dead, next := open(t, c), open(t, c)
	say(t, dead, "a")
	assert.Equal(t, 1, seal(t, dead))
	say(t, next, "b")
	assert.Zero(t, seal(t, next), "the other has the lease")
	at.advance(11 * time.Second)
	assert.Equal(t, 1, seal(t, next))
	say(t, dead, "c")
	assert.Zero(t, seal(t, dead))
	assert.Equal(t, 1, verify(t, next).Unsealed)
}

func TestTheChainOutlivesAKey(t *testing.T) {
	path := tempFile(t)
	c := config(path)
	c.CheckpointRows = 2
	l, err := ledger.Open(context.Background(), c)
	require.NoError(t, err)
	mustLink(t, l, "lan", person(t, 1))
	say(t, l, "a", "b")
	seal(t, l)
	require.NoError(t, l.Close())

	c.Keys = [][]byte{key(2), key(1)}
	l, err = ledger.Open(context.Background(), c)
	require.NoError(t, err)
	link, err := l.ActiveByAccount(context.Background(), "lan")
	require.NoError(t, err)
	require.NoError(t, l.Unlink(context.Background(), link.ID, "x", "y"))
	at := newClock()
	at.at.Store(time.Now().Add(time.Hour).UnixMilli())
	require.NoError(t, l.Close())
	c.Now = at.now // past the lease of the process before
	l, err = ledger.Open(context.Background(), c)
	require.NoError(t, err)
	assert.Equal(t, 1, seal(t, l))
	report := verify(t, l)
	assert.True(t, report.Whole(), report.Reason)
	assert.EqualValues(t, 4, report.Last)
	require.NoError(t, l.Close())

	c.Keys = [][]byte{key(2)}
	_, err = ledger.Open(context.Background(), c)
	assert.ErrorIs(t, err, ledger.ErrKey, "checkpoints and data keys need the older key")
}

func TestErasingACitizenKeepsTheChain(t *testing.T) {
	ctx := context.Background()
	path := tempFile(t)
	l := open(t, config(path))
	link := mustLink(t, l, "lan", person(t, 1))
	mustLink(t, l, "huy", person(t, 2))
	seal(t, l)
	raw := rawSQL(t, path)
	var wrapped []byte
	require.NoError(t, raw.QueryRow("SELECT sealed FROM audit_keys WHERE citizen_id = ?", link.CitizenID).Scan(&wrapped))
	_, err := l.AuditDetail(ctx, ledger.EventLinked)
	require.NoError(t, err)

	require.NoError(t, l.EraseCitizen(ctx, link.CitizenID, "an", "theo yêu cầu"))
	assert.ErrorIs(t, l.EraseCitizen(ctx, link.CitizenID, "an", "theo yêu cầu"), ledger.ErrNotFound)
	assert.ErrorIs(t, l.EraseCitizen(ctx, "", "an", "theo yêu cầu"), ledger.ErrIncomplete, "the ledger's own key stays")
	report := verify(t, l)
	assert.True(t, report.Whole(), report.Reason)
	require.Equal(t, 1, seal(t, l), "the erasing itself")

	// The other citizen's rows still open; the erased one's key is nowhere.
	_, err = l.AuditDetail(ctx, ledger.EventLinked)
	require.NoError(t, err)
	require.NoError(t, raw.Close())
	for _, suffix := range []string{"", "-wal"} {
		if onPostgres() {
			break // the server keeps its files to itself
		}
		content, err := os.ReadFile(path + suffix)
		require.NoError(t, err)
		assert.False(t, bytes.Contains(content, wrapped), "the destroyed key lies in %q", suffix)
	}

	// What happens later to the same person is sealed under another key.
	require.NoError(t, l.Unlink(ctx, link.ID, "by_citizen", "citizen"))
	_, err = l.AuditDetail(ctx, ledger.EventUnlinked)
	require.NoError(t, err)
	seal(t, l)
	report = verify(t, l)
	assert.True(t, report.Whole(), report.Reason)
	assert.EqualValues(t, 4, report.Last)
}

func TestRowsFromBeforeTheChainJoinIt(t *testing.T) {
	ctx := context.Background()
	path := tempFile(t)
	l, err := ledger.Open(ctx, config(path))
	require.NoError(t, err)
	link := mustLink(t, l, "lan", person(t, 1))
	say(t, l, "said")
	require.NoError(t, l.Forget(ctx))
	require.NoError(t, l.Close())

	l = open(t, config(path))
	assert.Equal(t, 2, verify(t, l).Unsealed)
	assert.Equal(t, 2, seal(t, l))
	report := verify(t, l)
	assert.True(t, report.Whole(), report.Reason)
	for _, event := range []string{ledger.EventLinked, "said"} {
		detail, err := l.AuditDetail(ctx, event)
		require.NoError(t, err)
		assert.Contains(t, detail, event)
	}
	require.NoError(t, l.EraseCitizen(ctx, link.CitizenID, "an", "theo yêu cầu"), "what concerns a citizen is under the citizen's key")
	_, err = l.AuditDetail(ctx, ledger.EventLinked)
	assert.Error(t, err)
}

func TestErasedDetailDoesNotOpen(t *testing.T) {
	ctx := context.Background()
	l := openNew(t)
	link := mustLink(t, l, "lan", person(t, 1))
	_, err := l.AuditDetail(ctx, ledger.EventLinked)
	require.NoError(t, err)
	require.NoError(t, l.EraseCitizen(ctx, link.CitizenID, "an", "theo yêu cầu"))
	_, err = l.AuditDetail(ctx, ledger.EventLinked)
	assert.Error(t, err)
}

func TestAuditRowsGoAfterTheirTime(t *testing.T) {
	ctx := context.Background()
	at := newClock()
	path := tempFile(t)
	c := config(path)
	c.Now, c.AuditKeep = at.now, 30*24*time.Hour
	l := open(t, c)
	for range 40 { // days
		say(t, l, "a", "b")
		seal(t, l)
		at.advance(24 * time.Hour)
		seal(t, l) // the day's checkpoint
		require.NoError(t, l.Sweep(ctx))
		report := verify(t, l)
		require.True(t, report.Whole(), report.Reason)
	}
	report := verify(t, l)
	assert.Greater(t, report.First, int64(10))
	assert.WithinDuration(t, at.now().Add(-30*24*time.Hour), report.Since, 48*time.Hour)
	var rows int64
	require.NoError(t, rawSQL(t, path).QueryRow("SELECT COUNT(*) FROM audit WHERE chain_seq < ?", report.First).Scan(&rows))
	assert.Zero(t, rows)

	// Nobody else gets away with dropping rows.
	_, err := rawSQL(t, path).Exec(`DELETE FROM audit_checkpoints WHERE seq = ?`, report.First-1)
	require.NoError(t, err)
	_, err = rawSQL(t, path).Exec(`DELETE FROM audit WHERE chain_seq <= (SELECT MIN(seq) FROM audit_checkpoints)`)
	require.NoError(t, err)
	assert.False(t, verify(t, l).Whole())
}
