package population

import (
	"errors"
	"fmt"
	"slices"

	"vneid-proxy/broker/outbound"
)

// What may go wrong. All but ErrQuestion leave the question open: nothing is
// known of the person, and it may be asked again.
var (
	// ErrUnavailable says that no answer came: no connection, the deadline
	// passed, another status than was agreed, a SOAP fault, or the breaker is
	// open. The cause is in the error's text and, by outbound.CauseOf, for a
	// metric.
	ErrUnavailable = errors.New("population: not available")
	// ErrMalformed says that an answer came that is not the one agreed.
	ErrMalformed = errors.New("population: malformed answer")
	// ErrRefused says that the service answered, and will not serve us: the
	// procedure or the official may not ask.
	ErrRefused = errors.New("population: the service refuses us")
	// ErrLimited says that nobody was asked: no turn came in time, or the
	// day's budget is used up. It comes with ErrUnavailable.
	ErrLimited = errors.New("population: not asked, to stay within the agreed number of calls")
	// ErrQuestion says that the question lacks a number, a name that has the
	// State's form, or a year of birth: it was not asked.
	ErrQuestion = errors.New("population: the question is incomplete")
)

func limited(why string) error { return fmt.Errorf("%w: %w: %s", ErrUnavailable, ErrLimited, why) }

// refusal is a code of the service's in our words; of an unknown one nothing
// is repeated.
func refusal(code string) error {
	switch code {
	case "004":
		return fmt.Errorf("%w: 004, the procedure (MaDVC) is not licensed", ErrRefused)
	case "005":
		return fmt.Errorf("%w: 005, the official (MaCanBo) is not allowed", ErrRefused)
	}
	return fmt.Errorf("%w: the service answers a fault", ErrUnavailable)
}

// succeeded are the codes of provinces whose answer is in the message; no
// document says which, so that those seen in the wild all count.
func succeeded(code string) bool { return slices.Contains([]string{"", "0", "00", "000", "200"}, code) }

// fault is a call that gave no usable answer, in this package's words.
func fault(err error) error {
	if cause := outbound.CauseOf(err); cause == outbound.Malformed || cause == outbound.TooLarge {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}
