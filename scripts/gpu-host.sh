#!/usr/bin/env bash
# Packs Crosshead for a GPU host that has PyTorch (with CUDA) and no .NET: a self-contained build without libtorch's own
# libraries, which come from that PyTorch. Prints what to do there.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-crosshead-gpu.tar.xz}
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
dotnet publish src/Crosshead.Cli -c Release -r linux-x64 --self-contained -o "$build" --nologo -v quiet
rm -f "$build"/libtorch*.so "$build"/libc10.so "$build"/libgomp* "$build"/libaoti* \
  "$build"/libbackend* "$build"/libjit* "$build"/libnnapi* "$build"/libshm*
cp -r recipes "$build"/
tar -C "$build" -cJf "$out" .
cat <<EOF
$out is $(du -h "$out" | cut -f1). On the GPU host:
  mkdir crosshead && tar -xJf $(basename "$out") -C crosshead && cd crosshead
  torch=\$(python3 -c 'import torch, os; print(os.path.dirname(torch.__file__))')
  export CROSSHEAD_LIBTORCH=\$torch/lib LD_LIBRARY_PATH=\$(ls -d \$torch/../nvidia/*/lib | paste -sd:)
  ./Crosshead.Cli doctor
EOF
