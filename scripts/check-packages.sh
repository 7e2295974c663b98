#!/usr/bin/env bash
# Packs the packages and uses them as a stranger does: the tool from an empty folder, and the library in a new project,
# which is each program of docs/library.md in turn.
# NuGet's folder is a new one. What the user's folder holds of other packages is not downloaded again.
#   scripts/check-packages.sh MODEL
set -euo pipefail

model=$(realpath "${1:?name a model directory}")
cd "$(dirname "$0")/.."
work=$(mktemp -d)
server=
trap 'if [ -n "$server" ]; then kill "$server" 2> /dev/null || true; fi; rm -rf "$work"' EXIT

dotnet pack -c Release -v quiet -o "$work/packages"
(cd "$work/packages" && du --human-readable --apparent-size -- *)
export NUGET_PACKAGES="$work/cache" RestoreFallbackFolders="$HOME/.nuget/packages"
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
mkdir -p "$work/empty" "$work/program/programs" "$work/program/models"
awk -v folder="$work/program/programs" '/^```csharp$/ { file = sprintf("%s/%02d.cs", folder, ++number); next }
  /^```$/ { file = "" } file { print > file }' docs/library.md
cat docs/*.md > "$work/program/book.txt"
ln -s "$model" "$work/program/models/llama"

echo "== the tool"
cd "$work/empty"
dotnet tool install Crosshead.Cli --tool-path "$work/tool" --add-source "$work/packages"
crosshead=$work/tool/crosshead
"$crosshead" --version
"$crosshead" generate "$model" --prompt "Once upon a time" --max-tokens 12 --temperature 0
# In the foreground, timeout passes a signal on once; otherwise twice, and the second ends the server at once.
timeout --foreground 120 "$crosshead" serve "$model" --port 0 2> "$work/log" > "$work/out" &
server=$!
for _ in $(seq 300); do
  url=$(sed -n 's/.*listening at \([^;]*\)\/;.*/\1/p' "$work/log")
  if [ -n "$url" ] && curl --silent --fail "$url/health" > /dev/null; then break; fi
  sleep 0.2
done
for file in $(curl --silent --fail "$url/" | grep --only-matching --extended-regexp '(src|href)="page[^"]*"' \
  | cut --delimiter='"' --fields=2); do
  curl --silent --fail "$url/$file" > "$work/file"
  echo "$file: $(wc --bytes < "$work/file") bytes"
  for part in $(sed -n "s|^import .* from './\(.*\)';|\1|p" "$work/file"); do
    echo "$part: $(curl --silent --fail "$url/$part" | wc --bytes) bytes"
  done
done
curl --silent --fail "$url/v1/completions" -H 'Content-Type: application/json' \
  -d '{"prompt": "Once upon a time", "max_tokens": 8, "temperature": 0}'
echo
kill -TERM "$server"
wait "$server"
server=

echo "== the library"
cd "$work/program"
cat > program.csproj << END
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <ImplicitUsings>enable</ImplicitUsings>
    <EnableDefaultCompileItems>false</EnableDefaultCompileItems>
    <RestoreAdditionalProjectSources>$work/packages</RestoreAdditionalProjectSources>
  </PropertyGroup>
  <ItemGroup>
    <Compile Include="Program.cs" />
    <PackageReference Include="Crosshead" Version="*" />
    <PackageReference Include="Crosshead.Server" Version="*" />
  </ItemGroup>
</Project>
END
for program in programs/*.cs; do
  echo "-- $program"
  cp "$program" Program.cs
  dotnet run -c Release -r linux-x64 --self-contained false < /dev/null
done
echo "all packages work"
