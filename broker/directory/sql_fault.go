package directory

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strconv"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
	mssql "github.com/microsoft/go-mssqldb"
	"github.com/sijms/go-ora/v2/network"
)

// sqlFault is what a driver said, in this package's words: drivers repeat
// values, statements and addresses. The database's code for the error is kept,
// and what went wrong below it, on the network.
func sqlFault(ctx context.Context, err error) error {
	cause := error(errNoAnswer)
	switch code := sqlCode(err); {
	case code != "":
		cause = errors.New("the database answers " + code)
	case ctx.Err() != nil:
		cause = ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		cause = context.DeadlineExceeded
	default:
		var operation *net.OpError
		var record tls.RecordHeaderError
		var verification *tls.CertificateVerificationError
		switch {
		case errors.As(err, &verification):
			cause = &quiet{"the certificate", verification}
		case errors.As(err, &record):
			cause = &quiet{"no TLS", record}
		case errors.As(err, &operation):
			cause = &quiet{"the network", operation}
		}
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, cause)
}

var errNoAnswer = errors.New("no answer")

// quiet is an error below the database's own, whose text would hold names and
// addresses.
type quiet struct {
	text string
	err  error
}

func (q *quiet) Error() string { return q.text }
func (q *quiet) Unwrap() error { return q.err }

// sqlCode is the database's own code for an error, "" where it gave none.
func sqlCode(err error) string {
	var postgres *pgconn.PgError
	var my *mysql.MySQLError
	var server mssql.Error
	var ora *network.OracleError
	switch {
	case errors.As(err, &postgres) && regexp.MustCompile(`^[0-9A-Z]{5}$`).MatchString(postgres.Code):
		return "SQLSTATE " + postgres.Code
	case errors.As(err, &my):
		return "error " + strconv.Itoa(int(my.Number))
	case errors.As(err, &server):
		return "error " + strconv.Itoa(int(server.Number))
	case errors.As(err, &ora):
		return fmt.Sprintf("ORA-%05d", ora.ErrCode)
	}
	return ""
}
