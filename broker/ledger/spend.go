package ledger

import (
	"context"
	"time"
)

// Purpose keeps ids of different kinds apart.
type Purpose string

// What is spent once.
const (
	PurposeState Purpose = "state" // an attempt's state, before its code is redeemed
	PurposeProof Purpose = "proof" // a proof, with the link or skip that it is for
	PurposeKept  Purpose = "kept"  // a form that waits to be sent again, and a session's places for such
	PurposeJTI   Purpose = "jti"   // a logout token's id (OpenID Connect Back-Channel Logout 1.0, 2.6)
)

// Spend uses an id up: nil the first time, ErrSpent ever after, whichever
// process asks. An id past expires is ErrSpent too, since the record of its
// spending may be gone by then. Only a keyed hash of the id is kept.
func (l *Ledger) Spend(ctx context.Context, purpose Purpose, id []byte, expires time.Time) error {
	return l.touch(ctx, func(t *transaction) error { return t.spend(purpose, id, expires) })
}

// proofName stands for a proof in the audit row of what it was spent on.
func (l *Ledger) proofName(proof []byte) string { return l.Pseudonym("proof", string(proof)) }

func (t *transaction) spend(purpose Purpose, id []byte, expires time.Time) error {
	if len(id) == 0 || purpose == "" {
		return ErrIncomplete
	}
	if !expires.After(t.at) {
		return ErrSpent
	}
	hash := t.find("spent", string(purpose), string(id))
	if err := t.adopt("spent", "purpose", string(purpose), hash); err != nil {
		return err
	}
	rows, err := t.exec("INSERT INTO spent (purpose, hmac, expires_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
		string(purpose), hash.now, stamp(expires))
	if err == nil && rows == 0 {
		return ErrSpent
	}
	return err
}
