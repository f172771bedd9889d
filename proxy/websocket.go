package proxy

import (
	"context"
	"net/http"
	"strings"
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
	if !p.fromHere(r) {
		p.refuse(x, metrics.Forbidden, Refusal{Status: http.StatusForbidden, Reason: ReasonOrigin})
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	x.upgrade = &upgrade{session: s, cut: cancel}
	if !p.upgrades.begin(x.upgrade) {
		p.refuse(x, metrics.Unavailable, Refusal{Status: http.StatusServiceUnavailable, Reason: ReasonClosing, RetryAfter: time.Second})
		return
	}
	defer p.upgrades.end(x.upgrade)
	x.decision = metrics.Forward
	p.upstream.serve(x, r.WithContext(ctx))
}

func (p *Proxy) fromHere(r *http.Request) bool {
	from := r.Header["Origin"]
	return len(from) == 1 && lower(from[0]) == p.hosts.origin()
}

// stillAdmitted judges the session behind an open connection anew. Being open
// is use: only the absolute lifetime counts.
func (p *Proxy) stillAdmitted(s *session.Session) bool {
	now := p.config.Now()
	used := *s
	used.Sealed = now
	return p.config.Jar.Ends(&used).After(now) && p.config.Validity(s) == Live && p.config.Admit(s, now).Action == Forward
}
