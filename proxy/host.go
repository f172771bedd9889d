package proxy

import (
	"net/url"
	"strings"
)

// hosts tells our own Host from every other.
type hosts struct{ scheme, host string }

func newHosts(public *url.URL) hosts {
	return hosts{public.Scheme, plainHost(public.Scheme, public.Host)}
}

// ours reports whether a Host header names the public URL's host: case aside,
// and with or without the scheme's default port (RFC 9110, 4.2.3).
func (h hosts) ours(host string) bool { return plainHost(h.scheme, host) == h.host }

// origin is the public origin as browsers write it (RFC 6454, 6.2).
func (h hosts) origin() string { return h.scheme + "://" + h.host }

func plainHost(scheme, host string) string {
	host = lower(host)
	if scheme == "https" {
		return strings.TrimSuffix(host, ":443")
	}
	return strings.TrimSuffix(host, ":80")
}

// lower folds ASCII alone: Unicode folding makes a K of the Kelvin sign.
func lower(s string) string {
	for i := range len(s) {
		if s[i] >= 'A' && s[i] <= 'Z' {
			b := []byte(s)
			for j := i; j < len(b); j++ {
				b[j] = lowerByte(b[j])
			}
			return string(b)
		}
	}
	return s
}

func lowerByte(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
