# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Shared by the tests of pipelines, to be sourced: TAP, a folder to work in, measurements.
# shellcheck disable=SC2034  # for those who source this
scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../pipelines" && pwd)
media=$RFDN_SHARED/media
work=$(mktemp -d)
started=()
# shellcheck disable=SC2317  # runs as the test ends
clean_up() {
  local pid
  for pid in "${started[@]}"; do kill "$pid" 2>/dev/null; done
  wait
  rm -rf "$work"
}
trap clean_up EXIT
cd "$work" || exit 1

count=0
ok() { # STATUS NAME
  count=$((count + 1))
  if [ "$1" -eq 0 ]; then
    echo "ok $count - $2"
  else
    echo "not ok $count - $2"
    tail -n 30 err 2>/dev/null | sed 's/^/# /'
  fi
}
skip() { # NAME REASON
  count=$((count + 1))
  echo "ok $count - $1 # SKIP $2"
}
skip_all() { # REASON
  echo "1..0 # SKIP $1"
  exit 0
}
# Runs a command; the test passes if it does.
check() { # NAME COMMAND...
  local name=$1 status=0
  shift
  "$@" >out 2>err || status=1
  ok "$status" "$name"
}
same() { # NAME WANTED GOT
  local status=0
  [ "$2" = "$3" ] && [ -n "$2" ] || status=1
  [ "$status" -eq 0 ] || printf '# wanted: %.300s\n# got:    %.300s\n' "$2" "$3"
  ok "$status" "$1"
}
# Passes if the command fails with one line that contains WORDS.
fails() { # NAME WORDS COMMAND...
  local name=$1 words=$2 status=0
  shift 2
  timeout 30 "$@" >out 2>err && status=1
  [ "$(wc -l <err)" -eq 1 ] || status=1
  grep -qF -- "$words" err || status=1
  ok "$status" "$name"
}
# Width, height and frames of a video.
shape() { # FILE
  ffprobe -v error -count_frames -select_streams v:0 -show_entries stream=width,height,nb_read_frames \
    -of csv=p=0 "$1" 2>/dev/null | head -n 1
}
# Decibels between the luma of two videos, frame by frame.
psnr() { # FILE FILE
  ffmpeg -v info -i "$1" -i "$2" -lavfi \
    "[0:v]settb=1/25,setpts=N,format=gray[a];[1:v]settb=1/25,setpts=N,format=gray[b];[a][b]psnr=shortest=1" \
    -f null - 2>&1 | sed -n 's/.*PSNR.*average:\([0-9.inf]*\).*/\1/p' | tail -n 1
}
# The same of all colours, for files of which one is RGB. Chroma is sited left; FFmpeg 5.1 has to be told
# that.
psnr_rgb() { # FILE FILE
  local rgb=scale=flags=accurate_rnd+full_chroma_int+full_chroma_inp+bicubic
  rgb+=:in_h_chr_pos=0:in_v_chr_pos=128,format=rgb24
  ffmpeg -v info -i "$1" -i "$2" -lavfi \
    "[0:v]settb=1/25,setpts=N,${rgb}[a];[1:v]settb=1/25,setpts=N,${rgb}[b];[a][b]psnr=shortest=1" \
    -f null - 2>&1 | sed -n 's/.*PSNR.*average:\([0-9.inf]*\).*/\1/p' | tail -n 1
}
at_least() { # VALUE BOUND
  [ "$1" = inf ] || awk -v v="${1:-0}" -v b="$2" 'BEGIN { exit !(v >= b) }'
}
