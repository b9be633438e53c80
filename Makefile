.DEFAULT_GOAL := help
export PATH := $(CURDIR)/bin:$(PATH)
export CGO_ENABLED ?= 0

.PHONY: help
help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /  \1\t/p' $(MAKEFILE_LIST) | expand -t 18

bin/buf: tools/go.mod tools/go.sum
	GOBIN=$(CURDIR)/bin go install -modfile=tools/go.mod tool
	@touch bin/buf

third_party: tools/third-party.sh
	tools/third-party.sh
	@touch third_party

.PHONY: generate
generate: bin/buf third_party ## Generate gen/ from proto/
	rm -rf gen/botverse gen/openapi/*.yaml
	buf format -w proto
	buf generate

.PHONY: proto-lint
proto-lint: bin/buf third_party ## Lint the protos
	buf lint

.PHONY: proto-breaking
proto-breaking: bin/buf third_party ## Check the protos for breaking changes against BASE (default origin/main or HEAD~1)
	tools/breaking.sh $(BASE)
