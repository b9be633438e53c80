.DEFAULT_GOAL := help
export PATH := $(CURDIR)/bin:$(PATH)
export CGO_ENABLED ?= 0

# The packages that have goroutines: the race detector runs on these. SQLite itself is left out, C that was made into Go: half of all
# time went into watching it, and each connection is one goroutine's. Its driver is watched.
RACE = ./actions/... ./cmd/... ./dataverse/... ./journal/... ./presence/... ./server/...
UNWATCHED = modernc.org/sqlite/lib modernc.org/libc/... modernc.org/memory
RACEFLAGS = -race $(foreach p,$(UNWATCHED),-gcflags='$(p)=-race=false -d=checkptr=0')

.PHONY: help
help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 18

.PHONY: build
build: ## Build bin/botverse, static and stripped
	go build -trimpath -ldflags='-s -w' -o bin/botverse ./cmd/botverse

.PHONY: run
run: ## Run everything with a local Dataverse inside
	go run ./cmd/botverse serve

.PHONY: test
test: ## Run the tests
	go test ./...

.PHONY: race
race: ## Run the tests under the race detector
	CGO_ENABLED=1 go test $(RACEFLAGS) $(RACE)

.PHONY: cluster
cluster: ## Run the tests that need a cluster of three NATS servers
	go vet -tags cluster ./journal ./cmd/botverse
	go test -tags cluster -run Cluster ./journal ./cmd/botverse

.PHONY: soak
soak: ## Kill and restart machines and NATS servers under load for DURATION (default 10m); SEED repeats a run
	SOAK_DURATION=$(or $(DURATION),10m) SOAK_SEED=$(SEED) go test -tags cluster -count=1 -v -timeout 24h -run 'TestSoakOnCluster$$' ./cmd/botverse

.PHONY: clients
clients: ## Drive the local Dataverse with the client libraries of others (needs Node.js)
	tools/clients.sh

.PHONY: bench
bench: ## Run the benchmarks of docs/benchmarks.md
	tools/bench.sh

.PHONY: lint
lint: bin/golangci-lint ## Vet and lint
	golangci-lint run

.PHONY: generate
generate: bin/buf third_party ## Generate gen/ from proto/
	rm -rf gen/botverse gen/openapi/*.yaml
	buf format -w proto
	buf generate

.PHONY: proto-lint
proto-lint: bin/buf third_party ## Lint the protos
	buf lint

.PHONY: proto-breaking
proto-breaking: bin/buf third_party ## Check that the protos break nothing since BASE (default: where main was left)
	tools/breaking.sh $(BASE)

.PHONY: tools
tools: bin/buf bin/golangci-lint third_party ## Build the tools into bin/

bin/buf: tools/go.mod tools/go.sum
	GOBIN=$(CURDIR)/bin go install -modfile=tools/go.mod tool
	@touch $@

bin/golangci-lint: tools/lint/go.mod tools/lint/go.sum
	GOBIN=$(CURDIR)/bin go install -modfile=tools/lint/go.mod tool
	@touch $@

third_party: tools/third-party.sh
	tools/third-party.sh
	@touch $@
