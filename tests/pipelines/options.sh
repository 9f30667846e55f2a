#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What rfdn-transcode's command line can ask for. Prints TAP. $RFDN_BUILD is the build, $RFDN_SHARED the
# folder with media/, which is no part of the project; most clips here are made by FFmpeg.
set -uo pipefail
# shellcheck source=tests/pipelines/common.sh
. "$(dirname "$0")/common.sh"

program=$RFDN_BUILD/pipelines/rfdn-transcode
for tool in ffmpeg ffprobe timeout; do
  command -v "$tool" >/dev/null || skip_all "there is no $tool"
done
[ -x "$program" ] || skip_all "$program was not built"

# Small and quick: what is tested is what comes of the options.
run() { # ARGUMENT...
  timeout 200 "$program" "$@" >out 2>err
}
clip() { # FILE FRAMES [OPTION OF FFMPEG...]
  local file=$1 frames=$2
  shift 2
  ffmpeg -v error -y -f lavfi -i "testsrc2=size=64x48:rate=25" -frames:v "$frames" "$@" "$file"
}
# Checksums of all pictures, in order.
pictures() { # FILE [OPTION OF FFMPEG...]
  local file=$1
  shift
  ffmpeg -v error "$@" -i "$file" -map 0:v:0 -f framemd5 - | awk -F', *' '!/^#/ { print $NF }' | paste -sd ' '
}
video() { # FILE ENTRIES
  ffprobe -v error -select_streams v:0 -show_entries "$2" -of default=nw=1:nk=1 "$1" 2>/dev/null | paste -sd ' '
}

# ---- one table

test_table() {
  local readme=$scripts/README.md table names name missing=''
  table=$("$program" --table)
  [ -n "$table" ] && [[ "$(<"$readme")" == *"$table"* ]]
  ok $? "README.md has the table that the program prints"
  "$program" --help >help
  "$program" --man >manual
  "$program" --completion >completion
  names=$(sed -n 's/^| `\(-*[a-z-]*\).*/\1/p' <<<"$table")
  same 'the table has keys and flags' 'model --version' "$(grep -x -e model -e --version <<<"$names" | paste -sd ' ')"
  for name in $names; do
    grep -qE -- "^  $name(=| |\$)" help || missing+=" help:$name"
    grep -qF -- "${name//-/\\-}" manual || missing+=" manual:$name"
    grep -qE -- "[' ]$name(=| |')" completion || missing+=" completion:$name"
  done
  same 'every option is in --help, manual and completion' 'none' "none$missing"
  awk 'length > 80' help >err
  [ ! -s err ]
  ok $? "--help is no wider than 80 characters"
  if command -v groff >/dev/null; then
    check 'the manual is a manual' bash -c 'groff -ww -man -Tascii -z manual 2>&1 | (! grep .)'
  else
    skip 'the manual is a manual' 'there is no groff'
  fi
  check '--version tells the version' bash -c "'$program' --version | grep -qx 'rfdn-transcode [0-9.]*'"
  fails 'an unknown flag' '--version' "$program" --colour=red
  fails 'a flag with a value that it does not take' 'takes no value' "$program" a.mkv b.mkv --join=yes
  fails 'a flag without its value' '--plan: N is wanted' "$program" a.mkv b.mkv --plan
  fails 'a flag with a wrong value' 'a number from 1' "$program" a.mkv b.mkv --plan x
  fails 'the words of a flag' 'text|json' "$program" a.mkv b.mkv --progress=xml
  fails 'no OUT' 'IN OUT' "$program" a.mkv
}

complete_words() { # WORD...: what is offered for the last one
  bash -c '
    compopt() { :; }
    . ./completion
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    _rfdn_transcode
    echo "${COMPREPLY[*]}"' bash "$@"
}

test_completion() {
  same 'completes flags' '--progress=' "$(complete_words rfdn-transcode --prog)"
  same 'completes keys' 'model=' "$(complete_words rfdn-transcode a.mkv b.mkv mod)"
  same 'completes values' 'h264 hevc' "$(complete_words rfdn-transcode a.mkv b.mkv codec = h)"
  same 'completes all values' 'auto 2 3 4' "$(complete_words rfdn-transcode a.mkv b.mkv scale =)"
  same 'leaves files to bash' 'none' "none$(complete_words rfdn-transcode a)"
}

test_table
test_completion
echo "1..$count"
