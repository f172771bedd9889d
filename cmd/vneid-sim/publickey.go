package main

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
)

// errPublicKey never holds what was read: somebody may have given a private
// key by mistake.
var errPublicKey = errors.New("want one RSA public key of at least 2048 bits in PEM, PKIX or PKCS #1")

// readPublicKey reads a client's key from a file; "" is no key.
func readPublicKey(file string) (*rsa.PublicKey, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	key, err := parsePublicKey(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return key, nil
}

// parsePublicKey reads one PEM block: PKIX (RFC 5280, section 4.1) or PKCS #1
// (RFC 8017, A.1.1).
func parsePublicKey(text []byte) (*rsa.PublicKey, error) {
	block, rest := pem.Decode(text)
	if block == nil || len(bytes.TrimSpace(rest)) > 0 {
		return nil, errPublicKey
	}
	var key any
	var err error
	switch block.Type {
	case "PUBLIC KEY":
		key, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		key, err = x509.ParsePKCS1PublicKey(block.Bytes)
	}
	public, ok := key.(*rsa.PublicKey)
	if err != nil || !ok || public.N.BitLen() < 2048 {
		return nil, errPublicKey
	}
	return public, nil
}
