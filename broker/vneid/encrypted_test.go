package vneid_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/vneid"
	"vneid-proxy/identity"
)

func TestEncryptedRedeem(t *testing.T) {
	w := newWire(t)
	got, err := w.party(t).Redeem(t.Context(), w.attempt, w.callback)
	require.NoError(t, err)
	vouched, err := identity.VouchedCitizenNumber(number)
	require.NoError(t, err)
	assert.Equal(t, vneid.Identity{Citizen: identity.Citizen{
		Provider: "vneid", Subject: number, Number: vouched, Name: "Nguyễn Thị Ví Dụ",
		BirthDate: identity.BirthDate{Year: 2002, Month: 3, Day: 4}, AccountLevel: 2, AccountType: "1",
	}}, got)
	assert.Equal(t, url.Values{
		"grant_type": {"authorization_code"}, "code": {sealedCode}, "encrypt_key": {w.callback.EncryptKey},
		"client_id": {clientID}, "client_secret": {clientSecret}, "redirect_uri": {callbackURL},
	}, w.form)
	assert.False(t, w.basic)
	assert.Equal(t, 1, w.exchanges, "a guess would spend the code")
}

func TestEncryptedRedeemQuery(t *testing.T) {
	w := newWire(t)
	query := "code=" + w.callback.Code + "&state=" + w.attempt.State + "&encrypt_key=" + w.callback.EncryptKey
	got, err := w.party(t).RedeemQuery(t.Context(), w.attempt, query)
	require.NoError(t, err)
	assert.Equal(t, number, got.Citizen.Subject)
}

func TestEncryptedAuthURL(t *testing.T) {
	w := newWire(t)
	party := w.party(t, func(c *vneid.EncryptedConfig) { c.AuthorizeURL += "?tenant=1" })
	address, err := party.AuthURL(t.Context(), w.attempt)
	require.NoError(t, err)
	u, err := url.Parse(address)
	require.NoError(t, err)
	assert.Equal(t, w.URL+"/authorize", u.Scheme+"://"+u.Host+u.Path)
	assert.Equal(t, url.Values{
		"tenant": {"1"}, "response_type": {"code"}, "client_id": {clientID}, "redirect_uri": {callbackURL},
		"scope": {"openid"}, "state": {w.attempt.State},
	}, u.Query(), "no nonce, no PKCE, no prompt")

	w.attempt.Spent = true
	_, err = party.AuthURL(t.Context(), w.attempt)
	assert.Equal(t, vneid.ReasonAttempt, vneid.ReasonOf(err))
	assert.Equal(t, "vneid", party.Name())
	assert.Equal(t, "VNeID", party.Title())
	assert.Equal(t, []string{w.URL}, party.Origins())
	_, ok := party.EndSessionURL(t.Context(), "i.d.t", "s")
	assert.False(t, ok)
}

