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
		addr, err := netip.ParseAddr(strings.TrimSpace(entries[i]))
		if err != nil {
			break
		}
		chain = addr.Unmap().WithZone("").String() + ", " + chain
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

// forwardedNodes are the addresses after "for=" of a Forwarded header (RFC
// 7239, 4), in order; what names none is "", at which the reading stops.
func forwardedNodes(values []string) (nodes []string) {
	for element := range strings.SplitSeq(strings.Join(values, ","), ",") {
		node := ""
		for pair := range strings.SplitSeq(element, ";") {
			name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
			if lower(name) == "for" {
				node = strings.Trim(value, `"`)
			}
		}
		// With a port: 192.0.2.1:4711, [2001:db8::1]:4711.
		if with, err := netip.ParseAddrPort(node); err == nil {
			node = with.Addr().String()
		}
		nodes = append(nodes, strings.Trim(node, "[]"))
	}
	return nodes
}
