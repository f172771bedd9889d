package work_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/broker/work"
	"vneid-proxy/identity"
	"vneid-proxy/metrics"
)

var errDown = errors.New("no answer")

// population answers as told; a test changes what it says under way.
type population struct {
	mu     sync.Mutex
	answer func(identity.CitizenNumber) (bool, error)
	asked  map[identity.CitizenNumber]int
}

func (p *population) say(answer func(identity.CitizenNumber) (bool, error)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = answer
}

func (p *population) check(_ context.Context, n identity.CitizenNumber, name string, d identity.BirthDate) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if name == "" || d.IsZero() {
		return false, errors.New("asked about nobody")
	}
	p.asked[n]++
	return p.answer(n)
}

func (p *population) times(n identity.CitizenNumber) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked[n]
}

// rig is a ledger and a population database that is down.
type rig struct {
	path       string // of the ledger's file
	ledger     *ledger.Ledger
	population *population
	metrics    *metrics.Metrics
	log        *bytes.Buffer
	config     work.Config
}

func newRig(t *testing.T) *rig {
	path := filepath.Join(t.TempDir(), "ledger.db")
	l, err := ledger.Open(context.Background(), ledger.Config{
		URL:  "sqlite://" + path,
		Keys: [][]byte{bytes.Repeat([]byte{1}, 32)}, IndexKey: bytes.Repeat([]byte{9}, 32),
		WriteBack: true,
		FeedPoll:  5 * time.Millisecond, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, l.Close()) })
	r := &rig{path: path, ledger: l, population: &population{asked: make(map[identity.CitizenNumber]int)}, metrics: metrics.New("test"), log: new(bytes.Buffer)}
	r.population.say(func(identity.CitizenNumber) (bool, error) { return false, errDown })
	r.config = work.Config{
		Ledger: l, Check: r.population.check, Metrics: r.metrics,
		Logger:    slog.New(slog.NewTextHandler(r.log, nil)),
		SealEvery: 5 * time.Millisecond, AnswerEvery: 5 * time.Millisecond, SweepEvery: 5 * time.Millisecond,
		Lease: time.Minute, Retry: time.Millisecond, RetryMost: 8 * time.Millisecond,
	}
	return r
}

// run works until stop is called, which waits for the end.
func (r *rig) run(t *testing.T) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		work.New(r.config).Run(ctx)
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		<-done
	})
	t.Cleanup(stop)
	return stop
}

func (r *rig) ask(t *testing.T, i int, born identity.BirthDate) ledger.Pending {
	t.Helper()
	return r.asked(t, i, born, false)
}

func (r *rig) asked(t *testing.T, i int, born identity.BirthDate, review bool) ledger.Pending {
	t.Helper()
	n, err := identity.VouchedCitizenNumber(fmt.Sprintf("0990%08d", i))
	require.NoError(t, err)
	p, err := r.ledger.AddPending(context.Background(), ledger.NewPending{
		Account: identity.AccountID(fmt.Sprintf("tai-khoan-%d", i)), Kind: identity.KindCitizen, Number: n,
		Name: "Trần Thị Thử", BirthDate: born, ReviewWeak: review, Proof: fmt.Appendf(nil, "proof-%d", i), ProofExpires: time.Now().Add(time.Hour),
		Consent: ledger.Consent{Version: "2026-11", Language: "vi"},
	})
	require.NoError(t, err)
	return p
}

func (r *rig) answered(p ledger.Pending) func() bool {
	return func() bool {
		_, err := r.ledger.AnsweredByAccount(context.Background(), p.Account)
		return err == nil
	}
}

func (r *rig) scrape() string {
	w := httptest.NewRecorder()
	r.metrics.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.String()
}

var born = identity.BirthDate{Year: 1990, Month: 2, Day: 3}

