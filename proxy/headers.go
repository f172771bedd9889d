package proxy

import (
	"errors"
	"fmt"
	"net/textproto"
	"slices"
	"strings"
)

// Header is one identity header: the portal receives Name exactly once with
// the session's field in that encoding, or not at all where the field is
// empty.
type Header struct {
	Name string
	// Field is one of account_id, username, email, groups, citizen_number,
	// name, birth_date, account_level, authentication_level, standing,
	// assertion, provider, kind, acting, organisation_id, organisation_tax_code,
	// organisation_name and organisation_role.
	Field string
	// Encoding is how the field is written; "" is UTF8.
	Encoding Encoding
}

// DefaultHeaders are the identity headers that a portal receives unless the
// operator names others.
func DefaultHeaders() []Header {
	return []Header{
		{"X-Forwarded-User", "account_id", UTF8},
		{"X-Forwarded-Preferred-Username", "username", UTF8},
		{"X-Forwarded-Email", "email", UTF8},
		{"X-Forwarded-Groups", "groups", UTF8},
		{"X-Identity-Citizen-Number", "citizen_number", UTF8},
		{"X-Identity-Name", "name", Percent},
		{"X-Identity-Birth-Date", "birth_date", UTF8},
		{"X-Identity-Account-Level", "account_level", UTF8},
		{"X-Identity-Authentication-Level", "authentication_level", UTF8},
		{"X-Identity-Standing", "standing", UTF8},
		{"X-Identity-Acting", "acting", UTF8},
		{"X-Identity-Organisation", "organisation_id", UTF8},
		{"X-Identity-Organisation-Name", "organisation_name", Percent},
		{"X-Identity-Assertion", "assertion", UTF8},
	}
}

// ParseHeader reads "Name={field}" or "Name={field:encoding}", as
// IDENTITY_HEADERS holds them.
func ParseHeader(pair string) (Header, error) {
	name, template, ok := strings.Cut(strings.TrimSpace(pair), "=")
	field, opened := strings.CutPrefix(template, "{")
	field, closed := strings.CutSuffix(field, "}")
	if !ok || !opened || !closed {
		return Header{}, fmt.Errorf("proxy: %q is not of the form Name={field} or Name={field:encoding}", pair)
	}
	field, encoding, _ := strings.Cut(field, ":")
	h := Header{Name: name, Field: field, Encoding: Encoding(encoding)}
	return h, errors.Join(checkHeaders([]Header{h})...)
}

// checkHeaders names every fault of a list of headers.
func checkHeaders(headers []Header) (faults []error) {
	seen := make(map[string]bool)
	for _, h := range headers {
		key := string(merge(fold([]byte(h.Name))))
		switch {
		case key == "" || !strings.EqualFold(key, h.Name) || strings.HasPrefix(key, "-"):
			faults = append(faults, fmt.Errorf("proxy: identity header %q: a name is letters, digits and single dashes", h.Name))
		case slices.Contains(foreignNames(), key):
			faults = append(faults, fmt.Errorf("proxy: identity header %q: the name belongs to HTTP or to the proxy itself", h.Name))
		case seen[key]:
			faults = append(faults, fmt.Errorf("proxy: identity header %q is named twice", h.Name))
		case !knownField(h.Field):
			faults = append(faults, fmt.Errorf("proxy: identity header %q: unknown field %q; there are %s",
				h.Name, h.Field, strings.Join(fieldNames(), ", ")))
		case !h.Encoding.known():
			faults = append(faults, fmt.Errorf("proxy: identity header %q: unknown encoding %q; there are utf8, percent, rfc2047, base64, ascii, windows-1258 and tcvn3", h.Name, h.Encoding))
		case h.Encoding == ASCII && h.Field == "account_id":
			faults = append(faults, fmt.Errorf("proxy: identity header %q: without its marks an account id may be another account's", h.Name))
		}
		seen[key] = true
	}
	return faults
}

// foreignNames are headers, folded, that an identity must not displace.
func foreignNames() []string {
	return []string{
		"host", "connection", "proxy-connection", "keep-alive", "proxy-authenticate", "proxy-authorization",
		"te", "trailer", "transfer-encoding", "upgrade", "content-length", "content-type", "content-encoding",
		"expect", "cookie", "forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "range",
		"accept", "accept-encoding", "origin", "sec-websocket-key", "sec-websocket-version",
	}
}

// value is one header ready to be set.
type value struct{ name, text string }

// valuesOf writes the headers for a session. assertion is called where a
// header wants it. An error names the header and never its value.
func valuesOf(headers []Header, f *facts, assertion func() (string, error)) ([]value, error) {
	values := make([]value, 0, len(headers))
	for _, h := range headers {
		text := f.field(h.Field)
		if h.Field == "assertion" {
			var err error
			if text, err = assertion(); err != nil {
				return nil, err
			}
		}
		if text == "" {
			continue
		}
		written, ok := h.Encoding.write(text)
		if !ok {
			return nil, fmt.Errorf("the value of %s cannot be written as a header", h.Name)
		}
		values = append(values, value{textproto.CanonicalMIMEHeaderKey(h.Name), written})
	}
	return values, nil
}
