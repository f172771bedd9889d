package vneidtest_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/vneidtest"
)

// clientKey is made once: RSA keys are slow to make under the race detector.
var clientKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func startSealed(t *testing.T) (*vneidtest.VNeID, string) {
	t.Helper()
	return startVNeID(t, func(cfg *vneidtest.VNeIDConfig) { cfg.Clients[0].PublicKey = &clientKey().PublicKey })
}

// unseal opens an envelope by arithmetic: the RSA power and the padding read by
// hand, so that nothing of it is what made the envelope.
func unseal(t *testing.T, data, key string, cbc bool) (text string, aesBytes int) {
	t.Helper()
	sealed, err := base64.StdEncoding.DecodeString(key)
	require.NoError(t, err)
	private := clientKey()
	block := new(big.Int).Exp(new(big.Int).SetBytes(sealed), private.D, private.N).FillBytes(make([]byte, private.Size()))
	require.Equal(t, []byte{0, 2}, block[:2], "RFC 8017, 7.2.2")
	zero := strings.IndexByte(string(block[2:]), 0)
	require.GreaterOrEqual(t, zero, 8)
	aesKey := block[2+zero+1:]
	cipherText, err := base64.StdEncoding.DecodeString(data)
	require.NoError(t, err)
	c, err := aes.NewCipher(aesKey)
	require.NoError(t, err)
	var clear []byte
	if cbc {
		clear = make([]byte, len(cipherText)-16)
		cipher.NewCBCDecrypter(c, cipherText[:16]).CryptBlocks(clear, cipherText[16:])
	} else {
		for ; len(cipherText) > 0; cipherText = cipherText[16:] {
			var out [16]byte
			c.Decrypt(out[:], cipherText)
			clear = append(clear, out[:]...)
		}
	}
	pad := int(clear[len(clear)-1])
	require.True(t, pad >= 1 && pad <= 16, "padded")
	assert.Equal(t, strings.Repeat(string(rune(pad)), pad), string(clear[len(clear)-pad:]))
	return string(clear[:len(clear)-pad]), len(aesKey)
}

func sealedQuery() url.Values {
	return url.Values{
		"client_id": {clientID}, "redirect_uri": {redirectURI}, "response_type": {"code"}, "scope": {"openid"}, "state": {state},
	}
}

// sealedSignIn returns the raw query that the client's redirect URI got.
func sealedSignIn(t *testing.T, address string, form url.Values) string {
	t.Helper()
	c := browser(t)
	page, body := get(t, c, address+"/v2/authorize?"+sealedQuery().Encode())
	require.Equal(t, "/login", page.Request.URL.Path)
	form.Set("id", idField.FindStringSubmatch(body)[1])
	answer, _ := post(t, c, address+"/login", form)
	require.Equal(t, http.StatusFound, answer.StatusCode)
	path, query, _ := strings.Cut(answer.Header.Get("Location"), "?")
	require.Equal(t, redirectURI, path)
	again, _ := post(t, c, address+"/login", form)
	require.Equal(t, http.StatusBadRequest, again.StatusCode, "an attempt is good once")
	return query
}

// raw is a parameter byte for byte.
func raw(t *testing.T, query, name string) string {
	t.Helper()
	found := regexp.MustCompile(`(?:^|&)` + name + `=([^&]*)`).FindStringSubmatch(query)
	require.NotNil(t, found, name)
	return found[1]
}

func exchangeForm(code, encryptKey string) url.Values {
	return url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "encrypt_key": {encryptKey},
		"client_id": {clientID}, "client_secret": {clientSecret}, "redirect_uri": {redirectURI},
	}
}

