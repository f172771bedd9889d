package outbound

import (
	"errors"
	"net/netip"
	"net/url"
)

// ErrAddress says that an address may not be called. It does not repeat it:
// a mistyped setting may be a secret.
var ErrAddress = errors.New("outbound: want an absolute https address without user or fragment (http only on loopback, unless allowed)")

// ParseAddress reads the address of somebody to call: absolute, https, without
// user information or fragment; otherwise ErrAddress. Plain http is accepted on
// loopback, elsewhere only where allowHTTP says so: numbers and secrets
// travel there.
func ParseAddress(text string, allowHTTP bool) (*url.URL, error) {
	address, err := url.Parse(text)
	switch {
	case err != nil, address.Hostname() == "", address.User != nil, address.Fragment != "":
		return nil, ErrAddress
	case address.Scheme == "https", address.Scheme == "http" && (allowHTTP || loopback(address.Hostname())):
		return address, nil
	}
	return nil, ErrAddress
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
