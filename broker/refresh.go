package broker

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/session"
)

// Where the provider gives a refresh token, it is asked from time to time
// whether the session still holds there, beside the requests of the person and
// never before one. The token is in the ledger, sealed as the ID token is; of
// all replicas one asks at a time, and what comes of it is there for all.

const (
	// refreshLease is how long the one who asks has for it; longer than a call
	// may take.
	refreshLease = time.Minute
	// refreshRetry is when the provider is asked again that was away.
	refreshRetry = 5 * time.Minute
	// maxRefreshing bounds the calls of one process at a time; whoever finds no
	// place is asked about at their next page.
	maxRefreshing = 16
)

// Grant is what asking the provider anew needs. It holds a secret.
type Grant struct {
	Token   string        `json:"token"` // the refresh token, "" for none
	Subject string        `json:"subject"`
	Nonce   string        `json:"nonce"`
	After   time.Duration `json:"-"` // when to ask, from now
}

// keepGrant puts a grant into the ledger, until it is due; an empty one is not
// kept.
func (b *broker) keepGrant(ctx context.Context, id session.ID, g Grant) error {
	if g.Token == "" {
		return nil
	}
	row, sealed, err := sealGrant(id, g)
	if err != nil {
		return err
	}
	return b.Ledger.PutDueSecret(ctx, row, sealed, b.Now().Add(g.After), b.Now().Add(b.SessionLifetime))
}

func (b *broker) forgetGrant(ctx context.Context, id session.ID) error {
	if !slices.ContainsFunc(b.Providers, func(o Offer) bool { return o.Refresh != nil }) {
		return nil
	}
	row, _ := keysOf(id, "grant")
	return b.Ledger.DeleteSecret(ctx, row)
}

func sealGrant(id session.ID, g Grant) (row, sealed []byte, err error) {
	text, err := json.Marshal(g)
	if err != nil {
		return nil, nil, err
	}
	row, aead := keysOf(id, "grant")
	return row, aead.Seal(nil, nil, text, row), nil
}

// Refresher asks the provider about sessions that are in use.
type Refresher struct {
	broker
	places  chan struct{}
	running sync.WaitGroup
}

// NewRefresher needs Providers, Ledger, Feed, Logger and SessionLifetime of the
// configuration.
func NewRefresher(c Config) *Refresher {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Refresher{broker: broker{c}, places: make(chan struct{}, maxRefreshing)}
}

// Touch has the provider asked about a session, if that is due. It returns at
// once.
func (f *Refresher) Touch(s *session.Session) {
	at, known := f.vouchedBy(s.Citizen)
	if !known || at.Refresh == nil || s.Tokens == (session.ID{}) {
		return
	}
	select {
	case f.places <- struct{}{}:
	default:
		return
	}
	id, tokens := s.ID, s.Tokens
	f.running.Go(func() {
		defer func() { <-f.places }()
		if err := f.ask(context.Background(), at, id, tokens); err != nil {
			f.Logger.Warn("session not refreshed", "cause", err)
		}
	})
}

// Wait returns once nobody is asked about any more: a refresh token that was
// just given must reach the ledger.
func (f *Refresher) Wait() { f.running.Wait() }

// ask claims the grant, asks, and writes down what the provider said: another
// grant, the end of the session, or nothing where it was away.
func (f *Refresher) ask(ctx context.Context, at Offer, id, tokens session.ID) error {
	ctx, cancel := context.WithTimeout(ctx, refreshLease)
	defer cancel()
	row, aead := keysOf(tokens, "grant")
	sealed, fence, err := f.Ledger.ClaimDueSecret(ctx, row, refreshLease)
	if errors.Is(err, ledger.ErrNotFound) {
		return nil // there is none, it is not due, or somebody else asks
	}
	if err != nil {
		return err
	}
	var g Grant
	text, err := aead.Open(nil, nil, sealed, row)
	if err == nil {
		err = json.Unmarshal(text, &g)
	}
	if err != nil {
		return errors.Join(errors.New("broker: grant not readable"), f.Ledger.DeleteSecret(ctx, row))
	}
	next, err := at.Refresh(ctx, g)
	switch {
	case errors.Is(err, ErrOver):
		if err := f.Ledger.EndSession(ctx, id[:], f.Now().Add(f.SessionLifetime)); err != nil {
			return err // the lease ends, and it is asked again
		}
		f.Logger.Info("session ended by the provider", "cause", err)
		return f.Ledger.DeleteSecret(ctx, row)
	case err != nil:
		return errors.Join(err, f.Ledger.RenewDueSecret(ctx, row, fence, sealed, f.Now().Add(refreshRetry)))
	}
	if _, sealed, err = sealGrant(tokens, next); err != nil {
		return err
	}
	err = f.Ledger.RenewDueSecret(ctx, row, fence, sealed, f.Now().Add(next.After))
	if errors.Is(err, ledger.ErrSpent) {
		return nil // signed out meanwhile, or somebody was faster after our lease
	}
	return err
}
