package population

import (
	"bytes"
	"encoding/xml"
	"io"
	"slices"
	"strings"
)

// The bounds of an answer in XML, beside outbound.MaxBody. A record has some
// hundred elements, five deep.
const (
	xmlDepth  = 32
	xmlTokens = 20_000
)

// reader reads one XML document piece by piece and keeps nothing of it. A
// document type, a comment, an instruction after the declaration, an attribute
// twice, and text beside elements are faults, always ErrMalformed.
type reader struct {
	decoder *xml.Decoder
	depth   int // of open elements
	tokens  int
}

// newReader lets a byte order mark pass, which XML 1.0 allows (appendix F).
func newReader(body []byte) *reader {
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	return &reader{decoder: xml.NewDecoder(bytes.NewReader(body))}
}

// next is the decoder's next token, io.EOF at the end.
func (r *reader) next() (xml.Token, error) {
	for {
		first := r.tokens == 0
		token, err := r.decoder.Token()
		if err == io.EOF {
			return nil, io.EOF
		}
		if r.tokens++; err != nil || r.tokens > xmlTokens {
			return nil, ErrMalformed
		}
		switch t := token.(type) {
		case xml.StartElement:
			if r.depth++; r.depth > xmlDepth || twice(t.Attr) {
				return nil, ErrMalformed
			}
		case xml.EndElement:
			r.depth--
		case xml.ProcInst:
			if !first || t.Target != "xml" {
				return nil, ErrMalformed
			}
			continue
		case xml.Comment, xml.Directive:
			return nil, ErrMalformed
		}
		return token, nil
	}
}

// begin opens the document's one element.
func (r *reader) begin() (xml.StartElement, error) {
	for {
		token, err := r.next()
		if err != nil {
			return xml.StartElement{}, ErrMalformed
		}
		switch t := token.(type) {
		case xml.StartElement:
			return t, nil
		case xml.CharData:
			if !blank(t) {
				return xml.StartElement{}, ErrMalformed
			}
		}
	}
}

// over holds that nothing follows.
func (r *reader) over() error {
	for {
		switch token, err := r.next(); t := token.(type) {
		case xml.CharData:
			if !blank(t) {
				return ErrMalformed
			}
		default:
			if err != io.EOF || r.depth != 0 {
				return ErrMalformed
			}
			return nil
		}
	}
}

// children visits the elements in the one that is open, and closes it. Each
// visit must close its own.
func (r *reader) children(visit func(xml.StartElement) error) error {
	for {
		token, err := r.next()
		if err != nil {
			return ErrMalformed
		}
		switch t := token.(type) {
		case xml.EndElement:
			return nil
		case xml.StartElement:
			if err := visit(t); err != nil {
				return err
			}
		case xml.CharData:
			if !blank(t) {
				return ErrMalformed
			}
		}
	}
}

// text is the text of the element that is open, without the blanks around it,
// and closes it; an element in it is a fault.
func (r *reader) text() (string, error) {
	var b strings.Builder
	for {
		token, err := r.next()
		if err != nil {
			return "", ErrMalformed
		}
		switch t := token.(type) {
		case xml.EndElement:
			return strings.Trim(b.String(), xmlBlanks), nil
		case xml.CharData:
			b.Write(t)
		default:
			return "", ErrMalformed
		}
	}
}

// skip closes the element that is open and drops what is in it.
func (r *reader) skip() error {
	for until := r.depth - 1; r.depth > until; {
		if _, err := r.next(); err != nil {
			return ErrMalformed
		}
	}
	return nil
}

// fault reads a SOAP fault (SOAP 1.1, section 4.4) for the code of the
// service's, wherever in it that stands.
func (r *reader) fault() (refused, err error) {
	code := ""
	var into func(xml.StartElement) error
	mixed := func() error { // texts of a fault may hold anything
		for until := r.depth - 1; r.depth > until; {
			token, err := r.next()
			if err != nil {
				return ErrMalformed
			}
			if e, ok := token.(xml.StartElement); ok {
				if err := into(e); err != nil {
					return err
				}
			}
		}
		return nil
	}
	into = func(e xml.StartElement) (err error) {
		if e.Name.Local != "MaLoi" {
			return mixed()
		}
		if code != "" {
			return ErrMalformed
		}
		code, err = r.text()
		return err
	}
	err = mixed()
	return refusal(code), err
}

// attributes reports an attribute that declares no namespace.
func attributes(e xml.StartElement) bool {
	return slices.ContainsFunc(e.Attr, func(a xml.Attr) bool {
		return a.Name.Space != "xmlns" && a.Name != (xml.Name{Local: "xmlns"})
	})
}

// twice reports an attribute that stands there twice, which the decoder lets
// pass: of two declarations of one prefix it would take the last.
func twice(all []xml.Attr) bool {
	for i, a := range all {
		if slices.ContainsFunc(all[:i], func(b xml.Attr) bool { return b.Name == a.Name }) {
			return true
		}
	}
	return false
}

// xmlBlanks are XML 1.0's white space (production 3).
const xmlBlanks = " \t\r\n"

func blank(t xml.CharData) bool { return len(bytes.Trim(t, xmlBlanks)) == 0 }
