package directory_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/assert/yaml"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/directory"
	"vneid-proxy/identity"
)

// schema is as much of a schema as the document uses and the test looks at.
type schema struct {
	Type                 string
	AdditionalProperties *bool `yaml:"additionalProperties"`
	Required             []string
	Properties           map[string]schema
	MaxItems             int `yaml:"maxItems"`
	MaxLength            int `yaml:"maxLength"`
	Pattern              string
	Enum                 []string
}

type media map[string]struct {
	Example  any
	Examples map[string]struct{ Value map[string]string }
}

// document is docs/directory-api.yaml.
type document struct {
	OpenAPI string
	Paths   map[string]map[string]struct {
		RequestBody struct{ Content media } `yaml:"requestBody"`
		Responses   map[string]struct{ Content media }
	}
	Components struct{ Schemas map[string]schema }
}

func published(t *testing.T) (d document) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "directory-api.yaml"))
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(text, &d))
	return d
}

// names are the members of a row, each of which the connector insists on
// (TestHTTPReadsStrictly).
func names(t *testing.T, object string) []string {
	var members map[string]any
	require.NoError(t, json.Unmarshal([]byte(object), &members))
	return slices.Sorted(maps.Keys(members))
}

func TestTheDocumentHasTheMembersOfTheConnector(t *testing.T) {
	d := published(t)
	assert.Equal(t, "3.1.0", d.OpenAPI)
	schemas := d.Components.Schemas
	for name, want := range map[string][]string{
		"Account": names(t, member("", "")), "Found": {"accounts"}, "Written": {"version"},
		"ScannedAccount": names(t, scannedMember("", "")), "Page": {"accounts", "next"}, "Scan": {"after", "limit"},
	} {
		s := schemas[name]
		assert.Equal(t, want, slices.Sorted(slices.Values(s.Required)), name)
		if name == "Account" || name == "ScannedAccount" {
			want = slices.Sorted(slices.Values(append(want, "group", "subject", "created_by")))
		}
		assert.Equal(t, want, slices.Sorted(maps.Keys(s.Properties)), name)
	}
	for name, s := range schemas {
		if s.Type == "object" {
			assert.Equal(t, new(bool), s.AdditionalProperties, "%s: further members are refused", name)
		}
	}
	account := schemas["Account"].Properties
	for name, values := range map[string][]string{"kind": account["kind"].Enum, "created_by": account["created_by"].Enum, "status": account["status"].Enum} {
		require.NotEmpty(t, values)
		for _, value := range values {
			assert.NoError(t, answered(t, accountsOf(member(name, `"`+value+`"`))), value)
		}
	}
	for text, fits := range map[string]bool{"": true, "2002": true, "2002-03-04": true, "04/03/2002": false, "20020304": false} {
		matched, err := regexp.MatchString(account["birth_date"].Pattern, text)
		require.NoError(t, err)
		assert.Equal(t, fits, matched, text)
		assert.Equal(t, fits, answered(t, accountsOf(member("birth_date", `"`+text+`"`))) == nil, text)
	}
	longest := schemas["Version"].MaxLength
	for length, fits := range map[int]bool{0: false, 1: true, longest: true, longest + 1: false} {
		assert.Equal(t, fits, answered(t, accountsOf(member("version", `"`+strings.Repeat("v", length)+`"`))) == nil, length)
	}
	most := schemas["Found"].Properties["accounts"].MaxItems
	for count, fits := range map[int]bool{most: true, most + 1: false} {
		var rows []string
		for i := range count {
			rows = append(rows, strings.Replace(member("", ""), `"id":"17"`, `"id":"`+strings.Repeat("i", i+1)+`"`, 1))
		}
		d := overHTTP(t, serve(t, reply(200, accountsOf(rows...))), 0)
		found, err := d.ByUsername(t.Context(), "nguyenvana")
		assert.Equal(t, fits, err == nil && len(found) == count, count)
	}
}

// answered reads an answer to a search by the id of member.
func answered(t *testing.T, body string) error {
	_, err := overHTTP(t, serve(t, reply(200, body)), 0).ByID(t.Context(), "17")
	return err
}

// A portal that answers as the document's examples do is understood, and is
// asked as they ask.
func TestTheDocumentsExamplesWork(t *testing.T) {
	api := published(t)
	require.Equal(t, []string{"/citizen-number", "/scan", "/search"}, slices.Sorted(maps.Keys(api.Paths)))
	search, write := api.Paths["/search"]["post"], api.Paths["/citizen-number"]["post"]
	asked := map[string]map[string]string{}
	d := overHTTP(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		operation := api.Paths[r.URL.Path]["post"]
		var body map[string]string
		text, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		assert.NoError(t, json.Unmarshal(text, &body))
		asked[strings.Join(slices.Sorted(maps.Keys(body)), " ")] = body
		example, err := json.Marshal(operation.Responses["200"].Content["application/json"].Example)
		assert.NoError(t, err)
		reply(200, string(example))(w, r)
	}), 0)
	ctx := t.Context()
	account, version, err := d.Versioned(ctx, "tk-2001")
	require.NoError(t, err)
	assert.Equal(t, identity.Account{
		ID: "tk-2001", Username: "tranvanbinh", Kind: identity.KindCitizen, IDCard: idCardNumber(t, "990179024"),
		Name: "Trần Văn Bình", BirthDate: identity.BirthDate{Year: 1979, Month: 11, Day: 2},
	}, account)
	found, err := d.ByUsername(ctx, "tranvanbinh")
	require.NoError(t, err)
	assert.Len(t, found, 1)
	_, err = d.ByIDCardNumber(ctx, idCardNumber(t, "990179024"))
	require.NoError(t, err)
	_, err = d.ByCitizenNumber(ctx, citizenNumber(t, "099079000245"))
	require.ErrorIs(t, err, directory.ErrMalformed, "the example has no number")
	_, err = d.BySubject(ctx, "5c1e-tech-id")
	require.ErrorIs(t, err, directory.ErrMalformed, "nor a subject")
	require.NoError(t, d.WriteCitizenNumber(ctx, "tk-2001", citizenNumber(t, "099079000245"), version))

	want := map[string]map[string]string{}
	for name, example := range search.RequestBody.Content["application/json"].Examples {
		want[name] = example.Value
	}
	assert.Equal(t, slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(api.Components.Schemas["Search"].Properties)))
	require.Contains(t, write.Responses, "409")
	var body map[string]string
	text, err := json.Marshal(write.RequestBody.Content["application/json"].Example)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &body))
	names := slices.Sorted(maps.Keys(body))
	assert.Equal(t, names, slices.Sorted(slices.Values(api.Components.Schemas["WriteBack"].Required)))
	want[strings.Join(names, " ")] = body
	assert.Equal(t, want, asked)
}
