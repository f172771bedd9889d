package directory

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/identity"
)

func TestBirthDateForms(t *testing.T) {
	home, err := time.LoadLocation("Asia/Ho_Chi_Minh")
	require.NoError(t, err)
	day := func(year, month, day int) any { return time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC) }
	for _, test := range []struct {
		form  string
		value any
		want  string // "?" cannot be read, "" is none
	}{
		{formDate, nil, ""}, {formDate, "  ", ""}, {formDate, "1990-03-04", "1990-03-04"}, {formDate, []byte("04/03/1990"), "1990-03-04"},
		{formDate, "19900304", "1990-03-04"}, {formDate, int64(19900304), "1990-03-04"}, {formDate, int64(1990), "1990"}, {formDate, "1990", "1990"},
		{formDate, "1990-03-04 00:00:00.000", "1990-03-04"}, {formDate, "1990-03-04T00:00:00Z", "1990-03-04"},
		{formDate, "1990-03-03T17:00:00Z", "?"}, {formDate, "1990-03-04 10:00:00", "?"}, {formDate, "1990-00-00", "1990"}, {formDate, "00/00/1990", "1990"},
		{formDate, "0000-00-00", "?"}, {formDate, "31/02/1990", "?"}, {formDate, "3/4/1990", "?"}, {formDate, "không rõ", "?"}, {formDate, "1990-00-04", "?"},
		{formDate, day(1990, 3, 4), "1990-03-04"}, {formDate, time.Date(1990, 3, 3, 17, 0, 0, 0, time.UTC), "?"}, {formDate, "\xff", "?"},
		{formISO, "1990-03-04", "1990-03-04"}, {formISO, "04/03/1990", "?"}, {formISO, "1990", "?"},
		{formDayFirst, "04/03/1990", "1990-03-04"}, {formDayFirst, "03/13/1990", "?"}, {formDayFirst, "1990-03-04", "?"},
		{formCompact, "19900304", "1990-03-04"}, {formCompact, "19900000", "1990"}, {formCompact, "04031990", "?"},
		{formYear, int64(1950), "1950"}, {formYear, "1950-01-01", "?"}, {formYear, "50", "?"}, {formYear, int64(0), "?"},
		{formInstant, "1990-03-03T17:00:00Z", "1990-03-04"}, {formInstant, time.Date(1990, 3, 3, 17, 0, 0, 0, time.UTC), "1990-03-04"}, {formInstant, "1990-03-04", "?"},
		// In 1960 the clocks of Sài Gòn were eight hours ahead; before 1970 the seconds are negative.
		{formUnixSeconds, int64(-304243200), "1960-05-12"}, {formUnixSeconds, "-304243201", "1960-05-11"}, {formUnixSeconds, int64(1078333200), "2004-03-04"},
		{formUnixSeconds, int64(0), ""}, {formUnixSeconds, "x", "?"}, {formUnixSeconds, "9223372036854775807", "?"}, {formUnixSeconds, float64(1078333200), "2004-03-04"},
		{formUnixSeconds, float64(0.5), "?"}, {formUnixMillis, "1078333200000", "2004-03-04"}, {formUnixMillis, int64(-304243200000), "1960-05-12"},
	} {
		d, ok := datumOf(test.value).birthDate(test.form, home)
		if test.want == "?" {
			assert.False(t, ok, "%s %v", test.form, test.value)
			assert.True(t, d.IsZero())
			continue
		}
		assert.True(t, ok, "%s %v", test.form, test.value)
		assert.Equal(t, test.want, d.String(), "%s %v", test.form, test.value)
	}
	for text, want := range map[string]string{
		"": "", `{}`: "", `{"Nam":1990,"Thang":3,"Ngay":4}`: "1990-03-04", `{"Nam":"1990","Thang":"03","Ngay":"04"}`: "1990-03-04",
		`{"Nam":1990,"Thang":0,"Ngay":0}`: "1990", `{"Nam":1990}`: "1990", `{"Nam":1990,"Thang":3}`: "?", `{"Nam":1990,"Thang":2,"Ngay":30}`: "?",
		`{"Nam":1990,"Nam":1991}`: "?", `{"Nam":`: "?", `1990`: "?", `{"Nam":{"x":1}}`: "?", `{"Nam":-5}`: "?", `{"Nam":12}`: "?",
	} {
		d, ok := datumOf(text).dateOfParts([]string{"Nam"}, []string{"Thang"}, []string{"Ngay"})
		assert.Equal(t, want != "?", ok, text)
		if ok {
			assert.Equal(t, want, d.String(), text)
		}
	}
}

func TestPick(t *testing.T) {
	paths := [][]string{{"a", "b"}, {"c"}}
	for _, test := range []struct {
		text string
		join bool
		want string // "?" cannot be read
	}{
		{"plain", false, "plain"}, {"", false, ""}, {`{"a":{"b":" x "},"c":"y"}`, false, "x"}, {`{"a":{"b":" x "},"c":"y"}`, true, "x y"},
		{`{"a":{"b":null},"c":7}`, false, "7"}, {`{"c":true}`, false, "true"}, {`{}`, false, ""}, {`{"a":1}`, false, "?"}, {`{"c":["x"]}`, false, "?"},
		{`{"c":"x"`, false, "?"}, {`{"c":"x","c":"y"}`, false, "?"}, {`{"c":"x"}{}`, false, "?"}, {`{"C":"x"}`, false, ""}, {`{"c":"\u0110\u00e0o"}`, false, "Đào"},
	} {
		c := datumOf(test.text).pick(paths, test.join)
		assert.Equal(t, test.want != "?", c.readable, test.text)
		if c.readable {
			assert.Equal(t, test.want, c.text, test.text)
		}
	}
}

