package vneidtest

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
)

// sealed is what a code or an access token of the encrypted wire stands for.
type sealed struct {
	clientID, redirectURI string
	received, encryptKey  string // as the callback carried them; "" for an access token
	subject               string
	expires               time.Time
}

// sealedClient is a client that may use the encrypted wire.
func (v *VNeID) sealedClient(id string) (Client, bool) {
	i := slices.IndexFunc(v.storage.clients, func(c Client) bool { return c.ID == id && c.PublicKey != nil })
	if i < 0 {
		return Client{}, false
	}
	return v.storage.clients[i], true
}

// sealedAuthorize begins a sign-in. nonce, code_challenge and the like are not
// known here and mean nothing.
func (v *VNeID) sealedAuthorize(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	who, known := v.sealedClient(query.Get("client_id"))
	redirectURI, state := query.Get("redirect_uri"), query.Get("state")
	if !known || !slices.Contains(who.RedirectURIs, redirectURI) {
		http.Error(w, "unknown client_id or redirect_uri", http.StatusBadRequest)
		return
	}
	scopes := strings.Fields(query.Get("scope"))
	switch {
	case state == "":
		v.sealedRefusal(w, r, redirectURI, state, "invalid_request")
	case query.Get("response_type") != "code":
		v.sealedRefusal(w, r, redirectURI, state, "unsupported_response_type")
	case !slices.Contains(scopes, oidc.ScopeOpenID):
		v.sealedRefusal(w, r, redirectURI, state, "invalid_scope")
	default:
		a := v.storage.begin(attempt{sealed: true, asked: oidc.AuthRequest{
			ClientID: who.ID, RedirectURI: redirectURI, State: state, Scopes: scopes, ResponseType: oidc.ResponseTypeCode,
		}})
		http.Redirect(w, r, client{who}.LoginURL(a.id), http.StatusFound)
	}
}

// sealedRefusal takes an error to the client.
func (v *VNeID) sealedRefusal(w http.ResponseWriter, r *http.Request, redirectURI, state, word string) {
	back(w, r, redirectURI, "error="+word+"&error_description="+url.QueryEscape("Yêu cầu bị từ chối")+"&state="+url.QueryEscape(state))
}

// back redirects to a client with a query that is already written.
func back(w http.ResponseWriter, r *http.Request, redirectURI, query string) {
	separator := "?"
	if strings.Contains(redirectURI, "?") {
		separator = "&"
	}
	http.Redirect(w, r, redirectURI+separator+query, http.StatusFound)
}

// sealedCallback takes the code to the client: encrypted, in Base64 that is not
// escaped, so that a plus sign arrives as one.
func (v *VNeID) sealedCallback(w http.ResponseWriter, r *http.Request, a *attempt) {
	now := v.storage.now()
	signedIn, err := v.storage.attempt(a.id)
	who, known := v.sealedClient(a.asked.ClientID)
	if err != nil || !known {
		v.pages.render(w, http.StatusBadRequest, "expired.html", nil)
		return
	}
	code := guid() + "." + guid()
	kept := sealed{
		clientID: who.ID, redirectURI: a.asked.RedirectURI, received: code,
		subject: signedIn.subject, expires: now.Add(codeLife),
	}
	if !v.on("v2_callback_plain") {
		if kept.received, kept.encryptKey, err = v.seal("v2_callback", who.PublicKey, []byte(code)); err != nil {
			http.Error(w, "cannot encrypt", http.StatusInternalServerError)
			return
		}
	}
	v.storage.mu.Lock()
	delete(v.storage.attempts, a.id)
	v.storage.sealed[code] = kept
	v.storage.mu.Unlock()
	query := "code=" + kept.received + "&state=" + url.QueryEscape(a.asked.State)
	if kept.encryptKey != "" {
		query += "&encrypt_key=" + kept.encryptKey
	}
	back(w, r, a.asked.RedirectURI, query)
}

