package vneid_test

import (
	"bytes"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/vneid"
)

// broken is the one error of everything that is wrong with an envelope.
var broken = &vneid.Error{Kind: vneid.ErrProtocol, Reason: "envelope"}

// requireBroken holds a sign-in to the one error and the one amount of work.
func (w *wire) requireBroken(t *testing.T, got vneid.Identity, err error, keys int64) {
	t.Helper()
	require.Equal(t, broken, err)
	require.Zero(t, got)
	rsaCalls, aesCalls, tokenCalls := w.work()
	require.Equal(t, []int64{3 * keys, 3 * keys, 1}, []int64{rsaCalls, aesCalls, tokenCalls}, "RSA, AES, token")
	require.Equal(t, 1, w.exchanges, "one exchange, always")
	w.exchanges = 0
}

// hostile is what becomes of an envelope on its way.
func hostile(clear string) map[string]func(letter) letter {
	flipped := func(at func(l letter) *byte) func(letter) letter {
		return func(l letter) letter { *at(l) ^= 1; return l }
	}
	other := func(change func(l, other letter) letter) func(letter) letter {
		return func(l letter) letter { return change(l, seal(rsaKey(), clear, 32, false)) }
	}
	inside := func(clear string) func(letter) letter {
		return func(letter) letter { return seal(rsaKey(), clear, 32, false) }
	}
	return map[string]func(letter) letter{
		"cut by a block":        func(l letter) letter { l.data = l.data[:len(l.data)-16]; return l },
		"cut by a byte":         func(l letter) letter { l.data = l.data[:len(l.data)-1]; return l },
		"data empty":            func(l letter) letter { l.data = nil; return l },
		"a block more":          func(l letter) letter { l.data = append(l.data, l.data[:16]...); return l },
		"first block twice":     func(l letter) letter { l.data = append(bytes.Clone(l.data[:16]), l.data...); return l },
		"first byte flipped":    flipped(func(l letter) *byte { return &l.data[0] }),
		"middle flipped":        flipped(func(l letter) *byte { return &l.data[len(l.data)/2] }),
		"padding flipped":       flipped(func(l letter) *byte { return &l.data[len(l.data)-1] }),
		"key's first flipped":   flipped(func(l letter) *byte { return &l.key[0] }),
		"key's middle flipped":  flipped(func(l letter) *byte { return &l.key[128] }),
		"key's last flipped":    flipped(func(l letter) *byte { return &l.key[255] }),
		"data and key swapped":  func(l letter) letter { return letter{l.key, l.data} },
		"key of another":        other(func(l, o letter) letter { return letter{l.data, o.key} }),
		"data of another":       other(func(l, o letter) letter { return letter{o.data, l.key} }),
		"key cut":               func(l letter) letter { l.key = l.key[1:]; return l },
		"key longer":            func(l letter) letter { l.key = append([]byte{0}, l.key...); return l },
		"key empty":             func(l letter) letter { l.key = nil; return l },
		"key above the modulus": func(l letter) letter { l.key = bytes.Repeat([]byte{0xff}, 256); return l },
		"key zero":              func(l letter) letter { l.key = make([]byte, 256); return l },
		"key one":               func(l letter) letter { l.key = append(make([]byte, 255), 1); return l },
		"under a stranger's":    func(letter) letter { return seal(strangersKey(), clear, 32, false) },
		"a shorter AES key":     func(letter) letter { return seal(rsaKey(), clear, 16, false) },
		"another mode":          func(letter) letter { return seal(rsaKey(), clear, 32, true) },
		"nothing inside":        inside(""),
		"a line end inside":     inside(clear + "\n\x00"),
		"no UTF-8 inside":       inside(`{"access_token":"` + accessToken + `","citizenPid":"` + number + "\xff\"}"),
	}
}

// strangersKey is configured nowhere.
var strangersKey = sync.OnceValue(makeKey(2048))

