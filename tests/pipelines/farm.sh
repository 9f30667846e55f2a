#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The same job by Slurm on two nodes, one of which dies, by GNU parallel, here and over ssh, and by Open Job Description:
# the result must equal that of one run on one machine. Prints TAP. $RFDN_BUILD is the build.
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
  # shellcheck source=pipelines/setup.sh
  (. "$scripts/setup.sh" && rfdn_need_packages "$@") >/dev/null 2>&1
}
parts_of() { # OUT: how many are finished
  find "$1.parts" -name '[0-9]*.json' 2>/dev/null | wc -l
}
wait_for_parts() { # OUT NUMBER
  for _ in {1..600}; do
    [ "$(parts_of "$1")" -lt "$2" ] || return 0
    sleep 0.1
  done
  return 1
}

ffmpeg -v error -f lavfi -i testsrc=s=160x120:r=15:d=12 -f lavfi -i sine=d=12 -c:v libx264 -preset ultrafast -bf 2 \
  -g 20 -c:a aac -shortest clip.mkv || skip_all 'ffmpeg makes no clip'
timeout 100 "$program" clip.mkv one.mkv part-length=0 "${keys[@]}" >out 2>err || skip_all 'rfdn-transcode fails on one machine'
wanted=$(content one.mkv)

# ---- Slurm

