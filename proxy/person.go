package proxy

import (
	"net/http"
	"strings"
)

// person reports whether a person waits for the answer, in this order: a
// request made by XMLHttpRequest is a program's; where the browser says how it
// fetches (Fetch Metadata), only a navigation is a person's; else GET or HEAD
// that accepts HTML is; everything else is a program.
func person(r *http.Request) bool {
	for _, with := range r.Header["X-Requested-With"] {
		if strings.EqualFold(with, "XMLHttpRequest") {
			return false
		}
	}
	if mode := r.Header["Sec-Fetch-Mode"]; len(mode) > 0 {
		return len(mode) == 1 && mode[0] == "navigate"
	}
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && acceptsHTML(r.Header["Accept"])
}

func acceptsHTML(accept []string) bool {
	for _, value := range accept {
		for kind := range strings.SplitSeq(value, ",") {
			kind, _, _ = strings.Cut(kind, ";")
			if strings.EqualFold(strings.TrimSpace(kind), "text/html") {
				return true
			}
		}
	}
	return false
}
