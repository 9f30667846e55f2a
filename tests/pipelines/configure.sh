#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# How the build copes with FFmpeg's libraries that are missing, incomplete or newer than this project
# knows, and what the scripts tell a user who may not install packages. Prints TAP; needs no clips.
set -uo pipefail
# shellcheck source=tests/pipelines/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=pipelines/setup.sh
. "$scripts/setup.sh"

pkg-config --exists libavutil 2>/dev/null || skip_all 'there is no libavutil'
[ -n "$(type -P meson)" ] || [ -x /usr/bin/meson ] || skip_all 'there is no meson'

# Configures in ./b, with libavutil as ./pc describes it. Passes if `meson setup` ends with STATUS and WORDS.
configure() { # STATUS WORDS [arguments for `meson setup`]
  local expected=$1 words=$2 status=0
  shift 2
  rm -rf b
  PKG_CONFIG_PATH=$work/pc rfdn_meson setup b "$RFDN_ROOT" -Dtests=false "$@" >err 2>&1 || status=1
  [ "$status" -eq "$expected" ] && grep -qF -- "$words" err
}
describe() { # VERSION [FOLDER of headers]
  printf 'Name: libavutil\nDescription: another one\nVersion: %s\nCflags: %s\nLibs: -lavutil\n' \
    "$1" "${2:+-I$2}" >pc/libavutil.pc
}
stub() { # PROGRAM SCRIPT
  printf '#!/bin/sh\n%s\n' "$2" >"stubs/$1"
  chmod +x "stubs/$1"
}
mkdir -p stubs pc broken/libavutil newer/libavutil

describe 1.0
configure 0 'NO: libavformat was not found'
ok $? 'without FFmpeg the plugin is built, and rfdn-transcode is not'

stub ninja ''
fails 'transcode.sh says so' 'was configured without rfdn-transcode' \
  env PATH="$work/stubs:$PATH" RFDN_BUILD="$work/b" "$scripts/transcode.sh" in.mkv out.mkv

describe "$(pkg-config --modversion libavutil)" "$work/broken"
echo '#error a header that is not what it was' >broken/libavutil/avutil.h
configure 0 "NO: FFmpeg's headers are incomplete"
ok $? 'headers that cannot be compiled: rfdn-transcode is left out'
configure 1 "rfdn-transcode cannot be built: FFmpeg's headers are incomplete" -Dpipelines=enabled
ok $? 'headers that cannot be compiled: an error where rfdn-transcode is demanded'

# A version without sound queues, which only one source file uses.
describe 99.1.100 "$work/newer"
: >newer/libavutil/audio_fifo.h
configure 0 'NO: libavutil 99.1.100 is newer than this release knows'
ok $? 'a newer FFmpeg that lacks a function: rfdn-transcode is left out'

# A user without sudo on a Debian that has none of the packages.
stub id 'echo 1000'
stub dpkg-query ''
stub apt-get ''
stub sudo 'exit 1'
words='these packages are missing: sudo apt-get install --no-install-recommends gcc '
fails 'transcode.sh: a user without sudo is told which packages are missing' "$words" \
  env PATH="$work/stubs:$PATH" "$scripts/transcode.sh" in.mkv out.mkv
fails 'run.sh: a user without sudo is told which packages are missing' "$words" \
  env PATH="$work/stubs:$PATH" "$RFDN_ROOT/tests/run.sh"

echo "1..$count"
