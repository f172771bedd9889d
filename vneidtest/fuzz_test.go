package vneidtest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

func FuzzParseMatch(f *testing.F) {
	f.Add([]byte(`{"request_id":"r","citizen_number":"099192000366","name":"A","birth_year":"1992"}`))
	f.Add([]byte(`{"request_id":"r","citizen_number":"099192000366","name":"Đ","birth_date":"19920721"}`))
	f.Add([]byte(`{"birth_year":null}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := parseMatch(body)
		if err == nil && ((m.BirthDate == nil) == (m.BirthYear == nil) || len(m.CitizenNumber) != 12 || m.Name == "") {
			t.Errorf("accepted %q", body)
		}
	})
}

func FuzzParseCredential(f *testing.F) {
	f.Add([]byte(`{"username":"a","password":"b"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if _, err := parseCredential(body); err == nil && !strings.Contains(string(body), "{") {
			if strings.TrimSpace(string(body)) != "null" {
				t.Errorf("accepted %q", body)
			}
		}
	})
}

func FuzzParseSearch(f *testing.F) {
	for _, seed := range []string{
		`{"id":"tk-2001"}`, `{"username":"a"}`, `{"citizen_number":"099192000366"}`, `{"id_card_number":"990192036"}`,
		`{"id":""}`, `{"id":null}`, `{"ID":"a"}`, `{"id":"a","id":"b"}`, `{"id":"a"}{}`, `{"id":"a","username":"b"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		asked, err := parseSearch(body)
		if err != nil {
			return
		}
		// Nothing but the one member fits in what was read.
		var members map[string]string
		if json.Unmarshal(body, &members) != nil || len(members) != 1 || members[asked.member] != asked.value || asked.value == "" {
			t.Errorf("read %q as %v", body, asked)
		}
	})
}

func FuzzParseWriteBack(f *testing.F) {
	for _, seed := range []string{
		`{"id":"tk-2001","citizen_number":"099192000366","version":"v"}`, `{"id":"a","citizen_number":"1","version":"v"}`,
		`{"id":"a","id":"b","citizen_number":"099192000366","version":"v"}`, `null`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		asked, err := parseWriteBack(body)
		if err != nil {
			return
		}
		var members map[string]string
		if json.Unmarshal(body, &members) != nil || len(members) != 3 || members["id"] != asked.ID ||
			members["version"] != asked.Version || len(members["citizen_number"]) != 12 {
			t.Errorf("read %q as %v", body, asked)
		}
	})
}

func FuzzParseScan(f *testing.F) {
	for _, seed := range []string{`{"after":"","limit":1}`, `{"after":null,"limit":1}`, `{"after":"a","limit":1e2}`, `{"after":"a","after":"b","limit":1}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		asked, err := parseScan(body)
		if err != nil {
			return
		}
		var members map[string]any
		if json.Unmarshal(body, &members) != nil || len(members) != 2 || members["after"] != *asked.After || members["limit"] != float64(*asked.Limit) {
			t.Errorf("read %q as %v", body, asked)
		}
	})
}

