package proxy

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"time"

	"vneid-proxy/metrics"
)

// Refusal is why a request goes no further.
type Refusal struct {
	Status int
	// Reason is machine-readable: one of the Reason constants, or the policy's
	// own word.
	Reason string
	// RetryAfter is when to come back; 0 says nothing of it. The header is set
	// already when a page is asked for.
	RetryAfter time.Duration
}

// The reasons of the proxy's own refusals.
const (
	ReasonMethod              = "method"               // 405: CONNECT, TRACE, or not the method of this path
	ReasonTarget              = "request_target"       // 400: not a path of this origin
	ReasonHost                = "misdirected"          // 421: another host
	ReasonNotFound            = "not_found"            // 404: another spelling of the reserved prefix
	ReasonUntrusted           = "untrusted_proxy"      // 403: forward-auth asked by a peer that is not trusted
	ReasonBody                = "body_too_large"       // 413: longer than the portal takes
	ReasonSilent              = "request_timeout"      // 408: nothing more came of the body
	ReasonRate                = "too_many_requests"    // 429: more than one session or address may ask for
	ReasonDenied              = "denied"               // 403: a rule lets nobody through
	ReasonClosed              = "closed"               // 403: the same, from a day on
	ReasonStanding            = "standing"             // 403: a rule needs another standing
	ReasonKind                = "kind"                 // 403: a rule needs another kind of account
	ReasonRole                = "role"                 // 403: a rule needs a role
	ReasonAccountLevel        = "account_level"        // 403: a rule needs a higher level
	ReasonAuthenticationLevel = "authentication_level" // 403: a rule needs another way of signing in
	ReasonSignInTooOld        = "sign_in_too_old"      // 403: a rule needs a younger sign-in
	ReasonSignIn              = "sign_in"              // 401: nobody is signed in
	ReasonStandingChanged     = "standing_changed"     // 403: the standing must be read anew
	ReasonFeed                = "revocation_feed"      // 503: cannot tell whether the session was ended
	ReasonIdentity            = "identity_value"       // 403: a fact cannot be written as a header
	ReasonOrigin              = "origin"               // 403: a WebSocket from another site
	ReasonClosing             = "closing"              // 503: this process is about to stop
	ReasonUpstream            = "upstream_unavailable" // 502: the portal cannot be reached
	ReasonUpstreamTimeout     = "upstream_timeout"     // 504: the portal does not answer
)

// problem is a problem document (RFC 9457) of type about:blank, whose title is
// the status's own.
type problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Reason string `json:"reason,omitempty"`
	SignIn string `json:"sign_in,omitempty"` // where a person signs in
}

// refuse answers a person with the page, a program with a problem document.
func (p *Proxy) refuse(x *exchange, decision metrics.Decision, why Refusal) {
	if x.asked == byStatus && why.Status != http.StatusUnauthorized && why.Status < 500 {
		why.Status = http.StatusForbidden // the only other word that nginx knows
	}
	x.decision, x.reason = decision, why.Reason
	answerHeaders(x, x.request)
	h := x.Header()
	if why.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(why.RetryAfter.Seconds()))))
	}
	if isGRPC(x.request) {
		p.refuseGRPC(x, decision, why)
		return
	}
	if x.person && p.config.Refuse != nil && x.asked != byStatus {
		p.config.Refuse(x, x.request, why)
		return
	}
	document := problem{Title: http.StatusText(why.Status), Status: why.Status, Reason: why.Reason}
	if why.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `VNeID realm="portal"`)
		document.SignIn = p.config.PublicURL.Scheme + "://" + p.config.PublicURL.Host + p.config.Prefix + "/sign-in"
	}
	h.Set("Content-Type", "application/problem+json")
	h.Set("X-Content-Type-Options", "nosniff")
	x.WriteHeader(why.Status)
	_ = json.NewEncoder(x).Encode(document)
}

// answerHeaders are those of every answer that is ours and not the portal's.
// A request with a body is not waited for: the connection closes instead.
func answerHeaders(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if r.ContentLength != 0 && r.ProtoMajor == 1 {
		w.Header().Set("Connection", "close")
	}
}
