package ledger

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Config says where the ledger is and how it is sealed.
type Config struct {
	// URL is sqlite:///absolute/path, sqlite:relative/path or postgres://…;
	// required. A file's directory must exist; the file is made, for its owner
	// alone. A PostgreSQL database must exist; its tables are made.
	URL string
	// Password is PostgreSQL's, in place of the URL's; "" leaves that.
	Password string
	// Keys seal what is personal, 32 bytes each; required. The first seals,
	// all open.
	Keys [][]byte
	// IndexKey finds what is sealed, 32 bytes; required. Another key than the
	// ledger's is refused.
	IndexKey []byte
	// NextIndexKey is to follow IndexKey; nil for none. RekeyIndex takes the
	// ledger from one to the other, and processes with both follow it.
	NextIndexKey []byte
	// SessionLifetime is how long Link and Unlink keep the revocation of an
	// account's older sessions; default 24 hours. It must not be shorter than
	// the longest session.
	SessionLifetime time.Duration
	// FeedPoll is how often a Feed asks for what other processes have
	// revoked; default 250 ms.
	FeedPoll time.Duration
	// AuditKeep is how long audit rows, answered checks and the clean-up's
	// answers are kept; default 12 months of 365 days in all.
	AuditKeep time.Duration
	// WriteBack queues each link, in the transaction that makes it, for the
	// portal's directory to be told of (ClaimWriteBack).
	WriteBack bool
	// Notify keeps what people are to be told for the portal to send on
	// (ClaimNotices); without it, it waits for their next sign-in
	// (WaitingNotices).
	Notify bool
	// CheckpointRows and CheckpointEvery are after how many audit rows, and
	// after how long if there are any, a checkpoint is signed; default 1000
	// and one minute.
	CheckpointRows  int64
	CheckpointEvery time.Duration
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Logger is told when a Feed stops or starts being fed; nil is
	// slog.Default.
	Logger *slog.Logger
}

// Ledger is the open record. It is safe for concurrent use. Several processes
// may have one PostgreSQL database open, and several on one machine one file.
type Ledger struct {
	config Config
	keys   *keyring
	own    *dataKey // seals audit rows that concern no citizen, and proves them all
	holder string   // who this is where a lease is held
	db     database
	// looking says that the tables may be of another release, or none.
	looking bool

	closing context.Context // ends with Close
	close   context.CancelFunc
	polls   sync.WaitGroup

	mu    sync.Mutex // guards feeds
	feeds map[*Feed]struct{}
}

