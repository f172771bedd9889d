package directory

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"vneid-proxy/broker/outbound"
	"vneid-proxy/identity"
)

// WhoAmIConfig is what NewWhoAmI needs.
type WhoAmIConfig struct {
	URL     string   // the portal's address that tells who is signed in, in full; required
	Cookies []string // names of the portal's session cookies, compared byte by byte; at least one

	Timeout   time.Duration     // of one question; default outbound.DefaultTimeout
	AllowHTTP bool              // plain http beyond loopback; default false
	RootCAs   *x509.CertPool    // default the system's
	Transport http.RoundTripper // default one made from RootCAs
}

// WhoAmI asks the portal who is signed in there, in the browser that sent a
// request.
type WhoAmI struct {
	address string
	cookies []string
	http    *http.Client
}

// NewWhoAmI makes one; it asks nobody.
func NewWhoAmI(cfg WhoAmIConfig) (*WhoAmI, error) {
	if _, err := outbound.ParseAddress(cfg.URL, cfg.AllowHTTP); err != nil {
		return nil, fmt.Errorf("directory: whoami URL: %w", err)
	}
	if len(cfg.Cookies) == 0 || slices.Contains(cfg.Cookies, "") {
		return nil, errors.New("directory: whoami Cookies: want the names of the portal's session cookies")
	}
	return &WhoAmI{
		address: cfg.URL, cookies: slices.Clone(cfg.Cookies),
		http: outbound.New(outbound.Config{Timeout: cfg.Timeout, RootCAs: cfg.RootCAs, Transport: cfg.Transport}),
	}, nil
}

// Ask sends the portal's session cookies of the visitor's request, and nothing
// else of it, and returns the account that the portal answers with: 200 and
// exactly {"account_id"}, with "username" at will. ErrNobody where the portal
// answers 401 or 403 or redirects (302, 303), or the request has none of the
// cookies, which is not asked. Anything else is ErrUnavailable or ErrMalformed.
func (p *WhoAmI) Ask(ctx context.Context, visitor *http.Request) (identity.AccountID, error) {
	cookies := p.pick(visitor)
	if cookies == "" {
		return "", ErrNobody
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.address, nil)
	if err != nil {
		return "", ErrUnavailable
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Cookie", cookies)
	return ask(p.http, r, true, map[int]error{
		http.StatusUnauthorized: ErrNobody, http.StatusForbidden: ErrNobody,
		// Portals send whoever is not signed in to their login page.
		http.StatusFound: ErrNobody, http.StatusSeeOther: ErrNobody,
	})
}

// pick returns the named cookies as they came, byte for byte: portals put into
// cookies what no standard allows. A name that occurs twice is left out, for a
// sibling under one registrable domain can set the other.
func (p *WhoAmI) pick(visitor *http.Request) string {
	found := make(map[string][]string)
	for _, line := range visitor.Header["Cookie"] {
		for pair := range strings.SplitSeq(line, ";") {
			pair = strings.Trim(pair, " \t")
			name, _, _ := strings.Cut(pair, "=")
			found[name] = append(found[name], pair)
		}
	}
	var picked []string
	for _, name := range p.cookies {
		if pairs := found[name]; len(pairs) == 1 {
			picked = append(picked, pairs[0])
		}
	}
	return strings.Join(picked, "; ")
}
