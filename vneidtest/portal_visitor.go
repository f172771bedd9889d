package vneidtest

import (
	"net/http"
	"net/url"
	"time"
)

const (
	portalCookie      = "PORTAL_SID"
	portalSessionLife = 8 * time.Hour
)

type portalSession struct {
	accountID string
	expires   time.Time
}

// visitor is who the portal takes the sender of a request for: whoever
// X-Forwarded-User names, believed blindly and known or not, else whoever its
// own session belongs to, else nil.
func (p *Portal) visitor(r *http.Request) *PortalAccount {
	id := r.Header.Get("X-Forwarded-User")
	if id == "" {
		return p.ownVisitor(r)
	}
	if a, ok := p.account(func(a PortalAccount) bool { return a.ID == id }); ok {
		return &a
	}
	return &PortalAccount{ID: id, Username: id, Name: id}
}

// ownVisitor looks at the portal's own session only.
func (p *Portal) ownVisitor(r *http.Request) *PortalAccount {
	cookie, err := r.Cookie(portalCookie)
	if err != nil {
		return nil
	}
	p.mu.Lock()
	s, ok := p.sessions[cookie.Value]
	p.mu.Unlock()
	if !ok || !p.now().Before(s.expires) {
		return nil
	}
	a, ok := p.account(func(a PortalAccount) bool { return a.ID == s.accountID })
	if !ok {
		return nil
	}
	return &a
}

// member leads whoever is not signed in to the login page and back.
func (p *Portal) member(next func(http.ResponseWriter, *http.Request, PortalAccount)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		who := p.visitor(r)
		if who == nil {
			http.Redirect(w, r, "/dang-nhap?next="+url.QueryEscape(r.URL.RequestURI()), http.StatusFound)
			return
		}
		next(w, r, *who)
	}
}

func (p *Portal) whoAmI(w http.ResponseWriter, r *http.Request) {
	who := p.ownVisitor(r)
	if who == nil {
		writeJSON(w, http.StatusUnauthorized, map[string]string{"error": "unauthenticated"})
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"account_id": who.ID, "username": who.Username})
}
