#!/usr/bin/env bash
# From nothing to a report: generated talkers, a detector trained on the real ones only, its twin
# that is shown labelled fakes, and how well both find the fakes, with and without their leading
# silence. Seven to eight minutes on two cores.
#
#   bash launch/quickstart.sh
#   CONFIG=configs/quickstart.py:test TWIN=configs/quickstart.py:supervised_test \
#     WORKDIR=runs/tiny DATASET=synthetic_talkers/tiny \
#     bash launch/quickstart.sh           # seconds of training, to see that all works
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

venv="$(bash launch/setup.sh)"
PATH="$venv/bin:$PATH"

DATASET="${DATASET:-synthetic_talkers}"
DATA_DIR="${DATA_DIR:-data}"
CONFIG="${CONFIG:-configs/quickstart.py}"
TWIN="${TWIN:-configs/quickstart.py:supervised}"
WORKDIR="${WORKDIR:-runs/quickstart}"

timed() {
  local step="$1" start=$SECONDS
  shift
  echo "== $step: $*"
  "$@"
  echo "== $step took $((SECONDS - start)) s"
}

timed prepare avsync-prepare --dataset="$DATASET" --data_dir="$DATA_DIR" \
  --workers="$(getconf _NPROCESSORS_ONLN)"
train() {
  avsync-train --config="$1" --workdir="$2" \
    --config.data.dataset="$DATASET" --config.data.data_dir="$DATA_DIR"
}
timed train train "$CONFIG" "$WORKDIR"
timed "train the twin" train "$TWIN" "${WORKDIR}_supervised"
timed evaluate avsync-evaluate --checkpoint="$WORKDIR" --also=supervised="${WORKDIR}_supervised" \
  --dataset="$DATASET" --data_dir="$DATA_DIR" --out="$WORKDIR/evaluation"
echo "== done in $SECONDS s. Open $WORKDIR/evaluation/report.html"
