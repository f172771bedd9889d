package vneid

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"vneid-proxy/broker/outbound"
)

// tokenReply reads a token endpoint's answer strictly and hands on only what
// was read: x/oauth2 beneath the relying party would fold case, take the last
// of two members, parse forms, and keep the body in its errors.
type tokenReply struct {
	next http.RoundTripper
	// refresh says that it is asked with a refresh token: invalid_grant is then
	// the end of what the provider granted (RFC 6749, 5.2).
	refresh bool
}

// tokens are the members of a token answer that we use (RFC 6749, 5.1; OpenID
// Connect Core 3.1.3.3).
type tokens struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	IDToken     string `json:"id_token,omitzero"`

	RefreshToken string `json:"refresh_token,omitzero"`
	// ExpiresIn is seconds; what is no whole number of them is not told, for
	// nothing here fails by it.
	ExpiresIn jsontext.Value `json:"expires_in,omitzero"`
}

func (t tokenReply) RoundTrip(r *http.Request) (*http.Response, error) {
	reply, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	switch reply.StatusCode {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden:
		reason, word := refusal(reply)
		if t.refresh && word == "invalid_grant" {
			return nil, &Error{ErrOver, ReasonGrant}
		}
		return nil, fault(reason)
	}
	var read tokens
	if err := outbound.Decode(reply, &read); err != nil {
		return nil, err
	}
	// token_type in any case (RFC 6749, 5.1); the token goes into a header.
	if !strings.EqualFold(read.TokenType, "Bearer") || read.AccessToken == "" || !printable(read.AccessToken) {
		return nil, &outbound.Error{Cause: outbound.Malformed}
	}
	if _, err := strconv.ParseUint(string(read.ExpiresIn), 10, 31); err != nil {
		read.ExpiresIn = nil
	}
	if !printable(read.RefreshToken) {
		return nil, &outbound.Error{Cause: outbound.Malformed}
	}
	canonical, err := json.Marshal(read)
	if err != nil {
		return nil, &outbound.Error{Cause: outbound.Malformed}
	}
	reply.Header = http.Header{"Content-Type": {"application/json"}}
	reply.Body, reply.ContentLength = io.NopCloser(bytes.NewReader(canonical)), int64(len(canonical))
	return reply, nil
}

// refusal tells whether it was the client or the code that the provider refused
// (RFC 6749, 5.2), and its word for it: the one is ours to mend.
func refusal(reply *http.Response) (Reason, string) {
	body, _ := io.ReadAll(reply.Body)
	var read struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(body, &read) == nil && read.Error == "invalid_grant" {
		return ReasonCode, read.Error
	}
	if read.Error == "invalid_client" || read.Error == "unauthorized_client" || reply.StatusCode != http.StatusBadRequest {
		return ReasonClient, read.Error
	}
	return ReasonCode, read.Error
}
