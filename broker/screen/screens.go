// Package screen is the pages people see: signing in, linking an account,
// proving it, the identity page, refusals and signing out, each in Vietnamese
// and English.
//
// Every page is one typed struct and one template under templates/; its words
// are in texts/. Pages need no script (the sign-in page
// has one, which keeps the fragment of the address), load nothing from elsewhere and carry a
// strict Content-Security-Policy. A caller hands Screens.Write a page whose
// personal values are the person's own or masked: nothing here reads a request
// body, a session or the ledger.
package screen

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/url"
	"path"
	"strings"
	"unicode"
)

//go:embed templates/*.html templates/*.js texts/*.json static/*
var files embed.FS

// Config is what the pages of one portal have in common.
type Config struct {
	// Prefix is the reserved path prefix, "/_vneid". Required: it begins with
	// a slash and does not end with one.
	Prefix string
	// Organisation is the name the pages bear and the controller of the
	// personal data. Default: neutral words in each language.
	Organisation string
	// Hotline is the telephone number people are told to call, as written for
	// people. Default "1900.0368".
	Hotline string
	// ForgotPasswordURL and RegisterURL are addresses at the portal (a path,
	// http or https). Empty: the pages do not offer them.
	ForgotPasswordURL, RegisterURL string
	// FormOrigins are the origins besides our own that a submitted form may
	// lead to: the providers' ("https://id.example"). Browsers hold redirects
	// after a form to CSP form-action too. Default none.
	FormOrigins []string
	// Secure marks the language cookie Secure: set it where PUBLIC_URL is
	// https.
	Secure bool
	// Log hears of pages that cannot be rendered. Default slog.Default().
	Log *slog.Logger
}

// Screens renders pages. It is immutable and safe for concurrent use.
type Screens struct {
	config       Config
	policy       string      // the Content-Security-Policy
	script       template.JS // of the sign-in page, the only one that has one
	signInPolicy string      // which allows that one, by its hash
	assets       map[string]asset
	names        map[string]string // file under static/ to its hashed address
	words        map[Language]words
	pages        map[Language]map[string]*template.Template
}

// Page is one screen with its values: one of the structs of this package.
type Page interface{ template() string }

// New parses every template and text and hashes the static files. An error
// names the configuration field at fault.
func New(config Config) (*Screens, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	if config.Hotline == "" {
		config.Hotline = "1900.0368"
	}
	if config.Log == nil {
		config.Log = slog.Default()
	}
	s := &Screens{
		config: config,
		policy: "default-src 'none'; style-src 'self'; img-src 'self'; form-action " +
			strings.Join(append([]string{"'self'"}, config.FormOrigins...), " ") +
			"; frame-ancestors 'none'; base-uri 'none'",
		words: map[Language]words{},
		pages: map[Language]map[string]*template.Template{},
	}
	script, err := files.ReadFile("templates/fragment.js")
	if err != nil {
		return nil, fmt.Errorf("screen: %w", err)
	}
	hash := sha256.Sum256(script)
	s.script, s.signInPolicy = template.JS(script), s.policy+"; script-src 'sha256-"+base64.StdEncoding.EncodeToString(hash[:])+"'"
	if err := s.loadAssets(); err != nil {
		return nil, err
	}
	for _, language := range []Language{Vietnamese, English} {
		if err := s.load(language); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// load reads the texts and parses the templates of one language: each page is
// the shared layout and parts with its own title and main.
func (s *Screens) load(language Language) error {
	w, err := readWords(language, s.config)
	if err != nil {
		return err
	}
	layout, err := template.New("layout.html").Funcs(w.functions()).
		ParseFS(files, "templates/layout.html", "templates/parts.html")
	if err != nil {
		return fmt.Errorf("screen: %w", err)
	}
	entries, err := files.ReadDir("templates")
	if err != nil {
		return fmt.Errorf("screen: %w", err)
	}
	pages := map[string]*template.Template{}
	for _, entry := range entries {
		name := strings.TrimSuffix(entry.Name(), ".html")
		if name == "layout" || name == "parts" {
			continue
		}
		page, err := layout.Clone()
		if err == nil {
			page, err = page.ParseFS(files, path.Join("templates", entry.Name()))
		}
		if err != nil {
			return fmt.Errorf("screen: %w", err)
		}
		pages[name] = page
	}
	s.words[language], s.pages[language] = w, pages
	return nil
}

func (c Config) check() error {
	if len(c.Prefix) < 2 || c.Prefix[0] != '/' || c.Prefix != path.Clean(c.Prefix) {
		return errors.New("screen: Prefix must be a clean path that begins with a slash")
	}
	for _, origin := range c.FormOrigins {
		u, err := url.Parse(origin)
		// What is not plainly an origin could end the directive and begin another.
		if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" ||
			origin != u.Scheme+"://"+u.Host || strings.ContainsAny(origin, " ;,'\"*") {
			return errors.New("screen: FormOrigins must be origins such as https://id.example")
		}
	}
	for name, address := range map[string]string{"ForgotPasswordURL": c.ForgotPasswordURL, "RegisterURL": c.RegisterURL} {
		u, err := url.Parse(address)
		if err != nil || (u.Scheme != "https" && u.Scheme != "http" && !(u.Scheme == "" && (address == "" || local(address) == address))) {
			return fmt.Errorf("screen: %s must be a path, an http or an https address", name)
		}
	}
	return nil
}

// dialled is the hotline as a tel: address wants it (RFC 3966): digits and a
// leading plus.
func (c Config) dialled() string {
	return strings.Map(func(r rune) rune {
		if r == '+' || (unicode.IsDigit(r) && r < unicode.MaxASCII) {
			return r
		}
		return -1
	}, c.Hotline)
}

// local is the address itself if it is a path of this origin, else "/". The
// callers have checked return addresses already; a page holds to it whoever
// fills it in. Browsers read a backslash as a slash and drop tabs and line ends.
func local(address string) string {
	if !strings.HasPrefix(address, "/") || strings.HasPrefix(address, "//") ||
		strings.ContainsFunc(address, func(r rune) bool { return r == '\\' || r < ' ' || r == 0x7f }) {
		return "/"
	}
	return address
}
