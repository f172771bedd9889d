package vneidtest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxDossiers bounds what one account can submit while the portal runs.
const maxDossiers = 200

// dossier is an application that somebody made to an authority.
type dossier struct {
	ID, Procedure, Submitted, Status, Content string
}

func procedures() []string {
	return []string{
		"Cấp bản sao trích lục khai sinh",
		"Đăng ký biến động đất đai",
		"Đổi giấy phép lái xe",
		"Cấp phiếu lý lịch tư pháp",
		"Đăng ký thành lập hộ kinh doanh",
		"Chứng thực bản sao từ bản chính",
	}
}

// firstDossiers gives each account two of its own, the same at every start.
func firstDossiers(accounts []PortalAccount) map[string][]dossier {
	all, names := map[string][]dossier{}, procedures()
	for i, a := range accounts {
		all[a.ID] = []dossier{
			{fmt.Sprintf("MH-2022-%06d", 100+i), names[i%len(names)], fmt.Sprintf("%02d/03/2022", 10+i%18), "Đã trả kết quả", "Nộp trực tiếp tại bộ phận một cửa."},
			{fmt.Sprintf("MH-2023-%06d", 500+i), names[(i+3)%len(names)], fmt.Sprintf("%02d/11/2023", 5+i%20), "Đang xử lý", "Nộp trực tuyến."},
		}
	}
	return all
}

func (p *Portal) dossiersOf(id string) []dossier {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.dossiers[id])
}

func (p *Portal) listDossiers(w http.ResponseWriter, _ *http.Request, who PortalAccount) {
	p.pages.render(w, http.StatusOK, "dossiers.html", portalPage{Visitor: &who, Dossiers: p.dossiersOf(who.ID)})
}

func (p *Portal) showDossier(w http.ResponseWriter, r *http.Request, who PortalAccount) {
	own := p.dossiersOf(who.ID)
	i := slices.IndexFunc(own, func(d dossier) bool { return d.ID == r.PathValue("id") })
	if i < 0 {
		p.missing(w, r)
		return
	}
	p.pages.render(w, http.StatusOK, "dossier.html", portalPage{Visitor: &who, Dossier: own[i]})
}

func (p *Portal) submitForm(w http.ResponseWriter, _ *http.Request, who PortalAccount) {
	p.pages.render(w, http.StatusOK, "submit.html", portalPage{Visitor: &who, Procedures: procedures()})
}

func (p *Portal) submit(w http.ResponseWriter, r *http.Request, who PortalAccount) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	page := portalPage{Visitor: &who, Procedures: procedures(), Details: strings.TrimSpace(r.PostFormValue("details"))}
	switch {
	case !slices.Contains(page.Procedures, r.PostForm.Get("procedure")):
		page.Error = "Vui lòng chọn thủ tục hành chính."
	case page.Details == "" || utf8.RuneCountInString(page.Details) > 4000:
		page.Error = "Vui lòng nhập nội dung đề nghị, tối đa 4.000 ký tự."
	}
	if page.Error != "" {
		p.pages.render(w, http.StatusOK, "submit.html", page)
		return
	}
	id, ok := p.file(who.ID, r.PostForm.Get("procedure"), page.Details)
	if !ok {
		page.Error = "Ông/Bà đã nộp quá nhiều hồ sơ."
		p.pages.render(w, http.StatusOK, "submit.html", page)
		return
	}
	http.Redirect(w, r, "/ho-so/"+id, http.StatusFound)
}

func (p *Portal) file(account, procedure, details string) (string, bool) {
	today := p.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	own := p.dossiers[account]
	if len(own) >= maxDossiers {
		return "", false
	}
	d := dossier{
		ID: fmt.Sprintf("MH-%d-%06d", today.Year(), 900+len(own)), Procedure: procedure,
		Submitted: today.Format("02/01/2006"), Status: "Đã tiếp nhận", Content: details,
	}
	p.dossiers[account] = append(own, d)
	return d.ID, true
}
