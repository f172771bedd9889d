package broker

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/broker/screen"
	"vneid-proxy/identity"
	"vneid-proxy/session"
)

// SignOut ends a session: here, at the portal and at the provider.
type SignOut struct{ *broker }

// question asks before it ends anything: no address alone signs anybody out.
// Where nobody is signed in it is the page that says so.
func (s *SignOut) question(w http.ResponseWriter, r *http.Request) {
	page := screen.SignOut{ReturnTo: s.rd(r)}
	switch held := s.live(r).(type) {
	case *session.Session:
		page.CSRF = s.token(held.ID)
	case *session.Proof:
		page.CSRF, page.ReturnTo = s.token(held.ID), s.Prefix+"/link"
	default:
		s.Screens.Write(w, r, http.StatusOK, screen.SignedOut{Everywhere: s.fromProvider(r)})
		return
	}
	s.Screens.Write(w, r, http.StatusOK, page)
}

// end puts the session on the revocation feed, or spends the proof, before it
// says so; takes every cookie and sends the browser on to the provider.
func (s *SignOut) end(w http.ResponseWriter, r *http.Request) {
	var id, tokens session.ID
	var citizen identity.Citizen
	var finish func() error
	switch held := s.live(r).(type) {
	case *session.Session:
		id, tokens, citizen = held.ID, held.Tokens, held.Citizen
		finish = func() error {
			return s.Ledger.EndSession(r.Context(), id[:], s.Now().Add(s.SessionLifetime))
		}
	case *session.Proof:
		id, tokens, citizen = held.ID, held.Tokens, held.Citizen
		finish = func() error {
			err := s.Ledger.Spend(r.Context(), ledger.PurposeProof, id[:], held.Expires())
			if errors.Is(err, ledger.ErrSpent) {
				return nil
			}
			return err
		}
	default:
		s.leave(w)
		to(w, r, s.Prefix+"/sign-out")
		return
	}
	if !s.authentic(w, r, id) {
		return
	}
	if err := finish(); err != nil {
		s.refuse(w, r, err)
		return
	}
	s.leave(w)
	s.Logger.Info("signed out")
	to(w, r, s.next(r, citizen, tokens))
}

// next is the provider's own sign-out where it has one, else our page. The
// session is over here already: a provider that cannot be asked, or a ledger
// that has forgotten the token, does not undo that.
func (s *SignOut) next(r *http.Request, citizen identity.Citizen, tokens session.ID) string {
	idToken, err := s.takeIDToken(r.Context(), tokens)
	err = errors.Join(err, s.forgetGrant(r.Context(), tokens))
	if err != nil {
		s.Logger.Warn("tokens not read and forgotten at sign-out", "error", err)
	}
	if by, known := s.vouchedBy(citizen); known && idToken != "" {
		if address := by.EndSessionURL(r.Context(), idToken, s.farewell()); address != "" {
			return address
		}
	}
	return s.Prefix + "/sign-out"
}

// farewell is the state of a sign-out at the provider (RP-Initiated Logout 1.0,
// 2). Coming back with it, a browser has been there; nothing more hangs on it,
// so that it needs no cookie.
func (s *SignOut) farewell() string {
	id := session.NewID()
	return base64.RawURLEncoding.EncodeToString(id[:]) + "." + s.Jar.Mark("signed-out", id[:], "")
}

// fromProvider reports whether the provider sent the browser here with a state
// of ours. None, or another's, is no fault: the session here is over anyway.
func (s *SignOut) fromProvider(r *http.Request) bool {
	encoded, mark, _ := strings.Cut(r.URL.Query().Get("state"), ".")
	id, err := base64.RawURLEncoding.DecodeString(encoded)
	return err == nil && len(id) > 0 && s.Jar.Marked(mark, "signed-out", id, "")
}

// leave takes our cookies and the portal's own session: on a shared computer
// the next person must not find it.
func (s *SignOut) leave(w http.ResponseWriter) {
	s.Jar.Clear(w)
	s.setKept(w, "", -1)
	s.clearPortal(w, "/")
}

// status tells a page's script who is signed in and until when.
func (s *SignOut) status(w http.ResponseWriter, r *http.Request) {
	held, ok := s.live(r).(*session.Session)
	w.Header().Set("Content-Type", "application/json")
	if !ok {
		w.Header().Set("WWW-Authenticate", `VNeID realm="portal"`)
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte("{\"signed_in\":false}\n"))
		return
	}
	said := map[string]any{
		"signed_in": true,
		"account":   masked(held.Account.Username),
		"name":      held.Citizen.Name,
		"standing":  held.Standing,
		"ends":      s.Jar.Ends(held).UTC().Format(time.RFC3339),
	}
	if o := held.Citizen.Organisation; !o.IsZero() {
		said["organisation"] = cmp.Or(o.Name, masked(o.ID))
	}
	_ = json.NewEncoder(w).Encode(said)
}
