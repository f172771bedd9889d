package vneid

import (
	"bytes"
	"crypto/aes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// envelopeKey is made once: RSA keys are slow to make under the race detector.
var envelopeKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func TestParseEnvelope(t *testing.T) {
	for body, want := range map[string]envelope{
		`{"data":"a","key":"b"}`:              {"a", "b"},
		" {\"key\":\"b\" ,\n\"data\":\"a\"} ": {"a", "b"},
		`{"data":"","key":""}`:                {},
		`{"d\u0061ta":"a","key":"\u0062"}`:    {"a", "b"},
	} {
		got, ok := parseEnvelope([]byte(body))
		assert.True(t, ok, body)
		assert.Equal(t, want, got, body)
	}
	for _, body := range []string{
		``, `null`, `{}`, `[]`, `"data"`, `{"data":"a"}`, `{"key":"b"}`, `{"data":"a","key":null}`, `{"data":1,"key":"b"}`,
		`{"data":["a"],"key":"b"}`, `{"data":"a","key":"b","data":"c"}`, `{"data":"a","key":"b","key":"b"}`,
		`{"data":"a","key":"b","kid":"c"}`, `{"Data":"a","key":"b"}`, `{"data":"a","KEY":"b"}`, `{"data":"a","key":"b","Data":"c"}`,
		`{"data":"a","key":"b"}{}`, `{"data":"a","key":"b"} x`, `[{"data":"a","key":"b"}]`, "{\"data\":\"\xff\",\"key\":\"b\"}",
		`{"data":"a","key":"b",}`, `{"data":"a","key":"b"`, "\ufeff" + `{"data":"a","key":"b"}`,
	} {
		got, ok := parseEnvelope([]byte(body))
		assert.False(t, ok, body)
		assert.Zero(t, got)
	}
}

func TestDecode(t *testing.T) {
	for _, text := range []string{"", "AA=", "AA", "AB==", "A===", "AAA=\n", "AA\r\n==", " AAAA", "_-==", "AAAA=", "AAAAA"} {
		_, ok := decode(text, 100)
		assert.False(t, ok, "%q", text)
	}
	got, ok := decode("+/8=", 4)
	require.True(t, ok)
	assert.Equal(t, []byte{0xfb, 0xff}, got)
	_, ok = decode("+/8=", 3)
	assert.False(t, ok, "bounded before it is decoded")
}

// The text of an AES key given by hand, block by block, against a known answer:
// FIPS 197, C.3.
func TestDecryptKnownAnswer(t *testing.T) {
	aesKey := make([]byte, 32)
	for i := range aesKey {
		aesKey[i] = byte(i)
	}
	block, err := aes.NewCipher(aesKey)
	require.NoError(t, err)
	known := []byte{0x8e, 0xa2, 0xb7, 0xca, 0x51, 0x67, 0x45, 0xbf, 0xea, 0xfc, 0x49, 0x90, 0x4b, 0x49, 0x60, 0x89}
	full := make([]byte, 16)
	block.Encrypt(full, bytes.Repeat([]byte{16}, 16))
	text, ok := (&opener{aesBytes: 32}).decrypt(append(known, full...), aesKey)
	require.True(t, ok)
	assert.Equal(t, []byte{0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}, text)
}

// A ciphertext of no key of ours ends in a random AES key, another each time:
// the same envelope never has a text of its own.
func TestImplicitRejection(t *testing.T) {
	o := &opener{keys: []*rsa.PrivateKey{envelopeKey()}, aesBytes: 32}
	sealed := noise(256)
	sealed[0] = 0
	for _, sealed := range [][]byte{sealed, nil, bytes.Repeat([]byte{0xff}, 256), make([]byte, 256), make([]byte, 257)} {
		one, two := o.sessionKey(envelopeKey(), sealed), o.sessionKey(envelopeKey(), sealed)
		assert.Len(t, one, 32)
		assert.NotEqual(t, one, two)
		assert.NotEqual(t, make([]byte, 32), one)
	}
}

// FuzzUnpad holds the padding to its plain definition.
func FuzzUnpad(f *testing.F) {
	f.Add(bytes.Repeat([]byte{16}, 16))
	f.Add([]byte("fifteen letters\x01"))
	f.Add([]byte("fourteen lette\x02\x02"))
	f.Add([]byte("fourteen lette\x01\x02"))
	f.Add(make([]byte, 32))
	f.Add(append([]byte("a block of text."), bytes.Repeat([]byte{17}, 16)...))
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) == 0 || len(text)%16 != 0 {
			return
		}
		n := int(text[len(text)-1])
		good := n >= 1 && n <= 16 && bytes.HasSuffix(text, bytes.Repeat([]byte{byte(n)}, n))
		got, ok := unpad(text)
		assert.Equal(t, good, ok)
		if good {
			assert.Equal(t, text[:len(text)-n], got)
		} else {
			assert.Equal(t, text, got)
		}
	})
}

// FuzzParseEnvelope: what is accepted has exactly the two members, and written
// out again reads the same.
func FuzzParseEnvelope(f *testing.F) {
	for _, seed := range []string{
		`{"data":"a","key":"b"}`, `{"data":"a","key":"b","data":"c"}`, `{"Data":"a","key":"b"}`, `{"data":"a","key":"b"}x`, `{"data":null}`, `[]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, ok := parseEnvelope(body)
		if !ok {
			assert.Zero(t, got)
			return
		}
		var all map[string]any
		require.NoError(t, json.Unmarshal(body, &all))
		assert.Equal(t, map[string]any{"data": got.Data, "key": got.Key}, all)
		again, err := json.Marshal(all)
		require.NoError(t, err)
		second, ok := parseEnvelope(again)
		assert.True(t, ok)
		assert.Equal(t, got, second)
	})
}

// FuzzOpen: whatever comes, the work is the same, and nothing opens that we did
// not seal.
func FuzzOpen(f *testing.F) {
	text := func(n int) string { return base64.StdEncoding.EncodeToString(make([]byte, n)) }
	f.Add("", "", false)
	f.Add(text(16), text(256), false)
	f.Add(text(32), text(255), true)
	f.Add(text(17), strings.Repeat("A", maxKeyText+4), true)
	f.Add(strings.Repeat("/", 344), strings.Repeat("+", 342)+"==", false)
	f.Fuzz(func(t *testing.T, data, key string, cbc bool) {
		o := &opener{keys: []*rsa.PrivateKey{envelopeKey(), envelopeKey()}, aesBytes: 32, cbc: cbc, counters: new(Counters)}
		read := 0
		got, ok := o.open(envelope{data, key}, func(text []byte) bool { read++; return isCode(text) })
		assert.False(t, ok)
		assert.Nil(t, got)
		assert.Equal(t, int64(2), o.counters.RSA.Load())
		assert.Equal(t, int64(2), o.counters.AES.Load())
		assert.Equal(t, 2, read)
	})
}
