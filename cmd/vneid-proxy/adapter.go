package main

import (
	"context"
	"crypto"
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"sync/atomic"
	"time"

	"vneid-proxy/broker"
	"vneid-proxy/broker/directory"
	"vneid-proxy/broker/link"
	"vneid-proxy/broker/screen"
	"vneid-proxy/broker/vneid"
	"vneid-proxy/config"
	"vneid-proxy/identity"
	"vneid-proxy/metrics"
	"vneid-proxy/proxy"
	"vneid-proxy/session"
)

// The parts say what they mean in their own words; these adapters turn them
// into the broker's, and measure the calls.

type calls struct {
	metrics *metrics.Metrics
	now     func() time.Time
}

// measure records a call under the outcome that its error means.
func (c calls) measure(system, operation string, began time.Time, outcome string) {
	c.metrics.Call(system, operation, outcome, c.now().Sub(began))
}

func address(u *url.URL) string {
	if u == nil {
		return ""
	}
	return u.String()
}

// buttonTitle leaves VNeID's button to the pages, which have words for it in
// each language.
func buttonTitle(title string) string {
	if title == "VNeID" {
		return ""
	}
	return title
}

// profile is a way to speak to a provider: vneid.OIDC, vneid.Encrypted or
// vneid.Clear.
type profile interface {
	Name() string
	Origins() []string
	Status(context.Context) error
	AuthURL(context.Context, session.Attempt) (string, error)
	RedeemQuery(ctx context.Context, a session.Attempt, rawQuery string) (vneid.Identity, error)
	EndSessionURL(ctx context.Context, idToken, state string) (string, bool)
}

// newProvider is a provider as configured; secret, unless nil, takes the place
// of its client secret.
func newProvider(c config.Config, f config.FurtherProvider, secret func() string) (profile, error) {
	p, name, redirectURL := f.Provider, f.Name, callbackURL(c, f.Name)
	claims := vneid.Claims{
		Number: p.ClaimCitizenNumber, Name: p.ClaimName, BirthDate: p.ClaimBirthDate,
		AccountLevel: p.ClaimAccountLevel, AuthenticationLevel: p.ClaimAuthenticationLevel, AccountType: p.ClaimAccountType,
		OrganisationID: p.ClaimOrganisationID, OrganisationTaxCode: p.ClaimOrganisationTaxCode, OrganisationName: p.ClaimOrganisationName,
		OrganisationRole: p.ClaimOrganisationRole, OrganisationTypes: p.OrganisationTypes,
	}
	if p.Profile == "vneid-encrypted" {
		keys, err := decryptionKeys(p.DecryptionKeyFiles)
		if err != nil {
			return nil, err
		}
		return vneid.NewEncrypted(vneid.EncryptedConfig{
			Name: name, Title: p.Title,
			AuthorizeURL: address(p.AuthorizeURL), TokenURL: address(p.TokenURL), UserinfoURL: address(p.UserinfoURL),
			AllowHTTP: c.Public.AllowHTTP, ClientID: p.ClientID, ClientSecret: p.ClientSecret.Reveal(), Secret: secret,
			RedirectURL: redirectURL, Scopes: p.Scopes, Claims: claims, MinAccountLevel: p.MinAccountLevel,
			Keys: keys, Cipher: p.EnvelopeCipher, KeyBytes: p.EnvelopeKeyBits / 8, Optional: p.Envelope == "optional",
			CodeAsReceived: p.EnvelopeCode == "received", OmitEncryptKey: p.EnvelopeEncryptKey == "omitted",
			Timeout: c.Process.CallTimeout,
		})
	}
	postLogoutURL := c.Public.URL.String() + c.Public.PathPrefix + "/sign-out"
	if p.Profile == vneid.WireVNeIDClear || p.Profile == vneid.WireNationalPortal {
		return vneid.NewClear(vneid.ClearConfig{
			Wire: p.Profile, Name: name, Title: p.Title,
			AuthorizeURL: address(p.AuthorizeURL), TokenURL: address(p.TokenURL), UserinfoURL: address(p.UserinfoURL),
			EndSessionURL: address(p.EndSessionURL), AllowHTTP: c.Public.AllowHTTP,
			ClientID: p.ClientID, ClientSecret: p.ClientSecret.Reveal(), Secret: secret, RedirectURL: redirectURL, PostLogoutURL: postLogoutURL,
			Scopes: p.Scopes, Claims: claims, MinAccountLevel: p.MinAccountLevel, Timeout: c.Process.CallTimeout,
		})
	}
	var key func() (crypto.Signer, error)
	if p.ClientKeyFile != "" {
		key = func() (crypto.Signer, error) { return readKey("client key", p.ClientKeyFile) }
		if _, err := key(); err != nil {
			return nil, err
		}
	}
	return vneid.NewOIDC(vneid.Config{
		Refresh: p.Refresh,
		Key:     key, AssertionAudience: p.ClientAssertionAudience, NeverPush: p.PushedRequests == "never", UserinfoBy: p.UserinfoMethod,
		Name: name, Title: p.Title, Issuer: address(p.IssuerURL),
		AuthorizeURL: address(p.AuthorizeURL), TokenURL: address(p.TokenURL),
		UserinfoURL: address(p.UserinfoURL), EndSessionURL: address(p.EndSessionURL),
		AllowHTTP: c.Public.AllowHTTP, ClientID: p.ClientID, ClientSecret: p.ClientSecret.Reveal(), Secret: secret,
		AccountClaim:  f.Account.Claim,
		RedirectURL:   redirectURL,
		PostLogoutURL: postLogoutURL,
		Scopes:        p.Scopes, Claims: claims, MinAccountLevel: p.MinAccountLevel, Timeout: c.Process.CallTimeout,
	})
}

