package vneidtest_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/vneidtest"
)

// jsonForm is a question of a JSON form.
func jsonForm(members map[string]any) string {
	all := map[string]any{
		"maYeuCau": "r1", "maDVC": "VPCP", "maCanBo": "099080000001",
		"soDinhDanh": "099192000366", "soCMND": "", "hoVaTen": "LETHIHONGDAO", "ngayThangNam": "19920721",
	}
	for name, value := range members {
		if all[name] = value; value == "-" {
			delete(all, name)
		}
	}
	text, _ := json.Marshal(all) // strings and nil
	return string(text)
}

func TestLGSPInJSON(t *testing.T) {
	p, address := startForms(t, func(cfg *vneidtest.PopulationConfig) { cfg.Procedures = []string{"VPCP"} })
	status, body := do(t, http.MethodPost, address+"/lgsp/json/"+opMatch, jsonForm(map[string]any{"userNameService": "sims"}), bearer)
	require.Equal(t, http.StatusOK, status, body)
	assert.JSONEq(t, `{"Body":{"KetQuaXacThuc":{"TonTai":"true"}}}`, body)
	_, body = do(t, http.MethodPost, address+"/lgsp/json/"+opMatch, jsonForm(map[string]any{"ngayThangNam": "1992"}), bearer)
	assert.JSONEq(t, `{"Body":{"KetQuaXacThuc":{"TonTai":"true"}}}`, body)
	_, body = do(t, http.MethodPost, address+"/lgsp/json/"+opLookup,
		jsonForm(map[string]any{"soDinhDanh": "", "soCMND": "990192036"}), bearer)
	var answer struct {
		Body struct {
			CongdanCollection struct {
				CongDan struct {
					SoDinhDanh string
					HoVaTen    struct{ Ho, ChuDem, Ten string }
				}
			}
		}
	}
	require.NoError(t, json.Unmarshal([]byte(body), &answer), body)
	assert.Equal(t, "099192000366", answer.Body.CongdanCollection.CongDan.SoDinhDanh)
	assert.Equal(t, "LÊ THỊ HỒNG ĐÀO", answer.Body.CongdanCollection.CongDan.HoVaTen.Ten)
	_, body = do(t, http.MethodPost, address+"/lgsp/json/"+opLookup, jsonForm(map[string]any{"hoVaTen": "A"}), bearer)
	assert.JSONEq(t, `{"Body":{"CongdanCollection":""}}`, body)
	_, body = do(t, http.MethodPost, address+"/lgsp/json/"+opMatch, jsonForm(map[string]any{"maDVC": "1"}), bearer)
	assert.Contains(t, body, `"error_code":"004"`)
	require.NoError(t, p.Set("record_two", "on"))
	_, body = do(t, http.MethodPost, address+"/lgsp/json/"+opLookup, jsonForm(nil), bearer)
	assert.Contains(t, body, `"CongDan":[{`)
	assert.Equal(t, 6, p.Calls("lgsp_json"))
}

func TestLGSPAsText(t *testing.T) {
	p, address := startForms(t, func(cfg *vneidtest.PopulationConfig) { cfg.Officials = []string{"099080000001"} })
	ask := func(operation string, members map[string]any) (code string, reply soapReply) {
		status, body := do(t, http.MethodPost, address+"/lgsp/text/"+operation, jsonForm(members), bearer)
		require.Equal(t, http.StatusOK, status, body)
		var answer struct {
			Code    string `json:"error_code"`
			Message string `json:"message"`
		}
		require.NoError(t, json.Unmarshal([]byte(body), &answer))
		if answer.Code == "0" {
			reply = parsed(t, answer.Message)
		}
		return answer.Code, reply
	}
	_, reply := ask(opMatch, map[string]any{"soCMND": nil, "maTichHop": "003"})
	assert.Equal(t, "true", reply.Body.Verdict.Exists)
	_, reply = ask(opMatch, map[string]any{"ngayThangNam": nil, "nam": "1993"})
	assert.Equal(t, "false", reply.Body.Verdict.Exists)
	_, reply = ask(opLookup, map[string]any{"ngayThangNam": "-", "nam": "1992"})
	assert.Equal(t, "099192000366", reply.Body.People.People[0].Number)
	code, _ := ask(opLookup, map[string]any{"maCanBo": "099080000002"})
	assert.Equal(t, "005", code)
	assert.Equal(t, 4, p.Calls("lgsp_text"))
}

