package vneid

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"vneid-proxy/broker/outbound"
)

const (
	metadataAge = time.Hour        // how long the provider's metadata are believed without asking again
	statusAge   = 30 * time.Second // the same for Status
)

// usableAlgorithms are those that a provider's own list may choose from;
// Config.Algorithms may name the longer hashes of the same families too.
var usableAlgorithms = []string{"RS256", "ES256", "PS256", "EdDSA"}

// metadata is what the provider says of itself (OpenID Connect Discovery 1.0,
// 3; RFC 8414, 2; RFC 9207, 3), with the configuration over it.
type metadata struct {
	Issuer        string   `json:"issuer"`
	Authorize     string   `json:"authorization_endpoint"`
	Token         string   `json:"token_endpoint"`
	Userinfo      string   `json:"userinfo_endpoint"`
	Keys          string   `json:"jwks_uri"`
	EndSession    string   `json:"end_session_endpoint"`
	Algorithms    []string `json:"id_token_signing_alg_values_supported"`
	ClientMethods []string `json:"token_endpoint_auth_methods_supported"`
	Pushed        string   `json:"pushed_authorization_request_endpoint"`
	// AssertionAlgorithms are those that a client assertion may be signed with.
	AssertionAlgorithms []string `json:"token_endpoint_auth_signing_alg_values_supported"`
	ResponseIssuer      bool     `json:"authorization_response_iss_parameter_supported"`

	keySet *keySet
}

// discover reads the metadata. Endpoints must be addresses that we may call, on
// the issuer's host, a configured endpoint's or one of Config.Hosts: what a
// reply names can otherwise send us, and our secret, anywhere.
func (p *OIDC) discover(ctx context.Context) (*metadata, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(p.cfg.Issuer, "/")+"/.well-known/openid-configuration", nil)
	if err != nil {
		return nil, err
	}
	m := new(metadata)
	if _, err := outbound.JSON(p.client, r, m); err != nil {
		return nil, err
	}
	if m.Issuer != p.cfg.Issuer { // compared exactly: Discovery 1.0, 4.3
		return nil, fault(ReasonDiscovery)
	}
	for _, endpoint := range []struct {
		found      *string
		configured string
		optional   bool
	}{
		{&m.Authorize, p.cfg.AuthorizeURL, false},
		{&m.Token, p.cfg.TokenURL, false},
		{&m.Userinfo, p.cfg.UserinfoURL, true},
		{&m.Keys, "", false},
		{&m.EndSession, p.cfg.EndSessionURL, true},
		{&m.Pushed, "", true},
	} {
		if endpoint.configured != "" {
			*endpoint.found = endpoint.configured
			continue
		}
		if *endpoint.found == "" && endpoint.optional {
			continue
		}
		address, err := outbound.ParseAddress(*endpoint.found, p.cfg.AllowHTTP)
		if err != nil || address.Scheme == "http" && strings.HasPrefix(p.cfg.Issuer, "https:") || !slices.Contains(p.hosts, address.Host) {
			return nil, fault(ReasonDiscovery)
		}
	}
	if m.Algorithms = p.algorithms(m.Algorithms); len(m.Algorithms) == 0 {
		return nil, fault(ReasonDiscovery)
	}
	// The keys outlive a new reading of the metadata, with their floor.
	if last, ok := p.metadata.last(); ok && last.Keys == m.Keys {
		m.keySet = last.keySet
	} else {
		m.keySet = newKeySet(p.client, m.Keys, p.cfg.Now)
	}
	return m, nil
}

// algorithms are those that an ID token may be signed with.
func (p *OIDC) algorithms(offered []string) []string {
	switch {
	case len(p.cfg.Algorithms) > 0:
		return p.cfg.Algorithms
	case len(offered) == 0:
		return []string{"RS256"} // what every provider must support: Core 15.1
	}
	return slices.DeleteFunc(offered, func(a string) bool { return !slices.Contains(usableAlgorithms, a) })
}

// inHeader says how the client's secret is sent: in the header, or the form.
func (p *OIDC) inHeader(m *metadata, secret string) bool {
	return p.authStyle(m, secret) == oauth2.AuthStyleInHeader
}

func (p *OIDC) secret() string {
	if p.cfg.Secret != nil {
		return p.cfg.Secret()
	}
	return p.cfg.ClientSecret
}

// authStyle is how the client's secret is sent. It is settled beforehand: the
// library's guessing would try Basic first and may spend the code on it.
func (p *OIDC) authStyle(m *metadata, secret string) oauth2.AuthStyle {
	method := p.cfg.ClientAuthentication
	if method == "" && len(m.ClientMethods) > 0 && !slices.Contains(m.ClientMethods, "client_secret_basic") {
		method = "post"
	}
	if method == "post" || secret == "" {
		return oauth2.AuthStyleInParams
	}
	return oauth2.AuthStyleInHeader
}

// origin is scheme and host of an address, "" where it has none.
func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
