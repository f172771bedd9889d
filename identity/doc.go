// Package identity is the words that the whole house speaks: a citizen as
// VNeID vouches for them, an account as the portal keeps it, the numbers,
// names and dates that tie the two together, and the standing of that tie.
//
// It imports nothing of ours, reads no clock and does no I/O. A citizen number
// or ID-card number prints masked through every ordinary door (fmt, slog,
// JSON, text); a codec that must carry the digits calls Reveal, and a test
// lists who does.
package identity
