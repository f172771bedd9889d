package testserver

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// Slapd is one OpenLDAP server with the schemas core, cosine and
// inetorgperson, passwords policed by ppolicy, and attributes of a portal's
// accounts (see schema). It serves ldap, StartTLS with it, and ldaps.
type Slapd struct {
	Host, TLSHost string         // host:port of ldap and of ldaps
	CA            *x509.CertPool // who vouches for both
	CAFile        string         // the same, PEM
	RootDN        string         // may do everything
	Password      string         // of RootDN
	databases     atomic.Int32
	suffix        string
}

// StartSlapd starts a server that ends with the test. After three wrong
// passwords it locks an entry for an hour, and says so to whoever asks with
// the password policy control.
func StartSlapd(t testing.TB) *Slapd {
	t.Helper()
	program := find(t, "slapd", "/usr/sbin/slapd")
	dir := folder(t, nil)
	s := &Slapd{
		Host: "127.0.0.1:" + freePort(t), TLSHost: "127.0.0.1:" + freePort(t), CAFile: filepath.Join(dir, "ca.pem"),
		RootDN: "cn=root,dc=example,dc=vn", Password: "root secret", suffix: "dc=example,dc=vn",
	}
	for s.TLSHost == s.Host {
		s.TLSHost = "127.0.0.1:" + freePort(t)
	}
	s.CA = certificate(t, s.CAFile, filepath.Join(dir, "key.pem"))
	file := filepath.Join(dir, "slapd.conf")
	for name, text := range map[string]string{file: s.config(dir), filepath.Join(dir, "portal.schema"): schema} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	// -d keeps it in the foreground; 0 has it say nothing.
	start(t, nil, dir, syscall.SIGTERM, func(context.Context) error { return s.first() },
		program, "-f", file, "-h", "ldap://"+s.Host+" ldaps://"+s.TLSHost, "-d", "0")
	return s
}

// Base makes an empty subtree and returns its DN.
func (s *Slapd) Base(t testing.TB) string {
	t.Helper()
	base := fmt.Sprintf("ou=test%d,%s", s.databases.Add(1), s.suffix)
	s.Add(t, base, map[string][]string{"objectClass": {"organizationalUnit"}})
	return base
}

// Add adds an entry.
func (s *Slapd) Add(t testing.TB, dn string, attributes map[string][]string) {
	t.Helper()
	if err := s.do(func(c *ldap.Conn) error { return c.Add(addRequest(dn, attributes)) }); err != nil {
		t.Fatal(dn, err)
	}
}

