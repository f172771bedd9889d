package config

import (
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// form is what a text must look like: words for the document and the mend,
// and the check, nil where the type alone decides.
type form struct {
	words string
	ok    func(string) bool
}

// choiceOf is one of a few words.
func choiceOf(words []string) form {
	ok := func(s string) bool { return slices.Contains(words, s) }
	if len(words) == 1 {
		return form{words[0], ok}
	}
	last := len(words) - 1
	return form{strings.Join(words[:last], ", ") + " or " + words[last], ok}
}

// formOf is the form that a tag names; an unknown name accepts nothing, which
// the first test that loads anything notices.
func formOf(name string) form {
	switch name {
	case "listen":
		return form{"host:port or :port", isListen}
	case "key":
		return form{words: "32 random bytes in base64 (openssl rand -base64 32)"}
	case "file":
		return form{"the path of a file", func(s string) bool { return s != "" }}
	case "files":
		return form{"paths of files, separated by commas", each(func(s string) bool { return s != "" })}
	case "origin":
		return form{"http:// or https:// with a host and nothing after it", isOrigin}
	case "count":
		return form{"a whole number, 0 or more", func(s string) bool {
			_, err := strconv.ParseUint(s, 10, 62)
			return err == nil
		}}
	case "host":
		return form{"a host, with its port where it has one", func(s string) bool { return isOrigin("http://"+s) && !strings.HasSuffix(s, "/") }}
	case "origins":
		return form{"http:// or https:// with a host and nothing after it, separated by commas", each(isOrigin)}
	case "address":
		return form{"an absolute http or https address without user name or #", isAddress}
	case "issuer":
		return form{"an absolute http or https address without user name, ? or #", isIssuer}
	case "page":
		return form{"a path that begins with one /, or an absolute http or https address", isPage}
	case "directory":
		return form{"embedded: and the absolute path of a file of accounts, or an absolute http or https address without user name, ? or #, or postgres://, mysql://, sqlserver:// or oracle:// with user, host and database, and no password, or ldap:// or ldaps:// with host and base DN", func(s string) bool {
			u, err := url.Parse(s)
			return isEmbedded(s) || isIssuer(s) || err == nil && (IsDatabase(u) || IsLDAP(u))
		}}
	case "ledger":
		return form{"sqlite:// and the absolute path of a file, or postgres:// with a host and a database", func(s string) bool {
			return isSQLite(s) || isPostgreSQL(s)
		}}
	case "prefix":
		return form{"one plain path that begins with / and does not end with it", func(s string) bool {
			return isPlainPath(s) && !strings.HasSuffix(s, "/")
		}}
	case "paths":
		return form{"plain paths (letters, digits and . _ ~ @ - between slashes), separated by commas, none of them /", each(isPlainPath)}
	case "parameter":
		return form{"the name of a query parameter", regexp.MustCompile(`^[A-Za-z0-9_.-]+$`).MatchString}
	case "tokens":
		return form{"names without blanks, separated by commas", each(isToken)}
	case "headers":
		return form{"pairs Name={field} or Name={field:encoding}, separated by commas", each(regexp.MustCompile(`^[A-Za-z0-9-]+=\{[a-z_]+(:[a-z0-9-]+)?\}$`).MatchString)}
	}
	return form{name, func(string) bool { return false }}
}

// each holds a list to the form of its items, of which there is at least one.
func each(ok func(string) bool) func(string) bool {
	return func(list string) bool {
		items := split(list)
		return len(items) > 0 && !slices.ContainsFunc(items, func(item string) bool { return !ok(item) })
	}
}

func isListen(s string) bool {
	host, port, err := net.SplitHostPort(s)
	return err == nil && !strings.ContainsAny(host, " /") && isPort(port)
}

func isPort(s string) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil
}

func isAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Opaque == "" &&
		isHost(u.Hostname()) && u.User == nil && !strings.Contains(s, "#") &&
		!strings.HasSuffix(u.Host, ":") && (u.Port() == "" || isPort(u.Port()))
}

// isHost is a name in ASCII or an IP address. net/url would let through quotes
// and letters that have no place in the headers a host ends up in.
func isHost(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil || regexp.MustCompile(`^[A-Za-z0-9._-]+$`).MatchString(s)
}

