package proxy

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/unicode/norm"
)

// vietnamese is every letter with every mark, small and capital.
func vietnamese() string {
	small := "aàảãáạăằẳẵắặâầẩẫấậbcdđeèẻẽéẹêềểễếệghiìỉĩíịklmnoòỏõóọôồổỗốộơờởỡớợpqrstuùủũúụưừửữứựvxyỳỷỹýỵ"
	return small + strings.ToUpper(small)
}

// What a Windows portal reads back is the text itself.
func TestWindows1258(t *testing.T) {
	for _, form := range []norm.Form{norm.NFC, norm.NFD} {
		text := form.String(vietnamese())
		written, ok := Windows1258.write(text)
		require.True(t, ok)
		read, err := charmap.Windows1258.NewDecoder().String(written)
		require.NoError(t, err)
		assert.Equal(t, norm.NFC.String(text), norm.NFC.String(read))
	}
	// As Python's codec and Windows have it: the tone after its letter.
	written, ok := Windows1258.write("Nguyễn Thị Lan")
	require.True(t, ok)
	assert.Equal(t, "Nguy\xea\xden Thi\xf2 Lan", written)
	for _, text := range []string{"中", "a\nb", " a", "a ", "", "\U0001F600"} {
		_, ok := Windows1258.write(text)
		assert.False(t, ok, "%q", text)
	}
}

func TestTCVN3(t *testing.T) {
	written, ok := TCVN3.write("Nguyễn Thị Đặng Ơn")
	require.True(t, ok)
	assert.Equal(t, "Nguy\xd4n Th\xde \xa7\xc6ng \xa5n", written)
	capital, ok := TCVN3.write("NGUYỄN")
	require.True(t, ok)
	assert.Equal(t, "NGUY\xd4N", capital)
	seen := make(map[string]string)
	for _, r := range vietnamese() {
		if strings.ContainsRune("abcdefghijklmnopqrstuvwxyz", r|0x20) {
			continue
		}
		written, ok := TCVN3.write(string(r))
		require.True(t, ok, "%c", r)
		require.Len(t, written, 1)
		if other, taken := seen[written]; taken {
			assert.Equal(t, strings.ToLower(other), strings.ToLower(string(r)), "two letters in one byte")
		}
		seen[written] = string(r)
	}
	for _, text := range []string{"中", "·", "é\x00", " a", ""} {
		_, ok := TCVN3.write(text)
		assert.False(t, ok, "%q", text)
	}
}
