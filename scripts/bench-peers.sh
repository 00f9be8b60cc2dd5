#!/bin/sh
# Compares clipdb with other vector libraries: bench-peers.sh [OUT [DATA...]]
# DATA is what bench/compare takes: cliplike:100000:512, fashion-mnist, or files.
# Further arguments for it come in BENCH_FLAGS, such as "-rounds 7 -peers clipdb,hnswlib".
set -eu
cd "$(dirname "$0")/.."

out=${1:-docs/recall}
[ $# -gt 0 ] && shift
work=build/bench-peers
mkdir -p "$work"

# The libraries from PyPI, in the versions that are pinned.
pins=bench/peers/requirements.txt
if ! cmp -s "$pins" "$work/venv/installed.txt"; then
	${PYTHON:-python3} -m venv "$work/venv"
	"$work/venv/bin/pip" install -q --disable-pip-version-check -r "$pins"
	cp "$pins" "$work/venv/installed.txt"
fi

${GO:-go} build -trimpath -o "$work/compare" ./bench/compare
(cd bench/peers && ${GO:-go} build -trimpath -o "../../$work/golang" ./golang)

if [ $# -eq 0 ]; then
	set -- cliplike:100000:512
	if [ -d /usr/share/datasets/fashion-mnist ]; then
		set -- "$@" fashion-mnist
	else
		echo "Fashion-MNIST is left out; on Debian: apt-get install dataset-fashion-mnist" >&2
	fi
fi
for data in "$@"; do
	# shellcheck disable=SC2086
	"$work/compare" -data "$data" -out "$out" -work "$work" -python "$work/venv/bin/python" -go-peers "$work/golang" ${BENCH_FLAGS:-}
done
