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
)

const (
	breakerFailures = 5                // in a row, then nobody is asked
	breakerPause    = 15 * time.Second // for so long; then one question tries
)

// Config is what New needs.
type Config struct {
	Profile string // one of the profiles; default ProfileJSON
	URL     string // the address of the match, in full; required
	// LookupURL is the address of the record lookup; default URL, which is
	// enough for SOAP.
	LookupURL string
	// Credentials are read for each call, so that they can be rotated.
	// Required.
	Credentials func() Credentials
	Service     Service
	Form        Form
	ReplySpace  string // namespace of the State's answers; default the known one
	Limits      Limits

	Timeout   time.Duration     // of one call; default outbound.DefaultTimeout
	AllowHTTP bool              // plain http beyond loopback; default false
	RootCAs   *x509.CertPool    // default the system's
	Transport http.RoundTripper // default one made from RootCAs
}

func (c Config) client() *http.Client {
	return outbound.New(outbound.Config{Timeout: c.Timeout, RootCAs: c.RootCAs, Transport: c.Transport})
}

// Client asks the population database. It is safe for use by many at once.
type Client struct {
	*shared
	rank rank
	wait time.Duration
}

// shared is what a client and its views have in common.
type shared struct {
	config    Config
	transport transport
	message   message
	http      *http.Client
	breaker   *gobreaker.CircuitBreaker[Record]
	turns     *turns
	day       *day
}

// New makes a client; it asks nobody. What the profile lacks is all in the
// error.
func New(cfg Config) (*Client, error) {
	cfg.Profile = cmp.Or(cfg.Profile, ProfileJSON)
	if cfg.Credentials == nil {
		return nil, errors.New("population: Credentials is required")
	}
	transport, message, err := cfg.spoken()
	err = errors.Join(err, cfg.Form.check(), cfg.Limits.check())
	for name, address := range map[string]string{"URL": cfg.URL, "LookupURL": cmp.Or(cfg.LookupURL, cfg.URL), "Service.TokenURL": cmp.Or(cfg.Service.TokenURL, cfg.URL)} {
		if _, wrong := outbound.ParseAddress(address, cfg.AllowHTTP); wrong != nil {
			err = errors.Join(err, fmt.Errorf("population: %s: %w", name, wrong))
		}
	}
	if err != nil {
		return nil, err
	}
	return &Client{wait: cmp.Or(cfg.Limits.Wait, defaultWait), shared: &shared{
		config: cfg, transport: transport, message: message, http: cfg.client(),
		turns: newTurns(cfg.Limits), day: newDay(cfg.Limits),
		breaker: gobreaker.NewCircuitBreaker[Record](gobreaker.Settings{
			Name: "population", Timeout: breakerPause,
			ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= breakerFailures },
			// A visitor who goes away, or a licence that is missing, says
			// nothing about whether the service is there.
			IsExcluded: func(err error) bool { return errors.Is(err, context.Canceled) || errors.Is(err, ErrRefused) },
		}),
	}}, nil
}

// Background is a view for work that nobody waits for, such as pending checks
// or a match of every account. It shares breaker and budget with the client,
// gives way to people who wait for a turn, and leaves Limits.Reserve of the
// day to them. wait is how long a question may wait for its turn; 0 is as long
// as its context lasts.
func (c *Client) Background(wait time.Duration) *Client {
	return &Client{shared: c.shared, rank: background, wait: wait}
}

// Match asks whether there is such a person. It returns Matched or NotMatched
// with no error, or no answer with ErrUnavailable (and ErrLimited), ErrRefused,
// ErrMalformed or ErrQuestion.
func (c *Client) Match(ctx context.Context, question Question) (Answer, error) {
	record, err := c.ask(ctx, opMatch, question)
	switch {
	case err != nil:
		return 0, err
	case record.Found:
		return Matched, nil
	}
	return NotMatched, nil
}

