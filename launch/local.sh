#!/usr/bin/env bash
# Runs a command of avsync as several processes on this machine, to try out what a cluster does or to
# use one process per GPU. (A single process uses all GPUs of its machine and needs no script.)
#
#   PROCESSES=2 bash launch/local.sh avsync-train --config=quickstart --workdir=runs/two
#
# avsync-train, -evaluate, -extract and -score share the work; every other command is one process.
#
# PROCESSES   number of processes; default: one per GPU
# PORT        free port of this machine at which they meet; default: 29400
#
# SIGTERM and Ctrl-C are passed on to all processes. The exit status is that of the first process
# that failed; 75 means that the training was preempted and resumes when run again.
set -uo pipefail

num_gpus="$(nvidia-smi --list-gpus 2>/dev/null | wc -l)"
PROCESSES="${PROCESSES:-$num_gpus}"
PORT="${PORT:-29400}"

if ((PROCESSES < 1)) || (($# == 0)); then
  echo "local.sh: PROCESSES or COMMAND is missing; usage: PROCESSES=2 bash local.sh COMMAND" >&2
  exit 2
fi

name="${1##*/}"
[[ "$name" == avsync ]] && name="avsync-${2:-}"
case "$name" in
  avsync-adapt | avsync-audit | avsync-convert | avsync-export | avsync-fix | avsync-prepare | avsync-sweep)
    echo "local.sh: $name is one process; start it without local.sh" >&2
    exit 2
    ;;
esac

# Large pages: a tenth less CPU time for trainings on CPUs. The C library reads it at the start.
export GLIBC_TUNABLES="${GLIBC_TUNABLES:-glibc.malloc.hugetlb=1}"

pids=()
for ((index = 0; index < PROCESSES; index++)); do
  if ((num_gpus > 0)); then
    export JAX_LOCAL_DEVICE_IDS="$index"
  fi
  AVSYNC_PROCESSES="$PROCESSES" AVSYNC_PROCESS_INDEX="$index" \
    JAX_COORDINATOR_ADDRESS="localhost:$PORT" "$@" &
  pids+=("$!")
done

signalled=
trap 'signalled=now; kill -TERM "${pids[@]}" 2>/dev/null' TERM INT

status=0
while true; do
  wait -n
  code=$?
  if [[ "$signalled" == now ]]; then # The signal ended the wait, not a process.
    signalled=before
  elif ((code == 127)); then # No process is left.
    exit "$status"
  elif ((code != 0 && status == 0)); then
    status=$code
    # The others would wait for the one that failed. Preempted processes end together by themselves.
    ((code == 75)) || kill -KILL "${pids[@]}" 2>/dev/null
  fi
done
