package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"vneid-proxy/broker/directory"
	"vneid-proxy/broker/outbound"
	"vneid-proxy/config"
)

// portal looks at the portal as requests and the broker reach it.
func (i *inspection) portal(ctx context.Context) findings {
	found := findings{i.upstream(ctx)}
	reached := found.count(stateFault) == 0
	if i.config.Portal.LoginURL != nil && reached {
		found = append(found, i.loginPage(ctx))
	}
	if i.config.Portal.LoginURL != nil {
		found = append(found, i.whoami(ctx))
	}
	if i.config.Directory.CredentialURL != nil {
		found = append(found, i.credential(ctx))
	}
	return append(found, portalDirect.note("whoever reaches the portal past the proxy can write any header, and it cannot be seen from here: "+
		"shut the direct way, or have the portal verify X-Identity-Assertion (docs/portal-guide.md)"))
}

// throughProxy asks the portal as a forwarded request does, without identity.
func (i *inspection) throughProxy(ctx context.Context, target string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, i.config.Portal.Upstream.String()+target, nil)
	if err != nil {
		return nil, err
	}
	public := i.config.Public.URL
	r.Host = public.Host
	r.Header.Set("X-Forwarded-Host", public.Host)
	r.Header.Set("X-Forwarded-Proto", public.Scheme)
	r.Header.Set("Accept", "text/html")
	return i.http.Do(r)
}

func (i *inspection) upstream(ctx context.Context) finding {
	u := i.config.Portal.Upstream
	reply, err := i.throughProxy(ctx, "/")
	// Pages may be long or compressed: browsers read them, not the broker.
	if cause := (*outbound.Error)(nil); errors.As(err, &cause) && cause.Cause != outbound.Timeout {
		return portalReach.ok("the portal answers")
	}
	if err != nil {
		return i.unreached(portalReach, "UPSTREAM_URL", u, err)
	}
	if reply.StatusCode >= http.StatusInternalServerError {
		return portalReach.fault(fmt.Sprintf("the portal answers %d to a request for %s", reply.StatusCode, i.config.Public.URL.Host),
			variable("UPSTREAM_URL")+": the portal itself; its server must know the host of "+variable("PUBLIC_URL"))
	}
	return portalReach.ok("the portal answers")
}

func (i *inspection) loginPage(ctx context.Context) finding {
	const name = "PORTAL_LOGIN_URL"
	reply, err := i.throughProxy(ctx, i.config.Portal.LoginURL.RequestURI())
	if cause := (*outbound.Error)(nil); errors.As(err, &cause) && cause.Cause != outbound.Timeout {
		return portalLoginPage.note("the login page is longer than 256 KiB or compressed unasked: look at it in a browser")
	}
	if err != nil {
		return i.unreached(portalLoginPage, "UPSTREAM_URL", i.config.Portal.Upstream, err)
	}
	body, err := io.ReadAll(reply.Body)
	switch {
	case err != nil:
		return i.unreached(portalLoginPage, "UPSTREAM_URL", i.config.Portal.Upstream, err)
	case reply.StatusCode != http.StatusOK:
		return portalLoginPage.fault(fmt.Sprintf("the login page is answered %d", reply.StatusCode),
			variable(name)+": the page that shows the form, not one that leads there")
	case !bytes.Contains(bytes.ToLower(body), []byte("<form")):
		return portalLoginPage.warning("the page holds no form", variable(name)+": the page that shows the form; nothing to mend if a script of its own makes it")
	}
	return portalLoginPage.ok("the login page shows a form")
}

