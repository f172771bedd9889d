package outbound

import (
	"context"
	"errors"
	"net"
)

// Cause is why a call gave no usable answer; a closed list, fit for a metric's
// label.
type Cause string

// The causes.
const (
	Timeout     Cause = "timeout"     // the deadline passed
	Unavailable Cause = "unavailable" // no connection, or the other side says it cannot (429, 5xx)
	Refused     Cause = "refused"     // another status than the one agreed, redirects included
	TooLarge    Cause = "too_large"   // more than MaxBody
	Malformed   Cause = "malformed"   // compressed, not JSON, or not the JSON agreed
)

// Error is a call that gave no usable answer. It says nothing but its cause.
type Error struct{ Cause Cause }

// Error implements error.
func (e *Error) Error() string { return "outbound: " + string(e.Cause) }

// CauseOf tells the cause in err, which may be an error of net/http or of a
// library that used the client; Unavailable where err says nothing better.
func CauseOf(err error) Cause {
	if own := (*Error)(nil); errors.As(err, &own) {
		return own.Cause
	}
	if timeout := net.Error(nil); errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout() {
		return Timeout
	}
	return Unavailable
}
