#!/usr/bin/env bash
# Installs Chromium, which the tests of the server's chat page drive. Does nothing where a browser is there already.
set -euo pipefail

for name in chromium chromium-browser google-chrome; do
  if command -v "$name" > /dev/null; then exit 0; fi
done
exec "$(dirname "$0")/apt-install.sh" Chromium "the tests of the chat page" chromium
