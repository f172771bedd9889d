package vneidtest

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
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
