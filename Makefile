# What each target does, needs and leaves is told in docs/testing.md.

.PHONY: help test test-lint test-go test-fuzz test-browser test-chart test-image demo bench bench-accounts bench-rehearsal generate screenshots clean

help: ## say what the targets do
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 16

test: ## install what is missing and run everything
	@tools/test

test-lint: ## gofmt, go vet, staticcheck
	@tools/test lint

test-go: ## the Go tests with the race detector
	@tools/test go

test-fuzz: ## each fuzz target for a few seconds
	@tools/test fuzz

test-browser: ## the journey in Chromium, with axe and a screenshot of every screen
	@tools/test browser

test-chart: ## helm lint and template, good values and bad
	@tools/test chart

test-image: ## the Dockerfile's steps, without a container engine
	@tools/test image

demo: ## everything on loopback, with simulators: open http://127.0.0.1:8080
	@go run ./cmd/vneid-proxy demo

bench: ## the Go benchmarks, with ratios to a bare reverse proxy in the same run
	@tools/bench

bench-accounts: ## report on 5 million invented accounts (ACCOUNTS=n): exact counts, time, memory
	@BENCH_ACCOUNTS=$${ACCOUNTS:-5000000} go test -count=1 -timeout 60m -run '^TestBenchAccounts$$' -v ./cmd/vneid-proxy

bench-rehearsal: ## five million accounts rehearsed, and each looked at by itself
	go test ./cmd/vneid-proxy -run '^TestRehearsal(OfMany|IsWhatEnforcingDoes)$$' -v -timeout 3h -args -walked $(or $(WALKED),150) -accounts $(or $(ACCOUNTS),5000000) -seeded $(or $(SEEDED),100000) -at $(or $(AT),2026-11-15)

generate: ## the generated files, docs/configuration.md among them
	go generate ./...

screenshots: ## take them anew: .cache/screenshots
	@rm -rf .cache/screenshots
	@tools/test browser
	@ls .cache/screenshots

clean: ## remove what the tests and tools left
	rm -rf .cache e2e/node_modules
