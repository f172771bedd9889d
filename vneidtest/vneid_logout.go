package vneidtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// logoutWait bounds one back-channel call: a client that hangs must not hold
// the person who signs out.
const logoutWait = 2 * time.Second

// TerminateSession ends every session of a subject at a client.
func (s *storage) TerminateSession(ctx context.Context, subject, clientID string) error {
	return s.end(ctx, func(_ string, e session) bool { return e.subject == subject && e.clientID == clientID })
}

// TerminateSessionFromRequest ends the session that the id_token_hint names
// (RP-Initiated Logout 1.0, section 2). A client that cannot be told keeps
// nobody from signing out.
func (s *storage) TerminateSessionFromRequest(ctx context.Context, r *op.EndSessionRequest) (string, error) {
	if r.IDTokenHintClaims != nil {
		err := s.end(ctx, func(sid string, _ session) bool { return sid == r.IDTokenHintClaims.SessionID })
		if err != nil {
			slog.WarnContext(ctx, "back-channel logout failed", "client", r.ClientID)
		}
	}
	return r.RedirectURI, nil
}

// EndSessions ends all sessions of a persona, as if they had signed out
// elsewhere, and tells the clients by back-channel logout. The error joins the
// calls that failed; a client without a BackChannelLogoutURI is not called.
func (v *VNeID) EndSessions(ctx context.Context, key string) error {
	who, ok := persona(v.personas, func(p Persona) bool { return p.Key == key })
	if !ok {
		return errUnknown
	}
	return v.storage.end(ctx, func(_ string, e session) bool { return e.subject == who.VNeID.Subject })
}

// SessionIDs are the sids of a persona's sessions, in order.
func (v *VNeID) SessionIDs(key string) []string {
	who, ok := persona(v.personas, func(p Persona) bool { return p.Key == key })
	if !ok {
		return nil
	}
	v.storage.mu.Lock()
	defer v.storage.mu.Unlock()
	var found []string
	for sid, e := range v.storage.sessions {
		if e.subject == who.VNeID.Subject {
			found = append(found, sid)
		}
	}
	slices.Sort(found)
	return found
}

func (s *storage) end(ctx context.Context, chosen func(sid string, e session) bool) error {
	ended := map[string]session{}
	s.mu.Lock()
	for sid, e := range s.sessions {
		if chosen(sid, e) {
			ended[sid] = e
			delete(s.sessions, sid)
		}
	}
	s.mu.Unlock()
	var failed []error
	for sid, e := range ended {
		failed = append(failed, s.tell(ctx, sid, e))
	}
	return errors.Join(failed...)
}

// LogoutToken is a fresh logout token for a persona, of all their sessions where
// sid is "".
func (v *VNeID) LogoutToken(key, sid, clientID string) (string, error) {
	who, ok := persona(v.personas, func(p Persona) bool { return p.Key == key })
	if !ok {
		return "", errUnknown
	}
	return v.storage.logoutToken(sid, who.VNeID.Subject, clientID)
}

func (s *storage) logoutToken(sid, subject, clientID string) (string, error) {
	return s.sign("logout+jwt", oidc.NewLogoutTokenClaims(s.issuer, subject, oidc.Audience{clientID},
		time.Now().Add(2*time.Minute), rand.Text(), sid, 0))
}

// tell posts a logout token (Back-Channel Logout 1.0, sections 2.4 and 2.5).
func (s *storage) tell(ctx context.Context, sid string, e session) error {
	i := slices.IndexFunc(s.clients, func(c Client) bool { return c.ID == e.clientID })
	if i < 0 || s.clients[i].BackChannelLogoutURI == "" {
		return nil
	}
	signed, err := s.logoutToken(sid, e.subject, e.clientID)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, logoutWait)
	defer cancel()
	form := strings.NewReader(url.Values{"logout_token": {signed}}.Encode())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.clients[i].BackChannelLogoutURI, form)
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusNoContent {
		return fmt.Errorf("vneidtest: client %s answered %d to a logout token", e.clientID, answer.StatusCode)
	}
	return nil
}