// isIssuer obeys OpenID Connect Discovery 1.0 section 3: no query, no fragment.
func isIssuer(s string) bool { return isAddress(s) && !strings.Contains(s, "?") }

func isOrigin(s string) bool {
	u, err := url.Parse(s)
	return err == nil && isIssuer(s) && (u.Path == "" || u.Path == "/")
}

// isPage keeps to what every browser takes for a path of this site: a second
// slash or a backslash would begin a host.
func isPage(s string) bool {
	u, err := url.Parse(s)
	return isAddress(s) || err == nil && u.Scheme == "" && u.Host == "" && u.User == nil &&
		strings.HasPrefix(s, "/") && !strings.HasPrefix(s, "//") && !strings.ContainsAny(s, `\#`)
}

func isEmbedded(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme == "embedded" && strings.HasPrefix(u.Path, "/") && !strings.HasSuffix(u.Path, "/") &&
		u.Host == "" && u.RawQuery == "" && u.Fragment == ""
}

// databases are the schemes of a DIRECTORY_URL that names one.
func databases() []string { return []string{"postgres", "mysql", "sqlserver", "oracle"} }

// IsDatabase reports whether a DIRECTORY_URL is a database's; nil is none.
func IsDatabase(u *url.URL) bool {
	if u == nil || !slices.Contains(databases(), u.Scheme) {
		return false
	}
	_, password := u.User.Password()
	for option := range u.Query() {
		option = strings.ToLower(option)
		password = password || strings.Contains(option, "password") || strings.Contains(option, "pwd")
	}
	named := len(u.Path) > 1 || u.Scheme == "sqlserver"
	return !password && named && u.User.Username() != "" && isHost(u.Hostname()) && u.Fragment == "" && (u.Port() == "" || isPort(u.Port()))
}

// IsLDAP reports whether a DIRECTORY_URL is an LDAP server's (RFC 4516), with the
// DN under which the accounts lie and nothing after it.
func IsLDAP(u *url.URL) bool {
	return (u.Scheme == "ldap" || u.Scheme == "ldaps") && len(u.Path) > 1 && strings.Contains(u.Path, "=") && u.User == nil &&
		u.RawQuery == "" && !u.ForceQuery && u.Fragment == "" && isHost(u.Hostname()) && (u.Port() == "" || isPort(u.Port()))
}

func isSQLite(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme == "sqlite" && u.Host == "" && u.User == nil && u.RawQuery == "" && u.Fragment == "" &&
		(u.Path != "" || u.Opaque != "") && !strings.HasSuffix(s, "/")
}

// isPostgreSQL leaves the rest to the driver: hosts may be several.
func isPostgreSQL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "postgres" || u.Scheme == "postgresql") && u.Opaque == "" && u.Fragment == "" &&
		len(u.Path) > 1 && strings.HasPrefix(u.Path, "/") && (u.Host != "" || u.Query().Has("host"))
}

// isPlainPath is the raw path that a loosening rule may match: nothing in it
// has two readings. The root is none: it would open everything.
func isPlainPath(s string) bool {
	if !regexp.MustCompile(`^/[A-Za-z0-9/_.~@-]+$`).MatchString(s) {
		return false
	}
	for segment := range strings.SplitSeq(strings.TrimSuffix(s[1:], "/"), "/") {
		if segment == "" || segment == "." || segment == ".." {
			return false
		}
	}
	return true
}

// isToken is a token of RFC 9110 section 5.6.2: a header or cookie name.
func isToken(s string) bool {
	return regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$").MatchString(s)
}

// parseNetworks reads CIDR. Bits behind the mask are a slip of the pen, and a
// mask of nothing would believe everybody.
func parseNetworks(list string) (any, error) {
	var networks []netip.Prefix
	for _, item := range split(list) {
		network, err := netip.ParsePrefix(item)
		if err != nil {
			return nil, err
		}
		if network != network.Masked() || network.Bits() == 0 {
			return nil, strconv.ErrSyntax
		}
		networks = append(networks, network)
	}
	return networks, nil
}
