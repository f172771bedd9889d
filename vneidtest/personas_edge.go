package vneidtest

// The people of whom something is out of the ordinary.

func cmndStranger() Persona {
	return Persona{
		Key: "cmnd_stranger",
		Description: Text{
			"Số CMND ghi trong tài khoản là của người khác (Trần Văn Bình); họ tên, ngày sinh đúng.",
			"The account's CMND is somebody else's (Trần Văn Bình); name and birth date are right.",
		},
		Name: "Đỗ Thị Ngọc Lan", BirthDate: "1975-04-18",
		CitizenNumber: "099175000612", IDCardNumber: "990175061", AccountLevel: 2,
		VNeID: VNeIDLogin{"099175000612", "vneid-lan-5526", "0d4be1c7-52a6-4f0b-8d2e-6b19c3f7ae06"},
		Accounts: []PortalAccount{{
			ID: "tk-6001", Username: "dongoclan", Password: "cong-lan-7306",
			Name: "Đỗ Thị Ngọc Lan", BirthDate: "1975-04-18", IDCardNumber: "990179024",
		}},
		Expected: Expected{LegacyUpdate: "linked", LegacySkip: "skipped", VNeID: "linked"},
	}
}

func tone() Persona {
	return Persona{
		Key: "tone",
		Description: Text{
			"Tên trên cổng chỉ khác cách đặt dấu thanh (Thúy Hòa và Thuý Hoà).",
			"The portal's name differs in the placement of tone marks alone (Thúy Hòa, Thuý Hoà).",
		},
		Name: "Hoàng Thị Thuý Hoà", BirthDate: "1988-12-01",
		CitizenNumber: "099188000734", IDCardNumber: "990188073", AccountLevel: 2,
		VNeID: VNeIDLogin{"099188000734", "vneid-hoa-5527", "7c20a9f4-0e3d-4b68-91c5-d8f2b64e1a07"},
		Accounts: []PortalAccount{{
			ID: "tk-6002", Username: "thuyhoa88", Password: "cong-hoa-7307",
			Name: "Hoàng Thị Thúy Hòa", BirthDate: "1988-12-01", IDCardNumber: "990188073",
		}},
		Expected: Expected{LegacyUpdate: "linked", LegacySkip: "skipped", VNeID: "linked"},
	}
}

func diacritics() Persona {
	return Persona{
		Key: "diacritics",
		Description: Text{
			"Tên trên cổng viết hoa, không dấu.",
			"The portal's name is in capitals without marks.",
		},
		Name: "Đặng Hữu Phước", BirthDate: "1983-06-25",
		CitizenNumber: "099083000845", IDCardNumber: "990183084", AccountLevel: 2,
		VNeID: VNeIDLogin{"099083000845", "vneid-phuoc-5528", "b6e18d05-93f7-4c2a-a04b-2f7d5c9e3b08"},
		Accounts: []PortalAccount{{
			ID: "tk-6003", Username: "danghuuphuoc", Password: "cong-phuoc-7308",
			Name: "DANG HUU PHUOC", BirthDate: "1983-06-25", IDCardNumber: "990183084",
		}},
		Expected: Expected{LegacyUpdate: "linked", LegacySkip: "skipped", VNeID: "linked", VNeIDWeak: true},
	}
}

func yearOnly() Persona {
	return Persona{
		Key: "year_only",
		Description: Text{
			"Cổng chỉ có năm sinh.",
			"The portal has only the year of birth.",
		},
		Name: "Bùi Thị Sáu", BirthDate: "1950-10-10",
		CitizenNumber: "099150000956", IDCardNumber: "990150095", AccountLevel: 2,
		VNeID: VNeIDLogin{"099150000956", "vneid-sau-5529", "41f7c3b2-6d80-4e19-b5a3-8c0e9d2f4c09"},
		Accounts: []PortalAccount{{
			ID: "tk-6004", Username: "buithisau", Password: "cong-sau-7309",
			Name: "Bùi Thị Sáu", BirthDate: "1950", IDCardNumber: "990150095",
		}},
		Expected: Expected{LegacyUpdate: "linked", LegacySkip: "skipped", VNeID: "linked", LegacyWeak: true, VNeIDWeak: true},
	}
}

func locked() Persona {
	return Persona{
		Key: "locked",
		Description: Text{
			"Tài khoản bị cổng khóa.",
			"The portal has locked the account.",
		},
		Name: "Ngô Văn Khải", BirthDate: "1990-02-14",
		CitizenNumber: "099090001067", IDCardNumber: "990190106", AccountLevel: 2,
		VNeID: VNeIDLogin{"099090001067", "vneid-khai-5530", "e95a0d63-c4b1-47f8-8e26-1d3b7a5f0d10"},
		Accounts: []PortalAccount{{
			ID: "tk-6005", Username: "ngovankhai", Password: "cong-khai-7310",
			Name: "Ngô Văn Khải", BirthDate: "1990-02-14", IDCardNumber: "990190106", Locked: true,
		}},
	}
}

func official() Persona {
	return Persona{
		Key: "official",
		Description: Text{
			"Tài khoản của cán bộ; đi qua cùng các màn hình như công dân.",
			"An official's account; it passes the same screens as a citizen's.",
		},
		Name: "Lương Quốc Bảo", BirthDate: "1981-08-30",
		CitizenNumber: "099081001178", IDCardNumber: "990181117", AccountLevel: 2,
		VNeID: VNeIDLogin{"099081001178", "vneid-bao-5531", "58c2f6e0-7a19-4d3b-96f4-0b8e2d1c5e11"},
		Accounts: []PortalAccount{{
			ID: "cb-0101", Username: "lqbao.tiepdan", Password: "cong-bao-7311", Kind: "official",
			Name: "Lương Quốc Bảo", BirthDate: "1981-08-30", IDCardNumber: "990181117",
		}},
		Expected: Expected{LegacyUpdate: "linked", LegacySkip: "skipped", VNeID: "linked"},
	}
}

