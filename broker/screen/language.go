package screen

import (
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/text/language"
)

// Language is a language the pages exist in, as the lang attribute names it
// (BCP 47).
type Language string

// The languages. Vietnamese is the default.
const (
	Vietnamese Language = "vi"
	English    Language = "en"
)

// languageCookie keeps a chosen language. It is no secret and no identifier.
const languageCookie = "vneid_lang"

const languageCookieSeconds = 365 * 24 * 60 * 60

// Language is the language for a request: the query's lang, then the cookie,
// then Accept-Language (RFC 9110, 12.5.4), then Vietnamese. A value that is
// none of ours counts as absent.
func (s *Screens) Language(r *http.Request) Language {
	if l, ok := known(r.URL.Query().Get("lang")); ok {
		return l
	}
	if c, err := r.Cookie(languageCookie); err == nil {
		if l, ok := known(c.Value); ok {
			return l
		}
	}
	wanted, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if err != nil {
		return Vietnamese
	}
	_, index, _ := language.NewMatcher([]language.Tag{language.Vietnamese, language.English}).Match(wanted...)
	return []Language{Vietnamese, English}[index]
}

func known(name string) (Language, bool) {
	l := Language(name)
	return l, l == Vietnamese || l == English
}

func (l Language) other() Language {
	if l == Vietnamese {
		return English
	}
	return Vietnamese
}

// keepLanguage remembers a language chosen by the query. Only under the
// prefix: elsewhere a lang parameter is the portal's.
func (s *Screens) keepLanguage(w http.ResponseWriter, r *http.Request) {
	chosen, ok := known(r.URL.Query().Get("lang"))
	if _, ours := s.below(r); !ok || !ours {
		return
	}
	http.SetCookie(w, &http.Cookie{
		Name: languageCookie, Value: string(chosen), Path: s.config.Prefix, MaxAge: languageCookieSeconds,
		HttpOnly: true, Secure: s.config.Secure, SameSite: http.SameSiteLaxMode,
	})
}

// below is the request's path under the prefix, and whether it is there.
func (s *Screens) below(r *http.Request) (string, bool) {
	return strings.CutPrefix(r.URL.Path, s.config.Prefix+"/")
}

// switchAddress is where this screen is found in the other language. It is
// always the GET path of a screen: a page that answered a POST, or a one-time
// address such as the callback, cannot be asked for again, and what its query
// holds must not be repeated. Outside the prefix there is none, for the path
// is the portal's.
func (s *Screens) switchAddress(current Language, r *http.Request, page Page) string {
	rest, ours := s.below(r)
	if !ours {
		return ""
	}
	screen, _, _ := strings.Cut(rest, "/")
	switch screen {
	case "link", "identity", "sign-out":
	default:
		screen = "sign-in"
	}
	query := url.Values{"lang": {string(current.other())}}
	returnTo := r.URL.Query().Get("rd")
	if p, ok := page.(interface{ returnTo() string }); ok {
		returnTo = p.returnTo()
	}
	if returnTo != "" && local(returnTo) == returnTo {
		query.Set("rd", returnTo)
	}
	return s.config.Prefix + "/" + screen + "?" + query.Encode()
}
