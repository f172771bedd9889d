package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/netutil"
	"golang.org/x/sync/errgroup"

	"vneid-proxy/config"
	"vneid-proxy/proxy"
)

// serve runs one portal's proxy until ctx ends, then drains: readiness says no
// at once, requests are taken for DRAIN_DELAY more, so that load balancers
// hear of it, and running ones have DRAIN_TIMEOUT to finish. ready, if not
// nil, is called once both listeners are open.
func serve(ctx context.Context, c config.Config, logger *slog.Logger, ready func()) (err error) {
	// What runs beside requests goes on while they drain.
	working, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	a, err := newApp(working, c, logger, time.Now)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.close()) }()

	public, err := listen(c)
	if err != nil {
		return err
	}
	admin, err := net.Listen("tcp", c.Listen.Admin)
	if err != nil {
		return errors.Join(err, public.Close())
	}
	servers := []*http.Server{proxy.Server(a.proxy), adminServer(a.adminHandler(c.Process.Pprof))}
	for _, s := range servers {
		s.ErrorLog = slog.NewLogLogger(logger.Handler(), slog.LevelDebug)
	}
	group, ended := errgroup.WithContext(working)
	for i, listener := range []net.Listener{public, admin} {
		group.Go(func() error {
			if err := servers[i].Serve(listener); !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("serve %s: %w", listener.Addr(), err)
			}
			return nil
		})
	}
	group.Go(func() error { a.work.Run(ended); return nil })
	group.Go(func() error { a.watch(ended); return nil })
	group.Go(func() error { a.watchExcuses(ended); return nil })
	logger.Info("serving", "version", buildVersion(), "listen", public.Addr().String(),
		"admin", admin.Addr().String(), "public_url", c.Public.URL.String(), "upstream", c.Portal.Upstream.String())
	if ready != nil {
		ready()
	}

	select {
	case <-ended.Done(): // a listener failed
	case <-ctx.Done():
		a.draining.Store(true)
		logger.Info("draining", "delay", c.Process.DrainDelay, "timeout", c.Process.DrainTimeout)
		select {
		case <-time.After(c.Process.DrainDelay):
		case <-ended.Done():
		}
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.Process.DrainTimeout)
	defer cancel()
	err = a.proxy.Close(stopping)
	for _, s := range servers {
		if shutdown := s.Shutdown(stopping); shutdown != nil {
			err = errors.Join(err, shutdown, s.Close())
		}
	}
	stopWork()
	return errors.Join(err, group.Wait())
}

func listen(c config.Config) (net.Listener, error) {
	settings := net.ListenConfig{Control: boundStall(time.Minute)}
	plain, err := settings.Listen(context.Background(), "tcp", c.Listen.Address)
	if err != nil {
		return nil, err
	}
	if c.Listen.Connections > 0 {
		plain = netutil.LimitListener(plain, c.Listen.Connections)
	}
	if c.Listen.TLSCertFile == "" {
		return plain, nil
	}
	certificate, err := tls.LoadX509KeyPair(c.Listen.TLSCertFile, c.Listen.TLSKeyFile)
	if err != nil {
		return nil, errors.Join(err, plain.Close())
	}
	return tls.NewListener(plain, &tls.Config{
		MinVersion:   tls.VersionTLS12,
		Certificates: []tls.Certificate{certificate},
		NextProtos:   []string{"h2", "http/1.1"},
	}), nil
}

// adminServer bounds what a scraper or a probe may cost. Profiles take up to
// half a minute to write.
func adminServer(h http.Handler) *http.Server {
	return &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 60 * time.Second}
}
