// Package vneid is an identity provider: it sends a person there, and turns
// what comes back into a citizen.
//
// OIDC is the profile for a standard OpenID provider, on the relying party of
// zitadel/oidc: authorization code flow with state, nonce and PKCE S256 always
// (RFC 9700, 2.1), client authentication by Basic or in the body. What that
// library leaves open is closed here: the provider's name in the answer (RFC
// 9207), every audience ours, one clock skew for iat, nbf and exp, an algorithm
// from a short list, keys of a bounded age that strangers cannot make us read
// again, JSON that has one reading only, and answers of bounded size and time.
//
// Encrypted is the profile for VNeID's encrypted wire (V2), where the code, the
// token answer and userinfo come in envelopes of RSA and AES, without ID token,
// nonce or PKCE. The rules that keep it from telling strangers what it could
// decrypt are in envelope.go.
//
// The package holds no state of a sign-in: the attempt comes from the browser's
// sealed cookie, and the broker has spent its state in the ledger before it
// calls Redeem. An error never holds a provider's words, a token or a number.
package vneid
