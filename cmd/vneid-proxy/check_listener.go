package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// renewal is how long before its end a certificate should be renewed.
const renewal = 30 * 24 * time.Hour

// listener looks whether serve could take connections.
func (i *inspection) listener(ctx context.Context) findings {
	c := i.config.Listen
	return findings{
		i.bind(ctx, listenerAddress, "LISTEN", c.Address),
		i.bind(ctx, listenerAdmin, "ADMIN_LISTEN", c.Admin),
		i.certificate(),
	}
}

func (i *inspection) bind(ctx context.Context, s subject, name, address string) finding {
	listener, err := net.Listen("tcp", address)
	switch {
	case err == nil:
		if err := listener.Close(); err != nil {
			return s.fault("it can be bound and not given back", variable(name)+": another port")
		}
		return s.ok("the address is free")
	case errors.Is(err, syscall.EADDRINUSE) && i.running(ctx):
		return s.warning("a running vneid-proxy holds the address: serve starts once that has stopped",
			"nothing, if that is the one to be replaced; else "+variable(name)+": another port")
	case errors.Is(err, syscall.EADDRINUSE):
		return s.fault("another program holds the address", "stop it, or "+variable(name)+": another port")
	case errors.Is(err, fs.ErrPermission):
		return s.fault("this user may not take the port", variable(name)+": a port from 1024 on, or let the process take lower ones")
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return s.fault("this machine does not have the address", variable(name)+": an address of this machine, or the port alone (:8080)")
	}
	return s.fault("the address cannot be bound", variable(name)+": host:port or :port of this machine")
}

// running asks the admin listener whether it is one of ours.
func (i *inspection) running(ctx context.Context) bool {
	host, port, err := net.SplitHostPort(i.config.Listen.Admin)
	if ip, bad := netip.ParseAddr(host); host == "" || bad == nil && ip.IsUnspecified() {
		host = "localhost"
	}
	if err != nil {
		return false
	}
	answer, err := i.get(ctx, "http://"+net.JoinHostPort(host, port)+"/version")
	if err != nil {
		return false
	}
	defer func() { _ = answer.Body.Close() }()
	var said struct{ Version string }
	return json.NewDecoder(answer.Body).Decode(&said) == nil && said.Version != ""
}

func (i *inspection) certificate() finding {
	c, host := i.config.Listen, i.config.Public.URL.Hostname()
	files := variable("TLS_CERT_FILE") + ", " + variable("TLS_KEY_FILE")
	if c.TLSCertFile == "" {
		if i.config.Public.URL.Scheme == "https" {
			return listenerTLS.ok("none: TLS ends in front of this process")
		}
		return listenerTLS.ok("none is needed for plain http")
	}
	pair, err := tls.LoadX509KeyPair(c.TLSCertFile, c.TLSKeyFile)
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		return listenerTLS.fault("a file cannot be read: "+path.Path, files+": files that this process may read")
	}
	if err != nil {
		return listenerTLS.fault("certificate and key are not PEM, or do not belong together",
			files+": the chain, its own certificate first, and the key of that one")
	}
	leaf, now := pair.Leaf, i.now()
	day := leaf.NotAfter.In(vietnam()).Format(time.DateOnly)
	switch {
	case now.After(leaf.NotAfter):
		return listenerTLS.fault("the certificate expired on "+day, files+": renew it")
	case now.Before(leaf.NotBefore):
		return listenerTLS.fault("the certificate is not valid yet", files+": set this machine's clock, or wait")
	case leaf.VerifyHostname(host) != nil:
		return listenerTLS.fault("the certificate does not name "+host, files+": one that names the host of "+variable("PUBLIC_URL"))
	case leaf.NotAfter.Sub(now) < renewal:
		return listenerTLS.warning("the certificate expires on "+day, files+": renew it")
	}
	if !trusted(pair, now) {
		return listenerTLS.warning("no authority that this machine knows signed the chain: browsers may refuse it",
			variable("TLS_CERT_FILE")+": append the certificates in between; an authority of your own must be known to every browser")
	}
	return listenerTLS.ok(fmt.Sprintf("names %s, good until %s", host, day))
}

func trusted(pair tls.Certificate, now time.Time) bool {
	between := x509.NewCertPool()
	for _, der := range pair.Certificate[1:] {
		if certificate, err := x509.ParseCertificate(der); err == nil {
			between.AddCert(certificate)
		}
	}
	_, err := pair.Leaf.Verify(x509.VerifyOptions{Intermediates: between, CurrentTime: now})
	return err == nil
}
