#!/usr/bin/env bash
# Builds the functions and deploys template.yaml to the AWS account of the environment. Arguments are
# parameters of the template, Name=value. The first time it asks for what it needs, and keeps the
# answers in samconfig.local.toml, which is not committed.
set -euo pipefail
cd "$(dirname "$0")/.."

# cargo-lambda finds zig through the python3 that it was installed with.
PATH=$PWD/.tools/venv/bin:$PATH
config=samconfig.local.toml

# What the last guided run was answered.
answered() { [ ! -f "$config" ] || sed -n "s/$1/\\1/p" "$config" | head -n 1; }
answered_architecture() { answered '.*Architecture=\\"\([a-z0-9_]*\).*'; }

for parameter in "$@"; do
  case $parameter in
    Architecture=*) echo "name the processor by ARCHITECTURE=${parameter#*=}: the build needs it too" >&2; exit 1 ;;
  esac
done

architecture=${ARCHITECTURE:-$(answered_architecture)}
architecture=${architecture:-arm64}
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

# Without STACK the name is the one of the answers.
stack=(${STACK:+--stack-name "$STACK"})
deploy() {
  sam deploy --config-file "$config" ${stack[@]+"${stack[@]}"} \
    --parameter-overrides "Architecture=$architecture" "$@"
}
if [ -f "$config" ]; then
  deploy "$@"
  exit
fi

# --guided writes its answers into the file that it reads.
cp samconfig.toml "$config"
if ! deploy "$@" --guided; then
  rm -f "$config"
  cat >&2 <<EOF

The deploy failed. If the stack is in ROLLBACK_FAILED, its table is protected and keeps it: switch the
table's deletion protection off, delete the stack, and deploy again (README.md, "Removing").
EOF
  exit 1
fi
deployed=$(answered_architecture)
if [ "$deployed" != "$architecture" ]; then
  echo "the functions were built for $architecture and deployed as $deployed: make deploy ARCHITECTURE=$deployed" >&2
  exit 1
fi
cat <<EOF

When the stack is there, add the first user:

  cargo run --quiet --release --package authctl -- --stack $(answered 'stack_name = "\(.*\)"') user add EMAIL --role Admin=create,read,update,delete

in the region $(answered 'region = "\(.*\)"') (AWS_REGION).
EOF
