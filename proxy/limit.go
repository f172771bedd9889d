package proxy

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"
)

// tooLarge ends a body that turned out longer than allowed.
type tooLarge struct{}

func (tooLarge) Error() string { return "the body is longer than allowed" }

// limited is a request's body on its way to the portal: no longer than allowed,
// and not held open by a client that has gone silent. The portal's workers are
// few, and each waits for as long as its request does.
type limited struct {
	io.ReadCloser
	control *http.ResponseController
	left    int64 // -1 is no limit
	silence time.Duration
	silent  atomic.Bool // nothing came for that long
}

func (l *limited) Read(b []byte) (int, error) {
	if l.left == 0 {
		// Is there more? One byte tells.
		var more [1]byte
		if n, err := l.ReadCloser.Read(more[:]); n == 0 {
			return 0, err
		}
		return 0, tooLarge{}
	}
	if l.left > 0 && int64(len(b)) > l.left {
		b = b[:l.left]
	}
	_ = l.control.SetReadDeadline(time.Now().Add(l.silence))
	n, err := l.ReadCloser.Read(b)
	_ = l.control.SetReadDeadline(time.Time{})
	if l.left > 0 {
		l.left -= int64(n)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		l.silent.Store(true)
	}
	return n, err
}

// limit holds a request to the size of its rule, or refuses it at once where it
// says itself that it is larger.
func (p *Proxy) limit(x *exchange, r *http.Request) (ok bool) {
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return true
	}
	most := p.config.MaxBody
	if x.rule != nil && x.rule.MaxBody > 0 {
		most = x.rule.MaxBody
	}
	if most > 0 && r.ContentLength > most {
		p.refuse(x, x.decision, Refusal{Status: http.StatusRequestEntityTooLarge, Reason: ReasonBody})
		return false
	}
	body := &limited{ReadCloser: r.Body, control: http.NewResponseController(x.ResponseWriter), left: -1, silence: p.config.ClientTimeout}
	if most > 0 {
		body.left = most
	}
	x.body, r.Body = body, body
	return true
}
