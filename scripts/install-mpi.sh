#!/usr/bin/env bash
# Installs Open MPI and MPICH, with which the tests start several processes. Does nothing where both are there already.
set -euo pipefail

if command -v mpirun.openmpi > /dev/null && command -v mpirun.mpich > /dev/null; then exit 0; fi
exec "$(dirname "$0")/apt-install.sh" "Open MPI" "the tests of several processes" openmpi-bin mpich
