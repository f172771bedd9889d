package vneid

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"

	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"golang.org/x/oauth2"

	"vneid-proxy/broker/outbound"
	"vneid-proxy/session"
)

const (
	// envelopes is how many are opened in a sign-in, whatever becomes of it:
	// those of the code, the token answer and userinfo.
	envelopes = 3
	// maxCode is the longest code, in bytes; one is a GUID or a few of them.
	maxCode = 1 << 10
)

// Redeem turns a callback into a citizen. The attempt is the one that the
// callback's state names in this browser, and its state is already spent in the
// ledger: with it goes the one decryption that a state is good for.
//
// Nothing is decrypted for a wrong attempt or an error of the provider's.
// Otherwise the work is always the same: as many decryptions, and one exchange,
// with a random code where the callback's does not open. All that is wrong with
// envelopes and with what they hold is ErrProtocol with ReasonEnvelope.
func (p *Encrypted) Redeem(ctx context.Context, attempt session.Attempt, callback Callback) (Identity, error) {
	ctx, cancel := context.WithTimeout(ctx, p.cfg.Timeout)
	defer cancel()
	if !answers(callback, attempt, p.cfg.Name) {
		return Identity{}, fault(ReasonAttempt)
	}
	if callback.Error != "" {
		return Identity{}, told(callback.Error)
	}
	who, err := p.redeem(ctx, callback)
	p.notice(err)
	return who, err
}

// RedeemQuery is ParseCallback, then Redeem. A query that cannot be read goes
// the same way as a broken envelope.
func (p *Encrypted) RedeemQuery(ctx context.Context, attempt session.Attempt, rawQuery string) (Identity, error) {
	callback, err := ParseCallback(rawQuery)
	if err != nil {
		callback = Callback{State: attempt.State}
	}
	return p.Redeem(ctx, attempt, callback)
}

func (p *Encrypted) redeem(ctx context.Context, callback Callback) (Identity, error) {
	opening := &opening{opener: p.opener.Load(), left: envelopes}
	defer opening.finish()
	client := *p.client
	client.Transport = unsealer{next: client.Transport, opening: opening, plain: p.cfg.Optional}

	code, opened := p.code(opening, callback)
	accessToken, err := p.exchange(ctx, client, code, callback.EncryptKey)
	if err != nil {
		return Identity{}, uniform("token", err)
	}
	if !opened { // and yet the code was accepted
		return Identity{}, fault(ReasonEnvelope)
	}
	claims, err := p.userinfo(ctx, &client, accessToken)
	if err != nil {
		return Identity{}, uniform("userinfo", err)
	}
	citizen, err := claims.citizen(p.cfg.Claims, false)
	if err != nil {
		return Identity{}, err
	}
	citizen.Provider = p.cfg.Name
	if citizen.Subject, err = claims.text(p.cfg.Claims.Number); err != nil {
		return Identity{}, err
	}
	if citizen.AccountLevel < p.cfg.MinAccountLevel {
		return Identity{}, &Error{ErrLevel, ReasonLevel}
	}
	return Identity{Citizen: citizen}, nil
}

// code is what the token endpoint is sent, and whether it is the callback's.
func (p *Encrypted) code(opening *opening, callback Callback) (string, bool) {
	decoy := randomCode()
	clear := callback.EncryptKey == "" && p.cfg.Optional
	if callback.Code == "" || callback.EncryptKey == "" && !p.cfg.Optional {
		callback = Callback{} // opens like a broken one
	} else if clear || p.cfg.CodeAsReceived {
		return callback.Code, true
	}
	text, opened := opening.open(envelope{callback.Code, callback.EncryptKey}, isCode)
	if !opened {
		return decoy, false
	}
	return string(text), true
}

func isCode(text []byte) bool {
	return len(text) > 0 && len(text) <= maxCode && printable(string(text))
}

// randomCode is a GUID, as codes are.
func randomCode() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, crypto/rand
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func (p *Encrypted) exchange(ctx context.Context, client http.Client, code, encryptKey string) (string, error) {
	client.Transport = tokenReply{next: client.Transport}
	party, err := p.party(&client)
	if err != nil {
		return "", err
	}
	if p.cfg.Counters != nil {
		p.cfg.Counters.Token.Add(1)
	}
	tokens, err := rp.CodeExchange[*oidc.IDTokenClaims](ctx, code, party, func() []oauth2.AuthCodeOption {
		if encryptKey == "" || p.cfg.OmitEncryptKey {
			return nil
		}
		return []oauth2.AuthCodeOption{oauth2.SetAuthURLParam("encrypt_key", encryptKey)}
	})
	if err != nil {
		return "", err
	}
	return tokens.AccessToken, nil
}

func (p *Encrypted) userinfo(ctx context.Context, client *http.Client, accessToken string) (claimSet, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.cfg.UserinfoURL, nil)
	if err != nil {
		return nil, fault(ReasonDiscovery)
	}
	r.Header.Set("Authorization", "Bearer "+accessToken)
	claims := claimSet{}
	_, err = outbound.JSON(client, r, &claims)
	return claims, err
}

// uniform is failed, with one word for whatever an altered envelope can bring
// about, a code that the provider does not accept among it.
func uniform(step string, err error) *Error {
	e := failed(step, err)
	switch e.Reason {
	case ReasonCode, Reason(step + "_" + string(outbound.Malformed)), Reason(step + "_" + string(outbound.TooLarge)):
		return fault(ReasonEnvelope)
	}
	return e
}

// notice remembers whether VNeID was there, for Status.
func (p *Encrypted) notice(err error) {
	outage := (*Error)(nil)
	if errors.Is(err, ErrUnavailable) {
		errors.As(err, &outage)
	}
	p.outage.Store(outage)
}
