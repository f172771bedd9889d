package cleanup_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/directory"
	"vneid-proxy/broker/ledger"
	"vneid-proxy/cleanup"
	"vneid-proxy/identity"
)

// stateDatabase answers by number, and counts.
type stateDatabase struct {
	mu     sync.Mutex
	asked  map[string]int
	answer func(number string, times int) (bool, error)
}

func (d *stateDatabase) check(_ context.Context, number identity.CitizenNumber, _ string, _ identity.BirthDate) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked[number.Reveal()]++
	if d.answer == nil {
		return true, nil
	}
	return d.answer(number.Reveal(), d.asked[number.Reveal()])
}

func askable(count int) (all records) {
	for i := range count {
		all = append(all, record(fmt.Sprintf("099090%06d", i+1), "", named(fmt.Sprintf("tk-%d", i))))
	}
	return all
}

func matchConfig(l *ledger.Ledger, d *stateDatabase, all records, run string) cleanup.MatchConfig {
	return cleanup.MatchConfig{Directory: all, Ledger: l, Check: d.check, Run: run, PerSecond: 1e6,
		Lease: 50 * time.Millisecond, Retry: time.Millisecond, Patience: time.Minute}
}

func TestMatchAsksWhoCanBeAsked(t *testing.T) {
	l, d := openLedger(t), &stateDatabase{asked: map[string]int{}}
	gone := errors.New("gone")
	d.answer = func(number string, times int) (bool, error) {
		switch number {
		case "099090000002":
			return false, nil
		case "099090000003":
			return false, gone // never
		case "099090000004":
			if times == 1 {
				return false, gone
			}
		}
		return true, nil
	}
	all := append(askable(4),
		record("099090000005", "", named("verified", func(r *directory.Record) { r.Account.NumberVerified = true })),
		record("099090000006", "", named("locked", func(r *directory.Record) { r.Account.Locked = true })),
		record("099090000007", "", named("nameless", called(""))),
		record("99090000008", "", named("damaged")),
		record("099090000009", "", named("given up")))
	require.NoError(t, l.GiveUpClean(t.Context(), "given up", "citizen", "an officer", "no papers"))
	far, err := cleanup.Match(t.Context(), matchConfig(l, d, all, "1"))
	require.NoError(t, err)
	assert.Equal(t, cleanup.Matching{Confirmed: 2, NotMatched: 1, Unanswered: 1}, far)
	assert.Equal(t, map[string]int{"099090000001": 1, "099090000002": 1, "099090000003": 3, "099090000004": 2}, d.asked)

	r := take(t, cleanup.Config{Directory: all, Ledger: l})
	assert.Equal(t, []cleanup.StateCount{
		{cleanup.StateVerified, "citizen", 1}, {cleanup.StateConfirmed, "citizen", 2}, {cleanup.StateLocked, "citizen", 1},
		{cleanup.StateUnanswered, "citizen", 1}, {cleanup.StateNotMatched, "citizen", 1}, {cleanup.StateCannotAsk, "citizen", 1},
		{cleanup.StateRepairable, "citizen", 1}, {cleanup.StateHopeless, "citizen", 1},
	}, r.States)

	// The next run asks about the unanswered one, a repaired one, one whose
	// data have changed and one that was taken up again.
	d.answer = nil
	all[0].Account.Name = "Đỗ Thị Khác"
	require.NoError(t, l.GiveUpClean(t.Context(), "given up", "citizen", "an officer", ""))
	c := matchConfig(l, d, all, "2")
	c.Rules.RepairZeros = true
	far, err = cleanup.Match(t.Context(), c)
	require.NoError(t, err)
	assert.Equal(t, cleanup.Matching{Confirmed: 4}, far)
	assert.Equal(t, map[string]int{"099090000001": 2, "099090000002": 1, "099090000003": 4, "099090000004": 2, "099090000008": 1, "099090000009": 1}, d.asked)
}

// Two runs at once share the work and ask about nobody twice.
func TestMatchTwoRunsAtOnce(t *testing.T) {
	l, d := openLedger(t), &stateDatabase{asked: map[string]int{}}
	all := askable(300)
	var runs sync.WaitGroup
	found := make([]cleanup.Matching, 2)
	for i := range found {
		runs.Go(func() {
			c := matchConfig(l, d, all, fmt.Sprint(i))
			c.Lease = 5 * time.Second // no answer takes so long
			far, err := cleanup.Match(t.Context(), c)
			assert.NoError(t, err)
			found[i] = far
		})
	}
	runs.Wait()
	assert.Equal(t, 300, found[0].Confirmed+found[1].Confirmed)
	assert.Len(t, d.asked, 300)
	for number, times := range d.asked {
		assert.Equal(t, 1, times, number[9:])
	}
}