func TestLGSPJSONRefuses(t *testing.T) {
	_, address := startForms(t)
	for name, tc := range map[string]struct {
		path, body string
		header     http.Header
		status     int
	}{
		"no token":         {"json/" + opMatch, jsonForm(nil), nil, 401},
		"another token":    {"text/" + opMatch, jsonForm(nil), http.Header{"Authorization": {"Bearer no"}}, 401},
		"as XML":           {"json/" + opMatch, jsonForm(nil), http.Header{"Authorization": {"Bearer " + token}, "Content-Type": {"text/xml"}}, 400},
		"another question": {"json/XacNhan", jsonForm(nil), bearer, 400},
		"no JSON":          {"json/" + opMatch, "<a/>", bearer, 400},
		"trailing":         {"json/" + opMatch, jsonForm(nil) + "{}", bearer, 400},
		"twice":            {"json/" + opMatch, strings.Replace(jsonForm(nil), "{", `{"maDVC":"VPCP",`, 1), bearer, 400},
		"another case":     {"json/" + opMatch, strings.Replace(jsonForm(nil), "maDVC", "MaDVC", 1), bearer, 400},
		"another member":   {"json/" + opMatch, jsonForm(map[string]any{"nam": "1992"}), bearer, 400},
		"of the other":     {"text/" + opMatch, jsonForm(map[string]any{"userNameService": "a"}), bearer, 400},
		"both numbers":     {"json/" + opMatch, jsonForm(map[string]any{"soCMND": "990192036"}), bearer, 400},
		"no number":        {"text/" + opMatch, jsonForm(map[string]any{"soDinhDanh": ""}), bearer, 400},
		"both dates":       {"text/" + opMatch, jsonForm(map[string]any{"nam": "1992"}), bearer, 400},
		"no date":          {"json/" + opMatch, jsonForm(map[string]any{"ngayThangNam": ""}), bearer, 400},
		"no such day":      {"text/" + opMatch, jsonForm(map[string]any{"ngayThangNam": "19920230"}), bearer, 400},
		"no such year":     {"json/" + opMatch, jsonForm(map[string]any{"ngayThangNam": "199x"}), bearer, 400},
		"number":           {"json/" + opMatch, jsonForm(map[string]any{"maDVC": 1}), bearer, 400},
		"huge":             {"json/" + opMatch, jsonForm(map[string]any{"maDVC": strings.Repeat("x", 100<<10)}), bearer, 400},
	} {
		status, body := do(t, http.MethodPost, address+"/lgsp/"+tc.path, tc.body, tc.header)
		assert.Equal(t, tc.status, status, name)
		assert.Contains(t, body, fmt.Sprintf(`"error_code":"%d"`, tc.status), name)
		assert.NotContains(t, body, "099192", "%s: answers repeat no number", name)
	}
}

func TestLGSPWrapped(t *testing.T) {
	now := newClock()
	p, address := startForms(t, func(cfg *vneidtest.PopulationConfig) { cfg.Now = now.now })
	keys, err := json.Marshal(province().Keys)
	require.NoError(t, err)
	header := http.Header{"Lgspaccesstoken": {base64.StdEncoding.EncodeToString(keys)}, "Content-Type": {"application/x-www-form-urlencoded"}}
	grant := url.Values{"grant_type": {"client_credentials"}}.Encode()
	status, body := do(t, http.MethodPost, address+"/lgsp/token", grant, header)
	require.Equal(t, http.StatusOK, status, body)
	var answer struct {
		Access string `json:"access_token"`
	}
	require.NoError(t, json.Unmarshal([]byte(body), &answer))
	for name, bad := range map[string]http.Header{
		"no keys":      {"Content-Type": header["Content-Type"]},
		"no Base64":    {"Content-Type": header["Content-Type"], "Lgspaccesstoken": {string(keys)}},
		"another case": {"Content-Type": header["Content-Type"], "Lgspaccesstoken": {base64.StdEncoding.EncodeToString([]byte(strings.ToLower(string(keys))))}},
		"another key":  {"Content-Type": header["Content-Type"], "Lgspaccesstoken": {base64.StdEncoding.EncodeToString([]byte(strings.Replace(string(keys), "sk", "ks", 1)))}},
		"another app":  {"Content-Type": header["Content-Type"], "Lgspaccesstoken": {base64.StdEncoding.EncodeToString([]byte(strings.Replace(string(keys), "app", "ppa", 1)))}},
	} {
		status, _ = do(t, http.MethodPost, address+"/lgsp/token", grant, bad)
		assert.Equal(t, http.StatusUnauthorized, status, name)
	}
	status, _ = do(t, http.MethodPost, address+"/lgsp/token", "", header)
	assert.Equal(t, http.StatusUnauthorized, status, "no grant")

	full := http.Header{
		"Authorization": {"Bearer " + answer.Access}, "Lgspaccesstoken": header["Lgspaccesstoken"],
		"Authhash": {base64.StdEncoding.EncodeToString([]byte("can.bo:mat-khau"))}, "Soapaction": {`""`}, "Content-Type": {"text/xml"},
	}
	good := soap(opLookup, preface+whoHas+born)
	status, body = do(t, http.MethodPost, address+"/lgsp/soap", good, full)
	require.Equal(t, http.StatusOK, status, body)
	assert.Equal(t, "099192000366", parsed(t, body).Body.People.People[0].Number)
	for name, value := range map[string]string{
		"Authorization": "Bearer " + token, "Lgspaccesstoken": "", "Authhash": base64.StdEncoding.EncodeToString([]byte("can.bo:")),
	} {
		bad := full.Clone()
		bad[name] = []string{value}
		status, body = do(t, http.MethodPost, address+"/lgsp/soap", good, bad)
		assert.Equal(t, http.StatusUnauthorized, status, name)
		assert.NotNil(t, parsed(t, body).Body.Fault, name)
	}
	now.advance(time.Hour)
	status, _ = do(t, http.MethodPost, address+"/lgsp/soap", good, full)
	assert.Equal(t, http.StatusUnauthorized, status, "the token's time is over")
	assert.Equal(t, 7, p.Calls("lgsp_token"))
	assert.Equal(t, 5, p.Calls("lgsp_soap"))
}
