#!/usr/bin/env bash
# Installs packages as root on Debian; elsewhere, names them and fails.
set -euo pipefail

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "not installed: $* (Debian's names)" >&2
  exit 1
fi
echo "installing $*"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -qq --yes "$@" >/dev/null
