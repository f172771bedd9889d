package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"vneid-proxy/broker/ledger"
)

// Free space in bytes under which a ledger is short of it, and cannot work.
const (
	spaceShort = 256 << 20
	spaceNone  = 16 << 20
)

// ledger looks whether serve would start on the file or database.
func (i *inspection) ledger(ctx context.Context) findings {
	ctx, cancel := context.WithTimeout(ctx, i.config.Process.CallTimeout)
	defer cancel()
	name := variable("LEDGER_URL")
	address, err := url.Parse(i.config.Ledger.URL.Reveal())
	if err != nil {
		return findings{ledgerFolder.fault("the address cannot be read", name+": sqlite:// and the absolute path of a file, or postgres://")}
	}
	if address.Scheme != "sqlite" {
		return i.ledgerServer(ctx)
	}
	folder := filepath.Dir(address.Path)
	if err := writable(folder); err != nil {
		says := "this user may not write to the folder " + folder
		if _, missing := os.Stat(folder); missing != nil {
			says = "there is no folder " + folder
		}
		return findings{ledgerFolder.fault(says, name+": a folder of a local disk that exists and belongs to this process's user")}
	}
	found := findings{ledgerFolder.ok("the folder can be written to")}
	if free, known := freeSpace(folder); known {
		found = append(found, space(free))
	}

	seen, err := ledger.Inspect(ctx, ledgerConfig(i.config))
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return append(found, ledgerFile.fault("somebody else has kept it locked for longer than "+variable("CALL_TIMEOUT"),
			"end whatever has the file open beside vneid-proxy (a shell of sqlite3, a backup)"))
	case err != nil:
		return append(found, ledgerFile.fault("the file is no ledger, is damaged, or this user may not write to it",
			name+": another file, or restore it from its backup; run check as the user that serves"))
	case seen.Absent:
		return append(found, ledgerFile.ok("there is none yet: serve makes it"))
	}
	found = append(found, tables(ledgerFile, seen))
	if seen.Durable {
		found = append(found, ledgerDurable.ok("what is confirmed is on disk before (WAL, synchronous=FULL)"))
	} else {
		found = append(found, ledgerDurable.warning("it is not in WAL mode: another program has changed it", "nothing else may write to the file; serve sets the mode again"))
	}
	return append(found, contents(seen)...)
}

// tables says whether they are those of this release.
func tables(subject subject, seen ledger.Inspection) finding {
	switch {
	case seen.Version > seen.Newest:
		return subject.fault("a newer release has made or changed it", "run that release, or restore the copy from before it")
	case seen.Version < seen.Newest:
		return subject.ok(fmt.Sprintf("opens; serve will bring its tables from version %d to %d", seen.Version, seen.Newest))
	}
	return subject.ok("opens, and its tables are up to date")
}

// contents says whether the keys fit and the audit is as it was left.
func contents(seen ledger.Inspection) findings {
	if seen.Keys != nil { // names the key's id, never the key
		return findings{ledgerKeys.fault(seen.Keys.Error(),
			variable("LEDGER_KEYS")+" or "+variable("LEDGER_INDEX_KEY")+": give back the key of that id; old ones stay in the list")}
	}
	found := findings{ledgerKeys.ok("every row's key is at hand")}
	if seen.Chain != nil {
		return append(found, ledgerAudit.fault("the audit chain does not end as it was left", "find out who changed it; vneid-proxy audit verify names the row"))
	}
	return append(found, ledgerAudit.ok("the audit chain ends as it was left"))
}

// writable makes a file in the folder and takes it away.
func writable(folder string) error {
	file, err := os.CreateTemp(folder, ".vneid-proxy-check-")
	if err != nil {
		return err
	}
	return errors.Join(file.Close(), os.Remove(file.Name()))
}

func space(free uint64) finding {
	says := fmt.Sprintf("%d MiB are free", free>>20)
	mend := "make room on the disk of " + variable("LEDGER_URL")
	switch {
	case free < spaceNone:
		return ledgerSpace.fault(says, mend)
	case free < spaceShort:
		return ledgerSpace.warning(says, mend)
	}
	return ledgerSpace.ok(says)
}
