// Package ledger is the broker's own durable record: which account belongs to
// which citizen and how that was proved, what was spent, who skipped, how
// often somebody guessed, which sessions have ended, and an audit row for each
// change.
//
// # Promises
//
// A call that changes something returns nil only once the change is on disk.
// Each call is one transaction: all of it happened or nothing did. What is
// unique (one active link an account, one default a citizen, one spending of
// an id) is held by indexes, whichever process asks.
//
// # At rest
//
// Account ids, subjects, numbers, names and birth dates are sealed with
// AES-256-GCM (NIST SP 800-38D) under the first of Config.Keys, bound to their
// table and row, and found by HMAC-SHA256 (RFC 2104) under Config.IndexKey.
// Every purpose has a key of its own, derived by HKDF (RFC 5869). No page of
// the database holds any of it in clear.
//
// # Errors
//
// A refusal is one of the Error constants. Anything else is a fault of storage
// and wraps ErrUnavailable: the caller answers 503 and keeps the cookies. No
// error text holds anything personal.
package ledger
