package ledger

import (
	"context"
	"errors"
	"time"

	"vneid-proxy/identity"
)

// WriteBackOutcome is how a write-back ended; "" is one that is still open.
type WriteBackOutcome string

// The outcomes.
const (
	WriteBackWritten WriteBackOutcome = "written" // the directory holds the number as verified
	WriteBackThere   WriteBackOutcome = "there"   // it did already
	WriteBackDropped WriteBackOutcome = "dropped" // the link ended before
	WriteBackRefused WriteBackOutcome = "refused" // the directory knows better: another verified number, or no such account
)

// WriteBack is a link whose citizen number the directory is to hold as
// verified. It is queued with the link, where Config.WriteBack says so.
type WriteBack struct {
	ID      string // its link's
	Account identity.AccountID
	At      time.Time // when the link was made
	Tries   int       // how often it was claimed
	Outcome WriteBackOutcome
	// Reference is the code of the review that a refusal waits in; "" for any
	// other outcome.
	Reference string

	citizenID string
}

func (t *transaction) queueWriteBack(linkID string) error {
	if !t.ledger.config.WriteBack {
		return nil
	}
	_, err := t.exec("INSERT INTO write_backs (id, at, tries, next_at, outcome, reference) VALUES (?, ?, 0, ?, '', '')",
		linkID, stamp(t.at), stamp(t.at))
	return err
}

// ClaimWriteBack takes a few open write-backs that are due, the longest due
// first. Nobody else is given them until the lease has passed, or
// PostponeWriteBack gives them back.
func (l *Ledger) ClaimWriteBack(ctx context.Context, lease time.Duration) ([]WriteBack, error) {
	return claim(ctx, l, "write_backs", lease, (*transaction).openWriteBack)
}

// PostponeWriteBack gives a claimed write-back back, to be claimed again from a
// time on. One that was closed meanwhile stays closed.
func (l *Ledger) PostponeWriteBack(ctx context.Context, id string, until time.Time) error {
	return l.postpone(ctx, "write_backs", id, until)
}

// CloseWriteBack records how a write-back ended, once, with its audit row, and
// returns it. A refusal waits as a review for staff (ReviewConflict); where the
// link has ended meanwhile, it becomes WriteBackDropped. ErrNotFound: no open
// one has the id; somebody has closed it. ErrIncomplete: no outcome.
func (l *Ledger) CloseWriteBack(ctx context.Context, id string, outcome WriteBackOutcome) (w WriteBack, err error) {
	err = l.change(ctx, func(t *transaction) error {
		if outcome == "" {
			return ErrIncomplete
		}
		if w, err = t.openWriteBack(id); err != nil {
			return err
		}
		w.Outcome = outcome
		if outcome == WriteBackRefused {
			if err := t.reviewWriteBack(&w); err != nil {
				return err
			}
		}
		if _, err := t.exec("UPDATE write_backs SET outcome = ?, reference = ?, closed_at = ? WHERE id = ?",
			string(w.Outcome), w.Reference, stamp(t.at), id); err != nil {
			return err
		}
		detail := map[string]string{"link": id, "outcome": string(w.Outcome)}
		if w.Reference != "" {
			detail["reference"] = w.Reference
		}
		return t.audit(Event{Name: EventWriteBack, Account: w.Account, CitizenID: w.citizenID, Detail: detail})
	})
	return w, err
}

func (t *transaction) reviewWriteBack(w *WriteBack) error {
	link, err := t.active("l.id = ?", w.ID)
	if errors.Is(err, ErrNotFound) {
		w.Outcome = WriteBackDropped
		return nil
	}
	if err != nil {
		return err
	}
	w.Reference, err = t.review(NewReview{Account: link.Account, Kind: link.Kind, Reason: ReviewConflict,
		Citizen: identity.Citizen{Number: link.Number, Name: link.Name, BirthDate: link.BirthDate}})
	return err
}

// openWriteBack is the open one of that id, or ErrNotFound. Its link may have
// ended.
func (t *transaction) openWriteBack(id string) (WriteBack, error) {
	w := WriteBack{ID: id}
	var account sealed
	var organisation []byte
	var at int64
	found, err := t.one(`SELECT w.at, w.tries, l.citizen_id, l.organisation_hmac, l.key_id, l.sealed FROM write_backs w
		JOIN links l ON l.id = w.id WHERE w.id = ? AND w.closed_at IS NULL`,
		[]any{id}, &at, &w.Tries, &w.citizenID, &organisation, &account.keyID, &account.box)
	if err != nil {
		return WriteBack{}, err
	}
	if !found {
		return WriteBack{}, ErrNotFound
	}
	inside, err := t.ledger.openParties(id, organisation, account)
	w.At, w.Account = moment(at), identity.AccountID(inside.Account)
	return w, err
}
