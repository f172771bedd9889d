package directory

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// Bounds of what checking one password may cost: whoever can write to the
// database shall not stop the process. They are far above what portals use.
const (
	maxBcryptCost = 14
	maxIterations = 3_000_000 // of PBKDF2; Liferay 7.4 has 1,300,000
	maxPhpassLog  = 20
	maxStored     = 512  // bytes of a stored password
	maxPassword   = 1024 // bytes of one that is typed
)

var errFormat = errors.New("directory: the stored password has no known format")

// stored is a password as a portal stores it, read and found to be within
// bounds. It tells whether a typed one is the same, in a time that does not
// depend on where they differ.
type stored func(password []byte) bool

// parseStored reads a stored password. Its own text says which format it is;
// plain text and digests without salt are none.
func parseStored(text string) (stored, error) {
	if len(text) > maxStored {
		return nil, errFormat
	}
	scheme, rest := "", text
	if strings.HasPrefix(text, "{") {
		var found bool
		if scheme, rest, found = strings.Cut(text[1:], "}"); !found {
			return nil, errFormat
		}
	}
	switch scheme = strings.ToUpper(scheme); {
	case scheme == "" && strings.HasPrefix(rest, "$2"), scheme == "BCRYPT", scheme == "CRYPT" && strings.HasPrefix(rest, "$2"):
		return parseBcrypt(rest)
	case scheme == "" && (strings.HasPrefix(rest, "$P$") || strings.HasPrefix(rest, "$H$")):
		return parsePhpass(rest)
	case scheme == "" && strings.HasPrefix(rest, "pbkdf2_"):
		return parseDjango(rest)
	case scheme == "SSHA":
		return parseSalted(rest, sha1.New)
	case scheme == "SSHA256":
		return parseSalted(rest, sha256.New)
	case scheme == "SSHA384":
		return parseSalted(rest, sha512.New384)
	case scheme == "SSHA512":
		return parseSalted(rest, sha512.New)
	case scheme == "PBKDF2WITHHMACSHA1", scheme == "" && strings.HasPrefix(rest, "AAAA"):
		return parseLiferay(rest)
	case scheme == "":
		return parseASPNET(rest)
	}
	return nil, errFormat
}

// parseBcrypt reads $2a$, $2b$ and $2y$.
func parseBcrypt(text string) (stored, error) {
	if cost, err := bcrypt.Cost([]byte(text)); err != nil || cost > maxBcryptCost || len(text) != 60 || !regexp.MustCompile(`^\$2[aby]\$[0-9]{2}\$[./A-Za-z0-9]{53}$`).MatchString(text) {
		return nil, errFormat
	}
	return func(password []byte) bool {
		// As crypt does, and with it every portal: what is beyond counts not.
		return bcrypt.CompareHashAndPassword([]byte(text), password[:min(len(password), 72)]) == nil
	}, nil
}

// parseSalted reads base64 of a digest of password and salt, and the salt, as
// LDAP servers store it (RFC 2307 with a salt) and NukeViet does.
func parseSalted(text string, digest func() hash.Hash) (stored, error) {
	raw, err := decode64(text)
	size := digest().Size()
	if err != nil || len(raw) <= size || len(raw) > size+64 {
		return nil, errFormat
	}
	return func(password []byte) bool {
		h := digest()
		h.Write(password)
		h.Write(raw[size:])
		return subtle.ConstantTimeCompare(h.Sum(nil), raw[:size]) == 1
	}, nil
}

// parseLiferay reads base64 of the key's bits, the iterations, a salt (of 8
// bytes, in later releases of more) and the key, as Liferay writes
// PBKDF2WithHmacSHA1.
func parseLiferay(text string) (stored, error) {
	raw, err := decode64(text)
	if err != nil || len(raw) < 16 {
		return nil, errFormat
	}
	bits, rounds := binary.BigEndian.Uint32(raw), binary.BigEndian.Uint32(raw[4:])
	begins := len(raw) - int(bits/8)
	if bits%8 != 0 || bits > 512 || begins < 16 || begins > 8+64 {
		return nil, errFormat
	}
	return derived(sha1.New, rounds, raw[8:begins], raw[begins:])
}

