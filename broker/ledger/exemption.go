package ledger

import (
	"context"
	"encoding/json"
	"time"

	"vneid-proxy/identity"
)

// Exemption lets an account be used without a link for a while. Every field is
// required.
type Exemption struct {
	Account  identity.AccountID
	Reason   string // why, for whoever audits
	Approver string // the member of staff who granted it
	// Until is when it ends, exclusive.
	Until time.Time
}

// Exempt grants an exemption in place of the account's earlier one; an Until
// that has passed ends that. Sessions of the account read its standing anew.
// ErrIncomplete: a field is missing.
func (l *Ledger) Exempt(ctx context.Context, e Exemption) error {
	return l.change(ctx, func(t *transaction) error {
		if e.Account == "" || e.Reason == "" || e.Approver == "" || e.Until.IsZero() {
			return ErrIncomplete
		}
		key := t.accountKey(e.Account)
		if _, err := t.exec("UPDATE exemptions SET ended_at = ? WHERE account_hmac IN (?, ?) AND ended_at IS NULL", stamp(t.at), key.now, key.old); err != nil {
			return err
		}
		id := newID()
		plain, err := json.Marshal(sealedExemption{string(e.Account), e.Reason, e.Approver})
		if err != nil {
			return err
		}
		s := l.keys.seal("exemptions", id, plain)
		if _, err := t.exec("INSERT INTO exemptions (id, account_hmac, key_id, sealed, until_at, at) VALUES (?, ?, ?, ?, ?, ?)",
			id, key.now, s.keyID, s.box, stamp(e.Until), stamp(t.at)); err != nil {
			return err
		}
		if err := t.accountChanged(e.Account); err != nil {
			return err
		}
		return t.audit(Event{Name: EventExempted, Actor: e.Approver, Account: e.Account,
			Detail: map[string]string{"reason": e.Reason, "until": e.Until.UTC().Format(time.RFC3339)}})
	})
}

// ExemptionByAccount returns the account's exemption that is in force now;
// ErrNotFound where there is none.
func (l *Ledger) ExemptionByAccount(ctx context.Context, account identity.AccountID, now time.Time) (e Exemption, err error) {
	err = l.read(ctx, func(t *transaction) error {
		var id string
		var s sealed
		var until int64
		found, err := t.one("SELECT id, key_id, sealed, until_at FROM exemptions WHERE account_hmac IN (?, ?) AND ended_at IS NULL AND until_at > ?",
			append(t.accountKey(account).both(), stamp(now)), &id, &s.keyID, &s.box, &until)
		if err != nil {
			return err
		}
		if !found {
			return ErrNotFound
		}
		plain, err := l.keys.open("exemptions", id, s)
		if err != nil {
			return err
		}
		var inside sealedExemption
		if err := json.Unmarshal(plain, &inside); err != nil {
			return err
		}
		e = Exemption{identity.AccountID(inside.Account), inside.Reason, inside.Approver, moment(until)}
		return nil
	})
	return e, err
}

type sealedExemption struct {
	Account  string `json:"account"`
	Reason   string `json:"reason"`
	Approver string `json:"approver"`
}
