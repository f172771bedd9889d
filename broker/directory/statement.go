package directory

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// dialect is how a database's SQL is read and asked.
type dialect struct {
	scheme      string // of its URL
	placeholder func(n int) string
	reuses      bool // a placeholder may stand twice for one argument
	// What quotes there are beside '…' and "…", in which a quote is doubled,
	// and comments beside -- and /* */.
	backslash, backtick, bracket, dollar, letterQ, hash, nested bool
	readOnly                                                    bool // its driver can begin a read-only transaction
	least                                                       string
}

// dialects are the databases, by the scheme of their URL. least is a text that
// sorts before every key: in Oracle the empty text is none at all.
func dialects() []dialect {
	return []dialect{
		{scheme: "postgres", placeholder: func(n int) string { return fmt.Sprintf("$%d", n) }, reuses: true, dollar: true, nested: true, readOnly: true},
		{scheme: "mysql", placeholder: func(int) string { return "?" }, backslash: true, backtick: true, hash: true, readOnly: true},
		{scheme: "sqlserver", placeholder: func(n int) string { return fmt.Sprintf("@p%d", n) }, reuses: true, bracket: true, nested: true},
		{scheme: "oracle", placeholder: func(n int) string { return fmt.Sprintf(":%d", n) }, letterQ: true, least: "\x01"},
	}
}

func dialectOf(scheme string) (dialect, bool) {
	i := slices.IndexFunc(dialects(), func(d dialect) bool { return d.scheme == scheme })
	if i < 0 {
		return dialect{}, false
	}
	return dialects()[i], true
}

// statement is a query of the operator's with the driver's placeholders. No
// value ever becomes part of its text.
type statement struct {
	text       string
	parameters []string // the name of each argument, in order
	verb       string   // its first word, in capitals
}

// parse reads a statement in which parameters are named, as in :account_id.
// What stands in quotes or comments is nobody's parameter.
func (d dialect) parse(text string) (s statement, err error) {
	var out strings.Builder
	ended := false
	for i := 0; i < len(text); {
		rest := text[i:]
		length, ok := d.quoted(text, i)
		silent := strings.HasPrefix(rest, "--") || strings.HasPrefix(rest, "/*") || d.hash && rest[0] == '#'
		if blank := strings.ContainsRune(" \t\r\n", rune(rest[0])); ended && !blank && !(silent && length > 0) {
			return statement{}, errOneStatement
		}
		switch {
		case !ok:
			return statement{}, fmt.Errorf("close the quote or comment that begins with %s", rest[:min(2, len(rest))])
		case length > 0:
		case strings.HasPrefix(rest, "::"), strings.HasPrefix(rest, ":="):
			length = 2
		case rest[0] == ':' && len(rest) > 1 && nameByte(rest[1], true):
			name := nameAt(rest[1:])
			out.WriteString(d.bind(&s, name))
			i += 1 + len(name)
			continue
		case d.placeholderAt(text, i):
			return statement{}, fmt.Errorf("write :name in place of %s", rest[:min(2, len(rest))])
		case rest[0] == ';': // a driver may take it amiss
			ended, length, rest = true, 1, " "
		case nameByte(rest[0], true) && (i == 0 || !nameByte(text[i-1], false)):
			word := nameAt(rest)
			if s.verb == "" {
				s.verb = strings.ToUpper(word)
			}
			length = len(word)
		default:
			length = 1
		}
		out.WriteString(rest[:length])
		i += length
	}
	s.text = strings.TrimSpace(out.String())
	return s, nil
}

var errOneStatement = errors.New("write one statement, without anything after ;")

// bind notes a parameter and returns its placeholder.
func (d dialect) bind(s *statement, name string) string {
	if at := slices.Index(s.parameters, name); d.reuses && at >= 0 {
		return d.placeholder(at + 1)
	}
	s.parameters = append(s.parameters, name)
	return d.placeholder(len(s.parameters))
}

