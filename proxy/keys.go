package proxy

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/go-jose/go-jose/v4"
)

// keys is the published key set (RFC 7517) of the assertion, public halves
// only, at jwks.json.
type keys struct {
	set      jose.JSONWebKeySet
	document []byte
}

func newKeys(signers []crypto.Signer) (k keys, err error) {
	for i, signer := range signers {
		jwk := jose.JSONWebKey{Key: signer.Public(), Use: "sig"}
		switch private := signer.(type) {
		case ed25519.PrivateKey:
			jwk.Algorithm = string(jose.EdDSA)
		case *ecdsa.PrivateKey:
			if private.Curve != elliptic.P256() {
				return keys{}, fmt.Errorf("proxy: assertion key %d: not on the curve P-256", i+1)
			}
			jwk.Algorithm = string(jose.ES256)
		default:
			return keys{}, fmt.Errorf("proxy: assertion key %d is neither Ed25519 nor ECDSA P-256", i+1)
		}
		thumbprint, err := jwk.Thumbprint(crypto.SHA256)
		if err != nil {
			return keys{}, fmt.Errorf("proxy: assertion key %d: %w", i+1, err)
		}
		jwk.KeyID = base64.RawURLEncoding.EncodeToString(thumbprint)
		if len(k.set.Key(jwk.KeyID)) > 0 {
			return keys{}, errors.New("proxy: an assertion key is there twice")
		}
		k.set.Keys = append(k.set.Keys, jwk)
	}
	k.document, err = json.Marshal(k.set)
	return k, err
}

// ServeHTTP answers GET and HEAD with the key set, the same for everybody.
func (k *keys) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/jwk-set+json")
	w.Header().Set("Cache-Control", "public, max-age=300")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(k.document)
}
