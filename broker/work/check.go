package work

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/broker/link"
	"vneid-proxy/identity"
)

// Check asks the population database whether number, name and birth date are
// one person's. An error means that there is no answer; it holds nothing
// personal.
type Check func(ctx context.Context, number identity.CitizenNumber, name string, birth identity.BirthDate) (matched bool, err error)

// Checks are the pending checks of the ledger.
type Checks interface {
	ClaimPending(ctx context.Context, lease time.Duration) ([]ledger.Pending, error)
	PostponePending(ctx context.Context, id string, until time.Time) error
	AnswerPending(ctx context.Context, id string, matched bool, strength ledger.Strength) (ledger.Link, error)
	Pseudonym(kind, value string) string
}

// rest is how the population database is spared while it gives no answer.
type rest struct {
	failures int
	until    time.Time
}

// answer claims what is due and asks. At the first check without an answer it
// gives the others back and rests; that check waits longer the more often it
// was tried, so that one that never gets an answer does not hold up the rest.
func (w *Work) answer(ctx context.Context) error {
	for !w.Now().Before(w.rest.until) {
		claimed, err := w.Ledger.ClaimPending(ctx, w.Lease)
		if err != nil || len(claimed) == 0 {
			return err
		}
		for i, p := range claimed {
			matched, err := w.Check(ctx, p.Number, p.Name, p.BirthDate)
			if err != nil {
				return errors.Join(w.unanswered(ctx, p, err), w.giveBack(ctx, claimed[i+1:]))
			}
			w.rest = rest{}
			if err := w.record(ctx, p, matched); err != nil {
				return errors.Join(err, w.giveBack(ctx, claimed[i+1:]))
			}
		}
	}
	return nil
}

func (w *Work) unanswered(ctx context.Context, p ledger.Pending, cause error) error {
	if ctx.Err() != nil {
		// We are stopping: the database is not to blame, nor is the check.
		return w.giveBack(ctx, []ledger.Pending{p})
	}
	w.rest.failures++
	w.rest.until = w.Now().Add(w.wait(w.rest.failures))
	w.Metrics.PendingChecked("unanswered")
	w.Logger.Warn("pending check has no answer", "check", p.ID, "tries", p.Tries, "cause", cause)
	return w.Ledger.PostponePending(ctx, p.ID, w.Now().Add(w.wait(p.Tries)))
}

// giveBack lets other processes have what was claimed and not asked, or this
// one's successor.
func (w *Work) giveBack(ctx context.Context, claimed []ledger.Pending) (err error) {
	for _, p := range claimed {
		err = errors.Join(err, w.Ledger.PostponePending(context.WithoutCancel(ctx), p.ID, w.Now()))
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

// record writes the answer down. An answer that has come is not thrown away
// because this process is stopping.
func (w *Work) record(ctx context.Context, p ledger.Pending, matched bool) error {
	made, err := w.Ledger.AnswerPending(context.WithoutCancel(ctx), p.ID, matched, strength(p))
	outcome := ledger.OutcomeNotMatched
	switch {
	case errors.Is(err, ledger.ErrNotFound):
		return nil // another process had the answer first
	case errors.Is(err, ledger.ErrConflict), errors.Is(err, ledger.ErrAccountTaken):
		outcome = ledger.OutcomeConflict
	case err != nil:
		return err
	case matched:
		outcome = ledger.OutcomeMatched
		w.Metrics.Linked(string(made.Method), string(made.Strength))
	}
	w.Metrics.PendingChecked(string(outcome))
	w.Logger.Info("pending check answered", "check", p.ID, "outcome", outcome,
		"account", w.Ledger.Pseudonym("account", string(p.Account)))
	return nil
}

// strength is what the policy gives a match that comes at once. Its dates were
// asked when the check was: an answer that comes late costs nobody anything.
func strength(p ledger.Pending) ledger.Strength {
	d := link.Policy{LegacySignInUntil: link.DayOf(p.At)}.Decide(link.Evidence{
		On: p.At, Proof: link.ByPortalSession, Check: link.Matched,
		Account: &link.Account{BirthDate: p.BirthDate.Match(p.BirthDate)},
	})
	return ledger.Strength(d.Strength)
}
