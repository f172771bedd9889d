package vneidtest

import (
	"net/http"
	"slices"

	"github.com/go-json-experiment/json"
)

// scanRequest is the body of a scan: a page of at most so many accounts, after
// the one whose id is the cursor, from the first for "".
type scanRequest struct {
	After *string `json:"after"`
	Limit *int    `json:"limit"`
}

// parseScan reads strictly; each member is needed.
func parseScan(body []byte) (scanRequest, error) {
	var s scanRequest
	err := json.Unmarshal(body, &s, json.RejectUnknownMembers(true))
	if err == nil && (s.After == nil || s.Limit == nil || *s.Limit < 1 || *s.Limit > 100) {
		err = errMalformed
	}
	return s, err
}

// scannedReply is a row with what its members cannot hold.
type scannedReply struct {
	rowReply
	NumberText    string `json:"citizen_number_text"`
	IDCardText    string `json:"id_card_number_text"`
	BirthDateText string `json:"birth_date_text"`
}

func (r row) scanned() scannedReply {
	answer, read := scannedReply{rowReply: r.reply()}, r.identity()
	if read.Number.IsZero() {
		answer.NumberText, answer.Number, answer.Verified = answer.Number, "", false
	}
	if read.IDCard.IsZero() {
		answer.IDCardText, answer.IDCardNumber = answer.IDCardNumber, ""
	}
	if read.BirthDate.IsZero() {
		answer.BirthDateText, answer.BirthDate = answer.BirthDate, ""
	}
	return answer
}

// scan answers a page of the accounts, as they are.
func (p *Portal) scan(w http.ResponseWriter, r *http.Request) {
	asked, ok := ask(w, r, p.token, parseScan)
	if !ok {
		return
	}
	p.mu.Lock()
	first := 0
	if *asked.After != "" {
		first = 1 + slices.IndexFunc(p.accounts, func(r row) bool { return r.ID == *asked.After })
	}
	rest := p.accounts[first:]
	page, next := []scannedReply{}, ""
	for _, row := range rest[:min(*asked.Limit, len(rest))] {
		page = append(page, row.scanned())
	}
	if len(page) < len(rest) {
		next = page[len(page)-1].ID
	}
	p.mu.Unlock()
	if p.on("scan_circle") {
		next = p.accounts[0].ID
	}
	writeJSON(w, http.StatusOK, map[string]any{"accounts": page, "next": next})
}
