package population

import (
	"errors"
	"fmt"
	"time"
)

// The profiles: transport × message.
const (
	ProfileJSON       = "json"        // bearer token; our own JSON, match alone
	ProfileNDXP       = "ndxp"        // signed headers with X-Road-Client and ApiKey; SOAP
	ProfileNDXPPlain  = "ndxp-plain"  // signed headers alone, time in seconds; SOAP
	ProfileLGSPBearer = "lgsp-bearer" // bearer token; camel-case JSON
	ProfileLGSPKeys   = "lgsp-keys"   // keys in lgspaccesstoken, and AuthHash; SOAP
	ProfileLGSPString = "lgsp-string" // bearer token; JSON around the XML as a string
)

// Credentials are what proves who asks. Which of them a profile needs, New
// says.
type Credentials struct {
	Token     string // bearer token: json, lgsp-bearer, lgsp-string
	User      string // ndxp, ndxp-plain: of the signature; lgsp-keys: of AuthHash
	Secret    string // ndxp, ndxp-plain: of the signature; lgsp-keys: SecretKey
	APIKey    string // ndxp: ApiKey
	AccessKey string // lgsp-keys: AccessKey
	Password  string // lgsp-keys: of AuthHash
	Official  string // MaCanBo, the official's own personal number; every profile but json
}

// Service is who asks, as the platform has registered it.
type Service struct {
	Procedure string // MaDVC; required but for json
	// MatchCode and LookupCode are MaTichHop of the two operations; "" sends
	// none.
	MatchCode, LookupCode string
	// Unit, Account and Phone are MaDonVi, TaiKhoan and SoDienThoai of newer
	// platforms; "" sends none.
	Unit, Account, Phone string
	User                 string // userNameService of lgsp-bearer; "" sends none

	Client    string // X-Road-Client; required with ndxp
	SignedURL string // the service's address as the signature has it; default the one called
	// TimestampUnit is time.Millisecond or time.Second; default by profile.
	TimestampUnit time.Duration

	// AppName, PartnerCode and PartnerCodeCus stand beside the keys of
	// lgsp-keys.
	AppName, PartnerCode, PartnerCodeCus string
	TokenURL                             string // where lgsp-keys fetches an access token; "" sends none
}

func (s Service) code(op operation) string {
	if op == opLookup {
		return s.LookupCode
	}
	return s.MatchCode
}

// message is what the body says: how a question is written and an answer read.
type message interface {
	media() []string // of answers
	write(asked, Service, Credentials) (body []byte, kind string, err error)
	read(q asked, body []byte) (Record, error)
}

// spoken finds the two halves of a profile and what it lacks.
func (c Config) spoken() (t transport, m message, err error) {
	have := c.Credentials()
	var faults []error
	want := func(name, value string) {
		if value == "" {
			faults = append(faults, fmt.Errorf("population: %s is required with profile %s", name, c.Profile))
		}
	}
	if c.Profile != ProfileJSON {
		want("Credentials.Official", have.Official)
		want("Service.Procedure", c.Service.Procedure)
	}
	switch c.Profile {
	case ProfileNDXP, ProfileNDXPPlain, ProfileLGSPKeys:
		want("Credentials.User", have.User)
		want("Credentials.Secret", have.Secret)
	default:
		want("Credentials.Token", have.Token)
	}
	switch xml := (soap{c.ReplySpace}); c.Profile {
	case ProfileJSON:
		t, m = bearer{}, plainJSON{}
	case ProfileNDXP:
		want("Credentials.APIKey", have.APIKey)
		want("Service.Client", c.Service.Client)
		t, m = signed{c.Service, time.Millisecond, true}, xml
	case ProfileNDXPPlain:
		t, m = signed{c.Service, time.Second, false}, xml
	case ProfileLGSPBearer:
		t, m = bearer{}, camelJSON{}
	case ProfileLGSPKeys:
		want("Credentials.AccessKey", have.AccessKey)
		want("Credentials.Password", have.Password)
		t, m = &wrapped{service: c.Service, http: c.client()}, xml
	case ProfileLGSPString:
		t, m = bearer{}, stringJSON{xml}
	default:
		return nil, nil, errors.New("population: Profile: no such profile")
	}
	return t, m, errors.Join(faults...)
}
