package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// wire is a way to speak to VNeID, and all that journeys may find otherwise on
// it: whatever is not named here is the same on both. Nobody sees the session
// id and the subject that differ too (on the encrypted wire there is none, and
// the subject is the citizen number).
type wire struct {
	profile  string // PROVIDER
	provider string // whose subjects are told, as the assertion names it
	token    string // the simulator's token endpoint, for Calls
	// issuer says that callbacks carry iss, which is checked (RFC 9207).
	issuer bool
	// decoys says that a callback which names our state but holds no code that
	// opens is redeemed all the same, by a code made up, so that nobody learns
	// from the time whether one did.
	decoys bool
	// endSession says that signing out leads to VNeID, with the ID token as a
	// hint; without one it ends at our own page.
	endSession bool
	// level is the authentication level that is told, "" for none.
	level string
}

func wireOIDC() wire {
	return wire{profile: "oidc", provider: "vneid", token: "token", issuer: true, endSession: true}
}

func wireEncrypted() wire {
	return wire{profile: "vneid-encrypted", provider: "vneid-encrypted", token: "v2_token", decoys: true}
}

// onBothWires runs a journey on each.
func onBothWires(t *testing.T, journey func(t *testing.T, w wire)) {
	t.Parallel()
	for _, w := range []wire{wireOIDC(), wireEncrypted()} {
		t.Run(w.profile, func(t *testing.T) {
			t.Parallel()
			journey(t, w)
		})
	}
}

// environ is what configures the wire; every name of either is in it, so that
// one can be put over the other.
func (w wire) environ(t *testing.T, vneid string) map[string]string {
	env := map[string]string{
		"PROVIDER": w.profile, "ISSUER_URL": vneid, "AUTHORIZE_URL": "", "TOKEN_URL": "", "USERINFO_URL": "", "DECRYPTION_KEY_FILES": "",
	}
	if w.profile == "vneid-encrypted" {
		env["ISSUER_URL"] = ""
		env["AUTHORIZE_URL"], env["TOKEN_URL"], env["USERINFO_URL"] = vneid+"/v2/authorize", vneid+"/v2/token", vneid+"/v2/userinfo"
		key, err := wireKey()
		require.NoError(t, err)
		folder, err := os.MkdirTemp("", "vneid-key-") // t.TempDir may hold a comma, which parts names here
		require.NoError(t, err)
		t.Cleanup(func() { _ = os.RemoveAll(folder) })
		env["DECRYPTION_KEY_FILES"] = filepath.Join(folder, "vneid.pem")
		text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
		require.NoError(t, os.WriteFile(env["DECRYPTION_KEY_FILES"], text, 0o600))
	}
	return env
}

// wireKey is what VNeID encrypts for. One serves every test: making it takes
// longer than most of them.
var wireKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })
