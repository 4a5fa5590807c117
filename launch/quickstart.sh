#!/usr/bin/env bash
# From nothing to a report: generated talkers, a detector trained on the real ones only, and how
# well it finds the fakes, with and without their leading silence. About six minutes on two cores.
#
#   bash launch/quickstart.sh
#   CONFIG=configs/quickstart.py:test WORKDIR=runs/tiny DATASET=synthetic_talkers/tiny \
#     bash launch/quickstart.sh           # seconds of training, to see that all works
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

venv="$(bash launch/setup.sh)"
PATH="$venv/bin:$PATH"

DATASET="${DATASET:-synthetic_talkers}"
DATA_DIR="${DATA_DIR:-data}"
CONFIG="${CONFIG:-configs/quickstart.py}"
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
timed train avsync-train --config="$CONFIG" --workdir="$WORKDIR" \
  --config.data.dataset="$DATASET" --config.data.data_dir="$DATA_DIR"
timed evaluate avsync-evaluate --checkpoint="$WORKDIR" --dataset="$DATASET" \
  --data_dir="$DATA_DIR" --out="$WORKDIR/evaluation"
echo "== done in $SECONDS s. Open $WORKDIR/evaluation/report.html"
