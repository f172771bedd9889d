package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"vneid-proxy/broker/ledger"
)

// What a PostgreSQL server should keep to.
const (
	latencyHigh = 20 * time.Millisecond // a sign-in asks some ten times, one after the other
	clockApart  = time.Second           // sessions are older or newer than a link by the clocks of different machines
)

// ledgerServer looks whether serve would start on the database.
func (i *inspection) ledgerServer(ctx context.Context) findings {
	name := variable("LEDGER_URL")
	seen, err := ledger.Inspect(ctx, ledgerConfig(i.config))
	s := seen.Server
	switch {
	case err != nil && (s == nil || s.Version == ""):
		return findings{ledgerServer.fault("the server cannot be reached, or does not let this user in", name+" and "+variable("LEDGER_PASSWORD")+
			": host, port, database, user, password and sslmode as the server's administrator gave them; its pg_hba.conf must let this machine in")}
	case s.TooOld:
		return findings{ledgerServer.fault("PostgreSQL "+s.Version+" is too old", name+": a server of version 14 or newer")}
	case s.Standby:
		return findings{ledgerServer.fault("it only reads: a standby, or a user set to read", name+": the primary; with several hosts, target_session_attrs=read-write")}
	}
	found := findings{ledgerServer.ok("PostgreSQL " + s.Version + " answers"), latency(s.Latency), clock(s.Clock), connections(s.Free)}
	if seen.Durable {
		found = append(found, ledgerDurable.ok("what is confirmed is on disk before (synchronous_commit, fsync)"))
	} else {
		found = append(found, ledgerDurable.fault("commits are confirmed before they are on disk: serve refuses it",
			"set synchronous_commit and fsync to on for this database and user"))
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return append(found, ledgerRights.fault("somebody else has kept the ledger locked for longer than "+variable("CALL_TIMEOUT"),
			"look in pg_stat_activity for who waits in a transaction"))
	case err != nil:
		return append(found, ledgerRights.fault("the tables are another program's, or cannot be read", name+": a database of the ledger's own"))
	case len(s.Forbidden) > 0:
		return append(found, ledgerRights.fault("the user may not: "+strings.Join(s.Forbidden, "; "), "make the user the owner of the database"))
	}
	found = append(found, ledgerRights.ok("the user may do what the ledger needs"))
	if seen.Absent {
		return append(found, ledgerTables.ok("there are none yet: serve makes them"))
	}
	return append(append(found, tables(ledgerTables, seen)), contents(seen)...)
}

func latency(took time.Duration) finding {
	says := fmt.Sprintf("a question is answered within %.1f ms", float64(took.Microseconds())/1000)
	if took > latencyHigh {
		return ledgerLatency.warning(says, "have the ledger near its processes: each sign-in asks it some ten times")
	}
	return ledgerLatency.ok(says)
}

// clock compares the server's with ours. Processes compare times that others
// of them have written.
func clock(ahead time.Duration) finding {
	if apart := ahead.Abs(); apart > clockApart {
		return ledgerClock.warning(fmt.Sprintf("the server's clock and this machine's are %s apart", apart.Round(time.Second/10)), "synchronise the clocks of all machines (NTP)")
	}
	return ledgerClock.ok("the server's clock and this machine's agree within a second")
}

func connections(free int) finding {
	says := fmt.Sprintf("%d connections are free", free)
	if free < ledger.PostgresConnections {
		return ledgerConnections.warning(says, fmt.Sprintf("raise max_connections: each process may open %d", ledger.PostgresConnections))
	}
	return ledgerConnections.ok(says)
}
