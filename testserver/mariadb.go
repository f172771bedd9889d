package testserver

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// MariaDB is one server, whose user "test" may do everything without a
// password.
type MariaDB struct {
	address   string
	databases atomic.Int32
}

// StartMariaDB starts a server that ends with the test.
func StartMariaDB(t testing.TB) *MariaDB {
	t.Helper()
	server := find(t, "mariadb-server", "/usr/sbin/mariadbd")
	who := credential(t, "mysql") // root's would be refused
	dir, port := folder(t, who), freePort(t)
	data, first := filepath.Join(dir, "data"), filepath.Join(dir, "first.sql")
	run(t, who, dir, find(t, "mariadb-server", "/usr/bin/mariadb-install-db"),
		"--no-defaults", "--datadir="+data, "--auth-root-authentication-method=normal", "--skip-test-db")
	if err := os.WriteFile(first, []byte("CREATE USER test@'127.0.0.1' IDENTIFIED BY '';\nGRANT ALL ON *.* TO test@'127.0.0.1' WITH GRANT OPTION;\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	m := &MariaDB{address: "127.0.0.1:" + port}
	start(t, who, dir, syscall.SIGTERM, func(ctx context.Context) error { return m.do(ctx, "SELECT 1") },
		server, "--no-defaults", "--datadir="+data, "--port="+port, "--bind-address=127.0.0.1", "--skip-name-resolve",
		"--socket="+filepath.Join(dir, "s"), "--pid-file="+filepath.Join(dir, "pid"), "--init-file="+first,
		"--innodb-buffer-pool-size=16M", "--character-set-server=utf8mb4")
	return m
}

// Database makes an empty database and returns its URL, "mysql://…".
func (m *MariaDB) Database(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("test%d", m.databases.Add(1))
	if err := m.do(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	return "mysql://test@" + m.address + "/" + name
}

// Do runs statements, separated by semicolons, in the database of a URL that
// Database has returned.
func (m *MariaDB) Do(t testing.TB, database, statements string) {
	t.Helper()
	if err := m.in(t.Context(), database[strings.LastIndex(database, "/")+1:], statements); err != nil {
		t.Fatal(err)
	}
}

func (m *MariaDB) do(ctx context.Context, statement string) error { return m.in(ctx, "", statement) }

func (m *MariaDB) in(ctx context.Context, database, statements string) error {
	cfg := mysql.NewConfig()
	cfg.User, cfg.Net, cfg.Addr, cfg.DBName, cfg.MultiStatements = "test", "tcp", m.address, database, true
	cfg.Logger = &mysql.NopLogger{} // until it listens, it refuses
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	defer func() { _ = db.Close() }()
	_, err = db.ExecContext(ctx, statements)
	return err
}
