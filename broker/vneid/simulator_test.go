package vneid_test

import (
	"crypto/rsa"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/vneid"
	"vneid-proxy/identity"
	"vneid-proxy/session"
	"vneid-proxy/vneidtest"
)

// simulate starts a VNeID that knows nothing of this package.
func simulate(t *testing.T) (*vneidtest.VNeID, string) {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	address := "http://" + server.Listener.Addr().String()
	v, err := vneidtest.NewVNeID(vneidtest.VNeIDConfig{Issuer: address, Clients: []vneidtest.Client{{
		ID: clientID, Secret: clientSecret, RedirectURIs: []string{callbackURL}, PublicKey: &rsaKey().PublicKey,
	}}})
	require.NoError(t, err)
	server.Config.Handler = v
	server.Start()
	t.Cleanup(server.Close)
	return v, address
}

func simulatedParty(t *testing.T, address string, change ...func(*vneid.EncryptedConfig)) *vneid.Encrypted {
	t.Helper()
	cfg := vneid.EncryptedConfig{
		AuthorizeURL: address + "/v2/authorize", TokenURL: address + "/v2/token", UserinfoURL: address + "/v2/userinfo",
		ClientID: clientID, ClientSecret: clientSecret, RedirectURL: callbackURL, MinAccountLevel: 2,
		Keys: []*rsa.PrivateKey{otherKey(), rsaKey()},
	}
	for _, c := range change {
		c(&cfg)
	}
	party, err := vneid.NewEncrypted(cfg)
	require.NoError(t, err)
	return party
}

// walk signs somebody in as a browser does and redeems what comes back.
func walk(t *testing.T, party *vneid.Encrypted, form url.Values) (vneid.Identity, error) {
	t.Helper()
	attempt := session.NewAttempt("vneid", "/", time.Now())
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	browser := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.Hostname() == "portal.example" {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	address, err := party.AuthURL(t.Context(), attempt)
	require.NoError(t, err)
	page, err := browser.Get(address)
	require.NoError(t, err)
	body, err := io.ReadAll(page.Body)
	require.NoError(t, err)
	require.NoError(t, page.Body.Close())
	id := regexp.MustCompile(`name="id" value="([^"]+)"`).FindSubmatch(body)
	require.NotNil(t, id, string(body))
	form.Set("id", string(id[1]))
	back, err := browser.PostForm(page.Request.URL.Scheme+"://"+page.Request.URL.Host+"/login", form)
	require.NoError(t, err)
	require.NoError(t, back.Body.Close())
	target, query, _ := strings.Cut(back.Header.Get("Location"), "?")
	require.Equal(t, callbackURL, target)
	return party.RedeemQuery(t.Context(), attempt, query)
}

func TestEncryptedWithSimulator(t *testing.T) {
	v, address := simulate(t)
	party := simulatedParty(t, address)
	for _, who := range vneidtest.Personas() {
		t.Run(who.Key, func(t *testing.T) {
			got, err := walk(t, party, url.Values{"username": {who.VNeID.Username}, "password": {who.VNeID.Password}})
			if who.AccountLevel < 2 {
				require.ErrorIs(t, err, vneid.ErrLevel)
				return
			}
			require.NoError(t, err)
			vouched, err := identity.VouchedCitizenNumber(who.CitizenNumber)
			require.NoError(t, err)
			born, err := identity.ParseBirthDate(who.BirthDate)
			require.NoError(t, err)
			assert.Equal(t, identity.Citizen{
				Provider: "vneid", Subject: who.CitizenNumber, Number: vouched, Name: who.Name, BirthDate: born,
				AccountLevel: who.AccountLevel, AccountType: "person",
			}, got.Citizen)
		})
	}
	_, err := walk(t, party, url.Values{"cancel": {"1"}})
	require.ErrorIs(t, err, vneid.ErrCancelled)

	require.NoError(t, v.Set("account_level", "1"))
	_, err = walk(t, party, url.Values{"persona": {"cmnd"}})
	require.ErrorIs(t, err, vneid.ErrLevel)
}

func TestEncryptedWithSimulatorVariants(t *testing.T) {
	for name, test := range map[string]struct {
		knobs  map[string]string
		config func(*vneid.EncryptedConfig)
	}{
		"cbc, 192 bits": {map[string]string{"v2_cbc": "on", "v2_key_bits": "192"}, func(c *vneid.EncryptedConfig) { c.Cipher, c.KeyBytes = "cbc", 24 }},
		"code received": {map[string]string{"v2_code_received": "on"}, func(c *vneid.EncryptedConfig) { c.CodeAsReceived = true }},
		"no key sent":   {map[string]string{"v2_no_encrypt_key": "on"}, func(c *vneid.EncryptedConfig) { c.OmitEncryptKey = true }},
		"all in clear": {
			map[string]string{"v2_callback_plain": "on", "v2_token_plain": "on", "v2_userinfo_plain": "on"},
			func(c *vneid.EncryptedConfig) { c.Optional = true },
		},
	} {
		t.Run(name, func(t *testing.T) {
			v, address := simulate(t)
			for knob, value := range test.knobs {
				require.NoError(t, v.Set(knob, value))
			}
			_, err := walk(t, simulatedParty(t, address), url.Values{"persona": {"cmnd"}})
			require.Equal(t, broken, err, "the setting is needed")
			got, err := walk(t, simulatedParty(t, address, test.config), url.Values{"persona": {"cmnd"}})
			require.NoError(t, err)
			assert.Equal(t, "Trần Văn Bình", got.Citizen.Name)
		})
	}
}

func TestEncryptedWithSimulatorLies(t *testing.T) {
	v, address := simulate(t)
	party := simulatedParty(t, address)
	for _, place := range []string{"v2_callback", "v2_token", "v2_userinfo"} {
		for _, lie := range []string{"_plain", "_other_key", "_cut", "_flip"} {
			v.Reset()
			require.NoError(t, v.Set(place+lie, "on"))
			_, err := walk(t, party, url.Values{"persona": {"cmnd"}})
			assert.Equal(t, broken, err, place+lie)
		}
	}
	for knob, want := range map[string]*vneid.Error{
		"v2_token_garbage": broken, "v2_token_huge": broken, "v2_userinfo_garbage": broken, "v2_userinfo_huge": broken,
		"v2_token_down":     {Kind: vneid.ErrUnavailable, Reason: "token_unavailable"},
		"v2_userinfo_down":  {Kind: vneid.ErrUnavailable, Reason: "userinfo_unavailable"},
		"no_citizen_number": {Kind: vneid.ErrProtocol, Reason: "number"},
	} {
		v.Reset()
		require.NoError(t, v.Set(knob, "on"))
		_, err := walk(t, party, url.Values{"persona": {"cmnd"}})
		assert.Equal(t, want, err, knob)
	}
}