func level1() Persona {
	return Persona{
		Key: "level1",
		Description: Text{
			"Tài khoản định danh điện tử mức độ 1: chưa đủ để đăng nhập bằng VNeID.",
			"An electronic identity of level 1, too low to sign in with VNeID.",
		},
		Name: "Mai Thị Tuyết", BirthDate: "1999-03-03",
		CitizenNumber: "099199001289", IDCardNumber: "990199128", AccountLevel: 1,
		VNeID: VNeIDLogin{"099199001289", "vneid-tuyet-5532", "c07b4e91-2f5d-4a86-83d0-f6a1c9b80f12"},
		Accounts: []PortalAccount{{
			ID: "tk-6006", Username: "maituyet99", Password: "cong-tuyet-7312",
			Name: "Mai Thị Tuyết", BirthDate: "1999-03-03", IDCardNumber: "990199128",
		}},
		Expected: Expected{LegacyUpdate: "linked", LegacySkip: "skipped", VNeIDRefusal: "level_too_low"},
	}
}

func elsewhere() Persona {
	return Persona{
		Key: "elsewhere",
		Description: Text{
			"Một công dân có hai tài khoản chưa có số CCCD: khi tài khoản thứ nhất đã liên kết, nhập số ở tài khoản thứ hai cần cán bộ kiểm tra.",
			"One citizen with two accounts without a CCCD: once the first is linked, typing the number in the second is for staff to look at.",
		},
		Name: "Hồ Minh Tuấn", BirthDate: "1987-05-20",
		CitizenNumber: "099087001390", IDCardNumber: "990187139", AccountLevel: 2,
		VNeID: VNeIDLogin{"099087001390", "vneid-tuan-5533", "3a94d7f8-b0c6-4e52-a71d-95e3c8b21a13"},
		Accounts: []PortalAccount{
			{
				ID: "tk-6101", Username: "hominhtuan", Password: "cong-tuan-7313",
				Name: "Hồ Minh Tuấn", BirthDate: "1987-05-20", IDCardNumber: "990187139",
			},
			{
				ID: "tk-6102", Username: "tuan.ho87", Password: "cong-tuan-7314",
				Name: "Hồ Minh Tuấn", BirthDate: "1987-05-20", IDCardNumber: "990187139",
			},
		},
		Expected: Expected{LegacyUpdate: "linked", LegacySkip: "skipped", VNeID: "linked"},
	}
}

func squatter() Persona {
	return Persona{
		Key: "squatter",
		Description: Text{
			"Đã đăng ký tài khoản với số CCCD của người khác (Võ Thị Thanh Nhàn), số này chưa được xác thực.",
			"Registered the account with somebody else's CCCD (Võ Thị Thanh Nhàn), typed and never verified.",
		},
		Name: "Phan Văn Lực", BirthDate: "1994-09-09",
		CitizenNumber: "099094001401", IDCardNumber: "990194140", AccountLevel: 2,
		VNeID: VNeIDLogin{"099094001401", "vneid-luc-5534", "9f61b3a7-d485-4c0e-b2f9-4a7d0e6c8b14"},
		Accounts: []PortalAccount{{
			ID: "tk-6201", Username: "phanvanluc", Password: "cong-luc-7315",
			Name: "Phan Văn Lực", BirthDate: "1994-09-09", IDCardNumber: "990194140",
			CitizenNumber: "099170001512",
		}},
		Expected: Expected{LegacyUpdate: "linked", LegacySkip: "skipped", VNeID: "linked"},
	}
}

func owner() Persona {
	return Persona{
		Key: "owner",
		Description: Text{
			"Số CCCD của bà đã bị người khác (Phan Văn Lực) ghi vào tài khoản của họ; tài khoản của bà chưa có số.",
			"Somebody else (Phan Văn Lực) wrote her CCCD into their account; her own account has none.",
		},
		Name: "Võ Thị Thanh Nhàn", BirthDate: "1970-01-17",
		CitizenNumber: "099170001512", IDCardNumber: "990170151", AccountLevel: 2,
		VNeID: VNeIDLogin{"099170001512", "vneid-nhan-5535", "d27e05c9-1b8f-46a4-8fd3-7e9c2a40bc15"},
		Accounts: []PortalAccount{{
			ID: "tk-6202", Username: "vothanhnhan", Password: "cong-nhan-7316",
			Name: "Võ Thị Thanh Nhàn", BirthDate: "1970-01-17", IDCardNumber: "990170151",
		}},
		Expected: Expected{LegacyUpdate: "linked", LegacySkip: "skipped", VNeID: "linked"},
	}
}

func foreigner() Persona {
	return Persona{
		Key: "foreigner",
		Description: Text{
			"Người nước ngoài; số định danh có đầu số không có trong bảng mã nào.",
			"A foreigner whose number begins with digits that no table of codes has.",
		},
		Name: "Anna Beispiel", BirthDate: "1986-11-11",
		CitizenNumber: "099986001623", AccountLevel: 2,
		VNeID: VNeIDLogin{"099986001623", "vneid-anna-5536", "6b3fd0e2-85a7-49c1-9e04-c1d7f5b29d16"},
		Accounts: []PortalAccount{{
			ID: "tk-6301", Username: "anna.beispiel", Password: "cong-anna-7317",
			Name: "ANNA BEISPIEL", BirthDate: "1986-11-11",
		}},
		Expected: Expected{LegacyUpdate: "linked", LegacySkip: "skipped", VNeID: "linked"},
	}
}
