package vneidtest

import (
	"compress/gzip"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// AdversaryMarker is in every text that an Adversary chooses freely: it must
// reach no page of whoever signs in.
const AdversaryMarker = "KẺ-XẤU<script>"

// AdversaryConfig is what NewAdversary needs; issuer, client and persona are
// required.
type AdversaryConfig struct {
	Issuer, ClientID string
	Persona          Persona // whom it vouches for
	Raises           bool    // whether acr_values are granted, in acr
	// SignedInAgo is how long ago the person signed in there, as auth_time tells;
	// 0 tells none.
	SignedInAgo time.Duration
	// Refresh, where set, has refresh tokens given, the first due after a second,
	// and says what becomes of each refresh: "" is good, "sub" or "iss" tells of
	// somebody else's, "down" is 503, any other word is the error.
	Refresh func() string
	// Reauthenticates has them sign in again where max_age or prompt asks for it.
	Reauthenticates bool
}

// Adversary is an OpenID provider that does all as it should but for one
// attack, chosen by its name from AdversaryAttacks. It signs in whoever comes,
// without asking. Unlike VNeID it is written by hand throughout: what it does
// wrong no library would let it.
type Adversary struct {
	cfg    AdversaryConfig
	attack attack
	key    *rsa.PrivateKey // published as k1
	other  *rsa.PrivateKey // never published, but where an attack says so
	mux    *http.ServeMux

	mu     sync.Mutex
	nonces map[string]string // by code
	levels map[string]string // likewise, where acr_values are granted
	times  map[string]int64  // likewise, auth_time
	grant  string            // the one refresh token that is good now
}

// NewAdversary fails on an unknown attack; "" is none.
func NewAdversary(cfg AdversaryConfig, name string) (*Adversary, error) {
	a := &Adversary{cfg: cfg, mux: http.NewServeMux(), nonces: map[string]string{}, levels: map[string]string{}, times: map[string]int64{}}
	if name != "" {
		var known bool
		if a.attack, known = attacks()[name]; !known {
			return nil, errUnknown
		}
	}
	var err error
	if a.key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		return nil, err
	}
	if a.other, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		return nil, err
	}
	a.mux.HandleFunc("GET /.well-known/openid-configuration", a.reply("metadata", a.metadata))
	a.mux.HandleFunc("GET /keys", a.reply("keys", a.keys))
	a.mux.HandleFunc("GET /authorize", a.authorize)
	exchange := a.reply("token", a.token)
	a.mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		if cfg.Refresh != nil && r.PostFormValue("grant_type") == "refresh_token" {
			a.refresh(w, r)
			return
		}
		exchange(w, r)
	})
	a.mux.HandleFunc("GET /userinfo", a.reply("userinfo", a.userinfo))
	return a, nil
}

// ServeHTTP implements http.Handler.
func (a *Adversary) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

// reply answers JSON, or what the attack has in its place.
func (a *Adversary) reply(place string, good func(*http.Request) map[string]any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		members := good(r)
		if change := a.attack.members[place]; change != nil {
			change(a, members)
		}
		if instead := a.attack.instead[place]; instead != nil {
			instead(a, w, r, members)
			return
		}
		writeJSON(w, http.StatusOK, members)
	}
}

func (a *Adversary) metadata(*http.Request) map[string]any {
	return map[string]any{
		"issuer": a.cfg.Issuer, "authorization_endpoint": a.cfg.Issuer + "/authorize", "token_endpoint": a.cfg.Issuer + "/token",
		"userinfo_endpoint": a.cfg.Issuer + "/userinfo", "jwks_uri": a.cfg.Issuer + "/keys",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported":          []string{"RS256", "HS256", "none"},
		"authorization_response_iss_parameter_supported": true,
	}
}

func (a *Adversary) keys(*http.Request) map[string]any {
	return map[string]any{"keys": []any{jose.JSONWebKey{Key: &a.key.PublicKey, KeyID: "k1", Use: "sig", Algorithm: "RS256"}}}
}

