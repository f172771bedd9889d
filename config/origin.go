package config

import (
	"net/netip"
	"net/url"
	"strings"
)

// isClear reports plain http to another machine.
func isClear(u *url.URL) bool {
	host := strings.ToLower(u.Hostname())
	address, err := netip.ParseAddr(host)
	loopback := err == nil && address.IsLoopback() || host == "localhost" || strings.HasSuffix(host, ".localhost")
	return u.Scheme == "http" && !loopback
}

// sameOrigin obeys RFC 6454 section 5: scheme, host and port.
func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b)
}

func port(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "http":
		return "80"
	}
	return "443"
}

// isUnder reports whether path is prefix or lies under it, in any case of
// letters.
func isUnder(path, prefix string) bool {
	path, prefix = strings.ToLower(path), strings.ToLower(prefix)
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}
