package directory

import (
	"cmp"
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
	if _, set := address.User.Password(); set || address.Hostname() == "" {
		return nil, fmt.Errorf("%w: want a host, and no password in it", errDatabaseURL)
	}
	switch address.Scheme {
	case "postgres":
		cfg, err := postgresConfig(address, password)
		if err != nil {
			return nil, errDatabaseURL
		}
		return stdlib.GetConnector(*cfg), nil
	case "mysql":
		cfg, err := mysqlConfig(address, password)
		if err != nil {
			return nil, errDatabaseURL
		}
		connector, err := mysql.NewConnector(cfg)
		if err != nil {
			return nil, errDatabaseURL
		}
		return connector, nil
	case "sqlserver":
		cfg, err := sqlserverConfig(address, password)
		if err != nil {
			return nil, errDatabaseURL
		}
		return mssql.NewConnectorConfig(cfg), nil
	case "oracle":
		return oracle.NewConnector(oracleURL(address, password)), nil
	}
	return nil, errDatabaseURL
}

// secured are the options of a URL, with one more where the host is beyond
// loopback and the option is not there.
func secured(u *url.URL, name, value string) url.Values {
	options := u.Query()
	if !options.Has(name) && !loopback(u.Hostname()) {
		options.Set(name, value)
	}
	return options
}

func postgresConfig(address *url.URL, password string) (*pgx.ConnConfig, error) {
	u, options := *address, secured(address, "sslmode", "verify-full")
	if !options.Has("sslmode") {
		options.Set("sslmode", "prefer") // whatever the process's environment says
	}
	u.RawQuery = options.Encode()
	cfg, err := pgx.ParseConfig(u.String())
	if err == nil {
		cfg.Password = password
	}
	return cfg, err
}

// mysqlConfig translates the URL. Values are bound on the server, texts are
// UTF-8, dates come as the texts that stand there, and a row that matched an
// update counts although it did not change.
func mysqlConfig(u *url.URL, password string) (*mysql.Config, error) {
	host := net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "3306"))
	cfg, err := mysql.ParseDSN("tcp(" + host + ")/?" + secured(u, "tls", "true").Encode())
	if err != nil {
		return nil, err
	}
	cfg.User, cfg.Passwd, cfg.DBName = u.User.Username(), password, strings.TrimPrefix(u.Path, "/")
	cfg.ParseTime, cfg.InterpolateParams, cfg.MultiStatements, cfg.AllowAllFiles = false, false, false, false
	cfg.ClientFoundRows = true
	cfg.Logger = &mysql.NopLogger{} // it would write to standard error
	return cfg, cfg.Apply(mysql.Charset("utf8mb4", ""))
}

func sqlserverConfig(address *url.URL, password string) (msdsn.Config, error) {
	u := *address
	u.RawQuery = secured(address, "encrypt", "true").Encode()
	cfg, err := msdsn.Parse(u.String())
	cfg.Password = password
	return cfg, err
}

func oracleURL(address *url.URL, password string) string {
	u := *address
	u.RawQuery = strings.ReplaceAll(secured(address, "SSL", "true").Encode(), "+", "%20")
	u.User = url.UserPassword(u.User.Username(), password)
	return u.String()
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