// Where VNeID's document is not known for certain, a setting decides.
func TestEncryptedSettings(t *testing.T) {
	sealAll := func(w *wire, aesBytes int, cbc bool) {
		l := seal(rsaKey(), sealedCode, aesBytes, cbc)
		w.callback.Code, w.callback.EncryptKey = b64std(l.data), b64std(l.key)
		w.token, w.person = says(seal(rsaKey(), tokenText, aesBytes, cbc).body()), says(seal(rsaKey(), personText, aesBytes, cbc).body())
	}
	for name, test := range map[string]struct {
		wire   func(*wire)
		config func(*vneid.EncryptedConfig)
		sent   func(w *wire) (code, encryptKey string)
	}{
		"cbc": {
			func(w *wire) { sealAll(w, 32, true) }, func(c *vneid.EncryptedConfig) { c.Cipher = "cbc" },
			func(w *wire) (string, string) { return sealedCode, w.callback.EncryptKey },
		},
		"short keys": {
			func(w *wire) { sealAll(w, 16, false) }, func(c *vneid.EncryptedConfig) { c.KeyBytes = 16 },
			func(w *wire) (string, string) { return sealedCode, w.callback.EncryptKey },
		},
		"code as received": {
			func(w *wire) { w.any = true }, func(c *vneid.EncryptedConfig) { c.CodeAsReceived = true },
			func(w *wire) (string, string) { return w.callback.Code, w.callback.EncryptKey },
		},
		"encrypt_key omitted": {
			func(w *wire) { w.any = true }, func(c *vneid.EncryptedConfig) { c.OmitEncryptKey = true },
			func(*wire) (string, string) { return sealedCode, "" },
		},
		"all in clear, allowed": {
			func(w *wire) {
				w.callback.Code, w.callback.EncryptKey = sealedCode, ""
				w.token, w.person = says(tokenText), says(personText)
			},
			func(c *vneid.EncryptedConfig) { c.Optional = true },
			func(*wire) (string, string) { return sealedCode, "" },
		},
		"clear allowed, but sealed": {
			func(*wire) {}, func(c *vneid.EncryptedConfig) { c.Optional = true },
			func(w *wire) (string, string) { return sealedCode, w.callback.EncryptKey },
		},
		"the first key": {
			func(*wire) {}, func(c *vneid.EncryptedConfig) { c.Keys = []*rsa.PrivateKey{rsaKey(), otherKey()} },
			func(w *wire) (string, string) { return sealedCode, w.callback.EncryptKey },
		},
		"names of claims": {
			func(w *wire) {
				w.person = says(seal(rsaKey(), `{"SoDinhDanh":"099202000345","HoVaTen":"Nguyễn Thị Ví Dụ","ngaySinh":"20020304","IAL":2}`, 32, false).body())
			},
			func(c *vneid.EncryptedConfig) {
				c.Claims = vneid.Claims{Number: "SoDinhDanh", Name: "HoVaTen", BirthDate: "ngaySinh", AccountLevel: "IAL"}
			},
			func(w *wire) (string, string) { return sealedCode, w.callback.EncryptKey },
		},
		"a secret that changes": {
			func(*wire) {}, func(c *vneid.EncryptedConfig) {
				c.ClientSecret, c.Secret = "old", func() string { return clientSecret }
			},
			func(w *wire) (string, string) { return sealedCode, w.callback.EncryptKey },
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWire(t)
			test.wire(w)
			got, err := w.party(t, test.config).Redeem(t.Context(), w.attempt, w.callback)
			require.NoError(t, err)
			assert.Equal(t, number, got.Citizen.Subject)
			assert.Equal(t, "Nguyễn Thị Ví Dụ", got.Citizen.Name)
			assert.Equal(t, identity.BirthDate{Year: 2002, Month: 3, Day: 4}, got.Citizen.BirthDate)
			code, encryptKey := test.sent(w)
			assert.Equal(t, code, w.form.Get("code"))
			assert.Equal(t, encryptKey, w.form.Get("encrypt_key"))
			assert.Equal(t, encryptKey != "", w.form.Has("encrypt_key"))
			assert.Equal(t, clientSecret, w.form.Get("client_secret"))
			rsaCalls, aesCalls, tokenCalls := w.work()
			assert.Equal(t, []int64{6, 6, 1}, []int64{rsaCalls, aesCalls, tokenCalls})
		})
	}
}

