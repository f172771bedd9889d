package population

import (
	"github.com/go-json-experiment/json"
)

// plainJSON is profile "json": our own, for a province that puts a small
// service in front. It makes a member beyond those agreed a fault: an answer
// that says more than yes or no is not the service that was agreed.
type plainJSON struct{}

func (plainJSON) media() []string { return []string{"application/json"} }

func (plainJSON) write(q asked, _ Service, _ Credentials) ([]byte, string, error) {
	if q.operation != opMatch {
		return nil, "", ErrQuestion
	}
	body, err := json.Marshal(struct {
		ID        string `json:"request_id"`
		Number    string `json:"citizen_number"`
		Name      string `json:"name"`
		BirthDate string `json:"birth_date,omitzero"`
		BirthYear string `json:"birth_year,omitzero"`
	}{q.id, q.number, q.name, q.date, q.year})
	return body, "application/json", err
}

func (plainJSON) read(q asked, body []byte) (Record, error) {
	var r struct {
		Matched *bool   `json:"matched"`
		ID      *string `json:"request_id"` // may be told
	}
	if json.Unmarshal(body, &r, json.RejectUnknownMembers(true)) != nil || r.Matched == nil || r.ID != nil && *r.ID != q.id {
		return Record{}, ErrMalformed
	}
	return Record{Found: *r.Matched}, nil
}
