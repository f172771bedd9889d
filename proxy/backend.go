package proxy

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"
	"time"
)

// backend is one server of the portal, at one address or several that serve
// the same. An address that cannot be dialled is left alone for a while, and
// the request goes to the next: nothing of it has been sent. Once anything has
// been, only a request that is safe to repeat goes anywhere else (RFC 9110,
// 9.2.1).
type backend struct {
	addresses []*address
	turn      atomic.Uint32
	transport http.RoundTripper
	upgrade   http.RoundTripper // a WebSocket begins in HTTP/1.1
	aside     time.Duration
	now       func() time.Time
	logger    *slog.Logger
}

type address struct {
	host  string
	until atomic.Int64 // unix nanoseconds before which it is left alone
}

// backendOf answers the server for a rule, or for none. What the rules before
// had is used again, with its connections and what it knows of its addresses.
func (p *Proxy) backendOf(r *rule, before, all map[string]*backend) *backend {
	c := &p.config
	urls, http2, wait := append([]*url.URL{c.Upstream}, c.FurtherUpstreams...), c.UpstreamHTTP2, c.ResponseTimeout
	if r != nil && r.Upstream != nil {
		urls, http2 = []*url.URL{r.Upstream}, r.UpstreamHTTP2
	}
	if r != nil && r.ResponseTimeout > 0 {
		wait = r.ResponseTimeout
	}
	key := fmt.Sprint(urls, http2, wait)
	if all[key] == nil {
		all[key] = before[key]
	}
	if all[key] == nil {
		all[key] = p.newBackend(urls, http2, wait)
	}
	return all[key]
}

func (p *Proxy) newBackend(urls []*url.URL, http2 bool, wait time.Duration) *backend {
	c := &p.config
	b := &backend{aside: c.Aside, now: c.Now, logger: c.Logger}
	for _, u := range urls {
		b.addresses = append(b.addresses, &address{host: u.Host})
	}
	plain := &http.Transport{
		DialContext: (&net.Dialer{Timeout: c.DialTimeout}).DialContext,
		// The library keeps 2 idle connections a host; with dozens of requests
		// at once most would dial anew, which costs more than all the rest.
		MaxIdleConnsPerHost:   4096,
		IdleConnTimeout:       c.IdleTimeout,
		ResponseHeaderTimeout: wait,
		TLSClientConfig:       c.UpstreamTLS,
		TLSHandshakeTimeout:   c.DialTimeout,
		ExpectContinueTimeout: time.Second,
		// Bytes pass as they are.
		DisableCompression: true,
		Protocols:          new(http.Protocols),
	}
	plain.Protocols.SetHTTP1(true)
	b.transport, b.upgrade = plain, plain
	if http2 {
		second := plain.Clone()
		second.Protocols = new(http.Protocols)
		second.Protocols.SetHTTP2(true)
		second.Protocols.SetUnencryptedHTTP2(true)
		// A connection that all requests share must not die unnoticed.
		second.HTTP2 = &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 15 * time.Second}
		b.transport = second
	}
	return b
}

// RoundTrip asks one address after the other for as long as that is safe.
func (b *backend) RoundTrip(out *http.Request) (answer *http.Response, err error) {
	transport := b.transport
	if len(out.Header["Upgrade"]) > 0 {
		transport = b.upgrade
	}
	if out.Body != nil && len(b.addresses) > 1 {
		// A failed dial closes the body, which the next address needs.
		out.Body = keptOpen{out.Body}
	}
	now := b.now()
	for _, a := range b.order(now) {
		out.URL.Host = a.host
		answer, err = transport.RoundTrip(out)
		if err == nil || out.Context().Err() != nil {
			return answer, err
		}
		unsent := undialled(err)
		if unsent {
			a.until.Store(now.Add(b.aside).UnixNano())
			b.logger.LogAttrs(out.Context(), slog.LevelWarn, "an address of the portal cannot be reached",
				slog.String("address", a.host), slog.Duration("left_alone_for", b.aside), slog.String("cause", cause(err)))
		}
		if !unsent && !repeatable(out, err) {
			return nil, err
		}
	}
	return nil, err
}

// order is the addresses in turn, those that are left alone at the end.
func (b *backend) order(now time.Time) []*address {
	if len(b.addresses) == 1 {
		return b.addresses
	}
	first := int(b.turn.Add(1)) % len(b.addresses)
	order := slices.Concat(b.addresses[first:], b.addresses[:first])
	slices.SortStableFunc(order, func(x, y *address) int { return x.rank(now) - y.rank(now) })
	return order
}

func (a *address) rank(now time.Time) int {
	if now.UnixNano() < a.until.Load() {
		return 1
	}
	return 0
}

func undialled(err error) bool {
	var network *net.OpError
	return errors.As(err, &network) && network.Op == "dial"
}

// repeatable reports a request without effect whose exchange broke. One that
// was not answered in time may have cost the portal enough.
func repeatable(out *http.Request, err error) bool {
	var timeout net.Error
	late := errors.As(err, &timeout) && timeout.Timeout()
	return !late && out.Body == nil &&
		(out.Method == http.MethodGet || out.Method == http.MethodHead || out.Method == http.MethodOptions)
}

type keptOpen struct{ io.Reader }

func (keptOpen) Close() error { return nil }

func (b *backend) closeIdle() {
	for _, t := range []http.RoundTripper{b.transport, b.upgrade} {
		t.(*http.Transport).CloseIdleConnections()
	}
}

// byBackend sends each request to the server that its rule names.
type byBackend struct{}

func (byBackend) RoundTrip(out *http.Request) (*http.Response, error) {
	return exchangeOf(out.Context()).backend.RoundTrip(out)
}
