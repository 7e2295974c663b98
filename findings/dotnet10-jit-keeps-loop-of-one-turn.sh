#!/usr/bin/env bash
# A loop whose number of turns is a constant 1, as of a generic kernel over types that state it as a static abstract
# property, stays a loop in .NET 10: a counter, its increment and a jump, in every turn of the loop around it. As a
# do-while whose condition is a constant it is gone. In an inner loop of few instructions that is a third of them.
# Seen with .NET 10.0.12 (SDK 10.0.401) on Linux x64: "for: 2 jumps back, do-while: 1".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > probe.csproj <<'X'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework>
  <AllowUnsafeBlocks>true</AllowUnsafeBlocks></PropertyGroup>
</Project>
X
cat > Program.cs <<'X'
using System.Runtime.CompilerServices;

unsafe
{
    var values = stackalloc float[64];
    for (var i = 0; i < 64; i++) values[i] = i;
    System.Console.WriteLine(Sums<One>.WithFor(values, 64) == Sums<One>.WithDo(values, 64));
}

interface IRuns { static abstract int Runs { get; } }

struct One : IRuns { public static int Runs => 1; }

static unsafe class Sums<T> where T : IRuns
{
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static float WithFor(float* x, int blocks)
    {
        var sum = 0f;
        for (var b = 0; b < blocks; b++)
            for (var run = 0; run < T.Runs; run++, x++)
                sum += *x;
        return sum;
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static float WithDo(float* x, int blocks)
    {
        var sum = 0f;
        for (var b = 0; b < blocks; b++)
        {
            var run = 0;
            do
            {
                sum += *x;
                x++;
            }
            while (T.Runs > 1 && ++run < T.Runs);
        }
        return sum;
    }
}
X
dotnet build -c Release -v quiet -nologo > build.log || { cat build.log; exit 1; }
export DOTNET_JitStdOutFile="$folder/code" DOTNET_JitDisasm="WithFor WithDo"
dotnet bin/Release/net10.0/probe.dll
# Jumps to a label that stands above them.
back() {
  awk -v name=":$1(" '
    /^; Assembly listing/ { inside = index($0, name) > 0 }
    inside && /^G_M/ { label = $1; sub(/:.*/, "", label); seen[label] = 1 }
    inside && / j[a-z]+ / { target = $NF; if (target in seen) n++ }
    END { print n + 0 }' code
}
found="for: $(back WithFor) jumps back, do-while: $(back WithDo)"
echo "$found"
[ "$found" = "for: 2 jumps back, do-while: 1" ] || { echo "this has changed"; exit 1; }
