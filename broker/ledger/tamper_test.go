package ledger_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/ledger"
)

// tenRows is a ledger with a chain of ten rows and checkpoints at
// 0, 4 and 8.
func tenRows(t *testing.T) kept {
	path := tempFile(t)
	c := config(path)
	c.CheckpointRows = 4
	l, err := ledger.Open(context.Background(), c)
	require.NoError(t, err)
	mustLink(t, l, "lan", person(t, 1))
	say(t, l, "b", "c", "d", "e", "f", "g", "h")
	seal(t, l)
	say(t, l, "i", "j")
	seal(t, l)
	report := verify(t, l)
	require.True(t, report.Whole(), report.Reason)
	require.EqualValues(t, 10, report.Last)
	require.Equal(t, 3, report.Checkpoints)
	raw := rawSQL(t, path)
	_, err = raw.Exec("UPDATE audit_head SET until_at = 0") // the lease is for whoever opens a copy
	require.NoError(t, err)
	require.NoError(t, raw.Close())
	require.NoError(t, l.Close()) // the log of SQLite joins its file
	return kept{path}
}

// copyOf is a ledger of its own with what was kept.
func copyOf(t *testing.T, k kept) (*ledger.Ledger, *raw) {
	path := k.copy(t)
	c := config(path)
	c.CheckpointRows = 4
	return open(t, c), rawSQL(t, path)
}

