package main

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"vneid-proxy/broker"
	"vneid-proxy/broker/directory"
	"vneid-proxy/broker/ledger"
	"vneid-proxy/broker/link"
	"vneid-proxy/broker/screen"
	"vneid-proxy/broker/work"
	"vneid-proxy/config"
	"vneid-proxy/identity"
	"vneid-proxy/metrics"
	"vneid-proxy/proxy"
	"vneid-proxy/session"
)

// app is the parts of one running proxy.
type app struct {
	config    config.Config
	ledger    *ledger.Ledger
	feed      *ledger.Feed
	providers []config.FurtherProvider // the environment's first
	profiles  map[string]profile       // by the provider's name
	subjects  []string                 // the Citizen.Provider of each
	metrics   *metrics.Metrics
	work      *work.Work
	refresh   *broker.Refresher
	watched   []*reloading
	policy    atomic.Pointer[link.Policy]
	excused   atomic.Int64 // when the last exemption ends, in milliseconds of Unix time; 0 for none
	now       func() time.Time
	proxy     *proxy.Proxy
	logger    *slog.Logger
	closers   []io.Closer // beside the ledger
	draining  atomic.Bool
}

// newApp wires the packages together. It opens the ledger and reaches nobody
// else: whoever signs in first finds out what is down, and /readyz says so. now
// is the clock that every decision goes by.
func newApp(ctx context.Context, c config.Config, logger *slog.Logger, now func() time.Time) (_ *app, err error) {
	a := &app{config: c, profiles: map[string]profile{}, metrics: metrics.New(buildVersion()), logger: logger, now: now}
	if a.providers, err = providersOf(c); err != nil {
		return nil, err
	}
	if err := a.readPolicy(); err != nil {
		return nil, err
	}
	if a.ledger, err = openLedger(ctx, c, logger, now); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.ledger.Close())
		}
	}()
	if a.feed, err = a.ledger.Feed(ctx); err != nil {
		return nil, err
	}
	a.metrics.WatchFeed(func() time.Duration { return a.feed.Age(now()) })
	if err = a.readExcuses(ctx); err != nil {
		return nil, err
	}

	jar, err := session.NewJar(session.Config{
		Keys: c.Keys.Cookies.Reveal(), Secure: c.Public.URL.Scheme == "https",
		Lifetime: c.Session.Lifetime, Idle: c.Session.Idle, Refused: a.metrics.CookieRefused, Now: now,
	})
	if err != nil {
		return nil, err
	}
	pages, err := a.broker(ctx, jar)
	if err != nil {
		return nil, err
	}
	return a, a.newProxy(jar, pages)
}

// pages is the handler of the reserved prefix, and the page for a refusal of
// the gate.
type pages struct {
	own    http.Handler
	keep   func(http.ResponseWriter, *http.Request, *session.Session) bool
	refuse func(http.ResponseWriter, *http.Request, proxy.Refusal)
}

