#!/usr/bin/env bash
# Copies the .proto files of others that ours import into third_party/proto, from module zips that the Go checksum
# database vouches for. Buf's registry is not needed.
set -euo pipefail
cd "$(dirname "$0")/.."

dir() { go mod download -json "$1" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p'; }

out=third_party/proto
validate=$(dir github.com/bufbuild/protovalidate@v1.2.2)
gateway=$(dir github.com/grpc-ecosystem/grpc-gateway@v1.16.0)
install -D -m 644 "$validate/proto/protovalidate/buf/validate/validate.proto" "$out/buf/validate/validate.proto"
for f in annotations http; do
  install -D -m 644 "$gateway/third_party/googleapis/google/api/$f.proto" "$out/google/api/$f.proto"
done
