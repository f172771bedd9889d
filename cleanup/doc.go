// Package cleanup is the clean-up of a portal's accounts ("làm sạch tài
// khoản"): it reads a whole directory, says which accounts lack a citizen
// number, which hold a damaged one and which seem to be one person's, and asks
// the population database about the numbers that nobody has verified.
//
// Take is one reading in memory that does not grow with the directory: what
// must be compared is sorted on disk, under keyed hashes in an encrypted file
// without a name, which is gone when the process is. Match asks, and keeps in
// the ledger what it asked, so that it can be killed and goes on.
//
// A match links nobody. It says that number, name and birth date are one
// person's, not that this person owns the account: whoever made it may have
// typed a neighbour's data. Ownership is proved at sign-in alone.
package cleanup
