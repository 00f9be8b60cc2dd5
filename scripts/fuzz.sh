#!/usr/bin/env bash
# Runs every fuzz target of the module for the time given (default 20s each).
set -euo pipefail
span=${1:-20s}
for dir in $(go list -f '{{.Dir}}' ./...); do
  for name in $(grep -ho '^func Fuzz[A-Za-z0-9_]*' "$dir"/*_test.go 2>/dev/null | sed 's/^func //' | sort -u); do
    echo "== ${dir#"$PWD"/} $name"
    (cd "$dir" && go test -run '^$' -fuzz "^$name\$" -fuzztime "$span" .)
  done
done
