package directory

import "vneid-proxy/identity"

// Record is an account as a scan of the whole directory finds it: what can be
// read of it, and what stands there that cannot. A scan calls visit once for
// each account, in no order that may be relied on, holds one page of accounts
// in memory at most, and ends with the first error that visit returns, which
// it returns unchanged:
//
//	Scan(ctx context.Context, visit func(Record) error) error
type Record struct {
	Account identity.Account
	Version string // of the row, "" where the directory keeps none
	// NumberText and IDCardText are what the directory holds in place of a
	// citizen number and an ID-card number, where it is none: the account's
	// own number is then zero. A column that holds both kinds is told apart by
	// its digits; what is neither is NumberText.
	NumberText, IDCardText identity.NumberText
	// BirthDateText is a birth date that could not be read, "" for none.
	BirthDateText string
}
