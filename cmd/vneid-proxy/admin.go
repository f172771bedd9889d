package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/pprof"
	"sync"
	"time"
)

// adminHandler serves the operator: metrics, probes, version, and profiles
// when asked for.
func (a *app) adminHandler(profiles bool) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", a.metrics.Handler())
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", a.ready)
	mux.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]string{"version": buildVersion()})
	})
	if profiles {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	return mux
}

// ready answers by what lets live sessions through: a fresh revocation feed,
// and not being about to stop. The other components are named, and never make
// this process unready: their being down costs new sign-ins only.
func (a *app) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), time.Second)
	defer cancel()
	components := map[string]string{
		"revocation_feed": "ok", "serving": "ok", "ledger": state(a.ledger.Ping(ctx)),
	}
	a.providerStates(ctx, components)
	status := http.StatusOK
	if age := a.feed.Age(a.now()); age > a.config.Session.RevocationMaxAge {
		components["revocation_feed"], status = "too old", http.StatusServiceUnavailable
	}
	if a.draining.Load() {
		components["serving"], status = "draining", http.StatusServiceUnavailable
	}
	writeJSON(w, status, components)
}

// providerStates asks all providers at once: one that is slow takes no time of
// the others.
func (a *app) providerStates(ctx context.Context, components map[string]string) {
	states := make([]string, len(a.providers))
	var asking sync.WaitGroup
	for i, f := range a.providers {
		asking.Go(func() { states[i] = state(a.profiles[f.Name].Status(ctx)) })
	}
	asking.Wait()
	for i, f := range a.providers {
		components[system(f.Name)] = states[i]
	}
}

func state(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, context.DeadlineExceeded):
		return "slow"
	}
	return "unavailable"
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // whoever went away needs no answer
}
