package proxy

import (
	"net/http"
	"net/netip"
	"strings"
)

// forwardedFor is the X-Forwarded-For that the portal sees: the client, then
// the trusted proxies between. The incoming list is read from the right for as
// long as whoever wrote the entry is trusted; what lies beyond the first
// untrusted address is hearsay and goes.
func (p *Proxy) forwardedFor(x *exchange) string {
	peer, err := netip.ParseAddrPort(x.request.RemoteAddr)
	if err != nil {
		return ""
	}
	chain := peer.Addr().Unmap().WithZone("").String()
	if !x.trusted {
		return chain
	}
	entries := strings.Split(strings.Join(x.request.Header["X-Forwarded-For"], ","), ",")
	if len(x.request.Header["X-Forwarded-For"]) == 0 {
		entries = forwardedNodes(x.request.Header["Forwarded"])
	}
	for i := len(entries) - 1; i >= 0; i-- {
		addr := node(entries[i]).Addr()
		if !addr.IsValid() {
			break
		}
		chain = addr.String() + ", " + chain
		if !p.trustsAddr(addr) {
			break
		}
	}
	return chain
}

// Client is the address that a request comes from, where a trusted proxy tells:
// of IPv6 the network of 64 bits, which is one household's.
func (p *Proxy) Client(r *http.Request) (string, bool) {
	if !p.trusts(r.RemoteAddr) {
		return "", false
	}
	first, _, _ := strings.Cut(p.forwardedFor(&exchange{request: r, trusted: true}), ",")
	addr, err := netip.ParseAddr(first)
	if err != nil || p.trustsAddr(addr) {
		return "", false
	}
	if addr.Is6() {
		network, _ := addr.Prefix(64)
		addr = network.Addr()
	}
	return addr.String(), true
}

// Source is where a request comes from, for the audit: the address that a
// trusted proxy tells, with its port where it tells that too (RFC 7239, 6, or
// X-Forwarded-For with ports), port 0 where not; else the peer's own. It is
// zero where not even that can be read.
func (p *Proxy) Source(r *http.Request) netip.AddrPort {
	source, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.AddrPort{}
	}
	source = netip.AddrPortFrom(source.Addr().Unmap().WithZone(""), source.Port())
	nodes := strings.Split(strings.Join(r.Header["X-Forwarded-For"], ","), ",")
	if len(r.Header["X-Forwarded-For"]) == 0 {
		nodes = forwardedNodes(r.Header["Forwarded"])
	}
	for i := len(nodes) - 1; i >= 0 && p.trustsAddr(source.Addr()); i-- {
		next := node(nodes[i])
		if !next.IsValid() {
			break
		}
		source = next
	}
	return source
}

// node reads an address with or without a port; port 0 is none, and what
// cannot be read is zero.
func node(text string) netip.AddrPort {
	text = strings.TrimSpace(text)
	if with, err := netip.ParseAddrPort(text); err == nil {
		return netip.AddrPortFrom(with.Addr().Unmap().WithZone(""), with.Port())
	}
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(addr.Unmap().WithZone(""), 0)
}

// forwardedNodes are the nodes after "for=" of a Forwarded header (RFC 7239,
// 4), in order; what names none is "", at which the reading stops.
func forwardedNodes(values []string) (nodes []string) {
	for element := range strings.SplitSeq(strings.Join(values, ","), ",") {
		node := ""
		for pair := range strings.SplitSeq(element, ";") {
			name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
			if lower(name) == "for" {
				node = strings.Trim(value, `"`)
			}
		}
		nodes = append(nodes, node)
	}
	return nodes
}
