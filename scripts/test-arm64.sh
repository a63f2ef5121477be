#!/usr/bin/env bash
# Builds the functions for arm64, as `make deploy` does by default, and tests them: on this processor if it is arm64, and
# in an emulator otherwise.
set -euo pipefail
cd "$(dirname "$0")/.."

# cargo-lambda finds zig through the python3 it was installed with.
PATH=$PWD/.tools/bin:$PWD/.tools/venv/bin:$PATH
target=aarch64-unknown-linux-gnu
libraries=/usr/aarch64-linux-gnu
binaries=$PWD/target/lambda/arm64

missing() { echo "$1: $2" >&2; exit 1; }
[ -d "$(rustc --print sysroot)/lib/rustlib/$target" ] || missing "Rust cannot build for arm64" "run 'rustup target add $target'"
emulator=()
if [ "$(uname -m)" != aarch64 ]; then
  qemu=$(command -v qemu-aarch64-static) || missing "qemu-aarch64-static is not installed" "Debian: qemu-user-static"
  [ -e $libraries/lib/libc.so.6 ] || missing "there is no C library for arm64" "Debian: libc6-arm64-cross"
  [ -e $libraries/lib/libgcc_s.so.1 ] || missing "there is no libgcc for arm64" "Debian: libgcc-s1-arm64-cross"
  emulator=("$qemu" -L "$libraries")
fi

functions=(functions/*)
functions=("${functions[@]#functions/}")
cargo lambda build --arm64 --release --locked --lambda-dir "$binaries" "${functions[@]/#/--bin=}"

# argon2-rust measures in release builds whether NEON is faster than portable code, which proves nothing in an emulator.
# Debug builds always use NEON. The other implementation would take minutes without optimization.
tests=$(cargo lambda build --arm64 --locked --package auth-core --lib --tests \
  --config 'profile.dev.package.argon2.opt-level=3' --message-format json-render-diagnostics \
  | sed -n 's/.*"executable":"\([^"]*\/auth_core-[^"]*\)".*/\1/p')
[ -x "$tests" ] || missing "the build did not report one test program of auth-core" "$tests"
"${emulator[@]}" "$tests" password::

# The tests start what is in this folder.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for function in "${functions[@]}"; do
  printf '#!/bin/sh\nexec %s "$@"\n' "${emulator[*]} $binaries/$function/bootstrap" > "$folder/$function"
  chmod +x "$folder/$function"
done
RELEASE='' BINARIES=$folder cargo test --package bundle-tests --test functions --locked -- events:: sessions:: starts::