func TestEveryTamperingIsNamed(t *testing.T) {
	const insert = `INSERT INTO audit (id, at, event, actor, account, citizen, key_id, data_key, sealed, mac, chain_seq, prev, hash)
		SELECT 'forged', at, event, actor, account, citizen, key_id, data_key, sealed, mac, `
	cases := map[string]struct {
		sql    string
		broken int64
	}{
		"deleted first":              {"DELETE FROM audit WHERE chain_seq = 1", 1},
		"deleted inside":             {"DELETE FROM audit WHERE chain_seq = 5", 5},
		"deleted at a checkpoint":    {"DELETE FROM audit WHERE chain_seq = 4", 4},
		"deleted last":               {"DELETE FROM audit WHERE chain_seq = 10", 10},
		"deleted end":                {"DELETE FROM audit WHERE chain_seq > 6", 7},
		"deleted all":                {"DELETE FROM audit", 1},
		"deleted and closed the gap": {"DELETE FROM audit WHERE chain_seq = 10; UPDATE audit SET chain_seq = 10 WHERE chain_seq = 9", 9},
		"swapped places":             {"UPDATE audit SET chain_seq = -1 WHERE chain_seq = 2; UPDATE audit SET chain_seq = 2 WHERE chain_seq = 3; UPDATE audit SET chain_seq = 3 WHERE chain_seq = -1", 2},
		"swapped events":             {"UPDATE audit SET event = CASE chain_seq WHEN 6 THEN 'g' ELSE 'f' END WHERE chain_seq IN (6, 7)", 6},
		"inserted before":            {insert + "-3, prev, hash FROM audit WHERE chain_seq = 2", -3},
		"inserted at the end":        {insert + "11, (SELECT hash FROM audit WHERE chain_seq = 10), hash FROM audit WHERE chain_seq = 10", 11},
		"inserted unsealed":          {insert + "NULL, NULL, NULL FROM audit WHERE chain_seq = 10", 11},
		"inserted unsealed, no mac":  {insert + "NULL, NULL, NULL FROM audit WHERE chain_seq = 10; UPDATE audit SET mac = NULL WHERE id = 'forged'", 11},
		"taken out of the chain":     {"UPDATE audit SET chain_seq = NULL WHERE chain_seq = 3", 3},
		"end taken out of the chain": {"UPDATE audit SET chain_seq = NULL WHERE chain_seq = 10", 10},
		"beginning made to look old": {"DELETE FROM audit WHERE chain_seq <= 4; DELETE FROM audit_checkpoints WHERE seq < 4", 5},
		"end and checkpoint gone":    {"DELETE FROM audit WHERE chain_seq > 7; DELETE FROM audit_checkpoints WHERE seq > 7", 8},
		"end gone, head from a checkpoint": {`DELETE FROM audit WHERE chain_seq > 4; DELETE FROM audit_checkpoints WHERE seq > 4;
			UPDATE audit_head SET (seq, at, hash, key_id, signer, signature) =
				(SELECT seq, at, hash, key_id, signer, signature FROM audit_checkpoints WHERE seq = 4)`, 4},
		"end gone, head elsewhere":  {"DELETE FROM audit WHERE chain_seq > 9; UPDATE audit_head SET seq = 9, hash = (SELECT hash FROM audit WHERE chain_seq = 9)", 9},
		"head gone":                 {"DELETE FROM audit_head", 10},
		"checkpoints gone":          {"DELETE FROM audit_checkpoints", 1},
		"first checkpoint gone":     {"DELETE FROM audit_checkpoints WHERE seq = 0", 1},
		"checkpoint's hash":         {"UPDATE audit_checkpoints SET hash = zeroblob(32) WHERE seq = 8", 8},
		"checkpoint's time":         {"UPDATE audit_checkpoints SET at = at - 1 WHERE seq = 4", 4},
		"checkpoint's signer":       {"UPDATE audit_checkpoints SET signer = 'another' WHERE seq = 4", 4},
		"checkpoint's signature":    {"UPDATE audit_checkpoints SET signature = zeroblob(64) WHERE seq = 4", 4},
		"first checkpoint's hash":   {"UPDATE audit_checkpoints SET hash = zeroblob(31) WHERE seq = 0", 1},
		"checkpoint beyond the end": {"UPDATE audit_checkpoints SET seq = 12 WHERE seq = 8", 11},
		"head's signature":          {"UPDATE audit_head SET signature = zeroblob(64)", 10},
		"head's time":               {"UPDATE audit_head SET at = at + 1", 10},
	}
	for column, value := range map[string]string{
		"seq": "seq + 100", "id": "'another'", "at": "at + 1", "event": "'unlinked'", "actor": "'x'", "account": "'x'", "citizen": "'x'",
		"key_id": "'x'", "data_key": "'x'", "sealed": "zeroblob(length(sealed))", "mac": "zeroblob(32)", "prev": "zeroblob(32)", "hash": "zeroblob(32)",
	} {
		cases["changed "+column] = struct {
			sql    string
			broken int64
		}{"UPDATE audit SET " + column + " = " + value + " WHERE chain_seq = 6", 6}
		cases["changed last "+column] = struct {
			sql    string
			broken int64
		}{"UPDATE audit SET " + column + " = " + value + " WHERE chain_seq = 10", 10}
	}
	file := tenRows(t)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, raw := copyOf(t, file)
			_, err := raw.Exec(c.sql)
			require.NoError(t, err)
			report := verify(t, l)
			assert.False(t, report.Whole())
			assert.Equal(t, c.broken, report.Broken, report.Reason)

			// Going on does not heal it.
			say(t, l, "later")
			_, err = l.SealAudit(context.Background())
			if err != nil {
				assert.ErrorIs(t, err, ledger.ErrChain)
			}
			assert.Equal(t, c.broken, verify(t, l).Broken)
		})
	}
}

func TestAForgedCheckpointDropsNothing(t *testing.T) {
	l, raw := copyOf(t, tenRows(t))
	// As old as can be, and more than a day apart.
	_, err := raw.Exec("UPDATE audit_checkpoints SET at = CASE seq WHEN 0 THEN -100000000 ELSE 0 END")
	require.NoError(t, err)
	assert.ErrorIs(t, l.Sweep(context.Background()), ledger.ErrChain)
	var rows int
	require.NoError(t, raw.QueryRow("SELECT COUNT(*) FROM audit").Scan(&rows))
	assert.Equal(t, 10, rows)
}
