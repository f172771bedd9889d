package proxy

import (
	"context"
	"sync"
	"time"

	"vneid-proxy/session"
)

// upgrades are the open WebSockets and event streams. One look at all of them,
// from time to time, ends those whose session would not be admitted any more.
type upgrades struct {
	every    time.Duration
	admitted func(*session.Session) bool

	mu       sync.Mutex
	open     map[*upgrade]struct{}
	watching bool
	closing  bool
	empty    chan struct{} // closed once closing and none is open
}

// upgrade is one of them. socket is nil for a stream, and until the portal has
// agreed to a WebSocket.
type upgrade struct {
	session *session.Session
	cut     func()
	socket  *socket
}

func newUpgrades(every time.Duration, admitted func(*session.Session) bool) *upgrades {
	return &upgrades{every: every, admitted: admitted, open: make(map[*upgrade]struct{}), empty: make(chan struct{})}
}

// begin notes a connection; false means that none may begin any more.
func (u *upgrades) begin(one *upgrade) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closing {
		return false
	}
	u.open[one] = struct{}{}
	if !u.watching {
		u.watching = true
		go u.watch()
	}
	return true
}

// agreed notes the browser's end. One that is to end already is cut by
// whoever holds it.
func (u *upgrades) agreed(one *upgrade, s *socket) {
	u.mu.Lock()
	defer u.mu.Unlock()
	one.socket = s
}

func (u *upgrades) end(one *upgrade) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.open, one)
	if u.closing && len(u.open) == 0 {
		close(u.empty)
	}
}

// watch runs while there is something to watch.
func (u *upgrades) watch() {
	look := time.NewTicker(u.every)
	defer look.Stop()
	for range look.C {
		u.mu.Lock()
		if len(u.open) == 0 {
			u.watching = false
			u.mu.Unlock()
			return
		}
		all := u.all()
		u.mu.Unlock()
		for _, one := range all {
			if !u.admitted(one.session) {
				u.stop(one, violation)
			}
		}
	}
}

func (u *upgrades) all() []*upgrade {
	all := make([]*upgrade, 0, len(u.open))
	for one := range u.open {
		all = append(all, one)
	}
	return all
}

// stop ends one by a close frame, or cuts what is not yet a WebSocket. Whoever
// does not answer the frame is cut too.
func (u *upgrades) stop(one *upgrade, code uint16) {
	u.mu.Lock()
	s := one.socket
	u.mu.Unlock()
	if s == nil {
		one.cut()
		return
	}
	s.end(code)
	time.AfterFunc(s.grace, one.cut)
}

// close tells all that the process stops, waits until they have ended or ctx
// is done, and cuts those that are left.
func (u *upgrades) close(ctx context.Context) error {
	u.mu.Lock()
	if !u.closing {
		u.closing = true
		if len(u.open) == 0 {
			close(u.empty)
		}
	}
	all := u.all()
	u.mu.Unlock()
	for _, one := range all {
		go u.stop(one, goingAway)
	}
	select {
	case <-u.empty:
		return nil
	case <-ctx.Done():
	}
	u.mu.Lock()
	for one := range u.open {
		one.cut()
	}
	u.mu.Unlock()
	<-u.empty
	return ctx.Err()
}
