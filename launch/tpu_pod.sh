#!/usr/bin/env bash
# A training on all hosts of a Cloud TPU slice: one process a host, with the chips of that host.
# Needs the gcloud command, signed in, and a TPU VM that is there.
#
#   TPU=my-slice ZONE=us-central2-b CONFIG=configs/grid.py WORKDIR=/mnt/shared/runs/grid \
#     DATA_DIR=/mnt/shared/data bash launch/tpu_pod.sh
#
# TPU, ZONE  the TPU VM: gcloud compute tpus tpu-vm list --zone=ZONE
# CONFIG     configs/NAME.py[:ARG]; further arguments go to avsync-train
# WORKDIR    where checkpoints and metrics go: on a file system that all hosts have mounted
# DATA_DIR   where prepared datasets lie, likewise
# CODE       what is installed on each host: a path or URL for pip; by default avsync is there already
# ATTEMPTS   how often it is started, if it is told to end before it is done
set -uo pipefail

: "${TPU:?say which TPU VM: TPU=NAME ZONE=ZONE bash launch/tpu_pod.sh}"
: "${ZONE:?say where the TPU VM is: ZONE=us-central2-b}"
: "${CONFIG:?say what to train: CONFIG=configs/NAME.py}"
: "${WORKDIR:?say where checkpoints go: WORKDIR=/mnt/shared/runs/NAME}"
DATA_DIR="${DATA_DIR:-data}"
CODE="${CODE:-}"
ATTEMPTS="${ATTEMPTS:-10}"

on_all_hosts() {
  gcloud compute tpus tpu-vm ssh "$TPU" --zone="$ZONE" --worker=all --command="$1"
}

if [[ -n "$CODE" ]]; then
  on_all_hosts "pip install --quiet $(printf '%q' "${CODE}[tpu]")" || exit
fi

# Quoted once more, for the shell on the other side. The TPU itself tells JAX how many hosts there are.
train="$(printf '%q ' env AVSYNC_PROCESSES=auto avsync-train --config="$CONFIG" \
  --workdir="$WORKDIR" --config.data.data_dir="$DATA_DIR" "$@")"

for ((attempt = 1; attempt <= ATTEMPTS; attempt++)); do
  on_all_hosts "$train"
  status=$?
  if ((status != 75)); then
    exit "$status"
  fi
  echo "told to end, in attempt $attempt of $ATTEMPTS: started again" >&2
done
exit "$status"
