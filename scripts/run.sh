#!/usr/bin/env bash
# Serves the functions with `cargo lambda watch` and prints how to call them once they respond.
set -euo pipefail
cd "$(dirname "$0")/.."

port=${PORT:-9000}
url=http://127.0.0.1:$port
PATH=$PWD/.tools/bin:$PATH

for tool in cargo cargo-lambda curl; do
  command -v "$tool" >/dev/null || { echo "$tool is not installed" >&2; exit 1; }
done
if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
  echo "port $port is in use: try make run PORT=$((port + 1))" >&2
  exit 1
fi

# Build first: otherwise two simultaneous first requests would wait for each other's build.
echo "building: the first build takes several minutes"
cargo build --locked --bins

# The watch gets its own process group, so that the functions end with it.
set -m
cargo-lambda lambda watch -A 127.0.0.1 -P "$port" &
watch=$!
set +m
trap 'kill -- "-$watch" 2>/dev/null || true; wait "$watch" 2>/dev/null || true' EXIT
trap 'exit 0' INT TERM

responds() { [ "$(curl -s -o /dev/null -w '%{http_code}' "$@")" = "$expected" ]; }
for _ in $(seq 600); do
  kill -0 "$watch" 2>/dev/null || { wait "$watch"; exit 1; }
  if expected=401 responds "$url/api/v1/me" && expected=422 responds -X POST "$url/api/v1/login"; then
    cat <<EOF

Ready. In another terminal:

  TOKEN=\$(curl -s $url/api/v1/login -H 'content-type: application/json' -d '{"email":"john.doe@leapify.tech","password":"changeme"}' | sed 's/.*"access_token":"\([^"]*\).*/\1/'); echo "\$TOKEN"
  curl -s $url/api/v1/me -H "authorization: Bearer \$TOKEN"

Ctrl-C ends them.
EOF
    wait "$watch"
    exit
  fi
  sleep 0.2
done
echo "the functions did not respond within two minutes" >&2
exit 1
