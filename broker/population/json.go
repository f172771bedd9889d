package population

import (
	"crypto/rand"
	"fmt"

	"github.com/go-json-experiment/json"

	"vneid-proxy/identity"
)

// strict makes a member beyond those agreed a fault: an answer that says more
// than yes or no is not the service that was agreed.
var strict = json.RejectUnknownMembers(true)

// request is the question on the wire of profile "json". Exactly one of the
// two birth members is sent.
type request struct {
	ID        string `json:"request_id"` // random; ties the two sides' logs together
	Number    string `json:"citizen_number"`
	Name      string `json:"name"`                // identity.StateName
	BirthDate string `json:"birth_date,omitzero"` // yyyymmdd
	BirthYear string `json:"birth_year,omitzero"` // yyyy, where no more is known
}

// reply is the answer on the wire: exactly this.
type reply struct {
	Matched *bool `json:"matched"`
}

// encode is the one place where a number leaves for the population database.
func encode(q Question) ([]byte, error) {
	wire := request{ID: rand.Text(), Number: q.Number.Reveal(), Name: identity.StateName(q.Name)}
	if wire.Number == "" || wire.Name == "" || q.BirthDate.IsZero() {
		return nil, ErrQuestion
	}
	if q.BirthDate.YearOnly() {
		wire.BirthYear = fmt.Sprintf("%04d", q.BirthDate.Year)
	} else {
		wire.BirthDate = fmt.Sprintf("%04d%02d%02d", q.BirthDate.Year, q.BirthDate.Month, q.BirthDate.Day)
	}
	body, err := json.Marshal(wire)
	if err != nil {
		return nil, ErrQuestion
	}
	return body, nil
}

func (r reply) answer() (Answer, error) {
	switch {
	case r.Matched == nil: // absent or null
		return 0, ErrMalformed
	case *r.Matched:
		return Matched, nil
	}
	return NotMatched, nil
}