func TestHostileCallbacks(t *testing.T) {
	for name, change := range hostile(sealedCode) {
		t.Run(name, func(t *testing.T) {
			w := newWire(t)
			l := change(seal(rsaKey(), sealedCode, 32, false))
			w.callback.Code, w.callback.EncryptKey = b64std(l.data), b64std(l.key)
			got, err := w.party(t).Redeem(t.Context(), w.attempt, w.callback)
			w.requireBroken(t, got, err, 2)
			if name != "first block twice" { // opens: ECB holds no block in its place
				assert.Regexp(t, `^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`, w.form.Get("code"), "a random code")
			}
			assert.Equal(t, w.callback.EncryptKey, w.form.Get("encrypt_key"))
		})
	}
	for name, change := range map[string]func(*wire){
		"in clear":             func(w *wire) { w.callback.Code, w.callback.EncryptKey = sealedCode, "" },
		"no encrypt_key":       func(w *wire) { w.callback.EncryptKey = "" },
		"no code":              func(w *wire) { w.callback.Code = "" },
		"neither":              func(w *wire) { w.callback.Code, w.callback.EncryptKey = "", "" },
		"code no Base64":       func(w *wire) { w.callback.Code = "!" + w.callback.Code[1:] },
		"key no Base64":        func(w *wire) { w.callback.EncryptKey = "!" + w.callback.EncryptKey[1:] },
		"code with a line":     func(w *wire) { w.callback.Code = w.callback.Code[:4] + "\n" + w.callback.Code[4:] },
		"key without padding":  func(w *wire) { w.callback.EncryptKey = strings.TrimRight(w.callback.EncryptKey, "=") },
		"key with spare bits":  func(w *wire) { w.callback.EncryptKey = spare(w.callback.EncryptKey) },
		"oversized code":       func(w *wire) { w.callback.Code = strings.Repeat("A", 1<<20) },
		"oversized key":        func(w *wire) { w.callback.EncryptKey = strings.Repeat("A", 1<<20) },
		"code longer than one": func(w *wire) { w.seal(strings.Repeat("c", 2000)) },
		"a code not accepted":  func(w *wire) { w.seal(strings.Replace(sealedCode, "0", "1", 1)) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWire(t)
			change(w)
			got, err := w.party(t).Redeem(t.Context(), w.attempt, w.callback)
			w.requireBroken(t, got, err, 2)
		})
	}
	t.Run("accepted all the same", func(t *testing.T) {
		w := newWire(t)
		w.any, w.callback.Code = true, w.callback.Code[4:]
		w.person = func(http.ResponseWriter, *http.Request) { t.Error("userinfo was asked") }
		got, err := w.party(t).Redeem(t.Context(), w.attempt, w.callback)
		w.requireBroken(t, got, err, 2)
	})
	t.Run("as received, in clear", func(t *testing.T) {
		w := newWire(t)
		w.any, w.callback.EncryptKey = true, ""
		got, err := w.party(t, func(c *vneid.EncryptedConfig) { c.CodeAsReceived = true }).Redeem(t.Context(), w.attempt, w.callback)
		w.requireBroken(t, got, err, 2)
		assert.NotEqual(t, w.callback.Code, w.form.Get("code"))
	})
}

// spare sets bits that Base64 does not use: another spelling of the same bytes.
func spare(text string) string {
	body := strings.TrimRight(text, "=")
	last := strings.IndexByte(alphabet, body[len(body)-1])
	return body[:len(body)-1] + string(alphabet[last|1]) + text[len(body):]
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

func (w *wire) seal(code string) {
	l := seal(rsaKey(), code, 32, false)
	w.callback.Code, w.callback.EncryptKey = b64std(l.data), b64std(l.key)
}

func TestHostileAnswers(t *testing.T) {
	for _, step := range []struct {
		name, clear string
		answer      func(*wire) *http.HandlerFunc
	}{
		{"token", tokenText, func(w *wire) *http.HandlerFunc { return &w.token }},
		{"userinfo", personText, func(w *wire) *http.HandlerFunc { return &w.person }},
	} {
		good := seal(rsaKey(), step.clear, 32, false)
		sealed := func(clear string) http.HandlerFunc { return says(seal(rsaKey(), clear, 32, false).body()) }
		body := good.body()
		answers := map[string]http.HandlerFunc{
			"plain":               says(step.clear),
			"plain beside":        says(strings.TrimSuffix(step.clear, "}") + "," + body[1:]),
			"data twice":          says(`{"data":"",` + body[1:]),
			"key twice":           says(strings.TrimSuffix(body, "}") + `,"key":"` + b64std(good.key) + `"}`),
			"other case":          says(strings.Replace(body, `"data"`, `"Data"`, 1)),
			"both cases":          says(`{"DATA":"",` + body[1:]),
			"a member more":       says(`{"kid":"1",` + body[1:]),
			"trailing data":       says(body + "{}"),
			"in an array":         says("[" + body + "]"),
			"null":                says(`null`),
			"empty":               says(``),
			"no key":              says(`{"data":"` + b64std(good.data) + `"}`),
			"null key":            says(`{"data":"` + b64std(good.data) + `","key":null}`),
			"number":              says(`{"data":1,"key":2}`),
			"html":                as("text/html", body),
			"no JSON type":        as("application/jwt", body),
			"gzip":                gzipped,
			"huge":                huge,
			"cut":                 says(body[:len(body)-10]),
			"inside: no JSON":     sealed("<html>"),
			"inside: an array":    sealed("[" + step.clear + "]"),
			"inside: null":        sealed("null"),
			"inside: twice":       sealed(`{"x":1,"x":2,` + step.clear[1:]),
			"inside: trailing":    sealed(step.clear + "{}"),
			"inside: an envelope": sealed(body),
		}
		if step.name == "token" {
			answers["inside: other case"] = sealed(`{"Access_Token":"a","token_type":"Bearer"}`)
			answers["inside: no token"] = sealed(`{"token_type":"Bearer"}`)
			answers["inside: another use"] = sealed(`{"access_token":"a","token_type":"DPoP"}`)
			answers["inside: userinfo"] = sealed(personText)
		} else {
			delete(answers, "inside: an envelope") // it opens: there is no number in it
		}
		for name, change := range hostile(step.clear) {
			answers[name] = func(out http.ResponseWriter, r *http.Request) {
				says(change(seal(rsaKey(), step.clear, 32, false)).body())(out, r)
			}
		}
		for name, answer := range answers {
			t.Run(step.name+" "+name, func(t *testing.T) {
				w := newWire(t)
				*step.answer(w) = answer
				got, err := w.party(t).Redeem(t.Context(), w.attempt, w.callback)
				w.requireBroken(t, got, err, 2)
			})
		}
	}
}
