package vneid

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"vneid-proxy/broker/outbound"
)

// push hands the authorization request to the provider itself and returns the
// address that stands for it (RFC 9126): neither the browser's history nor
// whoever reads its log sees what was asked for, nor can change it.
func (p *OIDC) push(ctx context.Context, m *metadata, address string) (string, error) {
	asked, err := url.Parse(address)
	if err != nil {
		return "", fault(ReasonDiscovery)
	}
	form, header := asked.Query(), http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {"application/json"}}
	if err := p.authenticate(m, form, header); err != nil {
		return "", err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, m.Pushed, strings.NewReader(form.Encode()))
	if err != nil {
		return "", fault(ReasonDiscovery)
	}
	r.Header = header
	reply, err := p.client.Do(r)
	if err != nil {
		return "", failed("pushed", err)
	}
	defer func() { _ = reply.Body.Close() }()
	switch reply.StatusCode {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden:
		if reason, _ := refusal(reply); reason == ReasonClient {
			return "", fault(ReasonClient)
		}
		return "", fault(ReasonPushed)
	case http.StatusCreated: // as 2.2 has it; some say 200
		reply.StatusCode = http.StatusOK
	}
	var read struct {
		RequestURI string `json:"request_uri"`
	}
	if err := outbound.Decode(reply, &read); err != nil {
		return "", failed("pushed", err)
	}
	if read.RequestURI == "" || len(read.RequestURI) > maxRequestURI || !printable(read.RequestURI) {
		return "", fault(ReasonPushed)
	}
	to, err := url.Parse(m.Authorize)
	if err != nil {
		return "", fault(ReasonDiscovery)
	}
	query := to.Query()
	query.Set("client_id", p.cfg.ClientID)
	query.Set("request_uri", read.RequestURI)
	to.RawQuery = query.Encode()
	return to.String(), nil
}

// maxRequestURI is as long as a request_uri may be (OpenID Connect Core 6.2).
const maxRequestURI = 512
