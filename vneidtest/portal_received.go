package vneidtest

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"slices"
)

// maxReceived bounds the recorder.
const maxReceived = 1000

// Received is one request as it reached the portal.
type Received struct {
	Method string      `json:"method"`
	Target string      `json:"target"` // request target of the request line, byte for byte
	Host   string      `json:"host"`
	Header http.Header `json:"headers"` // without Host
}

func received(r *http.Request) Received {
	return Received{Method: r.Method, Target: r.RequestURI, Host: r.Host, Header: r.Header.Clone()}
}

func (p *Portal) record(r *http.Request) {
	got := received(r)
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.received) == maxReceived {
		p.received = slices.Delete(p.received, 0, 1)
	}
	p.received = append(p.received, got)
}

// Requests returns the last requests that reached the portal, oldest first, at
// most a thousand.
func (p *Portal) Requests() []Received {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.received)
}

// ForgetRequests empties the recorder, so that a test sees only its own.
func (p *Portal) ForgetRequests() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.received = nil
}

func (p *Portal) headers(w http.ResponseWriter, r *http.Request) {
	if prefersJSON(r) {
		writeJSON(w, http.StatusOK, received(r))
		return
	}
	p.pages.render(w, http.StatusOK, "headers.html", portalPage{Visitor: p.visitor(r), Received: received(r)})
}

func (p *Portal) echo(w http.ResponseWriter, r *http.Request) {
	hash := sha256.New()
	size, err := io.Copy(hash, r.Body)
	if err != nil {
		http.Error(w, "cannot read the body", http.StatusBadRequest)
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"method": r.Method, "target": r.RequestURI, "size": size, "sha256": hex.EncodeToString(hash.Sum(nil)),
	})
}
