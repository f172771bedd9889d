package broker

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/session"
)

// keepIDToken puts what sign-out needs into the ledger, sealed under a key
// that only the browser's cookie yields: neither the ledger's keys nor its
// file open it. An empty token is not kept.
func (b *broker) keepIDToken(ctx context.Context, id session.ID, idToken string) error {
	if idToken == "" {
		return nil
	}
	row, aead := keysOf(id, "tokens")
	sealed := aead.Seal(nil, nil, []byte(idToken), row)
	return b.Ledger.PutSecret(ctx, row, sealed, b.Now().Add(b.SessionLifetime))
}

// takeIDToken returns the token and forgets it; "" where there is none.
func (b *broker) takeIDToken(ctx context.Context, id session.ID) (string, error) {
	row, aead := keysOf(id, "tokens")
	sealed, err := b.Ledger.GetSecret(ctx, row)
	if errors.Is(err, ledger.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	token, err := aead.Open(nil, nil, sealed, row)
	if err != nil {
		return "", nil // not ours to open: as if there were none
	}
	return string(token), b.Ledger.DeleteSecret(ctx, row)
}

// keysOf derives the row's name and its key. Neither derivation can fail:
// the lengths are constants. The nonce is inside the sealed text (random), so
// that a second token under one id is no fault.
func keysOf(id session.ID, purpose string) (row []byte, aead cipher.AEAD) {
	row, _ = hkdf.Key(sha256.New, id[:], nil, "vneid-proxy "+purpose+" row", 16)
	key, _ := hkdf.Key(sha256.New, id[:], nil, "vneid-proxy "+purpose+" key", 32)
	block, _ := aes.NewCipher(key)
	aead, _ = cipher.NewGCMWithRandomNonce(block)
	return row, aead
}
