package vneidtest

import (
	"context"
	"net/url"
	"slices"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// client is a [Client] as the library asks about it.
type client struct{ Client }

func (c client) GetID() string                       { return c.ID }
func (c client) RedirectURIs() []string              { return c.Client.RedirectURIs }
func (c client) PostLogoutRedirectURIs() []string    { return c.Client.PostLogoutRedirectURIs }
func (c client) ApplicationType() op.ApplicationType { return op.ApplicationTypeWeb }
func (c client) ResponseTypes() []oidc.ResponseType {
	return []oidc.ResponseType{oidc.ResponseTypeCode}
}
func (c client) GrantTypes() []oidc.GrantType         { return []oidc.GrantType{oidc.GrantTypeCode} }
func (c client) LoginURL(id string) string            { return "/login?id=" + url.QueryEscape(id) }
func (c client) AccessTokenType() op.AccessTokenType  { return op.AccessTokenTypeBearer }
func (c client) IDTokenLifetime() time.Duration       { return 5 * time.Minute }
func (c client) DevMode() bool                        { return true } // http redirect URIs
func (c client) IsScopeAllowed(string) bool           { return false }
func (c client) IDTokenUserinfoClaimsAssertion() bool { return false }
func (c client) ClockSkew() time.Duration             { return 0 }

func (c client) AuthMethod() oidc.AuthMethod {
	if c.Secret == "" {
		return oidc.AuthMethodNone
	}
	return oidc.AuthMethodBasic
}

func (c client) RestrictAdditionalIdTokenScopes() func([]string) []string { return slices.Clone }

func (c client) RestrictAdditionalAccessTokenScopes() func([]string) []string { return slices.Clone }

// GetClientByClientID finds a relying party.
func (s *storage) GetClientByClientID(_ context.Context, id string) (op.Client, error) {
	i := slices.IndexFunc(s.clients, func(c Client) bool { return c.ID == id })
	if i < 0 {
		return nil, errUnknown
	}
	return client{s.clients[i]}, nil
}

// AuthorizeClientIDSecret checks a client's secret.
func (s *storage) AuthorizeClientIDSecret(_ context.Context, id, secret string) error {
	if slices.ContainsFunc(s.clients, func(c Client) bool { return c.ID == id && secretEqual(secret, c.Secret) }) {
		return nil
	}
	return errUnknown
}