// What is decided before anything is decrypted, and what is no fault of an
// envelope.
func TestEncryptedOtherRefusals(t *testing.T) {
	sealed := func(clear string) http.HandlerFunc { return says(seal(rsaKey(), clear, 32, false).body()) }
	for name, test := range map[string]struct {
		change func(*wire)
		kind   error
		reason vneid.Reason
		free   bool // nothing is decrypted or sent
	}{
		"another state":    {func(w *wire) { w.callback.State = "x" }, vneid.ErrProtocol, "attempt", true},
		"a spent attempt":  {func(w *wire) { w.attempt.Spent = true }, vneid.ErrProtocol, "attempt", true},
		"another provider": {func(w *wire) { w.attempt.Provider = "portal" }, vneid.ErrProtocol, "attempt", true},
		"cancelled":        {func(w *wire) { w.callback.Error = "access_denied" }, vneid.ErrCancelled, "access_denied", true},
		"an error":         {func(w *wire) { w.callback.Error = "invalid_scope" }, vneid.ErrProtocol, "provider_error", true},
		"an outage":        {func(w *wire) { w.callback.Error = "temporarily_unavailable" }, vneid.ErrUnavailable, "provider_error", true},

		"client refused":      {func(w *wire) { w.token = status(401, `{"error":"invalid_client"}`) }, vneid.ErrProtocol, "client", false},
		"address not allowed": {func(w *wire) { w.token = status(403, ``) }, vneid.ErrProtocol, "client", false},
		"token 500":           {func(w *wire) { w.token = status(500, number) }, vneid.ErrUnavailable, "token_unavailable", false},
		"token 404":           {func(w *wire) { w.token = status(404, ``) }, vneid.ErrProtocol, "token_refused", false},
		"token redirects": {func(w *wire) {
			w.token = func(out http.ResponseWriter, r *http.Request) { http.Redirect(out, r, "/elsewhere", 307) }
		}, vneid.ErrProtocol, "token_refused", false},
		"userinfo 401":       {func(w *wire) { w.person = status(401, ``) }, vneid.ErrProtocol, "userinfo_refused", false},
		"userinfo 503":       {func(w *wire) { w.person = status(503, ``) }, vneid.ErrUnavailable, "userinfo_unavailable", false},
		"no number":          {func(w *wire) { w.person = sealed(`{"fullName":"A","accountLevel":2}`) }, vneid.ErrProtocol, "number", false},
		"number folded":      {func(w *wire) { w.person = sealed(`{"CitizenPid":"` + number + `","accountLevel":2}`) }, vneid.ErrProtocol, "number", false},
		"number as number":   {func(w *wire) { w.person = sealed(`{"citizenPid":99202000345,"accountLevel":2}`) }, vneid.ErrProtocol, "number", false},
		"number of nine":     {func(w *wire) { w.person = sealed(`{"citizenPid":"099202000","accountLevel":2}`) }, vneid.ErrProtocol, "number", false},
		"name breaks header": {func(w *wire) { w.person = sealed(`{"citizenPid":"` + number + `","fullName":"A\r\nX: y"}`) }, vneid.ErrProtocol, "claims", false},
		"level 1":            {func(w *wire) { w.person = sealed(`{"citizenPid":"` + number + `","accountLevel":1}`) }, vneid.ErrLevel, "account_level", false},
		"no level":           {func(w *wire) { w.person = sealed(`{"citizenPid":"` + number + `"}`) }, vneid.ErrLevel, "account_level", false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWire(t)
			test.change(w)
			party := w.party(t)
			got, err := party.Redeem(t.Context(), w.attempt, w.callback)
			require.ErrorIs(t, err, test.kind)
			assert.Equal(t, test.reason, vneid.ReasonOf(err))
			assert.Zero(t, got)
			assert.NotContains(t, err.Error(), number)
			assert.NotContains(t, err.Error(), "127.0.0.1")
			rsaCalls, aesCalls, tokenCalls := w.work()
			if test.free {
				assert.Zero(t, rsaCalls+aesCalls+tokenCalls)
				return
			}
			assert.Equal(t, []int64{6, 6, 1}, []int64{rsaCalls, aesCalls, tokenCalls})
			assert.Equal(t, 1, w.exchanges)
		})
	}
}