func (a *Adversary) authorize(w http.ResponseWriter, r *http.Request) {
	asked := r.URL.Query()
	back, err := url.Parse(asked.Get("redirect_uri"))
	if err != nil {
		http.Error(w, "redirect_uri", http.StatusBadRequest)
		return
	}
	code := rand.Text()
	a.mu.Lock()
	a.nonces[code] = asked.Get("nonce")
	if a.cfg.Raises {
		a.levels[code] = asked.Get("acr_values")
	}
	if ago := a.cfg.SignedInAgo; ago > 0 {
		maxAge, err := strconv.Atoi(asked.Get("max_age"))
		if a.cfg.Reauthenticates && (asked.Get("prompt") == "login" || err == nil && ago > time.Duration(maxAge)*time.Second) {
			ago = 0
		}
		a.times[code] = time.Now().Add(-ago).Unix()
	}
	a.mu.Unlock()
	answer := url.Values{"code": {code}, "state": {asked.Get("state")}, "iss": {a.cfg.Issuer}}
	if a.attack.callback != nil {
		a.attack.callback(answer)
	}
	back.RawQuery = answer.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

func (a *Adversary) token(r *http.Request) map[string]any {
	a.mu.Lock()
	code := r.PostFormValue("code")
	nonce, level, signedIn := a.nonces[code], a.levels[code], a.times[code]
	a.mu.Unlock()
	now := time.Now()
	claims := map[string]any{
		"iss": a.cfg.Issuer, "sub": a.cfg.Persona.VNeID.Subject, "aud": a.cfg.ClientID, "nonce": nonce,
		"iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
	}
	if level != "" {
		claims["acr"] = level
	}
	if signedIn != 0 {
		claims["auth_time"] = signedIn
	}
	if a.attack.claims != nil {
		a.attack.claims(claims)
	}
	text := string(marshal(claims))
	if a.attack.payload != nil {
		text = a.attack.payload(text)
	}
	sign := sign(jose.RS256, a.key, "k1", nil)
	if a.attack.sign != nil {
		sign = a.attack.sign(a)
	}
	answer := map[string]any{"access_token": "access", "token_type": "Bearer", "expires_in": 300, "id_token": sign(text)}
	if a.cfg.Refresh != nil {
		answer["expires_in"], answer["refresh_token"] = 1, a.nextGrant()
	}
	return answer
}

func (a *Adversary) nextGrant() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.grant = rand.Text()
	return a.grant
}

// refresh answers by the word of AdversaryConfig.Refresh. A refresh token is
// good once.
func (a *Adversary) refresh(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	good := r.PostFormValue("refresh_token") == a.grant
	a.mu.Unlock()
	word := a.cfg.Refresh()
	if word == "" && !good {
		word = "invalid_grant"
	}
	now := time.Now()
	claims := map[string]any{
		"iss": a.cfg.Issuer, "sub": a.cfg.Persona.VNeID.Subject, "aud": a.cfg.ClientID,
		"iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
	}
	switch word {
	case "":
	case "sub", "iss":
		claims[word] = "https://another.invalid"
	case "down":
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	default:
		writeJSON(w, http.StatusBadRequest, map[string]any{"error": word})
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"access_token": "further", "token_type": "Bearer", "expires_in": 3600, "refresh_token": a.nextGrant(),
		"id_token": sign(jose.RS256, a.key, "k1", nil)(string(marshal(claims))),
	})
}

func (a *Adversary) userinfo(*http.Request) map[string]any {
	p := a.cfg.Persona
	return map[string]any{
		"sub": p.VNeID.Subject, "citizenPid": p.CitizenNumber, "name": p.Name, "birthdate": p.BirthDate,
		"accountLevel": p.AccountLevel,
	}
}

// sign signs a payload whatever it is.
func sign(algorithm jose.SignatureAlgorithm, key any, kid string, header map[string]any) func(string) string {
	return func(payload string) string {
		options := (&jose.SignerOptions{}).WithType("JWT")
		for name, value := range header {
			options.WithHeader(jose.HeaderKey(name), value)
		}
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, options)
		if err != nil {
			return err.Error()
		}
		jws, err := signer.Sign([]byte(payload))
		if err != nil {
			return err.Error()
		}
		compact, err := jws.CompactSerialize()
		if err != nil {
			return err.Error()
		}
		return compact
	}
}

func base64url(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// unending writes until the reader goes, at most a gigabyte.
func unending(w http.ResponseWriter, pause time.Duration) {
	w.Header().Set("Content-Type", "application/json")
	chunk := []byte(`{"a":"` + AdversaryMarker)
	for range 1 << 20 {
		if _, err := w.Write(chunk); err != nil {
			return
		}
		chunk = make([]byte, 1<<10)
		for i := range chunk {
			chunk[i] = 'a'
		}
		if pause > 0 {
			chunk = chunk[:1]
			_ = http.NewResponseController(w).Flush()
			time.Sleep(pause)
		}
	}
}

// inflating writes a megabyte in a kilobyte.
func inflating(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Encoding", "gzip")
	bomb := gzip.NewWriter(w)
	for range 1 << 10 {
		_, _ = bomb.Write(make([]byte, 1<<10))
	}
	_ = bomb.Close()
}

// rawPKCS1 signs what go-jose would not: any header.
func rawPKCS1(header string, key *rsa.PrivateKey) func(string) string {
	return func(payload string) string {
		input := base64url(header) + "." + base64url(payload)
		hash := crypto.SHA256.New()
		_, _ = hash.Write([]byte(input))
		signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, hash.Sum(nil))
		if err != nil {
			return err.Error()
		}
		return input + "." + base64.RawURLEncoding.EncodeToString(signature)
	}
}

func quoted(text string) string { return strconv.Quote(text) }

func redirectTo(place string) func(*Adversary, http.ResponseWriter, *http.Request, map[string]any) {
	return func(a *Adversary, w http.ResponseWriter, r *http.Request, members map[string]any) {
		if r.URL.Query().Has("again") {
			writeJSON(w, http.StatusOK, members)
			return
		}
		w.Header().Set("Location", fmt.Sprintf("%s/%s?again=", a.cfg.Issuer, place))
		w.WriteHeader(http.StatusTemporaryRedirect)
	}
}

func marshal(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		return []byte(quoted(err.Error()))
	}
	return text
}
