#!/usr/bin/env bash
# Runs the benchmarks of docs/benchmarks.md. Each of ours runs beside a bare counterpart in the same run: quote the ratios
# of the medians, never single absolute figures. COUNT sets how often each runs.
set -euo pipefail
cd "$(dirname "$0")/.."
export CGO_ENABLED=0

count=${COUNT:-5}
go test -run '^$' -bench 'FindRecord|CreateRecord' -benchtime 3s -count "$count" ./cmd/botverse
go test -run '^$' -bench 'Start|IdleSubscribers' -benchtime 3x -count 1 ./cmd/botverse
for _ in $(seq "$count"); do # ours and the bare one right after the other, for the machine's speed changes
  go test -run '^$' -bench 'FanOut$/to-1000$|FanOutSSE' -benchtime 600x ./server
  go test -run '^$' -bench 'FanOut$/to-10000$' -benchtime 60x ./server
  go test -run '^$' -bench 'Intake' -benchtime 5000x ./server
done
go test -run '^$' -bench 'Snapshot' -benchtime 5x ./server
go test -run '^$' -bench . ./actions/... ./presence