func sent(t *testing.T, address string, form url.Values) (int, string) {
	t.Helper()
	return do(t, http.MethodPost, address+"/v2/token", form.Encode(),
		http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
}

// members reads an envelope: two strings and nothing else.
func members(t *testing.T, body string) (data, key string) {
	t.Helper()
	var all map[string]string
	require.NoError(t, json.Unmarshal([]byte(body), &all))
	require.Len(t, all, 2)
	return all["data"], all["key"]
}

func TestSealedSignIn(t *testing.T) {
	_, address := startSealed(t)
	for _, who := range vneidtest.Personas() {
		t.Run(who.Key, func(t *testing.T) {
			query := sealedSignIn(t, address, url.Values{"persona": {who.Key}})
			assert.Equal(t, state, raw(t, query, "state"))
			assert.NotContains(t, query, "%", "Base64 is not escaped")
			assert.NotContains(t, query, "iss=")
			code, size := unseal(t, raw(t, query, "code"), raw(t, query, "encrypt_key"), false)
			assert.Equal(t, 32, size)
			assert.Regexp(t, `^[0-9a-f-]{36}\.[0-9a-f-]{36}$`, code)

			status, body := sent(t, address, exchangeForm(code, raw(t, query, "encrypt_key")))
			require.Equal(t, http.StatusOK, status)
			data, key := members(t, body)
			text, _ := unseal(t, data, key, false)
			var tokens map[string]any
			require.NoError(t, json.Unmarshal([]byte(text), &tokens))
			assert.NotContains(t, tokens, "id_token")
			assert.Equal(t, "Bearer", tokens["token_type"])

			status, body = do(t, http.MethodGet, address+"/v2/userinfo", "",
				http.Header{"Authorization": {"Bearer " + tokens["access_token"].(string)}})
			require.Equal(t, http.StatusOK, status)
			data, key = members(t, body)
			text, _ = unseal(t, data, key, false)
			want, err := json.Marshal(map[string]any{
				"citizenPid": who.CitizenNumber, "fullName": who.Name, "birthDate": who.BirthDate,
				"accountType": "person", "accountLevel": who.AccountLevel,
			})
			require.NoError(t, err)
			assert.JSONEq(t, string(want), text)

			status, _ = sent(t, address, exchangeForm(code, raw(t, query, "encrypt_key")))
			assert.Equal(t, http.StatusBadRequest, status, "good once")
			status, _ = do(t, http.MethodGet, address+"/userinfo", "",
				http.Header{"Authorization": {"Bearer " + tokens["access_token"].(string)}})
			// Which of the two depends on what the library makes of its random bytes.
			assert.Contains(t, []int{http.StatusUnauthorized, http.StatusForbidden}, status, "no token of the other wire")
		})
	}
}

// A plus sign comes as one often enough that no client gets by without it.
func TestSealedCallbackHasPlusSigns(t *testing.T) {
	_, address := startSealed(t)
	for range 20 {
		query := sealedSignIn(t, address, url.Values{"persona": {"cmnd"}})
		if strings.Contains(raw(t, query, "encrypt_key"), "+") {
			return
		}
	}
	t.Error("no plus sign in twenty keys")
}

func TestSealedCancel(t *testing.T) {
	_, address := startSealed(t)
	query, err := url.ParseQuery(sealedSignIn(t, address, url.Values{"cancel": {"1"}}))
	require.NoError(t, err)
	assert.Equal(t, "access_denied", query.Get("error"))
	assert.Equal(t, state, query.Get("state"))
	assert.NotEmpty(t, query.Get("error_description"))
	assert.False(t, query.Has("code"))
}

func TestSealedAuthorizeRefuses(t *testing.T) {
	_, address := startSealed(t)
	_, closed := startVNeID(t)
	for name, tc := range map[string]struct{ param, value, want string }{
		"another redirect_uri": {"redirect_uri", "http://rp.invalid/elsewhere", ""},
		"unknown client":       {"client_id", "nobody", ""},
		"implicit":             {"response_type", "token", "unsupported_response_type"},
		"no openid":            {"scope", "profile", "invalid_scope"},
		"no state":             {"state", "", "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			query := sealedQuery()
			query.Set(tc.param, tc.value)
			answer, _ := get(t, browser(t), address+"/v2/authorize?"+query.Encode())
			if tc.want == "" {
				assert.Equal(t, http.StatusBadRequest, answer.StatusCode, "never redirected")
				return
			}
			assert.Contains(t, answer.Header.Get("Location"), "error="+tc.want)
		})
	}
	answer, _ := get(t, browser(t), closed+"/v2/authorize?"+sealedQuery().Encode())
	assert.Equal(t, http.StatusBadRequest, answer.StatusCode, "a client without a key")
}

