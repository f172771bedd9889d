package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// raw sends bytes as no client library would, and returns the status, 0 where
// there was no answer that could be read.
func (r *rig) raw(t *testing.T, request string) int {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.origin, "http://"))
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, request)
	require.NoError(t, err)
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode
}

// forgedNames are the names that a portal believes, ours and those of others.
func forgedNames() []string {
	return []string{
		"X-Forwarded-User", "X-Forwarded-Preferred-Username", "X-Forwarded-Email", "X-Forwarded-Groups",
		"X-Forwarded-Access-Token", "X-Identity-Citizen-Number", "X-Identity-Name", "X-Identity-Birth-Date",
		"X-Identity-Account-Level", "X-Identity-Authentication-Level", "X-Identity-Standing",
		"X-Identity-Acting", "X-Identity-Organisation", "X-Identity-Organisation-Name", "X-Identity-Assertion", "X-Identity-Anything-Else", "Remote-User", "X-Auth-Request-User", "X-Portal-User",
	}
}

// legalSpellings are those that the grammar of field names allows (RFC 9110,
// 5.6.2) and some server folds: each separator that CGI, PHP, WSGI or .NET
// reads as a dash, in each case of letters, alone, doubled and mixed.
func legalSpellings(name string) (all []string) {
	words := strings.Split(name, "-")
	joined := func(separator func(i int) string) string {
		var b strings.Builder
		for i, word := range words {
			if i > 0 {
				b.WriteString(separator(i))
			}
			b.WriteString(word)
		}
		return b.String()
	}
	var spelled []string
	for _, c := range "-_.~!#$%&'*+^|`" {
		spelled = append(spelled,
			joined(func(int) string { return string(c) }),
			joined(func(int) string { return string(c) + string(c) }),
			joined(func(int) string { return "-" + string(c) }),
			joined(func(i int) string { return []string{"-", string(c)}[i%2] }),
			joined(func(i int) string { return []string{string(c), "-"}[i%2] }))
	}
	for _, s := range spelled {
		alternating := []byte(strings.ToLower(s))
		for i := 0; i < len(alternating); i += 2 {
			alternating[i] = strings.ToUpper(string(alternating[i]))[0]
		}
		all = append(all, s, strings.ToLower(s), strings.ToUpper(s), string(alternating))
	}
	return all
}

// illegalSpellings are lines that are no header fields and that some servers
// read as such all the same.
func illegalSpellings(name string) (lines []string) {
	for _, c := range []string{" ", "\t", "/", "(", ",", ";", "@", "\\", "\"", "{", "=", "\x00", "\x0b", "\r", "\u2010", "\u00ad", "\xad"} {
		lines = append(lines, strings.ReplaceAll(name, "-", c)+": forged")
	}
	return append(lines,
		name+" : forged", name+"\t: forged", " "+name+": forged", "\t"+name+": forged", ": "+name+": forged",
		"X-Ordinary: kept\n"+name+": forged", "X-Ordinary: kept\r"+name+": forged", "X-Ordinary: kept\r\n "+name+": forged",
		"X-Ordinary: kept\x00"+name+": forged", name+"\r\n: forged", "\ufeff"+name+": forged",
	)
}

// TestForgedIdentity sends every spelling of every name to protected and to
// public paths: none arrives, in any shape.
func TestForgedIdentity(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigWorld{env: map[string]string{"IDENTITY_HEADERS": "X-Portal-User={username}"}})
	who := r.persona("linked")
	p := r.person(t)
	require.Equal(t, http.StatusOK, p.vneid(p.visit("/"), "linked").status)
	host := strings.TrimPrefix(r.origin, "http://")
	head := func(method, path string) string {
		text := method + " " + path + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\nX-Witness: kept\r\n"
		if path == "/headers" {
			text += "Cookie: vneid_session=" + p.cookies()["vneid_session"] + "\r\n"
		}
		return text
	}
	// arrived holds what the portal got against what it may get.
	arrived := func(t *testing.T, path string, atLeast int) {
		t.Helper()
		requests := r.portal.Requests()
		require.GreaterOrEqual(t, len(requests), atLeast)
		for _, got := range requests {
			own := 0
			for name, values := range got.Header {
				for _, value := range values {
					if name == "X-Ordinary" || name == "X-Witness" { // a line folded into it, as RFC 9112, 5.2 has it
						assert.NotContains(t, value, "\r")
						assert.NotContains(t, value, "\x00")
						continue
					}
					assert.NotContains(t, strings.ToLower(value), "forged", "%s: on %s", name, path)
				}
				assert.NotContains(t, strings.ToLower(name), "forged")
				if strings.HasPrefix(name, "X-Identity-") || name == "X-Portal-User" || name == "X-Forwarded-User" ||
					name == "X-Forwarded-Preferred-Username" || name == "X-Forwarded-Groups" {
					own++
				}
			}
			if path != "/headers" {
				assert.Zero(t, own, "nobody's identity on a public path")
				continue
			}
			assert.Equal(t, []string{who.Accounts[0].ID}, got.Header["X-Forwarded-User"], "ours, once")
			assert.Equal(t, []string{who.Accounts[0].Username}, got.Header["X-Portal-User"])
			assert.Equal(t, []string{"linked"}, got.Header["X-Identity-Standing"])
			assert.Equal(t, []string{"self"}, got.Header["X-Identity-Acting"])
			assert.Equal(t, 11, own)
		}
	}
	removed := r.metric("vneid_proxy_identity_headers_removed_total")
	for _, path := range []string{"/headers", "/gioi-thieu", "/assets/portal.css", "/dang-nhap"} {
		t.Run("legal "+path, func(t *testing.T) {
			for _, name := range forgedNames() {
				r.portal.ForgetRequests()
				var b strings.Builder
				b.WriteString(head(http.MethodGet, path))
				for _, spelling := range legalSpellings(name) {
					fmt.Fprintf(&b, "%s: forged\r\n", spelling)
				}
				require.Equal(t, http.StatusOK, r.raw(t, b.String()+"\r\n"), name)
				arrived(t, path, 1)
				got := r.portal.Requests()[0].Header
				assert.Equal(t, []string{"kept"}, got["X-Witness"])
			}
		})
		t.Run("illegal "+path, func(t *testing.T) {
			for _, name := range forgedNames() {
				r.portal.ForgetRequests()
				for _, line := range illegalSpellings(name) {
					r.raw(t, head(http.MethodGet, path)+line+"\r\n\r\n")
				}
				arrived(t, path, 0)
			}
		})
		t.Run("elsewhere "+path, func(t *testing.T) {
			r.portal.ForgetRequests()
			// Twice, hop by hop, as a trailer, and on a connection used again.
			r.raw(t, head(http.MethodGet, path)+"X-Forwarded-User: forged\r\nX-Forwarded-User: forged\r\n\r\n")
			r.raw(t, head(http.MethodGet, path)+"Connection: X-Forwarded-User, X-Identity-Standing, Cookie\r\nX-Forwarded-User: forged\r\n\r\n")
			method := http.MethodPost
			if path == "/gioi-thieu" || path == "/assets/portal.css" {
				method = http.MethodGet
			}
			r.raw(t, head(method, path)+"Transfer-Encoding: chunked\r\nTrailer: X-Forwarded-User, X_Identity_Name\r\n\r\n"+
				"1\r\na\r\n0\r\nX-Forwarded-User: forged\r\nX_Identity_Name: forged\r\nRemote-User: forged\r\n\r\n")
			arrived(t, path, 3)
		})
	}
	assert.Greater(t, r.metric("vneid_proxy_identity_headers_removed_total"), removed+1000, "counted")
}
