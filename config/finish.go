package config

import (
	"reflect"
	"slices"
	"strings"
)

// finish gives values their one canonical shape, once nothing is at fault.
func finish(c *Config, l loader) {
	c.Public.URL.Path, c.Portal.Upstream.Path = "", ""
	c.Public.URL.Host = strings.ToLower(c.Public.URL.Host)
	if c.Portal.LoginURL != nil {
		c.Portal.LoginURL = c.Public.URL.ResolveReference(c.Portal.LoginURL)
	}
	if c.Portal.NotifyURL != nil {
		c.Portal.NotifyURL = c.Portal.Upstream.ResolveReference(c.Portal.NotifyURL)
	}
	if c.Portal.WhoamiURL != nil {
		c.Portal.WhoamiURL = c.Portal.Upstream.ResolveReference(c.Portal.WhoamiURL)
	}
	if c.Keys.AssertionAudience == "" {
		c.Keys.AssertionAudience = c.Public.URL.String()
	}
	for _, v := range l.all {
		field := reflect.ValueOf(c).Elem().Field(v.group).Field(v.index)
		if text, given := l.given[Prefix+v.name]; given && text == "" && v.tag("empty") != "" {
			field.SetZero()
		}
		if path := l.sources[Prefix+v.name]; path != "" {
			field.Addr().Interface().(interface{ readFrom(string) }).readFrom(path)
			c.files = append(c.files, path)
		}
	}
	for _, path := range slices.Concat([]string{
		c.Listen.TLSCertFile, c.Listen.TLSKeyFile, c.Portal.RoutesFile, c.Link.PolicyFile,
		c.Portal.UpstreamCAFile, c.Portal.UpstreamCertFile, c.Portal.UpstreamKeyFile,
	}, c.Keys.AssertionFiles, c.Provider.DecryptionKeyFiles) {
		if path != "" {
			c.files = append(c.files, path)
		}
	}
}
