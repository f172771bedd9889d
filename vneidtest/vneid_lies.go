package vneidtest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// withIssuer adds iss to every redirect that goes to a client (RFC 9207,
// section 2), which the library does not.
func (v *VNeID) withIssuer(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { next(v.issuing(w), r) }
}

func (v *VNeID) issuing(w http.ResponseWriter) http.ResponseWriter {
	issuer := v.issuer
	if v.on("wrong_response_iss") {
		issuer = "https://another-issuer.invalid"
	}
	return &issuerWriter{w, v.issuer, issuer}
}

type issuerWriter struct {
	http.ResponseWriter
	own    string // redirects below it stay as they are, and relative ones
	issuer string
}

// WriteHeader edits Location before it is sent.
func (w *issuerWriter) WriteHeader(status int) {
	location, err := url.Parse(w.Header().Get("Location"))
	if err == nil && location.IsAbs() && !strings.HasPrefix(location.String(), w.own+"/") {
		query := location.Query()
		query.Set("iss", w.issuer)
		location.RawQuery = query.Encode()
		w.Header().Set("Location", location.String())
	}
	w.ResponseWriter.WriteHeader(status)
}

// forged changes the ID token of an answer in ways that the library would not
// write: for another audience (wrong_audience), of another time (clock_skew),
// or unsigned (alg_none).
func (v *VNeID) forged(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !v.on("alg_none") && !v.on("wrong_audience") && !v.on("clock_skew") {
			next(w, r)
			return
		}
		answer := &heldAnswer{header: http.Header{}, status: http.StatusOK}
		next(answer, r)
		var members map[string]any
		_ = json.Unmarshal(answer.body.Bytes(), &members)
		if idToken, ok := members["id_token"].(string); ok {
			members["id_token"] = v.forge(strings.Split(idToken, ".")[1])
		}
		writeJSON(w, answer.status, members)
	}
}

// forge makes an ID token of the payload of an honest one.
func (v *VNeID) forge(payload string) string {
	raw, _ := base64.RawURLEncoding.DecodeString(payload)
	var claims map[string]any
	_ = json.Unmarshal(raw, &claims)
	if v.on("wrong_audience") {
		claims["aud"], claims["azp"], claims["client_id"] = "another-client", "another-client", "another-client"
	}
	for _, name := range []string{"iat", "exp", "auth_time"} {
		if seconds, ok := claims[name].(float64); ok {
			claims[name] = int64(seconds) + int64(v.duration("clock_skew").Seconds())
		}
	}
	if v.on("alg_none") {
		text, _ := json.Marshal(claims) // it was JSON before
		header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`))
		return header + "." + base64.RawURLEncoding.EncodeToString(text) + "."
	}
	token, _ := v.storage.sign("JWT", claims) // the key is a good one: it has signed the honest token
	return token
}

// heldAnswer keeps an answer back so that it can be changed.
type heldAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (h *heldAnswer) Header() http.Header         { return h.header }
func (h *heldAnswer) WriteHeader(status int)      { h.status = status }
func (h *heldAnswer) Write(b []byte) (int, error) { return h.body.Write(b) }
