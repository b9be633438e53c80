#!/usr/bin/env bash
# Drives the local Dataverse with client libraries from npm: once without sign-in, once with tokens from its own token endpoint.
# Run it from anywhere: tools/clients.sh [test file...]. The last line is "N passed, N failed".
set -euo pipefail
cd "$(dirname "$0")/.."

for tool in go node npm; do
	command -v "$tool" >/dev/null || { echo "tools/clients.sh: $tool is not installed; these tests need Go, Node.js 20 or later, and npm" >&2; exit 1; }
done
if [[ $(node -p 'process.versions.node.split(".")[0]') -lt 20 ]]; then
	echo "tools/clients.sh: Node.js $(node --version) is too old; these tests need version 20 or later" >&2
	exit 1
fi

work=$(mktemp -d)
server=
stop() {
	[[ -z $server ]] || { kill "$server" && wait "$server"; } 2>/dev/null || true
	server=
}
trap 'stop; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

CGO_ENABLED=0 go build -o "$work/botverse" ./cmd/botverse
cd dataverse/local/clients
npm ci --no-audit --no-fund --ignore-scripts --loglevel=error >"$work/npm.log" 2>&1 || { cat "$work/npm.log" >&2; exit 1; }

passed=0 failed=0
# run NAME REQUIRE_AUTH TESTS... runs tests against a server of their own; NAME is for people.
run() {
	local name=$1 required=$2
	shift 2
	local flags=()
	[[ $required == false ]] || flags=(--require-auth)
	: >"$work/address" # else the first look at it may come before it is there
	"$work/botverse" dataverse --addr 127.0.0.1:0 --in-memory --seed demo "${flags[@]}" >"$work/address" 2>"$work/server.log" &
	server=$!
	local url=
	for _ in $(seq 1200); do
		url=$(sed -n 's|^local Dataverse  \(http://[^/]*\)/.*|\1|p' "$work/address")
		[[ -z $url ]] && kill -0 "$server" 2>/dev/null || break
		sleep 0.05
	done
	[[ -n $url ]] || { echo "tools/clients.sh: the local Dataverse did not start:" >&2; cat "$work/server.log" >&2; exit 1; }

	echo "== $name"
	rm -f "$work/run.tap"
	local status=0
	# A proxy in the environment is not for 127.0.0.1.
	env -u http_proxy -u HTTP_PROXY -u https_proxy -u HTTPS_PROXY BOTVERSE_DATAVERSE="$url" BOTVERSE_REQUIRE_AUTH="$required" \
		node --test --test-reporter=./support/reporter.js --test-reporter-destination=stdout \
		--test-reporter=tap --test-reporter-destination="$work/run.tap" "$@" || status=$?
	stop
	touch "$work/run.tap"
	local good bad
	good=$(sed -n 's/^# pass //p' "$work/run.tap")
	bad=$(awk '/^# (fail|cancelled|skipped|todo) / { n += $3 } END { print n + 0 }' "$work/run.tap")
	# A run that ends badly without a failed test (nothing found, node gone) has failed all the same.
	if [[ $bad == 0 && ( $status != 0 || ${good:-0} == 0 ) ]]; then bad=1; fi
	passed=$((passed + ${good:-0})) failed=$((failed + bad))
	[[ $bad == 0 ]] || { echo "-- the server's log:"; tail -n 20 "$work/server.log"; }
}

tests=("$@")
if [[ ${#tests[@]} == 0 ]]; then tests=(*/*.test.js); fi
run "without sign-in" false "${tests[@]}"
run "with tokens from the token endpoint" true "${tests[@]}"

echo "$passed passed, $failed failed"
[[ $failed == 0 ]]