start_slurm() {
  local port=$((21000 + $$ % 20000)) node
  # munged wants all users to be able to reach its socket, but only we can enter a folder made by mktemp.
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
# The processes of a node's jobs, and those of Slurm that would report how a job ended.
find_workers() { # NODE
  local process parent
  for process in /proc/[0-9]*; do
    if grep -qzx "SLURMD_NODENAME=$1" "$process/environ" && grep -qzx "SLURM_CONF=$work/slurm.conf" "$process/environ"; then
      parent=$(awk '/^PPid:/ { print $2 }' "$process/status")
      if grep -qx slurmstepd "/proc/$parent/comm"; then echo "$parent"; fi
      echo "${process#/proc/}"
    fi
  done 2>/dev/null
}
# Like a power failure: the daemon, and all it started, before any of them can report.
kill_node() { # NODE
  local processes=()
  for _ in {1..100}; do
    mapfile -t processes < <(find_workers "$1")
    [ "${#processes[@]}" -lt 2 ] || break
    sleep 0.1
  done
  kill -KILL "$node_pid" "${processes[@]}" 2>/dev/null
  echo "# $1 died, and ${#processes[@]} processes on it"
}
wait_for_file() { # FILE SECONDS
  for ((i = 0; i < 10 * $2; i++)); do
    [ ! -e "$1" ] || return 0
    sleep 0.1
  done
  return 1
}
task_is() { # JOB STATE
  [ "$(scontrol -o show job "$1" 2>/dev/null | sed 's/.* JobState=\([A-Z]*\) .*/\1/')" = "$2" ]
}
finishing='SIGTERM: stops as soon as the part in work is finished'
# Until work on the part has begun, which its unfinished file shows.
wait_for_work() { # OUT PART
  for _ in {1..600}; do
    [ -z "$(find "$1.parts" -name ".*$2-*.nut" -size +0)" ] || return 0
    sleep 0.05
  done
  return 1
}
# On the remaining node: SIGTERM some time before a limit, and again at the limit.
test_slurm_signals() {
  local film="it's ä %a.mkv" id part
  # Parts that take long enough to be interrupted.
  local slow=(codec=ffv1 model=balanced threads=1)
  ffmpeg -v error -i clip.mkv -t 8 -c copy "$film"
  timeout 200 "$program" "$film" slow.mkv part-length=0 "${slow[@]}" >out 2>err
  # A name that bash quotes in a way sh does not understand.
  LC_ALL=C check 'slurm.sh: two parts are submitted' \
    timeout 60 "$scripts/farm/slurm.sh" "$film" "to $film" parts=2 "${slow[@]}"
  id=$(sed -n 's/^Parts .*: job \([0-9]*\)$/\1/p' out)

  part="to $film.parts/00000"
  wait_for_work "to $film" 00000
  scancel --batch --signal=TERM "${id}_0"
  wait_for_file "$part.json" 120
  ok $? 'Slurm: SIGTERM before a limit, and the part in work is finished'
  grep -q "$finishing" "to $film.parts/slurm-0.log" && [ -e "$part.nut" ]
  ok $? 'Slurm: it has come while the part was in work'

  wait_for_work "to $film" 00001
  scancel --batch --signal=TERM "${id}_1"
  for _ in {1..100}; do
    ! grep -q "$finishing" "to $film.parts/slurm-1.log" || break
    sleep 0.05
  done
  scancel --batch --signal=TERM "${id}_1"
  for _ in {1..300}; do
    ! task_is "${id}_1" FAILED || break
    sleep 0.1
  done
  grep -q 'stopped by SIGTERM' "to $film.parts/slurm-1.log" && task_is "${id}_1" FAILED
  ok $? 'Slurm: SIGTERM once more, at the limit, and the part in work is given up'
  [ -z "$(find "to $film.parts" -name '*00001*')" ]
  ok $? 'Slurm: nothing is left of it'
  for _ in {1..900}; do
    [ -n "$(squeue -h)" ] || break
    sleep 0.1
  done
  [ ! -e "to $film" ] && [ -z "$(squeue -h)" ]
  ok $? 'Slurm: nothing is joined, and no job waits forever'

  check 'slurm.sh: run again, it submits the missing parts' \
    timeout 60 "$scripts/farm/slurm.sh" "$film" "to $film" parts=2 "${slow[@]}"
  grep -q '^Parts 1: job' out
  ok $? 'slurm.sh: and no more'
  wait_for_file "to $film" 120
  same 'Slurm: frames and times are those of one machine after that, too' "$(content slow.mkv)" "$(content "to $film")"
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
  wait_for_parts slurm.mkv 3
  kill_node n2
  echo "# n2 died when $(parts_of slurm.mkv) of 12 parts were finished"
  [ ! -e slurm.mkv ]
  ok $? 'Slurm: one of two nodes dies in the middle'
  wait_for_file slurm.mkv 120
  ok $? 'Slurm: its part is made again by the other one, and all are joined'
  [ -e slurm.mkv ] || { squeue | sed 's/^/# /'; tail -n 5 slurmctld.log | sed 's/^/# /'; }
  same 'Slurm: frames and times are those of one machine, bit for bit' "$wanted" "$(content slurm.mkv)"
  test_slurm_signals
}

# ---- GNU parallel, Open Job Description

test_parallel() {
  if ! have_packages parallel || ! command -v parallel >/dev/null; then
    skip 'GNU parallel' 'it cannot be installed'
    return
  fi
  # A part that fails at first: a folder is in the place of its file.
  timeout 60 "$program" clip.mkv parallel.mkv --plan 12 "${keys[@]}" >out 2>err
  mkdir parallel.mkv.parts/00007.nut
  ! timeout 200 "$scripts/farm/parallel.sh" clip.mkv parallel.mkv parts=12 jobs=2 "${keys[@]}" >out 2>err &&
    [ "$(parts_of parallel.mkv)" -eq 11 ] && [ ! -e parallel.mkv ]
  ok $? 'parallel.sh: a part that fails is reported, the others are made'
  rmdir parallel.mkv.parts/00007.nut
  check 'parallel.sh: run again, it makes the missing parts' \
    timeout 200 "$scripts/farm/parallel.sh" clip.mkv parallel.mkv parts=12 jobs=2 "${keys[@]}"
  same 'parallel.sh: frames and times are those of one machine, bit for bit' "$wanted" "$(content parallel.mkv)"
  [ ! -e parallel.mkv.parts ]
  ok $? 'parallel.sh: nothing is left'
}

# Our own sshd on a high port, which only we can use.
start_sshd() {
  local port=$((20000 + $$ % 20000)) sshd
  sshd=$(PATH=$PATH:/usr/sbin command -v sshd) || return 1
  mkdir ssh
  ssh-keygen -q -t ed25519 -N '' -f ssh/key && ssh-keygen -q -t ed25519 -N '' -f ssh/host_key || return 1
  cp ssh/key.pub ssh/authorized_keys
  cat >ssh/server <<END
ListenAddress 127.0.0.1
Port $port
HostKey $work/ssh/host_key
AuthorizedKeysFile $work/ssh/authorized_keys
StrictModes no
UsePAM no
MaxStartups 100
PidFile none
END
  cat >ssh/client <<END
HostName 127.0.0.1
Port $port
User $(id -un)
IdentityFile $work/ssh/key
IdentitiesOnly yes
BatchMode yes
StrictHostKeyChecking no
UserKnownHostsFile /dev/null
LogLevel ERROR
END
  # systemd would make this folder.
  [ "$(id -u)" -ne 0 ] || mkdir -p /run/sshd
  "$sshd" -D -e -f ssh/server >ssh/log 2>&1 &
  sshd_pid=$!
  started+=("$sshd_pid")
  export PARALLEL_SSH="ssh -F $work/ssh/client"
  for _ in {1..50}; do
    timeout 10 ssh -F ssh/client localhost true 2>/dev/null && return 0
    sleep 0.1
  done
  tail -n 5 ssh/log | sed 's/^/# /'
  return 1
}
# The sshd process whose session makes a part, and the part's number.
find_connection() {
  local line process parent
  while read -r line; do
    process=${line%% *} parent=
    while [ "${process:-0}" -gt 1 ]; do
      parent=$(ps -o ppid= -p "$process" | tr -d ' ')
      [ "$parent" != "$sshd_pid" ] || { echo "$process ${line##* }"; return 0; }
      process=$parent
    done
  done < <(pgrep -af "^$program .* --part [0-9]+\$")
  return 1
}
test_ssh() {
  local sshd_pid=0 connection part job n
  # A name with characters special to a shell, a program or parallel itself.
  local film="-it's {} \$HOME {.}.mkv"
  if ! have_packages parallel openssh-server openssh-client || ! command -v parallel ssh >/dev/null; then
    skip 'GNU parallel over ssh' 'it or ssh cannot be installed'
    return
  fi
  if ! start_sshd; then
    skip 'GNU parallel over ssh' 'we cannot run our own sshd here, or not log in'
    return
  fi
  timeout 200 "$scripts/farm/parallel.sh" clip.mkv ssh.mkv parts=12 hosts=127.0.0.1,localhost "${keys[@]}" >out 2>err &
  job=$!
  wait_for_parts ssh.mkv 2
  for _ in {1..100}; do
    read -r connection part < <(find_connection) && kill -KILL "$connection" && break
    sleep 0.1
  done
  [ -n "$part" ] && [ ! -e ssh.mkv ]
  ok $? 'parallel.sh over ssh: a connection dies in the middle'
  echo "# killed the one of part $part when $(parts_of ssh.mkv) of 12 were finished"
  wait "$job"
  ok $? 'parallel.sh over ssh: its part is made again, and all are joined'
  same 'parallel.sh over ssh: frames and times are those of one machine, bit for bit' "$wanted" "$(content ssh.mkv)"

  # All connections die, and so does the machine that started them.
  cp clip.mkv "./$film"
  setsid "$scripts/farm/parallel.sh" "$film" "to $film" parts=6 hosts=localhost,127.0.0.1 "${keys[@]}" >out 2>err &
  job=$!
  for _ in {1..600}; do
    [ "$(awk 'NR > 1 { print $2 }' "to $film.parts/joblog" 2>/dev/null | sort -u | wc -l)" -lt 2 ] || break
    sleep 0.1
  done
  { kill -KILL -- "-$job"; wait "$job"; } 2>/dev/null
  pkill -KILL -P "$sshd_pid"
  # Orphaned workers end by themselves; each holds the folder's lock.
  timeout 60 flock --exclusive "to $film.parts" true
  n=$(parts_of "to $film")
  echo "# $n of 6 parts were finished"
  [ "$n" -ge 2 ] && [ "$n" -lt 6 ] && [ ! -e "to $film" ]
  ok $? 'parallel.sh over ssh: all die in the middle, when both hosts have made parts'
  check 'parallel.sh over ssh: run again, it continues' \
    timeout 200 "$scripts/farm/parallel.sh" "$film" "to $film" parts=6 hosts=localhost,127.0.0.1 "${keys[@]}"
  # An earlier worker may have finished one meanwhile.
  [ "$(grep -c '^part . of .* is made$' err)" -le "$((6 - n))" ]
  ok $? 'parallel.sh over ssh: it makes only the missing parts'
  same 'parallel.sh over ssh: frames and times are still those of one machine' "$wanted" "$(content "to $film")"
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
test_ssh
test_openjd
echo "1..$count"
