package population

import (
	"bytes"
	"cmp"
	"encoding/xml"

	"vneid-proxy/identity"
)

// The namespaces of the State's SOAP form (QCVN 109:2017/BTTTT).
const (
	soapSpace  = "http://schemas.xmlsoap.org/soap/envelope/"
	askSpace   = "http://dancuquocgia.bca"
	replySpace = "http://www.mic.gov.vn/dancu/1.0"
)

// soap is SOAP 1.1: a question of elements in a fixed order, an answer that
// says TonTai, or a collection of one record or none.
type soap struct {
	space string // of answers; "" is replySpace
}

func (soap) media() []string { return []string{"text/xml", "application/xml", "application/soap+xml"} }

func (soap) write(q asked, s Service, c Credentials) ([]byte, string, error) {
	var b bytes.Buffer
	leaf := func(name, text string) {
		if text == "" {
			return
		}
		b.WriteString("<d:" + name + ">")
		_ = xml.EscapeText(&b, []byte(text)) // a buffer takes everything
		b.WriteString("</d:" + name + ">")
	}
	b.WriteString(xml.Header + `<s:Envelope xmlns:s="` + soapSpace + `" xmlns:d="` + askSpace + `"><s:Header/><s:Body>`)
	b.WriteString("<d:" + string(q.operation) + ">")
	leaf("MaYeuCau", q.id)
	leaf("MaDVC", s.Procedure)
	leaf("MaTichHop", s.code(q.operation))
	leaf("MaCanBo", c.Official)
	leaf("MaDonVi", s.Unit)
	leaf("TaiKhoan", s.Account)
	leaf("SoDienThoai", s.Phone)
	leaf("SoDinhDanh", q.number)
	leaf("HoVaTen", q.name)
	b.WriteString("<d:NgayThangNamSinh>")
	leaf("NgayThangNam", q.date)
	leaf("Nam", q.year)
	b.WriteString("</d:NgayThangNamSinh>")
	b.WriteString("</d:" + string(q.operation) + "></s:Body></s:Envelope>")
	return b.Bytes(), "application/xml", nil
}

func (m soap) read(q asked, body []byte) (Record, error) {
	r := newReader(body)
	root, err := r.begin()
	if err != nil || root.Name != (xml.Name{Space: soapSpace, Local: "Envelope"}) {
		return Record{}, ErrMalformed
	}
	record, err := m.envelope(q, r)
	if err == nil {
		err = r.over()
	}
	if err != nil {
		return Record{}, err
	}
	return record, nil
}

// envelope reads what is in one: a header, which is not looked at, and a body
// with one element.
func (m soap) envelope(q asked, r *reader) (record Record, err error) {
	headers, bodies := 0, 0
	var refused error
	err = r.children(func(e xml.StartElement) error {
		switch {
		case e.Name == xml.Name{Space: soapSpace, Local: "Header"} && headers+bodies == 0:
			headers++
			return r.skip()
		case e.Name == xml.Name{Space: soapSpace, Local: "Body"} && bodies == 0:
			bodies++
			answers := 0
			err := r.children(func(e xml.StartElement) (err error) {
				if answers++; answers > 1 {
					return ErrMalformed
				}
				if (e.Name == xml.Name{Space: soapSpace, Local: "Fault"}) {
					refused, err = r.fault()
					return err
				}
				record, err = m.answer(q, r, e)
				return err
			})
			if err == nil && answers == 0 {
				err = ErrMalformed
			}
			return err
		}
		return ErrMalformed
	})
	if err == nil && bodies == 0 {
		err = ErrMalformed
	}
	if err == nil {
		err = refused
	}
	return record, err
}

// answer reads KetQuaXacThuc or CongdanCollection, whichever was asked for.
func (m soap) answer(q asked, r *reader, e xml.StartElement) (Record, error) {
	if q.operation == opMatch && m.is(e, "KetQuaXacThuc") {
		return m.verdict(q, r)
	}
	if q.operation == opLookup && m.is(e, "CongdanCollection") {
		return m.collection(q, r)
	}
	return Record{}, ErrMalformed
}

// is reports an element of the State's namespace that says nothing beside its
// content: an attribute could take back what it says (xsi:nil).
func (m soap) is(e xml.StartElement, name string) bool {
	return e.Name == xml.Name{Space: cmp.Or(m.space, replySpace), Local: name} && !attributes(e)
}

// named is is for an element that must not occur in another form: of its name
// with another namespace or an attribute it reports a fault.
func (m soap) named(e xml.StartElement, name string) (bool, error) {
	if e.Name.Local == name && !m.is(e, name) {
		return false, ErrMalformed
	}
	return e.Name.Local == name, nil
}

// once reads, of an element's children, the text of those that are named, each
// at most once; everything else is dropped unread.
func (m soap) once(r *reader, names ...string) (map[string]string, error) {
	texts := map[string]string{}
	err := r.children(func(e xml.StartElement) error {
		for _, name := range names {
			wanted, err := m.named(e, name)
			if err != nil {
				return err
			}
			if _, twice := texts[name]; wanted && twice {
				return ErrMalformed
			}
			if wanted {
				texts[name], err = r.text()
				return err
			}
		}
		return r.skip()
	})
	return texts, err
}

func (m soap) verdict(q asked, r *reader) (Record, error) {
	texts, err := m.once(r, "TonTai", "MaYeuCau")
	if err != nil {
		return Record{}, err
	}
	if id, told := texts["MaYeuCau"]; told && id != q.id {
		return Record{}, ErrMalformed
	}
	found, err := boolean(texts["TonTai"])
	return Record{Found: found}, err
}

// boolean reads xsd:boolean (XML Schema Part 2, section 3.2.2).
func boolean(text string) (bool, error) {
	switch text {
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	}
	return false, ErrMalformed
}

func (m soap) collection(q asked, r *reader) (record Record, err error) {
	id := false
	err = r.children(func(e xml.StartElement) error {
		person, err := m.named(e, "CongDan")
		if err != nil {
			return err
		}
		told, err := m.named(e, "MaYeuCau")
		switch {
		case err != nil:
			return err
		case person && record.Found, told && id:
			return ErrMalformed // two people, or two ids
		case told:
			id = true
			text, err := r.text()
			if err == nil && text != q.id {
				err = ErrMalformed
			}
			return err
		case !person:
			return r.skip()
		}
		texts, err := m.once(r, "SoDinhDanh", "SoCMND")
		if err == nil {
			record, err = recordOf(q, texts["SoDinhDanh"], texts["SoCMND"])
		}
		return err
	})
	return record, err
}

// recordOf believes a record of the number asked about alone. What is no
// 9-digit number says nothing of one: records hold 12 digits there, or nothing.
func recordOf(q asked, number, card string) (Record, error) {
	if number != q.number {
		return Record{}, ErrMalformed
	}
	record := Record{Found: true}
	if held, err := identity.ParseIDCardNumber(card); err == nil && held.Reveal() == card {
		record.IDCards = []identity.IDCardNumber{held}
	}
	return record, nil
}
