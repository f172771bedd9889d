package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json"
)

// codeAnswer is what a token endpoint says to a code that nobody issued.
type codeAnswer struct {
	reply *http.Response
	word  string // the error of RFC 6749, 5.2, as far as it is one of that list; else ""
}

// inventedCode redeems a code that nobody issued, with our id and secret. It
// begins no sign-in and spends nothing.
func (i *inspection) inventedCode(ctx context.Context, address string, inBody bool) (codeAnswer, error) {
	p := i.config.Provider
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {"vneid-proxy-check-" + rand.Text()},
		"redirect_uri": {callbackURL(i.config, i.current.Name)},
	}
	if p.Profile == "oidc" {
		form.Set("code_verifier", rand.Text()+rand.Text()) // 43 characters and more: RFC 7636, 4.1
	}
	secret := p.ClientSecret.Reveal()
	if inBody || secret == "" {
		form.Set("client_id", p.ClientID)
		if secret != "" {
			form.Set("client_secret", secret)
		}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return codeAnswer{}, err
	}
	if !inBody && secret != "" {
		r.SetBasicAuth(url.QueryEscape(p.ClientID), url.QueryEscape(secret)) // RFC 6749, 2.3.1
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	reply, err := i.http.Do(r)
	if err != nil {
		return codeAnswer{}, err
	}
	body, err := io.ReadAll(reply.Body)
	if err != nil {
		return codeAnswer{}, err
	}
	var said struct {
		Error string `json:"error"`
	}
	answer := codeAnswer{reply: reply}
	if json.Unmarshal(body, &said) == nil {
		switch said.Error {
		case "invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope":
			answer.word = said.Error
		}
	}
	return answer, nil
}

// client reads the answer as RFC 6749, 5.2 does: invalid_grant is about the
// code, which is as it should be; invalid_client is about us.
func (i *inspection) client(answer codeAnswer, err error) finding {
	if err != nil {
		says, mend := i.trouble(err)
		return providerClient.fault("the token endpoint: "+says, variable("TOKEN_URL")+": "+mend)
	}
	ours := variable("CLIENT_ID") + ", " + variable("CLIENT_SECRET")
	status := answer.reply.StatusCode
	switch {
	case answer.word == "invalid_client", answer.word == "unauthorized_client", status == http.StatusUnauthorized, status == http.StatusForbidden:
		return providerClient.fault("the token endpoint does not accept our id or secret", ours+": as the provider registered them")
	case answer.word == "invalid_grant" && status == http.StatusBadRequest:
		return providerClient.ok("the token endpoint refuses an invented code and does not complain of our id or secret, which only a real sign-in proves")
	case status == http.StatusOK:
		return providerClient.fault("the token endpoint accepts a code that nobody issued, or is none",
			variable("TOKEN_URL")+": the provider's token endpoint; this one vouches for nobody")
	case status == http.StatusBadRequest:
		return providerClient.note("the token endpoint refuses an invented code without saying why: only a real sign-in shows whether our id and secret are right")
	case status == http.StatusTooManyRequests || status >= http.StatusInternalServerError:
		return providerClient.fault(fmt.Sprintf("the token endpoint answers %d: it cannot work now", status), "wait, or tell the provider")
	}
	return providerClient.fault(fmt.Sprintf("the token endpoint answers %d", status), variable("TOKEN_URL")+": the address of the provider's token endpoint")
}
