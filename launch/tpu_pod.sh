#!/usr/bin/env bash
# A command of avsync on all hosts of a Cloud TPU slice: one process per host, using the chips of
# that host. Needs the gcloud command, signed in, and an existing TPU VM.
#
#   TPU=my-slice ZONE=us-central2-b bash launch/tpu_pod.sh avsync-train --config=grid \
#     --workdir=/mnt/shared/runs/grid --config.data.data_dir=/mnt/shared/data
#
# TPU, ZONE  the TPU VM, as listed by gcloud compute tpus tpu-vm list --zone=ZONE
# CODE       path or URL that pip installs on each host; default: avsync is already installed
# ATTEMPTS   maximal number of starts of a training that is preempted; default: 10
#
# avsync-train, -evaluate, -extract and -score share the work among the hosts. Every other command
# runs on the first host. Those that need no chips run on its CPUs; avsync-sweep and avsync-adapt use
# its chips, and need a slice of one host. Folders must be on a file system that all hosts mount.
set -uo pipefail

: "${TPU:?not set; name of the TPU VM}"
: "${ZONE:?not set; zone of the TPU VM, such as us-central2-b}"
CODE="${CODE:-}"
ATTEMPTS="${ATTEMPTS:-10}"

if (($# == 0)); then
  echo "tpu_pod.sh: COMMAND is missing; usage: TPU=NAME ZONE=ZONE bash tpu_pod.sh avsync-train …" >&2
  exit 2
fi

on_hosts() {
  gcloud compute tpus tpu-vm ssh "$TPU" --zone="$ZONE" --worker="$1" --command="$2"
}

if [[ -n "$CODE" ]]; then
  on_hosts all "pip install --quiet $(printf '%q' "${CODE}[train,tpu]")" || exit
fi

name="${1##*/}"
[[ "$name" == avsync ]] && name="avsync-${2:-}"
case "$name" in
  avsync-audit | avsync-convert | avsync-export | avsync-fix | avsync-prepare)
    # On a slice of several hosts, JAX would wait for the chips of all of them.
    hosts=0 setting=JAX_PLATFORMS=cpu
    ;;
  avsync-adapt | avsync-sweep)
    hosts=0 setting=AVSYNC_PROCESSES=1
    ;;
  *)
    # JAX reads the number of hosts from the TPU.
    hosts=all setting=AVSYNC_PROCESSES=auto
    ;;
esac

# Quoted for the remote shell.
job="$(printf '%q ' env "$setting" "$@")"

for ((attempt = 1; attempt <= ATTEMPTS; attempt++)); do
  on_hosts "$hosts" "$job"
  status=$?
  if ((status != 75)); then
    exit "$status"
  fi
  echo "preempted in attempt $attempt of $ATTEMPTS" >&2
done
exit "$status"
