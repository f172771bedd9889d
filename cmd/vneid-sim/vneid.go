package main

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"

	"vneid-proxy/vneidtest"
)

// vneid is the simulated VNeID with the one client of the command line.
func (c *command) vneid(address string) (http.Handler, error) {
	client := vneidtest.Client{
		ID: c.ClientID, Secret: c.ClientSecret, RedirectURIs: c.RedirectURI,
		PostLogoutRedirectURIs: c.PostLogoutRedirectURI, BackChannelLogoutURI: c.BackChannelLogoutURI,
	}
	if c.ClientPublicKey != "" {
		var err error
		if client.PublicKey, err = readPublicKey(c.ClientPublicKey); err != nil {
			return nil, err
		}
	}
	return vneidtest.NewVNeID(vneidtest.VNeIDConfig{Issuer: address, Clients: []vneidtest.Client{client}})
}

// readPublicKey takes what openssl rsa -pubout writes.
func readPublicKey(name string) (*rsa.PublicKey, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s: no PEM", name)
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	public, ok := key.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("%s: no RSA key", name)
	}
	return public, nil
}
