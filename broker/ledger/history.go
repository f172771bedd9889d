package ledger

import (
	"context"
	"database/sql"
	"time"

	"vneid-proxy/identity"
)

// PastLink is one link that an account has or had.
type PastLink struct {
	ID        string
	CitizenID string
	Method    Method
	Strength  Strength
	Since     time.Time
	Ended     time.Time // zero for the active one
}

// History returns every link of an account, the oldest first; none is no
// error.
func (l *Ledger) History(ctx context.Context, account identity.AccountID) (links []PastLink, err error) {
	err = l.read(ctx, func(t *transaction) error {
		links = nil
		return t.each("SELECT id, citizen_id, method, strength, since, ended_at FROM links WHERE account_hmac IN (?, ?) ORDER BY since, id",
			t.accountKey(account).both(), func(scan func(...any) error) error {
				var past PastLink
				var since int64
				var ended sql.NullInt64
				if err := scan(&past.ID, &past.CitizenID, &past.Method, &past.Strength, &since, &ended); err != nil {
					return err
				}
				past.Since = moment(since)
				if ended.Valid {
					past.Ended = moment(ended.Int64)
				}
				links = append(links, past)
				return nil
			})
	})
	return links, err
}
