// Package proxy is everything between the browser and the portal: it judges
// each request, and forwards it with an identity that nobody else can forge.
//
// A request passes, in this order, the request target, the Host, the removal
// of every header that could be read as one of ours, the reserved prefix, the
// public paths, and the gate. What the gate does not let through is answered
// here: a person is sent to sign in or to link, a program gets a problem
// document (RFC 9457).
//
// Three rules hold everywhere. Header names are compared folded, so that no
// spelling escapes. A rule that loosens matches plain raw paths only; a rule
// that tightens matches if any reading of the path does. Path and query go to
// the portal byte for byte, so that what was judged is what is served.
package proxy
