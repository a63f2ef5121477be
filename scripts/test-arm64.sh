#!/usr/bin/env bash
# Builds the functions for arm64, as `make deploy` does by default, and tests them: on this processor if it is arm64, and
# in an emulator otherwise. With RELEASE=1, the binaries are those of a deployment.
set -euo pipefail
cd "$(dirname "$0")/.."

# cargo-lambda finds zig through the python3 it was installed with.
PATH=$PWD/.tools/bin:$PWD/.tools/venv/bin:$PATH
target=aarch64-unknown-linux-gnu
libraries=/usr/aarch64-linux-gnu
target_folder=${CARGO_TARGET_DIR:-target}
[[ $target_folder == /* ]] || target_folder=$PWD/$target_folder
binaries=$target_folder/lambda/arm64

fail() { echo "$1" >&2; exit 1; }
[ -d "$(rustc --print sysroot)/lib/rustlib/$target" ] || rustup target add $target
emulator=() skip=() release=()
if [ "$(uname -m)" != aarch64 ]; then
  if ! command -v qemu-aarch64-static >/dev/null || ! [ -e $libraries/lib/libc.so.6 ] || ! [ -e $libraries/lib/libgcc_s.so.1 ]; then
    scripts/install-debian.sh qemu-user-static libc6-arm64-cross libgcc-s1-arm64-cross
  fi
  emulator=(qemu-aarch64-static -L "$libraries")
  # Simultaneous refreshes in many processes wait too long for each other there.
  skip=(--skip sessions::refreshes_in_many_processes_converge)
fi

# Runs tests, and fails if there are none.
run_some() {
  local listed
  listed=$("$@" --list)
  [[ $listed == *": test"* ]] || fail "there are no tests: $*"
  "$@"
}

functions=(functions/*)
functions=("${functions[@]#functions/}")
[ "${RELEASE:-}" != 1 ] || release=(--release)
cargo lambda build --arm64 "${release[@]}" --locked --lambda-dir "$binaries" "${functions[@]/#/--bin=}"

# argon2-rust measures in release builds whether NEON is faster than portable code, which proves nothing in an emulator.
# Debug builds always use NEON.
tests=$(cargo lambda build --arm64 --locked --package auth-core --lib --tests --message-format json-render-diagnostics \
  | sed -n 's/.*"executable":"\([^"]*\/auth_core-[^"]*\)".*/\1/p')
[ -x "$tests" ] || fail "the build did not report one test program of auth-core: $tests"
run_some "${emulator[@]}" "$tests" password::

# The tests start what is in this folder.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for function in "${functions[@]}"; do
  command=("${emulator[@]}" "$binaries/$function/bootstrap")
  printf '#!/bin/bash\nexec %s "$@"\n' "${command[*]@Q}" > "$folder/$function"
  chmod +x "$folder/$function"
done
export RELEASE='' BINARIES=$folder
run_some cargo test --workspace --test functions --locked -- events:: sessions:: starts:: "${skip[@]}"
