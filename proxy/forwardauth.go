package proxy

import (
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"

	"vneid-proxy/metrics"
	"vneid-proxy/session"
)

// asked is how a front proxy asks about a request that it holds itself.
type asked int

const (
	notAsked      asked = iota
	byStatus            // nginx: 200, 401 and 403 are all that it understands
	byRedirect          // Traefik, Caddy: whatever is answered goes to the browser
	byRequestPath       // Envoy: the original path follows the prefix
)

// forwardAuth answers below "auth": whether the request that a trusted proxy
// asks about may pass, and under which identity headers. It is off where nobody
// is trusted. rest is the path after the reserved prefix.
func (p *Proxy) forwardAuth(x *exchange, r *http.Request, rest string) (served bool) {
	how := notAsked
	switch {
	case len(p.config.TrustedProxies) == 0:
		return false
	case rest == "/auth":
		how = byStatus
	case rest == "/auth/redirect":
		how = byRedirect
	case rest == "/auth/envoy" || strings.HasPrefix(rest, "/auth/envoy/"):
		how = byRequestPath
	default:
		return false
	}
	if !x.trusted {
		p.refuse(x, metrics.Refused, Refusal{Status: http.StatusForbidden, Reason: ReasonUntrusted})
		return true
	}
	original, ok := p.original(r, how)
	if !ok {
		status := http.StatusBadRequest
		if how == byStatus {
			status = http.StatusForbidden
		}
		p.refuse(x, metrics.Refused, Refusal{Status: status, Reason: ReasonTarget})
		return true
	}
	x.asked, x.request, x.person = how, original, person(original)
	x.Header().Set("Cache-Control", "no-store")
	path, forward, ok := target(original)
	switch {
	case !ok || original.Method == http.MethodConnect || original.Method == http.MethodTrace:
		p.refuse(x, metrics.Refused, Refusal{Status: http.StatusForbidden, Reason: ReasonTarget})
	case p.reserved.covers(path):
		// The front proxy sends these here itself; it need not ask.
		p.refuse(x, metrics.Refused, Refusal{Status: http.StatusForbidden, Reason: ReasonNotFound})
	default:
		x.path, x.forward = path, forward
		p.gate(x, original, p.ruled.Load())
	}
	return true
}

// original is the request that is asked about: its method and target as the
// front proxy says, each exactly once, its headers as they came.
func (p *Proxy) original(r *http.Request, how asked) (*http.Request, bool) {
	method, target := r.Method, ""
	switch how {
	case byRequestPath:
		target = strings.TrimPrefix(r.RequestURI, p.config.Prefix+"/auth/envoy")
	case byStatus, byRedirect:
		names := [2]string{"X-Original-Method", "X-Original-Uri"}
		if how == byRedirect {
			names = [2]string{"X-Forwarded-Method", "X-Forwarded-Uri"}
		}
		methods, targets := r.Header[names[0]], r.Header[names[1]]
		if len(methods) != 1 || len(targets) != 1 {
			return nil, false
		}
		method, target = methods[0], targets[0]
	}
	// The front proxy may pass the browser's body on, or its length.
	original := r.Clone(r.Context())
	if method == "" || strings.ContainsFunc(method, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return nil, false
	}
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return nil, false
	}
	original.Method, original.RequestURI, original.URL = method, target, u
	if hosts := r.Header["X-Forwarded-Host"]; how == byRedirect && len(hosts) > 0 {
		if len(hosts) != 1 {
			return nil, false
		}
		original.Host = hosts[0]
	}
	return original, p.hosts.ours(original.Host)
}

// allow tells the front proxy that the request may pass, with every header that
// the portal is to receive in the place of the browser's: empty where there is
// nothing to say, for some front proxies would keep what a browser forged. The
// Cookie is the browser's without ours. A session that is renewed goes along.
func (p *Proxy) allow(x *exchange, s *session.Session) {
	h := x.Header()
	for _, header := range slices.Concat(p.config.Headers, p.ruled.Load().rules.headers()) {
		h[textproto.CanonicalMIMEHeaderKey(header.Name)] = []string{""}
	}
	for _, v := range x.values {
		h[v.name] = []string{v.text}
	}
	cookies := http.Header{"Cookie": slices.Clone(x.request.Header["Cookie"])}
	session.Strip(cookies)
	h["Cookie"] = []string{strings.Join(cookies["Cookie"], "; ")}
	if s != nil && person(x.request) {
		p.reseal(x, s)
	}
	x.WriteHeader(http.StatusOK)
}