func decryptionKeys(names []string) ([]*rsa.PrivateKey, error) {
	var keys []*rsa.PrivateKey
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("decryption key: %w", err)
		}
		key, err := vneid.ParseDecryptionKey(text)
		if err != nil {
			return nil, fmt.Errorf("decryption key %s: %w", name, err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// provider is the broker's view of a provider.
type provider struct {
	profile
	subjects string // see subjectsOf
	system   string // in the measures of calls
	// signInProves says that the provider asks people at each sign-in.
	signInProves bool
	calls        calls
	outage       *outage
}

// outage is when the provider last did not answer; it is asked of nobody.
type outage struct{ at atomic.Int64 }

// awayFor is how long an outage is told of that nobody has met again.
const awayFor = 30 * time.Second

func (p provider) noted(err error) {
	switch {
	case errors.Is(err, vneid.ErrUnavailable):
		p.outage.at.Store(p.calls.now().UnixNano())
		p.calls.metrics.ProviderUp(p.Name(), false)
	case err == nil:
		p.outage.at.Store(0)
		p.calls.metrics.ProviderUp(p.Name(), true)
	}
}

func (o *outage) away() bool { return time.Since(time.Unix(0, o.at.Load())) < awayFor }

func (p provider) AuthURL(ctx context.Context, a session.Attempt) (string, error) {
	address, err := p.profile.AuthURL(ctx, a)
	p.faulted(err)
	if err != nil { // an address is soon told, where nobody is asked for it
		p.noted(err)
	}
	return address, providerFault(err)
}

func (p provider) Redeem(ctx context.Context, a session.Attempt, rawQuery string) (broker.Vouched, error) {
	began := p.calls.now()
	who, err := p.RedeemQuery(ctx, a, rawQuery)
	p.calls.measure(p.system, "redeem", began, providerOutcome(err))
	p.faulted(err)
	p.noted(err)
	if err != nil {
		return broker.Vouched{}, providerFault(err)
	}
	p.calls.metrics.ProviderSkew(p.Name(), who.Skew)
	who.Citizen.Provider = p.subjects
	if p.signInProves && who.Authenticated.IsZero() {
		who.Authenticated = p.calls.now()
	}
	return broker.Vouched{
		Citizen: who.Citizen, Account: who.Account, SID: who.SID, IDToken: who.IDToken,
		Authenticated: who.Authenticated, Grant: broker.Grant(who.Grant),
	}, nil
}

func (p provider) EndSessionURL(ctx context.Context, idToken, state string) string {
	address, ok := p.profile.EndSessionURL(ctx, idToken, state)
	if !ok {
		return ""
	}
	return address
}

// refresh asks the provider whether its grant holds. An answer about somebody
// else ends the session as surely as a no.
func (p provider) refresh(party *vneid.OIDC) func(context.Context, broker.Grant) (broker.Grant, error) {
	return func(ctx context.Context, g broker.Grant) (broker.Grant, error) {
		began := p.calls.now()
		next, err := party.Refresh(ctx, vneid.Grant(g))
		p.calls.measure(p.system, "refresh", began, providerOutcome(err))
		if !errors.Is(err, vneid.ErrOver) {
			p.faulted(err)
		}
		switch reason := vneid.ReasonOf(err); {
		case err == nil:
			return broker.Grant(next), nil
		case errors.Is(err, vneid.ErrOver), reason == vneid.ReasonIssuer, reason == vneid.ReasonSubject:
			return broker.Grant{}, errors.Join(broker.ErrOver, err)
		}
		return broker.Grant{}, err
	}
}

// announcer is a profile whose provider tells when a session ends.
type announcer interface {
	Issuer() string
	Addresses(token string) bool
	VerifyLogout(ctx context.Context, token string) (vneid.Logout, error)
}

func (p provider) Issuer() string {
	if a, ok := p.profile.(announcer); ok {
		return a.Issuer()
	}
	return ""
}

func (p provider) Subjects() string { return p.subjects }

func (p provider) Addresses(token string) bool {
	a, ok := p.profile.(announcer)
	return ok && a.Addresses(token)
}

func (p provider) Logout(ctx context.Context, token string) (broker.Logout, error) {
	a, ok := p.profile.(announcer)
	if !ok {
		return broker.Logout{}, &broker.Fault{Reason: screen.Protocol, Err: errors.New("the provider has no logout tokens")}
	}
	began := p.calls.now()
	said, err := a.VerifyLogout(ctx, token)
	p.calls.measure(p.system, "logout", began, providerOutcome(err))
	p.faulted(err)
	if err != nil {
		return broker.Logout{}, providerFault(err)
	}
	return broker.Logout{Provider: p.subjects, SID: said.SID, Subject: said.Subject, ID: said.ID, Expires: said.Expires}, nil
}

// faulted counts why the provider was not believed, or not reached.
func (p provider) faulted(err error) {
	if reason := vneid.ReasonOf(err); reason != "" && reason != vneid.ReasonCancelled {
		p.calls.metrics.ProviderFault(p.Name(), string(reason))
	}
}

func providerOutcome(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, vneid.ErrUnavailable):
		return "unavailable"
	case errors.Is(err, vneid.ErrProtocol):
		return "malformed"
	}
	return "refused"
}