// parseASPNET reads base64 of what ASP.NET Identity's hasher writes: version
// 3 (0x01, PRF, iterations, length of the salt, salt, key) and version 2
// (0x00, salt of 16 bytes, key of 32; SHA-1, 1000 iterations).
func parseASPNET(text string) (stored, error) {
	raw, err := decode64(text)
	switch {
	case err != nil || len(raw) == 0:
		return nil, errFormat
	case raw[0] == 0 && len(raw) == 49:
		return derived(sha1.New, 1000, raw[1:17], raw[17:])
	case raw[0] != 1 || len(raw) < 13:
		return nil, errFormat
	}
	digests := map[uint32]func() hash.Hash{0: sha1.New, 1: sha256.New, 2: sha512.New}
	digest := digests[binary.BigEndian.Uint32(raw[1:])]
	rounds, size := binary.BigEndian.Uint32(raw[5:]), binary.BigEndian.Uint32(raw[9:])
	if digest == nil || size < 8 || uint64(size) > uint64(len(raw)-13) {
		return nil, errFormat
	}
	return derived(digest, rounds, raw[13:13+size], raw[13+size:])
}

// parseDjango reads pbkdf2_sha256$iterations$salt$base64.
func parseDjango(text string) (stored, error) {
	parts := strings.Split(text, "$")
	if len(parts) != 4 {
		return nil, errFormat
	}
	digest := map[string]func() hash.Hash{"pbkdf2_sha256": sha256.New, "pbkdf2_sha1": sha1.New}[parts[0]]
	rounds, err := strconv.ParseUint(parts[1], 10, 32)
	key, keyErr := decode64(parts[3])
	if digest == nil || err != nil || keyErr != nil || parts[2] == "" {
		return nil, errFormat
	}
	return derived(digest, uint32(rounds), []byte(parts[2]), key)
}

// derived is PBKDF2 (RFC 8018) of a key of 16 to 64 bytes.
func derived(digest func() hash.Hash, rounds uint32, salt, key []byte) (stored, error) {
	if rounds == 0 || rounds > maxIterations || len(key) < 16 || len(key) > 64 {
		return nil, errFormat
	}
	return func(password []byte) bool {
		got, err := pbkdf2.Key(digest, string(password), salt, int(rounds), len(key))
		return err == nil && hmac.Equal(got, key)
	}, nil
}

const phpassDigits = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// parsePhpass reads the portable hashes of phpass: $P$ or $H$, the logarithm
// of the rounds, a salt of 8 characters, 22 of the digest (MD5).
func parsePhpass(text string) (stored, error) {
	if len(text) != 34 || strings.Trim(text[3:], phpassDigits) != "" {
		return nil, errFormat
	}
	log := strings.IndexByte(phpassDigits, text[3])
	if log < 7 || log > maxPhpassLog {
		return nil, errFormat
	}
	salt, want := []byte(text[4:12]), []byte(text[12:])
	return func(password []byte) bool {
		sum := md5.Sum(slices.Concat(salt, password))
		for range 1 << log {
			sum = md5.Sum(slices.Concat(sum[:], password))
		}
		return subtle.ConstantTimeCompare(phpassText(sum[:]), want) == 1
	}, nil
}

// phpassText is the digest in phpass's own base 64, the lowest bits first.
func phpassText(sum []byte) []byte {
	var out bytes.Buffer
	for i := 0; i < len(sum); i += 3 {
		value, have := 0, min(3, len(sum)-i)
		for j := range have {
			value |= int(sum[i+j]) << (8 * j)
		}
		for range have + 1 {
			out.WriteByte(phpassDigits[value&0x3f])
			value >>= 6
		}
	}
	return out.Bytes()
}

// decode64 reads standard base64, with or without padding.
func decode64(text string) ([]byte, error) {
	return base64.RawStdEncoding.Strict().DecodeString(strings.TrimRight(text, "="))
}
