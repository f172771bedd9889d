package vneid

import (
	"context"
	"crypto/rsa"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/zitadel/oidc/v3/pkg/oidc"

	"vneid-proxy/broker/outbound"
)

const (
	// keysAge is how long a published key is believed without asking again: a
	// key that a provider withdraws is refused after that at the latest.
	keysAge = time.Hour
	// unknownKeyFloor is the least time between two readings for the sake of an
	// unknown key id: anybody can write one, and each costs the provider.
	unknownKeyFloor = 5 * time.Second
)

// keySet is the provider's signing keys: oidc.KeySet over one address.
type keySet struct {
	address string
	keys    kept[[]jose.JSONWebKey]

	mu    sync.Mutex // guards what follows
	again time.Time  // when an unknown key id last made us read anew
}

func newKeySet(client *http.Client, address string, now func() time.Time) *keySet {
	return &keySet{address: address, keys: kept[[]jose.JSONWebKey]{now: now, read: func(ctx context.Context) ([]jose.JSONWebKey, error) {
		return readKeys(ctx, client, address)
	}}}
}

// VerifySignature implements oidc.KeySet: the key is chosen by kid from the
// published ones only; what the token's header says of keys (jwk, jku, x5c, x5u)
// is not looked at. Without a kid the one key of its type is taken.
func (s *keySet) VerifySignature(ctx context.Context, jws *jose.JSONWebSignature) ([]byte, error) {
	keys, err := s.keys.within(ctx, keysAge)
	if err != nil {
		return nil, failed("keys", err)
	}
	kid, algorithm := oidc.GetKeyIDAndAlg(jws)
	key, err := findKey(kid, algorithm, keys)
	if errors.Is(err, oidc.ErrKeyNone) {
		if keys, err = s.keys.since(ctx, s.wanted()); err != nil {
			return nil, failed("keys", err)
		}
		key, err = findKey(kid, algorithm, keys)
	}
	if err != nil {
		return nil, fault(ReasonKey)
	}
	payload, err := jws.Verify(key.Key)
	if err != nil {
		return nil, fault(ReasonSignature)
	}
	return payload, nil
}

// wanted is how new the keys must be for an unknown key id: as of now, or as of
// the last time that this was asked if that is within the floor. So a rotation
// is noticed at once, callers at one time share the reading, and a flood of
// invented ids costs one reading a floor.
func (s *keySet) wanted() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.keys.now(); now.Sub(s.again) >= unknownKeyFloor {
		s.again = now
	}
	return s.again
}

func findKey(kid, algorithm string, keys []jose.JSONWebKey) (jose.JSONWebKey, error) {
	var fit []jose.JSONWebKey
	for _, key := range keys {
		if key.Algorithm == "" || key.Algorithm == algorithm {
			fit = append(fit, key)
		}
	}
	return oidc.FindMatchingKey(kid, oidc.KeyUseSignature, algorithm, fit...)
}

// publicKey is the public members of a JSON Web Key (RFC 7517, 7518, 8037).
// Others are left out before go-jose sees the key: private ones, which it would
// spend long on, and certificates.
type publicKey struct {
	Type      string `json:"kty"`
	Use       string `json:"use,omitzero"`
	Algorithm string `json:"alg,omitzero"`
	ID        string `json:"kid,omitzero"`
	Modulus   string `json:"n,omitzero"`
	Exponent  string `json:"e,omitzero"`
	Curve     string `json:"crv,omitzero"`
	X         string `json:"x,omitzero"`
	Y         string `json:"y,omitzero"`
}

// readKeys reads a key set. A key that is of an unknown kind, weak (RSA under
// 2048 bits), enormous or malformed is left out, as RFC 7517, 5 asks; its tokens
// are refused as signed by an unknown key.
func readKeys(ctx context.Context, client *http.Client, address string) ([]jose.JSONWebKey, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/json, application/jwk-set+json")
	var set struct {
		Keys []jsontext.Value `json:"keys"`
	}
	if _, err := outbound.JSON(client, r, &set); err != nil {
		return nil, err
	}
	var keys []jose.JSONWebKey
	for _, text := range set.Keys {
		if key, ok := parseKey(text); ok {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

func parseKey(text []byte) (jose.JSONWebKey, bool) {
	var public publicKey
	if json.Unmarshal(text, &public) != nil {
		return jose.JSONWebKey{}, false
	}
	canonical, err := json.Marshal(public)
	if err != nil {
		return jose.JSONWebKey{}, false
	}
	var key jose.JSONWebKey
	if key.UnmarshalJSON(canonical) != nil || !key.Valid() || !key.IsPublic() {
		return jose.JSONWebKey{}, false
	}
	if rsaKey, ok := key.Key.(*rsa.PublicKey); ok && (rsaKey.N.BitLen() < 2048 || rsaKey.N.BitLen() > 8192) {
		return jose.JSONWebKey{}, false
	}
	return key, true
}
