package ledger

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"vneid-proxy/identity"
)

// AskUnlink records that the citizen of a link wants it to end at a time. Until
// then they may withdraw it. Whose link it is, the caller has checked. A second
// request changes nothing: the first one's time stands. ErrNotFound where no
// active link has the id.
func (l *Ledger) AskUnlink(ctx context.Context, linkID string, due time.Time, source netip.AddrPort) error {
	return l.change(ctx, func(t *transaction) error {
		link, err := t.active("l.id = ?", linkID)
		if err != nil || !link.UnlinkDue.IsZero() {
			return err
		}
		if _, err := t.exec("INSERT INTO unlinks (id, link_id, at, due_at, outcome) VALUES (?, ?, ?, ?, '')",
			newID(), linkID, stamp(t.at), stamp(due)); err != nil {
			return err
		}
		if err := t.notify(Notice{Event: EventUnlinkAsked, Account: link.Account, Due: due}, link.CitizenID, false); err != nil {
			return err
		}
		return t.audit(Event{Name: EventUnlinkAsked, Actor: actorCitizen, Account: link.Account, CitizenID: link.CitizenID, Source: source,
			Detail: map[string]string{"link": linkID, "due": due.UTC().Format(time.RFC3339)}})
	})
}

// WithdrawUnlink keeps a link that its citizen had asked to end. ErrNotFound
// where no open request names it.
func (l *Ledger) WithdrawUnlink(ctx context.Context, linkID string, source netip.AddrPort) error {
	return l.change(ctx, func(t *transaction) error {
		link, err := t.active("l.id = ?", linkID)
		if err != nil {
			return err
		}
		if link.UnlinkDue.IsZero() {
			return ErrNotFound
		}
		if err := t.closeUnlink(linkID, "withdrawn"); err != nil {
			return err
		}
		if err := t.notify(Notice{Event: EventUnlinkWithdrawn, Account: link.Account}, link.CitizenID, true); err != nil {
			return err
		}
		return t.audit(Event{Name: EventUnlinkWithdrawn, Actor: actorCitizen, Account: link.Account, CitizenID: link.CitizenID, Source: source,
			Detail: map[string]string{"link": linkID}})
	})
}

// EndDueUnlinks ends the links whose time has come, each in a transaction of
// its own, and returns how many.
func (l *Ledger) EndDueUnlinks(ctx context.Context) (ended int, err error) {
	for {
		var due bool
		err = l.read(ctx, func(t *transaction) (err error) {
			_, due, err = t.dueUnlink()
			return err
		})
		if err != nil || !due {
			return ended, err // most seconds nothing is due, and nothing is written
		}
		if err = l.change(ctx, func(t *transaction) error {
			id, due, err := t.dueUnlink()
			if err != nil || !due {
				return err
			}
			link, err := t.active("l.id = ?", id)
			if errors.Is(err, ErrNotFound) {
				return t.closeUnlink(id, "gone")
			}
			if err != nil {
				return err
			}
			return t.unlink(link, "citizen", actorCitizen)
		}); err != nil {
			return ended, err
		}
		ended++
	}
}

// UnlinkedAccount reports that the account has no link now and once had one,
// which somebody or a decision ended: only a new proof brings one back, never
// what the directory holds.
func (l *Ledger) UnlinkedAccount(ctx context.Context, account identity.AccountID) (unlinked bool, err error) {
	err = l.read(ctx, func(t *transaction) error {
		var one int
		active, err := t.one("SELECT 1 FROM links WHERE account_hmac IN (?, ?) AND ended_at IS NULL", t.accountKey(account).both(), &one)
		if err != nil || active {
			return err
		}
		unlinked, err = t.everUnlinked(account)
		return err
	})
	return unlinked, err
}

func (t *transaction) dueUnlink() (linkID string, due bool, err error) {
	due, err = t.one("SELECT link_id FROM unlinks WHERE closed_at IS NULL AND due_at <= ? ORDER BY due_at, id LIMIT 1",
		[]any{stamp(t.at)}, &linkID)
	return linkID, due, err
}

func (t *transaction) closeUnlink(linkID, outcome string) error {
	_, err := t.exec("UPDATE unlinks SET closed_at = ?, outcome = ? WHERE link_id = ? AND closed_at IS NULL", stamp(t.at), outcome, linkID)
	return err
}

// unlink ends an active link and all that hangs on it; the row stays as
// history.
func (t *transaction) unlink(link Link, reason, actor string) error {
	if _, err := t.exec("UPDATE links SET ended_at = ?, is_default = 0 WHERE id = ?", stamp(t.at), link.ID); err != nil {
		return err
	}
	if link.Default {
		rest, err := t.linksFor(link.CitizenID, link.organisation)
		if err != nil {
			return err
		}
		if len(rest) > 0 {
			if _, err := t.exec("UPDATE links SET is_default = 1 WHERE id = ?", rest[0].ID); err != nil {
				return err
			}
		}
	}
	if err := t.closeUnlink(link.ID, "done"); err != nil {
		return err
	}
	if err := t.endAccount(link.Account, t.at); err != nil {
		return err
	}
	if err := t.notify(Notice{Event: EventUnlinked, Account: link.Account}, link.CitizenID, false); err != nil {
		return err
	}
	return t.audit(Event{Name: EventUnlinked, Actor: actor, Account: link.Account, CitizenID: link.CitizenID,
		Detail: map[string]string{"link": link.ID, "reason": reason}})
}
