package identity_test

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"log"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"text/template"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/identity"
)

// A door is a way by which a value becomes text.
type door struct {
	name string
	open func(v any) string
}

// doors are all ordinary ones: every verb of fmt with every flag, the verbs
// that fmt refuses among them (its complaint prints the value), the handlers
// of slog, the encoders and the templates.
func doors() []door {
	var all []door
	add := func(name string, open func(v any) string) { all = append(all, door{name, open}) }
	for _, verb := range "vTtbcdoOqxXUeEfFgGspwZ!" {
		for _, flag := range []string{"", "+", "#", "-", " ", "0", "40", ".2", "+#40.12"} {
			format := "%" + flag + string(verb)
			add("fmt "+format, func(v any) string { return fmt.Sprintf(format, v) })
		}
	}
	wrong, extra := "%w, which takes errors alone", "nothing to fill in"
	add("fmt.Sprint", func(v any) string { return fmt.Sprint(v) })
	add("fmt.Sprintln", func(v any) string { return fmt.Sprintln("number", v) })
	add("fmt extra", func(v any) string { return fmt.Sprintf(extra, v) })
	add("fmt.Errorf %v", func(v any) string { return fmt.Errorf("refused: %v", v).Error() })
	add("fmt.Errorf %w", func(v any) string { return fmt.Errorf(wrong, v).Error() })
	add("errors.Join", func(v any) string { return errors.Join(errors.New("a"), fmt.Errorf("b: %+v", v)).Error() })
	add("log", func(v any) string {
		var b bytes.Buffer
		log.New(&b, "", 0).Print(v)
		return b.String()
	})
	for name, handler := range map[string]func(b *bytes.Buffer) slog.Handler{
		"text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"json": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		add("slog "+name, func(v any) string {
			var b bytes.Buffer
			slog.New(handler(&b)).Info("message", "key", v)
			return b.String()
		})
		add("slog grouped "+name, func(v any) string {
			var b bytes.Buffer
			slog.New(handler(&b)).With("with", v).WithGroup("group").Info("message", slog.Group("inner", "key", v))
			return b.String()
		})
	}
	add("json", func(v any) string { return string(first(json.Marshal(v))) })
	add("json indented", func(v any) string { return string(first(json.MarshalIndent(v, "", " "))) })
	add("xml", func(v any) string { return string(first(xml.Marshal(v))) })
	add("gob", func(v any) string {
		var b bytes.Buffer
		_ = gob.NewEncoder(&b).Encode(v)
		return b.String()
	})
	for _, text := range []string{`{{.}}`, `{{printf "%s %d %x" . . .}}`, `{{print .}}`, `{{js .}}{{urlquery .}}{{html .}}`} {
		add("text/template "+text, func(v any) string {
			var b bytes.Buffer
			_ = template.Must(template.New("").Parse(text)).Execute(&b, v)
			return b.String()
		})
	}
	for _, text := range []string{`{{.}}`, `<a href="/{{.}}" title={{.}}>`, `<script>let n = {{.}}</script>`, `<i style="width: {{.}}">`} {
		add("html/template "+text, func(v any) string {
			var b bytes.Buffer
			_ = htmltemplate.Must(htmltemplate.New("").Parse(text)).Execute(&b, v)
			return b.String()
		})
	}
	return all
}

func first(b []byte, err error) []byte {
	if err != nil {
		return []byte(err.Error())
	}
	return b
}

type shown[T any] struct{ Number T }
type attribute[T any] struct {
	Number T `xml:"number,attr" json:"n"`
}

// A field without a capital is what fmt reads by reflection: it asks no
// method of it.
type hidden[T any] struct{ number T }
type embedded[T any] struct{ shown[T] }

// carriers are what a number is found in when somebody prints it.
func carriers[T comparable](n T) map[string]any {
	pointer := &n
	return map[string]any{
		"itself": n, "pointer": pointer, "pointer to pointer": &pointer,
		"field": shown[T]{n}, "attribute": attribute[T]{n}, "hidden field": hidden[T]{n},
		"embedded": embedded[T]{shown[T]{n}}, "pointer to hidden": &hidden[T]{n},
		"hidden in hidden": hidden[hidden[T]]{hidden[T]{n}}, "hidden pointer": hidden[*T]{&n},
		"hidden slice": hidden[[]T]{[]T{n}}, "hidden map": hidden[map[T]T]{map[T]T{n: n}},
		"hidden interface": hidden[any]{n},
		"slice":            []T{n, n}, "array": [1]T{n}, "any": []any{n}, "pointers": []*T{&n},
		"map value": map[string]T{"k": n}, "map key": map[T]string{n: "v"}, "map of any": map[any]any{n: n},
		"slice of fields": []shown[T]{{n}}, "func": func() T { return n },
		"error": hiddenError[T]{n}, "citizen": identity.Citizen{Name: "Nguyễn Văn An", Number: numberOf[identity.CitizenNumber](n)},
		"account": &identity.Account{ID: "a-1", Number: numberOf[identity.CitizenNumber](n), IDCard: numberOf[identity.IDCardNumber](n)},
	}
}

