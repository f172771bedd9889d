package main

import (
	"context"
	"io"

	"github.com/alecthomas/kong"
)

// command is the command line.
type command struct {
	Simulator string `arg:"" enum:"vneid,population,portal,all,storybook" help:"What to run: the simulator vneid, population or portal, all three, or the storybook of every screen."`

	ListenVNeID      string `name:"listen-vneid" default:"localhost:8081" placeholder:"HOST:PORT" help:"Where VNeID listens, on loopback (default: ${default}). It is also its issuer, over http, or over https with a certificate."`
	ListenPopulation string `name:"listen-population" default:"localhost:8082" placeholder:"HOST:PORT" help:"Where the population database listens, on loopback (default: ${default})."`
	ListenPortal     string `name:"listen-portal" default:"localhost:8083" placeholder:"HOST:PORT" help:"Where the portal listens, on loopback (default: ${default})."`
	ListenStorybook  string `name:"listen" default:"localhost:8084" placeholder:"HOST:PORT" help:"Where the storybook listens, on loopback (default: ${default})."`
	VNeIDTLSCert     string `name:"vneid-tls-cert" type:"existingfile" and:"tls" placeholder:"FILE" help:"Certificate chain, PEM, that makes VNeID speak https."`
	VNeIDTLSKey      string `name:"vneid-tls-key" type:"existingfile" and:"tls" placeholder:"FILE" help:"Its private key, PEM."`

	ClientID              string   `default:"vneid-proxy" help:"VNeID's relying party (default: ${default})."`
	ClientPublicKey       string   `type:"existingfile" placeholder:"FILE" help:"Its public RSA key, PEM, which lets it use the encrypted wire (/v2/…); without one it cannot."`
	ClientSecret          string   `default:"simulated-client-secret" help:"Its secret (default: ${default})."`
	RedirectURI           []string `name:"redirect-uri" default:"http://127.0.0.1:8080/_vneid/callback" help:"Its redirect URIs (default: ${default})."`
	PostLogoutRedirectURI []string `name:"post-logout-redirect-uri" default:"http://127.0.0.1:8080/,http://127.0.0.1:8080/_vneid/sign-out" help:"Its post-logout redirect URIs (default: ${default})."`
	BackChannelLogoutURI  string   `name:"back-channel-logout-uri" help:"Where it takes logout tokens; none by default."`

	PopulationToken string `default:"simulated-population-token" help:"Bearer token of the population database (default: ${default})."`
	CredentialToken string `default:"simulated-credential-token" help:"Bearer token of the portal's credential check (default: ${default})."`
}

// run parses args and serves until ctx is done. It prints addresses to out.
func run(ctx context.Context, args []string, out io.Writer) error {
	var c command
	helped := false
	parser, err := kong.New(&c, kong.Name("vneid-sim"), kong.Writers(out, out),
		kong.Description("Simulated VNeID, population database and legacy portal, and a storybook of every screen. Invented people only."),
		kong.Exit(func(int) { helped = true }))
	if err != nil {
		return err
	}
	_, err = parser.Parse(args)
	if helped {
		return nil
	}
	if err != nil {
		return err
	}
	return c.serve(ctx, out)
}
