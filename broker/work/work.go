package work

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"time"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/metrics"
)

// Ledger is what the work needs of one.
type Ledger interface {
	Sealer
	Checks
	WriteBacks
	Sweeper
	Unlinker
	Notices
}

// Unlinker ends the links whose citizens asked for it, when their time has
// come.
type Unlinker interface {
	EndDueUnlinks(ctx context.Context) (ended int, err error)
}

// Sweeper deletes what has run out.
type Sweeper interface {
	Sweep(ctx context.Context) error
}

// Config is what the work stands on.
type Config struct {
	Ledger Ledger // required
	Check  Check  // required
	Lookup Lookup // nil: whose an ID-card number is, nobody says
	// Directory is told of the links that the ledger has queued for it; nil:
	// it is not.
	Directory Directory
	// Notify has the portal tell people of a notice; an error means that it
	// does not know of it yet. nil: they are told when they next sign in.
	Notify  func(context.Context, ledger.Notice) error
	Metrics *metrics.Metrics // required
	Logger  *slog.Logger     // nil is slog.Default
	Now     func() time.Time // nil is time.Now
	// SealEvery is how often the audit is chained; default one second.
	SealEvery time.Duration
	// AnswerEvery is how often pending checks and write-backs are looked for;
	// default two seconds.
	AnswerEvery time.Duration
	// SweepEvery is how often what has run out is deleted; default ten
	// minutes.
	SweepEvery time.Duration
	// Lease is for how long a claimed check or write-back is kept from other
	// processes; default one minute. A few are asked one after the other within
	// it, so it should be several times the deadline of Check and Directory.
	Lease time.Duration
	// Retry is how long the work waits after the population database or the
	// directory first gave no answer, doubled each time up to RetryMost; default
	// 5 seconds and 10 minutes.
	Retry, RetryMost time.Duration
}

// Work is the work of one process.
type Work struct{ Config }

// New returns work to be run.
func New(c Config) *Work {
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	for _, d := range []struct {
		value *time.Duration
		unset time.Duration
	}{
		{&c.SealEvery, time.Second},
		{&c.AnswerEvery, 2 * time.Second},
		{&c.SweepEvery, 10 * time.Minute},
		{&c.Lease, time.Minute},
		{&c.Retry, 5 * time.Second},
		{&c.RetryMost, 10 * time.Minute},
	} {
		if *d.value <= 0 {
			*d.value = d.unset
		}
	}
	return &Work{c}
}

// Run works until ctx ends and returns when nothing is under way any more. A
// fault is logged when it begins and when it is over, and tried again.
func (w *Work) Run(ctx context.Context) {
	var loops sync.WaitGroup
	loops.Go(func() { w.every(ctx, w.SealEvery, "audit sealing", w.seal) })
	loops.Go(func() { w.every(ctx, w.AnswerEvery, "answering of checks", w.checks().work) })
	loops.Go(func() { w.every(ctx, w.AnswerEvery, "unlinking", w.unlink) })
	if w.Directory != nil {
		loops.Go(func() { w.every(ctx, w.AnswerEvery, "writing back", w.writeBacks().work) })
	}
	if w.Notify != nil {
		loops.Go(func() { w.every(ctx, w.AnswerEvery, "delivery of notices", w.notices().work) })
	}
	loops.Go(func() { w.every(ctx, w.SweepEvery, "sweep of the ledger", w.Ledger.Sweep) })
	loops.Wait()
}

// every does something now and then; each turn begins after the one before
// has ended.
func (w *Work) every(ctx context.Context, interval time.Duration, what string, do func(context.Context) error) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	broken := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		err := do(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil && !broken {
			w.Logger.Error(what+" failed", "error", err)
		} else if err == nil && broken {
			w.Logger.Info(what + " goes on")
		}
		broken = err != nil
	}
}

func (w *Work) unlink(ctx context.Context) error {
	ended, err := w.Ledger.EndDueUnlinks(ctx)
	w.Metrics.Unlinked(ended)
	if ended > 0 {
		w.Logger.Info("links ended as their citizens asked", "links", ended)
	}
	return err
}

// Sealer chains the audit and tells what is left to do.
type Sealer interface {
	SealAudit(ctx context.Context) (sealed int, err error)
	Backlog(ctx context.Context) (ledger.Backlog, error)
	CleanCounts(ctx context.Context) ([]ledger.CleanCount, time.Time, error)
}

func (w *Work) seal(ctx context.Context) error {
	_, err := w.Ledger.SealAudit(ctx)
	backlog, backlogErr := w.Ledger.Backlog(ctx)
	if backlogErr == nil {
		w.Metrics.PendingAge(w.age(backlog.Oldest))
		if w.Directory != nil {
			w.Metrics.WriteBackAge(w.age(backlog.OldestWriteBack))
		}
		w.Metrics.AuditUnsealed(backlog.Unsealed)
		w.Metrics.ReviewsWaiting(backlog.Reviews)
	}
	counts, read, countErr := w.Ledger.CleanCounts(ctx)
	if countErr == nil {
		accounts := make([]metrics.AccountCount, len(counts))
		for i, c := range counts {
			accounts[i] = metrics.AccountCount(c)
		}
		w.Metrics.Accounts(accounts, read)
	}
	return cmp.Or(err, backlogErr, countErr)
}

// age is how long ago something was, 0 where there was nothing.
func (w *Work) age(since time.Time) time.Duration {
	if since.IsZero() {
		return 0
	}
	return max(0, w.Now().Sub(since))
}
