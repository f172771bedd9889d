package proxy

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"vneid-proxy/metrics"
	"vneid-proxy/session"
)

// Config says what a Proxy stands before, and whom it asks.
type Config struct {
	// PublicURL is what browsers see: scheme and host, no path; required. A
	// request for another Host is answered 421.
	PublicURL *url.URL
	// Prefix is the reserved path prefix, e.g. "/_vneid"; required.
	Prefix string
	// Upstream is the portal: scheme and host, no path; required.
	Upstream *url.URL
	// FurtherUpstreams are more addresses of the same portal, of the same
	// scheme; requests take turns. Default none.
	FurtherUpstreams []*url.URL
	// UpstreamHTTP2 speaks HTTP/2 to the portal and nothing else: by prior
	// knowledge to http, by ALPN to https. A WebSocket still takes HTTP/1.1.
	UpstreamHTTP2 bool
	// UpstreamHost is the Host that the portal is sent where it insists on a
	// name of its own; its addresses and cookies are written back. "" is the
	// public one.
	UpstreamHost string
	// UpstreamTLS is for an https upstream; nil means the system's roots.
	UpstreamTLS *tls.Config

	// Public are path prefixes open to all, such as "/assets/" or
	// "/favicon.ico", for those who need no Rules. Default none.
	Public []string
	// Rules say who may ask for what; nil is Public alone. SetRules replaces
	// them later.
	Rules *Rules
	// Login says whether a path is part of the portal's own sign-in page and
	// open now to somebody at this stage (nil or a *session.Proof). It is asked
	// only for plain raw paths and only where nobody is admitted. Nil is never.
	Login func(path string, stage session.Stage, now time.Time) bool

	// Jar opens the cookies; required.
	Jar *session.Jar
	// Admit judges a session by its standing and the date; required.
	Admit func(*session.Session, time.Time) Verdict
	// Keep keeps a posted form for whoever held the session last, and reports
	// whether it did; nil keeps none.
	Keep func(http.ResponseWriter, *http.Request, *session.Session) bool
	// Resealed is told of each session whose cookie was just written anew, which
	// happens while a person goes from page to page, and not often. It must not
	// block. Nil is told nothing.
	Resealed func(*session.Session)
	// Validity says what became of a session since it was sealed; required.
	Validity func(*session.Session) Validity

	// Refuse shows a person why not, status included. Nil answers people as
	// programs, with a problem document.
	Refuse func(http.ResponseWriter, *http.Request, Refusal)
	// Own serves what lies under Prefix, except jwks.json; required. It sees
	// plain paths only.
	Own http.Handler

	// Headers are the identity headers; nil means DefaultHeaders.
	Headers []Header
	// Assertion signs the assertion and publishes its keys; nil means neither.
	Assertion *Assertion
	// AllowedHeaderNames are incoming names with characters outside
	// [A-Za-z0-9-] that the portal needs. Default none; what folds to an
	// identity header is removed all the same.
	AllowedHeaderNames []string
	// TrustedProxies are the peers whose X-Forwarded-* headers are believed.
	// Default none.
	TrustedProxies []netip.Prefix
	// PassAuthorization lets the Authorization header through to the portal on
	// protected routes. Default false.
	PassAuthorization bool

	// DialTimeout bounds connecting to the portal; default 5 s.
	DialTimeout time.Duration
	// ResponseTimeout bounds the wait for the head of the portal's answer once
	// the request is sent; default 60 s. The answer itself may take for ever.
	ResponseTimeout time.Duration
	// IdleTimeout closes unused connections to the portal; default 50 s, below
	// the 60 s after which most servers close theirs.
	IdleTimeout time.Duration
	// Rate is how many requests a second one session may make on average, or
	// one address without a session where a trusted proxy tells it; what it
	// saved up in ten seconds may come at once. 0 is no limit.
	Rate float64
	// MaxBody is the largest body of a request, in bytes; 0 is no limit.
	MaxBody int64
	// ClientTimeout ends a request whose client has sent nothing of the body
	// for that long; default 60 s.
	ClientTimeout time.Duration
	// Aside is how long an address of the portal that could not be dialled is
	// left alone while there are others; default 5 s.
	Aside time.Duration
	// Recheck is how often the sessions behind open WebSockets are judged
	// anew; default 1 s.
	Recheck time.Duration

	Metrics *metrics.Metrics // required
	Logger  *slog.Logger     // nil is slog.Default
	Now     func() time.Time // nil is time.Now
}

// Verdict is what the policy says to a session.
type Verdict struct {
	Action Action
	// Reason tells a program why it is not forwarded: "unlinked", "conflict",
	// or another of the policy's words. It is shown.
	Reason string
}

// Action is what is done with a session.
type Action int

// The actions. The zero value admits nobody.
const (
	Deny    Action = iota // 403
	ToLink                // a person to the link screen, a program 403
	Forward               // to the portal
	Read                  // to the portal by GET and HEAD, otherwise as ToLink
)

// Validity is what became of a session since it was sealed.
type Validity int

// The validities. The zero value admits nobody.
const (
	Unknown Validity = iota // the revocation feed is too old to say: 503
	Live
	Ended   // signed out or revoked: as if there were no session
	Changed // the standing of its account changed: once through the link screen
)

// check fills in the defaults and names every fault at once.
func (c *Config) check() error {
	var faults []error
	require := func(ok bool, fault string) {
		if !ok {
			faults = append(faults, errors.New("proxy: "+fault))
		}
	}
	require(origin(c.PublicURL), "the public URL must be http or https with a host and nothing else")
	require(origin(c.Upstream), "the upstream must be http or https with a host and nothing else")
	for _, u := range c.FurtherUpstreams {
		require(origin(u) && origin(c.Upstream) && u.Scheme == c.Upstream.Scheme, "further upstreams must be addresses like the first, of the same scheme")
	}
	require(plain(c.Prefix) && !strings.HasSuffix(c.Prefix, "/"), "the prefix must be a plain path without a slash at its end")
	require(c.Jar != nil && c.Admit != nil && c.Validity != nil && c.Own != nil && c.Metrics != nil,
		"Jar, Admit, Validity, Own and Metrics are required")
	require(len(c.Public) == 0 || c.Rules == nil, "write the public paths among the rules")
	if c.Rules == nil {
		rules := make([]Rule, len(c.Public))
		for i, path := range c.Public {
			rules[i] = Rule{Path: path, Access: Public}
		}
		var err error
		if c.Rules, err = NewRules(rules); err != nil {
			faults = append(faults, fmt.Errorf("proxy: public paths: %w", err))
		}
	}
	if c.Headers == nil {
		c.Headers = DefaultHeaders()
	}
	faults = append(faults, checkHeaders(c.Headers)...)
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	for _, d := range []struct {
		value *time.Duration
		usual time.Duration
	}{
		{&c.DialTimeout, 5 * time.Second}, {&c.ResponseTimeout, time.Minute},
		{&c.IdleTimeout, 50 * time.Second}, {&c.Recheck, time.Second}, {&c.Aside, 5 * time.Second},
		{&c.ClientTimeout, time.Minute},
	} {
		if *d.value <= 0 {
			*d.value = d.usual
		}
	}
	return errors.Join(faults...)
}

func origin(u *url.URL) bool {
	return u != nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.Opaque == "" &&
		u.User == nil && (u.Path == "" || u.Path == "/") && u.RawQuery == "" && u.Fragment == ""
}
