package vneidtest

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// PopulationConfig is what a population database needs.
type PopulationConfig struct {
	Token    string    // bearer token that callers must show; required
	Personas []Persona // whom it knows; default [Personas]
}

// Population is a simulated national population database (CSDLQG về Dân cư)
// that answers matches only: it never tells what it holds.
type Population struct {
	*Controls
	token string
	mux   *http.ServeMux
}

// NewPopulation makes a population database. A missing token is an error.
func NewPopulation(cfg PopulationConfig) (*Population, error) {
	if cfg.Token == "" {
		return nil, errors.New("vneidtest: population: Token is required")
	}
	p := &Population{
		Controls: newControls(cfg.Personas, []string{"match"}, map[string]knobKind{"mismatch": knobSwitch}),
		token:    cfg.Token,
		mux:      http.NewServeMux(),
	}
	p.mount(p.mux)
	p.mux.HandleFunc("POST /v1/match", p.endpoint("match", p.match))
	return p, nil
}

// ServeHTTP serves the endpoints that the package comment lists.
func (p *Population) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.mux.ServeHTTP(w, r) }

// matchRequest is the body of a match. Exactly one of BirthDate and BirthYear
// is given: some people's papers only ever held the year.
type matchRequest struct {
	RequestID     string  `json:"request_id"`
	CitizenNumber string  `json:"citizen_number"`
	Name          string  `json:"name"`
	BirthDate     *string `json:"birth_date"`
	BirthYear     *string `json:"birth_year"`
}

func (p *Population) match(w http.ResponseWriter, r *http.Request) {
	if !bearer(r, p.token) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="population"`)
		writeJSON(w, http.StatusUnauthorized, map[string]string{"error": "unauthorized"})
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	var asked matchRequest
	if err == nil {
		asked, err = parseMatch(body)
	}
	if err != nil {
		// The reason is not given: it could only repeat what was sent.
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "malformed"})
		return
	}
	writeJSON(w, http.StatusOK, map[string]bool{"matched": p.matches(asked) && !p.on("mismatch")})
}

// parseMatch reads a match request strictly: unknown, repeated or misspelt
// members, trailing data, and forms the real database would not take are
// errors.
func parseMatch(body []byte) (matchRequest, error) {
	var m matchRequest
	if err := json.Unmarshal(body, &m, json.RejectUnknownMembers(true)); err != nil {
		return m, err
	}
	if m.RequestID == "" || len(m.RequestID) > 100 || !digits(m.CitizenNumber, 12) || plainName(m.Name) == "" {
		return m, errors.New("request_id, citizen_number or name")
	}
	switch {
	case (m.BirthDate == nil) == (m.BirthYear == nil):
		return m, errors.New("exactly one of birth_date and birth_year")
	case m.BirthDate != nil:
		_, err := time.Parse("20060102", *m.BirthDate)
		return m, err
	}
	_, err := time.Parse("2006", *m.BirthYear)
	return m, err
}

func (p *Population) matches(asked matchRequest) bool {
	known, ok := persona(p.personas, func(k Persona) bool { return k.CitizenNumber == asked.CitizenNumber })
	if !ok || plainName(known.Name) != plainName(asked.Name) {
		return false
	}
	if asked.BirthYear != nil {
		return strings.HasPrefix(known.BirthDate, *asked.BirthYear+"-")
	}
	return strings.ReplaceAll(known.BirthDate, "-", "") == *asked.BirthDate
}
