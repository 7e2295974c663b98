#!/usr/bin/env bash
# Vector512.IsHardwareAccelerated says what .NET prefers, not what runs: where it prefers 256 bits it is false although
# Avx512F.IsSupported is true, and Vector512 code is still compiled to AVX-512 (the sum below takes one zmm register).
# A kernel that asks it before it uses Vector512 is silently off on many Xeons. DOTNET_PreferredVectorBitWidth=256 shows
# it anywhere.
# Seen with .NET 10.0.12 (SDK 10.0.401) on Linux x64: False, True, zmm. Needs a processor with AVX-512.
set -euo pipefail
grep -q avx512f /proc/cpuinfo || { echo "this processor has no AVX-512: nothing to see here"; exit 0; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > probe.csproj <<'X'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework></PropertyGroup>
</Project>
X
cat > Program.cs <<'X'
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

System.Console.WriteLine($"{Vector512.IsHardwareAccelerated} {Avx512F.IsSupported}");
System.Console.WriteLine(Probe.Add(Vector512<float>.One, Vector512<float>.One)[15]);

static class Probe
{
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector512<float> Add(Vector512<float> a, Vector512<float> b) => a + b;
}
X
dotnet build -c Release -v quiet -nologo > build.log || { cat build.log; exit 1; }
export DOTNET_PreferredVectorBitWidth=256 DOTNET_JitDisasm=Add DOTNET_JitStdOutFile="$folder/code"
output=$(dotnet bin/Release/net10.0/probe.dll | head -1)
registers=$(grep -q zmm code && echo zmm || echo "no zmm")
echo "Vector512.IsHardwareAccelerated, Avx512F.IsSupported: $output; the sum is compiled with $registers"
[ "$output, $registers" = "False True, zmm" ] || { echo "this has changed"; exit 1; }
