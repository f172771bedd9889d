package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/broker/outbound"
	"vneid-proxy/config"
	"vneid-proxy/proxy"
)

// securityEvent is a notice as the portal is sent it: a Security Event Token
// (RFC 8417, 2.2). It names the account as the portal does, and no citizen.
type securityEvent struct {
	Issuer   string                       `json:"iss"`
	Audience string                       `json:"aud"`
	ID       string                       `json:"jti"`
	IssuedAt int64                        `json:"iat"`
	Happened int64                        `json:"toe"`
	Subject  subjectIdentifier            `json:"sub_id"`
	Events   map[string]map[string]string `json:"events"`
}

// subjectIdentifier is an account in the portal's own words (RFC 9493, 3.2.6).
type subjectIdentifier struct {
	Format string `json:"format"`
	ID     string `json:"id"`
}

// notifier pushes notices to the portal (RFC 8935, 2), each signed as the
// assertion is. nil where NOTIFY_URL is unset.
func notifier(c config.Config, assertion *proxy.Assertion, calls calls) func(context.Context, ledger.Notice) error {
	if c.Portal.NotifyURL == nil {
		return nil
	}
	client, issuer := outbound.New(outbound.Config{Timeout: c.Process.CallTimeout}), c.Public.URL.String()
	return func(ctx context.Context, n ledger.Notice) error {
		event := map[string]string{}
		if !n.Due.IsZero() {
			event["due"] = instant(n.Due)
		}
		if n.Method != "" {
			event["method"] = string(n.Method)
		}
		token, err := assertion.Sign("secevent+jwt", securityEvent{
			Issuer: issuer, Audience: assertion.Audience(), ID: n.ID, IssuedAt: calls.now().Unix(), Happened: n.At.Unix(),
			Subject: subjectIdentifier{"opaque", string(n.Account)},
			Events:  map[string]map[string]string{issuer + c.Public.PathPrefix + "/events/" + n.Event: event},
		})
		if err != nil {
			return err
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.Portal.NotifyURL.String(), bytes.NewReader([]byte(token)))
		if err != nil {
			return err
		}
		r.Header.Set("Content-Type", "application/secevent+jwt")
		r.Header.Set("Accept", "application/json")
		began := calls.now()
		answer, err := client.Do(r)
		if err != nil {
			calls.measure("portal", "notify", began, "unavailable")
			return fmt.Errorf("notice not delivered: %s", outbound.CauseOf(err))
		}
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusAccepted {
			calls.measure("portal", "notify", began, "refused")
			return fmt.Errorf("notice not delivered: answered %d, not 202", answer.StatusCode)
		}
		calls.measure("portal", "notify", began, "ok")
		return nil
	}
}
