#!/usr/bin/env bash
# Builds the functions and deploys template.yaml to the AWS account configured in the environment.
# Arguments are template parameters (Name=value). The first run asks for the settings and saves them in
# samconfig.local.toml, which is not committed.
set -euo pipefail
cd "$(dirname "$0")/.."

# cargo-lambda finds zig through the python3 it was installed with.
PATH=$PWD/.tools/venv/bin:$PATH
config=samconfig.local.toml

# Prints a setting saved by the last guided run.
saved() { [ ! -f "$config" ] || sed -n "s/$1/\\1/p" "$config" | head -n 1; }
saved_architecture() { saved '.*Architecture=\\"\([a-z0-9_]*\).*'; }

for parameter in "$@"; do
  case $parameter in
    Architecture=*) echo "set ARCHITECTURE=${parameter#*=} instead of passing a parameter: the build needs it too" >&2; exit 1 ;;
  esac
done

architecture=${ARCHITECTURE:-$(saved_architecture)}
architecture=${architecture:-arm64}
case $architecture in
  arm64) target=aarch64-unknown-linux-gnu ;;
  x86_64) target=x86_64-unknown-linux-gnu ;;
  *) echo "ARCHITECTURE must be arm64 or x86_64, not $architecture" >&2; exit 1 ;;
esac
if [ ! -d "$(rustc --print sysroot)/lib/rustlib/$target" ]; then
  echo "Rust cannot build for $architecture yet: run 'rustup target add $target' or 'make deploy ARCHITECTURE=x86_64'" >&2
  exit 1
fi

sam build --parameter-overrides "Architecture=$architecture"

# Without STACK, sam uses the saved stack name.
stack=(${STACK:+--stack-name "$STACK"})
deploy() {
  sam deploy --config-file "$config" ${stack[@]+"${stack[@]}"} \
    --parameter-overrides "Architecture=$architecture" "$@"
}
if [ -f "$config" ]; then
  deploy "$@"
  exit
fi

# --guided saves the settings in the config file it reads.
cp samconfig.toml "$config"
if ! deploy "$@" --guided; then
  rm -f "$config"
  cat >&2 <<EOF

The deploy failed. If the stack is in ROLLBACK_FAILED, the table's deletion protection blocks its removal:
turn the protection off, delete the stack and deploy again (see "A first deploy that failed" in docs/deploying.md).
EOF
  exit 1
fi
deployed=$(saved_architecture)
if [ "$deployed" != "$architecture" ]; then
  echo "the functions were built for $architecture but deployed as $deployed: run 'make deploy ARCHITECTURE=$deployed'" >&2
  exit 1
fi
cat <<EOF

Once the stack exists, add the first user:

  cargo run --quiet --release --package authctl -- --stack $(saved 'stack_name = "\(.*\)"') user add EMAIL --role Admin=create,read,update,delete

Run it with AWS_REGION=$(saved 'region = "\(.*\)"').
EOF
