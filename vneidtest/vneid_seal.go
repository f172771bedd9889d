package vneidtest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"strconv"
)

// seals are the places of the encrypted wire where an envelope is made, as
// knobs name them.
func seals() []string { return []string{"v2_callback", "v2_token", "v2_userinfo"} }

// sealKnobs are the knobs of the encrypted wire.
func sealKnobs() map[string]knobKind {
	knobs := map[string]knobKind{
		"v2_cbc": knobSwitch, "v2_key_bits": knobNumber, "v2_code_received": knobSwitch, "v2_no_encrypt_key": knobSwitch,
	}
	for _, place := range seals() {
		for _, lie := range []string{"_plain", "_other_key", "_cut", "_flip"} {
			knobs[place+lie] = knobSwitch
		}
	}
	return knobs
}

// seal makes an envelope for a client as Java's "AES" and "RSA" do: a fresh AES
// key, ECB with the padding of PKCS #7, and that key under PKCS #1 v1.5; both
// parts in Base64. The knobs of the place spoil it.
func (v *VNeID) seal(place string, to *rsa.PublicKey, text []byte) (data, key string, err error) {
	bits := 256
	if other, err := strconv.Atoi(v.value("v2_key_bits")); err == nil {
		bits = other
	}
	if v.on(place + "_other_key") {
		other, err := v.otherKey()
		if err != nil {
			return "", "", err
		}
		to = &other.PublicKey
	}
	aesKey := make([]byte, bits/8)
	_, _ = rand.Read(aesKey) // never fails, crypto/rand
	block, err := aes.NewCipher(aesKey)
	if err != nil {
		return "", "", err
	}
	//lint:ignore SA1019 the wire that is simulated has no other padding
	sealedKey, err := rsa.EncryptPKCS1v15(rand.Reader, to, aesKey)
	if err != nil {
		return "", "", err
	}
	var out []byte
	padded := pad(text)
	if v.on("v2_cbc") {
		out = make([]byte, aes.BlockSize+len(padded))
		_, _ = rand.Read(out[:aes.BlockSize])
		cipher.NewCBCEncrypter(block, out[:aes.BlockSize]).CryptBlocks(out[aes.BlockSize:], padded)
	} else {
		out = make([]byte, len(padded))
		for i := 0; i < len(padded); i += aes.BlockSize {
			block.Encrypt(out[i:], padded[i:])
		}
	}
	if v.on(place + "_cut") {
		out = out[:len(out)-aes.BlockSize]
	}
	if v.on(place + "_flip") {
		out[len(out)/2] ^= 4
	}
	return base64.StdEncoding.EncodeToString(out), base64.StdEncoding.EncodeToString(sealedKey), nil
}

// pad fills up to whole blocks, always by one byte at least (RFC 5652, section
// 6.3).
func pad(text []byte) []byte {
	n := aes.BlockSize - len(text)%aes.BlockSize
	padded := append([]byte(nil), text...)
	for range n {
		padded = append(padded, byte(n))
	}
	return padded
}