// placeholderAt reports one of the driver's own: it would take another's
// argument.
func (d dialect) placeholderAt(text string, i int) bool {
	digit := i+1 < len(text) && text[i+1] >= '0' && text[i+1] <= '9'
	after := i > 0 && nameByte(text[i-1], false)
	switch text[i] {
	case '?':
		return d.scheme == "mysql"
	case '$':
		return d.scheme == "postgres" && digit && !after
	case '@':
		return d.scheme == "sqlserver" && i+2 < len(text) && (text[i+1]|0x20) == 'p' && text[i+2] >= '0' && text[i+2] <= '9'
	case ':':
		return d.scheme == "oracle" && digit
	}
	return false
}

// quoted is the length of the quote or comment that begins at i, 0 for none;
// not ok is one that never ends.
func (d dialect) quoted(text string, i int) (length int, ok bool) {
	rest := text[i:]
	switch {
	case strings.HasPrefix(rest, "--") && !(d.backslash && len(rest) > 2 && !strings.ContainsRune(" \t\r\n", rune(rest[2]))),
		d.hash && rest[0] == '#':
		if end := strings.IndexByte(rest, '\n'); end >= 0 {
			return end + 1, true
		}
		return len(rest), true
	case strings.HasPrefix(rest, "/*"):
		return d.comment(rest)
	case rest[0] == '\'' && d.letterQ && prefixed(text, i, 'q'):
		return letterQuote(rest)
	case rest[0] == '\'', rest[0] == '"':
		escapes := d.backslash || d.dollar && rest[0] == '\'' && prefixed(text, i, 'e')
		return untilQuote(rest, rest[0], escapes)
	case d.backtick && rest[0] == '`':
		return untilQuote(rest, '`', false)
	case d.bracket && rest[0] == '[':
		return untilQuote(rest, ']', false)
	case d.dollar && rest[0] == '$' && (i == 0 || !nameByte(text[i-1], false)):
		tag := nameAt(rest[1:])
		mark := "$" + tag + "$"
		if !strings.HasPrefix(rest, mark) || tag != "" && !nameByte(tag[0], true) {
			return 0, true
		}
		end := strings.Index(rest[len(mark):], mark)
		return end + 2*len(mark), end >= 0
	}
	return 0, true
}

// prefixed reports that the quote at i belongs to a word that ends in letter
// and is nothing else but, at most, n before it.
func prefixed(text string, i int, letter byte) bool {
	if i == 0 || text[i-1]|0x20 != letter {
		return false
	}
	i--
	if i > 0 && text[i-1]|0x20 == 'n' && letter == 'q' {
		i--
	}
	return i == 0 || !nameByte(text[i-1], false)
}

// untilQuote ends at the closing quote that is not doubled.
func untilQuote(rest string, quote byte, escapes bool) (int, bool) {
	for i := 1; i < len(rest); i++ {
		switch {
		case escapes && rest[i] == '\\':
			i++
		case rest[i] != quote:
		case i+1 < len(rest) && rest[i+1] == quote:
			i++
		default:
			return i + 1, true
		}
	}
	return 0, false
}

// letterQuote is Oracle's q'[…]', after its q.
func letterQuote(rest string) (int, bool) {
	if len(rest) < 2 {
		return 0, false
	}
	closing := rest[1:2]
	if at := strings.IndexByte("[{(<", rest[1]); at >= 0 {
		closing = "]})>"[at : at+1]
	}
	end := strings.Index(rest[2:], closing+"'")
	return end + 4, end >= 0
}

func (d dialect) comment(rest string) (int, bool) {
	depth := 0
	for i := 0; i+1 < len(rest); i++ {
		switch {
		case rest[i:i+2] == "/*" && (depth == 0 || d.nested):
			depth++
			i++
		case rest[i:i+2] == "*/":
			depth--
			i++
			if depth == 0 {
				return i + 1, true
			}
		}
	}
	return 0, false
}

func nameAt(text string) string {
	end := 0
	for end < len(text) && nameByte(text[end], end == 0) {
		end++
	}
	return text[:end]
}

// nameByte reports whether b may be in a name, or begin one.
func nameByte(b byte, begins bool) bool {
	return b == '_' || b >= 0x80 || b|0x20 >= 'a' && b|0x20 <= 'z' || !begins && b >= '0' && b <= '9'
}

func (s statement) has(parameter string) bool { return slices.Contains(s.parameters, parameter) }
