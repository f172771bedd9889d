package ledger

import (
	"context"
	"net/netip"
	"time"

	"vneid-proxy/identity"
)

// Skip spends the proof and records that the account put the link off. It
// returns how many skips stand for the account, this one included. ErrSpent:
// the proof was used. ErrAlreadyLinked: there is nothing to put off.
func (l *Ledger) Skip(ctx context.Context, account identity.AccountID, kind identity.Kind, proof []byte, proofExpires time.Time, source netip.AddrPort) (count int, err error) {
	return l.SkipAtMost(ctx, 0, account, kind, proof, proofExpires, source)
}

// SkipAtMost is Skip where no more than so many may stand for the account; 0
// is any number. ErrSkipsSpent: they do already, and the proof is not spent.
func (l *Ledger) SkipAtMost(ctx context.Context, most int, account identity.AccountID, kind identity.Kind, proof []byte, proofExpires time.Time, source netip.AddrPort) (count int, err error) {
	err = l.change(ctx, func(t *transaction) error {
		if account == "" {
			return ErrIncomplete
		}
		if err := t.spend(PurposeProof, proof, proofExpires); err != nil {
			return err
		}
		key := t.accountKey(account)
		var one int
		linked, err := t.one("SELECT 1 FROM links WHERE account_hmac IN (?, ?) AND ended_at IS NULL", key.both(), &one)
		if err != nil {
			return err
		}
		if linked {
			return ErrAlreadyLinked
		}
		if count, err = t.skips(key); err != nil {
			return err
		}
		if most > 0 && count >= most {
			return ErrSkipsSpent
		}
		count++
		id := newID()
		s := l.keys.seal("skips", id, []byte(account))
		if _, err := t.exec("INSERT INTO skips (id, account_hmac, key_id, sealed, kind, at) VALUES (?, ?, ?, ?, ?, ?)",
			id, key.now, s.keyID, s.box, string(kind), stamp(t.at)); err != nil {
			return err
		}
		return t.audit(Event{Name: EventSkipped, Actor: actorCitizen, Account: account, Source: source,
			Detail: map[string]string{"kind": string(kind), "proof": l.proofName(proof)}})
	})
	if err != nil {
		return 0, err
	}
	return count, nil
}

// Skips is how many skips stand for the account. A link closes them: they stay
// in the history and count no more.
func (l *Ledger) Skips(ctx context.Context, account identity.AccountID) (count int, err error) {
	err = l.read(ctx, func(t *transaction) error {
		count, err = t.skips(t.accountKey(account))
		return err
	})
	return count, err
}

func (t *transaction) skips(account digest) (count int, err error) {
	_, err = t.one("SELECT COUNT(*) FROM skips WHERE account_hmac IN (?, ?) AND closed_at IS NULL", account.both(), &count)
	return count, err
}

// actorCitizen is the actor of what somebody does with their own account.
const actorCitizen = "citizen"

func (t *transaction) accountKey(account identity.AccountID) digest {
	return t.find("account", string(account))
}
