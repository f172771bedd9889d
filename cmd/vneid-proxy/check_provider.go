package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"vneid-proxy/broker/outbound"
	"vneid-proxy/broker/vneid"
	"vneid-proxy/config"
)

// How far the provider's clock may be away: tokens may differ by a minute.
const (
	skewNear = 5 * time.Second
	skewFar  = time.Minute
)

// discovered is what the provider says of itself (OpenID Connect Discovery
// 1.0, 3), as far as a check looks at it.
type discovered struct {
	Issuer        string   `json:"issuer"`
	Authorize     string   `json:"authorization_endpoint"`
	Token         string   `json:"token_endpoint"`
	Userinfo      string   `json:"userinfo_endpoint"`
	Keys          string   `json:"jwks_uri"`
	EndSession    string   `json:"end_session_endpoint"`
	Algorithms    []string `json:"id_token_signing_alg_values_supported"`
	ClientMethods []string `json:"token_endpoint_auth_methods_supported"`
	Responses     []string `json:"response_types_supported"`
	Challenges    []string `json:"code_challenge_methods_supported"`
	Scopes        []string `json:"scopes_supported"`
	Claims        []string `json:"claims_supported"`
}

// provider looks at who vouches for citizens.
func (i *inspection) provider(ctx context.Context) findings {
	if i.config.Provider.Profile != "oidc" {
		return i.undiscovered(ctx)
	}
	issuer := i.config.Provider.IssuerURL
	asked := i.now()
	reply, err := i.get(ctx, strings.TrimSuffix(issuer.String(), "/")+"/.well-known/openid-configuration")
	if err != nil {
		return findings{i.unreached(providerReach, "ISSUER_URL", issuer, err)}
	}
	var said discovered
	if err := outbound.Decode(reply, &said); err != nil {
		says, mend := i.trouble(err)
		return findings{providerReach.fault(fmt.Sprintf("%s answers %d where its discovery document should lie (/.well-known/openid-configuration): %s", issuer.Host, reply.StatusCode, says),
			variable("ISSUER_URL")+": "+mend)}
	}
	found := findings{providerReach.ok("the discovery document is there"), i.clock(reply, asked), i.issuer(said), i.endpoints(&said)}
	if found.count(stateFault) == 0 {
		found = append(found, i.signingKeys(ctx, said))
	}
	found = append(found, i.flow(said), i.clientAuthentication(said), i.claims(said), i.signOut(said))
	if found.count(stateFault) == 0 {
		inBody := len(said.ClientMethods) > 0 && !slices.Contains(said.ClientMethods, "client_secret_basic")
		answer, err := i.inventedCode(ctx, said.Token, inBody)
		found = append(found, i.client(answer, err))
	}
	return append(found, i.asServe(ctx, found.count(stateFault) > 0)...)
}

// further looks at a provider of PROVIDERS_FILE, and says what is wrong in the
// file's words.
func (i *inspection) further(ctx context.Context, f config.FurtherProvider) findings {
	of := *i
	of.config.Provider, of.current = f.Provider, f
	found := of.provider(ctx)
	for n := range found {
		found[n].Says = f.Name + ": " + config.InProvidersFile(found[n].Says)
		if found[n].Mend != "" {
			found[n].Mend = variable("PROVIDERS_FILE") + ", " + f.Name + ": " + config.InProvidersFile(found[n].Mend)
		}
	}
	return found
}

// asServe reads the provider as serve does, so that a check is never laxer.
func (i *inspection) asServe(ctx context.Context, known bool) findings {
	p, err := newProvider(i.config, i.current, nil)
	if err == nil {
		err = p.Status(ctx)
	}
	switch {
	case err == nil:
		return findings{providerServe.ok("serve can read the provider")}
	case known: // the findings say why
		return nil
	}
	return findings{providerServe.fault(fmt.Sprintf("serve cannot read the provider (%s)", vneid.ReasonOf(err)),
		variable("ISSUER_URL")+": ask the provider whether its discovery document is sound")}
}

