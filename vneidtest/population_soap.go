package vneidtest

import (
	"bytes"
	"encoding/xml"
)

// The namespaces of the population database's SOAP form.
const (
	soapSpace    = "http://schemas.xmlsoap.org/soap/envelope/"
	requestSpace = "http://dancuquocgia.bca"
	replySpace   = "http://www.mic.gov.vn/dancu/1.0"
)

// parseSOAP reads a request of the SOAP form (SOAP 1.1, section 4): an
// envelope, a header that is empty or absent, and in the body one question,
// its elements in the order of the schema.
func parseSOAP(body []byte) (question, error) {
	envelope, err := parseXML(body)
	if err != nil || envelope.space != soapSpace || envelope.name != "Envelope" {
		return question{}, errMalformed
	}
	parts := envelope.children
	if len(parts) == 2 && parts[0].space == soapSpace && parts[0].name == "Header" && len(parts[0].children) == 0 {
		parts = parts[1:]
	}
	if len(parts) != 1 || parts[0].space != soapSpace || parts[0].name != "Body" || len(parts[0].children) != 1 {
		return question{}, errMalformed
	}
	asked := parts[0].children[0]
	q := question{operation: operation(asked.name)}
	// Names in their order; a question may lack some, and check says which it must not.
	order := []struct {
		name string
		into *string
	}{
		{"MaYeuCau", &q.requestID}, {"MaDVC", &q.procedure}, {"MaTichHop", nil}, {"MaCanBo", &q.official},
		{"MaDonVi", nil}, {"TaiKhoan", nil}, {"SoDienThoai", nil},
		{"SoDinhDanh", &q.citizenNumber}, {"SoCMND", &q.idCardNumber}, {"HoVaTen", &q.name}, {"NgayThangNamSinh", nil},
	}
	at := 0
	for _, child := range asked.children {
		for at < len(order) && order[at].name != child.name {
			at++
		}
		if at == len(order) || child.space != requestSpace {
			return question{}, errMalformed
		}
		switch into := order[at].into; {
		case child.name == "NgayThangNamSinh":
			err = q.born(child)
		case len(child.children) > 0, into != nil && child.text == "":
			err = errMalformed
		case into != nil:
			*into = child.text
		}
		if err != nil {
			return question{}, err
		}
		at++
	}
	if asked.space != requestSpace {
		return question{}, errMalformed
	}
	return q, q.check()
}

// born reads NgayThangNamSinh: one of its two forms.
func (q *question) born(e element) error {
	if len(e.children) != 1 || e.children[0].space != requestSpace || len(e.children[0].children) > 0 {
		return errMalformed
	}
	switch date := e.children[0]; date.name {
	case "NgayThangNam":
		q.birthDate = date.text
	case "Nam":
		q.birthYear = date.text
	default:
		return errMalformed
	}
	return nil
}

// reply is the envelope around an answer, the prefixes as the real one has
// them.
func reply(answer element) []byte {
	return envelope(func(b *bytes.Buffer) { answer.write(b, "ns1:", ` xmlns:ns1="`+replySpace+`"`) })
}

// fault is the envelope around a SOAP fault (SOAP 1.1, section 4.4); a refusal
// without a code has no detail.
func fault(why refusal) []byte {
	return envelope(func(b *bytes.Buffer) {
		b.WriteString("<soapenv:Fault>")
		leaf("faultcode", "soapenv:Client").write(b, "", "")
		leaf("faultstring", why.text).write(b, "", "")
		if why.code != "" {
			b.WriteString("<detail>")
			leaf("MaLoi", why.code).write(b, "dan:", "")
			b.WriteString("</detail>")
		}
		b.WriteString("</soapenv:Fault>")
	})
}

func envelope(body func(*bytes.Buffer)) []byte {
	var b bytes.Buffer
	b.WriteString(xml.Header + `<soapenv:Envelope xmlns:soapenv="` + soapSpace + `">` +
		`<soapenv:Header xmlns:dan="` + requestSpace + `"/><soapenv:Body xmlns:dan="` + requestSpace + `">`)
	body(&b)
	b.WriteString(`</soapenv:Body></soapenv:Envelope>`)
	return b.Bytes()
}
