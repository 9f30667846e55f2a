#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Builds, tests and installs in other distributions, each with its own compilers, GStreamer and FFmpeg:
#
#   ./tests/distributions.sh [bookworm] [trixie] [forky] [noble] [arguments for `meson test`]
#
# Without a name: in all four. Needs root, debootstrap and the network. Each distribution is unpacked
# into a folder of $RFDN_CHROOTS (default: ~/.cache/gst-rfdn/chroots; 3 GB each), which is kept for
# the next run; remove it to start over. Nothing outside of it changes.
#
# In each, a clone of the last commit is built with gcc and with clang, without a warning, by a user
# without sudo in a folder whose name has blanks and non-ASCII letters. Then that user runs the two
# commands of README.md, transcode.sh and run.sh (with the arguments given, such as `--suite core`);
# `meson install` installs into the system, which is tried and uninstalled. A table at the end says what
# passed. In the chroot, the clone is /home/rfdn/Mes vidéos/gst-rfdn.
#
# The tests see $RFDN_SHARED if it exists; $RFDN_DEBIAN_MIRROR and $RFDN_UBUNTU_MIRROR name other
# mirrors.
set -euo pipefail
cd "$(dirname "$0")/.."
. pipelines/setup.sh
. tests/chroot.sh

KNOWN=(bookworm trixie forky noble)

case ${1-} in
  -h | --help)
    sed -n '4,/^[^#]/s/^# \{0,1\}//p' "tests/$(basename "$0")"
    exit
    ;;
esac
names=()
while [ "$#" -gt 0 ] && [[ " ${KNOWN[*]} " == *" $1 "* ]]; do
  names+=("$1")
  shift
done
[ "${#names[@]}" -gt 0 ] || [ "$#" -eq 0 ] || [[ $1 == -* ]] ||
  rfdn_fail "there is no '$1', only ${KNOWN[*]}"

why=$(chroot_lack git:git python3:python3)
[ -z "$why" ] || rfdn_fail "$why"
chroot_own_mounts "tests/$(basename "$0")" "${names[@]}" "$@"
[ "${#names[@]}" -gt 0 ] || names=("${KNOWN[@]}")

RFDN_SHARED=$(realpath -m "${RFDN_SHARED:-../shared}")
RFDN_ROWS=$(mktemp -d)
export RFDN_SHARED RFDN_ROWS
current=
# shellcheck disable=SC2317  # called by the traps
stop() { # STATUS SIGNAL
  [ -z "$current" ] || kill "-$2" "$current" 2>/dev/null || true
  wait || true
  exit "$1"
}
trap 'rm -rf "$RFDN_ROWS"' EXIT
trap 'stop 130 TERM' INT
trap 'stop 143 TERM' TERM
trap 'stop 129 TERM' HUP

# A function, which bash reads completely: the file may change while it runs.
main() { # arguments for `meson test`
  local name system gcc clang gstreamer ffmpeg meson result status=0
  for name in "${names[@]}"; do
    "$BASH" tests/distribution.sh "$name" "$@" </dev/null &
    current=$!
    wait "$current" || status=1
    current=
  done

  # SYSTEM|GCC|CLANG|GSTREAMER|FFMPEG|MESON|RESULT, written by distribution.sh
  printf '\n%-10s %-15s %-7s %-6s %-9s %-7s %-7s %s\n' \
    name distribution gcc clang GStreamer FFmpeg meson result
  for name in "${names[@]}"; do
    IFS='|' read -r system gcc clang gstreamer ffmpeg meson result <"$RFDN_ROWS/$name"
    printf '%-10s %-15s %-7s %-6s %-9s %-7s %-7s %s\n' \
      "$name" "$system" "$gcc" "$clang" "$gstreamer" "$ffmpeg" "$meson" "$result"
  done
  exit "$status"
}
main "$@"
