#!/usr/bin/env bash
# Generates talking faces, trains a detector on the real clips only and a supervised baseline on
# labelled fakes, and evaluates both with and without the leading silence of the fakes. Takes three
# to four minutes on two idle cores.
#
#   bash launch/quickstart.sh
#   CONFIG=quickstart:test BASELINE=quickstart:supervised_test \
#     WORKDIR=runs/tiny DATASET=synthetic_talkers/tiny \
#     bash launch/quickstart.sh           # trains for seconds, to check the installation
#
# DATASET   dataset to generate; default: synthetic_talkers
# DATA_DIR  folder of prepared datasets; default: data
# CONFIG    config of the detector; default: quickstart
# BASELINE  config of the supervised baseline; default: quickstart:supervised
# WORKDIR   folder for checkpoints and report; that of the baseline is ${WORKDIR}_supervised;
#           default: runs/quickstart
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

venv="$(bash launch/setup.sh prepare,train-cpu)"
PATH="$venv/bin:$PATH"
# Large pages: a tenth less CPU time for trainings on CPUs. The C library reads it at the start.
export GLIBC_TUNABLES="${GLIBC_TUNABLES:-glibc.malloc.hugetlb=1}"

if [[ -n "${TWIN:-}" ]]; then
  echo "quickstart: TWIN is now called BASELINE" >&2
  exit 2
fi
DATASET="${DATASET:-synthetic_talkers}"
DATA_DIR="${DATA_DIR:-data}"
CONFIG="${CONFIG:-quickstart}"
BASELINE="${BASELINE:-quickstart:supervised}"
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
timed "train the baseline" train "$BASELINE" "${WORKDIR}_supervised"
timed evaluate avsync-evaluate --checkpoint="$WORKDIR" --also=supervised="${WORKDIR}_supervised" \
  --dataset="$DATASET" --data_dir="$DATA_DIR" --out="$WORKDIR/evaluation"
echo "== done in $SECONDS s. Open $WORKDIR/evaluation/report.html"
