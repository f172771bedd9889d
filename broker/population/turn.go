package population

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// rank is who goes first.
type rank int

const (
	person rank = iota
	background
	ranks
)

// queueLength is how many questions of one rank may wait. A person waits a few
// seconds at most: whoever finds so many before them would wait in vain.
const queueLength = 256

// turns hands out leave to call: so many a second and so many at once, people
// first, each rank in the order in which it came.
type turns struct {
	mu      sync.Mutex
	rate    *rate.Limiter // nil: no limit
	free    int           // of the calls at once
	waiting [ranks][]chan struct{}
	timer   *time.Timer // until the rate allows the next; nil before the first
}

func newTurns(l Limits) *turns {
	t := &turns{free: cmp.Or(l.AtOnce, defaultAtOnce)}
	if l.PerSecond > 0 {
		t.rate = rate.NewLimiter(rate.Limit(l.PerSecond), int(math.Ceil(l.PerSecond)))
	}
	return t
}

// take waits for a turn, which give ends. It gives up with ErrLimited after
// wait (0: never), or where the queue is full, and when ctx ends.
func (t *turns) take(ctx context.Context, who rank, wait time.Duration) error {
	turn := make(chan struct{})
	t.mu.Lock()
	if len(t.waiting[who]) >= queueLength {
		t.mu.Unlock()
		return limited("too many wait for their turn")
	}
	t.waiting[who] = append(t.waiting[who], turn)
	t.hand()
	t.mu.Unlock()
	var late <-chan time.Time
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		late = timer.C
	}
	var err error
	select {
	case <-turn:
		return nil
	case <-late:
		err = limited("no turn came in time")
	case <-ctx.Done():
		err = fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	at := slices.Index(t.waiting[who], turn)
	if at < 0 {
		return nil // the turn came at this very moment
	}
	t.waiting[who] = slices.Delete(t.waiting[who], at, at+1)
	return err
}

func (t *turns) give() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.free++
	t.hand()
}

// hand gives what turns there are to who waits. The caller holds mu.
func (t *turns) hand() {
	for t.free > 0 {
		who := slices.IndexFunc(t.waiting[:], func(w []chan struct{}) bool { return len(w) > 0 })
		if who < 0 {
			return
		}
		if t.rate != nil {
			now := time.Now()
			r := t.rate.ReserveN(now, 1)
			if delay := r.DelayFrom(now); delay > 0 {
				r.CancelAt(now)
				t.wake(delay)
				return
			}
		}
		t.free--
		close(t.waiting[who][0])
		t.waiting[who] = t.waiting[who][1:]
	}
}

// wake hands out turns again after a while.
func (t *turns) wake(delay time.Duration) {
	if t.timer != nil {
		t.timer.Reset(delay)
		return
	}
	t.timer = time.AfterFunc(delay, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.hand()
	})
}

func (t *turns) length() (all int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, waiting := range t.waiting {
		all += len(waiting)
	}
	return all
}