func providerFault(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, vneid.ErrCancelled):
		return &broker.Fault{Reason: screen.Cancelled, Err: err}
	case errors.Is(err, vneid.ErrLevel):
		return &broker.Fault{Reason: screen.LevelTooLow, Err: err}
	case errors.Is(err, vneid.ErrRepresentative):
		return &broker.Fault{Reason: screen.NoRepresentative, Err: err}
	case errors.Is(err, vneid.ErrUnavailable):
		return &broker.Fault{Reason: screen.ProviderDown, Err: err}
	}
	return &broker.Fault{Reason: screen.Protocol, Err: err}
}

func credentialCheck(check directory.CredentialCheck, calls calls) broker.Credential {
	return func(ctx context.Context, username, password string) (identity.AccountID, error) {
		began := calls.now()
		id, err := check.Check(ctx, username, password)
		switch {
		case err == nil:
			calls.measure("directory", "credential", began, "ok")
			return id, nil
		case errors.Is(err, directory.ErrWrong), errors.Is(err, directory.ErrLocked):
			calls.measure("directory", "credential", began, "refused")
			return "", broker.ErrWrong
		}
		calls.measure("directory", "credential", began, directoryOutcome(err))
		return "", directoryFault(err)
	}
}

func whoAmI(who *directory.WhoAmI, calls calls) broker.WhoAmI {
	return func(ctx context.Context, r *http.Request) (identity.AccountID, error) {
		began := calls.now()
		id, err := who.Ask(ctx, r)
		switch {
		case err == nil:
			calls.measure("portal", "whoami", began, "ok")
			return id, nil
		case errors.Is(err, directory.ErrNobody):
			calls.measure("portal", "whoami", began, "refused")
			return "", broker.ErrNobody
		}
		calls.measure("portal", "whoami", began, "unavailable")
		return "", directoryFault(err)
	}
}

// noPopulation is for a LINK that asks nobody: a check from an earlier one stays
// open.
func noPopulation(context.Context, identity.CitizenNumber, string, identity.BirthDate) (bool, error) {
	return false, errors.New("no population database is configured")
}

// refusals shows the gate's refusals as pages.
func refusals(screens *screen.Screens) func(http.ResponseWriter, *http.Request, proxy.Refusal) {
	pages := map[string]screen.Reason{
		proxy.ReasonMethod: screen.MethodNotAllowed, proxy.ReasonHost: screen.Misdirected,
		proxy.ReasonNotFound: screen.NotFound, proxy.ReasonFeed: screen.LedgerDown,
		proxy.ReasonUpstream: screen.Unavailable, proxy.ReasonUpstreamTimeout: screen.Unavailable,
		proxy.ReasonClosing: screen.Unavailable, proxy.ReasonTarget: screen.NotFound,
		proxy.ReasonIdentity: screen.NotAllowed, proxy.ReasonOrigin: screen.NotAllowed,
		proxy.ReasonClosed: screen.Closed, proxy.ReasonBody: screen.TooLarge, proxy.ReasonSilent: screen.Unavailable, proxy.ReasonRate: screen.Unavailable, proxy.ReasonStanding: screen.LinkNeeded, proxy.ReasonAccountLevel: screen.LevelTooLow,
		proxy.ReasonSignInTooOld: screen.SignInTooOld, string(link.UseEnded): screen.UseEnded,
	}
	return func(w http.ResponseWriter, r *http.Request, refusal proxy.Refusal) {
		reason, known := pages[refusal.Reason]
		if !known {
			reason = screen.NotAllowed
		}
		screens.Write(w, r, refusal.Status, screen.Refused{Reason: reason, RetryAfter: refusal.RetryAfter})
	}
}
