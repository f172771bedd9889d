package ledger

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

const keySize = 32 // bytes of each configured key

// keyring seals what is personal and finds it again.
type keyring struct {
	active    string                 // id of the key that seals
	aeads     map[string]cipher.AEAD // by key id; all open
	signers   map[string]ed25519.PrivateKey
	indexes   map[string][]byte // by key id
	indexID   string            // of the configured one
	nextID    string            // of the one that is to follow; "" for none
	pseudonym []byte
}

// sealed is a value at rest, as it lies in a row's key_id and sealed columns.
type sealed struct {
	keyID string
	box   []byte
}

func newKeyring(keys [][]byte, indexKey, nextIndexKey []byte) (*keyring, error) {
	if len(keys) == 0 {
		return nil, fmt.Errorf("%w: no ledger key", ErrKey)
	}
	if len(indexKey) != keySize {
		return nil, fmt.Errorf("%w: the index key has %d bytes, not %d", ErrKey, len(indexKey), keySize)
	}
	k := &keyring{
		aeads:     make(map[string]cipher.AEAD),
		signers:   make(map[string]ed25519.PrivateKey),
		indexes:   map[string][]byte{keyID(indexKey): derive(indexKey, "index")},
		indexID:   keyID(indexKey),
		pseudonym: derive(indexKey, "pseudonym"),
	}
	if len(nextIndexKey) > 0 {
		if len(nextIndexKey) != keySize || keyID(nextIndexKey) == k.indexID {
			return nil, fmt.Errorf("%w: the next index key has %d bytes, not %d, or is the index key", ErrKey, len(nextIndexKey), keySize)
		}
		k.nextID = keyID(nextIndexKey)
		k.indexes[k.nextID] = derive(nextIndexKey, "index")
	}
	for i, key := range keys {
		if len(key) != keySize {
			return nil, fmt.Errorf("%w: ledger key %d has %d bytes, not %d", ErrKey, i+1, len(key), keySize)
		}
		id := keyID(key)
		if _, twice := k.aeads[id]; twice {
			return nil, fmt.Errorf("%w: two ledger keys have the id %s", ErrKey, id)
		}
		block, err := aes.NewCipher(derive(key, "seal"))
		if err != nil {
			return nil, err
		}
		if k.aeads[id], err = cipher.NewGCMWithRandomNonce(block); err != nil {
			return nil, err
		}
		k.signers[id] = ed25519.NewKeyFromSeed(derive(key, "audit checkpoint"))
		if i == 0 {
			k.active = id
		}
	}
	return k, nil
}

// derive cannot fail: 32 bytes are far below HKDF's limit.
func derive(key []byte, purpose string) []byte {
	derived, _ := hkdf.Key(sha256.New, key, nil, "vneid-proxy ledger "+purpose, keySize)
	return derived
}

// keyID names a key without telling anything about it.
func keyID(key []byte) string {
	sum := sha256.Sum256(append([]byte("id"), key...))
	return hex.EncodeToString(sum[:4])
}

// seal encrypts a value for the one row it may lie in: moved to another row or
// table, it does not open.
func (k *keyring) seal(table, row string, plain []byte) sealed {
	return sealed{k.active, k.aeads[k.active].Seal(nil, nil, plain, place(table, row))}
}

func (k *keyring) open(table, row string, s sealed) ([]byte, error) {
	aead, ok := k.aeads[s.keyID]
	if !ok {
		return nil, fmt.Errorf("%w: a row of %s needs key %s", ErrKey, table, s.keyID)
	}
	plain, err := aead.Open(nil, nil, s.box, place(table, row))
	if err != nil {
		return nil, fmt.Errorf("%s: a sealed value does not open under key %s", table, s.keyID)
	}
	return plain, nil
}

func place(table, row string) []byte { return []byte(table + "/sealed/" + row) }

// keyedHash is HMAC-SHA256 over the parts.
func keyedHash(key []byte, domain string, parts ...string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(lengthPrefixed(append([]string{domain}, parts...)...))
	return mac.Sum(nil)
}

// lengthPrefixed puts a length before each part, so that no two lists of parts
// run into the same bytes.
func lengthPrefixed(parts ...string) []byte {
	var b []byte
	for _, part := range parts {
		b = binary.AppendUvarint(b, uint64(len(part)))
		b = append(b, part...)
	}
	return b
}

// newID is 128 random bits in hex.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, crypto/rand
	return hex.EncodeToString(b[:])
}
