package vneidtest

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

const (
	attemptLife = 10 * time.Minute // from the authorization request to the code's redemption
	codeLife    = time.Minute
	tokenLife   = 5 * time.Minute
	sessionLife = 12 * time.Hour
)

var errUnknown = errors.New("vneidtest: unknown or expired")

// storage is op.Storage over maps. Entries past their time go whenever a new
// attempt begins.
type storage struct {
	*Controls
	now     func() time.Time
	issuer  string
	clients []Client
	claims  func(Persona) map[string]any
	key     *rsa.PrivateKey
	keyID   string

	mu       sync.Mutex
	attempts map[string]*attempt // attempt id → attempt
	codes    map[string]code     // code → attempt id
	tokens   map[string]token    // access token id → what it opens
	sessions map[string]session  // sid → session
	sealed   map[string]sealed   // the encrypted wire's codes, and its access tokens
}

type code struct {
	attemptID string
	expires   time.Time
}

type token struct {
	subject string
	expires time.Time
}

type session struct {
	subject, clientID string
	expires           time.Time
}

func newStorage(cfg VNeIDConfig, controls *Controls) (*storage, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	return &storage{
		Controls: controls, now: cfg.Now, issuer: cfg.Issuer, clients: cfg.Clients, claims: cfg.Claims,
		key: key, keyID: rand.Text()[:8],
		attempts: map[string]*attempt{}, codes: map[string]code{},
		tokens: map[string]token{}, sessions: map[string]session{}, sealed: map[string]sealed{},
	}, nil
}

// CreateAuthRequest begins an attempt. prompt=none is refused (it always
// asks), so are other PKCE methods than the advertised S256 and other response
// modes than query.
func (s *storage) CreateAuthRequest(_ context.Context, r *oidc.AuthRequest, _ string) (op.AuthRequest, error) {
	switch {
	case slices.Contains(r.Prompt, oidc.PromptNone):
		return nil, oidc.ErrLoginRequired()
	case r.CodeChallenge != "" && r.CodeChallengeMethod != oidc.CodeChallengeMethodS256:
		return nil, oidc.ErrInvalidRequest().WithDescription("code_challenge_method must be S256")
	case r.ResponseMode != "" && r.ResponseMode != oidc.ResponseModeQuery:
		return nil, oidc.ErrInvalidRequest().WithDescription("response_mode must be query")
	case !slices.Contains(r.Scopes, oidc.ScopeOpenID):
		return nil, oidc.ErrInvalidScope().WithDescription("scope must hold openid")
	}
	answer := s.begin(attempt{asked: *r, nonce: r.Nonce, audience: []string{r.ClientID}})
	return &answer, nil
}

// begin keeps an attempt under a new id.
func (s *storage) begin(a attempt) attempt {
	now := s.now()
	a.id, a.expires = rand.Text(), now.Add(attemptLife)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep(now)
	kept := a
	s.attempts[a.id] = &kept
	return a
}

// sweep is called with mu held.
func (s *storage) sweep(now time.Time) {
	sweep(s.attempts, func(a *attempt) time.Time { return a.expires }, now)
	sweep(s.codes, func(c code) time.Time { return c.expires }, now)
	sweep(s.tokens, func(t token) time.Time { return t.expires }, now)
	sweep(s.sessions, func(s session) time.Time { return s.expires }, now)
	sweep(s.sealed, func(s sealed) time.Time { return s.expires }, now)
}

func sweep[V any](entries map[string]V, expires func(V) time.Time, now time.Time) {
	for key, entry := range entries {
		if !now.Before(expires(entry)) {
			delete(entries, key)
		}
	}
}

// AuthRequestByID returns a copy of a live attempt.
func (s *storage) AuthRequestByID(_ context.Context, id string) (op.AuthRequest, error) {
	a, err := s.attempt(id)
	if err != nil || a.sealed {
		return nil, errUnknown
	}
	return a, nil
}

func (s *storage) attempt(id string) (*attempt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.attempts[id]
	if !ok || !s.now().Before(a.expires) {
		return nil, errUnknown
	}
	answer := *a
	return &answer, nil
}

// signIn records who has signed in, once for an attempt.
func (s *storage) signIn(id string, who Persona) error {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.attempts[id]
	if !ok || a.Done() || !now.Before(a.expires) {
		return errUnknown
	}
	a.subject, a.signedIn, a.sessionID = who.VNeID.Subject, now, rand.Text()
	s.sessions[a.sessionID] = session{a.subject, a.asked.ClientID, now.Add(sessionLife)}
	return nil
}

// SaveAuthCode keeps the code that the browser takes to the client.
func (s *storage) SaveAuthCode(_ context.Context, id, value string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.codes[value] = code{id, s.now().Add(codeLife)}
	return nil
}

// AuthRequestByCode spends a code: it is good for one presentation, successful
// or not (RFC 6749, section 4.1.2).
func (s *storage) AuthRequestByCode(_ context.Context, value string) (op.AuthRequest, error) {
	s.mu.Lock()
	kept, ok := s.codes[value]
	delete(s.codes, value)
	s.mu.Unlock()
	if !ok || !s.now().Before(kept.expires) {
		return nil, errUnknown
	}
	a, err := s.attempt(kept.attemptID)
	if err != nil {
		return nil, err
	}
	if s.on("wrong_nonce") {
		a.nonce = "another-" + a.nonce
	}
	if s.on("extra_audience") {
		a.audience = append(a.audience, "another-client")
	}
	return a, nil
}

// DeleteAuthRequest ends an attempt: its code was redeemed or it was cancelled.
func (s *storage) DeleteAuthRequest(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.attempts, id)
	return nil
}

// CreateAccessToken keeps a token that opens userinfo for five minutes.
func (s *storage) CreateAccessToken(_ context.Context, r op.TokenRequest) (string, time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, expires := rand.Text(), s.now().Add(tokenLife)
	s.tokens[id] = token{r.GetSubject(), expires}
	return id, expires, nil
}