// Lookup asks for the record of such a person, and keeps of it what Record
// has. Nobody found is no error. Errors are Match's; profile "json" has no
// lookup, and ErrQuestion for it.
func (c *Client) Lookup(ctx context.Context, question Question) (Record, error) {
	return c.ask(ctx, opLookup, question)
}

// ask waits for a turn, counts the call and makes it.
func (c *Client) ask(ctx context.Context, op operation, question Question) (Record, error) {
	q, err := c.config.Form.ask(op, question)
	if err != nil {
		return Record{}, err
	}
	if c.breaker.State() == gobreaker.StateOpen {
		return Record{}, fmt.Errorf("%w: the breaker is open", ErrUnavailable)
	}
	if err := c.day.allows(c.rank); err != nil {
		return Record{}, err
	}
	if err := c.turns.take(ctx, c.rank, c.wait); err != nil {
		return Record{}, err
	}
	defer c.turns.give()
	if err := c.day.spend(ctx, c.rank); err != nil {
		return Record{}, err
	}
	var odd error
	record, err := c.breaker.Execute(func() (Record, error) {
		record, err := c.call(ctx, q)
		if op == opLookup && errors.Is(err, ErrMalformed) {
			// One person's record that cannot be believed keeps nobody else
			// from an answer.
			odd, err = err, nil
		}
		return record, err
	})
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		return Record{}, fmt.Errorf("%w: the breaker is open", ErrUnavailable)
	}
	return record, cmp.Or(err, odd)
}

// call makes it, and once more where what the transport kept has lapsed.
func (c *Client) call(ctx context.Context, q asked) (record Record, err error) {
	for again := range 2 {
		var status int
		record, status, err = c.exchange(ctx, q)
		if status != http.StatusUnauthorized || again > 0 || !c.transport.renew() {
			break
		}
	}
	if err != nil && ctx.Err() == context.Canceled {
		err = fmt.Errorf("%w: %w", ErrUnavailable, context.Canceled)
	}
	return record, err
}

func (c *Client) exchange(ctx context.Context, q asked) (Record, int, error) {
	have := c.config.Credentials()
	body, kind, err := c.message.write(q, c.config.Service, have)
	if err != nil {
		return Record{}, 0, ErrQuestion
	}
	address := c.config.URL
	if q.operation == opLookup {
		address = cmp.Or(c.config.LookupURL, address)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return Record{}, 0, ErrUnavailable
	}
	r.Header.Set("Content-Type", kind)
	if err := c.transport.dress(ctx, r, have); err != nil {
		return Record{}, 0, err
	}
	status, answer, err := outbound.Read(c.http, r, c.message.media()...)
	defer clear(answer) // it may hold a whole record
	if err != nil {
		if status == http.StatusInternalServerError {
			// So SOAP 1.1 has a fault answered (section 6.2).
			if _, said := c.message.read(q, answer); errors.Is(said, ErrRefused) {
				return Record{}, status, said
			}
		}
		return Record{}, status, fault(err)
	}
	record, err := c.message.read(q, answer)
	return record, status, err
}

// State is a client's at one moment, views included.
type State struct {
	Waiting int // questions that wait for their turn
	Used    int // calls today, by all who share Limits.Count
	Left    int // of the day's budget; -1 without one
	Breaker Breaker
}

// Breaker is the circuit breaker's state.
type Breaker int

// The states.
const (
	Closed   Breaker = iota // questions are asked
	HalfOpen                // one question tries
	Open                    // nobody is asked
)

// State tells how things stand.
func (c *Client) State() State {
	used, left := c.day.state()
	return State{
		Waiting: c.turns.length(), Used: used, Left: left,
		Breaker: map[gobreaker.State]Breaker{gobreaker.StateClosed: Closed, gobreaker.StateHalfOpen: HalfOpen, gobreaker.StateOpen: Open}[c.breaker.State()],
	}
}
