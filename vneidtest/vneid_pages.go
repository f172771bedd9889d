package vneidtest

import (
	"net/http"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// loginPage is what login.html shows.
type loginPage struct {
	ID       string // the attempt
	Client   string
	Username string // as typed, shown again
	Wrong    bool   // number or password were wrong
	Personas []Persona
}

func (v *VNeID) plain(page string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		v.pages.render(w, http.StatusOK, page, loginPage{Personas: v.personas})
	}
}

func (v *VNeID) login(w http.ResponseWriter, r *http.Request) {
	a, err := v.storage.attempt(r.URL.Query().Get("id"))
	if err != nil {
		v.pages.render(w, http.StatusBadRequest, "expired.html", nil)
		return
	}
	v.pages.render(w, http.StatusOK, "login.html", loginPage{ID: a.id, Client: a.asked.ClientID, Personas: v.personas})
}

// signIn takes the three forms of the page: a persona, number and password,
// or cancel. It never remembers anybody: the next sign-in asks again.
func (v *VNeID) signIn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	a, err := v.storage.attempt(r.PostFormValue("id"))
	if err != nil || a.Done() {
		v.pages.render(w, http.StatusBadRequest, "expired.html", nil)
		return
	}
	if r.PostForm.Has("cancel") {
		_ = v.storage.DeleteAuthRequest(r.Context(), a.id)
		if a.sealed {
			v.sealedRefusal(w, r, a.asked.RedirectURI, a.asked.State, "access_denied")
			return
		}
		op.AuthRequestError(v.issuing(w), r, a, oidc.ErrAccessDenied(), v.provider)
		return
	}
	key, username, password := r.PostForm.Get("persona"), r.PostForm.Get("username"), r.PostForm.Get("password")
	who, ok := persona(v.personas, func(p Persona) bool {
		return p.Key == key || (p.VNeID.Username == username && secretEqual(password, p.VNeID.Password))
	})
	if !ok {
		v.pages.render(w, http.StatusUnprocessableEntity, "login.html", loginPage{
			ID: a.id, Client: a.asked.ClientID, Username: username, Wrong: true, Personas: v.personas,
		})
		return
	}
	if err := v.storage.signIn(a.id, who); err != nil {
		v.pages.render(w, http.StatusBadRequest, "expired.html", nil)
		return
	}
	if a.sealed {
		v.sealedCallback(w, r, a)
		return
	}
	http.Redirect(w, r, op.AuthCallbackURL(v.provider)(op.ContextWithIssuer(r.Context(), v.issuer), a.id), http.StatusSeeOther)
}