func TestChecksAreAnsweredWhenTheDatabaseIsBack(t *testing.T) {
	ctx := context.Background()
	r := newRig(t)
	full, yearOnly, wrong := r.ask(t, 1, born), r.ask(t, 2, identity.BirthDate{Year: 1990}), r.ask(t, 3, born)
	reviewed := r.asked(t, 4, identity.BirthDate{Year: 1990}, true)
	stop := r.run(t)
	require.Eventually(t, func() bool { return r.population.times(full.Number) > 2 }, 10*time.Second, time.Millisecond)
	require.Eventually(t, func() bool {
		return bytes.Contains([]byte(r.scrape()), []byte("vneid_proxy_audit_unsealed_rows 0\n"))
	}, 10*time.Second, time.Millisecond)
	assert.NotContains(t, r.scrape(), "vneid_proxy_pending_check_age_seconds 0\n")
	for _, p := range []ledger.Pending{full, yearOnly, wrong} {
		_, err := r.ledger.PendingByAccount(ctx, p.Account)
		require.NoError(t, err, "down is no answer")
	}

	r.population.say(func(n identity.CitizenNumber) (bool, error) { return n != wrong.Number, nil })
	for _, p := range []ledger.Pending{full, yearOnly, wrong, reviewed} {
		require.Eventually(t, r.answered(p), 10*time.Second, time.Millisecond)
	}
	require.Eventually(t, func() bool {
		return bytes.Contains([]byte(r.scrape()), []byte("vneid_proxy_pending_check_age_seconds 0\n"))
	}, 10*time.Second, time.Millisecond)
	stop()
	for account, want := range map[identity.AccountID]ledger.Strength{full.Account: ledger.Strong, yearOnly.Account: ledger.Weak} {
		link, err := r.ledger.ActiveByAccount(ctx, account)
		require.NoError(t, err)
		assert.Equal(t, ledger.MethodMatch, link.Method)
		assert.Equal(t, want, link.Strength, "as a match that comes at once")
	}
	_, err := r.ledger.ActiveByAccount(ctx, wrong.Account)
	assert.ErrorIs(t, err, ledger.ErrNotFound)
	_, err = r.ledger.ActiveByAccount(ctx, reviewed.Account)
	assert.ErrorIs(t, err, ledger.ErrNotFound, "its terms had staff look at a weak match")
	answer, err := r.ledger.AnsweredByAccount(ctx, reviewed.Account)
	require.NoError(t, err)
	assert.NotEmpty(t, answer.Reference)

	body := r.scrape()
	assert.Contains(t, body, `vneid_proxy_pending_checks_total{outcome="matched"} 2`)
	assert.Contains(t, body, `vneid_proxy_pending_checks_total{outcome="not_matched"} 2`)
	assert.Contains(t, body, "vneid_proxy_reviews_waiting 2\n")
	assert.Contains(t, body, `vneid_proxy_pending_checks_total{outcome="unanswered"}`)
	assert.Contains(t, body, `vneid_proxy_links_total{method="match",strength="weak"} 1`)
	report, err := r.ledger.VerifyAudit(ctx)
	require.NoError(t, err)
	assert.True(t, report.Whole(), report.Reason)
	assert.Positive(t, report.Last)
	for _, personal := range []string{"tai-khoan-1", "0990", "Thử", "1990"} {
		assert.NotContains(t, r.log.String(), personal)
	}
}

func TestOneCheckThatIsNeverAnsweredHoldsUpNobody(t *testing.T) {
	r := newRig(t)
	r.config.Retry, r.config.RetryMost = time.Millisecond, time.Hour
	poison, other := r.ask(t, 1, born), r.ask(t, 2, born)
	r.population.say(func(n identity.CitizenNumber) (bool, error) {
		if n == poison.Number {
			return false, errDown
		}
		return true, nil
	})
	r.run(t)
	require.Eventually(t, r.answered(other), 10*time.Second, time.Millisecond)
	assert.False(t, r.answered(poison)())
}