// clock compares ours with the provider's Date (RFC 9110, 6.6.1), which was
// written at some time between question and answer.
func (i *inspection) clock(reply *http.Response, asked time.Time) finding {
	const mend = "set this machine's clock by NTP; if it is right, tell the provider"
	theirs, err := http.ParseTime(reply.Header.Get("Date"))
	if err != nil {
		return providerClock.note("the provider does not tell its time (no Date header)")
	}
	off := max(asked.Add(-time.Second).Sub(theirs), theirs.Sub(i.now()), 0).Truncate(time.Second)
	switch {
	case off > skewFar:
		return providerClock.fault(fmt.Sprintf("the clocks are %s apart: its tokens would be refused", off), mend)
	case off > skewNear:
		return providerClock.warning(fmt.Sprintf("the clocks are %s apart; beyond %s its tokens would be refused", off, skewFar), mend)
	}
	return providerClock.ok("the clocks agree")
}

// issuer compares byte for byte (Discovery 1.0, 4.3).
func (i *inspection) issuer(said discovered) finding {
	ours := i.config.Provider.IssuerURL.String()
	if said.Issuer == ours {
		return providerIssuer.ok("it calls itself as " + variable("ISSUER_URL") + " does")
	}
	how := "by another address"
	switch theirs, err := url.Parse(said.Issuer); {
	case said.Issuer == "":
		how = "by no name"
	case strings.TrimSuffix(said.Issuer, "/") == strings.TrimSuffix(ours, "/"):
		how = "the same but for the / at the end"
	case strings.EqualFold(said.Issuer, ours):
		how = "the same but for capital letters"
	case err == nil && theirs.Host == i.config.Provider.IssuerURL.Host && theirs.Scheme != i.config.Provider.IssuerURL.Scheme:
		how = "the same host, but another scheme (http, https)"
	case err == nil && theirs.Host == i.config.Provider.IssuerURL.Host:
		how = "the same host, but another path"
	}
	return providerIssuer.fault("it calls itself "+how, variable("ISSUER_URL")+": the \"issuer\" of its discovery document, byte for byte")
}

// endpoints are, once it returns, those that serve would use: what a
// configuration names wins.
func (i *inspection) endpoints(said *discovered) finding {
	p, hosts := i.config.Provider, []string{i.config.Provider.IssuerURL.Host}
	for _, configured := range []*url.URL{p.AuthorizeURL, p.TokenURL, p.UserinfoURL, p.EndSessionURL} {
		if configured != nil {
			hosts = append(hosts, configured.Host)
		}
	}
	for _, e := range []struct {
		found            *string
		configured       *url.URL
		member, variable string
		optional         bool
	}{
		{&said.Authorize, p.AuthorizeURL, "authorization_endpoint", variable("AUTHORIZE_URL"), false},
		{&said.Token, p.TokenURL, "token_endpoint", variable("TOKEN_URL"), false},
		{&said.Userinfo, p.UserinfoURL, "userinfo_endpoint", variable("USERINFO_URL"), true},
		{&said.Keys, nil, "jwks_uri", variable("ISSUER_URL"), false},
		{&said.EndSession, p.EndSessionURL, "end_session_endpoint", variable("END_SESSION_URL"), true},
	} {
		if e.configured != nil {
			*e.found = e.configured.String()
			continue
		}
		if *e.found == "" && e.optional {
			continue
		}
		read, err := outbound.ParseAddress(*e.found, i.config.Public.AllowHTTP)
		switch {
		case *e.found == "":
			return providerAddress.fault("the discovery document has no "+e.member, e.variable+": the address, if the provider has one")
		case err != nil, read.Scheme == "http" && p.IssuerURL.Scheme == "https":
			return providerAddress.fault(e.member+" is no https address", e.variable+": have the provider correct it, or name the right one")
		case !slices.Contains(hosts, read.Host):
			return providerAddress.fault(e.member+" leads to another host than the issuer's: our secret would go there unasked",
				e.variable+": name an address at that host, if the provider confirms that it is its own")
		}
	}
	return providerAddress.ok("every address is there and is the issuer's own or configured")
}
