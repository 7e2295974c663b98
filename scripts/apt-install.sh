#!/usr/bin/env bash
# Installs Debian packages: apt-install.sh NAME TESTS PACKAGE...
# Without apt-get it says that NAME is absent and TESTS will be skipped, and ends well.
set -euo pipefail
name=$1 tests=$2
shift 2
if ! command -v apt-get > /dev/null; then
  echo "$name is absent and apt-get too: $tests will be skipped. Install $name to run them."
  exit 0
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then as_root=(sudo); fi
"${as_root[@]}" apt-get update --quiet
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends "$@"