// whoami must name nobody to somebody without a session: whoever it names then
// is let in as that account.
func (i *inspection) whoami(ctx context.Context) finding {
	name, u := "PORTAL_WHOAMI_URL", i.config.Portal.WhoamiURL
	reply, err := i.get(ctx, u.String())
	if err != nil {
		return i.unreached(portalWhoami, name, u, err)
	}
	nobody := []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusFound, http.StatusSeeOther}
	switch {
	case reply.StatusCode == http.StatusOK:
		return portalWhoami.fault("DANGER: it answers 200 to somebody who is not signed in: everybody could come in as the account that it names",
			variable(name)+": an address that goes by the portal's own session alone and answers 401 without one")
	case !slices.Contains(nobody, reply.StatusCode):
		return portalWhoami.fault(fmt.Sprintf("it answers %d to somebody who is not signed in", reply.StatusCode),
			variable(name)+": an address that answers 401 without a session")
	}
	who, err := directory.NewWhoAmI(directory.WhoAmIConfig{
		URL: u.String(), Cookies: i.config.Portal.SessionCookies, Timeout: i.config.Process.CallTimeout, AllowHTTP: true,
	})
	if err != nil {
		return portalWhoami.fault(err.Error(), variable("PORTAL_SESSION_COOKIES")+": the names of the portal's session cookies")
	}
	visitor := &http.Request{Header: http.Header{}}
	for _, cookie := range i.config.Portal.SessionCookies {
		visitor.Header.Add("Cookie", cookie+"="+rand.Text())
	}
	switch _, err = who.Ask(ctx, visitor); {
	case errors.Is(err, directory.ErrNobody):
		return portalWhoami.ok("it names nobody without a session of the portal's")
	case err == nil:
		return portalWhoami.fault("DANGER: it names an account to an invented session cookie: everybody could come in as that account",
			variable(name)+": an address that goes by the portal's own session alone")
	}
	return i.unreached(portalWhoami, name, u, err)
}

// refusal is how the credential check refuses, as far as tells a wrong token
// from a wrong password.
type refusal struct {
	status    int
	challenge bool   // WWW-Authenticate: Bearer, which is about the token (RFC 6750, 3)
	word      string // its "error", compared and never shown
}

func (i *inspection) credential(ctx context.Context) finding {
	name, u := "DIRECTORY_CREDENTIAL_URL", i.config.Directory.CredentialURL
	ours, err := i.impossible(ctx, i.config.Directory.Token)
	if err != nil {
		return i.unreached(portalCredential, name, u, err)
	}
	token := variable("DIRECTORY_TOKEN") + ": the token that the portal expects"
	switch {
	case ours.status == http.StatusOK:
		return portalCredential.fault("DANGER: it answers 200 to a user name that cannot exist: every password opens something",
			variable(name)+": an address that answers 401 to a wrong user name or password")
	case ours.status == http.StatusForbidden, ours.status == http.StatusUnauthorized && ours.challenge:
		return portalCredential.fault("it does not accept our token", token)
	case ours.status != http.StatusUnauthorized:
		return portalCredential.fault(fmt.Sprintf("it answers %d to a user name that cannot exist", ours.status),
			variable(name)+": an address that answers 401 to a wrong user name or password")
	}
	foreign, err := i.impossible(ctx, config.Secret{})
	if err != nil {
		return i.unreached(portalCredential, name, u, err)
	}
	if foreign == ours {
		return portalCredential.warning("a wrong token and a wrong password are answered alike: it cannot be told whether our token is accepted, nor whether one is needed",
			token+"; have it answer a wrong one with WWW-Authenticate: Bearer")
	}
	return portalCredential.ok("it accepts our token and refuses a user name that cannot exist")
}

// impossible asks about a user name that cannot exist, with the token or,
// where it is none, with one that nobody has.
func (i *inspection) impossible(ctx context.Context, token config.Secret) (refusal, error) {
	bearer := token.Reveal()
	if bearer == "" {
		bearer = "vneid-proxy-check-" + rand.Text()
	}
	body, err := json.Marshal(map[string]string{"username": "vneid-proxy-check-" + rand.Text(), "password": rand.Text()})
	if err != nil {
		return refusal{}, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, i.config.Directory.CredentialURL.String(), bytes.NewReader(body))
	if err != nil {
		return refusal{}, err
	}
	r.Header.Set("Authorization", "Bearer "+bearer)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	reply, err := i.http.Do(r)
	if err != nil {
		return refusal{}, err
	}
	var said struct {
		Error string `json:"error"`
	}
	text, err := io.ReadAll(reply.Body)
	_ = json.Unmarshal(text, &said) // a body that is none has no word
	scheme, _, _ := strings.Cut(reply.Header.Get("WWW-Authenticate"), " ")
	return refusal{reply.StatusCode, strings.EqualFold(scheme, "Bearer"), said.Error}, err
}
