package vneidtest

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"time"
)

// maxForm bounds what a simulator reads of a form or a JSON request, in bytes.
const maxForm = 64 << 10

// endpoint counts the calls of next under name and lets the four fault knobs
// of that name come before it.
func (c *Controls) endpoint(name string, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c.count(name)
		if slow := c.duration(name + "_slow"); slow > 0 && !linger(w, r, slow) {
			return
		}
		switch {
		case c.on(name + "_down"):
			http.Error(w, "simulated outage", http.StatusServiceUnavailable)
		case c.on(name + "_garbage"):
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"access_token":"cut short, "matched":tru`)
		case c.on(name + "_huge"):
			endless(w)
		default:
			next(w, r)
		}
	}
}

// linger waits and reports whether the caller is still there. The body is read
// first: until then net/http does not notice that a caller has gone.
func linger(w http.ResponseWriter, r *http.Request, wait time.Duration) bool {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	if err != nil {
		return false
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

// endless writes a JSON string that does not end until the caller hangs up.
func endless(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	chunk := []byte(strings.Repeat("x", 32<<10))
	_, err := io.WriteString(w, `{"padding":"`)
	for err == nil {
		_, err = w.Write(chunk)
	}
}
