#!/usr/bin/env bash
# Sees to the few tools that clipdb is built and tested with: Go, a C compiler
# (cgo, for ONNX Runtime and the race detector) and npm (one of the two sources
# of the ONNX Runtime library). Installs what is missing from Debian's packages
# when it may, and says what to do when it may not.
set -euo pipefail

missing=()
command -v "${CC:-cc}" >/dev/null 2>&1 || missing+=(gcc libc6-dev)
command -v npm >/dev/null 2>&1 || missing+=(npm)

if ! command -v "${GO:-go}" >/dev/null 2>&1; then
  echo "Go 1.26 or newer is needed: https://go.dev/dl" >&2
  exit 1
fi
if [ ${#missing[@]} -gt 0 ]; then
  if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
  else
    echo "please install: ${missing[*]}" >&2
    exit 1
  fi
fi
