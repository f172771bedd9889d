package vneid

import (
	"context"
	"crypto/subtle"
	"time"

	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/oidc"

	"vneid-proxy/identity"
	"vneid-proxy/session"
)

// Identity is what a sign-in at the provider proved.
type Identity struct {
	Citizen identity.Citizen
	Account string // what Config.AccountClaim says, never empty where that is set
	SID     string // the provider's session, for its logout notices; "" where not said
	IDToken string // for the sign-out there alone: never to a browser or portal in clear
	// Authenticated is when the person proved who they are (auth_time), by our
	// clock; zero where the provider does not tell.
	Authenticated time.Time
	// Grant is for Refresh; zero where there is no refresh token, or
	// Config.Refresh is not set.
	Grant Grant
	Skew  time.Duration // how far the provider's clock is ahead of ours, at the least; for a metric
}

// Redeem turns a callback into a citizen. The attempt is the one that the
// callback's state names in this browser, and its state is already spent in the
// ledger: Redeem does not know whether it is called twice.
//
// In this order: the provider's name in the answer (RFC 9207) before anything
// else is believed, its error, the code with the PKCE verifier, the ID token
// (OpenID Connect Core 3.1.3.7), userinfo (5.3), the claims. All calls together
// have Config.Timeout. Errors are ErrCancelled, ErrLevel, ErrProtocol and
// ErrUnavailable.
func (p *OIDC) Redeem(ctx context.Context, attempt session.Attempt, callback Callback) (Identity, error) {
	ctx, cancel := context.WithTimeout(ctx, p.cfg.Timeout)
	defer cancel()
	if !answers(callback, attempt, p.cfg.Name) {
		return Identity{}, fault(ReasonAttempt)
	}
	m, err := p.read(ctx)
	if err != nil {
		return Identity{}, err
	}
	// A provider that sends its name without advertising so is held to it too.
	if (m.ResponseIssuer || callback.Issuer != "") && callback.Issuer != p.cfg.Issuer {
		return Identity{}, fault(ReasonResponseIssuer)
	}
	if callback.Error != "" {
		return Identity{}, told(callback.Error)
	}
	if callback.Code == "" {
		return Identity{}, fault(ReasonCallback)
	}

	party, err := p.party(m, false)
	if err != nil {
		return Identity{}, err
	}
	options := []rp.CodeExchangeOpt{rp.WithCodeVerifier(attempt.Verifier)}
	if p.cfg.Key != nil {
		assertion, err := p.assertion(m)
		if err != nil {
			return Identity{}, err
		}
		options = append(options, rp.WithClientAssertionJWT(assertion))
	}
	tokens, err := rp.CodeExchange[*oidc.IDTokenClaims](ctx, callback.Code, party, options...)
	if err != nil {
		return Identity{}, failed("token", err)
	}
	raw, _ := tokens.Extra("id_token").(string)
	if raw == "" {
		return Identity{}, fault(ReasonNoIDToken)
	}
	token, vouched, err := p.verify(ctx, m, raw, tokens.AccessToken, attempt, false)
	if err != nil {
		return Identity{}, err
	}
	names, optional := p.cfg.Claims, p.cfg.NumberOptional
	if p.cfg.AccountClaim != "" {
		names.Number, names.AccountLevel, optional = "", "", true
	}
	if m.Userinfo != "" {
		further, err := p.userinfo(ctx, m.Userinfo, tokens.AccessToken, token.Subject)
		if err != nil {
			return Identity{}, err
		}
		if vouched, err = vouched.with(further, names.Number, p.cfg.AccountClaim); err != nil {
			return Identity{}, err
		}
	}
	citizen, err := vouched.citizen(names, optional)
	if err != nil {
		return Identity{}, err
	}
	account := ""
	if p.cfg.AccountClaim != "" {
		if account, err = vouched.scalar(p.cfg.AccountClaim); err != nil || account == "" {
			return Identity{}, fault(ReasonAccount)
		}
	}
	citizen.Provider, citizen.Subject = p.cfg.Name, token.Subject
	if citizen.AccountLevel < p.cfg.MinAccountLevel {
		return Identity{}, &Error{ErrLevel, ReasonLevel}
	}
	var grant Grant
	if p.cfg.Refresh && tokens.RefreshToken != "" {
		grant = Grant{Token: tokens.RefreshToken, Subject: token.Subject, Nonce: attempt.Nonce, After: after(tokens.Token)}
	}
	return Identity{
		Grant: grant, Citizen: citizen, Account: account, SID: token.SessionID, IDToken: raw, Authenticated: token.authenticated(p.cfg.Now()),
		Skew: moment(token.IssuedAt).Sub(p.cfg.Now()).Truncate(time.Second),
	}, nil
}

// RedeemQuery is ParseCallback, then Redeem.
func (p *OIDC) RedeemQuery(ctx context.Context, attempt session.Attempt, rawQuery string) (Identity, error) {
	callback, err := ParseCallback(rawQuery)
	if err != nil {
		return Identity{}, err
	}
	return p.Redeem(ctx, attempt, callback)
}

// answers reports whether a callback belongs to a usable attempt at the named
// provider.
func answers(callback Callback, attempt session.Attempt, provider string) bool {
	return usable(attempt) && attempt.Provider == provider &&
		subtle.ConstantTimeCompare([]byte(attempt.State), []byte(callback.State)) == 1
}

// told is what a provider's own error code means (RFC 6749, 4.1.2.1).
func told(code string) *Error {
	switch code {
	case "access_denied":
		return &Error{ErrCancelled, ReasonCancelled}
	case "temporarily_unavailable", "server_error":
		return &Error{ErrUnavailable, ReasonProviderError}
	}
	return fault(ReasonProviderError)
}
