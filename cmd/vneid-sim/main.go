// Command vneid-sim runs the simulators of package vneidtest as processes on
// loopback: a VNeID, a population database and a legacy portal, each alone or
// all at once; and a storybook of every screen of the product. It ends cleanly
// on SIGINT and SIGTERM. What they serve, and the knobs that make them slow,
// down, wrong or lying, is told in the comment of that package; --help lists
// the flags.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "vneid-sim:", err)
		os.Exit(1)
	}
}
