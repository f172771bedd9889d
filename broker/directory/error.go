package directory

import "errors"

// What may be answered instead of an account. The text of an error that wraps
// ErrUnavailable or ErrMalformed ends with a short cause (outbound.CauseOf),
// never with what the other side said.
var (
	ErrNotFound    = errors.New("directory: no such account")
	ErrWrong       = errors.New("directory: wrong user name or password")
	ErrLocked      = errors.New("directory: account locked")
	ErrNobody      = errors.New("directory: nobody is signed in at the portal")
	ErrChanged     = errors.New("directory: the account has changed since it was read")
	ErrUnavailable = errors.New("directory: not available")
	ErrMalformed   = errors.New("directory: malformed answer")
	ErrUnsupported = errors.New("directory: it does not offer this")
)
