package identity

// Organisation is whom a person acts for; the zero value is nobody but
// themselves. A household business may have its owner's citizen number as tax
// code, so that all of it is as personal as an AccountID: not logged, and only
// hashed at rest.
type Organisation struct {
	// ID is the enterprise code (mã số doanh nghiệp), or the tax code where the
	// provider tells no other: the organisation's key, compared byte for byte.
	ID string
	// TaxCode is the tax code, "" where it was not told or is ID, as it is for
	// most.
	TaxCode string
	// Name is the organisation's full name, "" where it was not told.
	Name string
	// Role is what the person is there in the provider's own words, "" where it
	// was not told.
	Role string
}

// IsZero reports that nobody is acted for.
func (o Organisation) IsZero() bool { return o == Organisation{} }
