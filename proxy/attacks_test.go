package proxy_test

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAttacks(t *testing.T) {
	text, err := os.ReadFile("testdata/attacks.txt")
	require.NoError(t, err)
	blocks := strings.Split(string(text), "\n= ")[1:]
	require.Len(t, blocks, 23)
	for _, block := range blocks {
		name, rest, _ := strings.Cut(block, "\n")
		t.Run(name, func(t *testing.T) {
			status, request, _ := strings.Cut(strings.TrimPrefix(rest, "> "), "\n")
			want, err := strconv.Atoi(status)
			require.NoError(t, err)
			r := newRig(t, nil)
			request = strings.ReplaceAll(request, "{session}", r.cookie(linked(t)))
			request = strings.TrimRight(request, "\n") + "\n\n"
			answer := r.send(strings.ReplaceAll(request, "\n", "\r\n"))
			assert.Equal(t, want, answer.StatusCode)
			assert.NotContains(t, answer.Header.Get("Location"), "evil.example")
			if want != 200 {
				assert.Zero(t, r.count())
				return
			}
			require.Equal(t, 1, r.count())
			for key, values := range r.last().Header {
				assert.NotContains(t, strings.Join(values, " "), "forged", key)
				assert.NotContains(t, strings.Join(values, " "), "evil.example", key)
			}
		})
	}
}
