package proxy

import (
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
