package vneid

import (
	"context"
	"time"

	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"golang.org/x/oauth2"

	"vneid-proxy/session"
)

// grantAge is when a grant is refreshed whose access token does not tell how
// long it lives.
const grantAge = time.Hour

// Grant is what a refresh needs of the sign-in before it. It holds a secret:
// nothing prints it.
type Grant struct {
	Token   string        // the refresh token
	Subject string        // of the ID token, which must stay
	Nonce   string        // of the sign-in: an ID token may repeat it (OpenID Connect Core 12.2)
	After   time.Duration // when the access token expires, from now
}

// Refresh asks the provider whether what it granted still holds (RFC 6749, 6;
// OpenID Connect Core 12), and returns the grant for the next time: with the
// new refresh token, or the old one where there is no new one. An ID token, if
// there is one, must be of the same issuer, subject and client. ErrOver where
// the provider has ended it; ErrProtocol with ReasonIssuer or ReasonSubject
// where the answer is about somebody else; other errors tell nothing of the
// grant.
func (p *OIDC) Refresh(ctx context.Context, grant Grant) (Grant, error) {
	ctx, cancel := context.WithTimeout(ctx, p.cfg.Timeout)
	defer cancel()
	m, err := p.read(ctx)
	if err != nil {
		return Grant{}, err
	}
	party, err := p.party(m, true)
	if err != nil {
		return Grant{}, err
	}
	assertion, kind := "", ""
	if p.cfg.Key != nil {
		if assertion, err = p.assertion(m); err != nil {
			return Grant{}, err
		}
		kind = oidc.ClientAssertionTypeJWTAssertion
	}
	began := p.cfg.Now()
	tokens, err := rp.RefreshTokens[*oidc.IDTokenClaims](ctx, party, grant.Token, assertion, kind)
	if err != nil {
		return Grant{}, failed("token", err)
	}
	if raw, _ := tokens.Extra("id_token").(string); raw != "" {
		token, _, err := p.verify(ctx, m, raw, tokens.AccessToken, session.Attempt{Nonce: grant.Nonce, Begun: began}, true)
		if err != nil {
			return Grant{}, err
		}
		if token.Subject != grant.Subject {
			return Grant{}, fault(ReasonSubject)
		}
	}
	if tokens.RefreshToken != "" {
		grant.Token = tokens.RefreshToken
	}
	grant.After = after(tokens.Token)
	return grant, nil
}

func after(token *oauth2.Token) time.Duration {
	if seconds, told := token.Extra("expires_in").(float64); told && seconds > 0 {
		return time.Duration(seconds) * time.Second
	}
	return grantAge
}
