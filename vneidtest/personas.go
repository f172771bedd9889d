package vneidtest

// Persona is an invented person and what the three simulators know of them.
// Numbers and passwords stand in clear: it is a simulator's job to know them.
type Persona struct {
	Key         string `json:"key"` // stable name, e.g. "linked"
	Description Text   `json:"description"`

	// What the population database and VNeID hold.
	Name          string `json:"name"`
	BirthDate     string `json:"birth_date"`     // yyyy-mm-dd
	CitizenNumber string `json:"citizen_number"` // 12 digits
	IDCardNumber  string `json:"id_card_number"` // CMND, 9 digits; "" for who never had one
	AccountLevel  int    `json:"account_level"`

	VNeID VNeIDLogin `json:"vneid"`
	// Organisation is whom they may act for; nil is nobody.
	Organisation *Organisation   `json:"organisation,omitempty"`
	Accounts     []PortalAccount `json:"portal_accounts"`
	Expected     Expected        `json:"expected_standing"`
}

// Text is a sentence in both languages.
type Text struct {
	Vietnamese string `json:"vi"`
	English    string `json:"en"`
}

// VNeIDLogin is how a persona signs in at VNeID.
type VNeIDLogin struct {
	Username string `json:"username"` // the citizen number
	Password string `json:"password"`
	Subject  string `json:"subject"` // opaque, never the number
}

// PortalAccount is a row of the portal's own directory.
type PortalAccount struct {
	ID                    string `json:"account_id"`
	Username              string `json:"username"`
	Password              string `json:"password"`
	Name                  string `json:"name"`
	BirthDate             string `json:"birth_date"`
	IDCardNumber          string `json:"id_card_number"`
	CitizenNumber         string `json:"citizen_number"`
	CitizenNumberVerified bool   `json:"citizen_number_verified"`
	Locked                bool   `json:"locked"`
	Kind                  string `json:"kind,omitempty"` // "official" or "organisation"; "" is a citizen's

	Email string   `json:"email,omitempty"`
	Phone string   `json:"phone,omitempty"`
	Roles []string `json:"roles,omitempty"`

	Group     string `json:"group,omitempty"`
	Subject   string `json:"subject,omitempty"`
	CreatedBy string `json:"created_by,omitempty"` // "self" or "official"; "" is unknown
}

// Expected is the standing of the account after each way in, under the
// product's default policy, from a fresh start each. Empty (and absent in
// JSON) means that this way admits nobody.
type Expected struct {
	LegacyUpdate string `json:"legacy_update,omitempty"` // portal account, then "Cập nhật" with the own number
	LegacySkip   string `json:"legacy_skip,omitempty"`   // portal account, then "Bỏ qua" if asked
	VNeID        string `json:"vneid,omitempty"`         // VNeID, then the portal credential if asked

	// LegacyWeak and VNeIDWeak say that the data agree only weakly: the year
	// alone, or the name without its marks.
	LegacyWeak bool `json:"legacy_weak,omitempty"`
	VNeIDWeak  bool `json:"vneid_weak,omitempty"`
	// VNeIDRefusal is why VNeID's own side of a sign-in is refused; "" where it
	// is not.
	VNeIDRefusal string `json:"vneid_refusal,omitempty"`
}

// Personas returns the people, the same ones at every call, as a fresh slice
// that the caller may change.
func Personas() []Persona {
	return []Persona{
		linked(), cmnd(), two(), none(), mismatch(),
		cmndStranger(), tone(), diacritics(), yearOnly(), locked(), official(), level1(),
		elsewhere(), squatter(), owner(), foreigner(),
	}
}

func linked() Persona {
	return Persona{
		Key: "linked",
		Description: Text{
			"Một tài khoản, số CCCD đã được xác thực trong danh mục của cổng. Tên đăng nhập chính là số CCCD.",
			"One account whose CCCD is verified in the portal's directory. Its user name is the number itself.",
		},
		Name: "Nguyễn Thị Minh Hạnh", BirthDate: "1985-03-12",
		CitizenNumber: "099185000121", IDCardNumber: "990185012", AccountLevel: 2,
		VNeID: VNeIDLogin{"099185000121", "vneid-hanh-5521", "5b0c8f0e-6f0b-4c57-9a53-0a1d7f6c1a01"},
		Accounts: []PortalAccount{{
			// Portals do use people's numbers as account ids; so does this one,
			// so that a number that leaks through an id is noticed.
			ID: "099185000121", Username: "099185000121", Password: "cong-hanh-7301",
			Name: "Nguyễn Thị Minh Hạnh", BirthDate: "1985-03-12", IDCardNumber: "990185012",
			CitizenNumber: "099185000121", CitizenNumberVerified: true,
		}},
		Expected: Expected{LegacyUpdate: "linked", LegacySkip: "linked", VNeID: "linked"},
	}
}

