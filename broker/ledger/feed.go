package ledger

import (
	"context"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"vneid-proxy/identity"
)

// Feed is a copy in memory of all revocations that still matter. Reading it
// takes no lock and does no I/O; what it looks up is kept in clear in memory
// alone, so that no hash is computed on the way of a request.
type Feed struct {
	ledger *Ledger
	view   atomic.Pointer[view]
	loaded atomic.Int64 // when the newest successful load began, milliseconds

	mu     sync.Mutex // one load at a time; guards the fields below
	seq    int64      // newest revocation seen
	tidied time.Time  // when what has no use any more was last dropped
}

// view is two maps that never change once they can be read. New entries go
// into a copy of the small one, which joins the large one when it has grown.
type view struct{ old, recent map[entry]mark }

type mark struct{ before, until int64 }

// How the feed keeps house: tidying copies everything, so it waits for enough
// entries or enough time.
const (
	recentMost  = 512
	tidyEvery   = time.Minute
	loadTimeout = 5 * time.Second
)

// Ref is what a session tells of itself.
type Ref struct {
	SessionID              [16]byte
	Provider, Subject, SID string // "" where the session has none
	Account                identity.AccountID
	// Begun is when the session was admitted, with its milliseconds: rounded
	// down to a second, a session would count as older than the link that it
	// follows.
	Begun time.Time
	// Read is when the session's standing was read; zero is Begun.
	Read time.Time
}

// State is what has become of a session.
type State int

// The states. The zero value is Ended, so that what was never asked is not
// taken for alive.
const (
	Ended   State = iota
	Changed       // its account's standing is to be read anew
	Live
)

// Feed starts a feed. It is complete when Feed returns; then it follows the
// ledger until ctx ends or the ledger is closed. What this Ledger revokes is
// in the feed before the call that revokes it returns, what other processes
// revoke within Config.FeedPoll.
func (l *Ledger) Feed(ctx context.Context) (*Feed, error) {
	f := &Feed{ledger: l}
	f.view.Store(&view{})
	l.mu.Lock()
	l.feeds[f] = struct{}{}
	l.mu.Unlock()
	if err := f.load(ctx); err != nil {
		l.dropFeed(f)
		return nil, err
	}
	l.polls.Go(func() { f.follow(ctx) })
	return f, nil
}

// State tells whether the session goes on. It knows nothing of lifetimes.
func (f *Feed) State(ref Ref) State {
	v := f.view.Load()
	if len(v.old) == 0 && len(v.recent) == 0 {
		return Live
	}
	begun := max(stamp(ref.Begun), 0) // a zero time has begun before anything
	if begun < v.before(entry{kind: endedSession, value: string(ref.SessionID[:])}) ||
		ref.SID != "" && begun < v.before(entry{endedSID, ref.Provider, ref.SID}) ||
		ref.Subject != "" && begun < v.before(entry{endedSubject, ref.Provider, ref.Subject}) {
		return Ended
	}
	if ref.Account == "" {
		return Live
	}
	if begun < v.before(entry{kind: endedAccount, value: string(ref.Account)}) {
		return Ended
	}
	read := begun
	if !ref.Read.IsZero() {
		read = stamp(ref.Read)
	}
	if read < v.before(entry{kind: changed, value: string(ref.Account)}) {
		return Changed
	}
	return Live
}

// before is the time before which things of this entry have ended, 0 where
// there is no such entry.
func (v *view) before(e entry) int64 {
	return max(v.old[e].before, v.recent[e].before)
}

// Age is how long ago the feed last knew everything. The gate forwards nobody
// on a feed that is too old.
func (f *Feed) Age(now time.Time) time.Duration { return now.Sub(moment(f.loaded.Load())) }

// follow loads until ctx or the ledger ends.
func (f *Feed) follow(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(f.ledger.closing, cancel)()
	defer f.ledger.dropFeed(f)
	ticker := time.NewTicker(f.ledger.config.FeedPoll)
	defer ticker.Stop()
	broken := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		err := f.load(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil && !broken {
			f.ledger.config.Logger.Error("revocation feed stopped", "error", err)
		} else if err == nil && broken {
			f.ledger.config.Logger.Info("revocation feed goes on")
		}
		broken = err != nil
	}
}

// load takes in what is new.
func (f *Feed) load(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	f.mu.Lock()
	defer f.mu.Unlock()
	fresh := make(map[entry]mark)
	var began time.Time
	var newest int64
	err := f.ledger.read(ctx, func(t *transaction) error {
		began = t.at
		if _, err := t.one("SELECT value FROM sequences WHERE name = 'revocations'", nil, &newest); err != nil {
			return err
		}
		if newest == f.seq {
			return nil
		}
		if newest < f.seq {
			// The ledger was replaced by an older copy: what it has may all
			// be new to us.
			f.seq = 0
		}
		return t.each("SELECT seq, kind, key_id, sealed, before_at, until_at FROM revocations WHERE seq > ? AND until_at > ?",
			[]any{f.seq, stamp(began)}, func(scan func(...any) error) error {
				var seq int64
				var kind string
				var s sealed
				var m mark
				if err := scan(&seq, &kind, &s.keyID, &s.box, &m.before, &m.until); err != nil {
					return err
				}
				e, err := f.ledger.openEntry(seq, kind, s)
				if err == nil {
					add(fresh, e, m)
				}
				return err
			})
	})
	if err != nil {
		return err
	}
	f.seq = newest
	f.publish(fresh, began)
	f.loaded.Store(stamp(began))
	return nil
}

// publish makes the fresh entries visible, and now and then drops those past
// their time.
func (f *Feed) publish(fresh map[entry]mark, now time.Time) {
	was := f.view.Load()
	tidy := len(was.recent)+len(fresh) > max(recentMost, len(was.old)/8) || now.Sub(f.tidied) >= tidyEvery
	if !tidy && len(fresh) == 0 {
		return
	}
	recent := make(map[entry]mark, len(was.recent)+len(fresh))
	maps.Copy(recent, was.recent)
	for e, m := range fresh {
		add(recent, e, m)
	}
	if !tidy {
		f.view.Store(&view{was.old, recent})
		return
	}
	all := make(map[entry]mark, len(was.old)+len(recent))
	for _, part := range []map[entry]mark{was.old, recent} {
		for e, m := range part {
			if m.until > stamp(now) {
				add(all, e, m)
			}
		}
	}
	f.tidied = now
	f.view.Store(&view{old: all})
}

// add keeps the later of two revocations of one thing.
func add(to map[entry]mark, e entry, m mark) {
	had := to[e]
	to[e] = mark{max(had.before, m.before), max(had.until, m.until)}
}

// tellFeeds lets this process see at once what it has just revoked. The change
// is on disk already: a feed that cannot read it now reads it at its next poll.
func (l *Ledger) tellFeeds(ctx context.Context) {
	l.mu.Lock()
	feeds := make([]*Feed, 0, len(l.feeds))
	for f := range l.feeds {
		feeds = append(feeds, f)
	}
	l.mu.Unlock()
	for _, f := range feeds {
		if err := f.load(context.WithoutCancel(ctx)); err != nil {
			l.config.Logger.Warn("revocation not yet in the feed", "error", err)
		}
	}
}

func (l *Ledger) dropFeed(f *Feed) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.feeds, f)
}
