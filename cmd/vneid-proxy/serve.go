package main

import (
	"context"
	"log/slog"
	"os"

	"vneid-proxy/config"
)

type serveCommand struct{}

// Run serves until the process is told to stop.
func (serveCommand) Run(ctx context.Context, environ environment) error {
	c, err := config.Load(environ)
	if err != nil {
		return err
	}
	logger := slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: c.Process.LogLevel}))
	return serve(ctx, c, logger, nil)
}
