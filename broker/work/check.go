package work

import (
	"context"
	"errors"
	"slices"
	"time"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/broker/link"
	"vneid-proxy/identity"
)

// Check asks the population database whether number, name and birth date are
// one person's. An error means that there is no answer; it holds nothing
// personal.
type Check func(ctx context.Context, number identity.CitizenNumber, name string, birth identity.BirthDate) (matched bool, err error)

// Lookup asks which ID-card numbers are those of the person of that number,
// name and birth date; none where the database holds none. An error means that
// there is no answer.
type Lookup func(ctx context.Context, number identity.CitizenNumber, name string, birth identity.BirthDate) ([]identity.IDCardNumber, error)

// Checks are the pending checks of the ledger.
type Checks interface {
	ClaimPending(ctx context.Context, lease time.Duration) ([]ledger.Pending, error)
	PostponePending(ctx context.Context, id string, until time.Time) error
	AnswerPending(ctx context.Context, id string, matched bool, strength ledger.Strength) (ledger.Link, error)
	NoteIDCard(ctx context.Context, citizenID string, card identity.IDCardNumber) error
	Pseudonym(kind, value string) string
}

func (w *Work) checks() *queue {
	return &queue{
		Work: w, what: "pending check", postpone: w.Ledger.PostponePending, count: w.Metrics.PendingChecked,
		claim: func(ctx context.Context) (items []item, err error) {
			claimed, err := w.Ledger.ClaimPending(ctx, w.Lease)
			for _, p := range claimed {
				items = append(items, item{p.ID, p.Tries, func(ctx context.Context) (bool, error) { return w.check(ctx, p) }})
			}
			return items, err
		},
	}
}

func (w *Work) check(ctx context.Context, p ledger.Pending) (answered bool, err error) {
	matched, err := w.Check(ctx, p.Number, p.Name, p.BirthDate)
	if err != nil {
		return false, err
	}
	var cards []identity.IDCardNumber
	if matched && w.Lookup != nil && !p.IDCard.IsZero() {
		if cards, err = w.Lookup(ctx, p.Number, p.Name, p.BirthDate); err != nil {
			return false, err
		}
	}
	own := slices.Contains(cards, p.IDCard)
	// With another ID-card number than the account's it is no match: staff look.
	return true, w.record(ctx, p, matched && (own || len(cards) == 0), own)
}

// record writes the answer down. An answer that has come is not thrown away
// because this process is stopping. own says that the account's ID-card number
// is the citizen's.
func (w *Work) record(ctx context.Context, p ledger.Pending, matched, own bool) error {
	d := decide(p)
	matched = matched && d.Action == link.Record // else staff must look, as at a mismatch
	made, err := w.Ledger.AnswerPending(context.WithoutCancel(ctx), p.ID, matched, ledger.Strength(d.Strength))
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
		if own {
			// The link stands without it; what is lost is a tick.
			if err := w.Ledger.NoteIDCard(context.WithoutCancel(ctx), made.CitizenID, p.IDCard); err != nil {
				w.Logger.Warn("ID-card number not noted", "check", p.ID, "error", err)
			}
		}
	}
	w.Metrics.PendingChecked(string(outcome))
	w.Logger.Info("pending check answered", "check", p.ID, "outcome", outcome,
		"account", w.Ledger.Pseudonym("account", string(p.Account)))
	return nil
}

// decide is what the policy makes of a match that comes at once. Its terms were
// asked when the check was: an answer that comes late costs nobody anything.
func decide(p ledger.Pending) link.Decision {
	terms := link.Terms{LegacySignInUntil: link.DayOf(p.At), ReviewWeak: p.ReviewWeak}
	return link.Policy{Default: terms}.Decide(link.Evidence{
		On: p.At, Proof: link.ByPortalSession, Check: link.Matched,
		Account: &link.Account{BirthDate: p.BirthDate.Match(p.BirthDate)},
	})
}
