#!/usr/bin/env bash
# TorchSharp's field torch.CPU, a mere name of a device, loads libtorch: the static constructor of the class `torch`
# does, whichever static member of it is named first. An equal device made by hand, new torch.Device(DeviceType.CPU),
# loads nothing. So a program that only passes the device on takes some 100 MiB and half a second for a library that
# it may never call. Shown here where libtorch is absent: the device made by hand works, the field throws.
# Seen with TorchSharp 0.107.0, .NET 10.0.12 on Linux x64: "by hand: cpu", then a report of what was looked for, then
# "torch.CPU: TypeInitializationException".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > probe.csproj <<'X'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework></PropertyGroup>
  <ItemGroup><PackageReference Include="TorchSharp" Version="[0.107.0]" /></ItemGroup>
</Project>
X
cat > Program.cs <<'X'
using System.Runtime.CompilerServices;
using TorchSharp;

System.Console.WriteLine($"by hand: {new torch.Device(DeviceType.CPU)}");
try { System.Console.WriteLine($"torch.CPU: {Named()}"); }
catch (System.Exception e) { System.Console.WriteLine($"torch.CPU: {e.GetType().Name}"); }

// Apart, so that nothing of `torch` is named before the first line.
[MethodImpl(MethodImplOptions.NoInlining)]
static string Named() => torch.CPU.ToString();
X
dotnet build -c Release -v quiet -nologo > build.log || { cat build.log; exit 1; }
# A folder of packages without libtorch, in which TorchSharp looks for it.
seen=$(NUGET_PACKAGES=$folder/none dotnet bin/Release/net10.0/probe.dll | grep -E '^(by hand|torch\.CPU): ')
echo "$seen"
[ "$seen" = "by hand: cpu
torch.CPU: TypeInitializationException" ] || { echo "this has changed"; exit 1; }
