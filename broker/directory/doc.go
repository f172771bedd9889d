// Package directory is where the portal keeps its accounts.
//
// A directory is read by id, user name, citizen number or ID-card number; each
// but the first may name none, one or several accounts, and all are returned:
// deciding between them is the broker's. Two more questions go to the portal
// itself, for it alone knows its passwords and sessions: is this credential
// right (HTTPCredential), and who is signed in here (WhoAmI).
//
// Embedded is a directory in memory, from a CSV file; HTTP is one that the
// portal serves, and that a verified number can be written to. All connectors
// pass the same suite of tests.
package directory
