package screen

import (
	"net/http"
	"time"

	"vneid-proxy/identity"
)

// Sample is a screen with invented values, for a storybook and for tests.
type Sample struct {
	Name   string // lower case with dashes, unique
	Status int
	Page   Page
}

// Samples are all screens in their variants. The people are invented; their
// numbers bear the province code 099, which nobody has.
func Samples() []Sample {
	const token = "sample-token"
	number, _ := identity.VouchedCitizenNumber("099190000345")
	citizen := CitizenView{Name: "NGUYỄN THỊ BƯỞI", Number: number, BirthDate: identity.BirthDate{Year: 1990, Month: 2, Day: 28}}
	account := AccountView{Handle: "a1", Title: "bu***an", Detail: "NGUYỄN THỊ B***, CMND ******123"}
	second := AccountView{Handle: "a2", Title: "ng***90", Detail: "NGUYỄN THỊ B***, CMND ******123"}
	zone := time.FixedZone("Asia/Ho_Chi_Minh", 7*60*60)
	deadline := time.Date(2027, time.June, 30, 0, 0, 0, 0, zone)
	since := time.Date(2026, time.November, 2, 9, 15, 0, 0, zone)
	const consentVersion = "2026-01"

	chooser := SignIn{
		ReturnTo: "/ho-so?trang=2&loai=1", CSRF: token,
		Providers:   []Provider{{Name: "vneid"}},
		PortalLogin: "/_vneid/start?provider=portal", PortalLoginUntil: deadline,
	}
	vneidOnly := SignIn{Providers: chooser.Providers, ReturnTo: "/ho-so", Notice: NoticeExpired}
	unsent := SignIn{Providers: chooser.Providers, ReturnTo: "/nop-ho-so", Notice: NoticeUnsent}
	form := SignIn{
		ReturnTo: "/ho-so", CSRF: token, CredentialForm: true, PortalLoginUntil: deadline,
		Providers: []Provider{{Name: "vneid"}, {Name: "national", Title: "Cổng Dịch vụ công quốc gia"}},
	}
	officials := vneidOnly
	officials.Notice, officials.ReturnTo = "", "/quan-tri"
	officials.Providers = []Provider{
		{Name: "vneid"}, {Name: "quoc-gia", Title: "Cổng Dịch vụ công quốc gia"}, {Name: "noi-bo", Title: "Cán bộ (tài khoản nội bộ)"},
	}
	wrong := form
	wrong.Username, wrong.Error = "buoi.nguyen", CredentialWrong

	link := Link{
		Account: account, CMND: "099000123", Deadline: deadline, DaysLeft: 42, CanSkip: true,
		ConsentVersion: consentVersion, CSRF: token,
	}
	malformed := link
	malformed.TypedNumber = "0991900003"
	malformed.Errors = FieldErrors{FieldCitizenNumber: NumberMalformed, FieldConsent: ConsentMissing}
	mismatch := link
	mismatch.TypedNumber, mismatch.DaysLeft = "099190000346", 1
	mismatch.Errors = FieldErrors{FieldCitizenNumber: NumberMismatch}
	must := link
	must.Deadline, must.CanSkip, must.DaysLeft = time.Time{}, false, 0
	mismatch.ReferenceCode = "K7QM-42XD"
	counted := link
	counted.SkipsLeft = 3
	last := link
	last.SkipsLeft = 1
	reading := must
	reading.CanSkip, reading.ReadOnly = true, true
	again := link
	again.Pending, again.DaysLeft = true, 0
	answered := link
	answered.Answer, answered.ReferenceCode = AnswerNotMatched, "K7QM-42XD"
	conflict := answered
	conflict.Answer = AnswerConflict
	vouched := must
	vouched.FlowB, vouched.CitizenNumber = true, number

	choose := Choose{Citizen: citizen, Accounts: []AccountView{account, second}, ConsentVersion: consentVersion, CSRF: token}
	unchosen := choose
	unchosen.Errors = FieldErrors{FieldAccount: AccountMissing, FieldConsent: ConsentMissing}

	prove := Prove{CredentialForm: true,
		Citizen: citizen, Candidates: []AccountView{account}, PortalLogin: "/_vneid/start?provider=portal",
		ReferenceCode: "K7QM-42XD", ConsentVersion: consentVersion, CSRF: token,
	}
	acting := prove
	acting.Candidates, acting.Citizen.Organisation = nil, identity.Organisation{ID: "9900000015", Name: "Công ty TNHH Thử Nghiệm Minh Hà"}
	unproved := prove
	unproved.Username = "buoi.nguyen"
	unproved.Errors = FieldErrors{FieldUsername: CredentialWrong}

	elsewhere := prove
	elsewhere.Citizen.Provider = "Cổng Dịch vụ công quốc gia"
	otherwise := prove
	otherwise.Errors = FieldErrors{"": ProofOther}

	rows := []IdentityRow{
		{RowName, "NGUYỄN THỊ BƯỞI", Verified},
		{RowIDCard, "******123", Unverified},
		{RowCitizenNumber, number.String(), Verified},
		{RowBirthDate, "28/02/1990", Verified},
		{RowSex, "Nữ", Unverified},
		{RowIssueDate, "", ""},
		{RowIssuePlace, "", ""},
		{RowAddress, "Số 1, phố Không Tên, xã Thử Nghiệm, tỉnh Minh Hà", Unverified},
		{RowPhone, "******000", Unverified},
		{RowEmail, "b***@example.vn", Unverified},
	}
	known := Identity{
		Rows: rows, ReturnTo: "/ca-nhan", CSRF: token, Notice: NoticeUpdated,
		Accounts: []LinkedAccount{{Title: "bu***an", Default: true, Since: since}, {Title: "ng***90", Since: since}},
	}
	unlinking := known
	unlinking.Notice = NoticeUnlinkAsked
	unlinking.Accounts = []LinkedAccount{
		{Title: "bu***an", Default: true, Since: since, Handle: "a1"},
		{Title: "ng***90", Since: since, Handle: "a2", UnlinkDue: since.Add(72 * time.Hour)},
	}
	skipped := Identity{Rows: append([]IdentityRow(nil), rows...), ReturnTo: "/ca-nhan", CSRF: token, Notice: NoticeSkipped, CanUpdate: true}
	for i := range skipped.Rows {
		skipped.Rows[i].Mark = Unverified
	}
	skipped.Rows[2].Value = ""

	samples := []Sample{
		{"sign-in", http.StatusOK, chooser},
		{"sign-in-vneid-only", http.StatusOK, vneidOnly},
		{"sign-in-unsent", http.StatusOK, unsent},
		{"sign-in-providers", http.StatusOK, officials},
		{"sign-in-form", http.StatusOK, form},
		{"sign-in-form-wrong", http.StatusUnprocessableEntity, wrong},
		{"link", http.StatusOK, link},
		{"link-malformed", http.StatusUnprocessableEntity, malformed},
		{"link-mismatch", http.StatusUnprocessableEntity, mismatch},
		{"link-must", http.StatusOK, must},
		{"link-skips", http.StatusOK, counted},
		{"link-last-skip", http.StatusOK, last},
		{"link-read-only", http.StatusOK, reading},
		{"link-pending", http.StatusOK, again},
		{"link-answered", http.StatusOK, answered},
		{"link-answered-conflict", http.StatusOK, conflict},
		{"link-vouched", http.StatusOK, vouched},
		{"choose", http.StatusOK, choose},
		{"choose-unchosen", http.StatusUnprocessableEntity, unchosen},
		{"prove", http.StatusOK, prove},
		{"prove-elsewhere", http.StatusOK, elsewhere},
		{"prove-wrong", http.StatusUnprocessableEntity, unproved},
		{"prove-otherwise", http.StatusOK, otherwise},
		{"prove-organisation", http.StatusOK, acting},
		{"identity", http.StatusOK, known},
		{"identity-skipped", http.StatusOK, skipped},
		{"identity-unlinking", http.StatusOK, unlinking},
		{"notices", http.StatusOK, Notices{Seen: "n3", CSRF: token, ReturnTo: "/ho-so?trang=2&loai=1", Items: []NoticeItem{
			{"linked", "bu***an", since, time.Time{}},
			{"unlink_asked", "ng***90", since, since.Add(72 * time.Hour)},
			{"unlinked", "ng***90", since.Add(72 * time.Hour), time.Time{}},
		}}},
		{"linked", http.StatusOK, Linked{ReturnTo: "/ho-so", Account: account}},
		{"linked-weak", http.StatusOK, Linked{ReturnTo: "/ho-so", Account: account, Weak: true}},
		{"pending", http.StatusOK, Pending{ReturnTo: "/ho-so", Number: number, Since: since}},
		{"sign-out", http.StatusOK, SignOut{CSRF: token, ReturnTo: "/ho-so"}},
		{"kept", http.StatusOK, Kept{Path: "/nop-ho-so", Token: token, Fields: []KeptField{
			{"ho_ten", "Trần Văn Bình"}, {"noi_dung", "Đề nghị cấp bản sao <trích lục>\r\nhai bản"}, {"captcha", "1234"}, {"ghi_chu", ""},
		}}},
		{"signed-out", http.StatusOK, SignedOut{}},
		{"signed-out-everywhere", http.StatusOK, SignedOut{Everywhere: true}},
	}
	for _, reason := range []Reason{Cancelled, LevelTooLow, NoAccount, ProviderDown} {
		page := Refused{Reason: reason, Provider: "Cán bộ (tài khoản nội bộ)"}
		samples = append(samples, Sample{"elsewhere-" + string(reason), reason.Status(), page})
	}
	for _, reason := range Reasons() {
		page := Refused{Reason: reason}
		switch reason {
		case TooManyTries:
			page.RetryAfter = 12 * time.Minute
		case ProviderDown, LedgerDown:
			page.RetryAfter = 30 * time.Second
		case Conflict, MismatchReview, NoAccount:
			page.ReferenceCode = "K7QM-42XD"
		}
		samples = append(samples, Sample{"refused-" + string(reason), reason.Status(), page})
	}
	return samples
}
