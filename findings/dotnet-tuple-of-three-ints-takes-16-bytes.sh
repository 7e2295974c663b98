#!/usr/bin/env bash
# A tuple of three ints takes 16 bytes, a struct of three ints 12. ValueTuple has automatic layout, and .NET rounds the
# size of such a struct up to a multiple of 8 on 64-bit machines, although its fields are aligned to 4. So an array or
# dictionary of such tuples takes a third more memory than its numbers; five ints take 24 in place of 20.
# Seen with .NET 10.0.12 (SDK 10.0.401) on Linux x64: 16 12 24 20.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > probe.csproj <<'X'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework></PropertyGroup>
</Project>
X
cat > Program.cs <<'X'
using static System.Runtime.CompilerServices.Unsafe;

System.Console.WriteLine($"{SizeOf<(int, int, int)>()} {SizeOf<Three>()} {SizeOf<(int, int, int, int, int)>()} "
    + $"{SizeOf<Five>()}");

readonly record struct Three(int A, int B, int C);
readonly record struct Five(int A, int B, int C, int D, int E);
X
dotnet build -c Release -v quiet -nologo > build.log || { cat build.log; exit 1; }
output=$(dotnet bin/Release/net10.0/probe.dll)
echo "bytes of a tuple and a struct of three ints, of five ints: $output"
[ "$output" = "16 12 24 20" ] || { echo "this has changed"; exit 1; }
