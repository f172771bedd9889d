package proxy

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"time"

	"vneid-proxy/session"
)

// upstream is the portal.
type upstream struct {
	proxy   *Proxy
	reverse *httputil.ReverseProxy
}

func newUpstream(p *Proxy) *upstream {
	c := &p.config
	u := &upstream{proxy: p}
	u.reverse = &httputil.ReverseProxy{
		Rewrite:        u.rewrite,
		Transport:      byBackend{},
		BufferPool:     &p.buffers,
		ModifyResponse: u.answered,
		ErrorHandler:   u.failed,
		ErrorLog:       slog.NewLogLogger(c.Logger.Handler(), slog.LevelDebug),
	}
	return u
}

func (u *upstream) serve(x *exchange, r *http.Request) {
	r = r.WithContext(context.WithValue(r.Context(), exchangeKey{}, x))
	if !u.proxy.limit(x, r) {
		return
	}
	u.reverse.ServeHTTP(x, r)
}

// rewrite runs after the hop-by-hop headers are gone, so that no Connection
// header can name what is set here (RFC 9110, 7.6.1).
func (u *upstream) rewrite(pr *httputil.ProxyRequest) {
	x, c, out := exchangeOf(pr.In.Context()), &u.proxy.config, pr.Out
	place := *x.forward
	place.Scheme = c.Upstream.Scheme // the host is the backend's to choose
	if x.rule != nil && x.rule.Upstream != nil {
		place.Scheme = x.rule.Upstream.Scheme
	}
	out.URL = &place
	out.Host = u.proxy.inner.host()
	// A trailer field arrives after everything is judged, and some servers
	// merge it into the headers (RFC 9110, 6.5.1 allows to drop it).
	out.Trailer = nil
	h := out.Header
	session.Strip(h)
	u.proxy.inner.request(h)
	if chain := u.proxy.forwardedFor(x); chain != "" {
		h["X-Forwarded-For"] = []string{chain}
	}
	h["X-Forwarded-Proto"] = []string{c.PublicURL.Scheme}
	h["X-Forwarded-Host"] = []string{c.PublicURL.Host}
	texts := make([]string, len(x.values))
	for i, v := range x.values {
		texts[i] = v.text
		h[v.name] = texts[i : i+1 : i+1]
	}
}

// answered looks at the head of the portal's answer before it goes out.
func (u *upstream) answered(answer *http.Response) error {
	x := exchangeOf(answer.Request.Context())
	withoutOurCookies(answer.Header)
	u.proxy.inner.answer(answer.Header)
	if len(answer.Trailer) > 0 && x.request.ProtoMajor == 1 {
		// HTTP/2 knows both; HTTP/1.1 has trailers only where the length is
		// not said (RFC 9112, 6.5 and 7.1.2).
		answer.Header.Del("Content-Length")
	}
	if x.session != nil && answer.StatusCode != http.StatusSwitchingProtocols {
		personal(answer.Header)
		if isStream(answer.Header) {
			answer.Body = u.proxy.upgrades.watched(answer.Body, x.session)
		}
		if x.person {
			// Here and not before: an interim answer takes along whatever
			// headers are set when it comes.
			u.proxy.reseal(x, x.session)
		}
	}
	return nil
}

// withoutOurCookies drops each cookie that the portal sets under a name of
// ours. A browser sends a cookie without a name back as its value alone, so
// "=name=value" is such a name too.
func withoutOurCookies(h http.Header) {
	set := h["Set-Cookie"]
	kept := set[:0]
	for _, cookie := range set {
		name, _, _ := strings.Cut(strings.TrimLeft(cookie, "= \t"), "=")
		if !session.Ours(name) {
			kept = append(kept, cookie)
		}
	}
	if len(set) > 0 && len(kept) == 0 {
		h.Del("Set-Cookie")
	} else if len(kept) < len(set) {
		h["Set-Cookie"] = kept
	}
}

// personal keeps what was answered to one person out of shared caches (RFC
// 9111, 5.2.2.7), whatever the portal, which never knew of sessions, says.
func personal(h http.Header) {
	h.Del("Cdn-Cache-Control") // RFC 9213
	h.Del("Surrogate-Control")
	var kept []string
	for _, value := range h["Cache-Control"] {
		for directive := range strings.SplitSeq(value, ",") {
			directive = strings.TrimSpace(directive)
			name, _, _ := strings.Cut(lower(directive), "=")
			switch {
			case name == "no-store", lower(directive) == "private":
				return
			case directive != "" && name != "public" && name != "s-maxage":
				kept = append(kept, directive)
			}
		}
	}
	h["Cache-Control"] = []string{strings.Join(append([]string{"private"}, kept...), ", ")}
}

// failed answers for a portal that does not. What went wrong is for the
// operator; a visitor is told which of two things it was.
func (u *upstream) failed(_ http.ResponseWriter, out *http.Request, err error) {
	x := exchangeOf(out.Context())
	switch {
	case x.status != 0:
		return // the answer has begun, or the connection was taken over
	case x.body != nil && x.body.silent.Load():
		// The library takes the deadline for a client that is gone.
		u.proxy.refuse(x, x.decision, Refusal{Status: http.StatusRequestTimeout, Reason: ReasonSilent})
		return
	case x.request.Context().Err() != nil:
		x.reason = "client_gone"
		return
	}
	decision := x.decision
	why := Refusal{Status: http.StatusBadGateway, Reason: ReasonUpstream, RetryAfter: 10 * time.Second}
	if errors.As(err, new(tooLarge)) {
		u.proxy.refuse(x, decision, Refusal{Status: http.StatusRequestEntityTooLarge, Reason: ReasonBody})
		return
	}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		why.Status, why.Reason = http.StatusGatewayTimeout, ReasonUpstreamTimeout
	}
	u.proxy.config.Logger.LogAttrs(x.request.Context(), slog.LevelWarn, "portal unavailable",
		slog.String("reason", why.Reason), slog.String("cause", cause(err)))
	u.proxy.refuse(x, decision, why)
}

// cause names a transport fault without the text of a malformed answer, which
// may hold anything.
func cause(err error) string {
	var network *net.OpError
	if errors.As(err, &network) {
		return network.Op + ": " + network.Err.Error()
	}
	return "the exchange failed"
}
