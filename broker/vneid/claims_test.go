package vneid

import (
	"bytes"
	stdjson "encoding/json"
	"strings"
	"testing"
	"unicode"

	"github.com/go-json-experiment/json"

	"vneid-proxy/identity"
)

// Whatever a provider says of a person, what is taken stands in its answer
// under exactly that name, once, and fits into a cookie and a header.
func FuzzCitizenOfClaims(f *testing.F) {
	for _, seed := range []string{
		`{"sub":"s","citizenPid":"099190000345","name":"Đỗ Thị Thử","birthdate":"1990-02-28","accountLevel":2,"acr":"1"}`,
		`{"citizenPid":"099190000345","citizenPid":"099190000346"}`,
		`{"CitizenPid":"099190000345"}`, `{"citizenPid":99190000345}`, `{"citizenPid":"０９９１９００００３４５"}`,
		`{"citizenPid":"099190000345","accountLevel":"2","birthdate":"1990-02-30","email":"a@example.vn","email_verified":true}`,
		`{"citizenPid":"099190000345","name":"a\r\nX-Forwarded-User: 1"}`, `{"citizenPid":null}`, `{"citizenPid":"099190000345"}{}`, `[]`, ``,
		`{"citizenPid":"099190000345","accountLevel":-1}`, `{"citizenPid":"099190000345","accountLevel":1e0,"name":7}`,
	} {
		f.Add([]byte(seed))
	}
	names := Claims{}.orDefault()
	f.Fuzz(func(t *testing.T, answer []byte) {
		claims := claimSet{}
		if json.Unmarshal(answer, &claims) != nil {
			return
		}
		who, err := claims.citizen(names, false)
		if err != nil {
			if who != (identity.Citizen{}) {
				t.Errorf("refused, and yet %v", who)
			}
			return
		}
		said := map[string]any{}
		decoder := stdjson.NewDecoder(bytes.NewReader(answer))
		decoder.UseNumber()
		if err := decoder.Decode(&said); err != nil {
			t.Fatalf("no JSON to others: %v", err)
		}
		if number := who.Number.Reveal(); len(number) != 12 || said["citizenPid"] != number {
			t.Errorf("number %q of %q", number, answer)
		}
		for name, text := range map[string]string{"name": who.Name, "preferred_username": who.PreferredUsername, "email": who.Email} {
			if len(text) > maxClaim || strings.ContainsFunc(text, unicode.IsControl) || text != "" && said[name] != text {
				t.Errorf("%s %q of %q", name, text, answer)
			}
		}
		if who.Email != "" && said["email_verified"] != true {
			t.Errorf("an address that is anybody's: %q", answer)
		}
		if who.AccountLevel < 0 || who.AccountLevel > 9 || said["accountLevel"] == nil && who.AccountLevel != 0 {
			t.Errorf("level %d of %q", who.AccountLevel, answer)
		}
		if again, err := identity.ParseBirthDate(who.BirthDate.String()); !who.BirthDate.IsZero() && (err != nil || again != who.BirthDate) {
			t.Errorf("birth date %v of %q", who.BirthDate, answer)
		}
	})
}
