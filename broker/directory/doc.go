// Package directory is where the portal keeps its accounts.
//
// A directory is read by id, user name, citizen number, ID-card number or the
// provider's subject; each but the first may name none, one or several
// accounts, and all are returned: deciding between them is the broker's. Two
// more questions go to the portal itself: is this credential right
// (HTTPCredential, SQL by what its database stores, or LDAP by a bind), and who is signed in
// here (WhoAmI).
//
// Embedded is a directory in an SQLite file, which Import fills from a CSV
// file; HTTP is one that the portal serves, SQL one in the portal's database, by
// the operator's own queries, LDAP one in its LDAP server. A verified number can
// be written to the last three, and all can be read whole (Scan). All connectors
// pass the same suite of tests.
package directory
