package vneid_test

import (
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/vneid"
	"vneid-proxy/identity"
)

func TestRedeem(t *testing.T) {
	p := newProvider(t)
	got, err := p.party(t).Redeem(t.Context(), p.attempt, p.callback())
	require.NoError(t, err)
	vouched, err := identity.VouchedCitizenNumber(number)
	require.NoError(t, err)
	assert.Equal(t, identity.Citizen{
		Provider: "vneid", Subject: subject, Number: vouched, Name: "Nguyễn Thị Ví Dụ",
		BirthDate: identity.BirthDate{Year: 2002, Month: 3, Day: 4}, AccountLevel: 2, AuthenticationLevel: "2",
		AccountType: "1", PreferredUsername: "vidu", Email: "vidu@example.vn",
	}, got.Citizen)
	assert.Equal(t, "s1", got.SID)
	assert.Len(t, strings.Split(got.IDToken, "."), 3)
	assert.Less(t, got.Skew.Abs(), 10*time.Second)
}

// What differs between providers and must not matter.
func TestRedeemAccepts(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	edPublic, ed, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	for name, change := range map[string]func(*provider){
		"audience as array":            func(p *provider) { p.idToken["aud"] = []string{clientID}; p.idToken["azp"] = clientID },
		"claims in the ID token alone": func(p *provider) { delete(p.metadata, "userinfo_endpoint"); move(p.idToken, p.person) },
		"claims in both":               func(p *provider) { move(p.idToken, p.person) },
		"null in the ID token":         func(p *provider) { p.idToken["citizenPid"] = nil },
		"level as text":                func(p *provider) { p.person["accountLevel"] = "2" },
		"iss not advertised, not sent": func(p *provider) { delete(p.metadata, "authorization_response_iss_parameter_supported") },
		"no kid, one key":              func(p *provider) { p.sign = signer(jose.RS256, rsaKey(), "", nil) },
		"unknown kinds of key beside": func(p *provider) {
			p.published.Store(&[]any{claims{"kty": "XYZ"}, "x", jwk(&rsaKey().PublicKey, "k1")})
		},
		"a clock 50 s ahead":      func(p *provider) { p.idToken["iat"] = time.Now().Add(50 * time.Second).Unix() },
		"a clock 50 s behind":     func(p *provider) { p.idToken["iat"] = time.Now().Add(-50 * time.Second).Unix() },
		"expired within the skew": func(p *provider) { p.idToken["exp"] = time.Now().Add(-50 * time.Second).Unix() },
		"lives for a few seconds": func(p *provider) { p.idToken["exp"] = time.Now().Add(5 * time.Second).Unix() },
		"valid in 50 s":           func(p *provider) { p.idToken["nbf"] = time.Now().Add(50 * time.Second).Unix() },
		"fractions of a second":   func(p *provider) { p.idToken["iat"] = float64(time.Now().UnixMilli()) / 1000 },
		"at_hash":                 func(p *provider) { p.idToken["at_hash"] = halfHash(accessToken) },
		"jku ignored":             func(p *provider) { p.sign = signer(jose.RS256, rsaKey(), "k1", claims{"jku": p.URL + "/evil"}) },
		"year of birth alone":     func(p *provider) { p.person["birthdate"] = "2002" },
		"keys as jwk-set": func(p *provider) {
			p.replies["/jwks"] = as("application/jwk-set+json", text(claims{"keys": *p.published.Load()}))
		},
		"ES256": func(p *provider) {
			p.metadata["id_token_signing_alg_values_supported"] = []string{"RS256", "ES256"}
			p.published.Store(&[]any{jwk(&rsaKey().PublicKey, "k1"), jwk(&ec.PublicKey, "k2")})
			p.sign = signer(jose.ES256, ec, "k2", nil)
		},
		"EdDSA": func(p *provider) {
			p.metadata["id_token_signing_alg_values_supported"] = []string{"EdDSA"}
			p.published.Store(&[]any{jwk(edPublic, "k3")})
			p.sign = signer(jose.EdDSA, ed, "k3", nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			change(p)
			got, err := p.party(t).Redeem(t.Context(), p.attempt, p.callback())
			require.NoError(t, err)
			assert.Equal(t, number, got.Citizen.Number.Reveal())
		})
	}
}

