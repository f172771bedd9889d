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
func (s *SignOut) backchannel(w http.ResponseWriter, r *http.Request) {
	refuse := func(reason, code, description string) {
		s.Metrics.ProviderLogout(metrics.BackChannel, reason)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": code, "error_description": description})
	}
	raw, ok := logoutToken(w, r)
	if !ok {
		refuse("form", "invalid_request", "want one logout_token in a form")
		return
	}
	notice, err := s.Provider.Logout(r.Context(), raw)
	if err != nil {
		fault := faultOf(err)
		s.Logger.Warn("logout token refused", "cause", fault.Err.Error())
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
		s.Metrics.ProviderLogout(metrics.BackChannel, "ok")
		s.Logger.Info("signed out by the provider")
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
// an invented one leaves no trace.
func (s *SignOut) frontchannel(w http.ResponseWriter, r *http.Request) {
	outcome, status := "ok", http.StatusOK
	defer func() { s.Metrics.ProviderLogout(metrics.FrontChannel, outcome) }()
	query, err := url.ParseQuery(r.URL.RawQuery)
	issuer := s.Provider.Issuer()
	if err != nil || len(query["iss"]) != 1 || len(query["sid"]) != 1 || issuer == "" || query["iss"][0] != issuer || query["sid"][0] == "" {
		outcome = "parameters"
		s.frame(w, http.StatusBadRequest, issuer)
		return
	}
	sid := query["sid"][0]
	switch err := s.endKnown(r.Context(), sid); {
	case errors.Is(err, ledger.ErrNotFound):
		outcome = "unknown"
	case err != nil:
		s.Logger.Warn("front-channel logout not recorded", "error", err)
		outcome, status = "ledger", http.StatusServiceUnavailable
	default:
		s.Logger.Info("signed out by the provider")
		if held, ok := s.Jar.Open(r).(*session.Session); ok && held.ProviderSID == sid {
			s.leave(w)
		}
	}
	s.frame(w, status, issuer)
}

// frame answers the provider's frame with an empty page that only it may show.
func (s *SignOut) frame(w http.ResponseWriter, status int, issuer string) {
	ancestors := "'none'"
	if at, err := url.Parse(issuer); err == nil && at.Host != "" {
		ancestors = at.Scheme + "://" + at.Host
	}
	w.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors "+ancestors)
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
func (b *broker) endKnown(ctx context.Context, sid string) error {
	provider := b.Provider.Subjects()
	if _, err := b.Ledger.GetSecret(ctx, sidRow(provider, sid)); err != nil {
		return err
	}
	return b.Ledger.EndSessionsBySID(ctx, provider, sid, b.Now().Add(b.SessionLifetime))
}
