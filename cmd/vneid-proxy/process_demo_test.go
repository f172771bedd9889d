package main_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/vneidtest"
)

// procHostile is an environment that would break the demo, or make it reach
// out, if it read any of it.
func procHostile(t *testing.T) []string {
	t.Helper()
	return []string{
		"VNEID_PROXY_LISTEN=0.0.0.0:0", "VNEID_PROXY_ADMIN_LISTEN=0.0.0.0:0", "VNEID_PROXY_NO_SUCH_THING=1",
		"VNEID_PROXY_PUBLIC_URL=nonsense", "VNEID_PROXY_SECRET_KEYS=short", "VNEID_PROXY_UPSTREAM_URL=http://192.0.2.1",
		"VNEID_PROXY_ISSUER_URL=http://192.0.2.1", "VNEID_PROXY_LINK=off",
		"VNEID_PROXY_LEDGER_URL=sqlite://" + filepath.Join(t.TempDir(), "no", "ledger.db"),
	}
}

// procListening are the addresses at which a process listens, by what the
// kernel says of its sockets.
func procListening(t *testing.T, pid int) (addresses []string) {
	t.Helper()
	own := map[string]bool{}
	folder := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	for _, entry := range entries {
		target, _ := os.Readlink(filepath.Join(folder, entry.Name())) // gone meanwhile: none
		if inode, ok := strings.CutPrefix(target, "socket:["); ok {
			own[strings.TrimSuffix(inode, "]")] = true
		}
	}
	for _, name := range []string{"tcp", "tcp6"} {
		table, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, name))
		require.NoError(t, err)
		for line := range strings.Lines(string(table)) {
			const local, state, inode, listening = 1, 3, 9, "0A"
			fields := strings.Fields(line)
			if len(fields) > inode && fields[state] == listening && own[fields[inode]] {
				addresses = append(addresses, fields[local])
			}
		}
	}
	return addresses
}

func TestDemoIsOnLoopbackAndLeavesNothing(t *testing.T) {
	temporary := t.TempDir()
	c, ports := procDemo(t, append(procHostile(t), "TMPDIR="+temporary))
	listening := procListening(t, c.cmd.Process.Pid)
	assert.Len(t, listening, len(ports))
	for _, port := range ports {
		assert.Contains(t, listening, fmt.Sprintf("0100007F:%04X", port), "127.0.0.1, as the kernel writes it")
	}
	addresses, err := net.InterfaceAddrs()
	require.NoError(t, err)
	for _, address := range addresses {
		outward, ok := address.(*net.IPNet)
		if !ok || outward.IP.IsLoopback() || outward.IP.IsLinkLocalUnicast() {
			continue
		}
		for _, port := range ports {
			conn, err := net.Dial("tcp", net.JoinHostPort(outward.IP.String(), fmt.Sprint(port)))
			if !assert.Error(t, err, "reached at %s:%d", outward.IP, port) {
				_ = conn.Close()
			}
		}
	}
	b := newProcBrowser(t, fmt.Sprintf("http://127.0.0.1:%d", ports[0]), "", nil, nil)
	page, err := b.atVNeID("/ho-so", map[string]string{"persona": "linked"})
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, page.status)
	assert.Equal(t, "/ho-so", page.url.Path)
	entries, err := os.ReadDir(temporary)
	require.NoError(t, err)
	assert.Len(t, entries, 1, "the ledger is there while it runs")
	for _, p := range vneidtest.Personas() {
		assert.Contains(t, c.stdout.String(), p.VNeID.Password, "whom to try")
	}

	c.signal(t, procTerm)
	assert.Equal(t, 0, c.code(t))
	entries, err = os.ReadDir(temporary)
	require.NoError(t, err)
	assert.Empty(t, entries)
	entries, err = os.ReadDir(c.cmd.Dir)
	require.NoError(t, err)
	assert.Empty(t, entries, "nor where it was started")
}