func TestSealedTokenRefuses(t *testing.T) {
	_, address := startSealed(t)
	for name, tc := range map[string]struct {
		change func(form url.Values)
		status int
	}{
		"nothing changed":      {func(url.Values) {}, http.StatusOK},
		"another code":         {func(f url.Values) { f.Set("code", "x") }, http.StatusBadRequest},
		"no encrypt_key":       {func(f url.Values) { f.Del("encrypt_key") }, http.StatusBadRequest},
		"another encrypt_key":  {func(f url.Values) { f.Set("encrypt_key", "AAAA") }, http.StatusBadRequest},
		"another redirect_uri": {func(f url.Values) { f.Set("redirect_uri", redirectURI+"/") }, http.StatusBadRequest},
		"another grant":        {func(f url.Values) { f.Set("grant_type", "password") }, http.StatusBadRequest},
		"wrong secret":         {func(f url.Values) { f.Set("client_secret", "x") }, http.StatusUnauthorized},
		"no secret":            {func(f url.Values) { f.Del("client_secret") }, http.StatusUnauthorized},
		"no client":            {func(f url.Values) { f.Del("client_id") }, http.StatusUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			query := sealedSignIn(t, address, url.Values{"persona": {"cmnd"}})
			code, _ := unseal(t, raw(t, query, "code"), raw(t, query, "encrypt_key"), false)
			form := exchangeForm(code, raw(t, query, "encrypt_key"))
			tc.change(form)
			status, _ := sent(t, address, form)
			assert.Equal(t, tc.status, status)
		})
	}
	status, _ := do(t, http.MethodPost, address+"/v2/token", `{}`, http.Header{"Content-Type": {"application/json"}})
	assert.Equal(t, http.StatusUnsupportedMediaType, status)
	status, _ = do(t, http.MethodGet, address+"/v2/userinfo", "", http.Header{"Authorization": {"Bearer x"}})
	assert.Equal(t, http.StatusUnauthorized, status)
}

func TestSealedVariants(t *testing.T) {
	v, address := startSealed(t)
	require.NoError(t, v.Set("v2_cbc", "on"))
	require.NoError(t, v.Set("v2_key_bits", "128"))
	query := sealedSignIn(t, address, url.Values{"persona": {"cmnd"}})
	code, size := unseal(t, raw(t, query, "code"), raw(t, query, "encrypt_key"), true)
	assert.Equal(t, 16, size)
	assert.Len(t, code, 73)

	require.NoError(t, v.Set("v2_code_received", "on"))
	status, _ := sent(t, address, exchangeForm(code, raw(t, query, "encrypt_key")))
	assert.Equal(t, http.StatusBadRequest, status)
	status, _ = sent(t, address, exchangeForm(raw(t, query, "code"), raw(t, query, "encrypt_key")))
	assert.Equal(t, http.StatusOK, status)

	v.Reset()
	require.NoError(t, v.Set("v2_no_encrypt_key", "on"))
	query = sealedSignIn(t, address, url.Values{"persona": {"cmnd"}})
	code, _ = unseal(t, raw(t, query, "code"), raw(t, query, "encrypt_key"), false)
	form := exchangeForm(code, "")
	form.Del("encrypt_key")
	status, _ = sent(t, address, form)
	assert.Equal(t, http.StatusOK, status)
}

func TestSealedLies(t *testing.T) {
	v, address := startSealed(t)
	honest := sealedSignIn(t, address, url.Values{"persona": {"cmnd"}})

	require.NoError(t, v.Set("v2_callback_plain", "on"))
	query := sealedSignIn(t, address, url.Values{"persona": {"cmnd"}})
	assert.NotContains(t, query, "encrypt_key")
	assert.Len(t, raw(t, query, "code"), 73)
	require.NoError(t, v.Set("v2_token_plain", "on"))
	form := exchangeForm(raw(t, query, "code"), "")
	_, body := sent(t, address, form)
	assert.Contains(t, body, `"access_token":`)

	v.Reset()
	require.NoError(t, v.Set("v2_callback_cut", "on"))
	query = sealedSignIn(t, address, url.Values{"persona": {"cmnd"}})
	assert.Less(t, len(raw(t, query, "code")), len(raw(t, honest, "code")))

	v.Reset()
	require.NoError(t, v.Set("v2_callback_flip", "on"))
	query = sealedSignIn(t, address, url.Values{"persona": {"cmnd"}})
	code, _ := unseal(t, raw(t, query, "code"), raw(t, query, "encrypt_key"), false)
	assert.NotRegexp(t, `^[0-9a-f.-]{73}$`, code)

	v.Reset()
	require.NoError(t, v.Set("v2_callback_other_key", "on"))
	query = sealedSignIn(t, address, url.Values{"persona": {"cmnd"}})
	sealed, err := base64.StdEncoding.DecodeString(raw(t, query, "encrypt_key"))
	require.NoError(t, err)
	private := clientKey()
	if number := new(big.Int).SetBytes(sealed); number.Cmp(private.N) < 0 {
		block := number.Exp(number, private.D, private.N).FillBytes(make([]byte, private.Size()))
		assert.NotEqual(t, []byte{0, 2}, block[:2])
	}
}