func TestADatabaseThatIsDownIsSpared(t *testing.T) {
	r := newRig(t)
	at := time.Now()
	var moved atomic.Int64
	r.config.Now = func() time.Time { return at.Add(time.Duration(moved.Load())) }
	r.config.Retry, r.config.RetryMost = time.Hour, 4*time.Hour
	first, second := r.ask(t, 1, born), r.ask(t, 2, born)
	var turns atomic.Int64
	r.config.Ledger = counting{r.ledger, &turns}
	r.run(t)
	asked := func() int { return r.population.times(first.Number) + r.population.times(second.Number) }
	turn := func(n int64) {
		until := turns.Load() + n
		require.Eventually(t, func() bool { return turns.Load() >= until }, 10*time.Second, time.Millisecond)
	}
	require.Eventually(t, func() bool { return asked() == 1 }, 10*time.Second, time.Millisecond)
	turn(5)
	assert.Equal(t, 1, asked(), "one try, then rest, for both checks")
	moved.Store(int64(time.Hour))
	require.Eventually(t, func() bool { return asked() == 2 }, 10*time.Second, time.Millisecond)
	turn(5)
	moved.Store(int64(time.Hour + time.Hour))
	turn(5)
	assert.Equal(t, 2, asked(), "the second rest is longer")
}

// counting counts sweeps, which come in every turn whatever is answered.
type counting struct {
	*ledger.Ledger
	turns *atomic.Int64
}

func (c counting) Sweep(ctx context.Context) error {
	defer c.turns.Add(1)
	return c.Ledger.Sweep(ctx)
}

func TestTwoReplicasAnswerOnce(t *testing.T) {
	r := newRig(t)
	r.config.Lease = time.Nanosecond // leases that hold nobody back
	r.population.say(func(identity.CitizenNumber) (bool, error) { return true, nil })
	var checks []ledger.Pending
	for i := range 12 {
		checks = append(checks, r.ask(t, i, born))
	}
	first, second := r.run(t), r.run(t)
	for _, p := range checks {
		require.Eventually(t, r.answered(p), 20*time.Second, time.Millisecond)
	}
	first()
	second()
	assert.Contains(t, r.scrape(), `vneid_proxy_pending_checks_total{outcome="matched"} 12`)
}

func TestAConflictIsCounted(t *testing.T) {
	r := newRig(t)
	p := r.ask(t, 1, born)
	_, err := r.ledger.Link(context.Background(), ledger.NewLink{Account: "tai-khoan-khac", Kind: identity.KindCitizen,
		Citizen: identity.Citizen{Number: p.Number}, Method: ledger.MethodCredential, Strength: ledger.Strong,
		Proof: []byte("another"), ProofExpires: time.Now().Add(time.Hour), Consent: p.Consent})
	require.NoError(t, err)
	r.population.say(func(identity.CitizenNumber) (bool, error) { return true, nil })
	stop := r.run(t)
	require.Eventually(t, r.answered(p), 10*time.Second, time.Millisecond)
	stop()
	assert.Contains(t, r.scrape(), `vneid_proxy_pending_checks_total{outcome="conflict"} 1`)
}

func TestStoppingUnderWayGivesTheChecksBack(t *testing.T) {
	r := newRig(t)
	p := r.ask(t, 1, born)
	asking := make(chan struct{})
	r.config.Check = func(ctx context.Context, _ identity.CitizenNumber, _ string, _ identity.BirthDate) (bool, error) {
		close(asking)
		<-ctx.Done()
		return false, ctx.Err()
	}
	stop := r.run(t)
	<-asking
	stop()
	claimed, err := r.ledger.ClaimPending(context.Background(), time.Minute)
	require.NoError(t, err)
	require.Len(t, claimed, 1, "at once, not after the lease")
	assert.Equal(t, p.ID, claimed[0].ID)
	assert.NotContains(t, r.log.String(), "no answer")
}

// broken is a ledger whose sealing fails until it is mended.
type broken struct {
	*ledger.Ledger
	mended *atomic.Bool
	tries  *atomic.Int64
}

func (b broken) SealAudit(ctx context.Context) (int, error) {
	b.tries.Add(1)
	if !b.mended.Load() {
		return 0, ledger.ErrChain
	}
	return b.Ledger.SealAudit(ctx)
}

