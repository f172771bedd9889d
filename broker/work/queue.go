package work

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// queue is what the ledger keeps until another system has answered. The system
// is spared while it gives no answer.
type queue struct {
	*Work
	what     string // in logs, such as "pending check"
	claim    func(context.Context) ([]item, error)
	postpone func(ctx context.Context, id string, until time.Time) error
	count    func(outcome string)

	failures int       // in a row
	until    time.Time // nothing is asked before
}

// item is one thing to ask about. ask records the answer; it reports false
// where there is none, and then why.
type item struct {
	id    string
	tries int
	ask   func(context.Context) (answered bool, err error)
}

// work claims what is due and asks. At the first item without an answer it
// gives the others back and rests; that item waits longer the more often it
// was tried, so that one that never gets an answer does not hold up the rest.
func (q *queue) work(ctx context.Context) error {
	for !q.Now().Before(q.until) {
		claimed, err := q.claim(ctx)
		if err != nil || len(claimed) == 0 {
			return err
		}
		for i, it := range claimed {
			answered, err := it.ask(ctx)
			if !answered {
				return errors.Join(q.unanswered(ctx, it, err), q.giveBack(ctx, claimed[i+1:]))
			}
			q.failures, q.until = 0, time.Time{}
			if err != nil {
				return errors.Join(err, q.giveBack(ctx, claimed[i+1:]))
			}
		}
	}
	return nil
}

func (q *queue) unanswered(ctx context.Context, it item, cause error) error {
	if ctx.Err() != nil {
		// We are stopping: the other system is not to blame, nor is the item.
		return q.giveBack(ctx, []item{it})
	}
	q.failures++
	q.until = q.Now().Add(q.wait(q.failures))
	q.count("unanswered")
	q.Logger.Warn(q.what+" has no answer", "id", it.id, "tries", it.tries, "cause", cause)
	return q.postpone(ctx, it.id, q.Now().Add(q.wait(it.tries)))
}

// giveBack lets other processes have what was claimed and not asked, or this
// one's successor.
func (q *queue) giveBack(ctx context.Context, claimed []item) (err error) {
	for _, it := range claimed {
		err = errors.Join(err, q.postpone(context.WithoutCancel(ctx), it.id, q.Now()))
	}
	return err
}

// wait doubles with each try; a fifth of it is chance, so that replicas do not
// all come back at once.
func (w *Work) wait(tries int) time.Duration {
	d := w.RetryMost
	if shift := max(tries, 1) - 1; shift < 20 && w.Retry<<shift < d {
		d = w.Retry << shift
	}
	return d - rand.N(d/5+1)
}
