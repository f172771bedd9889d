package proxy

import (
	"io"
	"net/http"
	"strings"
	"sync"

	"vneid-proxy/session"
)

// isStream reports an answer that may go on for as long as its session: what it
// brings after the session's end would be for nobody.
func isStream(h http.Header) bool {
	kind, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	switch kind = lower(strings.TrimSpace(kind)); kind {
	case "text/event-stream", "application/x-ndjson", "multipart/x-mixed-replace":
		return true
	}
	return strings.HasPrefix(kind, "application/grpc")
}

// stream is the body of such an answer. Cutting it breaks the answer off, so
// that the browser asks again and is told where it stands.
type stream struct {
	io.ReadCloser
	upgrades *upgrades
	one      *upgrade
	over     sync.Once
}

// watched ends the body with the session.
func (u *upgrades) watched(body io.ReadCloser, s *session.Session) io.ReadCloser {
	one := &upgrade{session: s, cut: func() { _ = body.Close() }}
	if !u.begin(one) {
		return body // the process drains, and ends it by itself
	}
	return &stream{ReadCloser: body, upgrades: u, one: one}
}

// Close lets go of it.
func (s *stream) Close() error {
	s.over.Do(func() { s.upgrades.end(s.one) })
	return s.ReadCloser.Close()
}