func TestAFaultIsLoggedOnceAndTriedAgain(t *testing.T) {
	r := newRig(t)
	b := broken{r.ledger, new(atomic.Bool), new(atomic.Int64)}
	r.config.Ledger = b
	require.NoError(t, r.ledger.Audit(context.Background(), ledger.Event{Name: "said"}))
	stop := r.run(t)
	require.Eventually(t, func() bool { return b.tries.Load() > 5 }, 10*time.Second, time.Millisecond)
	assert.Contains(t, r.scrape(), "vneid_proxy_audit_unsealed_rows 1\n")
	b.mended.Store(true)
	require.Eventually(t, func() bool {
		backlog, err := r.ledger.Backlog(context.Background())
		return err == nil && backlog.Unsealed == 0
	}, 10*time.Second, time.Millisecond)
	tries := b.tries.Load()
	require.Eventually(t, func() bool { return b.tries.Load() > tries+1 }, 10*time.Second, time.Millisecond)
	stop()
	assert.Equal(t, 1, bytes.Count(r.log.Bytes(), []byte("audit sealing failed")))
	assert.Equal(t, 1, bytes.Count(r.log.Bytes(), []byte("audit sealing goes on")))
}

// A match is a link only if the population database knows of no other ID-card
// number than the account's; without an answer to that, it is none yet.
func TestChecksLookTheIDCardUp(t *testing.T) {
	ctx := context.Background()
	r := newRig(t)
	card := func(digits string) identity.IDCardNumber {
		n, err := identity.ParseIDCardNumber(digits)
		require.NoError(t, err)
		return n
	}
	held := map[string][]identity.IDCardNumber{"own": {card("990190001")}, "other": {card("990190009")}, "none": nil}
	var asked []ledger.Pending
	whose := map[identity.CitizenNumber]string{}
	for i, is := range []string{"own", "other", "none"} {
		n, err := identity.VouchedCitizenNumber(fmt.Sprintf("0990%08d", 70+i))
		require.NoError(t, err)
		whose[n] = is
		p, err := r.ledger.AddPending(ctx, ledger.NewPending{
			Account: identity.AccountID(is), Kind: identity.KindCitizen, Number: n, Name: "Trần Thị Thử", BirthDate: born,
			IDCard: card("990190001"), Proof: []byte(is), ProofExpires: time.Now().Add(time.Hour),
			Consent: ledger.Consent{Version: "2026-11", Language: "vi"},
		})
		require.NoError(t, err)
		asked = append(asked, p)
	}
	r.population.say(func(identity.CitizenNumber) (bool, error) { return true, nil })
	var down atomic.Bool
	var looked atomic.Int32
	down.Store(true)
	r.config.Lookup = func(_ context.Context, n identity.CitizenNumber, _ string, _ identity.BirthDate) ([]identity.IDCardNumber, error) {
		if looked.Add(1); down.Load() {
			return nil, errDown
		}
		return held[whose[n]], nil
	}
	r.run(t)
	require.Eventually(t, func() bool { return looked.Load() > 3 }, 10*time.Second, time.Millisecond)
	for _, p := range asked {
		_, err := r.ledger.PendingByAccount(ctx, p.Account)
		require.NoError(t, err, "a match alone is no answer here")
	}
	down.Store(false)
	for _, p := range asked {
		require.Eventually(t, r.answered(p), 10*time.Second, time.Millisecond)
	}
	require.Eventually(t, func() bool {
		link, err := r.ledger.ActiveByAccount(ctx, "own")
		return err == nil && link.IDCard == card("990190001")
	}, 10*time.Second, time.Millisecond)
	link, err := r.ledger.ActiveByAccount(ctx, "none")
	require.NoError(t, err)
	assert.True(t, link.IDCard.IsZero(), "nobody said so")
	_, err = r.ledger.ActiveByAccount(ctx, "other")
	require.ErrorIs(t, err, ledger.ErrNotFound)
	answered, err := r.ledger.AnsweredByAccount(ctx, "other")
	require.NoError(t, err)
	assert.Equal(t, ledger.OutcomeNotMatched, answered.Outcome)
	assert.NotEmpty(t, answered.Reference)
	assert.True(t, answered.IDCard.IsZero(), "what is closed holds no number")
}
