package vneid

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
)

// errDecryptionKey never holds what was read: it may be a key.
var errDecryptionKey = errors.New("vneid: want one RSA private key of at least 2048 bits in PEM, PKCS #8 or PKCS #1, without a password")

// ParseDecryptionKey reads the private key of a client on VNeID's encrypted
// wire: one PEM block, PKCS #8 (RFC 5958) or PKCS #1 (RFC 8017, A.1.2), RSA of
// 2048 bits or more. It must serve nothing else.
func ParseDecryptionKey(text []byte) (*rsa.PrivateKey, error) {
	block, rest := pem.Decode(text)
	if block == nil || len(bytes.TrimSpace(rest)) > 0 {
		return nil, errDecryptionKey
	}
	var key any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	}
	private, ok := key.(*rsa.PrivateKey)
	if err != nil || !ok || !decrypts(private) {
		return nil, errDecryptionKey
	}
	return private, nil
}

func decrypts(key *rsa.PrivateKey) bool {
	return key != nil && key.N != nil && key.N.BitLen() >= 2048 && key.Validate() == nil
}
