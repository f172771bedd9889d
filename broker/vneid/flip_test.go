package vneid_test

import (
	"bytes"
	"crypto/rsa"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/vneid"
)

// oneKey spares time where it matters: a flip for each byte.
func oneKey(c *vneid.EncryptedConfig) { c.Keys = []*rsa.PrivateKey{rsaKey()} }

// flips is every variant of a text with one bit of one byte turned, each bit in
// its turn.
func flips(of []byte, stride int) [][]byte {
	var all [][]byte
	for at := 0; at < len(of); at += stride {
		flipped := bytes.Clone(of)
		flipped[at] ^= 1 << (at / stride % 8)
		all = append(all, flipped)
	}
	return all
}

// One bit anywhere, in the bytes or in the Base64 that carries them, and it is
// always the same error after the same work.
func TestBitFlips(t *testing.T) {
	w := newWire(t)
	party := w.party(t, oneKey)
	good := w.callback
	honest := func(name string) (b []byte) {
		b, err := base64.StdEncoding.DecodeString(map[string]string{"code": good.Code, "encrypt_key": good.EncryptKey}[name])
		require.NoError(t, err)
		return b
	}
	tryCallback := func(c vneid.Callback) {
		t.Helper()
		w.callback = c // the token endpoint wants the encrypt_key that came
		got, err := party.Redeem(t.Context(), w.attempt, c)
		w.requireBroken(t, got, err, 1)
	}
	for _, b := range flips(honest("code"), 1) {
		tryCallback(vneid.Callback{State: good.State, Code: b64std(b), EncryptKey: good.EncryptKey})
	}
	for _, b := range flips(honest("encrypt_key"), 1) {
		tryCallback(vneid.Callback{State: good.State, Code: good.Code, EncryptKey: b64std(b)})
	}
	w.callback = good

	token, person := seal(rsaKey(), tokenText, 32, false), seal(rsaKey(), personText, 32, false)
	for _, body := range []struct {
		of  letter
		put func(body string)
	}{
		{token, func(body string) { w.token, w.person = says(body), says(person.body()) }},
		{person, func(body string) { w.token, w.person = says(token.body()), says(body) }},
	} {
		var spoilt []string
		for _, data := range flips(body.of.data, 1) {
			spoilt = append(spoilt, letter{data, body.of.key}.body())
		}
		for _, key := range flips(body.of.key, 7) {
			spoilt = append(spoilt, letter{body.of.data, key}.body())
		}
		for _, whole := range flips([]byte(body.of.body()), 3) { // names, quotes and Base64 too
			spoilt = append(spoilt, string(whole))
		}
		for _, text := range spoilt {
			body.put(text)
			got, err := party.Redeem(t.Context(), w.attempt, w.callback)
			w.requireBroken(t, got, err, 1)
		}
	}

	w.token, w.person = says(token.body()), says(person.body())
	_, err := party.Redeem(t.Context(), w.attempt, w.callback)
	require.NoError(t, err, "and without a flip it opens")
	rsaCalls, aesCalls, tokenCalls := w.work()
	assert.Equal(t, []int64{3, 3, 1}, []int64{rsaCalls, aesCalls, tokenCalls}, "for the same work")
}

// The same in the raw query, where a flip may also make a separator, an escape
// or a byte that no query has.
func TestBitFlipsInTheQuery(t *testing.T) {
	w := newWire(t)
	party := w.party(t, oneKey)
	query := "state=" + w.attempt.State + "&code=" + w.callback.Code + "&encrypt_key=" + w.callback.EncryptKey
	values := map[int]bool{} // places within the two values
	for _, value := range []string{w.callback.Code, w.callback.EncryptKey} {
		for at := range len(value) {
			values[strings.Index(query, value)+at] = true
		}
	}
	for at := range values {
		flipped := []byte(query)
		flipped[at] ^= 1 << (at % 8)
		got, err := party.RedeemQuery(t.Context(), w.attempt, string(flipped))
		w.requireBroken(t, got, err, 1)
	}
	_, err := party.RedeemQuery(t.Context(), w.attempt, query)
	require.NoError(t, err)
}

// In CBC only the IV can be turned without garbling a block: the code becomes
// another, which nobody accepts.
func TestBitFlipsCBC(t *testing.T) {
	w := newWire(t)
	l := seal(rsaKey(), sealedCode, 32, true)
	w.callback.EncryptKey = b64std(l.key)
	party := w.party(t, oneKey, func(c *vneid.EncryptedConfig) { c.Cipher = "cbc" })
	for _, data := range flips(l.data, 1) {
		w.callback.Code = b64std(data)
		got, err := party.Redeem(t.Context(), w.attempt, w.callback)
		w.requireBroken(t, got, err, 1)
	}
}

// Whatever Base64 holds comes through a raw query byte for byte, plus signs
// unescaped and all.
func FuzzCallbackBase64(f *testing.F) {
	f.Add([]byte{0xfb, 0xff, 0xbe}, []byte("k"))
	f.Add(bytes.Repeat([]byte{0xff}, 256), bytes.Repeat([]byte{0xfb, 0xef, 0xbe}, 20))
	f.Fuzz(func(t *testing.T, code, key []byte) {
		if len(code) == 0 || len(code)+len(key) > 5<<10 {
			return
		}
		want := vneid.Callback{State: "s", Code: b64std(code), EncryptKey: b64std(key)}
		for _, query := range []string{
			"code=" + want.Code + "&state=s&encrypt_key=" + want.EncryptKey,
			"encrypt_key=" + strings.ReplaceAll(want.EncryptKey, "+", "%2B") + "&code=" + strings.ReplaceAll(want.Code, "=", "%3D") + "&state=s",
		} {
			got, err := vneid.ParseCallback(query)
			require.NoError(t, err)
			assert.Equal(t, want, got)
		}
	})
}
