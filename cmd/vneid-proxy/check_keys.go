package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"fmt"
	"slices"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json/jsontext"

	"vneid-proxy/broker/outbound"
)

// signingKeys looks for a key that could sign an ID token.
func (i *inspection) signingKeys(ctx context.Context, said discovered) finding {
	algorithms := said.Algorithms
	if len(algorithms) == 0 {
		algorithms = []string{"RS256"} // what every provider must support: Core 15.1
	}
	reply, err := i.get(ctx, said.Keys)
	var set struct {
		Keys []jsontext.Value `json:"keys"`
	}
	if err == nil {
		err = outbound.Decode(reply, &set)
	}
	if err != nil {
		says, mend := i.trouble(err)
		return providerKeys.fault("its keys (jwks_uri): "+says, variable("ISSUER_URL")+": "+mend)
	}
	usable := 0
	for _, text := range set.Keys {
		var key jose.JSONWebKey
		if key.UnmarshalJSON(text) == nil && key.Valid() && key.IsPublic() && signs(key, algorithms) {
			usable++
		}
	}
	if usable == 0 {
		return providerKeys.fault(fmt.Sprintf("none of the %d keys that it publishes can sign an ID token in a way that serve accepts (RS256, PS256, ES256, EdDSA; RSA from 2048 bits)", len(set.Keys)),
			variable("ISSUER_URL")+": ask the provider to sign with one of these, and to publish the key")
	}
	return providerKeys.ok(fmt.Sprintf("%d of %d keys can sign an ID token", usable, len(set.Keys)))
}

// signs reports whether a key fits one of the algorithms that the provider
// offers and serve accepts.
func signs(key jose.JSONWebKey, offered []string) bool {
	var fit []string
	switch public := key.Key.(type) {
	case *rsa.PublicKey:
		if public.N.BitLen() >= 2048 {
			fit = []string{"RS256", "PS256"}
		}
	case *ecdsa.PublicKey:
		if public.Params().BitSize == 256 {
			fit = []string{"ES256"}
		}
	case ed25519.PublicKey:
		fit = []string{"EdDSA"}
	}
	if key.Use != "" && key.Use != "sig" {
		return false
	}
	return slices.ContainsFunc(fit, func(a string) bool {
		return slices.Contains(offered, a) && (key.Algorithm == "" || key.Algorithm == a)
	})
}
