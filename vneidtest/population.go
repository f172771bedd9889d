package vneidtest

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
)

// PopulationConfig is what a population database needs.
type PopulationConfig struct {
	Token    string    // bearer token of POST /v1/match; required
	Personas []Persona // whom it knows; default [Personas]

	// Platform and Province are the further ways to it; each zero value leaves
	// its paths out.
	Platform PlatformConfig
	Province ProvinceConfig
	// Procedures and Officials may ask by those further ways (MaDVC, MaCanBo);
	// nil is any.
	Procedures, Officials []string
	// Now is the clock for Timestamp and access tokens; default time.Now.
	Now func() time.Time
}

// Population is a simulated national population database (CSDLQG về Dân cư).
// By POST /v1/match it answers matches only; by the further ways it also tells
// what it holds.
type Population struct {
	*Controls
	token                 string
	platform              PlatformConfig
	province              ProvinceConfig
	procedures, officials []string
	now                   func() time.Time
	mux                   *http.ServeMux

	mu     sync.Mutex
	tokens map[string]time.Time // of the wrapped form → when it expires
}

// NewPopulation makes a population database. A missing token, or a further way
// that lacks something, is an error.
func NewPopulation(cfg PopulationConfig) (*Population, error) {
	if cfg.Token == "" {
		return nil, errors.New("vneidtest: population: Token is required")
	}
	if err := errors.Join(cfg.Platform.check(), cfg.Province.check()); err != nil {
		return nil, err
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	p := &Population{
		Controls: newControls(cfg.Personas, []string{"match", "soap", "lgsp_json", "lgsp_token", "lgsp_soap", "lgsp_text"},
			map[string]knobKind{
				"mismatch": knobSwitch, "population_clock_skew": knobDuration,
				"record_two": knobSwitch, "record_other": knobSwitch, "xml_doctype": knobSwitch,
			}),
		token: cfg.Token, platform: cfg.Platform, province: cfg.Province,
		procedures: cfg.Procedures, officials: cfg.Officials,
		now: cfg.Now, mux: http.NewServeMux(), tokens: map[string]time.Time{},
	}
	p.mount(p.mux)
	p.mux.HandleFunc("POST /v1/match", p.endpoint("match", p.match))
	if p.platform.URL != "" {
		p.mux.HandleFunc("POST /soap", p.endpoint("soap", p.soap))
	}
	if p.province.Token != "" {
		p.mux.HandleFunc("POST /lgsp/json/{operation}", p.endpoint("lgsp_json", p.lgspJSON))
		p.mux.HandleFunc("POST /lgsp/text/{operation}", p.endpoint("lgsp_text", p.lgspText))
	}
	if p.province.Keys.SecretKey != "" {
		p.mux.HandleFunc("POST /lgsp/token", p.endpoint("lgsp_token", p.lgspToken))
		p.mux.HandleFunc("POST /lgsp/soap", p.endpoint("lgsp_soap", p.lgspSOAP))
	}
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
	q := question{citizenNumber: asked.CitizenNumber, name: asked.Name}
	if asked.BirthYear != nil {
		q.birthYear = *asked.BirthYear
	} else {
		q.birthDate = *asked.BirthDate
	}
	_, known := persona(p.personas, q.is)
	return known
}
