package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"vneid-proxy/identity"
)

// ReviewDecision is what becomes of a review.
type ReviewDecision string

// The decisions.
const (
	// DecisionLink gives the account to the review's citizen. An active link
	// of another citizen on it ends.
	DecisionLink ReviewDecision = "link"
	// DecisionReject closes the review and changes nothing.
	DecisionReject ReviewDecision = "reject"
)

// ErrNoLink says that a review cannot end in a link: it names no account, or
// no citizen number.
const ErrNoLink Error = "ledger: the review names no account or no number: it can only be rejected"

// Vote is what one officer thinks should become of a review. Officer and
// Decision are required.
type Vote struct {
	Officer  string
	Decision ReviewDecision
	Note     string    // why, for whoever audits
	At       time.Time // when it was cast; the ledger's to set

	id string
}

type sealedVote struct {
	Officer string `json:"officer"`
	Note    string `json:"note,omitempty"`
}

// Decide casts a vote on the open review of a reference. An officer has one
// vote, the newest; when another officer's is the same, the decision is
// carried out in this transaction. Otherwise the review goes on waiting.
//
// ErrNotFound: no open review has the reference. ErrNoLink: it cannot end in a
// link. ErrConflict: number and subject belong to two citizens of the ledger,
// so that no link can be made. ErrIncomplete: a field is missing. In each of
// these the vote does not count.
func (l *Ledger) Decide(ctx context.Context, reference string, v Vote) (carried bool, err error) {
	err = l.change(ctx, func(t *transaction) error {
		if v.Officer == "" || v.Decision != DecisionLink && v.Decision != DecisionReject {
			return ErrIncomplete
		}
		r, err := t.openReview(reference)
		if err != nil {
			return err
		}
		if v.Decision == DecisionLink && (r.Account == "" || r.Citizen.Number.IsZero()) {
			return ErrNoLink
		}
		carried, err = t.vote(r, v)
		if err != nil || !carried {
			return err
		}
		return t.carryOut(r, v)
	})
	return carried && err == nil, err
}

// vote records a vote and reports whether it is the second of its kind.
func (t *transaction) vote(r Review, v Vote) (agreed bool, err error) {
	votes, err := t.votes(r.ID)
	if err != nil {
		return false, err
	}
	// By name, not by pseudonym, which another index key changes: nobody is two
	// officers.
	for _, had := range votes {
		if had.Officer != v.Officer {
			agreed = agreed || had.Decision == v.Decision
		} else if _, err := t.exec("DELETE FROM review_votes WHERE id = ?", had.id); err != nil {
			return false, err
		}
	}
	plain, err := json.Marshal(sealedVote{v.Officer, v.Note})
	if err != nil {
		return false, err
	}
	id := newID()
	s := t.ledger.keys.seal("review_votes", id, plain)
	if _, err := t.exec("INSERT INTO review_votes (id, review_id, officer, decision, key_id, sealed, at) VALUES (?, ?, ?, ?, ?, ?, ?)",
		id, r.ID, t.ledger.Pseudonym("actor", v.Officer), string(v.Decision), s.keyID, s.box, stamp(t.at)); err != nil {
		return false, err
	}
	return agreed, t.audit(Event{Name: EventReviewVoted, Actor: v.Officer, Account: r.Account,
		Detail: map[string]string{"reference": r.Reference, "decision": string(v.Decision), "note": v.Note}})
}

// carryOut does what two officers agree on.
func (t *transaction) carryOut(r Review, v Vote) error {
	outcome := ""
	if v.Decision == DecisionLink {
		outcome = "linked"
		if err := t.award(r, v.Officer); err != nil {
			return err
		}
	}
	if _, err := t.exec("UPDATE reviews SET closed_at = ?, outcome = ?, decision = ? WHERE id = ?",
		stamp(t.at), outcome, string(v.Decision), r.ID); err != nil {
		return err
	}
	return t.audit(Event{Name: EventReviewDecided, Actor: v.Officer, Account: r.Account,
		Detail: map[string]string{"reference": r.Reference, "decision": string(v.Decision)}})
}

// award links the review's account to its citizen, whoever had it before.
func (t *transaction) award(r Review, officer string) error {
	citizenID, err := t.citizen(r.Citizen, true)
	if err != nil {
		return err
	}
	held, err := t.active("l.account_hmac IN (?, ?)", t.accountKey(r.Account).both()...)
	switch {
	case err == nil && held.CitizenID == citizenID && held.organisation.same(t.organisationKey(r.Citizen.Organisation)):
		return nil
	case err == nil:
		if err := t.unlink(held, "review", officer); err != nil {
			return err
		}
	case !errors.Is(err, ErrNotFound):
		return err
	}
	made, err := t.link(NewLink{
		Account: r.Account, Kind: r.Kind, Citizen: r.Citizen, Method: MethodReview, Strength: Weak,
		Source: r.Source, officer: officer,
	})
	if err != nil {
		return err
	}
	// Whoever lost the account may still know its password: from now on only
	// the provider leads to it.
	_, err = t.exec("UPDATE links SET provider_used_at = ? WHERE id = ?", stamp(t.at), made.ID)
	return err
}

// ReviewByReference returns an open review and the votes on it, the oldest
// first; ErrNotFound where no open one has the reference.
func (l *Ledger) ReviewByReference(ctx context.Context, reference string) (r Review, votes []Vote, err error) {
	err = l.read(ctx, func(t *transaction) error {
		if r, err = t.openReview(reference); err != nil {
			return err
		}
		votes, err = t.votes(r.ID)
		return err
	})
	return r, votes, err
}

// votes are those on a review, the oldest first.
func (t *transaction) votes(reviewID string) (votes []Vote, err error) {
	err = t.each("SELECT id, decision, key_id, sealed, at FROM review_votes WHERE review_id = ? ORDER BY at, id", []any{reviewID},
		func(scan func(...any) error) error {
			var v Vote
			var s sealed
			var at int64
			if err := scan(&v.id, &v.Decision, &s.keyID, &s.box, &at); err != nil {
				return err
			}
			plain, err := t.ledger.keys.open("review_votes", v.id, s)
			if err != nil {
				return err
			}
			var inside sealedVote
			if err := json.Unmarshal(plain, &inside); err != nil {
				return err
			}
			v.Officer, v.Note, v.At = inside.Officer, inside.Note, moment(at)
			votes = append(votes, v)
			return nil
		})
	return votes, err
}

// openReview is the open review of a reference, or ErrNotFound.
func (t *transaction) openReview(reference string) (Review, error) {
	found, err := t.reviews("reference = ?", reference, 1)
	if err != nil {
		return Review{}, err
	}
	if len(found) == 0 {
		return Review{}, ErrNotFound
	}
	return found[0], nil
}

// everUnlinked reports that the account had a link which ended: somebody or a
// decision took it away, and only a new proof brings one back.
func (t *transaction) everUnlinked(account identity.AccountID) (bool, error) {
	var one int
	return t.one("SELECT 1 FROM links WHERE account_hmac IN (?, ?) AND ended_at IS NOT NULL LIMIT 1",
		t.accountKey(account).both(), &one)
}