// Open opens the ledger, making or migrating it first. It refuses with ErrKey,
// naming the key's id and never the key, where a row needs a key that the
// configuration has not.
func Open(ctx context.Context, c Config) (*Ledger, error) {
	if c.SessionLifetime <= 0 {
		c.SessionLifetime = 24 * time.Hour
	}
	if c.FeedPoll <= 0 {
		c.FeedPoll = 250 * time.Millisecond
	}
	if c.AuditKeep <= 0 {
		c.AuditKeep = 365 * 24 * time.Hour
	}
	if c.CheckpointRows <= 0 {
		c.CheckpointRows = 1000
	}
	if c.CheckpointEvery <= 0 {
		c.CheckpointEvery = time.Minute
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	keys, err := newKeyring(c.Keys, c.IndexKey, c.NextIndexKey)
	if err != nil {
		return nil, err
	}
	l := &Ledger{config: c, keys: keys, holder: newID(), feeds: make(map[*Feed]struct{})}
	l.closing, l.close = context.WithCancel(context.Background())
	if l.db, err = openDatabase(ctx, c); err != nil {
		return nil, fault(err)
	}
	if err := l.checkKeys(ctx); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	if err := l.change(ctx, func(t *transaction) (err error) {
		l.own = nil // of an earlier try
		if l.own, err = t.dataKey(""); err != nil {
			return err
		}
		return t.startChain()
	}); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// Close ends the feeds and closes the ledger.
func (l *Ledger) Close() error {
	l.close()
	l.polls.Wait()
	return l.db.close()
}

// Ping writes one small row and waits until it is on disk: a ledger that can
// be read and not written is not ready.
func (l *Ledger) Ping(ctx context.Context) error {
	return l.touch(ctx, func(t *transaction) error {
		_, err := t.exec(`INSERT INTO meta (name, value) VALUES ('ping', ?)
			ON CONFLICT (name) DO UPDATE SET value = excluded.value`, t.at.UTC().Format(time.RFC3339))
		return err
	})
}

// Pseudonym stands for a value in logs and audit rows: 16 hex digits, the same
// for the same kind and value under one index key, and of no use to whoever
// lacks that key (the number of possible citizen numbers is small).
func (l *Ledger) Pseudonym(kind, value string) string {
	return hex.EncodeToString(keyedHash(l.keys.pseudonym, kind, value)[:8])
}

// Sweep deletes what has no use any more: spent ids, counters, revocations and
// secrets past their time; audit rows, answered checks, closed write-backs and
// the clean-up's answers past Config.AuditKeep. Links, consents, skips and
// exemptions stay. ErrChain: a checkpoint is not signed, and no audit row was
// deleted.
func (l *Ledger) Sweep(ctx context.Context) error {
	if err := l.change(ctx, (*transaction).sweep); err != nil {
		return err
	}
	return l.change(ctx, (*transaction).dropAudit)
}

func (t *transaction) sweep() error {
	for _, statement := range []string{
		"DELETE FROM spent WHERE expires_at <= ?",
		"DELETE FROM counters WHERE until_at <= ?",
		"DELETE FROM revocations WHERE until_at <= ?",
		"DELETE FROM secrets WHERE expires_at <= ?",
	} {
		// Another process's clock may be behind ours.
		if _, err := t.exec(statement, stamp(t.at.Add(-clockSkew))); err != nil {
			return err
		}
	}
	if err := t.endIndexMove(); err != nil {
		return err
	}
	for _, table := range []string{"pending", "reviews", "write_backs", "unlinks", "notices"} {
		if _, err := t.exec("DELETE FROM "+table+" WHERE closed_at <= ?", stamp(t.at.Add(-t.ledger.config.AuditKeep))); err != nil {
			return err
		}
	}
	// What was answered that long ago is asked anew.
	_, err := t.exec("DELETE FROM clean_states WHERE at <= ? AND state <> 'cannot_be_cleaned'", stamp(t.at.Add(-t.ledger.config.AuditKeep)))
	return err
}

const clockSkew = time.Minute // between machines that share a ledger, at most

// now is the clock in the ledger's precision, so that what is returned equals
// what is stored.
func (l *Ledger) now() time.Time { return moment(stamp(l.config.Now())) }

// keyedTables are the tables whose rows name the key that opens them.
var keyedTables = []string{
	"citizens", "identifiers", "links", "skips", "revocations", "pending", "reviews", "review_votes", "notices", "exemptions", "clean_states",
	"audit", "audit_keys", "audit_checkpoints", "audit_head",
}

// checkKeys compares the keys that rows need with those at hand.
func (l *Ledger) checkKeys(ctx context.Context) error {
	// Revocations past their time need no key.
	if err := l.change(ctx, (*transaction).sweep); err != nil {
		return err
	}
	return l.change(ctx, func(t *transaction) error {
		if _, err := t.exec(`INSERT INTO meta (name, value) VALUES (?, ?)
			ON CONFLICT (name) DO NOTHING`, metaIndex, l.keys.indexID); err != nil {
			return err
		}
		for _, table := range keyedTables {
			if err := t.checkTable(table); err != nil {
				return err
			}
		}
		return nil
	})
}

// checkTable steps from one key id to the next along the index, so that it
// costs as many look-ups as there are keys, however many rows.
func (t *transaction) checkTable(table string) error {
	for last := ""; ; {
		var next sql.NullString
		if _, err := t.one("SELECT MIN(key_id) FROM "+table+" WHERE key_id > ?", []any{last}, &next); err != nil {
			return err
		}
		if !next.Valid {
			return nil
		}
		if _, ok := t.ledger.keys.aeads[next.String]; !ok {
			return fmt.Errorf("%w: rows of %s need ledger key %s", ErrKey, table, next.String)
		}
		last = next.String
	}
}