func (a *app) broker(ctx context.Context, jar *session.Jar) (pages, error) {
	c := a.config
	calls := calls{metrics: a.metrics, now: time.Now}
	var offers []broker.Offer
	var origins []string
	for _, f := range a.providers {
		p, err := a.openProvider(f)
		if err != nil {
			return pages{}, fmt.Errorf("provider %s: %w", f.Name, err)
		}
		a.profiles[f.Name], a.subjects = p, append(a.subjects, subjectsOf(f))
		offers, origins = append(offers, offer(f, p, calls)), append(origins, p.Origins()...)
	}
	screens, err := screen.New(screen.Config{
		Prefix: c.Public.PathPrefix, Organisation: c.Screens.Organisation, Hotline: c.Screens.Hotline,
		ForgotPasswordURL: c.Screens.ForgotPasswordURL, RegisterURL: c.Screens.RegisterURL,
		FormOrigins: origins, Secure: c.Public.URL.Scheme == "https", Log: a.logger,
	})
	if err != nil {
		return pages{}, err
	}
	check, besideCheck := broker.Population(noPopulation), broker.Population(noPopulation)
	var lookup, besideLookup broker.Lookup
	if c.Population.URL != nil {
		database, err := newPopulation(c, callsToday(a.ledger))
		if err != nil {
			return pages{}, err
		}
		watchPopulation(a.metrics, database)
		// What asks beside requests gives way to people, and does not wait long
		// for a turn: its lease on the check runs on.
		beside := database.Background(time.Second)
		check, besideCheck = populationCheck(database, calls), populationCheck(beside, calls)
		lookup, besideLookup = populationLookup(c, database, calls), populationLookup(c, beside, calls)
	}
	connector, err := newConnector(ctx, c)
	if err != nil {
		return pages{}, err
	}
	a.work = work.New(work.Config{
		Ledger: a.ledger, Check: work.Check(besideCheck), Lookup: work.Lookup(besideLookup), Directory: writtenDirectory(c.Directory, connector, calls),
		Metrics: a.metrics, Logger: a.logger,
	})
	b := broker.Config{
		PublicURL: c.Public.URL, Prefix: c.Public.PathPrefix,
		Providers:       offers,
		Directory:       accountDirectory{connector, calls},
		Population:      check,
		Lookup:          lookup,
		Policy:          a.rules,
		Ledger:          a.ledger,
		Feed:            a.feed,
		Jar:             jar,
		Screens:         screens,
		Metrics:         a.metrics,
		Logger:          a.logger,
		SessionLifetime: c.Session.Lifetime,
		UnlinkAfter:     c.Link.UnlinkAfter,
		TellAtSignIn:    c.Portal.NotifyURL == nil,
		Now:             a.now,
		Client:          func(r *http.Request) (string, bool) { return a.proxy.Client(r) },
		Source:          func(r *http.Request) netip.AddrPort { return a.proxy.Source(r) },
	}
	if open, ok := connector.(io.Closer); ok {
		a.closers = append(a.closers, open)
	}
	if check, ok := connector.(directory.CredentialCheck); ok && c.Directory.Credential != "http" {
		b.Credential = credentialCheck(check, calls)
	}
	if c.Directory.CredentialURL != nil {
		check, err := directory.NewHTTPCredential(directory.CredentialConfig{
			URL: c.Directory.CredentialURL.String(), Token: c.Directory.Token.Reveal(), Timeout: c.Process.CallTimeout,
			AllowHTTP: true, // the portal itself, reached as requests reach it
		})
		if err != nil {
			return pages{}, err
		}
		b.Credential = credentialCheck(check, calls)
	}
	if c.Portal.LoginURL != nil {
		who, err := directory.NewWhoAmI(directory.WhoAmIConfig{
			URL: c.Portal.WhoamiURL.String(), Cookies: c.Portal.SessionCookies, Timeout: c.Process.CallTimeout,
			AllowHTTP: true, // likewise
		})
		if err != nil {
			return pages{}, err
		}
		b.WhoAmI = whoAmI(who, calls)
		b.Portal = broker.Portal{
			LoginURL: c.Portal.LoginURL.RequestURI(), ReturnParameter: c.Portal.ReturnParameter, SessionCookies: c.Portal.SessionCookies,
		}
	}
	a.refresh = broker.NewRefresher(b)
	return pages{own: broker.New(b), keep: broker.Keep(b), refuse: refusals(screens)}, nil
}

// newProxy hands the proxy the functions it needs: what the policy, the feed
// and the pages say of a session.
func (a *app) newProxy(jar *session.Jar, own pages) error {
	c := a.config
	headers, err := identityHeaders(c.Portal.IdentityHeaders)
	if err != nil {
		return err
	}
	assertion, err := newAssertion(c)
	if err != nil {
		return err
	}
	a.work.Notify = notifier(c, assertion, calls{metrics: a.metrics, now: time.Now})
	ruled, err := a.readRoutes()
	if err = routesFault(ruled, err); err != nil {
		return err
	}
	upstreamTLS, further, err := portalServers(c.Portal)
	if err != nil {
		return err
	}
	a.proxy, err = proxy.New(proxy.Config{
		PublicURL: c.Public.URL, Prefix: c.Public.PathPrefix, Upstream: c.Portal.Upstream,
		FurtherUpstreams: further, UpstreamHTTP2: c.Portal.UpstreamProtocol == "http2", Rate: float64(c.Listen.Rate), MaxBody: c.Listen.MaxBody, UpstreamHost: c.Portal.UpstreamHost, UpstreamTLS: upstreamTLS, Public: c.Portal.PublicPaths, Rules: ruled,
		Login: portalLogin(c, a.rules), Jar: jar, Admit: a.admit, Now: a.now,
		Validity: a.validity, Resealed: a.refresh.Touch, Keep: own.keep, Refuse: own.refuse, Own: own.own, Headers: headers, Assertion: assertion,
		AllowedHeaderNames: c.Portal.AllowedHeaderNames, TrustedProxies: c.Portal.TrustedProxies,
		PassAuthorization: c.Portal.PassAuthorization, Metrics: a.metrics, Logger: a.logger,
	})
	return err
}