// halfHash is at_hash for the SHA-256 family (OpenID Connect Core 3.1.3.6).
func halfHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return b64(string(sum[:16]))
}

func move(into, from claims) {
	for name, value := range from {
		into[name] = value
	}
}

func as(media, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", media)
		_, _ = io.WriteString(w, body)
	}
}

func status(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

// raw is an ID token whose payload is text, after the good claims.
func raw(p *provider, payload func(good string) string) {
	sign := p.sign
	p.sign = func(good []byte) string { return sign([]byte(payload(string(good)))) }
}

func with(name string, value any) func(*provider) {
	return func(p *provider) { p.idToken[name] = value }
}

func without(name string) func(*provider) {
	return func(p *provider) { delete(p.idToken, name) }
}

func person(name string, value any) func(*provider) {
	return func(p *provider) { p.person[name] = value }
}

func metadata(name string, value any) func(*provider) {
	return func(p *provider) { p.metadata[name] = value }
}

func replies(path string, reply http.HandlerFunc) func(*provider) {
	return func(p *provider) { p.replies[path] = reply }
}

// TestRedeemRefuses has one row for each way in which a provider lies.
func TestRedeemRefuses(t *testing.T) {
	now := time.Now()
	hs256 := func(p *provider) {
		der, err := x509.MarshalPKIXPublicKey(&rsaKey().PublicKey)
		require.NoError(t, err)
		p.sign = signer(jose.HS256, der, "k1", nil)
	}
	const discovery, jwks, token, userinfo = "/.well-known/openid-configuration", "/jwks", "/token", "/userinfo"
	for name, test := range map[string]struct {
		change func(*provider)
		kind   error
		reason vneid.Reason
	}{
		"wrong iss":           {with("iss", "https://evil.example"), vneid.ErrProtocol, "iss"},
		"iss with a slash":    {func(p *provider) { p.idToken["iss"] = p.URL + "/" }, vneid.ErrProtocol, "iss"},
		"no iss":              {without("iss"), vneid.ErrProtocol, "iss"},
		"wrong aud":           {with("aud", "other"), vneid.ErrProtocol, "aud"},
		"an audience more":    {func(p *provider) { with("aud", []string{clientID, "other"})(p); with("azp", clientID)(p) }, vneid.ErrProtocol, "aud"},
		"no audience":         {with("aud", []string{}), vneid.ErrProtocol, "aud"},
		"aud missing":         {without("aud"), vneid.ErrProtocol, "aud"},
		"aud of numbers":      {with("aud", []any{clientID, 1}), vneid.ErrProtocol, "aud"},
		"aud nested":          {with("aud", []any{[]string{clientID}}), vneid.ErrProtocol, "aud"},
		"azp of another":      {with("azp", "other"), vneid.ErrProtocol, "azp"},
		"nonce of another":    {with("nonce", "x"), vneid.ErrProtocol, "nonce"},
		"no nonce":            {without("nonce"), vneid.ErrProtocol, "nonce"},
		"expired":             {with("exp", now.Add(-2*time.Minute).Unix()), vneid.ErrProtocol, "exp"},
		"no exp":              {without("exp"), vneid.ErrProtocol, "exp"},
		"exp beyond reason":   {with("exp", 1e18), vneid.ErrProtocol, "exp"},
		"exp as text":         {with("exp", "99999999999"), vneid.ErrProtocol, "id_token_malformed"},
		"iat in the future":   {with("iat", now.Add(2*time.Minute).Unix()), vneid.ErrProtocol, "iat"},
		"iat last week":       {with("iat", now.Add(-7*24*time.Hour).Unix()), vneid.ErrProtocol, "iat"},
		"no iat":              {without("iat"), vneid.ErrProtocol, "iat"},
		"nbf in the future":   {with("nbf", now.Add(2*time.Minute).Unix()), vneid.ErrProtocol, "nbf"},
		"no sub":              {without("sub"), vneid.ErrProtocol, "sub"},
		"null sub":            {with("sub", nil), vneid.ErrProtocol, "sub"},
		"sub as number":       {with("sub", 7), vneid.ErrProtocol, "id_token_malformed"},
		"sub too long":        {with("sub", strings.Repeat("x", 256)), vneid.ErrProtocol, "sub"},
		"sub with a line end": {with("sub", "a\r\nb"), vneid.ErrProtocol, "sub"},
		"at_hash of another":  {with("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"), vneid.ErrProtocol, "at_hash"},
		"members twice":       {func(p *provider) { raw(p, func(s string) string { return `{"sub":"eve",` + s[1:] }) }, vneid.ErrProtocol, "id_token_malformed"},
		"claims twice":        {func(p *provider) { raw(p, func(s string) string { return `{"x":1,"x":2,` + s[1:] }) }, vneid.ErrProtocol, "id_token_malformed"},
		"members folded":      {func(p *provider) { raw(p, func(s string) string { return strings.Replace(s, `"sub"`, `"Sub"`, 1) }) }, vneid.ErrProtocol, "sub"},
		"trailing data":       {func(p *provider) { raw(p, func(s string) string { return s + "{}" }) }, vneid.ErrProtocol, "id_token_malformed"},
		"payload no object":   {func(p *provider) { raw(p, func(string) string { return `[]` }) }, vneid.ErrProtocol, "id_token_malformed"},
		"payload null":        {func(p *provider) { raw(p, func(string) string { return `null` }) }, vneid.ErrProtocol, "iss"},
		"alg none": {func(p *provider) {
			p.sign = func(b []byte) string { return b64(`{"alg":"none"}`) + "." + b64(string(b)) + "." }
		}, vneid.ErrProtocol, "algorithm"},
		"HS256 by public key": {hs256, vneid.ErrProtocol, "algorithm"},
		"PS256 not offered":   {func(p *provider) { p.sign = signer(jose.PS256, rsaKey(), "k1", nil) }, vneid.ErrProtocol, "algorithm"},
		"another's key":       {func(p *provider) { p.sign = signer(jose.RS256, otherKey(), "k1", nil) }, vneid.ErrProtocol, "signature"},
		"unknown kid":         {func(p *provider) { p.sign = signer(jose.RS256, otherKey(), "k9", nil) }, vneid.ErrProtocol, "key"},
		"no kid, two keys": {func(p *provider) {
			p.published.Store(&[]any{jwk(&rsaKey().PublicKey, "a"), jwk(&otherKey().PublicKey, "b")})
			p.sign = signer(jose.RS256, rsaKey(), "", nil)
		}, vneid.ErrProtocol, "key"},
		"key in the header": {embedded, vneid.ErrProtocol, "signature"},
		"key behind jku":    {behindJKU, vneid.ErrProtocol, "key"},
		"weak key": {func(p *provider) {
			p.published.Store(&[]any{jwk(&weakKey().PublicKey, "k1")})
			p.sign = rawSigner(`{"alg":"RS256","kid":"k1"}`, weakKey())
		}, vneid.ErrProtocol, "key"},
		"key for encryption": {func(p *provider) {
			p.published.Store(&[]any{jose.JSONWebKey{Key: &rsaKey().PublicKey, KeyID: "k1", Use: "enc"}})
		}, vneid.ErrProtocol, "key"},
		"key for PS256": {func(p *provider) {
			p.published.Store(&[]any{jose.JSONWebKey{Key: &rsaKey().PublicKey, KeyID: "k1", Algorithm: "PS256"}})
		}, vneid.ErrProtocol, "key"},
		"unknown crit": {func(p *provider) { p.sign = rawSigner(`{"alg":"RS256","kid":"k1","crit":["x"],"x":1}`, rsaKey()) }, vneid.ErrProtocol, "signature"},
		"no JWS":       {func(p *provider) { p.sign = func([]byte) string { return "garbage" } }, vneid.ErrProtocol, "id_token_malformed"},
		"no ID token":  {func(p *provider) { p.sign = func([]byte) string { return "" } }, vneid.ErrProtocol, "id_token_missing"},
		"five parts":   {func(p *provider) { p.sign = func([]byte) string { return "a.b.c.d.e" } }, vneid.ErrProtocol, "id_token_malformed"},

		"code refused": {func(p *provider) {
			p.attempt.Verifier = "x" + p.attempt.Verifier
			p.replies[token] = status(400, `{"error":"invalid_grant","error_description":"`+number+`"}`)
		}, vneid.ErrProtocol, "code"},
		"client refused":      {replies(token, status(401, `{"error":"invalid_client"}`)), vneid.ErrProtocol, "client"},
		"client refused, 400": {replies(token, status(400, `{"error":"unauthorized_client"}`)), vneid.ErrProtocol, "client"},
		"token 500":           {replies(token, status(500, number)), vneid.ErrUnavailable, "token_unavailable"},
		"token 404":           {replies(token, status(404, number)), vneid.ErrProtocol, "token_refused"},
		"token redirects":     {replies(token, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", 307) }), vneid.ErrProtocol, "token_refused"},
		"token huge":          {replies(token, huge), vneid.ErrProtocol, "token_too_large"},
		"token gzip":          {replies(token, gzipped), vneid.ErrProtocol, "token_malformed"},
		"token html":          {replies(token, as("text/html", `{"access_token":"a","token_type":"Bearer"}`)), vneid.ErrProtocol, "token_malformed"},
		"token form":          {replies(token, as("application/x-www-form-urlencoded", `access_token=a&token_type=Bearer`)), vneid.ErrProtocol, "token_malformed"},
		"token garbage":       {replies(token, as("application/json", `{`)), vneid.ErrProtocol, "token_malformed"},
		"token empty":         {replies(token, as("application/json", `{}`)), vneid.ErrProtocol, "token_malformed"},
		"token folded":        {replies(token, as("application/json", `{"Access_Token":"a","token_type":"Bearer"}`)), vneid.ErrProtocol, "token_malformed"},
		"token twice": {func(p *provider) {
			p.tokenReply = func(s string) string {
				return `{"access_token":"a","access_token":"b","token_type":"Bearer","id_token":"` + s + `"}`
			}
		}, vneid.ErrProtocol, "token_malformed"},
		"token trailing": {func(p *provider) {
			reply := p.tokenReply
			p.tokenReply = func(s string) string { return reply(s) + "1" }
		}, vneid.ErrProtocol, "token_malformed"},
		"token of another use": {replies(token, as("application/json", `{"access_token":"a","token_type":"DPoP"}`)), vneid.ErrProtocol, "token_malformed"},
		"token breaks header":  {replies(token, as("application/json", `{"access_token":"a\r\nb","token_type":"Bearer"}`)), vneid.ErrProtocol, "token_malformed"},

		"userinfo of another":   {person("sub", "eve"), vneid.ErrProtocol, "userinfo_sub"},
		"userinfo of nobody":    {func(p *provider) { delete(p.person, "sub") }, vneid.ErrProtocol, "userinfo_sub"},
		"userinfo sub folded":   {func(p *provider) { delete(p.person, "sub"); p.person["SUB"] = subject }, vneid.ErrProtocol, "userinfo_sub"},
		"userinfo refused":      {replies(userinfo, status(401, ``)), vneid.ErrProtocol, "userinfo_refused"},
		"userinfo 503":          {replies(userinfo, status(503, ``)), vneid.ErrUnavailable, "userinfo_unavailable"},
		"userinfo huge":         {replies(userinfo, huge), vneid.ErrProtocol, "userinfo_too_large"},
		"userinfo gzip":         {replies(userinfo, gzipped), vneid.ErrProtocol, "userinfo_malformed"},
		"userinfo signed":       {replies(userinfo, as("application/jwt", `a.b.c`)), vneid.ErrProtocol, "userinfo_malformed"},
		"userinfo html":         {replies(userinfo, as("text/html", text(claims{"sub": subject}))), vneid.ErrProtocol, "userinfo_malformed"},
		"userinfo twice":        {replies(userinfo, as("application/json", `{"sub":"`+subject+`","citizenPid":"099202000345","citizenPid":"099202000999"}`)), vneid.ErrProtocol, "userinfo_malformed"},
		"userinfo trailing":     {replies(userinfo, as("application/json", `{"sub":"`+subject+`"} {}`)), vneid.ErrProtocol, "userinfo_malformed"},
		"userinfo redirects":    {replies(userinfo, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", 302) }), vneid.ErrProtocol, "userinfo_refused"},
		"two numbers":           {with("citizenPid", "099202000999"), vneid.ErrProtocol, "number"},
		"no number":             {func(p *provider) { delete(p.person, "citizenPid") }, vneid.ErrProtocol, "number"},
		"number folded":         {func(p *provider) { delete(p.person, "citizenPid"); p.person["citizenpid"] = number }, vneid.ErrProtocol, "number"},
		"number as number":      {person("citizenPid", 99202000345), vneid.ErrProtocol, "number"},
		"number of nine digits": {person("citizenPid", "099202000"), vneid.ErrProtocol, "number"},
		"number with blank":     {person("citizenPid", "099 202000345"), vneid.ErrProtocol, "number"},
		"number full-width":     {person("citizenPid", "０99202000345"), vneid.ErrProtocol, "number"},
		"name as list":          {person("name", []string{"Ví Dụ"}), vneid.ErrProtocol, "claims"},
		"name breaks header":    {person("name", "Ví Dụ\r\nX-Identity-Name: Eve"), vneid.ErrProtocol, "claims"},
		"name too long":         {person("name", strings.Repeat("Ví Dụ ", 60)), vneid.ErrProtocol, "claims"},
		"level 1":               {person("accountLevel", 1), vneid.ErrLevel, "account_level"},
		"level missing":         {func(p *provider) { delete(p.person, "accountLevel") }, vneid.ErrLevel, "account_level"},
		"level of fractions":    {person("accountLevel", 2.5), vneid.ErrProtocol, "claims"},
		"level negative":        {person("accountLevel", -2), vneid.ErrProtocol, "claims"},
		"level in words":        {person("accountLevel", "high"), vneid.ErrProtocol, "claims"},
		"level true":            {person("accountLevel", true), vneid.ErrProtocol, "claims"},

		"keys 500":               {replies(jwks, status(500, ``)), vneid.ErrUnavailable, "keys_unavailable"},
		"keys huge":              {replies(jwks, huge), vneid.ErrProtocol, "keys_too_large"},
		"keys twice":             {replies(jwks, as("application/json", `{"keys":[],"keys":[]}`)), vneid.ErrProtocol, "keys_malformed"},
		"no keys":                {replies(jwks, as("application/json", `{}`)), vneid.ErrProtocol, "key"},
		"discovery 404":          {replies(discovery, status(404, ``)), vneid.ErrProtocol, "discovery_refused"},
		"discovery html":         {replies(discovery, as("text/html", `<html>`)), vneid.ErrProtocol, "discovery_malformed"},
		"discovery of another":   {metadata("issuer", "https://evil.example"), vneid.ErrProtocol, "discovery"},
		"discovery leads abroad": {metadata("token_endpoint", "https://evil.example/token"), vneid.ErrProtocol, "discovery"},
		"keys abroad":            {metadata("jwks_uri", "http://127.0.0.1:1/jwks"), vneid.ErrProtocol, "discovery"},
		"no token endpoint":      {metadata("token_endpoint", nil), vneid.ErrProtocol, "discovery"},
		"address with user": {func(p *provider) {
			p.metadata["token_endpoint"] = strings.Replace(p.URL, "http://", "http://u:p@", 1) + "/token"
		}, vneid.ErrProtocol, "discovery"},
		"only HS256": {metadata("id_token_signing_alg_values_supported", []string{"HS256", "none"}), vneid.ErrProtocol, "discovery"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			test.change(p)
			got, err := p.party(t).Redeem(t.Context(), p.attempt, p.callback())
			require.ErrorIs(t, err, test.kind)
			assert.Equal(t, test.reason, vneid.ReasonOf(err))
			assert.Zero(t, got)
			assert.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, err), number)
			assert.NotContains(t, err.Error(), "127.0.0.1")
		})
	}
}

func embedded(p *provider) {
	public, err := (&jose.JSONWebKey{Key: &otherKey().PublicKey, KeyID: "k1"}).MarshalJSON()
	if err != nil {
		panic(err)
	}
	p.sign = rawSigner(`{"alg":"RS256","kid":"k1","jwk":`+string(public)+`}`, otherKey())
}

// The key that the header points to would verify: nobody may ask for it.
func behindJKU(p *provider) {
	p.replies["/evil"] = func(http.ResponseWriter, *http.Request) { panic("jku was followed") }
	p.sign = signer(jose.RS256, otherKey(), "evil", claims{"jku": p.URL + "/evil", "x5u": p.URL + "/evil"})
}

func huge(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"sub":"`+strings.Repeat("x", 300<<10)+`"}`)
}

func gzipped(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Encoding", "gzip")
	z := gzip.NewWriter(w)
	_, _ = io.WriteString(z, `{"sub":"`+subject+`","access_token":"a","token_type":"Bearer"}`)
	_ = z.Close()
}
