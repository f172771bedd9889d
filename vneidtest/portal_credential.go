package vneidtest

import "net/http"

// credential answers whose a user name and password are. Wrong and unknown are
// answered alike; locked is told only to who knows the password.
func (p *Portal) credential(w http.ResponseWriter, r *http.Request) {
	asked, ok := ask(w, r, p.token, parseCredential)
	if !ok {
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
