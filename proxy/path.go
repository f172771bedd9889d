package proxy

import (
	"net/http"
	"net/url"
	"path"
	"strings"
)

// target reads the raw request target. Only the origin form is taken (RFC
// 9112, 3.2.1): the absolute form would name the host a second time, and a "#"
// is no part of any target, though some servers cut there. forward is the URL
// that carries the target to the upstream byte for byte.
func target(r *http.Request) (rawPath string, forward *url.URL, ok bool) {
	raw := r.RequestURI
	if !strings.HasPrefix(raw, "/") || strings.Contains(raw, "#") {
		return "", nil, false
	}
	rawPath, _, _ = strings.Cut(raw, "?")
	if !strings.HasPrefix(raw, "//") {
		// An opaque URL is written as it stands, whatever is in it.
		return rawPath, &url.URL{Opaque: raw}, true
	}
	// With two slashes an opaque part would be written as an absolute URL. The
	// parsed URL serves, unless it would be written in another spelling.
	forward = &url.URL{
		Path: r.URL.Path, RawPath: r.URL.RawPath,
		RawQuery: r.URL.RawQuery, ForceQuery: r.URL.ForceQuery,
	}
	return rawPath, forward, forward.RequestURI() == raw
}

// plain reports a raw path that everybody reads alike: it begins with a slash,
// holds only letters, digits and "/_.~@-", and has no empty and no dot
// segment. A single slash may end it.
func plain(raw string) bool {
	if raw == "" || raw[0] != '/' {
		return false
	}
	begin := 1
	for i := 1; i <= len(raw); i++ {
		if i < len(raw) && raw[i] != '/' {
			if !plainByte(raw[i]) {
				return false
			}
			continue
		}
		segment := raw[begin:i]
		if segment == "." || segment == ".." || segment == "" && i < len(raw) {
			return false
		}
		begin = i + 1
	}
	return true
}

func plainByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
		c == '_' || c == '.' || c == '~' || c == '@' || c == '-'
}

// under reports a path that equals a prefix or lies under it at a slash.
func under(raw, prefix string) bool {
	if !strings.HasPrefix(raw, prefix) {
		return false
	}
	return len(raw) == len(prefix) || strings.HasSuffix(prefix, "/") || raw[len(prefix)] == '/'
}

// reserved is our own path prefix: a rule that tightens.
type reserved struct {
	prefix string
	last   string // its last segment, lower case
}

func newReserved(prefix string) reserved {
	return reserved{prefix: prefix, last: lower(prefix[strings.LastIndexByte(prefix, '/')+1:])}
}

// covers reports whether any reading of the raw path lies under the prefix.
func (p reserved) covers(raw string) bool {
	if plain(raw) {
		return len(raw) >= len(p.prefix) && strings.EqualFold(raw[:len(p.prefix)], p.prefix) &&
			under(raw, raw[:len(p.prefix)])
	}
	once := decode(raw)
	twice := decode(once)
	// No reading joins two segments, so this spares most odd paths the rest.
	if !strings.Contains(lower(raw), p.last) && !strings.Contains(lower(once), p.last) && !strings.Contains(lower(twice), p.last) {
		return false
	}
	prefix := lower(p.prefix)
	return anyReading([]string{raw, once, twice}, func(reading string) bool { return under(lower(reading), prefix) })
}

// anyReading tries every way in which a server may read a path: backslashes as
// slashes, without ";params", cut at what ends a path once decoded ("?", "#",
// NUL), and cleaned of dot segments and doubled slashes; each with and without
// the others.
func anyReading(decoded []string, match func(string) bool) bool {
	for _, start := range decoded {
		for choice := range 16 {
			reading := start
			if choice&1 != 0 {
				reading = strings.ReplaceAll(reading, `\`, "/")
			}
			if choice&2 != 0 {
				if end := strings.IndexAny(reading, "?#\x00"); end >= 0 {
					reading = reading[:end]
				}
			}
			if choice&4 != 0 {
				reading = withoutParams(reading)
			}
			if choice&8 != 0 {
				reading = path.Clean("/" + reading)
			}
			if match(reading) {
				return true
			}
		}
	}
	return false
}

func withoutParams(p string) string {
	if !strings.Contains(p, ";") {
		return p
	}
	segments := strings.Split(p, "/")
	for i, segment := range segments {
		segments[i], _, _ = strings.Cut(segment, ";")
	}
	return strings.Join(segments, "/")
}

// decode undoes percent-encoding once and leaves what is not well-formed as it
// is, as lenient servers do.
func decode(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if high, low := unhex(s[i+1]), unhex(s[i+2]); high >= 0 && low >= 0 {
				b = append(b, byte(high<<4|low))
				i += 2
				continue
			}
		}
		b = append(b, s[i])
	}
	return string(b)
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
