// Package work is what runs beside requests: it chains the audit each second,
// asks the population database again about what it had not answered, writes
// the numbers of new links back to the portal's directory, and deletes from the
// ledger what has run out.
//
// Every process runs it. The ledger sees to it that one of them seals, and
// that each check is answered, and each write-back closed, once.
package work
