package vneid

import (
	"errors"

	"vneid-proxy/broker/outbound"
)

// The kinds of refusal. Every error of this package is an *Error of one of
// them; compare with errors.Is.
var (
	ErrCancelled = errors.New("vneid: the person cancelled")
	ErrLevel     = errors.New("vneid: account level too low")
	// ErrOver: the provider says that what it granted is over.
	ErrOver = errors.New("vneid: the provider's grant is over")
	// ErrRepresentative: an organisation's account that does not say which
	// person acts.
	ErrRepresentative = errors.New("vneid: nobody named who acts for the organisation")
	ErrProtocol       = errors.New("vneid: protocol fault")
	ErrUnavailable    = errors.New("vneid: provider not available")
)

// Reason is what was wrong in one word, from a closed list: for logs and
// metrics, never for pages. Beside the constants there are the five steps
// "discovery", "keys", "pushed", "token" and "userinfo", each followed by "_" and an
// outbound.Cause, as in "token_timeout".
type Reason string

// The reasons.
const (
	ReasonCancelled       Reason = "access_denied"
	ReasonLevel           Reason = "account_level"
	ReasonAttempt         Reason = "attempt"          // the attempt is spent or not ours
	ReasonCallback        Reason = "callback"         // not a callback's query
	ReasonResponseIssuer  Reason = "response_issuer"  // RFC 9207: another provider, or none named
	ReasonProviderError   Reason = "provider_error"   // the provider sent an error of its own
	ReasonDiscovery       Reason = "discovery"        // its metadata contradict themselves or the configuration
	ReasonCode            Reason = "code"             // the code was not accepted
	ReasonClient          Reason = "client"           // our client id or secret was not accepted
	ReasonClientKey       Reason = "client_key"       // our own key cannot be read, or is for no algorithm that the provider takes
	ReasonPushed          Reason = "pushed_request"   // the provider refused the pushed authorization request
	ReasonNoIDToken       Reason = "id_token_missing" // and the next: what is wrong in the ID token
	ReasonIDToken         Reason = "id_token_malformed"
	ReasonAlgorithm       Reason = "algorithm"
	ReasonKey             Reason = "key" // signed by no key that the provider publishes
	ReasonSignature       Reason = "signature"
	ReasonIssuer          Reason = "iss"
	ReasonAudience        Reason = "aud"
	ReasonAuthorizedParty Reason = "azp"
	ReasonSubject         Reason = "sub"
	ReasonNonce           Reason = "nonce"
	ReasonExpired         Reason = "exp"
	ReasonIssuedAt        Reason = "iat"
	ReasonNotBefore       Reason = "nbf"
	ReasonTokenHash       Reason = "at_hash"
	ReasonUserinfoSubject Reason = "userinfo_sub" // userinfo of somebody else, or of nobody
	ReasonLogout          Reason = "logout_token" // not a logout token
	ReasonOrganisation    Reason = "organisation" // an organisation's account that does not say whose, or not in due form
	ReasonRepresentative  Reason = "representative"
	ReasonAuthTime        Reason = "auth_time"
	ReasonGrant           Reason = "grant"    // a refresh token is good no more
	ReasonEnvelope        Reason = "envelope" // anything wrong on the encrypted wire: one word for all of it
	ReasonClaims          Reason = "claims"   // a claim of a wrong type or form
	ReasonNumber          Reason = "number"   // no valid citizen number, or two
	ReasonAccount         Reason = "account"  // the claim that names the account is missing, no text, or two
)

// Error is a sign-in that was refused.
type Error struct {
	// Kind is ErrCancelled, ErrLevel, ErrRepresentative, ErrOver, ErrProtocol or
	// ErrUnavailable.
	Kind   error
	Reason Reason // never empty
}

// Error implements error: for the operator, not for a page.
func (e *Error) Error() string { return e.Kind.Error() + ": " + string(e.Reason) }

// Unwrap returns the kind.
func (e *Error) Unwrap() error { return e.Kind }

// ReasonOf returns the reason in err, "" where it is no error of this package.
func ReasonOf(err error) Reason {
	if own := (*Error)(nil); errors.As(err, &own) {
		return own.Reason
	}
	return ""
}

func fault(reason Reason) *Error { return &Error{ErrProtocol, reason} }

// failed is a call that gave no usable answer: an outage where waiting helps,
// else a protocol fault. An error of this package passes as it is.
func failed(step string, err error) *Error {
	if own := (*Error)(nil); errors.As(err, &own) {
		return own
	}
	cause := outbound.CauseOf(err)
	e := &Error{ErrProtocol, Reason(step + "_" + string(cause))}
	if cause == outbound.Timeout || cause == outbound.Unavailable {
		e.Kind = ErrUnavailable
	}
	return e
}
