package vneidtest

import (
	"io"
	"net/http"
	"time"
)

// portalPage is what most of the portal's pages show; each uses what it needs.
type portalPage struct {
	Visitor    *PortalAccount // nil for a visitor who is not signed in
	BirthDate  string         // dd/mm/yyyy, or as the row has it
	Dossiers   []dossier
	Dossier    dossier
	Procedures []string
	Details    string
	Error      string
	Upload     *upload
	Received   Received
}

func (p *Portal) home(w http.ResponseWriter, _ *http.Request, who PortalAccount) {
	p.pages.render(w, http.StatusOK, "home.html", portalPage{Visitor: &who})
}

func (p *Portal) personal(w http.ResponseWriter, _ *http.Request, who PortalAccount) {
	page := portalPage{Visitor: &who, BirthDate: who.BirthDate}
	if born, err := time.Parse(time.DateOnly, who.BirthDate); err == nil {
		page.BirthDate = born.Format("02/01/2006")
	}
	p.pages.render(w, http.StatusOK, "personal.html", page)
}

func (p *Portal) ping(w http.ResponseWriter, _ *http.Request, who PortalAccount) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, "pong "+who.ID+"\n")
}

func (p *Portal) about(w http.ResponseWriter, r *http.Request) {
	p.pages.render(w, http.StatusOK, "about.html", portalPage{Visitor: p.visitor(r)})
}

func (p *Portal) missing(w http.ResponseWriter, r *http.Request) {
	p.pages.render(w, http.StatusNotFound, "missing.html", portalPage{Visitor: p.visitor(r)})
}
