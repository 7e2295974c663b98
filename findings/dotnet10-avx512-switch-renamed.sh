#!/usr/bin/env bash
# .NET 10 ignores DOTNET_EnableAVX512F=0, the switch that turned AVX-512 off in .NET 8 and 9: Avx512F.IsSupported stays
# true, without a word. DOTNET_EnableAVX512=0 turns it off. A measurement "without AVX-512" by the old name measures
# AVX-512.
# Seen with .NET 10.0.12 (SDK 10.0.401) on Linux x64: old name True, new name False. Needs a processor with AVX-512.
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
echo 'System.Console.WriteLine(System.Runtime.Intrinsics.X86.Avx512F.IsSupported);' > Program.cs
dotnet build -c Release -v quiet -nologo > build.log || { cat build.log; exit 1; }
probe() { env "$1" dotnet bin/Release/net10.0/probe.dll; }
none=$(probe UNUSED=1) old=$(probe DOTNET_EnableAVX512F=0) new=$(probe DOTNET_EnableAVX512=0)
echo ".NET $(dotnet --list-runtimes | awk '$1 == "Microsoft.NETCore.App" { v = $2 } END { print v }')"
echo "Avx512F.IsSupported: by default $none, DOTNET_EnableAVX512F=0 $old, DOTNET_EnableAVX512=0 $new"
[ "$none $old $new" = "True True False" ] || { echo "this has changed"; exit 1; }
