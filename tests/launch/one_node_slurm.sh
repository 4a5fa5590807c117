#!/usr/bin/env bash
# A one-node Slurm on this machine: loopback only, without accounting, GPUs or cgroups. It is enough
# to queue, signal and requeue jobs. Needs root and the Debian packages slurmctld, slurmd,
# slurm-client and munge.
#
#   bash tests/launch/one_node_slurm.sh start DIR     # then set SLURM_CONF=DIR/slurm.conf for sbatch etc.
#   bash tests/launch/one_node_slurm.sh stop DIR
set -euo pipefail

command="$1"
mkdir -p "$2"
directory="$(cd "$2" && pwd)"

start() {
  mkdir -p "$directory"/{state,spool,munge}
  chmod 700 "$directory/munge"
  # Munge refuses a key or socket that others can access.
  head -c 1024 /dev/urandom >"$directory/munge/key"
  chmod 400 "$directory/munge/key"
  munged --key-file="$directory/munge/key" --socket="$directory/munge.socket" \
    --pid-file="$directory/munge/pid" --log-file="$directory/munge/log" \
    --seed-file="$directory/munge/seed" --force
  configure >"$directory/slurm.conf"
  export SLURM_CONF="$directory/slurm.conf"
  slurmctld
  slurmd
}

configure() {
  local host
  host="$(hostname --short)"
  cat <<CONF
ClusterName=avsync
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=16817
SlurmdPort=16818
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$directory/munge.socket
StateSaveLocation=$directory/state
SlurmdSpoolDir=$directory/spool
SlurmctldPidFile=$directory/slurmctld.pid
SlurmdPidFile=$directory/slurmd.pid
SlurmctldLogFile=$directory/slurmctld.log
SlurmdLogFile=$directory/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
MinJobAge=600
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=main Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF
}

stop() {
  local name
  for name in slurmd slurmctld munge/pid; do
    local file="$directory/${name%.pid}"
    [[ -f "$file" ]] || file="$directory/$name.pid"
    if [[ -f "$file" ]]; then
      kill "$(cat "$file")" || true
    fi
  done
}

"$command"
