package vneidtest

import (
	"io"
	"net/http"

	"github.com/go-json-experiment/json"
)

// credentialRequest is the body of a directory credential check.
type credentialRequest struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

// credential answers whose a user name and password are. Wrong and unknown are
// answered alike; locked is told only to who knows the password.
func (p *Portal) credential(w http.ResponseWriter, r *http.Request) {
	if !bearer(r, p.token) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="directory"`)
		writeJSON(w, http.StatusUnauthorized, map[string]string{"error": "unauthorized"})
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	var asked credentialRequest
	if err == nil {
		asked, err = parseCredential(body)
	}
	if err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "malformed"})
		return
	}
	account, ok := p.checkCredential(asked.Username, asked.Password)
	switch {
	case !ok:
		writeJSON(w, http.StatusUnauthorized, map[string]string{"error": "invalid"})
	case account.Locked:
		writeJSON(w, http.StatusLocked, map[string]string{"error": "locked"})
	default:
		writeJSON(w, http.StatusOK, map[string]string{"account_id": account.ID})
	}
}

// parseCredential reads strictly, as parseMatch does.
func parseCredential(body []byte) (credentialRequest, error) {
	var c credentialRequest
	err := json.Unmarshal(body, &c, json.RejectUnknownMembers(true))
	return c, err
}
