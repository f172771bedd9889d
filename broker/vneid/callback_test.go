package vneid_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/vneid"
)

func TestParseCallback(t *testing.T) {
	for query, want := range map[string]vneid.Callback{
		"state=s&code=c": {State: "s", Code: "c"},
		"code=c&state=s&iss=https%3A%2F%2Fsso.example":                               {State: "s", Code: "c", Issuer: "https://sso.example"},
		"state=s&code=a+b%2Bc/d==&encrypt_key=x+y%3D":                                {State: "s", Code: "a+b+c/d==", EncryptKey: "x+y="},
		"state=s&error=access_denied&error_description=Ng%C6%B0%E1%BB%9Di+d%C3%B9ng": {State: "s", Error: "access_denied"},
		"state=s&code=c&session_state=x&scope=openid+profile":                        {State: "s", Code: "c"},
	} {
		got, err := vneid.ParseCallback(query)
		require.NoError(t, err, query)
		assert.Equal(t, want, got)
	}
	for _, query := range []string{
		"", "state=s", "code=c", "error=e", "state=&code=c", "state=s&code=", "state=s&code=c&error=e",
		"state=s&state=s&code=c", "state=s&code=c&code=c", "state=s&code=c&iss=a&iss=a", "state=s&code=c&x=1&x=2",
		"state=s&code=%zz", "state=s;code=c", "state=s&code=a%20b", "state=s&code=a%0Ab", "state=s%00&code=c", "state=%FF&code=c",
		"state=s&code=c%C3%A9", "STATE=s&CODE=c", "state=s&code=" + strings.Repeat("c", 9<<10),
	} {
		got, err := vneid.ParseCallback(query)
		require.ErrorIs(t, err, vneid.ErrProtocol, query)
		assert.Equal(t, vneid.ReasonCallback, vneid.ReasonOf(err))
		assert.Zero(t, got)
	}
}

// Whatever is accepted is one thing only, and written out again reads the same.
func FuzzParseCallback(f *testing.F) {
	for _, seed := range []string{"state=s&code=a+b%2Bc&iss=x", "state=s&error=e", "state=s&state=t", "a;b", "state=%41&code=+"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		got, err := vneid.ParseCallback(query)
		if err != nil {
			assert.Zero(t, got)
			return
		}
		assert.NotEmpty(t, got.State)
		assert.NotEqual(t, got.Code == "", got.Error == "")
		written := url.Values{}
		for name, value := range map[string]string{
			"state": got.State, "code": got.Code, "iss": got.Issuer, "error": got.Error, "encrypt_key": got.EncryptKey,
		} {
			assert.NotContains(t, value, " ")
			if value != "" {
				written.Set(name, value)
			}
		}
		if len(written.Encode()) > 8<<10 {
			return // escaping may outgrow the bound
		}
		again, err := vneid.ParseCallback(written.Encode())
		require.NoError(t, err)
		assert.Equal(t, got, again)
	})
}
