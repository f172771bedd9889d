package ledger

import (
	"context"
	"errors"
	"slices"
	"time"

	"vneid-proxy/identity"
)

// AnswerPending closes an open check, once, with all that follows. Matched, it
// makes the link (MethodMatch) that Link would have made when the check was
// asked for: sessions of the account begun before that end. Not matched, the
// person is asked again. Either way sessions of the account read its standing
// anew.
//
// ErrNotFound: no open check has the id; somebody has answered it. ErrConflict,
// ErrAccountTaken: the check matched, but the number is linked to another
// account or the account to another citizen; it is closed with
// OutcomeConflict and a reference code. ErrIncomplete: matched without a
// strength; nothing has changed.
func (l *Ledger) AnswerPending(ctx context.Context, id string, matched bool, strength Strength) (link Link, err error) {
	var refused error
	err = l.change(ctx, func(t *transaction) error {
		if matched && strength == "" {
			return ErrIncomplete
		}
		open, err := t.checks("id = ? AND closed_at IS NULL", id)
		if err != nil {
			return err
		}
		if len(open) == 0 {
			return ErrNotFound
		}
		outcome := OutcomeNotMatched
		if matched {
			link, refused = t.linkChecked(open[0], strength)
			switch {
			case refused == nil:
				outcome = OutcomeMatched
			case errors.Is(refused, ErrAccountTaken), errors.Is(refused, ErrConflict):
				outcome = OutcomeConflict
			default:
				return refused
			}
		}
		return t.closeCheck(open[0], outcome, link.CitizenID)
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return Link{}, err
	}
	return link, nil
}

// linkChecked makes the link, or finds it made. A number that already has
// another account is a conflict, as it is where the answer comes at once: to
// add a second account, the person signs in by the provider.
func (t *transaction) linkChecked(p Pending, strength Strength) (Link, error) {
	citizen := identity.Citizen{Number: p.Number, Name: p.Name, BirthDate: p.BirthDate}
	citizenID, err := t.citizen(citizen, true)
	if err != nil {
		return Link{}, err
	}
	links, err := t.linksFor(citizenID, t.organisationKey(identity.Organisation{}))
	if err != nil {
		return Link{}, err
	}
	same := func(link Link) bool { return link.Account == p.Account }
	if len(links) > 0 && !slices.ContainsFunc(links, same) {
		return Link{}, ErrConflict
	}
	link, err := t.link(NewLink{Account: p.Account, Kind: p.Kind, Citizen: citizen, Method: MethodMatch, Strength: strength,
		Consent: p.Consent, Source: p.Source, check: p.ID, asked: p.At})
	if errors.Is(err, ErrAlreadyLinked) {
		err = nil
	}
	return link, err
}

func (t *transaction) closeCheck(p Pending, outcome Outcome, citizenID string) error {
	detail := map[string]string{"check": p.ID, "outcome": string(outcome)}
	reference, err := t.reviewCheck(p, outcome)
	if err != nil {
		return err
	}
	if reference != "" {
		detail["reference"] = reference
	}
	// The link, or the review, has it all.
	p.Number, p.Name, p.BirthDate, p.IDCard = identity.CitizenNumber{}, "", identity.BirthDate{}, identity.IDCardNumber{}
	s, err := t.sealQuestion(p)
	if err != nil {
		return err
	}
	if _, err := t.exec("UPDATE pending SET key_id = ?, sealed = ?, outcome = ?, reference = ?, closed_at = ? WHERE id = ?",
		s.keyID, s.box, string(outcome), reference, stamp(t.at), p.ID); err != nil {
		return err
	}
	if err := t.accountChanged(p.Account); err != nil {
		return err
	}
	return t.audit(Event{Name: EventCheckAnswered, Account: p.Account, CitizenID: citizenID, Detail: detail})
}

// reviewCheck has staff look at a check that ended without a link, and returns
// the reference; "" where it made one.
func (t *transaction) reviewCheck(p Pending, outcome Outcome) (reference string, err error) {
	reason := ReviewMismatch
	switch outcome {
	case OutcomeMatched:
		return "", nil
	case OutcomeConflict:
		reason = ReviewConflict
	}
	return t.review(NewReview{Account: p.Account, Kind: p.Kind, Reason: reason, Source: p.Source,
		Citizen: identity.Citizen{Number: p.Number, Name: p.Name, BirthDate: p.BirthDate}})
}

// Backlog is what awaits whoever works beside requests.
type Backlog struct {
	Pending  int       // open checks
	Oldest   time.Time // when the oldest of them was asked for; zero where there is none
	Unsealed int       // audit rows that are not chained yet
	Reviews  int       // refusals that staff must look at

	WriteBacks      int       // open write-backs
	OldestWriteBack time.Time // when the oldest of their links was made; zero where there is none
}

// Backlog counts what is left to do.
func (l *Ledger) Backlog(ctx context.Context) (b Backlog, err error) {
	err = l.read(ctx, func(t *transaction) error {
		if b.Pending, b.Oldest, err = t.open("pending"); err != nil {
			return err
		}
		if b.WriteBacks, b.OldestWriteBack, err = t.open("write_backs"); err != nil {
			return err
		}
		if _, err := t.one("SELECT COUNT(*) FROM audit WHERE chain_seq IS NULL", nil, &b.Unsealed); err != nil {
			return err
		}
		_, err := t.one("SELECT COUNT(*) FROM reviews WHERE closed_at IS NULL", nil, &b.Reviews)
		return err
	})
	return b, err
}

// open counts a table's open rows and tells when the oldest was written; zero
// where there is none.
func (t *transaction) open(table string) (count int, oldest time.Time, err error) {
	var at int64
	_, err = t.one("SELECT COUNT(*), COALESCE(MIN(at), 0) FROM "+table+" WHERE closed_at IS NULL", nil, &count, &at)
	if count > 0 {
		oldest = moment(at)
	}
	return count, oldest, err
}