// Of one column for both numbers, and of numbers that have lost their zeros.
func TestNumberForms(t *testing.T) {
	read := func(options string, value any) Record {
		q, err := ParseQueries("mysql", []byte(smallQueries[:len(smallQueries)-len("  citizen_number: n\n")]+"  citizen_number: {column: n"+options+"}\n"))
		require.NoError(t, err)
		r, problem := q.record(map[string]datum{"id": datumOf("1"), "u": datumOf("u"), "n": datumOf(value)})
		require.Empty(t, problem)
		return r
	}
	for _, test := range []struct {
		options            string
		value              any
		number, card, text string
	}{
		{"", "099202000345", "099202000345", "", ""}, {"", "099 202.000-345", "099202000345", "", ""}, {"", "０９９202000345", "099202000345", "", ""},
		{"", int64(99202000345), "", "", "99202000345"}, {"", "990000345", "", "", "990000345"}, {"", nil, "", "", ""}, {"", "0", "", "", "0"},
		{"", "000000000000", "", "", "000000000000"}, {"", "O99202000345", "", "", "O99202000345"},
		{", restore_zeros: true", int64(99202000345), "099202000345", "", ""}, {", restore_zeros: true", float64(1202000345), "001202000345", "", ""},
		{", restore_zeros: true", "990000345", "", "", "990000345"}, // a CMND, or three zeros lost, which no province has
		{", restore_zeros: true", "9920200034x", "", "", "9920200034x"},
		{", form: both_numbers", "099202000345", "099202000345", "", ""}, {", form: both_numbers", "990000345", "", "990000345", ""},
		{", form: both_numbers", "99000345", "", "", "99000345"}, {", form: both_numbers", "hộ chiếu", "", "", "hộ chiếu"},
		{", form: both_numbers, restore_zeros: true", int64(99000345), "", "099000345", ""}, {", form: both_numbers, restore_zeros: true", int64(99202000345), "099202000345", "", ""},
		{", form: both_numbers, restore_zeros: true", int64(990000345), "", "990000345", ""}, {", form: both_numbers, restore_zeros: true", int64(123), "", "", "123"},
	} {
		r := read(test.options, test.value)
		assert.Equal(t, []string{test.number, test.card, test.text}, []string{r.Account.Number.Reveal(), r.Account.IDCard.Reveal(), r.NumberText.Reveal()}, "%s %v", test.options, test.value)
	}
}

// What decides nothing by itself is left out where it cannot be read; what does
// makes the row useless.
func TestRecordOfOddRows(t *testing.T) {
	q, err := ParseQueries("mysql", []byte(smallQueries+`  kind: {column: k, map: {CD: citizen, CB: official}}
  locked: {column: l, unless: [1]}
  name: name
  roles: {column: r, separator: "|"}
  version: v
`))
	require.NoError(t, err)
	row := func(over map[string]any) map[string]datum {
		answer := map[string]datum{}
		for name, value := range map[string]any{"id": "1", "u": "u", "n": "", "k": "CD", "l": int64(1), "name": "A", "r": "a|b", "v": int64(7)} {
			answer[name] = datumOf(value)
		}
		for name, value := range over {
			answer[name] = datumOf(value)
		}
		return answer
	}
	long := make([]byte, 300)
	for i := range long {
		long[i] = 'a'
	}
	good, problem := q.record(row(nil))
	require.Empty(t, problem)
	assert.Equal(t, Record{Account: identity.Account{ID: "1", Username: "u", Kind: identity.KindCitizen, Name: "A", Roles: []string{"a", "b"}}, Version: "7"}, good)
	for name, test := range map[string]struct {
		over    map[string]any
		problem string
		change  func(*Record)
	}{
		"id of bytes":     {map[string]any{"id": []byte{0xff, 0x01}}, "id", nil},
		"no id":           {map[string]any{"id": nil}, "id", nil},
		"kind unknown":    {map[string]any{"k": "XX"}, "kind", nil},
		"no kind":         {map[string]any{"k": nil}, "kind", nil},
		"no version":      {map[string]any{"v": nil}, "version", nil},
		"long version":    {map[string]any{"v": string(long[:65])}, "version", nil},
		"name too long":   {map[string]any{"name": long}, "", func(r *Record) { r.Account.Name = "" }},
		"name breaks":     {map[string]any{"name": "A\nB"}, "", func(r *Record) { r.Account.Name = "" }},
		"role of two":     {map[string]any{"r": "a|b,c"}, "", func(r *Record) { r.Account.Roles = nil }},
		"locked unclear":  {map[string]any{"l": nil}, "", func(r *Record) { r.Account.Locked = true }},
		"user name bytes": {map[string]any{"u": []byte{0xc3}}, "", func(r *Record) { r.Account.Username = "" }},
	} {
		t.Run(name, func(t *testing.T) {
			got, problem := q.record(row(test.over))
			assert.Equal(t, test.problem, problem)
			if problem == "" {
				want := good
				test.change(&want)
				assert.Equal(t, want, got)
			}
		})
	}
}