// Two rows under one id would otherwise take turns for ever.
func TestMatchEndsWhereAnIDIsRepeated(t *testing.T) {
	l, d := openLedger(t), &stateDatabase{asked: map[string]int{}}
	all := records{record("099090000001", "", named("tk")), record("099090000002", "", named("tk")), record("099090000003", "", named("other"))}
	far, err := cleanup.Match(t.Context(), matchConfig(l, d, all, "1"))
	require.NoError(t, err)
	assert.Equal(t, cleanup.Matching{Confirmed: 2, Elsewhere: 1}, far)
	assert.Len(t, d.asked, 2)
	assert.Equal(t, 1, d.asked["099090000003"])
}

// The directory is let go of while questions are asked, and read again.
func TestMatchReadsTheDirectoryInRounds(t *testing.T) {
	l, d := openLedger(t), &stateDatabase{asked: map[string]int{}}
	open := false
	d.answer = func(string, int) (bool, error) {
		assert.False(t, open, "asked while the directory is being read")
		return true, nil
	}
	all := askable(30)
	c := matchConfig(l, d, all, "1")
	reads := 0
	c.Directory = scanned(func(ctx context.Context, visit func(directory.Record) error) error {
		d.mu.Lock()
		open = true
		d.mu.Unlock()
		defer func() {
			d.mu.Lock()
			open = false
			d.mu.Unlock()
		}()
		reads++
		return all.Scan(ctx, visit)
	})
	far, err := cleanup.Match(t.Context(), c)
	require.NoError(t, err)
	assert.Equal(t, 30, far.Confirmed)
	assert.Equal(t, 2, reads, "the second finds nothing left")
}

// scanned is a directory.
type scanned func(context.Context, func(directory.Record) error) error

func (s scanned) Scan(ctx context.Context, visit func(directory.Record) error) error {
	return s(ctx, visit)
}

func TestMatchEndsWithItsContext(t *testing.T) {
	l, d := openLedger(t), &stateDatabase{asked: map[string]int{}}
	ctx, cancel := context.WithCancel(t.Context())
	d.answer = func(string, int) (bool, error) {
		if len(d.asked) == 10 {
			cancel()
		}
		return true, nil
	}
	all := askable(200)
	far, err := cleanup.Match(ctx, matchConfig(l, d, all, "1"))
	assert.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, len(d.asked), far.Confirmed, "what was asked was recorded")
	assert.Less(t, far.Confirmed, 200)
}

func TestMatchKeepsToTheDayAndTheSecond(t *testing.T) {
	l, d := openLedger(t), &stateDatabase{asked: map[string]int{}}
	all := askable(50)
	ends := time.Now().Add(time.Hour)
	c := matchConfig(l, d, all, "1")
	c.PerDay, c.DayEnds = 20, func(time.Time) time.Time { return ends }
	far, err := cleanup.Match(t.Context(), c)
	require.NoError(t, err)
	assert.True(t, far.BudgetSpent)
	assert.Equal(t, 20, far.Confirmed)
	c.Run = "2"
	far, err = cleanup.Match(t.Context(), c)
	require.NoError(t, err)
	assert.True(t, far.BudgetSpent)
	assert.Zero(t, far.Done())

	// Ten at a hundred a second take 90 ms at least.
	c.Run, c.PerDay, c.PerSecond, c.Directory = "3", 0, 100, askable(30)
	began := time.Now()
	far, err = cleanup.Match(t.Context(), c)
	require.NoError(t, err)
	assert.Equal(t, 10, far.Confirmed)
	assert.GreaterOrEqual(t, time.Since(began), 85*time.Millisecond)
}

func TestMatchSilence(t *testing.T) {
	l, d := openLedger(t), &stateDatabase{asked: map[string]int{}}
	d.answer = func(string, int) (bool, error) { return false, errors.New("gone") }
	c := matchConfig(l, d, askable(50), "1")
	c.Patience = 20 * time.Millisecond
	_, err := cleanup.Match(t.Context(), c)
	assert.ErrorIs(t, err, cleanup.ErrUnanswered)
	assert.NotContains(t, err.Error(), "09909")
}
