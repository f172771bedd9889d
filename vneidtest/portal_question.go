package vneidtest

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"
)

var errMalformed = errors.New("vneidtest: malformed")

// ask reads a program's JSON request by parse. Where the token or the request
// is wrong it answers itself, and reports false. It does not say what is wrong:
// that could only repeat what was sent.
func ask[T any](w http.ResponseWriter, r *http.Request, token string, parse func([]byte) (T, error)) (asked T, ok bool) {
	if !bearer(r, token) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="directory"`)
		writeJSON(w, http.StatusUnauthorized, map[string]string{"error": "unauthorized"})
		return asked, false
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil && kind != "application/json" {
		err = errMalformed
	}
	if err == nil {
		asked, err = parse(body)
	}
	if err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "malformed"})
		return asked, false
	}
	return asked, true
}

// credentialRequest is the body of a directory credential check.
type credentialRequest struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

// parseCredential reads strictly, as parseMatch does.
func parseCredential(body []byte) (credentialRequest, error) {
	var c credentialRequest
	err := json.Unmarshal(body, &c, json.RejectUnknownMembers(true))
	return c, err
}

// searchRequest is the body of a search: its only member.
type searchRequest struct{ member, value string }

// parseSearch reads strictly: one member, one of the five, a text that can be
// what it is asked as. Nobody is found by having nothing.
func parseSearch(body []byte) (searchRequest, error) {
	var members map[string]any
	if err := json.Unmarshal(body, &members); err != nil || len(members) != 1 {
		return searchRequest{}, errMalformed
	}
	for member, value := range members {
		text, _ := value.(string)
		ok := false
		switch member {
		case "id", "username", "subject":
			ok = text != ""
		case "citizen_number":
			ok = digits(text, 12)
		case "id_card_number":
			ok = digits(text, 9)
		}
		if ok {
			return searchRequest{member, text}, nil
		}
	}
	return searchRequest{}, errMalformed
}

// writeBackRequest is the body of a write-back.
type writeBackRequest struct {
	ID      string `json:"id"`
	Number  string `json:"citizen_number"`
	Version string `json:"version"`
}

// parseWriteBack reads strictly; each member is needed.
func parseWriteBack(body []byte) (writeBackRequest, error) {
	var w writeBackRequest
	err := json.Unmarshal(body, &w, json.RejectUnknownMembers(true))
	if err == nil && (w.ID == "" || w.Version == "" || !digits(w.Number, 12)) {
		err = errMalformed
	}
	return w, err
}

func digits(s string, n int) bool { return len(s) == n && strings.Trim(s, "0123456789") == "" }
