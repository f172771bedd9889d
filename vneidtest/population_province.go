package vneidtest

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// ProvinceConfig is a province's own ways to the population database (LGSP).
// Each part that is not set is left out.
type ProvinceConfig struct {
	// Token is the bearer token of the two JSON forms.
	Token string
	// Keys opens the wrapped SOAP form, together with User and Password.
	Keys LGSPKeys
	// User and Password are the official's, which AuthHash carries.
	User, Password string
}

// LGSPKeys is what the header lgspaccesstoken carries, as JSON in Base64.
type LGSPKeys struct {
	AccessKey      string `json:"AccessKey"`
	SecretKey      string `json:"SecretKey"`
	AppName        string `json:"AppName"`
	PartnerCode    string `json:"PartnerCode"`
	PartnerCodeCus string `json:"PartnerCodeCus"`
}

func (c ProvinceConfig) check() error {
	wrapped := c.Keys != LGSPKeys{} || c.User != "" || c.Password != ""
	if wrapped && (c.Keys.AccessKey == "" || c.Keys.SecretKey == "" || c.User == "" || c.Password == "") {
		return errors.New("vneidtest: population: Province wants AccessKey, SecretKey, User and Password")
	}
	return nil
}

// parseLGSPKeys reads the header lgspaccesstoken strictly.
func parseLGSPKeys(header string) (LGSPKeys, error) {
	var keys LGSPKeys
	text, err := base64.StdEncoding.Strict().DecodeString(header)
	if err == nil {
		err = json.Unmarshal(text, &keys, json.RejectUnknownMembers(true))
	}
	return keys, err
}

// known says whether a request shows the province's keys.
func (p *Population) known(r *http.Request) bool {
	keys, err := parseLGSPKeys(r.Header.Get("lgspaccesstoken"))
	ours := p.province.Keys
	return err == nil && secretEqual(keys.SecretKey, ours.SecretKey) && secretEqual(keys.AccessKey, ours.AccessKey) &&
		keys.AppName == ours.AppName && keys.PartnerCode == ours.PartnerCode && keys.PartnerCodeCus == ours.PartnerCodeCus
}

// lgspToken answers an access token for the wrapped form.
func (p *Population) lgspToken(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if !p.known(r) || r.PostFormValue("grant_type") != "client_credentials" {
		writeJSON(w, http.StatusUnauthorized, map[string]string{"error": "invalid_client"})
		return
	}
	now, access := p.now(), rand.Text()
	p.mu.Lock()
	sweep(p.tokens, func(expires time.Time) time.Time { return expires }, now)
	p.tokens[access] = now.Add(tokenLife)
	p.mu.Unlock()
	writeJSON(w, http.StatusOK, map[string]any{
		"access_token": access, "token_type": "Bearer", "expires_in": int(tokenLife.Seconds()),
	})
}

// lgspSOAP is the wrapped form: SOAP behind three headers.
func (p *Population) lgspSOAP(w http.ResponseWriter, r *http.Request) {
	scheme, access, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	p.mu.Lock()
	expires, ok := p.tokens[access]
	p.mu.Unlock()
	official := base64.StdEncoding.EncodeToString([]byte(p.province.User + ":" + p.province.Password))
	if !ok || !strings.EqualFold(scheme, "Bearer") || !p.now().Before(expires) || !p.known(r) ||
		!secretEqual(r.Header.Get("AuthHash"), official) {
		writeXML(w, http.StatusUnauthorized, fault(refusal{text: "Không có quyền truy cập"}))
		return
	}
	p.answerSOAP(w, r)
}

// lgspJSON is the form of camel-case JSON: it answers the reply's body as JSON.
func (p *Population) lgspJSON(w http.ResponseWriter, r *http.Request) {
	if answer, ok := p.askedInJSON(w, r, parseJSONQuestion); ok {
		writeJSON(w, http.StatusOK, map[string]any{"Body": branch("Body", answer).members()})
	}
}

// lgspText is the form that answers the XML as a text.
func (p *Population) lgspText(w http.ResponseWriter, r *http.Request) {
	if answer, ok := p.askedInJSON(w, r, parseTextQuestion); ok {
		writeJSON(w, http.StatusOK, map[string]string{"error_code": "0", "message": string(p.lied(reply(answer)))})
	}
}

// askedInJSON reads and answers a question of either JSON form. Where there is
// no answer it writes why, and reports false.
func (p *Population) askedInJSON(w http.ResponseWriter, r *http.Request, parse func(operation, []byte) (question, error)) (element, bool) {
	refuse := func(status int, why refusal) (element, bool) {
		writeJSON(w, status, map[string]string{"error_code": why.code, "message": why.text})
		return element{}, false
	}
	if !bearer(r, p.province.Token) {
		return refuse(http.StatusUnauthorized, refusal{"401", "Không có quyền truy cập"})
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil && kind != "application/json" {
		err = errMalformed
	}
	var asked question
	if err == nil {
		asked, err = parse(operation(r.PathValue("operation")), body)
	}
	if err != nil {
		return refuse(http.StatusBadRequest, refusal{"400", "Yêu cầu không hợp lệ"})
	}
	answer, why := p.answer(asked)
	if why != nil {
		return refuse(http.StatusOK, *why)
	}
	return answer, true
}

// sharedMembers are those of both JSON forms. A member that is empty or null is
// absent: callers send both numbers, one of them empty.
type sharedMembers struct {
	RequestID     string `json:"maYeuCau"`
	Procedure     string `json:"maDVC"`
	Official      string `json:"maCanBo"`
	CitizenNumber string `json:"soDinhDanh"`
	IDCardNumber  string `json:"soCMND"`
	Name          string `json:"hoVaTen"`
	BirthDate     string `json:"ngayThangNam"`
}

func (m sharedMembers) question(op operation) question {
	return question{
		operation: op, requestID: m.RequestID, procedure: m.Procedure, official: m.Official,
		citizenNumber: m.CitizenNumber, idCardNumber: m.IDCardNumber, name: m.Name, birthDate: m.BirthDate,
	}
}

// parseJSONQuestion reads a question of the form of camel-case JSON. It has
// no member for the year: four digits for the date are one.
func parseJSONQuestion(op operation, body []byte) (question, error) {
	var m struct {
		sharedMembers
		Service string `json:"userNameService"`
	}
	if err := json.Unmarshal(body, &m, json.RejectUnknownMembers(true)); err != nil {
		return question{}, err
	}
	q := m.question(op)
	if len(q.birthDate) == len("2006") {
		q.birthDate, q.birthYear = "", q.birthDate
	}
	return q, q.check()
}

// parseTextQuestion reads a question of the form that answers the XML as a
// text.
func parseTextQuestion(op operation, body []byte) (question, error) {
	var m struct {
		sharedMembers
		BirthYear   string `json:"nam"`
		Integration string `json:"maTichHop"`
	}
	if err := json.Unmarshal(body, &m, json.RejectUnknownMembers(true)); err != nil {
		return question{}, err
	}
	q := m.question(op)
	q.birthYear = m.BirthYear
	return q, q.check()
}
