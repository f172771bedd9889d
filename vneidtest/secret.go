package vneidtest

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
)

// secretEqual reports whether two secrets are the same and not empty, in a
// time that does not tell how far they agree.
func secretEqual(given, want string) bool {
	g, w := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(want))
	return want != "" && subtle.ConstantTimeCompare(g[:], w[:]) == 1
}

// bearer reports whether a request shows the token (RFC 6750, section 2.1).
func bearer(r *http.Request, token string) bool {
	scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.EqualFold(scheme, "Bearer") && secretEqual(given, token)
}
