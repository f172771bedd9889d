package vneidtest

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"slices"
)

// row is an account of the directory. Its version is new whenever the row is.
type row struct {
	PortalAccount
	version string
}

func newRow(a PortalAccount) row { return row{a, rand.Text()} }

// rowReply is a row on the wire: every member, always, but for the last three.
type rowReply struct {
	ID           string   `json:"id"`
	Username     string   `json:"username"`
	Kind         string   `json:"kind"`
	Status       string   `json:"status"`
	Number       string   `json:"citizen_number"`
	Verified     bool     `json:"citizen_number_verified"`
	IDCardNumber string   `json:"id_card_number"`
	Name         string   `json:"name"`
	BirthDate    string   `json:"birth_date"`
	Email        string   `json:"email"`
	Phone        string   `json:"phone"`
	Roles        []string `json:"roles"`
	Version      string   `json:"version"`
	Group        string   `json:"group,omitempty"`
	Subject      string   `json:"subject,omitempty"`
	CreatedBy    string   `json:"created_by,omitempty"`
}

func (r row) reply() rowReply {
	answer := rowReply{
		ID: r.ID, Username: r.Username, Kind: string(r.identity().Kind), Status: "active",
		Number: r.CitizenNumber, Verified: r.CitizenNumberVerified, IDCardNumber: r.IDCardNumber,
		Name: r.Name, BirthDate: r.BirthDate, Email: r.Email, Phone: r.Phone,
		Roles: append([]string{}, r.Roles...), Version: r.version,
		Group: r.Group, Subject: r.Subject, CreatedBy: r.CreatedBy,
	}
	if r.Locked {
		answer.Status = "locked"
	}
	return answer
}

// directoryKnobs are the lies of the directory's interface.
func directoryKnobs() map[string]knobKind {
	return map[string]knobKind{
		"directory_two": knobSwitch, "directory_other": knobSwitch, "directory_duplicate": knobSwitch,
		"directory_case": knobSwitch, "directory_trailing": knobSwitch, "write_back_changed": knobSwitch, "scan_circle": knobSwitch,
	}
}

// search answers the rows that have what was asked for, none to all.
func (p *Portal) search(w http.ResponseWriter, r *http.Request) {
	asked, ok := ask(w, r, p.token, parseSearch)
	if !ok {
		return
	}
	found, others := []rowReply{}, []rowReply{}
	p.mu.Lock()
	for _, row := range p.accounts {
		if row.field(asked.member) == asked.value {
			found = append(found, row.reply())
		} else {
			others = append(others, row.reply())
		}
	}
	p.mu.Unlock()
	p.writeRows(w, asked, found, others)
}

// field is what a search compares.
func (r row) field(member string) string {
	switch member {
	case "id":
		return r.ID
	case "username":
		return r.Username
	case "citizen_number":
		return r.CitizenNumber
	case "subject":
		return r.Subject
	}
	return r.IDCardNumber
}

// writeRows answers, or lies as the knobs say: about the rows found, or about
// the form of the answer.
func (p *Portal) writeRows(w http.ResponseWriter, asked searchRequest, found, others []rowReply) {
	if p.on("directory_two") && asked.member == "id" && len(found) == 1 && len(others) > 0 {
		second := others[0]
		second.ID = asked.value
		found = append(found, second)
	}
	if p.on("directory_other") && len(others) > 0 {
		found = others[:1]
	}
	body, err := json.Marshal(map[string]any{"accounts": found})
	if err != nil {
		http.Error(w, "cannot encode", http.StatusInternalServerError)
		return
	}
	if p.on("directory_duplicate") {
		body = bytes.ReplaceAll(body, []byte(`"status":`), []byte(`"status":"locked","status":`))
	}
	if p.on("directory_case") {
		body = bytes.ReplaceAll(body, []byte(`"citizen_number_verified":`), []byte(`"Citizen_Number_Verified":`))
	}
	if p.on("directory_trailing") {
		body = append(body, `{"accounts":[]}`...)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(append(body, '\n'))
}

// writeNumber writes a citizen number into a row as verified, where the caller
// has seen the row as it stands or the number stands there already.
func (p *Portal) writeNumber(w http.ResponseWriter, r *http.Request) {
	asked, ok := ask(w, r, p.token, parseWriteBack)
	if !ok {
		return
	}
	status, version := http.StatusConflict, ""
	if !p.on("write_back_changed") {
		status, version = p.writeBack(asked)
	}
	switch status {
	case http.StatusOK:
		writeJSON(w, status, map[string]string{"version": version})
	case http.StatusConflict:
		writeJSON(w, status, map[string]string{"error": "changed"})
	default:
		writeJSON(w, status, map[string]string{"error": "unknown"})
	}
}

func (p *Portal) writeBack(asked writeBackRequest) (status int, version string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(p.accounts, func(r row) bool { return r.ID == asked.ID })
	switch {
	case i < 0:
		return http.StatusNotFound, ""
	case p.accounts[i].CitizenNumber == asked.Number && p.accounts[i].CitizenNumberVerified:
		return http.StatusOK, p.accounts[i].version
	case p.accounts[i].version != asked.Version:
		return http.StatusConflict, ""
	}
	changed := p.accounts[i].PortalAccount
	changed.CitizenNumber, changed.CitizenNumberVerified = asked.Number, true
	p.accounts[i] = newRow(changed)
	return http.StatusOK, p.accounts[i].version
}
