package config

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
)

// keySize is the length of every key, in bytes.
const keySize = 32

// Keyring is a list of 32-byte keys, the active one first. It prints
// "[secret]". The zero value holds none.
type Keyring struct {
	hidden
	keys [][]byte
}

// Reveal is the keys themselves, the active one first; nil when unset.
func (k Keyring) Reveal() [][]byte { return k.keys }

// UnmarshalText reads keys in base64, standard or URL alphabet (RFC 4648
// sections 4 and 5), with or without padding, separated by commas. The error
// tells which key of the list is wrong, never what it is.
func (k *Keyring) UnmarshalText(text []byte) error {
	*k = Keyring{hidden: hidden{text: string(text)}}
	for i, item := range strings.Split(string(text), ",") {
		plain := strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimSpace(item))
		key, err := base64.RawStdEncoding.Strict().DecodeString(strings.TrimSuffix(plain, "="))
		if err != nil || len(key) != keySize || strings.ContainsAny(plain, "\r\n") {
			return fmt.Errorf("key %d of the list is not %d bytes in base64; make one with: openssl rand -base64 %d", i+1, keySize, keySize)
		}
		if slices.ContainsFunc(k.keys, func(have []byte) bool { return string(have) == string(key) }) {
			return fmt.Errorf("key %d of the list repeats an earlier one; remove it", i+1)
		}
		k.keys = append(k.keys, key)
	}
	return nil
}
