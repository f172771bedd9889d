package ledger

import (
	"crypto/ed25519"
	"encoding/hex"
	"strconv"
)

// What a statement is about. A checkpoint stays for as long as the rows after
// it; the head moves with every sealing, so that rows after the last
// checkpoint are not to be cut off either. One is never taken for the other.
const (
	atCheckpoint = "checkpoint"
	atHead       = "head"
)

// statement says, signed with Ed25519 (RFC 8032), which hash the chain had at
// one row and when.
type statement struct {
	about     string
	seq, at   int64
	hash      []byte
	keyID     string // the ledger key from which the signing key is derived
	signer    string // the id of the public key
	signature []byte
}

// fields are where seq, at, hash, key_id, signer and signature are read to.
func (s *statement) fields() []any {
	return []any{&s.seq, &s.at, &s.hash, &s.keyID, &s.signer, &s.signature}
}

func (s statement) text() []byte {
	return lengthPrefixed("vneid-proxy audit statement", s.about, strconv.FormatInt(s.seq, 10),
		strconv.FormatInt(s.at, 10), hex.EncodeToString(s.hash), s.keyID, s.signer)
}

// state signs a statement with the active key.
func (k *keyring) state(about string, seq, at int64, hash []byte) statement {
	key := k.signers[k.active]
	s := statement{about: about, seq: seq, at: at, hash: hash, keyID: k.active, signer: keyID(publicKey(key))}
	s.signature = ed25519.Sign(key, s.text())
	return s
}

// signed reports whether any of the configured keys made the signature.
func (k *keyring) signed(s statement) bool {
	text := s.text()
	for _, key := range k.signers {
		if ed25519.Verify(publicKey(key), text, s.signature) {
			return true
		}
	}
	return false
}

func publicKey(key ed25519.PrivateKey) ed25519.PublicKey {
	return ed25519.PublicKey(key[ed25519.PrivateKeySize-ed25519.PublicKeySize:])
}

func (t *transaction) putCheckpoint(s statement) error {
	_, err := t.exec("INSERT INTO audit_checkpoints (seq, at, hash, key_id, signer, signature) VALUES (?, ?, ?, ?, ?, ?)",
		s.seq, s.at, s.hash, s.keyID, s.signer, s.signature)
	return err
}

// checkpoint reads the one that the order finds first; seq -1 is none.
func (t *transaction) checkpoint(order string) (statement, error) {
	s := statement{about: atCheckpoint}
	found, err := t.one("SELECT seq, at, hash, key_id, signer, signature FROM audit_checkpoints ORDER BY seq "+order+" LIMIT 1",
		nil, s.fields()...)
	if !found {
		s.seq = -1
	}
	return s, err
}

// head is where the chain ends; false where the row is gone.
func (t *transaction) head() (statement, bool, error) {
	s := statement{about: atHead}
	found, err := t.one("SELECT seq, at, hash, key_id, signer, signature FROM audit_head", nil, s.fields()...)
	return s, found, err
}
