package proxy

import (
	"net/http"
	"strings"
)

// fold writes a header name as the most careless server might read it: lower
// case, and everything that is neither letter nor digit as "-". CGI, PHP, WSGI
// and .NET each fold some of it (".", "_", blank).
func fold(name []byte) []byte {
	for i, c := range name {
		c = lowerByte(c)
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9') {
			c = '-'
		}
		name[i] = c
	}
	return name
}

// merge makes one "-" of each run in a folded name, in place.
func merge(folded []byte) []byte {
	out := folded[:0]
	for i, c := range folded {
		if c != '-' || i == 0 || folded[i-1] != '-' {
			out = append(out, c)
		}
	}
	return out
}

// namePrefixes are the folded prefixes that belong to identities, ours and
// those of other proxies, which portals were taught to believe.
func namePrefixes() []string { return []string{"x-identity-", "x-auth-request-", "remote-"} }

// otherNames are single names of the same kind.
func otherNames() []string {
	return []string{
		"X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Groups",
		"X-Forwarded-Preferred-Username", "X-Forwarded-Access-Token",
	}
}

// names says which incoming headers go.
type names struct {
	identity map[string]bool // folded and folded-and-merged names
	prefixes []string
	allowed  map[string]bool // lower-case names with odd characters
}

func newNames(headers []Header, allowed []string) *names {
	n := &names{identity: make(map[string]bool), prefixes: namePrefixes(), allowed: make(map[string]bool)}
	all := otherNames()
	for _, header := range headers {
		all = append(all, header.Name)
	}
	for _, name := range all {
		folded := fold([]byte(name))
		n.identity[string(folded)] = true
		n.identity[string(merge(folded))] = true
	}
	for _, name := range allowed {
		n.allowed[lower(name)] = true
	}
	return n
}

// family is what a header name belongs to.
type family int

const (
	ordinary   family = iota
	identifies        // could be read as an identity header
	forwards          // says where a request came from or should go
	odd               // has characters outside [A-Za-z0-9-]
)

func (n *names) family(name string) family {
	var room [64]byte
	folded := fold(append(room[:0], name...))
	plainName := strings.EqualFold(name, string(folded))
	if n.identifies(folded) {
		return identifies
	}
	written := len(folded)
	merged := merge(folded)
	if len(merged) != written && n.identifies(merged) {
		return identifies
	}
	if forwarding(merged) {
		if plainName && len(merged) == written {
			return forwards
		}
		return odd
	}
	if !plainName && !n.allowed[lower(name)] {
		return odd
	}
	return ordinary
}

func (n *names) identifies(folded []byte) bool {
	if n.identity[string(folded)] {
		return true
	}
	for _, prefix := range n.prefixes {
		if strings.HasPrefix(string(folded), prefix) {
			return true
		}
	}
	return false
}

// forwarding reports what a proxy on the way may say, believed only from
// trusted ones. X-Original-URL and X-Rewrite-URL make some portals serve
// another path than the one that was judged.
func forwarding(folded []byte) bool {
	switch string(folded) {
	case "forwarded", "x-real-ip", "x-client-ip", "true-client-ip", "x-original-url", "x-original-uri", "x-original-method", "x-rewrite-url", "x-original-host":
		return true
	}
	return strings.HasPrefix(string(folded), "x-forwarded-")
}

// strip removes what no client may say, and returns how many names could have
// been read as an identity header. trusted tells whether the peer may say
// where the request came from.
func (n *names) strip(h http.Header, trusted bool) (forged int) {
	for name := range h {
		switch n.family(name) {
		case identifies:
			delete(h, name)
			forged++
		case odd:
			delete(h, name)
		case forwards:
			if !trusted {
				delete(h, name)
			}
		}
	}
	return forged
}
