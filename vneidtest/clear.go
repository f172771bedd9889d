package vneidtest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// ClearConfig is what NewClear needs; all is required.
type ClearConfig struct {
	// NationalPortal speaks as the national public service portal's sign-in
	// does (WSO2); false as VNeID's first wire.
	NationalPortal                   bool
	ClientID, Secret                 string
	RedirectURI, PostLogoutReturnURI string
	Persona                          Persona // who is signed in there
	AccountType                      int     // LoaiTaiKhoan: 1 a person, 2 an enterprise, that of Persona.Organisation
	// Nameless leaves out which person acts.
	Nameless bool
}

// Clear is a provider that answers in clear, without discovery, keys or a nonce.
// It signs in whoever comes, without asking.
type Clear struct {
	cfg ClearConfig
	mux *http.ServeMux

	mu         sync.Mutex
	challenges map[string]string // by code
	tokens     map[string]bool
	ended      []url.Values
}

// NewClear serves /authorize, /token, /userinfo and /logout.
func NewClear(cfg ClearConfig) *Clear {
	c := &Clear{cfg: cfg, mux: http.NewServeMux(), challenges: map[string]string{}, tokens: map[string]bool{}}
	c.mux.HandleFunc("GET /authorize", c.authorize)
	c.mux.HandleFunc("POST /token", c.token)
	method := "GET"
	if cfg.NationalPortal {
		method = "POST"
	}
	c.mux.HandleFunc(method+" /userinfo", c.userinfo)
	c.mux.HandleFunc("GET /logout", c.logout)
	return c
}

// ServeHTTP implements http.Handler.
func (c *Clear) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.mux.ServeHTTP(w, r) }

// Ended are the queries of the sign-outs so far.
func (c *Clear) Ended() []url.Values {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]url.Values(nil), c.ended...)
}

func (c *Clear) authorize(w http.ResponseWriter, r *http.Request) {
	asked := r.URL.Query()
	if asked.Get("client_id") != c.cfg.ClientID || asked.Get("redirect_uri") != c.cfg.RedirectURI || asked.Get("response_type") != "code" ||
		asked.Get("scope") != "openid" || c.cfg.NationalPortal != (asked.Get("acr_values") == "LoA1") {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	code := rand.Text()
	c.mu.Lock()
	c.challenges[code] = asked.Get("code_challenge")
	c.mu.Unlock()
	back(w, r, c.cfg.RedirectURI, url.Values{"code": {code}, "state": {asked.Get("state")}}.Encode())
}

func (c *Clear) token(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	code := r.PostFormValue("code")
	challenge, known := c.challenges[code]
	delete(c.challenges, code)
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	switch {
	case r.Header.Get("Authorization") != "" || r.PostFormValue("client_id") != c.cfg.ClientID || !secretEqual(r.PostFormValue("client_secret"), c.cfg.Secret):
		writeJSON(w, http.StatusUnauthorized, map[string]string{"error": "invalid_client"})
	case !known || r.PostFormValue("redirect_uri") != c.cfg.RedirectURI || base64.RawURLEncoding.EncodeToString(sum[:]) != challenge:
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant"})
	default:
		access := rand.Text()
		c.tokens[access] = true
		writeJSON(w, http.StatusOK, map[string]any{
			"access_token": access, "token_type": "Bearer", "expires_in": 3600,
			// Signed by nobody whose key could be known.
			"id_token": base64url(`{"alg":"none"}`) + "." + base64url(`{"sub":"somebody else"}`) + ".",
		})
	}
}

func (c *Clear) userinfo(w http.ResponseWriter, r *http.Request) {
	access, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	c.mu.Lock()
	known := c.tokens[access]
	c.mu.Unlock()
	if !known || r.ContentLength > 0 {
		writeJSON(w, http.StatusUnauthorized, map[string]string{"error": "invalid_token"})
		return
	}
	p := c.cfg.Persona
	claims := map[string]any{
		"sub": p.VNeID.Subject, "LoaiTaiKhoan": c.cfg.AccountType, "SoDinhDanh": p.CitizenNumber, "HoVaTen": p.Name,
		"NgayThangNamSinh": strings.ReplaceAll(p.BirthDate, "-", ""), "TechID": "tech-" + p.VNeID.Subject, "loAs": "LoA1",
	}
	if c.cfg.NationalPortal {
		claims["sub"] = "ten-dang-nhap" // a user name, which people may change
		claims["SoCMND"], claims["MaSoThue"], claims["TenDoanhNghiep"] = p.IDCardNumber, "", ""
		if c.cfg.AccountType == 1 {
			claims["MaSoThue"] = "8999999999" // people have one too
		}
	} else {
		claims["IAL"], claims["userProfileUri"], claims["logoutUri"] = p.AccountLevel, "/profile", "/logout"
	}
	if o := p.Organisation; o != nil && c.cfg.AccountType == 2 {
		// The account is the enterprise's: another key than the person's.
		claims["sub"], claims["TechID"] = "dn-"+o.ID, "tech-dn-"+o.ID
		claims["MaSoDoanhNghiep"], claims["MaSoThue"], claims["TenDoanhNghiep"] = o.ID, o.TaxCode, o.Name
	}
	if c.cfg.Nameless {
		delete(claims, "SoDinhDanh")
	}
	writeJSON(w, http.StatusOK, claims)
}

func (c *Clear) logout(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	c.mu.Lock()
	c.ended = append(c.ended, query)
	c.mu.Unlock()
	name := "redirect_uri"
	if c.cfg.NationalPortal {
		name = "post_logout_redirect_uri"
	}
	if query.Get(name) != c.cfg.PostLogoutReturnURI {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	back(w, r, query.Get(name), url.Values{"state": {query.Get("state")}}.Encode())
}
