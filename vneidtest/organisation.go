package vneidtest

// Organisation is an invented enterprise that somebody represents. Its codes
// begin with 99, which no tax office has.
type Organisation struct {
	ID      string `json:"id"`       // MaSoDoanhNghiep
	TaxCode string `json:"tax_code"` // MaSoThue
	Name    string `json:"name"`     // TenDoanhNghiep
	Role    string `json:"role"`     // of the person there
}

// Representative is somebody with an account of their own who also represents
// an enterprise, with its account. They are not among Personas: which account
// is theirs hangs on whom they act for.
func Representative() Persona {
	return Persona{
		Key: "representative",
		Description: Text{
			"Người đại diện của một doanh nghiệp: một tài khoản cá nhân và một tài khoản của doanh nghiệp.",
			"The representative of an enterprise: one account of their own, one of the enterprise's.",
		},
		Name: "Mai Thị Thu Giang", BirthDate: "1980-08-14",
		CitizenNumber: "099180000957", IDCardNumber: "990180095", AccountLevel: 2,
		VNeID:        VNeIDLogin{"099180000957", "vneid-giang-5540", "3a1c0f57-9b1e-4a52-8f0d-64e2f1c7b040"},
		Organisation: &Organisation{"9900000015", "9900000015", "Công ty TNHH Thử Nghiệm Minh Hà", "Giám đốc"},
		Accounts: []PortalAccount{
			{
				ID: "tk-7001", Username: "maigiang", Password: "cong-giang-7340",
				Name: "Mai Thị Thu Giang", BirthDate: "1980-08-14", IDCardNumber: "990180095",
				CitizenNumber: "099180000957", CitizenNumberVerified: true,
			},
			{
				ID: "dn-7002", Username: "9900000015", Password: "cong-minhha-7341", Kind: "organisation",
				Name: "CÔNG TY TNHH THỬ NGHIỆM MINH HÀ", BirthDate: "2015-01-01",
			},
		},
	}
}
