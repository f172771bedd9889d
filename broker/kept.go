package broker

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/broker/screen"
	"vneid-proxy/identity"
	"vneid-proxy/session"
)

// A form that met an expired session: an hour of typing. It is kept, sealed
// under a key that is in the browser's cookie alone, shown to the same person
// after they signed in, and sent again by their own browser once they say so.

const (
	keptCookie  = "vneid_kept"
	keptAge     = 15 * time.Minute
	maxKept     = 256 << 10 // bytes of body
	keptFields  = 500
	keptSession = 3 // forms kept for one session
)

// kept is a form that waits.
type kept struct {
	Path    string             `json:"path"` // and query, as ReturnTo lets through
	Account identity.AccountID `json:"account"`
	Fields  []screen.KeptField `json:"fields"`
}

// owner is who may see a form again: the account, or whoever was admitted
// without one (no account's id has a line break in it).
func owner(s *session.Session) identity.AccountID {
	if s.Account.ID != "" {
		return s.Account.ID
	}
	return identity.AccountID(s.Citizen.Provider + "\n" + s.Citizen.Subject)
}

// Keep keeps the form that a request posts for whoever held the session last,
// and reports whether it did; where not, the person must send it again. The
// request's body is read.
func Keep(c Config) func(http.ResponseWriter, *http.Request, *session.Session) bool {
	if c.Now == nil {
		c.Now = time.Now
	}
	b := &broker{c}
	return func(w http.ResponseWriter, r *http.Request, last *session.Session) bool {
		form, err := keptForm(r)
		if err != nil {
			b.Logger.Debug("form not kept", "error", err)
			return false
		}
		form.Path, form.Account = session.ReturnTo(r.RequestURI, b.Prefix), owner(last)
		if err := b.keep(r.Context(), w, last.ID, form); err != nil {
			b.Logger.Warn("form not kept", "error", err)
			return false
		}
		return true
	}
}

// keptForm reads a form whose fields can be shown and sent again as they are.
func keptForm(r *http.Request) (kept, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxKept+1))
	if err != nil {
		return kept{}, err
	}
	if len(body) > maxKept || len(body) == 0 {
		return kept{}, errors.New("empty or too long")
	}
	var form kept
	for pair := range strings.SplitSeq(string(body), "&") {
		name, value, _ := strings.Cut(pair, "=")
		field := screen.KeptField{}
		if field.Name, err = url.QueryUnescape(name); err == nil {
			field.Value, err = url.QueryUnescape(value)
		}
		if err != nil || !utf8.ValidString(field.Name) || !utf8.ValidString(field.Value) {
			return kept{}, errors.New("not a form in UTF-8")
		}
		if form.Fields = append(form.Fields, field); len(form.Fields) > keptFields {
			return kept{}, errors.New("too many fields")
		}
	}
	return form, nil
}

func (b *broker) keep(ctx context.Context, w http.ResponseWriter, of session.ID, form kept) error {
	expires := b.Now().Add(keptAge)
	err := error(ledger.ErrSpent)
	for place := byte(0); place < keptSession && errors.Is(err, ledger.ErrSpent); place++ {
		err = b.Ledger.Spend(ctx, ledger.PurposeKept, append(of[:], place), b.Now().Add(b.SessionLifetime))
	}
	if err != nil {
		return err
	}
	text, err := json.Marshal(form)
	if err != nil {
		return err
	}
	id := session.NewID()
	row, aead := keysOf(id, "kept")
	if err := b.Ledger.PutSecret(ctx, row, aead.Seal(nil, nil, text, row), expires); err != nil {
		return err
	}
	b.setKept(w, base64.RawURLEncoding.EncodeToString(id[:]), int(keptAge/time.Second))
	return nil
}

func (b *broker) setKept(w http.ResponseWriter, value string, age int) {
	http.SetCookie(w, &http.Cookie{
		Name: keptCookie, Value: value, Path: "/", MaxAge: age, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: b.PublicURL.Scheme == "https",
	})
}

// waiting is the form that waits in this browser for the person who sent it;
// ledger.ErrNotFound where none does.
func (b *broker) waiting(r *http.Request, in *session.Session) (session.ID, kept, error) {
	var id session.ID
	held, err := r.Cookie(keptCookie)
	if err != nil {
		return id, kept{}, ledger.ErrNotFound
	}
	raw, err := base64.RawURLEncoding.DecodeString(held.Value)
	if err != nil || copy(id[:], raw) != len(id) || len(raw) != len(id) {
		return id, kept{}, ledger.ErrNotFound
	}
	row, aead := keysOf(id, "kept")
	sealed, err := b.Ledger.GetSecret(r.Context(), row)
	if err != nil {
		return id, kept{}, err
	}
	text, err := aead.Open(nil, nil, sealed, row)
	var form kept
	if err != nil || json.Unmarshal(text, &form) != nil || form.Account != owner(in) {
		return id, kept{}, ledger.ErrNotFound
	}
	return id, form, nil
}

// landing is where somebody goes once admitted: to their page, or first to the
// form that waits for them.
func (b *broker) landing(r *http.Request, in *session.Session, returnTo string) string {
	if _, _, err := b.waiting(r, in); err == nil {
		return b.Prefix + "/unsent"
	}
	if page := b.noticesAt(r.Context(), in, returnTo); page != "" {
		return page
	}
	return returnTo
}

// shown is the form that waits for whoever is signed in; it answers itself
// where there is none, and where the ledger cannot tell nothing is lost.
func (s *SignIn) shown(w http.ResponseWriter, r *http.Request) (id session.ID, form kept, ok bool) {
	held, in := s.live(r).(*session.Session)
	if !in {
		to(w, r, s.Prefix+"/sign-in")
		return id, form, false
	}
	id, form, err := s.waiting(r, held)
	switch {
	case errors.Is(err, ledger.ErrNotFound):
		s.setKept(w, "", -1)
		to(w, r, "/")
	case err != nil:
		s.refuse(w, r, err)
	}
	return id, form, err == nil
}

// unsent shows the form that waits.
func (s *SignIn) unsent(w http.ResponseWriter, r *http.Request) {
	id, form, ok := s.shown(w, r)
	if !ok {
		return
	}
	s.Screens.Write(w, r, http.StatusOK, screen.Kept{Path: form.Path, Fields: form.Fields, Token: s.token(id)})
}

// resend lets the browser post the form again, as it shows it: 307 keeps method
// and body (RFC 9110, 15.4.8). It does so once; whoever comes again, by the
// back button say, goes to the page without sending anything.
func (s *SignIn) resend(w http.ResponseWriter, r *http.Request) {
	if !s.sameOrigin(r) {
		s.refuse(w, r, &Fault{screen.ForbiddenForm, errors.New("another origin")})
		return
	}
	id, form, ok := s.shown(w, r)
	if !ok {
		return
	}
	if !s.Jar.Marked(r.URL.Query().Get("token"), "csrf", id[:], "") {
		s.refuse(w, r, &Fault{screen.ForbiddenForm, errors.New("token does not name this form")})
		return
	}
	row, _ := keysOf(id, "kept")
	err := s.Ledger.Spend(r.Context(), ledger.PurposeKept, id[:], s.Now().Add(keptAge))
	if err == nil {
		err = s.Ledger.DeleteSecret(r.Context(), row)
	}
	if errors.Is(err, ledger.ErrSpent) {
		to(w, r, form.Path)
		return
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	s.setKept(w, "", -1)
	w.Header().Set("Location", form.Path)
	w.WriteHeader(http.StatusTemporaryRedirect)
}
