package directory

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Known answers, of Liferay and of phpass themselves.
func TestStoredKnown(t *testing.T) {
	for stored, password := range map[string]string{
		"AAAAoAAB9ADJZ16OuMAPPHe2CUbP0HPyXvagoKHumh7iHU3c":                     "password",
		"{PBKDF2WithHmacSHA1}AAAAoAAB9ADJZ16OuMAPPHe2CUbP0HPyXvagoKHumh7iHU3c": "password",
		"$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0":                                   "test12345",
	} {
		same, err := parseStored(stored)
		require.NoError(t, err, stored)
		assert.True(t, same([]byte(password)), stored)
		assert.False(t, same([]byte(password+" ")), stored)
	}
}

// storedByOthers is what other implementations store for a password, by
// format: PHP's own bcrypt and a phpass in PHP, and Python's hashlib.
func storedByOthers(t *testing.T, password string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for program, script := range map[string]string{"php": "testdata/stored.php", "python3": "testdata/stored.py"} {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatalf("%s is not installed", program)
			}
			t.Skipf("%s is not installed", program)
		}
		command := exec.Command(program, script)
		command.Stdin = strings.NewReader(password)
		var said bytes.Buffer
		command.Stderr = &said
		output, err := command.Output()
		require.NoError(t, err, said.String())
		require.NoError(t, json.Unmarshal(output, &all))
	}
	return all
}

func TestStoredByOthers(t *testing.T) {
	for _, password := range []string{"mật khẩu-1", "x", strings.Repeat("dài", 40)} {
		all := storedByOthers(t, password)
		require.Len(t, all, 17)
		for format, text := range all {
			t.Run(format, func(t *testing.T) {
				same, err := parseStored(text)
				require.NoError(t, err, text)
				assert.True(t, same([]byte(password)))
				for _, wrong := range []string{"", "X" + password, password[1:], strings.ToUpper(password) + "!"} {
					if !strings.HasPrefix(wrong, password[:min(72, len(password))]) {
						assert.False(t, same([]byte(wrong)), wrong)
					}
				}
			})
		}
	}
}

// What is in no known format, or would cost too much, is refused before a
// password is looked at.
func TestStoredRefused(t *testing.T) {
	big := func(values ...uint32) string {
		var raw []byte
		for _, v := range values {
			raw = binary.BigEndian.AppendUint32(raw, v)
		}
		return base64.StdEncoding.EncodeToString(append(raw, make([]byte, 28)...))
	}
	aspnet := func(prf, rounds, salt uint32) string {
		raw := []byte{1}
		for _, v := range []uint32{prf, rounds, salt} {
			raw = binary.BigEndian.AppendUint32(raw, v)
		}
		return base64.StdEncoding.EncodeToString(append(raw, make([]byte, 48)...))
	}
	good, err := parseStored(aspnet(1, 10, 16))
	require.NoError(t, err)
	require.NotNil(t, good)
	for name, text := range map[string]string{
		"nothing": "", "plain": "hunter2", "md5": "5f4dcc3b5aa765d61d8327deb882cf99", "unsalted": "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=",
		"none": "{NONE}test", "clear": "{CLEAR}test", "open": "{SSHA", "SSHA without salt": "{SSHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=",
		"SSHA short": "{SSHA}W6ph5Mm5Pz8=", "SSHA no base64": "{SSHA}****", "unknown": "{ARGON9}x", "argon": "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA",
		"bcrypt of cost 31": "$2y$31$abcdefghijklmnopqrstuuWSE7gqQO6aLEWNBb9zIdPI3k8BvZZYG", "bcrypt cut": "$2y$10$abcdefghijklmnopqrstuu",
		"bcrypt x":       "$2x$10$abcdefghijklmnopqrstuuWSE7gqQO6aLEWNBb9zIdPI3k8BvZZYG",
		"phpass of 2^30": "$P$SIQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0", "phpass of 2^1": "$P$/IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0", "phpass odd": "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L!",
		"liferay rounds": big(160, 1<<31), "liferay none": big(160, 0), "liferay bits": big(1<<30, 1000), "liferay no salt": big(224, 1000),
		"aspnet rounds": aspnet(1, 1<<31, 16), "aspnet none": aspnet(1, 0, 16), "aspnet prf": aspnet(9, 10, 16), "aspnet salt": aspnet(1, 10, 1<<31), "aspnet no salt": aspnet(1, 10, 0),
		"aspnet no key": aspnet(1, 10, 48), "aspnet version": "AgAAAAE=",
		"django rounds": "pbkdf2_sha256$99999999999$a$" + base64.StdEncoding.EncodeToString(make([]byte, 32)), "django digest": "pbkdf2_md5$10$a$" + base64.StdEncoding.EncodeToString(make([]byte, 32)),
		"django cut": "pbkdf2_sha256$10$a", "long": "{SSHA}" + strings.Repeat("A", 600),
	} {
		_, err := parseStored(text)
		assert.ErrorIs(t, err, errFormat, name)
	}
	assert.NotNil(t, newPasswordChecks().usual.Load(), "the stand-in is in a format of ours")
}

func FuzzParseStored(f *testing.F) {
	for _, text := range []string{"$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0", "AAAAoAAB9ADJZ16OuMAPPHe2CUbP0HPyXvagoKHumh7iHU3c", "{SSHA512}AA==", "pbkdf2_sha256$1$a$b", "$2y$04$", "AQ=="} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		same, err := parseStored(text)
		if (same == nil) != (err != nil) {
			t.Fatal("a format is known, or it is not")
		}
	})
}
