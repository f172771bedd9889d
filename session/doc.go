// Package session is what a browser carries: an Attempt while somebody signs
// in, a Proof once one side is proved, a Session once they are admitted.
//
// The Jar seals the three into cookies and opens them again. Each has its own
// keys, so that one can never be read as another; Open answers nothing, a
// *Proof or a *Session, and only a Session has an identity to forward: nobody
// gets through by mistake.
//
// Cookies are encrypted and authenticated (securecookie: AES-CTR, then
// HMAC-SHA256 over name, time and value), named __Host- where the public URL
// is https, without Max-Age or Expires, HttpOnly and SameSite=Lax. A name that
// occurs twice in one request counts as absent (siblings under one registrable
// domain can set cookies for us). No token of a provider is ever in a cookie.
package session
