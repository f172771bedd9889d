package main_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// checkInstead answers in a simulator's place.
type checkInstead func(simulator string, w http.ResponseWriter, r *http.Request, next http.Handler) bool

// checkAt answers one path of one simulator.
func checkAt(simulator, path string, answer func(w http.ResponseWriter, r *http.Request, next http.Handler)) checkInstead {
	return func(asked string, w http.ResponseWriter, r *http.Request, next http.Handler) bool {
		if asked != simulator || r.URL.Path != path {
			return false
		}
		answer(w, r, next)
		return true
	}
}

// checkSays answers with a status, a JSON body and headers ("Name: value").
func checkSays(simulator, path string, status int, body string, headers ...string) checkInstead {
	return checkAt(simulator, path, func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Content-Type", "application/json")
		for _, header := range headers {
			name, value, _ := strings.Cut(header, ": ")
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body) // whoever went away needs no answer
	})
}

// checkDiscovery changes one member of the discovery document; nil removes it.
func checkDiscovery(member string, value any) checkInstead {
	return checkAt("vneid", "/.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		answer := httptest.NewRecorder()
		next.ServeHTTP(answer, r)
		document := map[string]any{}
		_ = json.Unmarshal(answer.Body.Bytes(), &document) // the simulator's is sound
		if document[member] = value; value == nil {
			delete(document, member)
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(document)
	})
}

// checkDate lets the provider's clock go wrong by so much; nil leaves it out.
func checkDate(off *time.Duration) checkInstead {
	return checkAt("vneid", "/.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		w.Header()["Date"] = nil
		if off != nil {
			w.Header().Set("Date", time.Now().Add(*off).UTC().Format(http.TimeFormat))
		}
		next.ServeHTTP(w, r)
	})
}

// checkSilence answers nothing until the caller goes away.
func checkSilence(_ http.ResponseWriter, r *http.Request, _ http.Handler) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

func span(d time.Duration) *time.Duration { return &d }

