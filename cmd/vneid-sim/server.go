package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"vneid-proxy/vneidtest"
)

const (
	// headerWait bounds how long a connection may take to send its headers.
	headerWait = 10 * time.Second
	// stopWait is how long answers under way may take once we stop; endless
	// ones are then cut.
	stopWait = 3 * time.Second
)

// simulator is one server to run; the storybook is run like one.
type simulator struct {
	name, listen string
	handler      func(address string) (http.Handler, error) // address is scheme://host:port as bound
	cert, key    string                                     // files that make it speak https; "" for http
}

func (c *command) simulators() []simulator {
	all := []simulator{
		{name: "vneid", listen: c.ListenVNeID, handler: c.vneid, cert: c.VNeIDTLSCert, key: c.VNeIDTLSKey},
		{name: "population", listen: c.ListenPopulation, handler: c.population},
		{name: "portal", listen: c.ListenPortal, handler: func(string) (http.Handler, error) {
			return vneidtest.NewPortal(vneidtest.PortalConfig{CredentialToken: c.CredentialToken})
		}},
	}
	if c.Simulator == "all" {
		return all
	}
	all = append(all, simulator{name: "storybook", listen: c.ListenStorybook, handler: func(string) (http.Handler, error) { return newStorybook() }})
	for _, s := range all {
		if s.name == c.Simulator {
			return []simulator{s}
		}
	}
	return nil
}

func (c *command) population(address string) (http.Handler, error) {
	cfg := vneidtest.PopulationConfig{Token: c.PopulationToken, Procedures: c.Procedures, Officials: c.Officials}
	if p := c.Platform; p.User != "" {
		cfg.Platform = vneidtest.PlatformConfig{
			URL: cmp.Or(p.URL, address+"/soap"), User: p.User, Secret: p.Secret, Client: p.Client, APIKey: p.APIKey, Unit: time.Millisecond,
		}
		if p.Seconds {
			cfg.Platform.Unit = time.Second
		}
	}
	cfg.Province.Token = c.Province.Token
	if p := c.Province; p.AccessKey != "" {
		cfg.Province.User, cfg.Province.Password = p.User, p.Password
		cfg.Province.Keys = vneidtest.LGSPKeys{
			AccessKey: p.AccessKey, SecretKey: p.SecretKey, AppName: p.AppName,
			PartnerCode: p.PartnerCode, PartnerCodeCus: p.PartnerCodeCus,
		}
	}
	return vneidtest.NewPopulation(cfg)
}

// serve binds every address before it serves any, so that a port in use is
// told at once, and returns when ctx is done or a server fails.
func (c *command) serve(ctx context.Context, out io.Writer) error {
	group, ctx := errgroup.WithContext(ctx)
	var start []func()
	for _, s := range c.simulators() {
		listener, address, err := listen(s.listen)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		// Serve closes it too; a second close is harmless.
		defer func() { _ = listener.Close() }()
		if s.cert != "" {
			certificate, err := tls.LoadX509KeyPair(s.cert, s.key)
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			listener = tls.NewListener(listener, &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate}})
			address = "https" + strings.TrimPrefix(address, "http")
		}
		handler, err := s.handler(address)
		if err != nil {
			return err
		}
		server := &http.Server{Handler: handler, ReadHeaderTimeout: headerWait}
		start = append(start, func() {
			group.Go(func() error { return serveUntil(ctx, server, listener) })
			_, _ = fmt.Fprintf(out, "%-10s %s\n", s.name, address)
		})
	}
	for _, f := range start {
		f()
	}
	return group.Wait()
}

// listen binds a loopback address: what knows everybody's password must not be
// reached from elsewhere. The address keeps the host as written, for cookies
// and issuers tell localhost from 127.0.0.1.
func listen(hostPort string) (net.Listener, string, error) {
	host, _, err := net.SplitHostPort(hostPort)
	if err != nil {
		return nil, "", err
	}
	if host != "localhost" && !net.ParseIP(host).IsLoopback() {
		return nil, "", fmt.Errorf("%s is not on loopback: use localhost, 127.0.0.1 or [::1]", hostPort)
	}
	listener, err := net.Listen("tcp", hostPort)
	if err != nil {
		return nil, "", err
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		return nil, "", err
	}
	return listener, "http://" + net.JoinHostPort(host, port), nil
}

func serveUntil(ctx context.Context, server *http.Server, listener net.Listener) error {
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWait)
	defer cancel()
	if server.Shutdown(stop) != nil {
		return server.Close()
	}
	return nil
}
