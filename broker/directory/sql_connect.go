package directory

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	mssql "github.com/microsoft/go-mssqldb"
	"github.com/microsoft/go-mssqldb/msdsn"
	oracle "github.com/sijms/go-ora/v2"
)

// errDatabaseURL does not repeat the address: a driver's own error would, with
// its password.
var errDatabaseURL = errors.New("directory: the database's driver cannot use the URL")

// connect makes what opens connections. Beyond loopback they are over TLS and
// the server's certificate is checked, unless the URL says otherwise in its
// driver's own words.
func connect(address *url.URL, password string) (driver.Connector, error) {
	u := *address
	if _, set := u.User.Password(); set || u.Hostname() == "" {
		return nil, fmt.Errorf("%w: want a host, and no password in it", errDatabaseURL)
	}
	options := u.Query()
	secured := func(name, value string) {
		if !options.Has(name) && !loopback(u.Hostname()) {
			options.Set(name, value)
		}
	}
	switch u.Scheme {
	case "postgres":
		secured("sslmode", "verify-full")
		if !options.Has("sslmode") {
			options.Set("sslmode", "prefer")
		}
		u.RawQuery = options.Encode()
		cfg, err := pgx.ParseConfig(u.String())
		if err != nil {
			return nil, errDatabaseURL
		}
		cfg.Password = password
		return stdlib.GetConnector(*cfg), nil
	case "mysql":
		secured("tls", "true")
		return connectMySQL(&u, options, password)
	case "sqlserver":
		secured("encrypt", "true")
		u.RawQuery = options.Encode()
		cfg, err := msdsn.Parse(u.String())
		if err != nil {
			return nil, errDatabaseURL
		}
		cfg.Password = password
		return mssql.NewConnectorConfig(cfg), nil
	case "oracle":
		secured("SSL", "true")
		u.RawQuery = strings.ReplaceAll(options.Encode(), "+", "%20")
		u.User = url.UserPassword(u.User.Username(), password)
		return oracle.NewConnector(u.String()), nil
	}
	return nil, errDatabaseURL
}

// connectMySQL translates the URL. Values are bound on the server, texts are
// UTF-8, dates come as the texts that stand there, and a row that matched an
// update counts although it did not change.
func connectMySQL(u *url.URL, options url.Values, password string) (driver.Connector, error) {
	cfg, err := mysql.ParseDSN("tcp(x)/?" + options.Encode())
	if err != nil {
		return nil, errDatabaseURL
	}
	port := u.Port()
	if port == "" {
		port = "3306"
	}
	cfg.User, cfg.Passwd = u.User.Username(), password
	cfg.Net, cfg.Addr, cfg.DBName = "tcp", net.JoinHostPort(u.Hostname(), port), strings.TrimPrefix(u.Path, "/")
	cfg.ParseTime, cfg.InterpolateParams, cfg.MultiStatements, cfg.AllowAllFiles = false, false, false, false
	cfg.ClientFoundRows = true
	cfg.Logger = &mysql.NopLogger{} // it would write to standard error
	if err := cfg.Apply(mysql.Charset("utf8mb4", "")); err != nil {
		return nil, errDatabaseURL
	}
	if cfg.TLS != nil && cfg.TLS.ServerName == "" {
		cfg.TLS.ServerName = u.Hostname()
	}
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, errDatabaseURL
	}
	return connector, nil
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