// AddAll adds many entries over one connection.
func (s *Slapd) AddAll(t testing.TB, entries map[string]map[string][]string) {
	t.Helper()
	if err := s.do(func(c *ldap.Conn) error {
		for dn, attributes := range entries {
			if err := c.Add(addRequest(dn, attributes)); err != nil {
				return fmt.Errorf("%s: %w", dn, err)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// Set replaces an attribute of an entry; no values remove it.
func (s *Slapd) Set(t testing.TB, dn, attribute string, values ...string) {
	t.Helper()
	r := ldap.NewModifyRequest(dn, nil)
	r.Replace(attribute, values)
	if err := s.do(func(c *ldap.Conn) error { return c.Modify(r) }); err != nil {
		t.Fatal(dn, err)
	}
}

// Get reads the first value of each of the attributes of an entry.
func (s *Slapd) Get(t testing.TB, dn string, attributes ...string) map[string]string {
	t.Helper()
	values := map[string]string{}
	if err := s.do(func(c *ldap.Conn) error {
		found, err := c.Search(ldap.NewSearchRequest(dn, ldap.ScopeBaseObject, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", attributes, nil))
		if err != nil {
			return err
		}
		for _, name := range attributes {
			values[name] = found.Entries[0].GetAttributeValue(name)
		}
		return nil
	}); err != nil {
		t.Fatal(dn, err)
	}
	return values
}

func addRequest(dn string, attributes map[string][]string) *ldap.AddRequest {
	r := ldap.NewAddRequest(dn, nil)
	for name, values := range attributes {
		r.Attribute(name, values)
	}
	return r
}

func (s *Slapd) do(ask func(*ldap.Conn) error) error {
	c, err := ldap.DialURL("ldap://" + s.Host)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Bind(s.RootDN, s.Password); err != nil {
		return err
	}
	return ask(c)
}

// first makes what every subtree hangs on, once the server answers.
func (s *Slapd) first() error {
	return s.do(func(c *ldap.Conn) error {
		for dn, attributes := range map[string]map[string][]string{
			s.suffix: {"objectClass": {"dcObject", "organization"}, "dc": {"example"}, "o": {"Example"}},
		} {
			if err := c.Add(addRequest(dn, attributes)); err != nil && !ldap.IsErrorWithCode(err, ldap.LDAPResultEntryAlreadyExists) {
				return err
			}
		}
		err := c.Add(addRequest("cn=policy,"+s.suffix, map[string][]string{
			"objectClass": {"person", "pwdPolicy"}, "sn": {"policy"}, "pwdAttribute": {"userPassword"}, "pwdLockout": {"TRUE"},
			"pwdMaxFailure": {"3"}, "pwdLockoutDuration": {"3600"},
		}))
		if ldap.IsErrorWithCode(err, ldap.LDAPResultEntryAlreadyExists) {
			return nil
		}
		return err
	})
}

func (s *Slapd) config(dir string) string {
	return strings.NewReplacer("DIR", dir, "SUFFIX", s.suffix, "ROOT", s.RootDN, "PASSWORD", s.Password).Replace(`
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include DIR/portal.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload ppolicy
TLSCertificateFile DIR/ca.pem
TLSCertificateKeyFile DIR/key.pem
sizelimit 500
database mdb
suffix "SUFFIX"
rootdn "ROOT"
rootpw "PASSWORD"
directory DIR/data
dbnosync
maxsize 268435456
index objectClass eq
index uid,employeeNumber,portalSubject,entryUUID eq
access to attrs=userPassword by anonymous auth by * none
access to * by dn.regex="^cn=service,ou=[^,]+,SUFFIX$" write by * none
limits dn.regex="^cn=service,ou=[^,]+,SUFFIX$" size=500 size.prtotal=unlimited
overlay ppolicy
ppolicy_default cn=policy,SUFFIX
ppolicy_use_lockout
`)
}

// schema is how a portal that keeps its accounts in LDAP might extend
// inetOrgPerson; the numbers are under an arc for examples.
const schema = `
attributetype ( 2.999.1.1 NAME 'portalCitizenNumberVerified' EQUALITY booleanMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.7 SINGLE-VALUE )
attributetype ( 2.999.1.2 NAME 'portalBirthDate' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 2.999.1.3 NAME 'portalSubject' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 2.999.1.4 NAME 'portalStatus' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 2.999.1.5 NAME 'portalFlags' EQUALITY integerMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributetype ( 2.999.1.6 NAME 'portalCreator' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 2.999.1.7 NAME 'portalIDCard' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 2.999.1.8 NAME 'portalID' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
objectclass ( 2.999.2.1 NAME 'portalAccount' SUP top AUXILIARY MAY ( portalCitizenNumberVerified $ portalBirthDate $ portalSubject $ portalStatus $ portalFlags $ portalCreator $ portalIDCard $ portalID ) )
objectclass ( 2.999.2.2 NAME 'portalOfficial' SUP top AUXILIARY )
objectclass ( 2.999.2.3 NAME 'portalOrganisation' SUP top AUXILIARY )
`

// certificate makes one that vouches for itself and serves at 127.0.0.1, and at
// 0.0.0.0, which leads there and does not look like loopback.
func certificate(t testing.TB, certFile, keyFile string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "testserver"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv4zero},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	made, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: made}, keyFile: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	parsed, err := x509.ParseCertificate(made)
	if err != nil {
		t.Fatal(err)
	}
	pool.AddCert(parsed)
	return pool
}
