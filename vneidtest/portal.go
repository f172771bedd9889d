package vneidtest

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// PortalConfig is what a portal needs.
type PortalConfig struct {
	// CredentialToken is the bearer token for POST /api/credential and for the
	// directory's interface; required.
	CredentialToken string
	// Personas own the accounts; default [Personas].
	Personas []Persona
	// Accounts are further accounts of nobody's, e.g. a locked one.
	Accounts []PortalAccount
	// Now is the clock for sessions and login tickets; default time.Now.
	Now func() time.Time
}

// Portal is a simulated legacy portal. It cannot be changed, as real ones
// cannot: it has pages and accounts of its own and believes X-Forwarded-User.
type Portal struct {
	*Controls
	token string
	now   func() time.Time
	pages pages
	mux   *http.ServeMux

	mu       sync.Mutex
	accounts []row                    // changed by write-back alone
	sessions map[string]portalSession // PORTAL_SID → session
	tickets  map[string]loginTicket   // ticket in the login form → what it expects
	dossiers map[string][]dossier     // account id → its dossiers, newest last
	received []Received               // newest last, at most maxReceived
}

// NewPortal makes a portal. A missing token is an error.
func NewPortal(cfg PortalConfig) (*Portal, error) {
	if cfg.CredentialToken == "" {
		return nil, errors.New("vneidtest: portal: CredentialToken is required")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	p := &Portal{
		Controls: newControls(cfg.Personas, []string{"whoami", "credential", "directory", "write_back", "scan"}, directoryKnobs()),
		token:    cfg.CredentialToken,
		now:      cfg.Now,
		mux:      http.NewServeMux(),
		sessions: map[string]portalSession{},
		tickets:  map[string]loginTicket{},
	}
	var accounts []PortalAccount
	for _, who := range p.personas {
		accounts = append(accounts, who.Accounts...)
	}
	accounts = append(accounts, cfg.Accounts...)
	for _, a := range accounts {
		p.accounts = append(p.accounts, newRow(a))
	}
	p.dossiers = firstDossiers(accounts)
	var err error
	if p.pages, err = newPages(files, "pages/portal"); err != nil {
		return nil, err
	}
	p.routes()
	return p, nil
}

func (p *Portal) routes() {
	p.mount(p.mux)
	p.mux.HandleFunc("GET /dang-nhap", p.loginForm)
	p.mux.HandleFunc("POST /dang-nhap", p.logIn)
	p.mux.HandleFunc("GET /dang-xuat", p.logOut)
	p.mux.HandleFunc("GET /api/whoami", p.endpoint("whoami", p.whoAmI))
	p.mux.HandleFunc("POST /api/credential", p.endpoint("credential", p.credential))
	p.mux.HandleFunc("POST /api/directory/search", p.endpoint("directory", p.search))
	p.mux.HandleFunc("POST /api/directory/citizen-number", p.endpoint("write_back", p.writeNumber))
	p.mux.HandleFunc("POST /api/directory/scan", p.endpoint("scan", p.scan))

	p.mux.HandleFunc("GET /{$}", p.member(p.home))
	p.mux.HandleFunc("GET /ho-so", p.member(p.listDossiers))
	p.mux.HandleFunc("GET /ho-so/{id}", p.member(p.showDossier))
	p.mux.HandleFunc("GET /ca-nhan", p.member(p.personal))
	p.mux.HandleFunc("GET /nop-ho-so", p.member(p.submitForm))
	p.mux.HandleFunc("POST /nop-ho-so", p.member(p.submit))
	p.mux.HandleFunc("GET /tai-len", p.member(p.uploadForm))
	p.mux.HandleFunc("POST /tai-len", p.member(p.upload))
	p.mux.HandleFunc("GET /ping", p.member(p.ping))

	p.mux.HandleFunc("GET /gioi-thieu", p.about)
	p.mux.HandleFunc("GET /assets/portal.css", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, files, "pages/portal/portal.css")
	})
	p.mux.HandleFunc("/headers", p.headers)
	p.mux.HandleFunc("GET /events", p.events)
	p.mux.HandleFunc("GET /ws", p.webSocket)
	p.mux.HandleFunc("/", p.missing)
}

// ServeHTTP serves the endpoints that the package comment lists.
func (p *Portal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.record(r)
	// Before the mux, which would redirect paths such as /echo//a/../b.
	if strings.HasPrefix(r.URL.Path, "/echo") {
		p.echo(w, r)
		return
	}
	p.mux.ServeHTTP(w, r)
}

func (p *Portal) account(has func(PortalAccount) bool) (PortalAccount, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(p.accounts, func(r row) bool { return has(r.PortalAccount) })
	if i < 0 {
		return PortalAccount{}, false
	}
	return p.accounts[i].PortalAccount, true
}
