#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Builds and tests in another release of Debian, with its GStreamer and its FFmpeg:
#
#   ./tests/distributions.sh trixie [arguments for `meson test`]
#
# Needs root, debootstrap and the network. The release is unpacked into
# $RFDN_CHROOTS/trixie (default: ~/.cache/gst-rfdn/chroots; 2 GB) and stays there. A clone is tested,
# without what is not committed. If no arguments are given, the tests of kernels, core, gst and
# pipelines run; the last line counts the tests that ran.
set -euo pipefail
cd "$(dirname "$0")/.."
. pipelines/setup.sh

[ "$#" -gt 0 ] || rfdn_fail "which release? (trixie)"
RELEASE=$1
shift
[ "$RELEASE" = trixie ] || rfdn_fail "there is no '$RELEASE', only trixie"
[ "$(id -u)" -eq 0 ] || rfdn_fail "only root can set up and enter a chroot"
command -v debootstrap >/dev/null || rfdn_fail "this needs debootstrap: apt-get install debootstrap"
[ "$#" -gt 0 ] || set -- --suite kernels --suite core --suite gst --suite pipelines

CHROOT=${RFDN_CHROOTS:-${XDG_CACHE_HOME:-$HOME/.cache}/gst-rfdn/chroots}/$RELEASE
SHARED=$(realpath -m "${RFDN_SHARED:-../shared}")
PACKAGES=(git ca-certificates xvfb gstreamer1.0-gl gstreamer1.0-x gstreamer1.0-opencv
  "${RFDN_RUN_PACKAGES[@]}" ffmpeg python3)

log=$(mktemp)
mounted=()
# shellcheck disable=SC2317  # runs at the end
leave() {
  local i
  for ((i = ${#mounted[@]} - 1; i >= 0; i--)); do umount --recursive "${mounted[i]}"; done
  rm -f "$log"
}
trap leave EXIT
mount_at() { # WHERE [options for mount] WHAT
  local where=$CHROOT$1
  shift
  mkdir -p "$where"
  mount "$@" "$where"
  mounted+=("$where")
}
quietly() { # WHAT COMMAND...
  local what=$1
  shift
  printf '%s ...\n' "$what" >&2
  if ! "$@" >"$log" 2>&1 </dev/null; then
    tail -n 20 "$log" >&2
    rfdn_fail "failed: $what"
  fi
}

if [ ! -e "$CHROOT/.complete" ]; then
  rm -rf "$CHROOT"
  mkdir -p "$CHROOT"
  quietly "Unpacking $RELEASE in $CHROOT" debootstrap --variant=minbase "$RELEASE" "$CHROOT" \
    "${RFDN_DEBIAN_MIRROR:-http://deb.debian.org/debian}"
  touch "$CHROOT/.complete"
fi
mount_at /proc -t proc proc
mount_at /sys --rbind --make-rslave /sys
mount_at /dev --rbind --make-rslave /dev
[ ! -d "$SHARED" ] || mount_at "$SHARED" --bind -o ro "$SHARED"

# Tests install packages with services, which nobody is to start here.
printf '#!/bin/sh\nexit 101\n' >"$CHROOT/usr/sbin/policy-rc.d"
chmod 755 "$CHROOT/usr/sbin/policy-rc.d"

quietly 'Looking for packages' chroot "$CHROOT" apt-get update
quietly 'Installing packages' chroot "$CHROOT" env DEBIAN_FRONTEND=noninteractive \
  apt-get install -y --no-install-recommends "${PACKAGES[@]}"

if [ -d "$CHROOT/src" ]; then
  git -C "$CHROOT/src" fetch -q "$PWD" HEAD
  git -C "$CHROOT/src" reset -q --hard FETCH_HEAD
else
  git clone -q . "$CHROOT/src"
fi
in_chroot() { # COMMAND...: in the clone
  chroot "$CHROOT" env -u DISPLAY -u WAYLAND_DISPLAY HOME=/root RFDN_SHARED="$SHARED" \
    sh -c 'cd /src && exec "$@"' sh "$@"
}
options=(--buildtype=release -Db_ndebug=false -Dwerror=true -Dpipelines=enabled)
if [ -f "$CHROOT/src/build/build.ninja" ]; then
  quietly 'Configuring' in_chroot meson configure build "${options[@]}"
else
  quietly 'Configuring' in_chroot meson setup build "${options[@]}"
fi
quietly 'Building' in_chroot ninja -C build

status=0
in_chroot meson test -C build --no-rebuild --print-errorlogs "$@" || status=1
python3 tests/count.py "$CHROOT/src/build/meson-logs/testlog.json" || status=1
exit "$status"
