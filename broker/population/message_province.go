package population

import (
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// provinceQuestion are the members that both JSON forms of provinces share.
type provinceQuestion struct {
	ID        string `json:"maYeuCau"`
	Procedure string `json:"maDVC"`
	Official  string `json:"maCanBo"`
	Number    string `json:"soDinhDanh"`
	Card      string `json:"soCMND"` // never asked by, and never left out
	Name      string `json:"hoVaTen"`
	BirthDate string `json:"ngayThangNam"`
}

func (q asked) province(s Service, c Credentials) provinceQuestion {
	return provinceQuestion{ID: q.id, Procedure: s.Procedure, Official: c.Official, Number: q.number, Name: q.name, BirthDate: q.date}
}

// camelJSON asks in camel-case JSON and is answered the State's body made into
// JSON.
type camelJSON struct{}

func (camelJSON) media() []string { return []string{"application/json"} }

func (camelJSON) write(q asked, s Service, c Credentials) ([]byte, string, error) {
	wire := struct {
		provinceQuestion
		User string `json:"userNameService,omitzero"`
	}{q.province(s, c), s.User}
	if q.year != "" {
		wire.BirthDate = q.year // this form has no member for it
	}
	body, err := json.Marshal(wire)
	return body, "application/json", err
}

func (camelJSON) read(q asked, body []byte) (Record, error) {
	var r struct {
		Code word `json:"error_code"`
		Body *struct {
			Verdict *struct {
				Exists word  `json:"TonTai"`
				ID     *word `json:"MaYeuCau"`
			} `json:"KetQuaXacThuc"`
			People *people `json:"CongdanCollection"`
			ID     *word   `json:"MaYeuCau"`
		} `json:"Body"`
	}
	switch err := json.Unmarshal(body, &r); {
	case err != nil, r.Body != nil && !succeeded(string(r.Code)):
		return Record{}, ErrMalformed
	case r.Body == nil && !succeeded(string(r.Code)):
		return Record{}, refusal(string(r.Code))
	case r.Body == nil, !q.own(r.Body.ID),
		q.operation == opMatch && (r.Body.Verdict == nil || r.Body.People != nil || !q.own(r.Body.Verdict.ID)),
		q.operation == opLookup && (r.Body.People == nil || r.Body.Verdict != nil):
		return Record{}, ErrMalformed
	case q.operation == opMatch:
		found, err := boolean(string(r.Body.Verdict.Exists))
		return Record{Found: found}, err
	}
	switch all := *r.Body.People; {
	case len(all) == 0:
		return Record{}, nil
	case len(all) > 1:
		return Record{}, ErrMalformed
	default:
		return recordOf(q, all[0].Number, all[0].Card)
	}
}

// own reports that an id that was told, if one was, is the question's.
func (q asked) own(told *word) bool { return told == nil || string(*told) == q.id }

// stringJSON asks in JSON too, and is answered the XML as a string.
type stringJSON struct{ xml soap }

func (stringJSON) media() []string { return []string{"application/json"} }

func (stringJSON) write(q asked, s Service, c Credentials) ([]byte, string, error) {
	body, err := json.Marshal(struct {
		provinceQuestion
		Year string `json:"nam"`
		Code string `json:"maTichHop"`
	}{q.province(s, c), q.year, s.code(q.operation)})
	return body, "application/json", err
}

func (m stringJSON) read(q asked, body []byte) (Record, error) {
	var r struct {
		Code    *word          `json:"error_code"`
		Message jsontext.Value `json:"message"`
	}
	if json.Unmarshal(body, &r) != nil || r.Code == nil {
		return Record{}, ErrMalformed
	}
	defer clear(r.Message)
	if !succeeded(string(*r.Code)) {
		return Record{}, refusal(string(*r.Code))
	}
	if r.Message.Kind() != '"' {
		return Record{}, ErrMalformed
	}
	text, err := jsontext.AppendUnquote(nil, r.Message)
	if err != nil {
		return Record{}, ErrMalformed
	}
	defer clear(text)
	return m.xml.read(q, text)
}

// word is a string, or a number or a boolean as it is written: programs that
// turn XML into JSON make "true" and "0" either.
type word string

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (w *word) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	token, err := d.ReadToken()
	if err != nil {
		return err
	}
	switch token.Kind() {
	case '"', '0', 't', 'f':
		*w = word(strings.Trim(token.String(), xmlBlanks))
		return nil
	}
	return ErrMalformed
}

// people is a collection: an object, whose member is one record, a list of
// them or absent, or where it is empty, an empty text. Of a record the two
// numbers are read, and they must be texts: a number has lost its zeros.
type people []struct {
	Number string `json:"SoDinhDanh"`
	Card   string `json:"SoCMND"`
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (p *people) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() == '"' {
		token, err := d.ReadToken()
		if err == nil && token.String() != "" {
			err = ErrMalformed
		}
		return err
	}
	var inside struct {
		Person several `json:"CongDan"`
	}
	err := json.UnmarshalDecode(d, &inside)
	*p = people(inside.Person)
	return err
}

// several is one record or a list.
type several people

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (s *several) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() == '[' {
		var list []struct {
			Number string `json:"SoDinhDanh"`
			Card   string `json:"SoCMND"`
		}
		err := json.UnmarshalDecode(d, &list)
		for _, one := range list {
			*s = append(*s, one)
		}
		return err
	}
	*s = make(several, 1)
	return json.UnmarshalDecode(d, &(*s)[0])
}
