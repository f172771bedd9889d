package ledger

import (
	"context"
	"encoding/json"
	"time"

	"vneid-proxy/identity"
)

// NoticeOutcome is how a notice ended; "" is one that waits.
type NoticeOutcome string

// The outcomes.
const (
	NoticeDelivered NoticeOutcome = "delivered" // the portal took it
	NoticeShown     NoticeOutcome = "shown"     // the person saw it when they signed in
	NoticeFailed    NoticeOutcome = "failed"    // the portal would not take it in time
)

// Notice is something that the people behind an account are to be told. It is
// written in the transaction that it tells of: where Config.Notify says so for
// the portal to send on, else for their next sign-in.
type Notice struct {
	ID      string
	Event   string // EventLinked, EventUnlinkAsked, EventUnlinkWithdrawn or EventUnlinked
	Account identity.AccountID
	At      time.Time
	Due     time.Time // EventUnlinkAsked: when the link ends
	Method  Method    // EventLinked: how it was proved
	Tries   int       // how often it was claimed
}

type sealedNotice struct {
	Account string    `json:"account"`
	Due     time.Time `json:"due,omitzero"`
	Method  string    `json:"method,omitempty"`
}

// notify writes a notice. seen says that whoever did it has the page of it
// before them, and need not be told again when they next sign in.
func (t *transaction) notify(n Notice, citizenID string, seen bool) error {
	if seen && !t.ledger.config.Notify {
		return nil
	}
	plain, err := json.Marshal(sealedNotice{string(n.Account), n.Due, string(n.Method)})
	if err != nil {
		return err
	}
	id := newID()
	s := t.ledger.keys.seal("notices", id, plain)
	_, err = t.exec(`INSERT INTO notices (id, account_hmac, citizen_id, key_id, sealed, event, at, tries, next_at, outcome)
		VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, '')`, id, t.accountKey(n.Account).now, citizenID, s.keyID, s.box, n.Event, stamp(t.at), stamp(t.at))
	return err
}

// WaitingNotices returns what waits for whoever signs in to the account: about
// it, and for somebody who is vouched for as its citizen about their other
// accounts too, the oldest first and 20 at the most.
func (l *Ledger) WaitingNotices(ctx context.Context, account identity.AccountID, vouched bool) (waiting []Notice, err error) {
	err = l.read(ctx, func(t *transaction) error {
		key := t.accountKey(account)
		var citizenID string
		if vouched {
			if _, err := t.one("SELECT citizen_id FROM links WHERE account_hmac IN (?, ?) AND ended_at IS NULL", key.both(), &citizenID); err != nil {
				return err
			}
		}
		waiting, err = t.notices("closed_at IS NULL AND (account_hmac IN (?, ?) OR citizen_id = ? AND citizen_id <> '') ORDER BY at, id LIMIT 20",
			key.now, key.old, citizenID)
		return err
	})
	return waiting, err
}

// ClaimNotices takes a few that wait and are due, as ClaimPending does.
func (l *Ledger) ClaimNotices(ctx context.Context, lease time.Duration) ([]Notice, error) {
	return claim(ctx, l, "notices", lease, func(t *transaction, id string) (Notice, error) {
		found, err := t.notices("id = ?", id)
		if err != nil || len(found) == 0 {
			return Notice{}, err
		}
		return found[0], nil
	})
}

// PostponeNotice gives a claimed notice back, to be claimed again from a time
// on.
func (l *Ledger) PostponeNotice(ctx context.Context, id string, until time.Time) error {
	return l.postpone(ctx, "notices", id, until)
}

// CloseNotice records how a notice ended; nil where it has ended already.
func (l *Ledger) CloseNotice(ctx context.Context, id string, outcome NoticeOutcome) error {
	return l.change(ctx, func(t *transaction) error {
		if outcome == "" {
			return ErrIncomplete
		}
		_, err := t.exec("UPDATE notices SET outcome = ?, closed_at = ? WHERE id = ? AND closed_at IS NULL", string(outcome), stamp(t.at), id)
		return err
	})
}

func (t *transaction) notices(condition string, args ...any) (found []Notice, err error) {
	err = t.each("SELECT id, event, key_id, sealed, at, tries FROM notices WHERE "+condition, args, func(scan func(...any) error) error {
		var n Notice
		var s sealed
		var at int64
		if err := scan(&n.ID, &n.Event, &s.keyID, &s.box, &at, &n.Tries); err != nil {
			return err
		}
		plain, err := t.ledger.keys.open("notices", n.ID, s)
		if err != nil {
			return err
		}
		var inside sealedNotice
		if err := json.Unmarshal(plain, &inside); err != nil {
			return err
		}
		n.At, n.Account, n.Due, n.Method = moment(at), identity.AccountID(inside.Account), inside.Due, Method(inside.Method)
		found = append(found, n)
		return nil
	})
	return found, err
}
