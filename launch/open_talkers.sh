#!/usr/bin/env bash
# From downloaded corpora to a scorer for many talkers: prepares each corpus, trains on real clips
# of all of them, calibrates on real clips of validation talkers, evaluates on fakes made of test
# talkers, and exports the model with its card. What it needs and takes: configs/open_talkers.py.
#
#   bash launch/open_talkers.sh --grid=~/GRID --crema_d=~/CREMA-D --lombard_grid=~/lombardgrid
#
# Each flag names the folder of an unpacked download; one corpus is enough, all three are better.
# Run again, it resumes: a stage that is done is skipped.
#
# DATA_DIR     folder of prepared datasets; default: data
# CONFIG       config of the training; default: open_talkers
# WORKDIR      folder for checkpoints and reports; default: runs/open_talkers
# OUT          folder for the exported scorer; default: WORKDIR/scorer
# CALIBRATION  dataset whose validation talkers calibrate the scorer; default: crema_d if given,
#              else the first corpus
# FAKES        kinds of fakes to evaluate on; default: all
# LICENCE      licence of the weights in the model card; default: other
# VENV         environment with avsync; default: .venv, installed first
set -euo pipefail

fail() {
  echo "open_talkers: $*" >&2
  exit 2
}

declare -A DATASETS=([grid]=grid/by_talker [crema_d]=crema_d [lombard_grid]=lombard_grid)
corpora=() # names of DATASETS
declare -A source_of=()
for flag in "$@"; do
  name="${flag%%=*}" name="${name#--}"
  folder="${flag#*=}" folder="${folder/#\~/$HOME}"
  if [[ "$flag" != --*=* || -z "${DATASETS[$name]:-}" ]]; then
    fail "unknown argument: $flag; usage: open_talkers.sh --grid=DIR --crema_d=DIR --lombard_grid=DIR"
  fi
  [[ -d "$folder" ]] || fail "--$name: folder not found: $folder; unpack the download there first"
  [[ -z "${source_of[$name]:-}" ]] || fail "--$name is given twice"
  source_of[$name]="$(cd "$folder" && pwd)"
  corpora+=("$name")
done
((${#corpora[@]})) || fail "no corpus: give one or more of --grid=DIR --crema_d=DIR --lombard_grid=DIR"

cd "$(dirname "${BASH_SOURCE[0]}")/.."
PATH="${VENV:-$(bash launch/setup.sh prepare,train-cpu)}/bin:$PATH"

DATA_DIR="${DATA_DIR:-data}"
CONFIG="${CONFIG:-open_talkers}"
WORKDIR="${WORKDIR:-runs/open_talkers}"
OUT="${OUT:-$WORKDIR/scorer}"
FAKES="${FAKES:-all}"
LICENCE="${LICENCE:-other}"
datasets=()
for name in "${corpora[@]}"; do
  datasets+=("${DATASETS[$name]}")
done
CALIBRATION="${CALIBRATION:-$([[ -n "${source_of[crema_d]:-}" ]] && echo crema_d || echo "${datasets[0]}")}"
[[ " ${datasets[*]} " == *" $CALIBRATION "* ]] ||
  fail "CALIBRATION=$CALIBRATION is not one of the datasets: ${datasets[*]}"

timed() {
  local stage="$1" start=$SECONDS
  shift
  echo "== $stage: $*"
  "$@" || {
    local status=$?
    echo "open_talkers: $stage ended with status $status; run the same command to resume" >&2
    exit "$status"
  }
  echo "== $stage took $((SECONDS - start)) s"
}

# The weights that the config gives to these datasets, as a value of config.data.mixture.
mixture() {
  python - "$CONFIG" "${datasets[@]}" <<'PYTHON'
import sys
from avsync.config import files
weights = files.run(files.CONFIG, sys.argv[1]).data.mixture
print({name: weights[name] for name in sys.argv[2:]})
PYTHON
}

# Whether a file is there and no checkpoint is newer.
is_current() {
  local checkpoint
  [[ -e "$1" ]] || return 1
  for checkpoint in "$WORKDIR"/checkpoints/*/; do
    [[ ! "$checkpoint" -nt "$1" ]] || return 1
  done
}

evaluate() {
  local stage="$1" out="$WORKDIR/$2"
  shift 2
  if is_current "$out/report.html"; then
    echo "== $stage: done before, $out/report.html"
    return
  fi
  timed "$stage" avsync-evaluate --checkpoint="$WORKDIR" --data_dir="$DATA_DIR" --out="$out" "$@"
}

for name in "${corpora[@]}"; do
  timed "prepare $name" avsync-prepare --dataset="${DATASETS[$name]}" --source="${source_of[$name]}" \
    --data_dir="$DATA_DIR" --workers="$(getconf _NPROCESSORS_ONLN)"
done
timed train avsync-train --config="$CONFIG" --workdir="$WORKDIR" \
  --config.data.data_dir="$DATA_DIR" --config.data.mixture="$(mixture)"
evaluate calibrate "val_${CALIBRATION//\//_}" --dataset="$CALIBRATION" --split=val --calibrate
evaluate evaluate test --dataset="$(IFS=,; echo "${datasets[*]}")" --split=test --fabricate="$FAKES"
if is_current "$OUT/README.md"; then
  echo "== export: done before, $OUT"
elif [[ -e "$OUT" ]]; then
  fail "$OUT holds an older scorer; remove it, or set OUT to another folder, and run this again"
else
  timed export avsync-export --checkpoint="$WORKDIR" --out="$OUT" --license="$LICENCE"
fi
echo "== done in $SECONDS s. The scorer and its card: $OUT/README.md; the corpora compared: $WORKDIR/test/report.html"
