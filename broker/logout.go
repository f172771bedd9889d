package broker

import (
	"context"
	"encoding/json"
	"errors"
	"html"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/broker/screen"
	"vneid-proxy/metrics"
	"vneid-proxy/session"
)

// Logout is what a provider says has ended.
type Logout struct {
	Provider string // as in identity.Citizen
	SID      string // its session; "" for all of Subject's
	Subject  string
	ID       string    // of the notice, good once
	Expires  time.Time // when the notice is void
}

// maxLogoutToken bounds the body of a back-channel call, bytes.
const maxLogoutToken = 64 << 10

// backchannel is OpenID Connect Back-Channel Logout 1.0, 2.5 to 2.8: called by
// the provider itself, without a browser's cookies. Whatever fails is 400, as
// 2.8 asks, and a notice that failed for our own sake may come again.
//
// The provider that the token names verifies it; where it names none of ours,
// the first refuses it.
func (s *SignOut) backchannel(w http.ResponseWriter, r *http.Request) {
	var by Offer
	refuse := func(reason, code, description string) {
		s.Metrics.ProviderLogout(by.Name, metrics.BackChannel, reason)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": code, "error_description": description})
	}
	raw, ok := logoutToken(w, r)
	if !ok {
		refuse("form", "invalid_request", "want one logout_token in a form")
		return
	}
	by = s.Providers[max(0, slices.IndexFunc(s.Providers, func(o Offer) bool { return o.Addresses(raw) }))]
	notice, err := by.Logout(r.Context(), raw)
	if err != nil {
		fault := faultOf(err)
		s.Logger.Warn("logout token refused", "provider", by.Name, "cause", fault.Err.Error())
		if fault.Reason == screen.ProviderDown {
			refuse("provider", "temporarily_unavailable", "the keys could not be read")
			return
		}
		refuse("token", "invalid_request", "the logout token is not valid")
		return
	}
	err = s.Ledger.EndByProvider(r.Context(), ledger.ProviderLogout{
		Provider: notice.Provider, SID: notice.SID, Subject: notice.Subject, Before: s.Now(),
		ID: notice.ID, Expires: notice.Expires, Until: s.Now().Add(s.SessionLifetime),
	})
	switch {
	case errors.Is(err, ledger.ErrSpent):
		refuse("replay", "invalid_request", "the logout token was used before")
	case err != nil:
		s.Logger.Warn("logout token not recorded", "error", err)
		refuse("ledger", "temporarily_unavailable", "the logout could not be recorded")
	default:
		s.Metrics.ProviderLogout(by.Name, metrics.BackChannel, "ok")
		s.Logger.Info("signed out by the provider", "provider", by.Name)
		w.WriteHeader(http.StatusOK)
	}
}

// logoutToken reads the one parameter that the form must have; others are
// ignored (2.5).
func logoutToken(w http.ResponseWriter, r *http.Request) (string, bool) {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != "application/x-www-form-urlencoded" {
		return "", false
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxLogoutToken))
	if err != nil {
		return "", false
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || len(form["logout_token"]) != 1 {
		return "", false
	}
	return form["logout_token"][0], form["logout_token"][0] != ""
}

// frontchannel is OpenID Connect Front-Channel Logout 1.0, 2: a frame in the
// provider's page, to which the browser sends none of our cookies. It acts on
// iss and sid, both, and only on a sid that the provider told us at a sign-in:
// an invented one leaves no trace. Providers of one issuer, each a client of
// its own there, share its sessions: all of them end.
func (s *SignOut) frontchannel(w http.ResponseWriter, r *http.Request) {
	provider, outcome, status := "", "parameters", http.StatusBadRequest
	defer func() { s.Metrics.ProviderLogout(provider, metrics.FrontChannel, outcome) }()
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err == nil && len(query["iss"]) == 1 && len(query["sid"]) == 1 && query["iss"][0] != "" && query["sid"][0] != "" {
		for _, o := range s.Providers {
			if o.Issuer() != query["iss"][0] {
				continue
			}
			// What failed at one of them outweighs what went well, and that what
			// was never told.
			if ended, code := s.endFrame(w, r, o, query["sid"][0]); ended == "ledger" || outcome != "ok" && outcome != "ledger" {
				provider, outcome, status = o.Name, ended, code
			}
		}
	}
	s.frame(w, status)
}

// endFrame ends the sessions of a provider's sid, and takes the cookie of one
// where the browser sent it all the same.
func (s *SignOut) endFrame(w http.ResponseWriter, r *http.Request, by Offer, sid string) (outcome string, status int) {
	switch err := s.endKnown(r.Context(), by.Subjects(), sid); {
	case errors.Is(err, ledger.ErrNotFound):
		return "unknown", http.StatusOK
	case err != nil:
		s.Logger.Warn("front-channel logout not recorded", "error", err)
		return "ledger", http.StatusServiceUnavailable
	}
	s.Logger.Info("signed out by the provider", "provider", by.Name)
	if held, ok := s.Jar.Open(r).(*session.Session); ok && held.ProviderSID == sid && held.Citizen.Provider == by.Subjects() {
		s.leave(w)
	}
	return "ok", http.StatusOK
}

// frame answers a provider's frame with an empty page that only they may show.
func (s *SignOut) frame(w http.ResponseWriter, status int) {
	var ancestors []string
	for _, o := range s.Providers {
		if at, err := url.Parse(o.Issuer()); err == nil && at.Host != "" {
			ancestors = append(ancestors, at.Scheme+"://"+at.Host)
		}
	}
	if len(ancestors) == 0 {
		ancestors = []string{"'none'"}
	}
	w.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors "+strings.Join(ancestors, " "))
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, "<!doctype html><title>"+html.EscapeString(http.StatusText(status))+"</title>\n")
}

// keepSID remembers that the provider told a session id, for as long as a
// session of it may live.
func (b *broker) keepSID(ctx context.Context, provider, sid string) error {
	if sid == "" {
		return nil
	}
	return b.Ledger.PutSecret(ctx, sidRow(provider, sid), []byte{1}, b.Now().Add(b.SessionLifetime))
}

func sidRow(provider, sid string) []byte { return []byte("sid\x00" + provider + "\x00" + sid) }

// endKnown ends the sessions of a sid that was told at a sign-in;
// ledger.ErrNotFound where none was.
func (b *broker) endKnown(ctx context.Context, provider, sid string) error {
	if _, err := b.Ledger.GetSecret(ctx, sidRow(provider, sid)); err != nil {
		return err
	}
	return b.Ledger.EndSessionsBySID(ctx, provider, sid, b.Now().Add(b.SessionLifetime))
}
