package vneid

// The rules of this file, because whoever holds a browser can send ciphertexts
// here and watch what becomes of them (Bleichenbacher 1998; Marvin 2023):
//
//   - RSA only ever decrypts into a random key of the one agreed length, and
//     nobody asks whether it did;
//   - every configured key runs the whole path, always, whichever of them fits:
//     the wire names none;
//   - what cannot be a ciphertext is replaced by noise and runs the path too;
//   - each sign-in opens the same number of envelopes, the rest for show;
//   - there is one way to fail, without a cause.
//
// The envelope proves nothing about who made it: anybody can encrypt to a
// public key. TLS, the state and the client's secret do.

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/subtle"
	"encoding/base64"
	"strings"
	"sync/atomic"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"vneid-proxy/broker/outbound"
)

const (
	// maxKeyText bounds an encrypted key before it is decoded, in bytes: an RSA
	// key of 16384 bits needs 2732.
	maxKeyText = 4 << 10
	// maxDataText bounds the data likewise; no answer is longer.
	maxDataText = outbound.MaxBody
)

// Counters count what the encrypted wire costs; with them a test holds every
// sign-in to the same work. The zero value is ready, and may be read at any
// time.
type Counters struct {
	RSA   atomic.Int64 // decryptions of an AES key
	AES   atomic.Int64 // decryptions of data
	Token atomic.Int64 // codes sent to the token endpoint
}

// envelope is a text under an AES key of its own, and that key under our RSA
// key, both in Base64 (RFC 4648, 4).
type envelope struct {
	Data string `json:"data"`
	Key  string `json:"key"`
}

// parseEnvelope reads an answer's body: an object of exactly the two members,
// once each, both strings, and nothing after it.
func parseEnvelope(body []byte) (envelope, bool) {
	var read struct {
		Data *string `json:"data"`
		Key  *string `json:"key"`
	}
	if json.Unmarshal(body, &read, json.RejectUnknownMembers(true)) != nil || read.Data == nil || read.Key == nil {
		return envelope{}, false
	}
	return envelope{*read.Data, *read.Key}, true
}

// opener opens envelopes.
type opener struct {
	keys     []*rsa.PrivateKey
	aesBytes int
	cbc      bool      // the first block of the data is the IV; else ECB
	counters *Counters // nil counts nothing
}

// open decrypts an envelope under every key. It returns the text under the key
// that fits: its padding is right and readable accepts it. Else false, and
// there is nothing to learn why.
func (o *opener) open(e envelope, readable func(text []byte) bool) ([]byte, bool) {
	sealedKey, _ := decode(e.Key, maxKeyText)
	data, good := decode(e.Data, maxDataText)
	if least := o.leastData(); !good || len(data) < least || len(data)%aes.BlockSize != 0 {
		data = noise(least)
	}
	var opened []byte
	found := false
	for _, key := range o.keys {
		text, padded := o.decrypt(data, o.sessionKey(key, sealedKey))
		if fits := readable(text); fits && padded && !found {
			opened, found = text, true
		}
	}
	return opened, found
}

// spend does the work of opening an envelope, for nothing.
func (o *opener) spend() {
	o.open(envelope{}, jsonObject)
}

func (o *opener) leastData() int {
	if o.cbc {
		return 2 * aes.BlockSize
	}
	return aes.BlockSize
}

// sessionKey is the AES key that an RSA ciphertext holds, or a random one
// (RFC 3218, 2.3.2). The error is not looked at: it tells what anybody can see,
// that the ciphertext does not fit the modulus.
func (o *opener) sessionKey(key *rsa.PrivateKey, sealed []byte) []byte {
	if len(sealed) != key.Size() {
		sealed = noise(key.Size())
		sealed[0] = 0 // below the modulus, so that the work is done
	}
	aesKey := noise(o.aesBytes)
	if o.counters != nil {
		o.counters.RSA.Add(1)
	}
	//lint:ignore SA1019 the wire has no other padding; the rules above are what it takes to use it
	_ = rsa.DecryptPKCS1v15SessionKey(rand.Reader, key, sealed, aesKey)
	return aesKey
}

// decrypt returns the text of whole blocks and whether its padding is right.
func (o *opener) decrypt(data, aesKey []byte) ([]byte, bool) {
	if o.counters != nil {
		o.counters.AES.Add(1)
	}
	block, err := aes.NewCipher(aesKey)
	if err != nil {
		return nil, false // the length was checked when the opener was made
	}
	if o.cbc {
		text := make([]byte, len(data)-aes.BlockSize)
		cipher.NewCBCDecrypter(block, data[:aes.BlockSize]).CryptBlocks(text, data[aes.BlockSize:])
		return unpad(text)
	}
	text := make([]byte, len(data))
	for at := 0; at < len(data); at += aes.BlockSize {
		block.Decrypt(text[at:at+aes.BlockSize], data[at:at+aes.BlockSize])
	}
	return unpad(text)
}

// unpad takes off the padding of PKCS #7 (RFC 5652, 6.3) in a time that does
// not tell where it is wrong; wrong, the text stays as long as it is.
func unpad(text []byte) ([]byte, bool) {
	last := text[len(text)-1]
	count := int(last)
	good := subtle.ConstantTimeLessOrEq(1, count) & subtle.ConstantTimeLessOrEq(count, aes.BlockSize)
	for i := 1; i <= aes.BlockSize; i++ {
		same := subtle.ConstantTimeByteEq(text[len(text)-i], last)
		good &= subtle.ConstantTimeSelect(subtle.ConstantTimeLessOrEq(i, count), same, 1)
	}
	return text[:len(text)-subtle.ConstantTimeSelect(good, count, 0)], good == 1
}

// decode reads Base64 that has one spelling only: padded, no bits to spare, no
// line breaks.
func decode(text string, most int) ([]byte, bool) {
	if text == "" || len(text) > most || strings.ContainsAny(text, "\r\n") {
		return nil, false
	}
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	return b, err == nil
}

func noise(size int) []byte {
	b := make([]byte, size)
	_, _ = rand.Read(b) // never fails, crypto/rand
	return b
}

// jsonObject reports whether a text is one JSON object, with no member twice at
// any depth and valid UTF-8 (RFC 7493).
func jsonObject(text []byte) bool {
	value := jsontext.Value(text)
	return value.Kind() == '{' && value.IsValid()
}
