// Package outbound is a call to somebody else: the HTTP client behind every
// question to a provider, a directory or a population database, with its
// bounds.
//
// A call has a total deadline, reads 256 KiB at most, follows no redirect, uses
// no proxy from the environment, asks for no compression and refuses a
// compressed answer, speaks TLS 1.2 or newer with full verification. A reply is
// JSON read strictly: exact member names, no member twice, valid UTF-8, nothing
// after the value. An error carries a short cause and never a body, an address
// or another's words.
package outbound
