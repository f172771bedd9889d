package broker

import (
	"errors"
	"mime"
	"net/http"
	"net/url"

	"vneid-proxy/broker/screen"
	"vneid-proxy/session"
)

// maxForm bounds a form of ours, in bytes: the longest has a password in it.
const maxForm = 16 << 10

// readForm checks what can be checked before anybody is known: that the form
// was sent by a page of this origin, in a form's content type, with each field
// once. It answers itself where not.
func (b *broker) readForm(w http.ResponseWriter, r *http.Request) bool {
	if !b.sameOrigin(r) {
		b.refuse(w, r, &Fault{screen.ForbiddenForm, errors.New("another origin")})
		return false
	}
	if mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mediaType != "application/x-www-form-urlencoded" {
		http.Error(w, http.StatusText(http.StatusUnsupportedMediaType), http.StatusUnsupportedMediaType)
		return false
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		http.Error(w, http.StatusText(http.StatusBadRequest), http.StatusBadRequest)
		return false
	}
	for _, values := range r.PostForm {
		if len(values) > 1 {
			http.Error(w, http.StatusText(http.StatusBadRequest), http.StatusBadRequest)
			return false
		}
	}
	return true
}

// sameOrigin judges by Sec-Fetch-Site, else by Origin. A browser that sends
// neither is left to the token, which no other site can know.
func (b *broker) sameOrigin(r *http.Request) bool {
	if site := r.Header.Values("Sec-Fetch-Site"); len(site) > 0 {
		return len(site) == 1 && site[0] == "same-origin"
	}
	origin := r.Header.Values("Origin")
	return len(origin) == 0 || len(origin) == 1 && origin[0] == b.PublicURL.Scheme+"://"+b.PublicURL.Host
}

// token is the CSRF token of a form shown to whoever holds the id.
func (b *broker) token(id session.ID) string { return b.Jar.Mark("csrf", id[:], "") }

// attemptToken is the CSRF token of a form that begins a sign-in.
func (b *broker) attemptToken(a session.Attempt) string {
	return b.Jar.Mark("csrf", []byte(a.State), "")
}

// attemptOf finds the attempt that a form's token names.
func (b *broker) attemptOf(r *http.Request) (session.Attempt, bool) {
	for _, a := range b.Jar.Attempts(r) {
		if b.Jar.Marked(r.PostForm.Get(screen.FieldCSRF), "csrf", []byte(a.State), "") {
			return a, true
		}
	}
	return session.Attempt{}, false
}

// authentic reports whether the form's token names the id; it answers 403
// where not.
func (b *broker) authentic(w http.ResponseWriter, r *http.Request, id session.ID) bool {
	if b.Jar.Marked(r.PostForm.Get(screen.FieldCSRF), "csrf", id[:], "") {
		return true
	}
	b.refuse(w, r, &Fault{screen.ForbiddenForm, errors.New("token does not name this sign-in")})
	return false
}

// rd is the page to come back to that a request names in its query.
func (b *broker) rd(r *http.Request) string {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || len(query["rd"]) != 1 {
		return "/"
	}
	return session.ReturnTo(query["rd"][0], b.Prefix)
}
