#!/usr/bin/env bash
# Checks that the protos break nothing that a base commit promised: tools/breaking.sh [BASE].
set -euo pipefail
cd "$(dirname "$0")/.."

base=${1:-}
if [ -z "$base" ]; then
  base=$(git merge-base HEAD origin/main 2>/dev/null || true)
  if [ -z "$base" ] || [ "$base" = "$(git rev-parse HEAD)" ]; then
    base=$(git rev-parse --verify --quiet HEAD~1 || true)
  fi
fi
if [ -z "$base" ] || ! git cat-file -e "$base:proto" 2>/dev/null; then
  echo "breaking: there is no earlier contract to compare with"
  exit 0
fi

# The base commit has no third_party (it is not committed): it borrows ours.
rm -rf .tmp/base
mkdir -p .tmp/base
git archive "$base" buf.yaml proto | tar -x -C .tmp/base
cp -r third_party .tmp/base/
buf breaking proto --against .tmp/base/proto
echo "breaking: nothing broken since $base"
