package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"
)

// masked is all that a secret prints.
const masked = "[secret]"

// secretLimit bounds the file of a secret, in bytes.
const secretLimit = 64 << 10

// Secret is a text that prints "[secret]" through every ordinary door (fmt,
// slog, JSON, text). The zero value is no secret.
type Secret struct{ hidden }

// Reveal is the secret itself, "" when unset.
func (s Secret) Reveal() string { return s.text }

// Current is the secret as its file holds it now, so that whoever asks at each
// use follows a rotation. Where it came from the environment, or the file
// cannot be used, it is the one that Load read.
func (s Secret) Current() string {
	if s.file == "" {
		return s.text
	}
	text, err := ReadSecret(s.file)
	if err != nil {
		return s.text
	}
	return text
}

// UnmarshalText takes the text as it stands; it never fails.
func (s *Secret) UnmarshalText(text []byte) error {
	s.text = string(text)
	return nil
}

// hidden is the text of a Secret or Keyring and the file it came from.
type hidden struct{ text, file string }

// File is the file that the value was read from, "" when it came from the
// environment and so cannot change.
func (h hidden) File() string { return h.file }

// IsZero reports that nothing was set.
func (h hidden) IsZero() bool { return h.text == "" }

func (h *hidden) readFrom(file string) { h.file = file }

func (h hidden) String() string               { return masked }
func (h hidden) Format(s fmt.State, _ rune)   { _, _ = io.WriteString(s, masked) }
func (h hidden) LogValue() slog.Value         { return slog.StringValue(masked) }
func (h hidden) MarshalText() ([]byte, error) { return []byte(masked), nil }

// ReadSecret is the content of a secret's file without its trailing newline.
// The error says what is wrong with the file without naming it: whoever put
// the secret itself in the variable must not find it in a log.
func ReadSecret(path string) (string, error) {
	// A pipe or device could block the start for ever.
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", errors.New("write the path of a file that exists")
	case err != nil || !info.Mode().IsRegular():
		return "", errors.New("write the path of a regular file")
	case info.Size() > secretLimit:
		return "", fmt.Errorf("write the path of a file of at most %d bytes", secretLimit)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return "", errors.New("let the process read the file")
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r")
	if text == "" {
		return "", errors.New("put the secret into the file, which is empty")
	}
	return text, nil
}
