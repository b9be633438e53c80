#!/usr/bin/env bash
# Runs the benchmarks of docs/benchmarks.md. Each of ours runs beside a bare counterpart in the same run: quote the ratios
# of the medians, never single absolute figures. COUNT sets how often each runs.
set -euo pipefail
cd "$(dirname "$0")/.."
export CGO_ENABLED=0

count=${COUNT:-5}
go test -run '^$' -bench 'FindRecord|CreateRecord' -benchtime 3s -count "$count" ./cmd/botverse
go test -run '^$' -bench 'Start' -benchtime 5x -count 1 ./cmd/botverse
go test -run '^$' -bench . -benchtime 100x -count "$count" ./server
go test -run '^$' -bench . ./actions/... ./presence
