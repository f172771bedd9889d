package proxy

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"vneid-proxy/metrics"
	"vneid-proxy/session"
)

// isWebSocket reports a request for a WebSocket (RFC 6455, 4.1) and for no
// other protocol: h2c and the like would let requests pass unjudged.
func isWebSocket(r *http.Request) bool {
	upgrade := r.Header["Upgrade"]
	if r.Method != http.MethodGet || r.ContentLength != 0 || r.ProtoMajor != 1 ||
		len(upgrade) != 1 || !strings.EqualFold(upgrade[0], "websocket") {
		return false
	}
	for _, value := range r.Header["Connection"] {
		for token := range strings.SplitSeq(value, ",") {
			if strings.EqualFold(strings.TrimSpace(token), "upgrade") {
				return true
			}
		}
	}
	return false
}

// forwardWebSocket lets a WebSocket through to whoever is admitted, from pages
// of this origin only: siblings under one registrable domain are same-site, so
// SameSite cookies do not help. Without an Origin nobody can tell; browsers
// always send it (RFC 6455, 10.2). The connection ends with the session.
func (p *Proxy) forwardWebSocket(x *exchange, r *http.Request, s *session.Session) {
	if from := r.Header["Origin"]; len(from) != 1 || lower(from[0]) != p.hosts.origin() {
		p.refuse(x, metrics.Forbidden, Refusal{Status: http.StatusForbidden, Reason: ReasonOrigin})
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	if !p.upgrades.begin(x, cancel) {
		p.refuse(x, metrics.Unavailable, Refusal{Status: http.StatusServiceUnavailable, Reason: ReasonClosing, RetryAfter: time.Second})
		return
	}
	defer p.upgrades.end(x)
	go p.watch(ctx, cancel, s)
	x.decision = metrics.Forward
	p.upstream.serve(x, r.WithContext(ctx))
}

// watch judges the session anew from time to time and cuts the connection once
// it would not be admitted any more.
func (p *Proxy) watch(ctx context.Context, cut context.CancelFunc, s *session.Session) {
	again := time.NewTicker(p.config.Recheck)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-again.C:
			now := p.config.Now()
			// An open connection is use: only the absolute lifetime counts.
			used := *s
			used.Sealed = now
			if !p.config.Jar.Ends(&used).After(now) || p.config.Validity(s) != Live || p.config.Admit(s, now).Action != Forward {
				cut()
				return
			}
		}
	}
}

// upgrades are the open WebSockets.
type upgrades struct {
	mu      sync.Mutex
	open    map[*exchange]context.CancelFunc
	closing bool
	empty   chan struct{} // closed once closing and none is open
}

func newUpgrades() *upgrades {
	return &upgrades{open: make(map[*exchange]context.CancelFunc), empty: make(chan struct{})}
}

// begin notes a connection; false means that none may begin any more.
func (u *upgrades) begin(x *exchange, cut context.CancelFunc) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.closing {
		u.open[x] = cut
	}
	return !u.closing
}

func (u *upgrades) end(x *exchange) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.open, x)
	if u.closing && len(u.open) == 0 {
		close(u.empty)
	}
}

func (u *upgrades) close(ctx context.Context) error {
	u.mu.Lock()
	if !u.closing {
		u.closing = true
		if len(u.open) == 0 {
			close(u.empty)
		}
	}
	u.mu.Unlock()
	select {
	case <-u.empty:
		return nil
	case <-ctx.Done():
	}
	u.mu.Lock()
	for _, cut := range u.open {
		cut()
	}
	u.mu.Unlock()
	<-u.empty
	return ctx.Err()
}
