package population

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/sony/gobreaker/v2"

	"vneid-proxy/broker/outbound"
	"vneid-proxy/identity"
)

// What may go wrong. Both of the first two leave the question open: nothing is
// known of the person, and it may be asked again.
var (
	// ErrUnavailable says that no answer came: no connection, the deadline
	// passed, another status than 200, or the breaker is open. The cause is in
	// the error's text and, by outbound.CauseOf, for a metric.
	ErrUnavailable = errors.New("population: not available")
	// ErrMalformed says that an answer came that is not the one agreed.
	ErrMalformed = errors.New("population: malformed answer")
	// ErrQuestion says that the question lacks a number, a name that has the
	// State's form, or a year of birth: it was not asked.
	ErrQuestion = errors.New("population: the question is incomplete")
)

const (
	breakerFailures = 5                // in a row, then nobody is asked
	breakerPause    = 15 * time.Second // for so long; then one question tries
)

// Config is what New needs.
type Config struct {
	URL     string // the address of the match, in full; required
	Profile string // the way it is spoken; default "json", the only one so far
	Token   string // bearer token; required

	Timeout   time.Duration     // of one question; default outbound.DefaultTimeout
	AllowHTTP bool              // plain http beyond loopback; default false
	RootCAs   *x509.CertPool    // default the system's
	Transport http.RoundTripper // default one made from RootCAs
}

// Client asks the population database. It is safe for use by many at once.
type Client struct {
	address, token string
	http           *http.Client
	breaker        *gobreaker.CircuitBreaker[Answer]
}

// Question is what is asked. All three are needed; of the birth date the year
// alone is enough to ask, but a match is then weak evidence, and it is the
// caller who knows that.
type Question struct {
	Number    identity.CitizenNumber
	Name      string // as people write it; it is sent in the State's form
	BirthDate identity.BirthDate
}

// Answer is what the database says. The zero value is none.
type Answer int

// The answers.
const (
	Matched    Answer = iota + 1 // there is such a person
	NotMatched                   // there is none, or something differs: it cannot be told which
)

// New makes a client; it asks nobody.
func New(cfg Config) (*Client, error) {
	if profile := cmp.Or(cfg.Profile, "json"); profile != "json" {
		return nil, errors.New(`population: Profile: want "json"`)
	}
	if _, err := outbound.ParseAddress(cfg.URL, cfg.AllowHTTP); err != nil {
		return nil, fmt.Errorf("population: URL: %w", err)
	}
	if cfg.Token == "" {
		return nil, errors.New("population: Token is required")
	}
	return &Client{
		address: cfg.URL, token: cfg.Token,
		http: outbound.New(outbound.Config{Timeout: cfg.Timeout, RootCAs: cfg.RootCAs, Transport: cfg.Transport}),
		breaker: gobreaker.NewCircuitBreaker[Answer](gobreaker.Settings{
			Name: "population", Timeout: breakerPause,
			ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= breakerFailures },
			// A visitor who goes away says nothing about the service.
			IsExcluded: func(err error) bool { return errors.Is(err, context.Canceled) },
		}),
	}, nil
}

// Match asks. It returns Matched or NotMatched with no error, or no answer with
// ErrUnavailable, ErrMalformed or ErrQuestion.
func (c *Client) Match(ctx context.Context, question Question) (Answer, error) {
	body, err := encode(question)
	if err != nil {
		return 0, err
	}
	answer, err := c.breaker.Execute(func() (Answer, error) { return c.ask(ctx, body) })
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		return 0, fmt.Errorf("%w: the breaker is open", ErrUnavailable)
	}
	return answer, err
}

func (c *Client) ask(ctx context.Context, body []byte) (Answer, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.address, bytes.NewReader(body))
	if err != nil {
		return 0, ErrUnavailable
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	r.Header.Set("Content-Type", "application/json")
	var reply reply
	_, err = outbound.JSON(c.http, r, &reply, strict)
	switch cause := outbound.CauseOf(err); {
	case err == nil:
		return reply.answer()
	case ctx.Err() == context.Canceled:
		return 0, fmt.Errorf("%w: %w", ErrUnavailable, context.Canceled)
	case cause == outbound.Malformed, cause == outbound.TooLarge:
		return 0, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return 0, fmt.Errorf("%w: %w", ErrUnavailable, err)
}
