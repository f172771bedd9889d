package session

import (
	"net/http"
	"slices"
	"strings"
)

// find looks a cookie up by its exact bytes and counts how often it occurs.
// net/http's parser is not used: it accepts spellings of a name that browsers
// guard with __Host- and servers must not undo.
func find(headers []string, name string) (value string, count int) {
	for _, header := range headers {
		for pair := range strings.SplitSeq(header, ";") {
			got, rest, _ := strings.Cut(strings.TrimLeft(pair, " \t"), "=")
			if got == name {
				value, count = strings.Trim(rest, " \t"), count+1
			}
		}
	}
	return value, count
}

// Strip removes every cookie of ours, in any spelling of its name, from a
// request on its way to the portal. The bytes of others stay as they are.
func Strip(h http.Header) {
	headers := h["Cookie"]
	if !slices.ContainsFunc(headers, holdsOurs) {
		return
	}
	var kept []string
	for _, header := range headers {
		var pairs []string
		for pair := range strings.SplitSeq(header, ";") {
			if name, _, _ := strings.Cut(pair, "="); !Ours(name) {
				pairs = append(pairs, pair)
			}
		}
		if rest := strings.TrimLeft(strings.Join(pairs, ";"), " \t"); rest != "" {
			kept = append(kept, rest)
		}
	}
	if kept == nil {
		h.Del("Cookie")
		return
	}
	h["Cookie"] = kept
}

func holdsOurs(header string) bool {
	for pair := range strings.SplitSeq(header, ";") {
		if name, _, _ := strings.Cut(pair, "="); Ours(name) {
			return true
		}
	}
	return false
}

// Ours reports whether a cookie name is one of ours or would be taken for one:
// the portal neither receives nor sets such.
func Ours(name string) bool {
	name = strings.TrimSpace(name)
	for _, prefix := range [...]string{"__Host-", "__Secure-"} {
		if startsWith(name, prefix) {
			name = name[len(prefix):]
		}
	}
	return startsWith(name, "vneid_")
}

// startsWith folds case without making a copy: it runs for every request.
func startsWith(name, prefix string) bool {
	return len(name) >= len(prefix) && strings.EqualFold(name[:len(prefix)], prefix)
}

func (j *Jar) set(w http.ResponseWriter, name, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: maxAge,
		Secure: j.config.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// remove repeats every attribute: a __Host- cookie goes in no other way.
func (j *Jar) remove(w http.ResponseWriter, name string) { j.set(w, name, "", -1) }
