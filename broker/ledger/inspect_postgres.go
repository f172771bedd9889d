package ledger

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/stdlib"
)

// inspectPostgres looks at the server first, and at the tables where it lets
// us in as Open must be.
func (l *Ledger) inspectPostgres(ctx context.Context, found *Inspection) (err error) {
	if found.Newest, err = newestVersion("postgres"); err != nil {
		return err
	}
	config, err := postgresConfig(l.config)
	if err != nil {
		return err
	}
	db := stdlib.OpenDB(*config) // however it is set: we are to say how
	db.SetMaxOpenConns(1)
	defer func() { err = errors.Join(err, db.Close()) }()
	found.Server = &Server{}
	if err := found.Server.look(ctx, db, l.config.Now); err != nil {
		return fault(err)
	}
	var synchronous, fsync, tables string
	if err := db.QueryRowContext(ctx, `SELECT current_setting('synchronous_commit'), current_setting('fsync'),
		COALESCE(current_schema(), '')`).Scan(&synchronous, &fsync, &tables); err != nil {
		return fault(err)
	}
	found.Durable = synchronous != "off" && fsync != "off"
	if found.Server.TooOld || found.Server.Standby {
		return nil
	}
	l.db = &postgres{db, db}
	return l.look(ctx, func(t *transaction) error { return t.inspectPostgres(found) })
}

// look asks the server about itself, a few times for its latency.
func (s *Server) look(ctx context.Context, db *sql.DB, now func() time.Time) error {
	for range 3 {
		var at float64
		begun := now()
		if err := db.QueryRowContext(ctx, "SELECT extract(epoch FROM clock_timestamp())::float8").Scan(&at); err != nil {
			return err
		}
		// The first question waited for the connection too.
		if took := now().Sub(begun); s.Latency == 0 || took < s.Latency {
			s.Latency = took
			s.Clock = time.UnixMicro(int64(at * 1e6)).Sub(begun.Add(took / 2))
		}
	}
	var number int
	if err := db.QueryRowContext(ctx, `SELECT current_setting('server_version'), current_setting('server_version_num')::int,
			pg_is_in_recovery() OR current_setting('default_transaction_read_only')::bool,
			current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
				- (SELECT COUNT(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend')`).
		Scan(&s.Version, &number, &s.Standby, &s.Free); err != nil {
		return err
	}
	s.TooOld = number/10000 < oldestPostgres
	return nil
}

func (t *transaction) inspectPostgres(found *Inspection) error {
	var tables []string
	if err := t.each("SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()", nil, collect(&tables)); err != nil {
		return err
	}
	found.Absent = len(tables) == 0
	var may bool
	if _, err := t.one("SELECT COALESCE(has_schema_privilege(current_schema(), 'CREATE'), FALSE)", nil, &may); err != nil {
		return err
	}
	if !may {
		found.Server.Forbidden = append(found.Server.Forbidden, "CREATE on the schema")
	}
	if found.Absent {
		return nil
	}
	for _, table := range tables {
		if _, err := t.one("SELECT has_table_privilege(quote_ident(?), 'SELECT') AND has_table_privilege(quote_ident(?), 'INSERT')"+
			" AND has_table_privilege(quote_ident(?), 'UPDATE') AND has_table_privilege(quote_ident(?), 'DELETE')",
			[]any{table, table, table, table}, &may); err != nil {
			return err
		}
		if !may {
			found.Server.Forbidden = append(found.Server.Forbidden, "SELECT, INSERT, UPDATE, DELETE on "+strconv.Quote(table))
		}
	}
	if len(found.Server.Forbidden) > 0 {
		return nil
	}
	return t.inspect(found, tables)
}
