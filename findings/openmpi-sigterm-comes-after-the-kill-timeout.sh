#!/usr/bin/env bash
# Open MPI waits odls_base_sigkill_timeout before SIGTERM, not only between SIGTERM and SIGKILL as its help suggests.
# After Ctrl-C mpirun sends SIGCONT, sleeps for the whole timeout, sends SIGTERM, sleeps for up to the timeout again,
# though the processes have ended, and returns 1 whatever they return. So whoever raises it, to give processes time to
# save, delays the signal on which they would save.
# Seen with openmpi-bin 4.1.4-3+b1 (Debian 12, x86-64), two processes that end on SIGTERM at once. Timeout 1 s: SIGTERM
# came after 1.0 s, mpirun ended after 1 s. Timeout 6 s: SIGTERM came after 6.0 s, mpirun ended after 10 or 11 s.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get -qq -o APT::Sandbox::User=root download openmpi-bin=4.1.4-3+b1 openmpi-common=4.1.4-3 libopenmpi3=4.1.4-3+b1 \
  libpmix2 libhwloc15 libevent-core-2.1-7 libevent-pthreads-2.1-7 libltdl7 libmunge2 libudev1 zlib1g > /dev/null
for file in *.deb; do dpkg-deb --extract "$file" root; done
lib=$folder/root/usr/lib/x86_64-linux-gnu
export LD_LIBRARY_PATH=$lib:$folder/root/lib/x86_64-linux-gnu
export OPAL_PREFIX=$folder/root/usr OPAL_LIBDIR=$lib OPAL_PKGLIBDIR=$lib/openmpi/lib/openmpi3
export LC_ALL=C OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
mpirun=$folder/root/usr/bin/mpirun.openmpi
"$mpirun" --version | head -n 1
# Seconds from SIGINT to mpirun's end and to the last SIGTERM, which the processes note, and the exit code.
seconds()
{
  python3 - "$mpirun" "$1" <<'P'
import os, signal, subprocess, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job may ignore it
child = "trap 'echo $EPOCHREALTIME > ended.$OMPI_COMM_WORLD_RANK; exit 0' TERM; while :; do sleep 0.05; done"
run = subprocess.Popen([sys.argv[1], "--oversubscribe", "--mca", "odls_base_sigkill_timeout", sys.argv[2], "-n", "2",
                        "bash", "-c", child], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
time.sleep(2)
start = time.time()
run.send_signal(signal.SIGINT)
code = run.wait(120)
last = max(float(open(f"ended.{rank}").read()) for rank in (0, 1)) - start
print(f"{time.time() - start:.0f} {last:.1f} {code}")
P
}
for timeout in 1 6; do
  read -r all last code <<< "$(seconds $timeout)"
  echo "timeout $timeout s: SIGTERM came after $last s, mpirun ended after $all s with exit code $code"
  awk -v all="$all" -v last="$last" -v t="$timeout" \
    'BEGIN { exit !(last > t - 0.3 && last < t + 0.7 && all >= 1.5 * t - 0.6) }' \
    || { echo "this has changed"; exit 1; }
done