// admit is the policy's verdict on a session, for the gate.
func (a *app) admit(s *session.Session, now time.Time) proxy.Verdict {
	switch a.rules().Admit(broker.HeldBy(s), now) {
	case link.Forward:
		return proxy.Verdict{Action: proxy.Forward}
	case link.Read:
		return proxy.Verdict{Action: proxy.Read, Reason: "read_only"}
	case link.Closed:
		return proxy.Verdict{Action: proxy.Deny, Reason: string(link.UseEnded)}
	}
	reason := "unlinked"
	if s.Standing == identity.StandingConflict {
		reason = "conflict"
	}
	return proxy.Verdict{Action: proxy.ToLink, Reason: reason}
}

// identityHeaders are the default headers and the operator's, every fault of
// which is one of the configuration.
func identityHeaders(pairs []string) ([]proxy.Header, error) {
	headers := proxy.DefaultHeaders()
	var faults []error
	for _, pair := range pairs {
		header, err := proxy.ParseHeader(pair)
		headers, faults = append(headers, header), append(faults, err)
	}
	if err := errors.Join(faults...); err != nil {
		mend := strings.ReplaceAll(err.Error(), "\n", "; ")
		return nil, &config.Faults{List: []config.Fault{{Variable: config.Prefix + "IDENTITY_HEADERS", Mend: mend}}}
	}
	return headers, nil
}

// validity asks the feed, and says unknown once the feed is too old to trust.
// With a provider that is taken out of the configuration its sessions end.
func (a *app) validity(s *session.Session) proxy.Validity {
	if s.Citizen.Subject != "" && !slices.Contains(a.subjects, s.Citizen.Provider) {
		return proxy.Ended
	}
	if a.feed.Age(a.now()) > a.config.Session.RevocationMaxAge {
		return proxy.Unknown
	}
	switch a.feed.State(broker.Ref(s)) {
	case ledger.Live:
		return proxy.Live
	case ledger.Changed:
		return proxy.Changed
	}
	return proxy.Ended
}

// portalLogin says when the portal's own sign-in page is open without a
// session: until the policy's date, and after it for somebody whom the
// provider has vouched for and who proves an old account there.
func portalLogin(c config.Config, rules func() link.Policy) func(string, session.Stage, time.Time) bool {
	if c.Portal.LoginURL == nil {
		return nil
	}
	paths := append([]string{c.Portal.LoginURL.Path}, c.Portal.LoginPaths...)
	return func(path string, stage session.Stage, now time.Time) bool {
		if !slices.Contains(paths, path) {
			return false
		}
		proof, proving := stage.(*session.Proof)
		return rules().LegacyOffered(now) || proving && !proof.LegacyFirst()
	}
}

// newAssertion signs with the configured keys, or with one derived from the
// first cookie key; keys derived from the others are published too, so that a
// rotation is seen before it signs.
func newAssertion(c config.Config) (*proxy.Assertion, error) {
	var keys []crypto.Signer
	for _, name := range c.Keys.AssertionFiles {
		key, err := readKey("assertion key", name)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		for _, secret := range c.Keys.Cookies.Reveal() {
			keys = append(keys, proxy.DeriveKey(secret))
		}
	}
	audience := c.Keys.AssertionAudience
	if audience == "" {
		audience = c.Public.URL.String()
	}
	return proxy.NewAssertion(proxy.AssertionConfig{Issuer: c.Public.URL.String(), Audience: audience, Keys: keys})
}

// readKey reads a private key in PEM; kind is what errors call it.
func readKey(kind, name string) (crypto.Signer, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", kind, err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s %s: no PEM", kind, name)
	}
	if key, err := x509.ParseECPrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s %s: neither PKCS #8, PKCS #1 nor SEC 1", kind, name)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("%s %s: cannot sign", kind, name)
	}
	return signer, nil
}

func (a *app) close() error {
	if a.refresh != nil {
		a.refresh.Wait()
	}
	err := a.ledger.Close()
	for _, closer := range a.closers {
		err = errors.Join(err, closer.Close())
	}
	return err
}
