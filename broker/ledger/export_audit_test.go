package ledger_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/ledger"
)

func export(t *testing.T, l *ledger.Ledger, e ledger.Export) (lines []ledger.Exported) {
	t.Helper()
	require.NoError(t, l.ExportAudit(context.Background(), e, func(line ledger.Exported) error {
		lines = append(lines, line)
		return nil
	}))
	return lines
}

// outsider verifies lines with the script that the documents hand out.
func outsider(t *testing.T, lines []ledger.Exported, trusted ...string) (said string, whole bool) {
	t.Helper()
	if _, err := os.Stat("/usr/lib/python3/dist-packages/cryptography"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("python3-cryptography is not installed")
		}
		t.Skip("python3-cryptography is not installed")
	}
	var text bytes.Buffer
	for _, line := range lines {
		require.NoError(t, json.NewEncoder(&text).Encode(line))
	}
	script := exec.Command("/usr/bin/python3", append([]string{"-B", "../../docs/verify_audit.py"}, trusted...)...)
	script.Stdin = &text
	output, err := script.CombinedOutput()
	return string(output), err == nil
}

func TestAnOutsiderVerifiesAnExport(t *testing.T) {
	l := open(t, config(tenRows(t).copy(t)))
	lines := export(t, l, ledger.Export{})
	var types []string
	for _, line := range lines {
		types = append(types, line.Type)
		assert.Nil(t, line.Detail)
	}
	assert.Equal(t, "checkpoint row row row row checkpoint row row row row checkpoint row row head", strings.Join(types, " "))
	said, whole := outsider(t, lines)
	require.True(t, whole, said)
	assert.Contains(t, said, "whole: 10 rows, 4 signatures verified, last row 10, hash "+verify(t, l).Head)
	said, whole = outsider(t, lines, lines[0].Signer)
	assert.True(t, whole, said)
	_, whole = outsider(t, lines, "ffffffff")
	assert.False(t, whole, "another signer")

	for name, change := range map[string]func(lines []ledger.Exported) []ledger.Exported{
		"a row gone":   func(lines []ledger.Exported) []ledger.Exported { return append(lines[:2], lines[3:]...) },
		"rows swapped": func(lines []ledger.Exported) []ledger.Exported { lines[2], lines[3] = lines[3], lines[2]; return lines },
		"an event":     func(lines []ledger.Exported) []ledger.Exported { lines[2].Event = "x"; return lines },
		"an account":   func(lines []ledger.Exported) []ledger.Exported { lines[1].Account = ""; return lines },
		"a time":       func(lines []ledger.Exported) []ledger.Exported { lines[2].At++; return lines },
		"a secret":     func(lines []ledger.Exported) []ledger.Exported { lines[2].Sealed = "00"; return lines },
		"a checkpoint": func(lines []ledger.Exported) []ledger.Exported { lines[5].At++; return lines },
		"a signature":  func(lines []ledger.Exported) []ledger.Exported { lines[13].Signature = "00"; return lines },
		"the end":      func(lines []ledger.Exported) []ledger.Exported { return append(lines[:12], lines[13]) },
		"the signing key": func(lines []ledger.Exported) []ledger.Exported {
			lines[0].PublicKey = strings.Repeat("00", 32)
			return lines
		},
		"the first row off": func(lines []ledger.Exported) []ledger.Exported { return append(lines[:1], lines[2:]...) },
	} {
		said, whole := outsider(t, change(export(t, l, ledger.Export{})))
		assert.False(t, whole, "%s: %s", name, said)
	}
}

func TestAnExportIsWhatWasAskedFor(t *testing.T) {
	at := newClock()
	c := config(tempFile(t))
	c.Now = at.now
	l := open(t, c)
	for range 3 {
		say(t, l, "a", "b")
		seal(t, l)
		at.advance(24 * time.Hour)
	}
	begin := newClock().now()
	lines := export(t, l, ledger.Export{Since: begin.Add(24 * time.Hour), Until: begin.Add(48 * time.Hour)})
	var rows []int64
	for _, line := range lines {
		if line.Type == ledger.ExportedRow {
			rows = append(rows, line.Seq)
		}
		assert.NotEqual(t, ledger.ExportedHead, line.Type, "the chain goes on")
	}
	assert.Equal(t, []int64{3, 4}, rows)
	said, whole := outsider(t, lines)
	assert.True(t, whole, said)
	assert.Empty(t, export(t, l, ledger.Export{Since: begin.Add(240 * time.Hour)}))
}

func TestRevealingIsWrittenDownFirst(t *testing.T) {
	ctx := context.Background()
	l := openNew(t)
	n := newLink("lan", person(t, 1))
	n.Source = netip.MustParseAddrPort("203.0.113.7:40321")
	link, err := l.Link(ctx, n)
	require.NoError(t, err)
	seal(t, l)
	of := func(lines []ledger.Exported) *ledger.Revealed {
		for _, line := range lines {
			if line.Event == ledger.EventLinked {
				return line.Detail
			}
		}
		return nil
	}
	require.Nil(t, of(export(t, l, ledger.Export{})))
	shown := of(export(t, l, ledger.Export{RevealTo: "Phạm Thị Kiểm"}))
	require.NotNil(t, shown)
	assert.Equal(t, "203.0.113.7:40321", shown.Source)
	assert.Equal(t, "citizen", shown.Actor)
	assert.Equal(t, link.ID, shown.Detail["link"])
	detail, err := l.AuditDetail(ctx, ledger.EventRevealed)
	require.NoError(t, err)
	assert.Contains(t, detail, "Phạm Thị Kiểm")

	require.NoError(t, l.EraseCitizen(ctx, link.CitizenID, "an", "theo yêu cầu"))
	shown = of(export(t, l, ledger.Export{RevealTo: "Phạm Thị Kiểm"}))
	assert.Equal(t, &ledger.Revealed{Erased: true}, shown)
	seal(t, l)
	said, whole := outsider(t, export(t, l, ledger.Export{RevealTo: "Phạm Thị Kiểm"}))
	assert.True(t, whole, said)
}
