package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"vneid-proxy/identity"
)

// Exemption lets an account be used without a link for a while, or moves its
// deadlines. Every field without a remark is required.
type Exemption struct {
	Account  identity.AccountID
	Reason   string // why, for whoever audits
	Approver string // the member of staff who granted it
	// Until is when it ends, exclusive.
	Until time.Time
	// Extension moves the account's deadlines to Until, instead of excusing it
	// from linking. May be false.
	Extension bool
}

func (e Exemption) kind() string {
	if e.Extension {
		return "extension"
	}
	return "exemption"
}

// Exempt grants an exemption in place of the account's earlier one; an Until
// that has passed ends that. Sessions of the account read its standing anew.
// ErrIncomplete: a field is missing.
func (l *Ledger) Exempt(ctx context.Context, e Exemption) error {
	return l.change(ctx, func(t *transaction) error {
		if e.Account == "" || e.Reason == "" || e.Approver == "" || e.Until.IsZero() {
			return ErrIncomplete
		}
		if err := t.endExemption(e.Account, e.Approver, "replaced"); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		id := newID()
		plain, err := json.Marshal(sealedExemption{string(e.Account), e.Reason, e.Approver, e.Extension})
		if err != nil {
			return err
		}
		s := l.keys.seal("exemptions", id, plain)
		if _, err := t.exec("INSERT INTO exemptions (id, account_hmac, key_id, sealed, until_at, at) VALUES (?, ?, ?, ?, ?, ?)",
			id, t.accountKey(e.Account).now, s.keyID, s.box, stamp(e.Until), stamp(t.at)); err != nil {
			return err
		}
		if err := t.accountChanged(e.Account); err != nil {
			return err
		}
		return t.audit(Event{Name: EventExempted, Actor: e.Approver, Account: e.Account,
			Detail: map[string]string{"kind": e.kind(), "reason": e.Reason, "until": e.Until.UTC().Format(time.RFC3339)}})
	})
}

// EndExemption ends the account's exemption or extension before its time.
// Sessions of the account read its standing anew. ErrNotFound: none is in
// force. ErrIncomplete: a value is missing.
func (l *Ledger) EndExemption(ctx context.Context, account identity.AccountID, approver, reason string) error {
	return l.change(ctx, func(t *transaction) error {
		if account == "" || approver == "" || reason == "" {
			return ErrIncomplete
		}
		if err := t.endExemption(account, approver, reason); err != nil {
			return err
		}
		return t.accountChanged(account)
	})
}

// endExemption ends the account's row. Of one whose time had passed anyway
// nobody needs to be told: ErrNotFound.
func (t *transaction) endExemption(account identity.AccountID, approver, reason string) error {
	key := t.accountKey(account)
	var until int64
	found, err := t.one("SELECT until_at FROM exemptions WHERE account_hmac IN (?, ?) AND ended_at IS NULL", key.both(), &until)
	if err != nil {
		return err
	}
	if _, err := t.exec("UPDATE exemptions SET ended_at = ? WHERE account_hmac IN (?, ?) AND ended_at IS NULL", stamp(t.at), key.now, key.old); err != nil {
		return err
	}
	if !found || until <= stamp(t.at) {
		return ErrNotFound
	}
	return t.audit(Event{Name: EventExemptionEnded, Actor: approver, Account: account, Detail: map[string]string{"reason": reason}})
}

// ExemptionByAccount returns the account's exemption or extension that is in
// force now; ErrNotFound where there is none.
func (l *Ledger) ExemptionByAccount(ctx context.Context, account identity.AccountID, now time.Time) (e Exemption, err error) {
	err = l.read(ctx, func(t *transaction) error {
		found := false
		err := t.exemptions("account_hmac IN (?, ?) AND until_at > ?", append(t.accountKey(account).both(), stamp(now)), func(_ []byte, one Exemption) error {
			e, found = one, true
			return nil
		})
		if err == nil && !found {
			return ErrNotFound
		}
		return err
	})
	return e, err
}

// Exemptions calls visit for each exemption and extension in force now, in the
// order in which they end. It ends with the first error that visit returns.
func (l *Ledger) Exemptions(ctx context.Context, now time.Time, visit func(Exemption) error) error {
	return l.read(ctx, func(t *transaction) error {
		return t.exemptions("until_at > ? ORDER BY until_at, id", []any{stamp(now)}, func(_ []byte, e Exemption) error { return visit(e) })
	})
}

// LastExemption is when the last exemption or extension ends; the zero time
// where there is none.
func (l *Ledger) LastExemption(ctx context.Context) (until time.Time, err error) {
	err = l.read(ctx, func(t *transaction) error {
		var last int64
		found, err := t.one("SELECT until_at FROM exemptions WHERE ended_at IS NULL ORDER BY until_at DESC LIMIT 1", nil, &last)
		if found {
			until = moment(last)
		}
		return err
	})
	return until, err
}

// exemptions reads rows that nobody has ended, each with its account's key.
func (t *transaction) exemptions(condition string, args []any, visit func(key []byte, e Exemption) error) error {
	return t.each("SELECT id, account_hmac, key_id, sealed, until_at FROM exemptions WHERE ended_at IS NULL AND "+condition, args,
		func(scan func(...any) error) error {
			var id string
			var key []byte
			var s sealed
			var until int64
			if err := scan(&id, &key, &s.keyID, &s.box, &until); err != nil {
				return err
			}
			plain, err := t.ledger.keys.open("exemptions", id, s)
			if err != nil {
				return err
			}
			var inside sealedExemption
			if err := json.Unmarshal(plain, &inside); err != nil {
				return err
			}
			return visit(key, Exemption{identity.AccountID(inside.Account), inside.Reason, inside.Approver, moment(until), inside.Extension})
		})
}

type sealedExemption struct {
	Account   string `json:"account"`
	Reason    string `json:"reason"`
	Approver  string `json:"approver"`
	Extension bool   `json:"extension,omitempty"`
}
