package vneid

import (
	"context"
	"encoding/base64"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const (
	// logoutEvent marks a logout token (Back-Channel Logout 1.0, 2.4).
	logoutEvent = "http://schemas.openid.net/event/backchannel-logout"
	// LogoutAge is how old a logout token may be: not every provider lets it
	// expire (Hydra), and its id must be remembered so long.
	LogoutAge = 10 * time.Minute
)

// Logout is what a provider's logout token ends.
type Logout struct {
	Subject string    // "" where SID alone is told
	SID     string    // the provider's session; "" where all of Subject's end
	ID      string    // jti, to be spent once
	Expires time.Time // when ID may be forgotten
}

// logoutToken is the claims of a logout token.
type logoutToken struct {
	Issuer    string                    `json:"iss"`
	Subject   string                    `json:"sub"`
	Audience  jsontext.Value            `json:"aud"`
	IssuedAt  *float64                  `json:"iat"` // seconds since 1970, as the next
	Expires   *float64                  `json:"exp"`
	ID        string                    `json:"jti"`
	Events    map[string]jsontext.Value `json:"events"`
	SessionID string                    `json:"sid"`
	Nonce     jsontext.Value            `json:"nonce"`
}

// Issuer is the provider's identifier.
func (p *OIDC) Issuer() string { return p.cfg.Issuer }

// Addresses reports whether a logout token names this provider and this client,
// by its own word, of which nothing is believed yet: it tells who is to verify.
func (p *OIDC) Addresses(raw string) bool {
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		return false
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	token := new(logoutToken)
	return err == nil && json.Unmarshal(payload, token) == nil &&
		token.Issuer == p.cfg.Issuer && ours(token.Audience, p.cfg.ClientID)
}

// VerifyLogout believes a logout token or says why not (OpenID Connect
// Back-Channel Logout 1.0, 2.6): ErrProtocol, or ErrUnavailable where the
// provider's keys cannot be read. Whether its id was seen before is for the
// caller to know.
func (p *OIDC) VerifyLogout(ctx context.Context, raw string) (Logout, error) {
	ctx, cancel := context.WithTimeout(ctx, p.cfg.Timeout)
	defer cancel()
	m, err := p.read(ctx)
	if err != nil {
		return Logout{}, err
	}
	jws, payload, err := m.open(ctx, raw)
	if err != nil {
		return Logout{}, err
	}
	// Providers that keep the types apart say logout+jwt; others say JWT, or
	// nothing (2.4).
	switch kind, _ := jws.Signatures[0].Header.ExtraHeaders["typ"].(string); kind {
	case "", "JWT", "logout+jwt", "application/logout+jwt":
	default:
		return Logout{}, fault(ReasonLogout)
	}
	token := new(logoutToken)
	if json.Unmarshal(payload, token) != nil {
		return Logout{}, fault(ReasonLogout)
	}
	now, skew := p.cfg.Now(), p.cfg.Skew
	for _, check := range []struct {
		good   bool
		reason Reason
	}{
		{token.Issuer == p.cfg.Issuer, ReasonIssuer},
		{ours(token.Audience, p.cfg.ClientID), ReasonAudience},
		{dated(token.IssuedAt) && !moment(token.IssuedAt).After(now.Add(skew)) &&
			moment(token.IssuedAt).After(now.Add(-LogoutAge-skew)), ReasonIssuedAt},
		{token.Expires == nil || dated(token.Expires) && now.Add(-skew).Before(moment(token.Expires)), ReasonExpired},
		{token.Events[logoutEvent].Kind() == '{', ReasonLogout},
		// An ID token must never end a session (2.4, 4).
		{len(token.Nonce) == 0, ReasonNonce},
		{token.Subject != "" || token.SessionID != "", ReasonSubject},
		{len(token.Subject) <= maxSubject && printable(token.Subject), ReasonSubject},
		{len(token.SessionID) <= maxSubject && printable(token.SessionID), ReasonLogout},
		{token.ID != "" && len(token.ID) <= maxSubject, ReasonLogout},
	} {
		if !check.good {
			return Logout{}, fault(check.reason)
		}
	}
	return Logout{
		Subject: token.Subject, SID: token.SessionID, ID: token.ID,
		Expires: moment(token.IssuedAt).Add(LogoutAge + 2*skew),
	}, nil
}
