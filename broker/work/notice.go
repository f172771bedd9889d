package work

import (
	"context"
	"time"

	"vneid-proxy/broker/ledger"
)

// noticeAge is after how long a notice that the portal would not take is given
// up: it tells of something recent.
const noticeAge = 7 * 24 * time.Hour

// Notices are what the portal is to tell people.
type Notices interface {
	ClaimNotices(ctx context.Context, lease time.Duration) ([]ledger.Notice, error)
	PostponeNotice(ctx context.Context, id string, until time.Time) error
	CloseNotice(ctx context.Context, id string, outcome ledger.NoticeOutcome) error
}

func (w *Work) notices() *queue {
	return &queue{
		Work: w, what: "notice", postpone: w.Ledger.PostponeNotice, count: w.Metrics.Notified,
		claim: func(ctx context.Context) (items []item, err error) {
			claimed, err := w.Ledger.ClaimNotices(ctx, w.Lease)
			for _, n := range claimed {
				items = append(items, item{n.ID, n.Tries, func(ctx context.Context) (bool, error) { return w.notice(ctx, n) }})
			}
			return items, err
		},
	}
}

// notice delivers one. Whoever is killed after the portal took it sends it
// again: its id tells the portal that it is the same.
func (w *Work) notice(ctx context.Context, n ledger.Notice) (answered bool, err error) {
	outcome := ledger.NoticeDelivered
	if err := w.Notify(ctx, n); err != nil {
		if w.Now().Sub(n.At) < noticeAge {
			return false, err
		}
		w.Logger.Warn("notice given up", "id", n.ID, "event", n.Event, "cause", err)
		outcome = ledger.NoticeFailed
	}
	if err := w.Ledger.CloseNotice(context.WithoutCancel(ctx), n.ID, outcome); err != nil {
		return true, err
	}
	w.Metrics.Notified(string(outcome))
	return true, nil
}