func TestEncryptedStatus(t *testing.T) {
	w := newWire(t)
	party := w.party(t)
	assert.NoError(t, party.Status(t.Context()), "nobody has asked yet")
	good := w.token
	w.token = status(http.StatusServiceUnavailable, "")
	_, err := party.Redeem(t.Context(), w.attempt, w.callback)
	require.ErrorIs(t, err, vneid.ErrUnavailable)
	assert.ErrorIs(t, party.Status(t.Context()), vneid.ErrUnavailable)
	w.token = good
	_, err = party.Redeem(t.Context(), w.attempt, w.callback)
	require.NoError(t, err)
	assert.NoError(t, party.Status(t.Context()))
}

func TestEncryptedDeadline(t *testing.T) {
	w := newWire(t)
	over := make(chan struct{})
	defer close(over)
	w.token = func(http.ResponseWriter, *http.Request) { <-over }
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := w.party(t).Redeem(ctx, w.attempt, w.callback)
	require.ErrorIs(t, err, vneid.ErrUnavailable)
	rsaCalls, aesCalls, tokenCalls := w.work()
	assert.Equal(t, []int64{6, 6, 1}, []int64{rsaCalls, aesCalls, tokenCalls})
}

func TestNewEncryptedRefuses(t *testing.T) {
	w := newWire(t)
	for name, change := range map[string]func(*vneid.EncryptedConfig){
		"no authorize address": func(c *vneid.EncryptedConfig) { c.AuthorizeURL = "" },
		"no token address":     func(c *vneid.EncryptedConfig) { c.TokenURL = "" },
		"no userinfo address":  func(c *vneid.EncryptedConfig) { c.UserinfoURL = "" },
		"plain http":           func(c *vneid.EncryptedConfig) { c.TokenURL = "http://sso.example/token" },
		"no client":            func(c *vneid.EncryptedConfig) { c.ClientID = "" },
		"no redirect":          func(c *vneid.EncryptedConfig) { c.RedirectURL = "" },
		"no such cipher":       func(c *vneid.EncryptedConfig) { c.Cipher = "gcm" },
		"no such length":       func(c *vneid.EncryptedConfig) { c.KeyBytes = 20 },
		"no key":               func(c *vneid.EncryptedConfig) { c.Keys = nil },
		"a nil key":            func(c *vneid.EncryptedConfig) { c.Keys = append(c.Keys, nil) },
		"an empty key":         func(c *vneid.EncryptedConfig) { c.Keys = append(c.Keys, &rsa.PrivateKey{}) },
		"a weak key":           func(c *vneid.EncryptedConfig) { c.Keys = append(c.Keys, weakKey()) },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := w.config()
			change(&cfg)
			_, err := vneid.NewEncrypted(cfg)
			assert.Error(t, err)
		})
	}
}

func TestParseDecryptionKey(t *testing.T) {
	block := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	pkcs8 := func(key any) []byte {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		require.NoError(t, err)
		return der
	}
	for name, text := range map[string]string{
		"PKCS #8": block("PRIVATE KEY", pkcs8(rsaKey())) + "\n",
		"PKCS #1": "a comment before\n" + block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey())),
	} {
		key, err := vneid.ParseDecryptionKey([]byte(text))
		require.NoError(t, err, name)
		assert.True(t, key.Equal(rsaKey()))
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	good := pkcs8(rsaKey())
	for name, text := range map[string]string{
		"nothing":    "",
		"no PEM":     "hunter2",
		"another":    block("PRIVATE KEY", pkcs8(curve)),
		"weak":       block("PRIVATE KEY", pkcs8(weakKey())),
		"public":     block("PUBLIC KEY", good),
		"cut":        block("PRIVATE KEY", good[:len(good)-1]),
		"mislabeled": block("RSA PRIVATE KEY", good),
		"two":        block("PRIVATE KEY", good) + block("PRIVATE KEY", good),
	} {
		_, err := vneid.ParseDecryptionKey([]byte(text))
		require.Error(t, err, name)
		assert.NotContains(t, err.Error(), "hunter2")
	}
}
