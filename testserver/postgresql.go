package testserver

import (
	"context"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

// PostgreSQL is one server, whose only user may do everything without a
// password.
type PostgreSQL struct {
	address   string
	databases atomic.Int32
}

// StartPostgreSQL starts a server that ends with the test. It keeps what is
// committed through a crash of its own, as in production.
func StartPostgreSQL(t testing.TB) *PostgreSQL {
	t.Helper()
	server := find(t, "postgresql", "/usr/lib/postgresql/*/bin/postgres")
	who := credential(t, "postgres") // it refuses to be root's
	dir, port := folder(t, who), freePort(t)
	data := filepath.Join(dir, "data")
	run(t, who, dir, filepath.Join(filepath.Dir(server), "initdb"),
		"--pgdata", data, "--username", "test", "--auth", "trust", "--encoding", "UTF8", "--locale", "C.UTF-8")
	p := &PostgreSQL{address: "127.0.0.1:" + port}
	// An interrupt disconnects whoever is there and stops at once, in good order.
	start(t, who, dir, syscall.SIGINT, func(ctx context.Context) error { return p.do(ctx, "SELECT 1") },
		server, "-D", data, "-p", port, "-h", "127.0.0.1", "-k", dir, "-c", "max_connections=200")
	return p
}

// Database makes an empty database and returns its URL, "postgres://…".
func (p *PostgreSQL) Database(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("test%d", p.databases.Add(1))
	if err := p.do(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	return p.url(name)
}

// Do runs statements, separated by semicolons, in the database of a URL that
// Database has returned.
func (p *PostgreSQL) Do(t testing.TB, database, statements string) {
	t.Helper()
	if err := p.in(t.Context(), database, statements); err != nil {
		t.Fatal(err)
	}
}

func (p *PostgreSQL) url(database string) string {
	return "postgres://test@" + p.address + "/" + database + "?sslmode=disable"
}

func (p *PostgreSQL) do(ctx context.Context, statement string) error {
	return p.in(ctx, p.url("postgres"), statement)
}

func (p *PostgreSQL) in(ctx context.Context, database, statements string) error {
	connection, err := pgx.Connect(ctx, database)
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close(ctx) }()
	_, err = connection.Exec(ctx, statements)
	return err
}
