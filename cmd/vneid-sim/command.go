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
	ClientSecret          string   `default:"simulated-client-secret" help:"Its secret (default: ${default})."`
	RedirectURI           []string `name:"redirect-uri" default:"http://127.0.0.1:8080/_vneid/callback" help:"Its redirect URIs (default: ${default})."`
	PostLogoutRedirectURI []string `name:"post-logout-redirect-uri" default:"http://127.0.0.1:8080/,http://127.0.0.1:8080/_vneid/sign-out" help:"Its post-logout redirect URIs (default: ${default})."`
	BackChannelLogoutURI  string   `name:"back-channel-logout-uri" help:"Where it takes logout tokens; none by default."`

	ClientPublicKey string `name:"client-public-key" placeholder:"FILE" help:"Its RSA public key, PEM (PKIX or PKCS #1), for the encrypted wire; without one it is kept off that wire."`

	PopulationToken string   `default:"simulated-population-token" help:"Bearer token of the population database's match (default: ${default})."`
	Procedures      []string `name:"procedure" help:"Procedures (MaDVC) that may ask it by SOAP or through a province; any by default."`
	Officials       []string `name:"official" help:"Officials (MaCanBo) who may; any by default."`
	Platform        platform `embed:"" prefix:"platform-" group:"Population database by SOAP, at /soap"`
	Province        province `embed:"" prefix:"lgsp-" group:"Population database through a province, below /lgsp"`
	CredentialToken string   `default:"simulated-credential-token" help:"Bearer token of the portal's credential check and of its directory (default: ${default})."`
}

// platform is the national platform's way to the population database.
type platform struct {
	URL     string `name:"url" help:"The service's address as callers sign it (default: its own)."`
	User    string `default:"simulated-platform-user" help:"Who signs (default: ${default}); empty leaves the way out."`
	Secret  string `default:"simulated-platform-secret" help:"Its secret (default: ${default})."`
	Client  string `default:"VN/GOV/099/vneid-sim" help:"X-Road-Client (default: ${default}); empty does not ask for it."`
	APIKey  string `name:"api-key" default:"simulated-platform-api-key" help:"ApiKey (default: ${default}); empty does not ask for it."`
	Seconds bool   `help:"Timestamp in seconds instead of milliseconds."`
}

// province is a province's way to the population database.
type province struct {
	Token          string `default:"simulated-lgsp-token" help:"Bearer token of its JSON forms (default: ${default}); empty leaves them out."`
	AccessKey      string `default:"simulated-lgsp-access-key" help:"AccessKey in lgspaccesstoken (default: ${default}); empty leaves the wrapped SOAP form out."`
	SecretKey      string `default:"simulated-lgsp-secret-key" help:"SecretKey in it (default: ${default})."`
	AppName        string `default:"vneid-sim" help:"AppName in it (default: ${default})."`
	PartnerCode    string `default:"099.00.00" help:"PartnerCode in it (default: ${default})."`
	PartnerCodeCus string `name:"partner-code-cus" default:"099.00.01" help:"PartnerCodeCus in it (default: ${default})."`
	User           string `default:"simulated-official" help:"The official in AuthHash (default: ${default})."`
	Password       string `default:"simulated-official-password" help:"Their password in it (default: ${default})."`
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
