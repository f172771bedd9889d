package proxy

import (
	"net"
	"net/http"
	"net/url"
	"strings"
)

// inner is the name by which the portal knows itself where that is not the
// public one: requests are written for it, and what it answers with it is
// written back.
type inner struct {
	public *url.URL
	name   string   // the Host that the portal is sent; "" is the public one
	hosts  []string // lower case: what the portal may call itself, ports included
}

func newInner(c *Config) inner {
	in := inner{public: c.PublicURL, name: c.UpstreamHost}
	for _, u := range append([]*url.URL{c.Upstream}, c.FurtherUpstreams...) {
		in.hosts = append(in.hosts, lower(u.Host))
		if port := u.Port(); port != "" {
			// Many servers put their own port behind whatever they are called.
			in.hosts = append(in.hosts, net.JoinHostPort(lower(c.PublicURL.Hostname()), port))
		}
	}
	if in.name != "" {
		in.hosts = append(in.hosts, lower(in.name))
	}
	return in
}

// host is what the portal is sent as Host.
func (in *inner) host() string {
	if in.name != "" {
		return in.name
	}
	return in.public.Host
}

// request writes Origin and Referer for a portal that compares them with its
// own name.
func (in *inner) request(h http.Header) {
	if in.name == "" {
		return
	}
	from := in.public.Scheme + "://" + in.public.Host
	for _, name := range []string{"Origin", "Referer"} {
		for i, value := range h[name] {
			if rest, ok := cutOrigin(value, from); ok {
				h[name][i] = in.public.Scheme + "://" + in.name + rest
			}
		}
	}
}

// answer brings addresses of the portal's own back to the public origin. The
// public host in http, which a portal behind TLS takes for its own, becomes
// https.
func (in *inner) answer(h http.Header) {
	for _, name := range []string{"Location", "Content-Location"} {
		for i, value := range h[name] {
			h[name][i] = in.brought(value)
		}
	}
	for i, value := range h["Refresh"] {
		at := strings.Index(lower(value), "url=")
		if at >= 0 {
			h["Refresh"][i] = value[:at+4] + in.brought(value[at+4:])
		}
	}
	for i, cookie := range h["Set-Cookie"] {
		h["Set-Cookie"][i] = in.cookie(cookie)
	}
}

// brought is an address with the public origin in the place of the portal's
// own; any other stays as it is.
func (in *inner) brought(address string) string {
	to := in.public.Scheme + "://" + in.public.Host
	for _, scheme := range []string{"http://", "https://"} {
		for _, host := range in.hosts {
			if rest, ok := cutOrigin(address, scheme+host); ok {
				return to + rest
			}
		}
		if rest, ok := cutOrigin(address, scheme+in.public.Host); ok {
			return to + rest
		}
	}
	return address
}

// cookie drops a Domain that is the portal's own name, or what the name lies
// under: a browser would refuse it from the public host.
func (in *inner) cookie(cookie string) string {
	if in.name == "" || !strings.Contains(lower(cookie), "domain") {
		return cookie
	}
	parts := strings.Split(cookie, ";")
	kept := parts[:1]
	own := lower(in.name)
	if host, _, ok := strings.Cut(own, ":"); ok {
		own = host
	}
	for _, part := range parts[1:] {
		name, value, _ := strings.Cut(part, "=")
		domain := strings.TrimPrefix(lower(strings.TrimSpace(value)), ".")
		if lower(strings.TrimSpace(name)) == "domain" && domain != "" && (own == domain || strings.HasSuffix(own, "."+domain)) {
			continue
		}
		kept = append(kept, part)
	}
	return strings.Join(kept, ";")
}

// cutOrigin cuts an origin, case aside, from an address that begins with just
// it: what follows is a path, a query or nothing.
func cutOrigin(address, origin string) (rest string, ok bool) {
	if len(address) < len(origin) || !strings.EqualFold(address[:len(origin)], origin) {
		return "", false
	}
	rest = address[len(origin):]
	return rest, rest == "" || rest[0] == '/' || rest[0] == '?' || rest[0] == '#'
}