func FuzzLocalPath(f *testing.F) {
	for _, seed := range []string{"/a?b", "//x", `/\x`, "/\t/x", "http://x/", "/%2F/x", "/@x", ""} {
		f.Add(seed)
	}
	base := &url.URL{Scheme: "http", Host: "portal.invalid"}
	f.Fuzz(func(t *testing.T, next string) {
		// Browsers strip control characters and take a backslash for a slash.
		got := strings.NewReplacer("\t", "", "\n", "", "\r", "", `\`, "/").Replace(localPath(next))
		if !strings.HasPrefix(got, "/") || strings.HasPrefix(got, "//") {
			t.Errorf("%q leads to %q", next, got)
		}
		if to, err := base.Parse(got); err == nil && to.Host != base.Host {
			t.Errorf("%q leads to host %q", next, to.Host)
		}
	})
}

// whole says whether a question that was read is one that may be asked: each
// parser must refuse all others.
func whole(q question) bool {
	_, err := time.Parse("2006", q.birthYear)
	if q.birthDate != "" {
		_, err = time.Parse("20060102", q.birthDate)
	}
	return err == nil && (q.operation == opMatch || q.operation == opLookup) &&
		(len(q.citizenNumber) == 12 && q.idCardNumber == "" || q.citizenNumber == "" && len(q.idCardNumber) == 9) &&
		(q.birthDate == "") != (q.birthYear == "") && q.name != "" && q.official != "" && q.procedure != "" && q.requestID != ""
}

func FuzzParseSOAP(f *testing.F) {
	const good = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:d="http://dancuquocgia.bca"><s:Header/><s:Body>` +
		`<d:TraCuuThongTinCongDan><d:MaYeuCau>r</d:MaYeuCau><d:MaDVC>V</d:MaDVC><d:MaCanBo>c</d:MaCanBo><d:SoCMND>990192036</d:SoCMND>` +
		`<d:HoVaTen>A</d:HoVaTen><d:NgayThangNamSinh><d:Nam>1992</d:Nam></d:NgayThangNamSinh></d:TraCuuThongTinCongDan></s:Body></s:Envelope>`
	f.Add([]byte(good))
	f.Add([]byte(strings.Replace(good, "d:Nam>1992</d:Nam", "d:NgayThangNam>19920721</d:NgayThangNam", 1)))
	f.Add([]byte(`<!DOCTYPE a [<!ENTITY b "c">]>` + good))
	f.Add([]byte(good + good))
	f.Add([]byte(`<a><b/>text</a>`))
	f.Fuzz(func(t *testing.T, body []byte) {
		q, err := parseSOAP(body)
		if err == nil && (!whole(q) || bytes.Contains(body, []byte("<!DOCTYPE"))) {
			t.Errorf("read %q as %+v", body, q)
		}
	})
}

// FuzzParseXML holds that what is read can be written and read again.
func FuzzParseXML(f *testing.F) {
	for _, seed := range []string{`<a><b>c</b><b/></a>`, `<a>&lt;&#x41;</a>`, `<a/><a/>`, `<?xml version="1.0"?><a xmlns="x"/>`, `<a><![CDATA[<]]></a>`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := parseXML(body)
		if err != nil {
			return
		}
		var b bytes.Buffer
		e.write(&b, "", "")
		again, err := parseXML(b.Bytes())
		if err != nil || !sameElement(e, again) {
			t.Errorf("%q became %q: %v", body, b.Bytes(), err)
		}
	})
}

func sameElement(a, b element) bool {
	return a.name == b.name && a.text == b.text && slices.EqualFunc(a.children, b.children, sameElement)
}

func FuzzParseLGSPQuestions(f *testing.F) {
	const good = `{"maYeuCau":"r","maDVC":"V","maCanBo":"c","soDinhDanh":"099192000366","soCMND":"","hoVaTen":"A","ngayThangNam":"19920721"}`
	f.Add([]byte(good))
	f.Add([]byte(strings.Replace(good, `"ngayThangNam":"19920721"`, `"ngayThangNam":null,"nam":"1992","maTichHop":"037"`, 1)))
	f.Add([]byte(strings.Replace(good, `"19920721"`, `"1992","userNameService":"s"`, 1)))
	f.Fuzz(func(t *testing.T, body []byte) {
		if q, err := parseJSONQuestion(opMatch, body); err == nil && !whole(q) {
			t.Errorf("json: read %q as %+v", body, q)
		}
		if q, err := parseTextQuestion(opLookup, body); err == nil && !whole(q) {
			t.Errorf("text: read %q as %+v", body, q)
		}
	})
}

func FuzzParseLGSPKeys(f *testing.F) {
	f.Add("eyJBY2Nlc3NLZXkiOiJhIiwiU2VjcmV0S2V5IjoiYiJ9")
	f.Add("bnVsbA==")
	f.Fuzz(func(t *testing.T, header string) {
		keys, err := parseLGSPKeys(header)
		if err != nil {
			return
		}
		// Nobody but who wrote the same keys is let in: written again, they are read the same.
		text, err := json.Marshal(keys)
		if err != nil {
			t.Fatal(err)
		}
		again, err := parseLGSPKeys(base64.StdEncoding.EncodeToString(text))
		if err != nil || again != keys {
			t.Errorf("%q is %+v, then %+v: %v", header, keys, again, err)
		}
	})
}
