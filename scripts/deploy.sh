#!/usr/bin/env bash
# Builds the functions and deploys template.yaml to the AWS account of the environment. Arguments are
# parameters of the template, Name=value. The first time it asks for what it needs, and keeps the
# answers in samconfig.local.toml, which is not committed.
set -euo pipefail
cd "$(dirname "$0")/.."

# cargo-lambda finds zig through the python3 that it was installed with.
PATH=$PWD/.tools/venv/bin:$PATH
architecture=${ARCHITECTURE:-arm64}
config=samconfig.local.toml

case $architecture in
  arm64) target=aarch64-unknown-linux-gnu ;;
  x86_64) target=x86_64-unknown-linux-gnu ;;
  *) echo "ARCHITECTURE is arm64 or x86_64, not $architecture" >&2; exit 1 ;;
esac
if [ ! -d "$(rustc --print sysroot)/lib/rustlib/$target" ]; then
  echo "Rust cannot build for $architecture yet: rustup target add $target, or make deploy ARCHITECTURE=x86_64" >&2
  exit 1
fi

sam build --parameter-overrides "Architecture=$architecture"

guided=()
if [ ! -f "$config" ]; then
  # --guided writes its answers into the file that it reads.
  cp samconfig.toml "$config"
  guided=(--guided)
  trap '[ "$?" -eq 0 ] || rm -f "$config"' EXIT
fi
sam deploy --config-file "$config" ${guided[@]+"${guided[@]}"} --stack-name "${STACK:-sign-in}" \
  --parameter-overrides "Architecture=$architecture" "$@"

cat <<EOF

Add the first user:

  cargo run --quiet --release --package authctl -- --stack ${STACK:-sign-in} user add EMAIL --role Admin=create,read,update,delete
EOF
