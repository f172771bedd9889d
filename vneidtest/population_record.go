package vneidtest

import "strings"

// record is all that the population database holds of a person, under the
// names of its own schema, sensitive members included. Whatever no persona has
// is invented and the same for everybody.
func record(p Persona) element {
	year, _, _ := strings.Cut(p.BirthDate, "-")
	day := strings.ReplaceAll(p.BirthDate, "-", "")
	if len(day) != len("20060102") {
		day = ""
	}
	return branch("CongDan",
		leaf("SoDinhDanh", p.CitizenNumber),
		leaf("SoCMND", p.IDCardNumber),
		// The whole name in Ten is what the real one often answers.
		branch("HoVaTen", leaf("Ho", ""), leaf("ChuDem", ""), leaf("Ten", strings.ToUpper(p.Name))),
		leaf("GioiTinh", sex(p)),
		leaf("DanToc", "54"),
		leaf("TonGiao", "99"),
		leaf("TinhTrangHonNhan", "2"),
		leaf("NhomMau", "03"),
		branch("NgayThangNamSinh", leaf("Nam", year), leaf("NgayThangNam", day)),
		address("NoiDangKyKhaiSinh"),
		leaf("QuocTich", ""),
		address("QueQuan"),
		address("ThuongTru"),
		address("NoiOHienTai"),
		relative("Cha", "ĐINH VĂN MẪU", "099040009901", "990140099"),
		relative("Me", "ĐOÀN THỊ MẪU", "099142009902", "990142099"),
		relative("VoChong", "ĐÀM PHI MẪU", "099070009903", "990170099"),
		relative("NguoiDaiDien", "ĐINH VĂN MẪU", "099040009901", "990140099"),
		branch("ChuHo", leaf("QuanHe", "CH01"), leaf("SoDinhDanh", "099040009901"),
			leaf("SoCMND", "990140099"), leaf("HoVaTen", "ĐINH VĂN MẪU")),
		leaf("SoSoHoKhau", "SHK-99-000001"),
	)
}

// sex is 1 for men and 2 for women, by the fourth digit of the number, which
// is even for men (Circular 07/2016/TT-BCA).
func sex(p Persona) string {
	if len(p.CitizenNumber) > 3 && (p.CitizenNumber[3]-'0')%2 == 0 {
		return "1"
	}
	return "2"
}

func address(name string) element {
	return branch(name, leaf("MaTinhThanh", "99"), leaf("MaQuanHuyen", "999"), leaf("MaPhuongXa", "99999"),
		leaf("ChiTiet", "Số 9 đường Mẫu, phường Không Có, tỉnh Minh Hà"), leaf("QuocGia", "VN"))
}

func relative(kind, name, number, card string) element {
	return branch(kind, leaf("HoVaTen", name), leaf("QuocTich", "VN"), leaf("SoDinhDanh", number), leaf("SoCMND", card))
}