type hiddenError[T any] struct{ number T }

func (hiddenError[T]) Error() string { return "refused" }

// numberOf is n where it is of the type asked for, else that type's zero.
func numberOf[To, T any](n T) (to To) {
	if same, ok := any(n).(To); ok {
		return same
	}
	return to
}

func TestNumbersPrintMasked(t *testing.T) {
	c, err := identity.ParseCitizenNumber(cccd)
	require.NoError(t, err)
	i, err := identity.ParseIDCardNumber(cmnd)
	require.NoError(t, err)
	checkDoors(t, c, cccd, "*********238")
	checkDoors(t, i, cmnd, "******543")
	checkDoors(t, identity.NumberTextOf("9087001238"), "9087001238", "*******238")
}

func checkDoors[T comparable](t *testing.T, n T, digits, masked string) {
	t.Helper()
	secret := digits[:len(digits)-3]
	forms := map[string]string{
		"digits": secret, "hexadecimal": hex.EncodeToString([]byte(secret)),
		"octets":           strings.Trim(fmt.Sprint([]byte(secret)), "[]"),
		"spaced":           fmt.Sprintf("% x", secret),
		"base64":           strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(secret)), "="),
		"characters":       strings.Trim(fmt.Sprintf("%q", []rune(secret)), "[]"),
		"decimal":          strings.TrimLeft(secret, "0"),
		"upper-case octet": strings.ToUpper(hex.EncodeToString([]byte(secret))),
	}
	for carrier, v := range carriers(n) {
		for _, d := range doors() {
			said := d.open(v)
			for form, text := range forms {
				assert.NotContains(t, said, text, "%T, %s, %s: the %s", n, carrier, d.name, form)
			}
		}
	}
	for _, d := range doors() {
		switch {
		case strings.HasPrefix(d.name, "fmt %") && strings.HasSuffix(d.name, "T"), strings.HasSuffix(d.name, "p"),
			strings.HasSuffix(d.name, "!"), strings.HasSuffix(d.name, "w"), d.name == "gob", strings.Contains(d.name, "style="):
			// These name the type, or complain, or have no place for such text.
		default:
			assert.Contains(t, strings.ReplaceAll(d.open(n), "%2A", "*"), masked, "%T, %s", n, d.name)
		}
	}
}

// Every method of the two types that gives text masks, whatever is added.
func TestNumberMethodsMask(t *testing.T) {
	c, err := identity.ParseCitizenNumber(cccd)
	require.NoError(t, err)
	i, err := identity.ParseIDCardNumber(cmnd)
	require.NoError(t, err)
	for _, n := range []any{c, i} {
		v := reflect.ValueOf(n)
		called := 0
		for m := range v.NumMethod() {
			name := v.Type().Method(m).Name
			if name == "Reveal" || v.Method(m).Type().NumIn() != 0 {
				continue
			}
			called++
			for _, result := range v.Method(m).Call(nil) {
				said := fmt.Sprintf("%s", result.Interface())
				assert.NotContains(t, said, "099", "%T.%s", n, name)
			}
		}
		assert.Equal(t, 5, called, "IsZero, LogValue, MarshalJSON, MarshalText, String")
	}
}

func TestMaskOfNothing(t *testing.T) {
	assert.Empty(t, identity.CitizenNumber{}.String())
	assert.Empty(t, identity.NumberText{}.String())
	assert.True(t, identity.NumberTextOf("").IsZero())
	assert.Equal(t, "******", identity.NumberTextOf("12345Ố").String())
	assert.Empty(t, fmt.Sprintf("%v%x", identity.IDCardNumber{}, identity.CitizenNumber{}))
	assert.JSONEq(t, `{"Number":""}`, string(first(json.Marshal(shown[identity.CitizenNumber]{}))))
}

// Masked text does not come back as a number.
func TestMaskedIsNoNumber(t *testing.T) {
	var into shown[identity.CitizenNumber]
	assert.Error(t, json.Unmarshal([]byte(`{"Number":"`+cccd+`"}`), &into))
	assert.True(t, into.Number.IsZero())
	_, err := identity.ParseCitizenNumber("*********238")
	assert.ErrorIs(t, err, identity.ErrNumber)
}
