package directory

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"vneid-proxy/broker/outbound"
	"vneid-proxy/identity"
)

// HTTPConfig is what NewHTTP needs.
type HTTPConfig struct {
	URL   string // under which /search, /citizen-number and /scan lie, without a query; required
	Token string // bearer token that tells the portal who asks; required

	Timeout   time.Duration     // of one call; default outbound.DefaultTimeout
	AllowHTTP bool              // plain http beyond loopback; default false
	RootCAs   *x509.CertPool    // default the system's
	Transport http.RoundTripper // default one made from RootCAs
}

// HTTP is a directory that the portal serves over HTTP, as
// docs/directory-api.yaml says. What is asked for is never in an address.
//
// Its errors are ErrUnavailable and ErrMalformed, and those that a method
// names. What an account cannot have is not asked about: it is nobody's.
type HTTP struct {
	base, token string
	http        *http.Client
}

// NewHTTP makes a directory; it asks nobody.
func NewHTTP(cfg HTTPConfig) (*HTTP, error) {
	base, err := outbound.ParseAddress(cfg.URL, cfg.AllowHTTP)
	if err != nil {
		return nil, fmt.Errorf("directory: URL: %w", err)
	}
	if base.RawQuery != "" || base.ForceQuery {
		return nil, errors.New("directory: URL: want no query")
	}
	if cfg.Token == "" {
		return nil, errors.New("directory: Token is required")
	}
	return &HTTP{
		base: strings.TrimSuffix(cfg.URL, "/"), token: cfg.Token,
		http: outbound.New(outbound.Config{Timeout: cfg.Timeout, RootCAs: cfg.RootCAs, Transport: cfg.Transport}),
	}, nil
}

// ByID returns the account of that id, or ErrNotFound.
func (d *HTTP) ByID(ctx context.Context, id identity.AccountID) (identity.Account, error) {
	account, _, err := d.Versioned(ctx, id)
	return account, err
}

// Versioned is ByID with the version of the row, which WriteCitizenNumber
// needs.
func (d *HTTP) Versioned(ctx context.Context, id identity.AccountID) (account identity.Account, version string, err error) {
	rows, err := d.search(ctx, "id", string(id), func(a identity.Account) bool { return a.ID == id })
	if err != nil {
		return identity.Account{}, "", err
	}
	if len(rows) == 0 {
		return identity.Account{}, "", ErrNotFound
	}
	return rows[0].account, rows[0].version, nil // an id occurs once in an answer
}

// ByUsername returns the accounts of that user name, compared byte by byte; none
// is no error.
func (d *HTTP) ByUsername(ctx context.Context, username string) ([]identity.Account, error) {
	return accounts(d.search(ctx, "username", username, func(a identity.Account) bool { return a.Username == username }))
}

// ByCitizenNumber returns the accounts that hold that CCCD, verified or not;
// none is no error. The zero number is nobody's.
func (d *HTTP) ByCitizenNumber(ctx context.Context, number identity.CitizenNumber) ([]identity.Account, error) {
	return accounts(d.search(ctx, "citizen_number", number.Reveal(), func(a identity.Account) bool { return a.Number == number }))
}

// ByIDCardNumber returns the accounts that hold that CMND; none is no error. The
// zero number is nobody's.
func (d *HTTP) ByIDCardNumber(ctx context.Context, number identity.IDCardNumber) ([]identity.Account, error) {
	return accounts(d.search(ctx, "id_card_number", number.Reveal(), func(a identity.Account) bool { return a.IDCard == number }))
}

// BySubject returns the accounts that the portal has marked with that subject
// of the provider's, compared byte by byte; none is no error.
func (d *HTTP) BySubject(ctx context.Context, subject string) ([]identity.Account, error) {
	return accounts(d.search(ctx, "subject", subject, func(a identity.Account) bool { return a.Subject == subject }))
}

// WriteCitizenNumber marks the number as the account's verified one, if the
// account stands as it did when version was read; otherwise ErrChanged. What
// stands there already is no error. ErrNotFound: the portal answers 404, for
// want of the account or of this operation.
func (d *HTTP) WriteCitizenNumber(ctx context.Context, id identity.AccountID, number identity.CitizenNumber, version string) error {
	var written struct {
		Version *string `json:"version"`
	}
	status, err := d.post(ctx, "/citizen-number", map[string]string{
		"id": string(id), "citizen_number": number.Reveal(), "version": version,
	}, &written)
	switch status {
	case http.StatusConflict:
		return ErrChanged
	case http.StatusNotFound:
		return ErrNotFound
	}
	if err == nil && (written.Version == nil || !validVersion(*written.Version)) {
		return ErrMalformed
	}
	return fault(err)
}

// search returns the rows that answer the question. One that was not asked for
// spoils the answer, as does one that occurs twice: whoever mixes accounts up
// is not believed about the others either.
func (d *HTTP) search(ctx context.Context, member, value string, asked func(identity.Account) bool) ([]versioned, error) {
	if value == "" || !plain(value) {
		return nil, nil
	}
	var answer reply
	if _, err := d.post(ctx, "/search", map[string]string{member: value}, &answer); err != nil {
		return nil, fault(err)
	}
	rows, ok := answer.rows()
	seen := make(map[identity.AccountID]bool)
	for _, row := range rows {
		if !asked(row.account) || seen[row.account.ID] {
			ok = false
		}
		seen[row.account.ID] = true
	}
	if !ok {
		return nil, ErrMalformed
	}
	return rows, nil
}

// post makes one call and reads an answer of status 200 strictly.
func (d *HTTP) post(ctx context.Context, path string, question, into any) (status int, err error) {
	body, err := json.Marshal(question)
	if err != nil {
		return 0, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, d.base+path, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Authorization", "Bearer "+d.token)
	r.Header.Set("Content-Type", "application/json")
	return outbound.JSON(d.http, r, into, json.RejectUnknownMembers(true))
}

func accounts(rows []versioned, err error) ([]identity.Account, error) {
	var all []identity.Account
	for _, row := range rows {
		all = append(all, row.account)
	}
	return all, err
}
