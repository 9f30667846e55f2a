#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The same job by Slurm on two nodes, one of which dies, by GNU parallel and by Open Job Description: each must give what
# one machine gives in one piece. Prints TAP. $RFDN_BUILD is the build.
set -uo pipefail
# shellcheck source=tests/pipelines/common.sh
. "$(dirname "$0")/common.sh"

program=$RFDN_BUILD/pipelines/rfdn-transcode
keys=(codec=ffv1 model=live-clean)
for tool in ffmpeg ffprobe timeout; do
  command -v "$tool" >/dev/null || skip_all "there is no $tool"
done
[ -x "$program" ] || skip_all "$program was not built"

content() { # FILE
  ffmpeg -v error -i "$1" -map 0 -f framemd5 - 2>&1 | grep -v '^#' | sort | md5sum
}
have_packages() {
  (. "$scripts/setup.sh" && rfdn_need_packages "$@") >/dev/null 2>&1
}
parts_of() { # OUT: how many are finished
  find "$1.parts" -name '[0-9]*.json' 2>/dev/null | wc -l
}

ffmpeg -v error -f lavfi -i testsrc=s=160x120:r=15:d=12 -f lavfi -i sine=d=12 -c:v libx264 -preset ultrafast -bf 2 \
  -g 20 -c:a aac -shortest clip.mkv || skip_all 'ffmpeg makes no clip'
timeout 100 "$program" clip.mkv one.mkv part-length=0 "${keys[@]}" >out 2>err || skip_all 'one machine does not make it'
wanted=$(content one.mkv)

# ---- Slurm

start_slurm() {
  local port=$((21000 + $$ % 20000)) node
  # The user who runs the daemons is asked for by others: what they share has to be open.
  chmod 755 "$work"
  mkdir state
  head -c 64 /dev/urandom >munge.key
  chmod 600 munge.key
  munged --force --foreground --key-file="$work/munge.key" --socket="$work/munge.socket" --pid-file="$work/munged.pid" \
    --log-file="$work/munged.log" --seed-file="$work/munge.seed" >/dev/null 2>&1 &
  started+=($!)
  cat >slurm.conf <<END
ClusterName=test
SlurmctldHost=$(hostname)(127.0.0.1)
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
AuthInfo=socket=$work/munge.socket,cred_expire=5
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SwitchType=switch/none
MailProg=/bin/true
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool-%n
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd-%n.pid
SlurmctldPort=$port
SlurmdTimeout=6
KillWait=5
ReturnToService=2
SlurmdParameters=config_overrides
NodeName=n1 NodeHostname=localhost NodeAddr=127.0.0.1 Port=$((port + 1)) CPUs=1
NodeName=n2 NodeHostname=localhost NodeAddr=127.0.0.1 Port=$((port + 2)) CPUs=1
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END
  export SLURM_CONF=$work/slurm.conf
  for _ in {1..50}; do [ ! -S munge.socket ] || break; sleep 0.1; done
  slurmctld -D -i >slurmctld.log 2>&1 &
  started+=($!)
  for node in n1 n2; do
    mkdir -p spool-$node
    slurmd -D -N $node >slurmd-$node.log 2>&1 &
    started+=($!)
    node_pid=$!
  done
  for _ in {1..200}; do
    [ "$(sinfo -h -t idle -o %D 2>/dev/null)" != 2 ] || return 0
    sleep 0.1
  done
  cat slurmctld.log slurmd-n1.log | tail -n 20 | sed 's/^/# /'
  return 1
}
# What runs on a node of this cluster, the daemon's own children or not.
kill_node() { # NODE
  local process
  kill -KILL "$node_pid"
  for process in /proc/[0-9]*; do
    if grep -qzx "SLURMD_NODENAME=$1" "$process/environ" && grep -qzx "SLURM_CONF=$work/slurm.conf" "$process/environ"; then
      kill -KILL "${process#/proc/}"
    fi
  done 2>/dev/null
}
wait_for_file() { # FILE SECONDS
  for ((i = 0; i < 10 * $2; i++)); do
    [ ! -e "$1" ] || return 0
    sleep 0.1
  done
  return 1
}
test_slurm() {
  local node_pid=0
  if ! have_packages slurmctld slurmd slurm-client munge || ! command -v slurmctld >/dev/null; then
    skip 'Slurm' 'its packages cannot be installed'
    return
  fi
  if ! start_slurm; then
    ok 1 'Slurm: two nodes are up'
    return
  fi
  check 'slurm.sh: 12 parts are submitted' timeout 60 "$scripts/farm/slurm.sh" clip.mkv slurm.mkv parts=12 "${keys[@]}"
  grep -q 'Joining: job' out
  ok $? 'slurm.sh: and a job that joins them'
  for _ in {1..600}; do
    [ "$(parts_of slurm.mkv)" -lt 3 ] || break
    sleep 0.1
  done
  kill_node n2
  echo "# n2 died when $(parts_of slurm.mkv) of 12 parts were finished"
  [ ! -e slurm.mkv ]
  ok $? 'Slurm: one of two nodes dies in the middle'
  wait_for_file slurm.mkv 120
  ok $? 'Slurm: its part is made again by the other one, and all are joined'
  [ -e slurm.mkv ] || { squeue | sed 's/^/# /'; tail -n 5 slurmctld.log | sed 's/^/# /'; }
  same 'Slurm: frames and times are those of one machine, bit for bit' "$wanted" "$(content slurm.mkv)"
}

# ---- GNU parallel, Open Job Description

test_parallel() {
  if ! have_packages parallel || ! command -v parallel >/dev/null; then
    skip 'GNU parallel' 'it cannot be installed'
    return
  fi
  # A part that fails first: there is a folder where its file is to be.
  timeout 60 "$program" clip.mkv parallel.mkv --plan 12 "${keys[@]}" >out 2>err
  mkdir parallel.mkv.parts/00007.nut
  timeout 200 "$scripts/farm/parallel.sh" clip.mkv parallel.mkv parts=12 jobs=2 "${keys[@]}" >out 2>err
  [ $? -ne 0 ] && [ "$(parts_of parallel.mkv)" -eq 11 ] && [ ! -e parallel.mkv ]
  ok $? 'parallel.sh: a part that fails is told of, the others are made'
  rmdir parallel.mkv.parts/00007.nut
  check 'parallel.sh: run again, it makes what is missing' \
    timeout 200 "$scripts/farm/parallel.sh" clip.mkv parallel.mkv parts=12 jobs=2 "${keys[@]}"
  same 'parallel.sh: frames and times are those of one machine, bit for bit' "$wanted" "$(content parallel.mkv)"
  [ ! -e parallel.mkv.parts ]
  ok $? 'parallel.sh: nothing is left'
}

test_openjd() {
  local openjd
  openjd=$(command -v openjd) || {
    openjd=$work/venv/bin/openjd
    { python3 -m venv venv && timeout 120 venv/bin/pip install -q openjd-cli; } >/dev/null 2>&1 || openjd=
  }
  if [ -z "$openjd" ]; then
    skip 'Open Job Description' 'openjd-cli cannot be installed'
    return
  fi
  check 'openjd run: plan, 12 parts, join' timeout 200 "$openjd" run "$scripts/farm/openjd.yaml" -p "In=$work/clip.mkv" \
    -p "Out=$work/openjd.mkv" -p Last=11 -p "Options=${keys[*]}" -p "Program=$program"
  same 'openjd: frames and times are those of one machine, bit for bit' "$wanted" "$(content openjd.mkv)"
}

test_slurm
test_parallel
test_openjd
echo "1..$count"
