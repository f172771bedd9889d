package screen

import (
	"bytes"
	"errors"
	"html/template"
	"net/http"
	"strconv"
	"time"
)

// frame is what the layout and the page templates see.
type frame struct {
	Prefix            string
	Dial              string // the hotline for a tel: address
	ForgotPasswordURL string
	RegisterURL       string
	Style, Mark       string // addresses of the static files
	Language          Language
	Switch            string // address of this screen in the other language, "" for none
	Page              Page
	Script            template.JS // of the sign-in page
}

// Write renders the page with the status, in the language of the request. The
// page is rendered whole before the first byte is sent; if that fails, the
// person gets a plain text with the same status and the log hears of it. HEAD
// gets headers only. The answer is never stored by caches.
//
// Where the request chose a language by its query, Write keeps the choice in a
// cookie. A Refused with RetryAfter sets Retry-After (RFC 9110, 10.2.3).
func (s *Screens) Write(w http.ResponseWriter, r *http.Request, status int, page Page) {
	language := s.Language(r)
	body, err := s.render(language, r, page)
	contentType := "text/html; charset=utf-8"
	if err != nil {
		s.config.Log.Error("page not rendered", "status", status, "error", err)
		body, contentType = s.plain(language), "text/plain; charset=utf-8"
	}

	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Content-Language", string(language))
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", s.policy)
	if _, ok := page.(SignIn); ok {
		h.Set("Content-Security-Policy", s.signInPolicy)
	}
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Add("Vary", "Accept-Language, Cookie")
	if p, ok := page.(interface{ retryAfter() time.Duration }); ok && p.retryAfter() > 0 {
		h.Set("Retry-After", strconv.Itoa(seconds(p.retryAfter())))
	}
	s.keepLanguage(w, r)
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // whoever went away needs no page
	}
}

func (s *Screens) render(language Language, r *http.Request, page Page) ([]byte, error) {
	if page == nil {
		return nil, errors.New("screen: no page")
	}
	t := s.pages[language][page.template()]
	if t == nil {
		return nil, errors.New("screen: no template " + page.template())
	}
	var b bytes.Buffer
	err := t.Execute(&b, frame{
		Prefix:            s.config.Prefix,
		Dial:              s.config.dialled(),
		ForgotPasswordURL: s.config.ForgotPasswordURL,
		RegisterURL:       s.config.RegisterURL,
		Style:             s.names["style.css"],
		Mark:              s.names["mark.svg"],
		Language:          language,
		Switch:            s.switchAddress(language, r, page),
		Page:              page,
		Script:            s.script,
	})
	return b.Bytes(), err
}

func (s *Screens) plain(language Language) []byte {
	w := s.words[language]
	return []byte(w.texts["organisation"] + "\n\n" + w.texts["refused.generic.title"] + "\n" +
		w.texts["refused.generic.text"] + "\n" + w.texts["refused.generic.next"] + "\n")
}

// seconds rounds up: who comes back when told to must not be too early.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }
