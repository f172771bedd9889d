package proxy

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"vneid-proxy/metrics"
)

// Proxy is the handler before the portal. It is safe for concurrent use.
type Proxy struct {
	config   Config
	hosts    hosts
	reserved reserved
	inner    inner
	ruled    atomic.Pointer[ruled]
	upstream *upstream
	upgrades *upgrades
	rates    *rates // nil is no limit
	buffers  buffers
}

// New checks the configuration, every fault of it at once.
func New(c Config) (*Proxy, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	p := &Proxy{
		config:   c,
		hosts:    newHosts(c.PublicURL),
		reserved: newReserved(c.Prefix),
		inner:    newInner(&c),
		rates:    newRates(c.Rate),
	}
	p.upgrades = newUpgrades(c.Recheck, p.stillAdmitted)
	p.SetRules(c.Rules)
	p.upstream = newUpstream(p)
	return p, nil
}

// ruled is what changes with the rules.
type ruled struct {
	rules    *Rules
	names    *names
	backends map[string]*backend
	byRule   map[*rule]*backend // nil is the key where no rule decides
}

// SetRules puts another list of rules in the place of the present one: requests
// that have begun go on under the rules that they were judged by.
func (p *Proxy) SetRules(rules *Rules) {
	headers := slices.Concat(p.config.Headers, rules.headers())
	now := &ruled{
		rules: rules, names: newNames(headers, p.config.AllowedHeaderNames),
		backends: make(map[string]*backend), byRule: make(map[*rule]*backend),
	}
	before := make(map[string]*backend)
	if last := p.ruled.Load(); last != nil {
		before = last.backends
	}
	now.byRule[nil] = p.backendOf(nil, before, now.backends)
	for i := range rules.list {
		now.byRule[&rules.list[i]] = p.backendOf(&rules.list[i], before, now.backends)
	}
	p.ruled.Store(now)
	for key, b := range before {
		if now.backends[key] == nil {
			b.closeIdle()
		}
	}
}

// ServeHTTP counts the request, then judges and answers it.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	begun := time.Now()
	x := &exchange{ResponseWriter: w, proxy: p, request: r, person: person(r), decision: metrics.Refused}
	defer func() {
		p.config.Metrics.Request(x.decision, x.status, time.Since(begun))
		p.log(x)
	}()
	p.serve(x, r)
}

// serve is the order in which everything happens.
func (p *Proxy) serve(x *exchange, r *http.Request) {
	x.trusted = p.trusts(r.RemoteAddr)
	now := p.ruled.Load()
	if forged := now.names.strip(r.Header, x.trusted); forged > 0 {
		p.config.Metrics.IdentityHeadersRemoved(forged)
	}
	switch path, forward, ok := target(r); {
	case r.Method == http.MethodConnect || r.Method == http.MethodTrace:
		x.Header().Set("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
		p.refuse(x, metrics.Refused, Refusal{Status: http.StatusMethodNotAllowed, Reason: ReasonMethod})
	case !ok:
		p.refuse(x, metrics.Refused, Refusal{Status: http.StatusBadRequest, Reason: ReasonTarget})
	case !p.hosts.ours(r.Host):
		x.path = path
		p.refuse(x, metrics.Misdirected, Refusal{Status: http.StatusMisdirectedRequest, Reason: ReasonHost})
	default:
		x.path, x.forward = path, forward
		if p.reserved.covers(path) {
			p.own(x, r)
			return
		}
		p.gate(x, r, now)
	}
}

// own answers below the reserved prefix: plain paths in its own spelling. Any
// other reading of it leads nowhere.
func (p *Proxy) own(x *exchange, r *http.Request) {
	x.decision = metrics.Own
	rest, exact := strings.CutPrefix(x.path, p.config.Prefix)
	// Below auth/envoy/ comes the path that is asked about, however spelt.
	if exact && strings.HasPrefix(rest, "/auth/envoy/") && p.forwardAuth(x, r, rest) {
		return
	}
	if !exact || !plain(x.path) {
		p.refuse(x, metrics.Refused, Refusal{Status: http.StatusNotFound, Reason: ReasonNotFound})
		return
	}
	if rest == "/jwks.json" && p.config.Assertion != nil {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			x.Header().Set("Allow", "GET, HEAD")
			p.refuse(x, metrics.Own, Refusal{Status: http.StatusMethodNotAllowed, Reason: ReasonMethod})
			return
		}
		p.config.Assertion.keys.ServeHTTP(x, r)
		return
	}
	if p.forwardAuth(x, r, rest) {
		return
	}
	if !p.pace(x, r, "") {
		return
	}
	x.Header().Set("Cache-Control", "no-store")
	p.config.Own.ServeHTTP(x, r)
}

// Close waits until the open WebSockets have ended or ctx is done, ends those
// that are left, and lets the connections to the portal go. It follows
// http.Server.Shutdown, which knows nothing of upgraded connections. The error
// is ctx's, where it had to end some.
func (p *Proxy) Close(ctx context.Context) error {
	err := p.upgrades.close(ctx)
	for _, b := range p.ruled.Load().backends {
		b.closeIdle()
	}
	return err
}

func (p *Proxy) trusts(remote string) bool {
	if len(p.config.TrustedProxies) == 0 {
		return false
	}
	peer, err := netip.ParseAddrPort(remote)
	return err == nil && p.trustsAddr(peer.Addr())
}

func (p *Proxy) trustsAddr(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	for _, prefix := range p.config.TrustedProxies {
		if prefix.Contains(a) {
			return true
		}
	}
	return false
}

// log writes one record: forwards and our own pages at debug, refusals at
// info. It tells the path without its query and without anything that could be
// somebody's number.
func (p *Proxy) log(x *exchange) {
	level := slog.LevelInfo
	switch x.decision {
	case metrics.Forward, metrics.Public, metrics.Own:
		level = slog.LevelDebug
	}
	ctx := x.request.Context()
	if !p.config.Logger.Enabled(ctx, level) {
		return
	}
	p.config.Logger.LogAttrs(ctx, level, "request",
		slog.String("decision", x.decision.String()), slog.Int("status", x.status), slog.String("reason", x.reason),
		slog.String("method", loggedMethod(x.request.Method)), slog.String("path", loggedPath(x.path)))
}

// loggedPath is a path fit for a log: decoded, so that an encoded number does
// not slip through, without query, cut short, and with every run of six digits
// or more masked, whatever single mark people write between them.
func loggedPath(raw string) string {
	b := []byte(decode(decode(raw)))
	if len(b) > 200 {
		b = b[:200]
	}
	for i := 0; i < len(b); i++ {
		digits, end := 0, i
		for j := i; j < len(b) && (isDigit(b[j]) || j > i && isDigit(b[j-1]) && strings.IndexByte(" ._-+,", b[j]) >= 0); j++ {
			if isDigit(b[j]) {
				digits, end = digits+1, j+1
			}
		}
		if digits >= 6 {
			for j := i; j < end; j++ {
				if isDigit(b[j]) {
					b[j] = '*'
				}
			}
		}
		i = max(i, end-1)
	}
	return strings.ToValidUTF8(string(b), "?")
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// loggedMethod keeps a visitor's own words out of the log.
func loggedMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodOptions, http.MethodConnect, http.MethodTrace:
		return method
	}
	return "other"
}