func cmnd() Persona {
	return Persona{
		Key: "cmnd",
		Description: Text{
			"Một tài khoản chỉ có số CMND; dữ liệu dân cư trùng khớp.",
			"One account with only a CMND; the population record matches.",
		},
		Name: "Trần Văn Bình", BirthDate: "1979-11-02",
		CitizenNumber: "099079000245", IDCardNumber: "990179024", AccountLevel: 2,
		VNeID: VNeIDLogin{"099079000245", "vneid-binh-5522", "c1f4a2d7-3f5e-4d2b-8a0e-5d9b2e7c1b02"},
		Accounts: []PortalAccount{{
			ID: "tk-2001", Username: "tranvanbinh", Password: "cong-binh-7302",
			Name: "Trần Văn Bình", BirthDate: "1979-11-02", IDCardNumber: "990179024",
		}},
		Expected: Expected{LegacyUpdate: "linked", LegacySkip: "skipped", VNeID: "linked"},
	}
}

func two() Persona {
	return Persona{
		Key: "two",
		Description: Text{
			"Một công dân có hai tài khoản, số CCCD của cả hai đã được xác thực trong danh mục của cổng.",
			"One citizen with two accounts, the CCCD of both verified in the portal's directory.",
		},
		Name: "Lê Thị Hồng Đào", BirthDate: "1992-07-21",
		CitizenNumber: "099192000366", IDCardNumber: "990192036", AccountLevel: 2,
		VNeID: VNeIDLogin{"099192000366", "vneid-dao-5523", "2e7d90b3-84c6-4f1a-b7d2-91c3f0a81c03"},
		Accounts: []PortalAccount{
			{
				ID: "tk-3001", Username: "hongdao92", Password: "cong-dao-7303",
				Name: "Lê Thị Hồng Đào", BirthDate: "1992-07-21", IDCardNumber: "990192036",
				CitizenNumber: "099192000366", CitizenNumberVerified: true,
			},
			{
				ID: "tk-3002", Username: "dao.lethihong", Password: "cong-dao-7304",
				Name: "LÊ THỊ HỒNG ĐÀO", BirthDate: "1992-07-21", IDCardNumber: "990192036",
				CitizenNumber: "099192000366", CitizenNumberVerified: true,
			},
		},
		Expected: Expected{LegacyUpdate: "linked", LegacySkip: "linked", VNeID: "linked"},
	}
}

func none() Persona {
	return Persona{
		Key: "none",
		Description: Text{
			"Công dân có VNeID nhưng chưa có tài khoản trên cổng.",
			"A VNeID citizen without any portal account.",
		},
		Name: "Phạm Quốc Huy", BirthDate: "2001-01-30",
		CitizenNumber: "099201000487", AccountLevel: 2,
		VNeID:    VNeIDLogin{"099201000487", "vneid-huy-5524", "90a6b1c4-1d38-4e95-a6f7-7c2e4d5b1d04"},
		Accounts: []PortalAccount{},
	}
}

func mismatch() Persona {
	return Persona{
		Key: "mismatch",
		Description: Text{
			"Một tài khoản chỉ có số CMND; họ tên và ngày sinh trên cổng khác dữ liệu dân cư.",
			"One account with only a CMND; the portal's name and birth date differ from the population record.",
		},
		Name: "Vũ Hoàng Thủy", BirthDate: "1968-09-05",
		CitizenNumber: "099168000508", IDCardNumber: "990168050", AccountLevel: 2,
		VNeID: VNeIDLogin{"099168000508", "vneid-thuy-5525", "f38e5a96-b02d-4b7c-9c41-3e6a8d071e05"},
		Accounts: []PortalAccount{{
			ID: "tk-5001", Username: "vuhoangthu", Password: "cong-thuy-7305",
			Name: "Vũ Hoàng Thu", BirthDate: "1968-05-09", IDCardNumber: "990168050",
		}},
		Expected: Expected{LegacyUpdate: "unlinked", LegacySkip: "skipped", VNeID: "unlinked"},
	}
}
