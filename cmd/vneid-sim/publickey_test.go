package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func TestReadPublicKey(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	pkix, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	require.NoError(t, err)
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	other, err := x509.MarshalPKIXPublicKey(&curve.PublicKey)
	require.NoError(t, err)
	private := pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))
	short := pemOf("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&rsa.PublicKey{N: new(big.Int).Rsh(key.N, 1024), E: 65537}))
	for name, tc := range map[string]struct {
		text []byte
		good bool
	}{
		"PKIX":           {pemOf("PUBLIC KEY", pkix), true},
		"blanks behind":  {append(pemOf("PUBLIC KEY", pkix), " \n"...), true},
		"two":            {append(pemOf("PUBLIC KEY", pkix), pemOf("PUBLIC KEY", pkix)...), false},
		"a private one":  {private, false},
		"of a curve":     {pemOf("PUBLIC KEY", other), false},
		"too short":      {short, false},
		"under no name":  {pemOf("KEY", pkix), false},
		"under another":  {pemOf("RSA PUBLIC KEY", pkix), false},
		"cut":            {pemOf("PUBLIC KEY", pkix[:40]), false},
		"no PEM":         {pkix, false},
		"nothing at all": {nil, false},
	} {
		file := filepath.Join(t.TempDir(), "key.pem")
		require.NoError(t, os.WriteFile(file, tc.text, 0o600))
		got, err := readPublicKey(file)
		if tc.good {
			require.NoError(t, err, name)
			assert.Equal(t, 65537, got.E, name)
			continue
		}
		require.ErrorIs(t, err, errPublicKey, name)
		assert.Nil(t, got, name)
	}
	_, err = readPublicKey(filepath.Join(t.TempDir(), "none.pem"))
	require.ErrorIs(t, err, os.ErrNotExist)
	none, err := readPublicKey("")
	require.NoError(t, err)
	assert.Nil(t, none)
}

func FuzzParsePublicKey(f *testing.F) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		f.Fatal(err)
	}
	good := pemOf("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&key.PublicKey))
	f.Add(good)
	f.Add(bytes.Repeat(good, 2))
	f.Add([]byte("-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if key, err := parsePublicKey(text); (err == nil) != (key != nil && key.N.BitLen() >= 2048) {
			t.Errorf("%q: %v, %v", text, key, err)
		}
	})
}
