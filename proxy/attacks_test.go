package proxy_test

import (
	"net/url"
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
	require.Len(t, blocks, 127)
	for _, block := range blocks {
		name, rest, _ := strings.Cut(block, "\n")
		t.Run(name, func(t *testing.T) {
			status, request, _ := strings.Cut(strings.TrimPrefix(rest, "> "), "\n")
			r := newRig(t, nil)
			request = strings.ReplaceAll(request, "{session}", r.cookie(linked(t)))
			request = strings.TrimRight(request, "\n") + "\n\n"
			answer := r.send(strings.ReplaceAll(request, "\n", "\r\n"))
			got := strconv.Itoa(answer.StatusCode)
			if status == "4xx" {
				got = got[:1] + "xx"
			}
			assert.Equal(t, status, got)
			if there := answer.Header.Get("Location"); there != "" {
				assert.True(t, strings.HasPrefix(there, "/_vneid/sign-in?rd=%2F"), there)
				back, err := url.QueryUnescape(strings.TrimPrefix(there, "/_vneid/sign-in?rd="))
				require.NoError(t, err)
				assert.NotContains(t, back, "//")
				assert.NotContains(t, back, `\\`)
			}
			if status != "200" {
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
