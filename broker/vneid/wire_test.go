package vneid_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/vneid"
	"vneid-proxy/session"
)

const (
	sealedCode  = "0f6a2f34-6e55-4d0c-9d8a-94a4f1c1b7aa.5d1f0d6e-7c55-4ab0-a7c5-3c0d6f1f2b11"
	callbackURL = "https://portal.example/_vneid/callback"
)

// letter is an envelope as it is written, to be spoilt.
type letter struct{ data, key []byte }

func (l letter) body() string {
	return text(claims{"data": b64std(l.data), "key": b64std(l.key)})
}

func b64std(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// seal writes an envelope: ECB, or CBC behind its IV.
func seal(to *rsa.PrivateKey, clear string, aesBytes int, cbc bool) letter {
	aesKey := make([]byte, aesBytes)
	_, _ = rand.Read(aesKey)
	//lint:ignore SA1019 the wire has no other padding
	key, err := rsa.EncryptPKCS1v15(rand.Reader, &to.PublicKey, aesKey)
	if err != nil {
		panic(err)
	}
	block, err := aes.NewCipher(aesKey)
	if err != nil {
		panic(err)
	}
	n := 16 - len(clear)%16
	data := append([]byte(clear), bytes.Repeat([]byte{byte(n)}, n)...)
	if cbc {
		out := make([]byte, 16+len(data))
		_, _ = rand.Read(out[:16])
		cipher.NewCBCEncrypter(block, out[:16]).CryptBlocks(out[16:], data)
		return letter{out, key}
	}
	for at := 0; at < len(data); at += 16 {
		block.Encrypt(data[at:], data[at:])
	}
	return letter{data, key}
}

// wire is a provider on the encrypted wire that does as it is told. Its fields
// are set before the first request.
type wire struct {
	*httptest.Server
	callback      vneid.Callback
	token, person http.HandlerFunc // answers to what is accepted
	any           bool             // accept any code
	form          url.Values       // the last exchange
	basic         bool
	exchanges     int
	attempt       session.Attempt
	counters      vneid.Counters
}

func newWire(t testing.TB) *wire {
	w := &wire{attempt: session.NewAttempt("vneid", "/", time.Now())}
	w.Server = httptest.NewServer(http.HandlerFunc(w.serve))
	t.Cleanup(w.Close)
	l := seal(rsaKey(), sealedCode, 32, false)
	w.callback = vneid.Callback{State: w.attempt.State, Code: b64std(l.data), EncryptKey: b64std(l.key)}
	w.token = says(seal(rsaKey(), tokenText, 32, false).body())
	w.person = says(seal(rsaKey(), personText, 32, false).body())
	return w
}

const (
	tokenText  = `{"access_token":"an-access-token","expires_in":300,"token_type":"bearer","scope":"openid"}`
	personText = `{"citizenPid":"099202000345","fullName":"Nguyễn Thị Ví Dụ","birthDate":"04/03/2002","accountType":"1","accountLevel":"2"}`
)

func says(body string) http.HandlerFunc { return as("application/json", body) }

func (w *wire) serve(out http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/token":
		w.exchanges++
		_ = r.ParseForm()
		_, _, w.basic = r.BasicAuth()
		w.form = r.PostForm
		if !w.any && (w.form.Get("code") != sealedCode || w.form.Get("encrypt_key") != w.callback.EncryptKey) {
			status(http.StatusBadRequest, `{"error":"invalid_grant","error_description":"`+number+`"}`)(out, r)
			return
		}
		w.token(out, r)
	case "/userinfo":
		if r.Header.Get("Authorization") != "Bearer "+accessToken {
			out.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.person(out, r)
	default:
		_, _ = io.WriteString(out, "nothing is here")
	}
}

func (w *wire) config() vneid.EncryptedConfig {
	return vneid.EncryptedConfig{
		AuthorizeURL: w.URL + "/authorize", TokenURL: w.URL + "/token", UserinfoURL: w.URL + "/userinfo",
		ClientID: clientID, ClientSecret: clientSecret, RedirectURL: callbackURL,
		Keys: []*rsa.PrivateKey{otherKey(), rsaKey()}, MinAccountLevel: 2, Counters: &w.counters,
	}
}

func (w *wire) party(t testing.TB, change ...func(*vneid.EncryptedConfig)) *vneid.Encrypted {
	cfg := w.config()
	for _, c := range change {
		c(&cfg)
	}
	party, err := vneid.NewEncrypted(cfg)
	require.NoError(t, err)
	return party
}

// work is what the last sign-in cost, and forgets it.
func (w *wire) work() (rsaCalls, aesCalls, tokenCalls int64) {
	return w.counters.RSA.Swap(0), w.counters.AES.Swap(0), w.counters.Token.Swap(0)
}
