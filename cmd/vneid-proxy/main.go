// Command vneid-proxy moves a legacy portal's people to VNeID: an OpenID
// Connect broker and a reverse proxy in one process. It wires the packages of
// this module together and decides nothing itself.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"

	"vneid-proxy/config"
)

// version is set by the linker in releases; otherwise it is what the build
// says of itself.
var version = ""

// commands is the command line.
type commands struct {
	Serve      serveCommand      `cmd:"" help:"Serve a portal, as the environment (VNEID_PROXY_*) says."`
	Demo       demoCommand       `cmd:"" help:"Serve a simulated portal with a simulated VNeID and population database, all on loopback."`
	Check      checkCommand      `cmd:"" help:"Try the configuration against everything that it names, and say what is wrong and how to mend it."`
	Accounts   accountsCommand   `cmd:"" help:"Clean the portal's accounts up: find those without a citizen number, with a damaged one, and duplicates; ask the population database about the rest."`
	Reviews    reviewsCommand    `cmd:"" help:"What waits for staff: list, show, and decide by two officers."`
	Links      linksCommand      `cmd:"" help:"Which citizen an account belongs to, and since when; end a link."`
	Exemptions exemptionsCommand `cmd:"" help:"Excuse single accounts from linking for a while, or give them more time."`
	Audit      auditCommand      `cmd:"" help:"Read the audit of the ledger that the environment names."`
	Ledger     ledgerCommand     `cmd:"" help:"Check the ledger that the environment names, or change its keys."`
	Version    versionCommand    `cmd:"" help:"Print the version."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Environ()))
}

// run is main without the process: it returns the exit code. 2 is a fault of
// the command line or the configuration, 1 any other.
func run(ctx context.Context, args, environ []string) int {
	var c commands
	parser, err := kong.New(&c, kong.Name("vneid-proxy"), kong.UsageOnError(),
		kong.Description("Moves a legacy portal's people to VNeID."),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(environment(environ), terminal{os.Stdin, os.Stdout}))
	if err != nil {
		fmt.Fprintln(os.Stderr, "vneid-proxy:", err)
		return 1
	}
	chosen, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintln(os.Stderr, "vneid-proxy:", err)
		return 2
	}
	if err := chosen.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "vneid-proxy:", err)
		var faults *config.Faults
		if errors.As(err, &faults) {
			return 2
		}
		return 1
	}
	return 0
}

// environment is the process environment, a type of its own so that kong can
// hand it to a command.
type environment []string

// terminal is where a command reads and writes.
type terminal struct {
	in  io.Reader
	out io.Writer
}

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run() error {
	fmt.Println("vneid-proxy", buildVersion())
	return nil
}

func buildVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
