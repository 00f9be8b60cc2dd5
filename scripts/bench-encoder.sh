#!/bin/sh
# Measures how fast models encode on this machine: bench-encoder.sh [OUT.md]
# MODELS is a folder with a folder for each model; without it full-size ones with
# random weights are made, once, for which some 3 GB are fetched from PyPI.
# Further arguments for bench/encoder come in BENCH_FLAGS, such as "-only clip".
set -eu
cd "$(dirname "$0")/.."

out=${1:-build/bench-encoder/encoder.md}
work=build/bench-encoder
mkdir -p "$work" "$(dirname "$out")"

models=${MODELS:-}
if [ -z "$models" ]; then
	models=$work/models
	pins=bench/encoder/requirements.txt
	if ! cmp -s "$pins" "$work/venv/installed.txt"; then
		${PYTHON:-python3} -m venv "$work/venv"
		"$work/venv/bin/pip" install -q --disable-pip-version-check -r "$pins"
		# Only its vocabulary is read, and what it depends on is large.
		"$work/venv/bin/pip" install -q --disable-pip-version-check --no-deps open_clip_torch==3.3.0
		cp "$pins" "$work/venv/installed.txt"
	fi
	if ! cmp -s bench/encoder/export.py "$models/made-by.py"; then
		"$work/venv/bin/python" bench/encoder/export.py "$models"
		cp bench/encoder/export.py "$models/made-by.py"
	fi
fi

${GO:-go} build -trimpath -o "$work/encoder" ./bench/encoder
# shellcheck disable=SC2086
"$work/encoder" -models "$models" -out "$out" ${BENCH_FLAGS:-}
