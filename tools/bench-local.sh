#!/usr/bin/env bash
# Runs the benchmarks of the local Dataverse on 1,000,000 contacts and 100,000 accounts: see docs/benchmarks.md. The first run
# makes the data set, which takes some two minutes and 1.8 GB and is kept for the next: in BOTVERSE_BENCH_DIR, or else in the
# temporary directory. COUNT sets how often each benchmark runs.
set -euo pipefail
cd "$(dirname "$0")/.."
export CGO_ENABLED=0

count=${COUNT:-3}
go test -run '^$' -bench 'Find|Fetch' -benchtime 400x -count "$count" ./dataverse/local/bench
go test -run '^$' -bench 'PhoneDigits' -benchtime 5x -count "$count" ./dataverse/local/bench
go test -run '^$' -bench 'Pages' -benchtime 1x -count "$count" ./dataverse/local/bench
go test -run '^$' -bench 'Create' -benchtime 10x -count "$count" ./dataverse/local/bench
