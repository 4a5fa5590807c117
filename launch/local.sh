#!/usr/bin/env bash
# One job of several processes on this machine: to try here what a cluster will do, or for one
# process a GPU. (One process alone takes all GPUs of its machine, and needs no script.)
#
#   PROCESSES=2 bash launch/local.sh avsync-train --config=configs/quickstart.py --workdir=runs/two
#
# PROCESSES   how many; by default one for each GPU
# PORT        where they meet: a port of this machine that is free
#
# Told to end (SIGTERM, Ctrl-C) it tells them all. Ends with the status of the first that failed; 75
# means that the training was told to end and goes on when it is run again.
set -uo pipefail

num_gpus="$(nvidia-smi --list-gpus 2>/dev/null | wc -l)"
PROCESSES="${PROCESSES:-$num_gpus}"
PORT="${PORT:-29400}"

if ((PROCESSES < 1)) || (($# == 0)); then
  echo "local.sh: say how many by PROCESSES, and what to run: PROCESSES=2 bash local.sh COMMAND" >&2
  exit 2
fi

pids=()
for ((index = 0; index < PROCESSES; index++)); do
  if ((num_gpus > 0)); then
    export JAX_LOCAL_DEVICE_IDS="$index"
  fi
  AVSYNC_PROCESSES="$PROCESSES" AVSYNC_PROCESS_INDEX="$index" \
    JAX_COORDINATOR_ADDRESS="localhost:$PORT" "$@" &
  pids+=("$!")
done

told=
trap 'told=now; kill -TERM "${pids[@]}" 2>/dev/null' TERM INT

status=0
while true; do
  wait -n
  code=$?
  if [[ "$told" == now ]]; then # it was the signal that ended the wait
    told=before
  elif ((code == 127)); then # none is left
    exit "$status"
  elif ((code != 0 && status == 0)); then
    status=$code
    # Without one of them the others would wait for it. Those that were told to end do so together.
    ((code == 75)) || kill -KILL "${pids[@]}" 2>/dev/null
  fi
done
