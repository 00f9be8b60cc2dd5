#!/usr/bin/env bash
# The main job on real photos: index the bundled pictures and any folder given,
# then find them again by words and by picture. Leaves build/demo/answers.html
# to look at.
set -euo pipefail
cd "$(dirname "$0")/.."

clipdb=bin/clipdb
out=build/demo
db=$out/photos.clipdb
mkdir -p "$out"
rm -f "$db" "$out"/*.html

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] || say() { printf '\n== %s\n' "$*"; }

say "Indexing $(find examples/data/photos "$@" -type f | wc -l) files"
$clipdb add "$db" examples/data/photos "$@"

n=0
ask() {
  n=$((n + 1))
  say "\"$1\""
  $clipdb search "$db" "$1" -k 3 --html "$out/text-$n.html"
}
ask "a cat"
ask "two dogs looking out of a window"
ask "a cup of coffee on a table"
ask "rocket launch at night"
ask "an astronaut in an orange space suit"
ask "stars and galaxies in deep space"
ask "a mountain landscape with a meadow"
ask "a Chinese temple"

for q in mountains dandelions; do
  n=$((n + 1))
  say "pictures like examples/data/queries/$q.jpg"
  $clipdb similar "$db" "examples/data/queries/$q.jpg" -k 3 --html "$out/picture-$q.html"
done

say "What is in the file"
$clipdb info "$db"
$clipdb verify "$db"
printf '\nThe answers with their pictures: %s\n' "$out/*.html"
