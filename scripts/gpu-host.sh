#!/usr/bin/env bash
# Packs Crosshead for a GPU host that has PyTorch (with CUDA) and no .NET: a self-contained build without libtorch's own
# libraries, which come from that PyTorch. Prints what to do there.
#   scripts/gpu-host.sh [--tests] [OUT.tar.xz]      --tests: with the tests, which run there too
set -euo pipefail
cd "$(dirname "$0")/.."
project=src/Crosshead.Cli
if [ "${1:-}" = --tests ]; then project=tests/Crosshead.Tests; shift; fi
out=${1:-crosshead-gpu.tar.xz}
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
dotnet publish "$project" -c Release -r linux-x64 --self-contained -o "$build" --nologo -v quiet
rm -rf "$build"/libtorch*.so* "$build"/libc10.so "$build"/libgomp* "$build"/libaoti* \
  "$build"/libbackend* "$build"/libjit* "$build"/libnnapi* "$build"/libshm* "$build"/.playwright "$build"/playwright*
cp -r recipes "$build"/
tar -C "$build" -c . | xz -T0 -4 > "$out"
cat <<END
$out is $(du -h "$out" | cut -f1). On the GPU host:
  mkdir crosshead && tar -xJf $(basename "$out") -C crosshead && cd crosshead
  torch=\$(python3 -c 'import torch, os; print(os.path.dirname(torch.__file__))')
  export CROSSHEAD_LIBTORCH=\$torch/lib LD_LIBRARY_PATH=\$(ls -d \$torch/../nvidia/*/lib | paste -sd:)
  ./Crosshead.Cli doctor
END
if [ "$project" = tests/Crosshead.Tests ]; then
  echo "  ./Crosshead.Tests --filter-namespace 'Crosshead.Tests.Runtime.*'"
fi
