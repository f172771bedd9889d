package vneidtest

import (
	"crypto/x509"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// attack is one way to be wrong; what is nil is as it should be.
type attack struct {
	claims   func(map[string]any)     // of the ID token
	payload  func(good string) string // its text
	sign     func(*Adversary) func(string) string
	members  map[string]func(*Adversary, map[string]any) // of the answer at a place: metadata, keys, token, userinfo
	instead  map[string]func(*Adversary, http.ResponseWriter, *http.Request, map[string]any)
	callback func(url.Values)
}

// AdversaryAttacks are the names of the attacks, sorted.
func AdversaryAttacks() []string { return slices.Sorted(maps.Keys(attacks())) }

func attacks() map[string]attack {
	claim := func(name string, value any) attack {
		return attack{claims: func(c map[string]any) { c[name] = value }}
	}
	without := func(name string) attack {
		return attack{claims: func(c map[string]any) { delete(c, name) }}
	}
	member := func(place, name string, value any) attack {
		return attack{members: map[string]func(*Adversary, map[string]any){place: func(_ *Adversary, m map[string]any) { m[name] = value }}}
	}
	instead := func(place string, reply func(*Adversary, http.ResponseWriter, *http.Request, map[string]any)) attack {
		return attack{instead: map[string]func(*Adversary, http.ResponseWriter, *http.Request, map[string]any){place: reply}}
	}
	text := func(place string, change func(string) string) attack {
		return instead(place, func(_ *Adversary, w http.ResponseWriter, _ *http.Request, m map[string]any) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(change(string(marshal(m)))))
		})
	}
	twice := func(name string) func(string) string {
		return func(good string) string { return "{" + quoted(name) + ":" + quoted(AdversaryMarker) + "," + good[1:] }
	}
	in := func(from time.Duration) int64 { return time.Now().Add(from).Unix() }
	huge := strings.Repeat(AdversaryMarker, 1<<16)

	all := map[string]attack{
		// The ID token's claims.
		"iss of another":     claim("iss", "https://another.invalid/"+AdversaryMarker),
		"iss missing":        without("iss"),
		"aud of another":     claim("aud", AdversaryMarker),
		"aud with another":   {claims: func(c map[string]any) { c["aud"] = []any{c["aud"], "another"} }},
		"aud missing":        without("aud"),
		"azp of another":     claim("azp", AdversaryMarker),
		"nonce of another":   claim("nonce", AdversaryMarker),
		"nonce missing":      without("nonce"),
		"exp in the past":    claim("exp", in(-5*time.Minute)),
		"exp missing":        without("exp"),
		"iat in the future":  claim("iat", in(10*time.Minute)),
		"iat a week ago":     claim("iat", in(-7*24*time.Hour)),
		"iat missing":        without("iat"),
		"nbf in the future":  claim("nbf", in(10*time.Minute)),
		"at_hash of another": claim("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"),
		"sub missing":        without("sub"),
		"sub a number":       claim("sub", 7),
		"sub too long":       claim("sub", huge),
		"sub twice":          {payload: twice("sub")},
		// Its signature.
		"alg none": {sign: func(*Adversary) func(string) string {
			return func(payload string) string { return base64url(`{"alg":"none"}`) + "." + base64url(payload) + "." }
		}},
		"alg HS256 with the public key": {sign: func(a *Adversary) func(string) string {
			der, _ := x509.MarshalPKIXPublicKey(&a.key.PublicKey)
			return sign(jose.HS256, der, "k1", nil)
		}},
		"alg PS256, not offered": {sign: func(a *Adversary) func(string) string { return sign(jose.PS256, a.key, "k1", nil) }},
		"kid unknown":            {sign: func(a *Adversary) func(string) string { return sign(jose.RS256, a.key, AdversaryMarker, nil) }},
		"kid of another key":     {sign: func(a *Adversary) func(string) string { return sign(jose.RS256, a.other, "k1", nil) }},
		"kid twice": {
			sign: func(a *Adversary) func(string) string { return sign(jose.RS256, a.other, "k1", nil) },
			members: map[string]func(*Adversary, map[string]any){"keys": func(a *Adversary, m map[string]any) {
				m["keys"] = append(m["keys"].([]any), jose.JSONWebKey{Key: &a.other.PublicKey, KeyID: "k1", Use: "sig"})
			}},
		},
		"kid missing, two keys": {
			sign: func(a *Adversary) func(string) string { return sign(jose.RS256, a.other, "", nil) },
			members: map[string]func(*Adversary, map[string]any){"keys": func(a *Adversary, m map[string]any) {
				m["keys"] = append(m["keys"].([]any), jose.JSONWebKey{Key: &a.other.PublicKey, KeyID: "k2", Use: "sig"})
			}},
		},
		"signature missing": {sign: func(a *Adversary) func(string) string {
			return func(payload string) string {
				return base64url(`{"alg":"RS256","kid":"k1"}`) + "." + base64url(payload) + "."
			}
		}},
		"signature of noughts": {sign: func(a *Adversary) func(string) string {
			return func(payload string) string {
				return base64url(`{"alg":"RS256","kid":"k1"}`) + "." + base64url(payload) + "." + base64url(string(make([]byte, 256)))
			}
		}},
		"key for encryption": {members: map[string]func(*Adversary, map[string]any){"keys": func(a *Adversary, m map[string]any) {
			m["keys"] = []any{jose.JSONWebKey{Key: &a.key.PublicKey, KeyID: "k1", Use: "enc"}}
		}}},
		"auth_time a text": claim("auth_time", AdversaryMarker),
		"auth_time ahead":  claim("auth_time", in(10*time.Minute)),
		"key in the header": {sign: func(a *Adversary) func(string) string {
			key := marshal(jose.JSONWebKey{Key: &a.other.PublicKey, KeyID: "k9"})
			return rawPKCS1(`{"alg":"RS256","kid":"k9","jwk":`+string(key)+`}`, a.other)
		}},
		"key by jku": {sign: func(a *Adversary) func(string) string {
			return sign(jose.RS256, a.other, "k9", map[string]any{"jku": a.cfg.Issuer + "/keys"})
		}},
		"crit unknown": {sign: func(a *Adversary) func(string) string {
			return rawPKCS1(`{"alg":"RS256","kid":"k1","crit":["x"],"x":1}`, a.key)
		}},
		// The answers around it.
		"userinfo of another":          member("userinfo", "sub", "another"),
		"userinfo of nobody":           {members: map[string]func(*Adversary, map[string]any){"userinfo": func(_ *Adversary, m map[string]any) { delete(m, "sub") }}},
		"userinfo with sub twice":      text("userinfo", twice("sub")),
		"userinfo with number twice":   text("userinfo", twice("citizenPid")),
		"userinfo with a false number": member("userinfo", "citizenPid", AdversaryMarker),
		"userinfo no JSON":             text("userinfo", func(string) string { return "<html>" + AdversaryMarker }),
		"userinfo huge":                member("userinfo", "x", huge),
		"userinfo endless":             instead("userinfo", func(_ *Adversary, w http.ResponseWriter, _ *http.Request, _ map[string]any) { unending(w, 0) }),
		"userinfo dripping": instead("userinfo", func(_ *Adversary, w http.ResponseWriter, _ *http.Request, _ map[string]any) {
			unending(w, 20*time.Millisecond)
		}),
		"userinfo inflating": instead("userinfo", func(_ *Adversary, w http.ResponseWriter, _ *http.Request, _ map[string]any) {
			inflating(w)
		}),
		"userinfo redirecting":  instead("userinfo", redirectTo("userinfo")),
		"token twice":           text("token", twice("id_token")),
		"token of another type": member("token", "token_type", "mac"),
		"token missing":         {members: map[string]func(*Adversary, map[string]any){"token": func(_ *Adversary, m map[string]any) { delete(m, "id_token") }}},
		"token endless":         instead("token", func(_ *Adversary, w http.ResponseWriter, _ *http.Request, _ map[string]any) { unending(w, 0) }),
		"token dripping": instead("token", func(_ *Adversary, w http.ResponseWriter, _ *http.Request, _ map[string]any) {
			unending(w, 20*time.Millisecond)
		}),
		"token redirecting": instead("token", redirectTo("token")),
		"token inflating": instead("token", func(_ *Adversary, w http.ResponseWriter, _ *http.Request, _ map[string]any) {
			inflating(w)
		}),
		"token refused in its own words": instead("token", func(_ *Adversary, w http.ResponseWriter, _ *http.Request, _ map[string]any) {
			writeJSON(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant", "error_description": AdversaryMarker})
		}),
		"keys endless": instead("keys", func(_ *Adversary, w http.ResponseWriter, _ *http.Request, _ map[string]any) { unending(w, 0) }),
		"keys twice":   text("keys", func(good string) string { return `{"keys":[],` + good[1:] }),
		"keys dripping": instead("keys", func(_ *Adversary, w http.ResponseWriter, _ *http.Request, _ map[string]any) {
			unending(w, 20*time.Millisecond)
		}),
		"keys redirecting": instead("keys", redirectTo("keys")),
		"keys private": {
			sign: func(a *Adversary) func(string) string {
				return sign(jose.HS256, []byte("thirty-two bytes known to us all"), "k1", nil)
			},
			members: map[string]func(*Adversary, map[string]any){"keys": func(_ *Adversary, m map[string]any) {
				m["keys"] = []any{map[string]any{"kty": "oct", "kid": "k1", "k": base64url("thirty-two bytes known to us all")}}
			}},
		},
		"metadata of another":        member("metadata", "issuer", "https://another.invalid"),
		"metadata to another host":   member("metadata", "token_endpoint", "http://127.0.0.2:1/token"),
		"metadata to a file":         member("metadata", "jwks_uri", "file:///etc/passwd"),
		"metadata twice":             text("metadata", twice("issuer")),
		"metadata endless":           instead("metadata", func(_ *Adversary, w http.ResponseWriter, _ *http.Request, _ map[string]any) { unending(w, 0) }),
		"metadata inflating":         instead("metadata", func(_ *Adversary, w http.ResponseWriter, _ *http.Request, _ map[string]any) { inflating(w) }),
		"metadata redirecting":       instead("metadata", redirectTo(".well-known/openid-configuration")),
		"metadata with no algorithm": member("metadata", "id_token_signing_alg_values_supported", []string{"none", "HS256"}),
		// The browser's way back.
		"callback of another issuer": {callback: func(q url.Values) { q.Set("iss", "https://another.invalid") }},
		"callback of no issuer":      {callback: func(q url.Values) { q.Del("iss") }},
		"callback with two codes":    {callback: func(q url.Values) { q.Add("code", "x") }},
		"callback without a code":    {callback: func(q url.Values) { q.Del("code") }},
		"callback with an unknown error": {callback: func(q url.Values) {
			q.Del("code")
			q.Set("error", "something_else")
			q.Set("error_description", AdversaryMarker)
		}},
		"callback with an error of its own": {callback: func(q url.Values) {
			q.Del("code")
			q.Set("error", AdversaryMarker)
			q.Set("error_description", AdversaryMarker)
			q.Set("error_uri", "https://another.invalid/"+AdversaryMarker)
		}},
	}
	return all
}