// guid is a random UUID.
func guid() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, crypto/rand
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// sealedToken redeems a code. It wants a form, and the secret in it.
func (v *VNeID) sealedToken(w http.ResponseWriter, r *http.Request) {
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/x-www-form-urlencoded" {
		writeJSON(w, http.StatusUnsupportedMediaType, map[string]string{"error": "invalid_request"})
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if r.ParseForm() != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "invalid_request"})
		return
	}
	who, known := v.sealedClient(r.PostForm.Get("client_id"))
	if !known || who.Secret != "" && !secretEqual(r.PostForm.Get("client_secret"), who.Secret) {
		writeJSON(w, http.StatusUnauthorized, map[string]string{"error": "invalid_client"})
		return
	}
	kept, ok := v.spendCode(r.PostForm.Get("code"))
	encryptKey := kept.encryptKey
	if v.on("v2_no_encrypt_key") {
		encryptKey = ""
	}
	if !ok || r.PostForm.Get("grant_type") != "authorization_code" || kept.clientID != who.ID ||
		kept.redirectURI != r.PostForm.Get("redirect_uri") || encryptKey != r.PostForm.Get("encrypt_key") {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant"})
		return
	}
	now, access := v.storage.now(), rand.Text()
	v.storage.mu.Lock()
	v.storage.sealed[access] = sealed{clientID: who.ID, subject: kept.subject, expires: now.Add(tokenLife)}
	v.storage.mu.Unlock()
	v.writeSealed(w, "v2_token", who.PublicKey, map[string]any{
		"access_token": access, "expires_in": int(tokenLife.Seconds()), "token_type": "Bearer", "scope": "openid",
	})
}

// spendCode finds what a code stands for and spends it, by its clear form or
// as the callback carried it, as the knob says.
func (v *VNeID) spendCode(given string) (sealed, bool) {
	asReceived := v.on("v2_code_received")
	v.storage.mu.Lock()
	defer v.storage.mu.Unlock()
	for code, kept := range v.storage.sealed {
		want := code
		if asReceived {
			want = kept.received
		}
		if kept.received != "" && given == want {
			delete(v.storage.sealed, code)
			return kept, v.storage.now().Before(kept.expires)
		}
	}
	return sealed{}, false
}

// sealedUserinfo tells who the person is.
func (v *VNeID) sealedUserinfo(w http.ResponseWriter, r *http.Request) {
	scheme, access, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	v.storage.mu.Lock()
	kept, ok := v.storage.sealed[access]
	v.storage.mu.Unlock()
	client, known := v.sealedClient(kept.clientID)
	who, found := persona(v.personas, func(p Persona) bool { return p.VNeID.Subject == kept.subject })
	if !strings.EqualFold(scheme, "Bearer") || !ok || kept.received != "" || !known || !found || !v.storage.now().Before(kept.expires) {
		writeJSON(w, http.StatusUnauthorized, map[string]string{"error": "invalid_token"})
		return
	}
	level := who.AccountLevel
	if other, err := strconv.Atoi(v.value("account_level")); err == nil {
		level = other
	}
	claims := map[string]any{
		"fullName": who.Name, "birthDate": who.BirthDate, "accountType": "person", "accountLevel": level,
	}
	if !v.on("no_citizen_number") {
		claims["citizenPid"] = who.CitizenNumber
	}
	v.writeSealed(w, "v2_userinfo", client.PublicKey, claims)
}

// writeSealed answers with an envelope, or in clear where the knob says so.
func (v *VNeID) writeSealed(w http.ResponseWriter, place string, to *rsa.PublicKey, value map[string]any) {
	if v.on(place + "_plain") {
		writeJSON(w, http.StatusOK, value)
		return
	}
	text, err := json.Marshal(value)
	if err == nil {
		var data, key string
		if data, key, err = v.seal(place, to, text); err == nil {
			writeJSON(w, http.StatusOK, map[string]string{"data": data, "key": key})
			return
		}
	}
	http.Error(w, "cannot encrypt", http.StatusInternalServerError)
}
