package population

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"vneid-proxy/broker/outbound"
)

// transport is how a request is authenticated.
type transport interface {
	// dress adds what proves who asks. It may make a call of its own.
	dress(ctx context.Context, r *http.Request, c Credentials) error
	// renew throws away what was kept from such a call, and reports whether
	// there was anything: then the request may be tried once more.
	renew() bool
}

// bearer is a token in Authorization (RFC 6750).
type bearer struct{}

func (bearer) dress(_ context.Context, r *http.Request, c Credentials) error {
	r.Header.Set("Authorization", "Bearer "+c.Token)
	return nil
}

func (bearer) renew() bool { return false }

// signed is the national platform's: a hash over the time.
type signed struct {
	service Service
	unit    time.Duration // unless the service has another
	road    bool          // with the headers of the newer platform
}

func (s signed) dress(_ context.Context, r *http.Request, c Credentials) error {
	unit, address := s.unit, s.service.SignedURL
	if s.service.TimestampUnit > 0 {
		unit = s.service.TimestampUnit
	}
	if address == "" {
		address = r.URL.String()
	}
	stamp := strconv.FormatInt(time.Now().UnixNano()/int64(unit), 10)
	sum := sha256.Sum256([]byte(address + c.User + stamp + c.Secret))
	r.SetBasicAuth(c.User, hex.EncodeToString(sum[:]))
	as(r, "Timestamp", stamp)
	as(r, "SOAPAction", `""`)
	if s.road {
		as(r, "X-Road-Client", s.service.Client)
		as(r, "ApiKey", c.APIKey)
	}
	return nil
}

func (signed) renew() bool { return false }

// as sets a header in the very letters that documents have: gateways of this
// kind have been seen to tell them apart.
func as(r *http.Request, name, value string) { r.Header[name] = []string{value} }

// wrapped is a province's: the keys as JSON in Base64, an official's user name
// and password beside them, and where there is an address for it an access
// token that the keys buy.
type wrapped struct {
	service Service
	http    *http.Client

	mu      sync.Mutex
	token   string
	expires time.Time
}

func (w *wrapped) keys(c Credentials) (string, error) {
	text, err := json.Marshal(struct {
		AccessKey      string `json:"AccessKey"`
		SecretKey      string `json:"SecretKey"`
		AppName        string `json:"AppName"`
		PartnerCode    string `json:"PartnerCode"`
		PartnerCodeCus string `json:"PartnerCodeCus"`
	}{c.AccessKey, c.Secret, w.service.AppName, w.service.PartnerCode, w.service.PartnerCodeCus})
	return base64.StdEncoding.EncodeToString(text), err
}

func (w *wrapped) dress(ctx context.Context, r *http.Request, c Credentials) error {
	keys, err := w.keys(c)
	if err != nil {
		return ErrUnavailable
	}
	as(r, "lgspaccesstoken", keys)
	as(r, "AuthHash", base64.StdEncoding.EncodeToString([]byte(c.User+":"+c.Password)))
	as(r, "SOAPAction", `""`)
	if w.service.TokenURL == "" {
		return nil
	}
	token, err := w.access(ctx, keys)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	return nil
}

func (w *wrapped) renew() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	had := w.token != ""
	w.token = ""
	return had
}

// access is the token that was bought last, or a new one where it is gone. Two
// who find it gone both buy one: the later counts.
func (w *wrapped) access(ctx context.Context, keys string) (string, error) {
	w.mu.Lock()
	token, expires := w.token, w.expires
	w.mu.Unlock()
	if token != "" && time.Now().Before(expires) {
		return token, nil
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.service.TokenURL, strings.NewReader(url.Values{"grant_type": {"client_credentials"}}.Encode()))
	if err != nil {
		return "", ErrUnavailable
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	as(r, "lgspaccesstoken", keys)
	var bought struct {
		Token   string  `json:"access_token"`
		Expires float64 `json:"expires_in"` // seconds
	}
	if _, err := outbound.JSON(w.http, r, &bought); err != nil {
		return "", fault(err)
	}
	if !plain(bought.Token) {
		return "", ErrMalformed
	}
	// A tenth early, so that a token does not run out on its way; of a life
	// that is not told, nothing is kept.
	life := time.Duration(min(max(bought.Expires, 0), 24*60*60) * 0.9 * float64(time.Second))
	w.mu.Lock()
	w.token, w.expires = bought.Token, time.Now().Add(life)
	w.mu.Unlock()
	return bought.Token, nil
}

// plain reports a text that a header can carry.
func plain(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}
