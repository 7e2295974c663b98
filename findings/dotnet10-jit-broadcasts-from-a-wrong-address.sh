#!/usr/bin/env bash
# Avx512F.BroadcastVector256ToVector512 reads a wrong address if its pointer is another one plus a constant: the offset
# is encoded in units of 16 bytes, and the processor multiplies it by 32. So 128 bytes become 256, without a message.
# Loading 32 bytes and repeating them (Shuffle4x128) is right.
# Seen with .NET 10.0.12 (SDK 10.0.401) on Linux x64: 256 where 128 is expected. Needs a processor with AVX-512.
set -euo pipefail
grep -q avx512f /proc/cpuinfo || { echo "this processor has no AVX-512: nothing to see here"; exit 0; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > probe.csproj <<'X'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework><AllowUnsafeBlocks>true</AllowUnsafeBlocks>
  </PropertyGroup>
</Project>
X
cat > Program.cs <<'X'
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

static unsafe class Probe
{
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    static Vector512<long> At128(long* numbers) => Avx512F.BroadcastVector256ToVector512(numbers + 16);

    static void Main()
    {
        var numbers = stackalloc long[64]; // each its own address in bytes
        for (var i = 0; i < 64; i++) numbers[i] = 8 * i;
        System.Console.WriteLine(At128(numbers)[0]);
    }
}
X
dotnet build -c Release -v quiet -nologo > build.log || { cat build.log; exit 1; }
read=$(dotnet bin/Release/net10.0/probe.dll)
echo "asked for the 32 bytes at 128, read those at $read"
[ "$read" = 256 ] || { echo "this has changed"; exit 1; }
