package main

import (
	"crypto/tls"
	"crypto/x509"
	"net/url"
	"os"

	"vneid-proxy/config"
)

// portalServers is how the portal is reached beyond its first address. The TLS
// settings are nil where nothing is set.
func portalServers(c config.Portal) (*tls.Config, []*url.URL, error) {
	var further []*url.URL
	for _, text := range c.FurtherUpstreams {
		u, err := url.Parse(text)
		if err != nil {
			return nil, nil, unusable("UPSTREAM_FURTHER_URLS", err.Error())
		}
		u.Path = ""
		further = append(further, u)
	}
	if c.UpstreamCAFile == "" && c.UpstreamCertFile == "" && c.UpstreamServerName == "" {
		return nil, further, nil
	}
	settings := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.UpstreamServerName}
	if c.UpstreamCAFile != "" {
		text, err := os.ReadFile(c.UpstreamCAFile)
		if err != nil {
			return nil, nil, unusable("UPSTREAM_CA_FILE", err.Error())
		}
		settings.RootCAs = x509.NewCertPool()
		if !settings.RootCAs.AppendCertsFromPEM(text) {
			return nil, nil, unusable("UPSTREAM_CA_FILE", "write certificates in PEM into the file; it holds none")
		}
	}
	if c.UpstreamCertFile != "" {
		certificate, err := tls.LoadX509KeyPair(c.UpstreamCertFile, c.UpstreamKeyFile)
		if err != nil {
			return nil, nil, unusable("UPSTREAM_CERT_FILE", err.Error())
		}
		settings.Certificates = []tls.Certificate{certificate}
	}
	return settings, further, nil
}

func unusable(name, mend string) error {
	return &config.Faults{List: []config.Fault{{Variable: config.Prefix + name, Mend: mend}}}
}
