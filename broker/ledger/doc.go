// Package ledger is the broker's own durable record: which account belongs to
// which citizen and how that was proved, what was spent, who skipped, how
// often somebody guessed, which sessions have ended, which checks still await
// their answer, who is exempt, what the clean-up of accounts asked, and an
// audit row for each change.
//
// # Promises
//
// A call that changes something returns nil only once the change is on disk.
// Each call is one transaction: all of it happened or nothing did. What is
// unique (one active link an account, one default a citizen, one spending of
// an id) is held by indexes, whichever process asks. Check holds the whole
// ledger to all of its rules.
//
// # Databases
//
// SQLite is one file for the processes of one machine; PostgreSQL is for any
// number of them. Statements are written once. On both, one change at a time
// looks and writes (transaction.change); on PostgreSQL what one statement
// decides by itself runs beside it (transaction.touch). A new table or column
// is a migration in both folders; docs/decisions/0011 tells how.
//
// A connection that breaks while a commit is being confirmed leaves the outcome
// unknown: the call wraps ErrUnavailable though the change may be on disk. It
// may be made again: the proof or id was spent with it, so the second time it
// is ErrSpent, or with a fresh proof ErrAlreadyLinked, and never done twice.
//
// # At rest
//
// Account ids, subjects, numbers, names and birth dates are sealed with
// AES-256-GCM (NIST SP 800-38D) under the first of Config.Keys, bound to their
// table and row, and found by HMAC-SHA256 (RFC 2104) under Config.IndexKey.
// Rekey and RekeyIndex bring rows from one key to another.
// Every purpose has a key of its own, derived by HKDF (RFC 5869). No page of
// the database holds any of it in clear.
//
// # Audit
//
// A transaction appends its audit rows with a mac. One sealer at a time then
// chains them: each row gets a number, its predecessor's hash and its own
// (SHA-256), and every so often a checkpoint is signed (Ed25519, RFC 8032) with
// a key derived from the first of Config.Keys. The chain's newest end is signed
// too. Without a key nobody can change, remove, move or insert a row that
// VerifyAudit would not name; whoever replaces the whole ledger by an older
// copy is only found out by an AuditReport.Head kept elsewhere. Rows not yet
// chained, a second's worth, can be removed unseen but not forged. Details are
// sealed under a key of each citizen's: EraseCitizen destroys that and leaves
// the chain.
//
// # Errors
//
// A refusal is one of the Error constants. Anything else is a fault of storage
// and wraps ErrUnavailable: the caller answers 503 and keeps the cookies. No
// error text holds anything personal.
package ledger
