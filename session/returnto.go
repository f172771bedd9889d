package session

import (
	"net/url"
	"strconv"
	"strings"
)

// MaxReturnTo is the longest return path that is kept, in bytes.
const MaxReturnTo = 1024

// ReturnTo is the path to come back to after a sign-in: raw itself where it is
// a plain path of this origin, "/" otherwise. It accepts RFC 3986 path and
// query characters rooted at one slash and after them one fragment, and refuses
// a second slash, a backslash, a control byte and a dot segment, raw or decoded
// twice; so it is never parsed as a host by whoever reads it next. Paths under
// the reserved prefix lead to "/" too, for they are no page to land on.
func ReturnTo(raw, prefix string) string {
	if len(raw) > MaxReturnTo || !strings.HasPrefix(raw, "/") {
		return "/"
	}
	sent, fragment, _ := strings.Cut(raw, "#") // the latter is the browser's alone
	for _, part := range []string{sent, fragment} {
		for i := range len(part) {
			if !uriByte(part[i]) {
				return "/"
			}
		}
	}
	if _, err := url.PathUnescape(raw); err != nil {
		return "/"
	}
	path, _, _ := strings.Cut(sent, "?")
	for range 3 {
		if !plainPath(path) || path == prefix || strings.HasPrefix(path, prefix+"/") {
			return "/"
		}
		path = decoded(path)
	}
	return raw
}

// decoded leaves a percent sign that begins no encoding as it is, as lenient
// readers do: "%25" once decoded must not hide what stands beside it.
func decoded(path string) string {
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		if path[i] == '%' && i+2 < len(path) {
			if c, err := strconv.ParseUint(path[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(c))
				i += 2
				continue
			}
		}
		b.WriteByte(path[i])
	}
	return b.String()
}

func plainPath(path string) bool {
	for i := range len(path) {
		if path[i] < 0x20 || path[i] == 0x7f || path[i] == '\\' {
			return false
		}
	}
	for i, segment := range strings.Split(path, "/") {
		name, _, _ := strings.Cut(segment, ";")
		if name == "." || name == ".." || (i > 0 && segment == "" && i < strings.Count(path, "/")) {
			return false
		}
	}
	return true
}

// uriByte reports a byte of RFC 3986's path or query, "%" included.
func uriByte(c byte) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		return true
	}
	return strings.IndexByte("-._~!$&'()*+,;=:@/?%", c) >= 0
}
