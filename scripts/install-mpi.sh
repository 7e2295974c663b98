#!/usr/bin/env bash
# Installs Open MPI and MPICH, with which the tests start several processes. Does nothing where both are there already.
set -euo pipefail

if command -v mpirun.openmpi > /dev/null && command -v mpirun.mpich > /dev/null; then exit 0; fi
if ! command -v apt-get > /dev/null; then
  echo "MPI is absent and apt-get too: the tests of several processes will be skipped. Install Open MPI to run them."
  exit 0
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then as_root=(sudo); fi
"${as_root[@]}" apt-get update --quiet
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends \
  openmpi-bin mpich
