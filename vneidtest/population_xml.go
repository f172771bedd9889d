package vneidtest

import (
	"bytes"
	"encoding/xml"
	"io"
	"strings"
)

// element is an XML element without attributes: it holds either text or other
// elements.
type element struct {
	space, name string // space is read; what is written has its space from its writer
	text        string
	children    []element
}

func branch(name string, children ...element) element { return element{name: name, children: children} }

func leaf(name, text string) element { return element{name: name, text: text} }

// write writes an element with a prefix that stands for its namespace.
func (e element) write(b *bytes.Buffer, prefix, attributes string) {
	if e.text == "" && len(e.children) == 0 {
		b.WriteString("<" + prefix + e.name + attributes + "/>")
		return
	}
	b.WriteString("<" + prefix + e.name + attributes + ">")
	_ = xml.EscapeText(b, []byte(e.text)) // a buffer takes everything
	for _, child := range e.children {
		child.write(b, prefix, "")
	}
	b.WriteString("</" + prefix + e.name + ">")
}

// members is the element as programs write it that turn XML into JSON: text
// and objects, and of several of one name a list.
func (e element) members() any {
	if len(e.children) == 0 {
		return e.text
	}
	object := map[string]any{}
	for _, child := range e.children {
		before, again := object[child.name]
		list, several := before.([]any)
		switch {
		case !again:
			object[child.name] = child.members()
		case several:
			object[child.name] = append(list, child.members())
		default:
			object[child.name] = []any{before, child.members()}
		}
	}
	return object
}

// parseXML reads one element that is the whole of body. Instructions,
// declarations, attributes other than namespaces, and text beside elements are
// errors; comments and the blanks between elements are skipped.
func parseXML(body []byte) (element, error) {
	decoder := xml.NewDecoder(bytes.NewReader(body))
	// open are the elements that have begun and not ended, under a root that
	// is none.
	open := []element{{}}
	for {
		next, err := decoder.Token()
		if err == io.EOF && len(open) == 1 && len(open[0].children) == 1 && open[0].text == "" {
			return open[0].children[0], nil
		}
		if err != nil {
			return element{}, errMalformed
		}
		last := len(open) - 1
		switch t := next.(type) {
		case xml.StartElement:
			for _, a := range t.Attr {
				if a.Name.Space != "xmlns" && a.Name != (xml.Name{Local: "xmlns"}) {
					return element{}, errMalformed
				}
			}
			open = append(open, element{space: t.Name.Space, name: t.Name.Local})
		case xml.EndElement:
			done := open[last]
			done.text = strings.TrimSpace(done.text)
			if done.text != "" && len(done.children) > 0 {
				return element{}, errMalformed
			}
			open = open[:last]
			open[last-1].children = append(open[last-1].children, done)
		case xml.CharData:
			if last == 0 && len(bytes.TrimSpace(t)) > 0 {
				return element{}, errMalformed
			}
			if last > 0 {
				open[last].text += string(t)
			}
		case xml.ProcInst:
			if t.Target != "xml" || last > 0 || len(open[0].children) > 0 {
				return element{}, errMalformed
			}
		case xml.Directive:
			return element{}, errMalformed
		}
	}
}