func TestDemoKeepsItsData(t *testing.T) {
	data := filepath.Join(t.TempDir(), "kept")
	who := vneidtest.Personas()[1]
	account := who.Accounts[0]
	first, ports := procDemo(t, procHostile(t), "--data", data)
	b := newProcBrowser(t, fmt.Sprintf("http://127.0.0.1:%d", ports[0]), "", nil, nil)
	page, err := b.atPortal("/ho-so", account.Username, account.Password)
	require.NoError(t, err)
	page, err = b.submit(page, "/link/update", map[string]string{"citizen_number": who.CitizenNumber, "consent": "yes"})
	require.NoError(t, err)
	require.Equal(t, "/ho-so", page.url.Path)
	first.signal(t, procTerm)
	require.Equal(t, 0, first.code(t))
	for _, name := range []string{"demo-secrets", "ledger.db"} {
		info, err := os.Stat(filepath.Join(data, name))
		require.NoError(t, err)
		assert.Zero(t, info.Mode().Perm()&0o077, "%s is its owner's alone", name)
	}

	second, ports := procDemo(t, nil, "--data", data)
	again := newProcBrowser(t, fmt.Sprintf("http://127.0.0.1:%d", ports[0]), "", nil, nil)
	page, err = again.atPortal("/ho-so", account.Username, account.Password)
	require.NoError(t, err)
	assert.Equal(t, "/ho-so", page.url.Path, "linked already: no link screen")
	got, err := again.as()
	require.NoError(t, err)
	assert.Equal(t, []string{"linked"}, got["X-Identity-Standing"])
	assert.Equal(t, []string{who.CitizenNumber}, got["X-Identity-Citizen-Number"])

	// The browser of before is still signed in: the keys were kept too.
	b.origin = again.origin
	got, err = b.as()
	require.NoError(t, err)
	assert.Equal(t, []string{account.ID}, got["X-Forwarded-User"])
	second.signal(t, procTerm)
	assert.Equal(t, 0, second.code(t))
	assert.FileExists(t, filepath.Join(data, "ledger.db"))
}

func TestDemoOnTheEncryptedWire(t *testing.T) {
	c, ports := procDemo(t, procHostile(t), "--wire", "vneid-encrypted")
	assert.Contains(t, c.stdout.String(), fmt.Sprintf("http://localhost:%d (vneid-encrypted)", ports[2]))
	trail := &procTrail{}
	b := newProcBrowser(t, fmt.Sprintf("http://127.0.0.1:%d", ports[0]), "", trail, nil)
	page, err := b.atVNeID("/ho-so", map[string]string{"persona": "linked"})
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, page.status)
	assert.Equal(t, "/ho-so", page.url.Path)
	got, err := b.as()
	require.NoError(t, err)
	assert.Equal(t, []string{"linked"}, got["X-Identity-Standing"])
	way := strings.Join(trail.urls, "\n")
	assert.Contains(t, way, fmt.Sprintf("http://localhost:%d/v2/authorize?", ports[2]))
	assert.Contains(t, way, "&encrypt_key=")
	c.signal(t, procTerm)
	assert.Equal(t, 0, c.code(t))

	unknown := procStart(t, nil, "demo", "--wire", "morse")
	assert.Equal(t, 2, unknown.code(t))
	assert.Contains(t, unknown.stderr.String(), `"oidc","vneid-encrypted"`)
}

// TestReadmeNamesWhomToTry: everybody in the demo is in its table, with what
// they sign in with.
func TestReadmeNamesWhomToTry(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	for _, p := range vneidtest.Personas() {
		var accounts []string
		for _, a := range p.Accounts {
			accounts = append(accounts, fmt.Sprintf("`%s` / `%s`", a.Username, a.Password))
		}
		row := strings.TrimSuffix(fmt.Sprintf("| `%s` | %s", p.Key, strings.Join(accounts, " and ")), " ")
		row += fmt.Sprintf(" | `%s` / `%s` | ", p.VNeID.Username, p.VNeID.Password)
		assert.Contains(t, string(text), row)
	}
}
