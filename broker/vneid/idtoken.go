package vneid

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/zitadel/oidc/v3/pkg/client/rp"

	"vneid-proxy/session"
)

// maxSubject is the longest subject (OpenID Connect Core 2: 255 ASCII
// characters).
const maxSubject = 255

// idToken is the claims of an ID token that decide whether it is believed.
type idToken struct {
	Issuer          string         `json:"iss"`
	Subject         string         `json:"sub"`
	Audience        jsontext.Value `json:"aud"` // a string or an array of them
	AuthorizedParty string         `json:"azp"`
	Nonce           string         `json:"nonce"`
	SessionID       string         `json:"sid"`
	TokenHash       string         `json:"at_hash"`
	Expires         *float64       `json:"exp"` // seconds since 1970, as the next three
	IssuedAt        *float64       `json:"iat"`
	NotBefore       *float64       `json:"nbf"`
	Authenticated   *float64       `json:"auth_time"`
}

// verify believes an ID token or says why not (OpenID Connect Core 3.1.3.7):
// signature first, so that nothing unsigned is parsed. A refreshed one need not
// repeat the nonce (12.2).
func (p *OIDC) verify(ctx context.Context, m *metadata, raw, accessToken string, attempt session.Attempt, refreshed bool) (*idToken, claimSet, error) {
	jws, payload, err := m.open(ctx, raw)
	if err != nil {
		return nil, nil, err
	}
	token, claims := new(idToken), claimSet{}
	if json.Unmarshal(payload, token) != nil || json.Unmarshal(payload, &claims) != nil {
		return nil, nil, fault(ReasonIDToken)
	}
	algorithm := jose.SignatureAlgorithm(jws.Signatures[0].Header.Algorithm)
	now, skew := p.cfg.Now(), p.cfg.Skew
	for _, check := range []struct {
		good   bool
		reason Reason
	}{
		{token.Issuer == p.cfg.Issuer, ReasonIssuer},
		// Any audience but ours is one too many: Core lets us trust others, we
		// know none (3.1.3.7, 3).
		{ours(token.Audience, p.cfg.ClientID), ReasonAudience},
		{token.AuthorizedParty == "" || token.AuthorizedParty == p.cfg.ClientID, ReasonAuthorizedParty},
		{token.Subject != "" && len(token.Subject) <= maxSubject && printable(token.Subject), ReasonSubject},
		{token.Nonce == attempt.Nonce || refreshed && token.Nonce == "", ReasonNonce},
		{dated(token.Expires) && now.Add(-skew).Before(moment(token.Expires)), ReasonExpired},
		// Issued for this attempt, so not before it began nor in the future.
		{dated(token.IssuedAt) && !moment(token.IssuedAt).After(now.Add(skew)) &&
			!moment(token.IssuedAt).Before(attempt.Begun.Add(-skew)), ReasonIssuedAt},
		// There where it was asked for (2; 3.1.2.1, max_age). Whether it is young
		// enough (3.1.3.7, 13) the page decides that wanted it.
		{token.Authenticated == nil && attempt.Demand.MaxAge == 0 || dated(token.Authenticated) && dated(token.IssuedAt) &&
			!moment(token.Authenticated).After(moment(token.IssuedAt).Add(skew)), ReasonAuthTime},
		{token.NotBefore == nil || dated(token.NotBefore) && !moment(token.NotBefore).After(now.Add(skew)), ReasonNotBefore},
		{rp.VerifyAccessToken(accessToken, token.TokenHash, algorithm) == nil, ReasonTokenHash},
		{len(token.SessionID) <= maxSubject && printable(token.SessionID), ReasonIDToken},
	} {
		if !check.good {
			return nil, nil, fault(check.reason)
		}
	}
	return token, claims, nil
}

// open returns what the provider signed, by a key and an algorithm of its.
func (m *metadata) open(ctx context.Context, raw string) (*jose.JSONWebSignature, []byte, error) {
	allowed := make([]jose.SignatureAlgorithm, len(m.Algorithms))
	for i, name := range m.Algorithms {
		allowed[i] = jose.SignatureAlgorithm(name)
	}
	jws, err := jose.ParseSignedCompact(raw, allowed)
	if unexpected := (*jose.ErrUnexpectedSignatureAlgorithm)(nil); errors.As(err, &unexpected) {
		return nil, nil, fault(ReasonAlgorithm)
	} else if err != nil {
		return nil, nil, fault(ReasonIDToken)
	}
	payload, err := m.keySet.VerifySignature(ctx, jws)
	return jws, payload, err
}

// authenticated is when the person proved who they are, by our clock: between
// that and the token only the provider's own passed. Zero where it is not told.
func (t *idToken) authenticated(now time.Time) time.Time {
	if t.Authenticated == nil {
		return time.Time{}
	}
	return now.Add(-max(0, moment(t.IssuedAt).Sub(moment(t.Authenticated))))
}

func ours(audience jsontext.Value, clientID string) bool {
	if audience.Kind() == '"' {
		var one string
		return json.Unmarshal(audience, &one) == nil && one == clientID
	}
	var all []jsontext.Value
	if json.Unmarshal(audience, &all) != nil || len(all) == 0 {
		return false
	}
	return !slices.ContainsFunc(all, func(one jsontext.Value) bool { return one.Kind() != '"' || !ours(one, clientID) })
}

// dated reports whether a NumericDate is there and within the years that the
// arithmetic of times can carry.
func dated(seconds *float64) bool {
	return seconds != nil && *seconds > 0 && *seconds < 1e11
}

func moment(seconds *float64) time.Time { return time.Unix(int64(*seconds), 0) }
