package config

import "strings"

// Words is a list separated by blanks, as OAuth 2.0 writes scopes (RFC 6749
// section 3.3).
type Words []string

// UnmarshalText splits at blanks; it never fails.
func (w *Words) UnmarshalText(text []byte) error {
	*w = strings.Fields(string(text))
	return nil
}

// split is a list separated by commas, without blanks around its items and
// without empty ones.
func split(list string) []string {
	var items []string
	for item := range strings.SplitSeq(list, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}
