package main

import (
	"net/http"

	"vneid-proxy/vneidtest"
)

// vneid is the simulated VNeID with the one client of the command line.
func (c *command) vneid(address string) (http.Handler, error) {
	key, err := readPublicKey(c.ClientPublicKey)
	if err != nil {
		return nil, err
	}
	client := vneidtest.Client{
		ID: c.ClientID, Secret: c.ClientSecret, RedirectURIs: c.RedirectURI,
		PostLogoutRedirectURIs: c.PostLogoutRedirectURI, BackChannelLogoutURI: c.BackChannelLogoutURI, PublicKey: key,
	}
	return vneidtest.NewVNeID(vneidtest.VNeIDConfig{Issuer: address, Clients: []vneidtest.Client{client}})
}
