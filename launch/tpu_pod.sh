#!/usr/bin/env bash
# A training on all hosts of a Cloud TPU slice: one process per host, using the chips of that host.
# Needs the gcloud command, signed in, and an existing TPU VM.
#
#   TPU=my-slice ZONE=us-central2-b CONFIG=grid WORKDIR=/mnt/shared/runs/grid \
#     DATA_DIR=/mnt/shared/data bash launch/tpu_pod.sh
#
# TPU, ZONE  the TPU VM, as listed by gcloud compute tpus tpu-vm list --zone=ZONE
# CONFIG     config of the training, NAME[:VARIANT] or PATH.py[:VARIANT]; arguments of this script
#            are passed to avsync-train
# WORKDIR    folder for checkpoints and metrics, on a file system mounted on all hosts
# DATA_DIR   folder of prepared datasets, mounted in the same way; default: data
# CODE       path or URL that pip installs on each host; default: avsync is already installed
# ATTEMPTS   maximal number of starts of a training that is preempted; default: 10
set -uo pipefail

: "${TPU:?not set; name of the TPU VM}"
: "${ZONE:?not set; zone of the TPU VM, such as us-central2-b}"
: "${CONFIG:?not set; config of the training, such as grid}"
: "${WORKDIR:?not set; folder for checkpoints, such as /mnt/shared/runs/NAME}"
DATA_DIR="${DATA_DIR:-data}"
CODE="${CODE:-}"
ATTEMPTS="${ATTEMPTS:-10}"

on_all_hosts() {
  gcloud compute tpus tpu-vm ssh "$TPU" --zone="$ZONE" --worker=all --command="$1"
}

if [[ -n "$CODE" ]]; then
  on_all_hosts "pip install --quiet $(printf '%q' "${CODE}[train,tpu]")" || exit
fi

# Quoted for the remote shell. JAX reads the number of hosts from the TPU.
train="$(printf '%q ' env AVSYNC_PROCESSES=auto avsync-train --config="$CONFIG" \
  --workdir="$WORKDIR" --config.data.data_dir="$DATA_DIR" "$@")"

for ((attempt = 1; attempt <= ATTEMPTS; attempt++)); do
  on_all_hosts "$train"
  status=$?
  if ((status != 75)); then
    exit "$status"
  fi
  echo "preempted in attempt $attempt of $ATTEMPTS" >&2
done
exit "$status"