// TestCheckNamesWhatIsBroken: each breakage has its finding, its words and the
// variable that mends it, and is the only one that is found.
func TestCheckNamesWhatIsBroken(t *testing.T) {
	const (
		wellKnown = "/.well-known/openid-configuration"
		canary    = `{"error":"` + checkCanary + `"}`
		weakKey   = `{"keys":[{"kty":"RSA","use":"sig","kid":"` + checkCanary + `","n":"AQAB","e":"AQAB"},{"kty":"oct","k":"AQAB"}]}`
	)
	tap := &checkTap{}
	w := newProcWorld(t, procWorldConfig{tap: tap.wrap})
	nowhere := fmt.Sprintf("http://localhost:%d", procFreePorts(t, 1)[0])
	served := []string{"DIRECTORY_URL=" + w.portal + "/api/directory", "DIRECTORY_WRITE_BACK=true"}
	soap := []string{
		"POPULATION_PROFILE=ndxp-plain", "POPULATION_URL=" + w.population + "/soap", "POPULATION_TOKEN=", "POPULATION_TIMESTAMP=ms",
		"POPULATION_USER=dvc", "POPULATION_SECRET=population-secret", "POPULATION_PROCEDURE=1.009999", "POPULATION_OFFICIAL=099080000001",
	}
	const confirms = `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><KetQuaXacThuc xmlns="http://www.mic.gov.vn/dancu/1.0"><TonTai>true</TonTai></KetQuaXacThuc></e:Body></e:Envelope>`
	for _, test := range []struct {
		name    string
		instead checkInstead
		environ []string
		args    []string
		others  string // what is found beside ok and notes, blanks between
		says    string
		mend    string // the variable, or other words
	}{
		{"issuer with a slash too many", nil, []string{"ISSUER_URL=" + w.vneid + "/"}, nil,
			"fault provider.issuer", "the same but for the / at the end", "VNEID_PROXY_ISSUER_URL"},
		{"issuer of another name", checkDiscovery("issuer", "https://"+checkCanary+".example"), nil, nil, "fault provider.issuer", "by another address", "ISSUER_URL"},
		{"issuer in capitals", checkDiscovery("issuer", strings.ToUpper(w.vneid)), nil, nil, "fault provider.issuer", "capital letters", "ISSUER_URL"},
		{"issuer of another scheme", checkDiscovery("issuer", strings.Replace(w.vneid, "http:", "https:", 1)), nil, nil, "fault provider.issuer", "another scheme", "ISSUER_URL"},
		{"issuer without a name", checkDiscovery("issuer", nil), nil, nil, "fault provider.issuer", "by no name", "ISSUER_URL"},
		{"provider down", nil, []string{"ISSUER_URL=" + nowhere}, nil, "fault provider.reach", "nothing listens there", "ISSUER_URL"},
		{"provider unavailable", checkSays("vneid", wellKnown, 503, canary), nil, nil, "fault provider.reach", "answers 503", "ISSUER_URL"},
		{"no discovery", checkSays("vneid", wellKnown, 404, canary), nil, nil, "fault provider.reach", "answers 404", "ISSUER_URL"},
		{"discovery garbage", checkSays("vneid", wellKnown, 200, "["+checkCanary), nil, nil, "fault provider.reach", "not the JSON agreed", "ISSUER_URL"},
		{"discovery redirects", checkSays("vneid", wellKnown, 302, "", "Location: /"+checkCanary), nil, nil, "fault provider.reach", "answers 302", "ISSUER_URL"},
		{"discovery endless", checkSays("vneid", wellKnown, 200, strings.Repeat(checkCanary, 30000)), nil, nil, "fault provider.reach", "longer than 256 KiB", "ISSUER_URL"},
		{"token endpoint elsewhere", checkDiscovery("token_endpoint", "https://"+checkCanary+".example/token"), nil, nil, "fault provider.addresses", "token_endpoint leads to another host", "TOKEN_URL"},
		{"no token endpoint", checkDiscovery("token_endpoint", nil), nil, nil, "fault provider.addresses", "has no token_endpoint", "TOKEN_URL"},
		{"keys in clear", checkDiscovery("jwks_uri", "http://"+checkCanary+".example/keys"), nil, nil, "fault provider.addresses", "jwks_uri is no https address", "ISSUER_URL"},
		{"no usable key", checkSays("vneid", "/keys", 200, weakKey), nil, nil, "fault provider.keys", "none of the 2 keys", "ISSUER_URL"},
		{"keys garbage", checkSays("vneid", "/keys", 200, "["+checkCanary), nil, nil, "fault provider.keys", "not the JSON agreed", "ISSUER_URL"},
		{"keys for no algorithm of ours", checkDiscovery("id_token_signing_alg_values_supported", []string{"HS256"}), nil, nil, "fault provider.keys", "none of the", "ISSUER_URL"},
		{"no code", checkDiscovery("response_types_supported", []string{"id_token"}), nil, nil, "fault provider.flow", "response type code", "CLIENT_ID"},
		{"no PKCE", checkDiscovery("code_challenge_methods_supported", []string{"plain"}), nil, nil, "warning provider.flow", "PKCE", "CLIENT_ID"},
		{"no PKCE, no secret", checkDiscovery("code_challenge_methods_supported", nil), []string{"CLIENT_SECRET="}, nil, "fault provider.flow", "nothing would bind a code", "CLIENT_SECRET"},
		{"keys as client authentication", checkDiscovery("token_endpoint_auth_methods_supported", []string{"private_key_jwt"}), nil, nil,
			"fault provider.client-authentication", "neither client_secret_basic nor", "CLIENT_SECRET"},
		{"no secret where one is needed", checkDiscovery("token_endpoint_auth_methods_supported", nil), []string{"CLIENT_SECRET="}, nil,
			"warning provider.client-authentication", "there is no secret", "CLIENT_SECRET"},
		{"no claim of the number", checkDiscovery("claims_supported", []string{"sub", "name", "birthdate"}), nil, nil, "warning provider.claims", "the claim citizenPid", "CLAIM_CITIZEN_NUMBER"},
		{"scope not granted", nil, []string{"SCOPES=openid dossiers"}, nil, "warning provider.claims", "a scope", "SCOPES"},
		{"no sign-out", checkDiscovery("end_session_endpoint", nil), nil, nil, "warning provider.sign-out", "shared computer", "END_SESSION_URL"},
		{"clock a little wrong", checkDate(span(20 * time.Second)), nil, nil, "warning provider.clock", "apart", "NTP"},
		{"clock wrong", checkDate(span(-time.Hour)), nil, nil, "fault provider.clock", "the clocks are 59m", "NTP"},
		{"no time told", checkDate(nil), nil, nil, "", "does not tell its time", ""},
		{"client refused", checkSays("vneid", "/oauth/token", 401, `{"error":"invalid_client","error_description":"`+checkCanary+`"}`), nil, nil,
			"fault provider.client", "does not accept our id or secret", "VNEID_PROXY_CLIENT_ID, VNEID_PROXY_CLIENT_SECRET"},
		{"client unauthorized", checkSays("vneid", "/oauth/token", 400, `{"error":"unauthorized_client"}`), nil, nil, "fault provider.client", "our id or secret", "CLIENT_SECRET"},
		{"invented code accepted", checkSays("vneid", "/oauth/token", 200, `{"access_token":"`+checkCanary+`"}`), nil, nil, "fault provider.client", "a code that nobody issued", "TOKEN_URL"},
		{"code refused without a word", checkSays("vneid", "/oauth/token", 400, canary), nil, nil, "", "without saying why", ""},
		{"token endpoint down", checkSays("vneid", "/oauth/token", 503, canary), nil, nil, "fault provider.client", "answers 503", "provider"},
		{"token endpoint elsewhere on the host", nil, []string{"TOKEN_URL=" + w.vneid + "/nowhere"}, nil, "fault provider.client", "answers 404", "TOKEN_URL"},
		{"metadata that only serve refuses", checkSays("vneid", wellKnown, 200, fmt.Sprintf(`{"issuer":%q,"authorization_endpoint":%q,"token_endpoint":%q,
			"jwks_uri":%q,"end_session_endpoint":%q,"response_types_supported":["code"],"code_challenge_methods_supported":["S256"],
			"authorization_response_iss_parameter_supported":"%s"}`, w.vneid, w.vneid+"/authorize", w.vneid+"/oauth/token", w.vneid+"/keys", w.vneid+"/end_session", checkCanary)),
			nil, nil, "fault provider.serve", "discovery_malformed", "ISSUER_URL"},

		{"portal down", nil, []string{"UPSTREAM_URL=" + nowhere, "PORTAL_LOGIN_URL=", "PORTAL_WHOAMI_URL=", "PORTAL_SESSION_COOKIES="}, nil, "fault portal.reach", "nothing listens there", "UPSTREAM_URL"},
		{"portal broken", checkSays("portal", "/", 502, canary), nil, nil, "fault portal.reach", "answers 502", "UPSTREAM_URL"},
		{"login page gone", nil, []string{"PORTAL_LOGIN_URL=/dang-nhap-cu"}, nil, "fault portal.login", "answered 404", "PORTAL_LOGIN_URL"},
		{"login page without a form", checkSays("portal", "/dang-nhap", 200, "<p>"+checkCanary), nil, nil, "warning portal.login", "no form", "PORTAL_LOGIN_URL"},
		{"login page very long", checkSays("portal", "/dang-nhap", 200, strings.Repeat("<!-- -->", 40000)), nil, nil, "", "longer than 256 KiB", ""},
		{"whoami names anybody", checkSays("portal", "/api/whoami", 200, `{"account_id":"`+checkCanary+`"}`), nil, nil, "fault portal.whoami", "DANGER", "PORTAL_WHOAMI_URL"},
		{"whoami believes an invented cookie", checkAt("portal", "/api/whoami", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if _, err := r.Cookie("PORTAL_SID"); err != nil {
				next.ServeHTTP(w, r)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"account_id":"`+checkCanary+`"}`)
		}), nil, nil, "fault portal.whoami", "an invented session cookie", "PORTAL_WHOAMI_URL"},
		{"no whoami", nil, []string{"PORTAL_WHOAMI_URL=/api/who"}, nil, "fault portal.whoami", "answers 404", "PORTAL_WHOAMI_URL"},
		{"credential: wrong token", nil, []string{"DIRECTORY_TOKEN=" + checkCanary}, nil, "fault portal.credential", "does not accept our token", "VNEID_PROXY_DIRECTORY_TOKEN"},
		{"credential: all alike", checkSays("portal", "/api/credential", 401, canary), nil, nil, "warning portal.credential", "answered alike", "DIRECTORY_TOKEN"},
		{"credential: accepts anybody", checkSays("portal", "/api/credential", 200, `{"account_id":"`+checkCanary+`"}`), nil, nil, "fault portal.credential", "DANGER", "DIRECTORY_CREDENTIAL_URL"},
		{"credential: elsewhere", nil, []string{"DIRECTORY_CREDENTIAL_URL=" + w.portal + "/api/nowhere"}, nil, "fault portal.credential", "answers 404", "DIRECTORY_CREDENTIAL_URL"},
		{"credential: down", nil, []string{"DIRECTORY_CREDENTIAL_URL=" + nowhere + "/api"}, nil, "fault portal.credential", "nothing listens", "DIRECTORY_CREDENTIAL_URL"},

		{"directory served", nil, served, nil, "", "the portal serves its accounts", ""},
		{"directory: write-back not tried", nil, served, nil, "", "would change an account", ""},
		{"directory: down", nil, []string{"DIRECTORY_URL=" + nowhere + "/api"}, nil, "fault directory.accounts", "nothing listens", "VNEID_PROXY_DIRECTORY_URL"},
		{"directory: elsewhere", nil, []string{"DIRECTORY_URL=" + w.portal + "/api/nowhere"}, nil, "fault directory.search", "does not accept", "VNEID_PROXY_DIRECTORY_TOKEN"},
		{"directory: unavailable", checkSays("portal", "/api/directory/search", 503, canary), served, nil, "fault directory.search", "cannot answer now", "VNEID_PROXY_DIRECTORY_URL"},
		{"directory: garbage", checkSays("portal", "/api/directory/search", 200, canary), served, nil, "fault directory.search", "otherwise than docs/directory-api.yaml", "VNEID_PROXY_DIRECTORY_URL"},

		{"population down", nil, []string{"POPULATION_URL=" + nowhere + "/v1/match"}, nil, "fault population.reach", "nothing listens there", "POPULATION_URL"},
		{"population: no such name", nil, []string{"POPULATION_URL=https://dan-cu.invalid/v1/match"}, nil, "fault population.reach", "dan-cu.invalid: ", "POPULATION_URL"},
		{"population: no TLS", nil, []string{"POPULATION_URL=" + strings.Replace(w.population, "http:", "https:", 1) + "/v1/match"}, nil,
			"fault population.reach", "does not speak TLS", "POPULATION_URL"},
		{"population: wrong token", nil, []string{"POPULATION_TOKEN=" + checkCanary}, []string{"--ask-population"}, "fault population.match", "our token", "VNEID_PROXY_POPULATION_TOKEN"},
		{"population: confirms anybody", checkSays("population", "/v1/match", 200, `{"matched":true}`), nil, []string{"--ask-population"}, "fault population.match", "DANGER", "POPULATION_URL"},
		{"population: garbage", checkSays("population", "/v1/match", 200, canary), nil, []string{"--ask-population"}, "fault population.match", "something else than yes or no", "POPULATION_URL"},
		{"population: SOAP", nil, soap, []string{"--ask-population"}, "", "nobody has does not match", ""},
		{"population: SOAP not asked", nil, soap, nil, "", "VNEID_PROXY_POPULATION_SECRET", ""},
		{"population: lookup", nil, append(slices.Clone(soap), "POPULATION_LOOKUP=on"), []string{"--ask-population"}, "", "nobody has does not match", ""},
		{"population: SOAP confirms anybody", checkSays("population", "/soap", 200, confirms, "Content-Type: text/xml"), append(slices.Clone(soap), "POPULATION_LOOKUP=on"), []string{"--ask-population"},
			"fault population.lookup fault population.match", "DANGER", "POPULATION_URL"},
		{"population: procedure", nil, append(slices.Clone(soap), "POPULATION_PROCEDURE=1.0"), []string{"--ask-population"}, "fault population.match", "will not serve us", "VNEID_PROXY_POPULATION_PROCEDURE"},
		{"population: wrong secret", nil, append(slices.Clone(soap), "POPULATION_SECRET="+checkCanary), []string{"--ask-population"}, "fault population.match", "does not accept", "VNEID_PROXY_POPULATION_SECRET"},
		{"population: trusted ID cards", nil, append(slices.Clone(soap), "POPULATION_LOOKUP=on", "TRUST_POPULATION_ID_CARD=true"), nil, "warning config.trust", "old account's password", "TRUST_POPULATION_ID_CARD"},
		{"population: down when asked", checkSays("population", "/v1/match", 503, canary), nil, []string{"--ask-population"}, "fault population.match", "cannot answer now", "POPULATION_URL"},
	} {
		t.Run(test.name, func(t *testing.T) {
			tap.set(test.instead)
			_, found := checkRun(t, w, w.environ(test.environ...), test.args...)
			assert.Equal(t, test.others, strings.Join(checkOthers(found), " "))
			checkMentions(t, found, test.says, test.mend)
		})
	}
}

// checkMentions looks for a finding that says so and is mended so.
func checkMentions(t *testing.T, found []checkFound, says, mend string) {
	t.Helper()
	for _, f := range found {
		if strings.Contains(f.Says, says) && strings.Contains(f.Mend, mend) {
			return
		}
	}
	assert.Fail(t, "no such finding", "%q, mend %q in %v", says, mend, found)
}

// TestCheckWaitsNoLongerThanCallTimeout: every part is silent, and each is
// named; the test's own deadline would end it otherwise.
func TestCheckWaitsNoLongerThanCallTimeout(t *testing.T) {
	tap := &checkTap{}
	w := newProcWorld(t, procWorldConfig{tap: tap.wrap})
	tap.set(func(_ string, rw http.ResponseWriter, r *http.Request, next http.Handler) bool {
		checkSilence(rw, r, next)
		return true
	})
	_, found := checkRun(t, w, w.environ("CALL_TIMEOUT=300ms"), "--ask-population")
	others := checkOthers(found)
	for _, name := range []string{"provider.reach", "portal.reach", "portal.whoami", "portal.credential", "population.match"} {
		assert.Contains(t, others, "fault "+name)
	}
	for _, f := range found {
		if f.State == "fault" {
			assert.Contains(t, f.Says, "no answer within VNEID_PROXY_CALL_TIMEOUT (300ms)", f.Check)
		}
	}
}
