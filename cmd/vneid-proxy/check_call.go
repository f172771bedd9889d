package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"

	"vneid-proxy/broker/outbound"
	"vneid-proxy/config"
)

// variable is a variable's full name.
func variable(name string) string { return config.Prefix + name }

// trouble says in plain words why a call brought no answer, and what to do.
// Nothing of what the other side said is repeated.
func (i *inspection) trouble(err error) (says, mend string) {
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	var broken *net.OpError
	var unknown *net.DNSError
	switch {
	case errors.As(err, &name):
		return "its certificate is for another name", "write the host as the certificate names it, or have the certificate made for this host"
	case errors.As(err, &authority):
		return "its certificate is signed by an authority that this machine does not know, or its chain is incomplete",
			"add the authority to the system's certificates (or name a file that holds it in SSL_CERT_FILE), or have the server send the whole chain"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "its certificate has expired or is not valid yet", "have it renewed; if it is good, set this machine's clock"
	case errors.As(err, &invalid):
		return "its certificate is not valid for a server", "have it replaced"
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return "it answers, but does not speak TLS", "name the port that speaks TLS, or write http where that is allowed"
	case errors.As(err, &broken) && broken.Op == "remote error": // so crypto/tls marks the other side's alert
		return "it breaks off the TLS handshake", "it must speak TLS 1.2 or newer and ask for no client certificate"
	case errors.As(err, &unknown) && unknown.IsNotFound:
		return "no name server knows its name", "correct the host, or the name servers of this machine"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens there", "correct host and port, or start it"
	}
	switch outbound.CauseOf(err) {
	case outbound.Timeout:
		return fmt.Sprintf("no answer within %s (%s)", variable("CALL_TIMEOUT"), i.config.Process.CallTimeout),
			"look whether a firewall drops the packets, or whether it is slow today"
	case outbound.TooLarge:
		return "its answer is longer than 256 KiB", "correct the address: this is not what was agreed"
	case outbound.Malformed:
		return "its answer is not the JSON agreed, is compressed or cut short", "correct the address: this is not what was agreed"
	case outbound.Refused:
		return "it answers with another status than 200", "correct the address"
	}
	return "it cannot be reached, or says that it cannot answer now", "look whether it runs, and whether this machine may reach it"
}

// unreached is a fault for a call that brought no answer.
func (i *inspection) unreached(s subject, name string, u *url.URL, err error) finding {
	says, mend := i.trouble(err)
	return s.fault(u.Host+": "+says, variable(name)+": "+mend)
}

// get asks without cookies or credentials and returns the whole answer.
func (i *inspection) get(ctx context.Context, address string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/json")
	return i.http.Do(r)
}

// connect opens a connection, with TLS where the address says so, and asks
// nothing.
func (i *inspection) connect(ctx context.Context, u *url.URL) error {
	ctx, cancel := context.WithTimeout(ctx, i.config.Process.CallTimeout)
	defer cancel()
	dial, port := new(net.Dialer).DialContext, "80"
	if u.Scheme == "https" {
		dial, port = (&tls.Dialer{Config: &tls.Config{MinVersion: tls.VersionTLS12}}).DialContext, "443"
	}
	connection, err := dial(ctx, "tcp", net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), port)))
	if err != nil {
		return err
	}
	return connection.Close()
}

// inClear reports plain http to another machine.
func inClear(u *url.URL) bool {
	if u == nil || u.Scheme != "http" || strings.HasSuffix(strings.ToLower(u.Hostname()), ".localhost") {
		return false
	}
	_, err := outbound.ParseAddress(u.Scheme+"://"+u.Host, false)
	return err != nil
}

// oneLine is an error of ours as a line of the report: its first words, where
// it names many faults.
func oneLine(err error) string {
	const most = 4
	lines := strings.Split(err.Error(), "\n")
	if len(lines) > most {
		lines = append(lines[:most], "and more")
	}
	return strings.Join(lines, "; ")
}
