# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Shared by tests that work in chroots; to be sourced in the project's root folder, after
# pipelines/setup.sh:
#
#   chroot_lack PROGRAM:PACKAGE...   if no chroot can be made here, print why
#   chroot_need PROGRAM:PACKAGE...   if chroot_lack prints a reason, end with it and 77
#   chroot_own_mounts SCRIPT ARG...  make our mounts invisible to others: runs SCRIPT again, once
#   chroot_unpack                    unpack a minimal system of the distribution $NAME into $CHROOT
#   chroot_prepare                   make its mounts, and the user `rfdn`, whose home is $USER_HOME
#   chroot_fresh FOLDER              make a new system, which becomes $CHROOT
#   chroot_remove FOLDER             remove what chroot_fresh made
#   enter USER COMMAND...            run a command in $CHROOT, in its folder $ENTER_IN, with $ENTER_ENV
#   write_grey                       write a clip
#
# Sources tests/checks.sh too. $RFDN_DEBIAN_MIRROR and $RFDN_UBUNTU_MIRROR name other mirrors.

. tests/checks.sh

RFDN_CHROOTS=$(realpath -m "${RFDN_CHROOTS:-${XDG_CACHE_HOME:-$HOME/.cache}/gst-rfdn/chroots}")
export RFDN_CHROOTS
USER_HOME=/home/rfdn
ENTER_IN=/
ENTER_ENV=()

chroot_lack() { # PROGRAM:PACKAGE...
  local need
  if [ "$(id -u)" -ne 0 ]; then
    echo 'only root can make and enter a chroot'
    return
  fi
  for need in debootstrap:debootstrap gpgv:gpgv unshare:util-linux setsid:util-linux "$@"; do
    if ! command -v "${need%:*}" >/dev/null; then
      printf 'this needs %s: apt-get install %s\n' "${need%:*}" "${need#*:}"
      return
    fi
  done
  unshare --mount true 2>/dev/null ||
    echo 'root may not mount anything here (in a container: it needs CAP_SYS_ADMIN)'
}

# Mounts in their own namespace vanish with the script, however it ends.
chroot_own_mounts() { # SCRIPT ARGUMENTS...
  [ "${RFDN_OWN_MOUNTS-}" != "$$" ] || return 0
  RFDN_OWN_MOUNTS=$$ exec unshare --mount --propagation private "$BASH" "$@"
}

# Processes that the command leaves running are ended with it.
enter() { # USER COMMAND...
  local user=$1 home=$USER_HOME
  shift
  [ "$user" != root ] || home=/root
  # shellcheck disable=SC2016  # for the shell in the chroot
  run unshare --mount --pid --fork --kill-child --mount-proc="$CHROOT/proc" \
    chroot --userspec="$user:$user" "$CHROOT" \
    env -i HOME="$home" USER="$user" TERM="${TERM:-dumb}" LANG=C.UTF-8 \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "${ENTER_ENV[@]}" \
    sh -c 'cd "$0" 2>/dev/null || cd /; exec "$@"' "$ENTER_IN" "$@"
}

# The keys that sign the archive's lists.
find_keys() {
  local keys=/usr/share/keyrings/debian-archive-keyring.gpg
  if [ "$NAME" != noble ]; then
    [ -e "$keys" ] || rfdn_fail "$keys is missing: apt-get install debian-archive-keyring"
  else
    keys=/usr/share/keyrings/ubuntu-archive-keyring.gpg
    # Debian 13 has a package of them, Debian 12 has not.
    [ -e "$keys" ] || keys=$RFDN_CHROOTS/trixie$keys
    [ -e "$keys" ] || rfdn_fail "Ubuntu's keys are missing: apt-get install ubuntu-keyring;" \
      "where there is no such package, run 'distributions.sh trixie' first, which has them"
  fi
  printf '%s\n' "$keys"
}

chroot_unpack() {
  local mirror=${RFDN_DEBIAN_MIRROR:-http://deb.debian.org/debian} script=sid components=main keys
  keys=$(find_keys)
  if [ "$NAME" = noble ]; then
    mirror=${RFDN_UBUNTU_MIRROR:-http://archive.ubuntu.com/ubuntu} script=gutsy
    components=main,universe
  fi
  # The scripts of releases newer than this debootstrap are links to one of these two.
  [ ! -e "/usr/share/debootstrap/scripts/$NAME" ] || script=$NAME
  rm -rf --one-file-system "$CHROOT"
  mkdir -p "$CHROOT"
  run debootstrap --variant=minbase --keyring="$keys" --components="$components" \
    "$NAME" "$CHROOT" "$mirror" "$script"
  touch "$CHROOT/.complete"
}

# A user, no services, and a dpkg that does not wait for the disk.
chroot_prepare() {
  mount --rbind --make-rslave /sys "$CHROOT/sys"
  mount --rbind --make-rslave /dev "$CHROOT/dev"
  printf '#!/bin/sh\nexit 101\n' >"$CHROOT/usr/sbin/policy-rc.d"
  chmod 755 "$CHROOT/usr/sbin/policy-rc.d"
  echo force-unsafe-io >"$CHROOT/etc/dpkg/dpkg.cfg.d/quick"
  # Accept lists of a mirror that has not been updated for weeks: they are still signed.
  echo 'Acquire::Check-Valid-Until "false";' >"$CHROOT/etc/apt/apt.conf.d/old"
  [ -d "$CHROOT$USER_HOME" ] || enter root useradd --create-home --shell /bin/bash rfdn
}

# It holds only what debootstrap made, which is kept as $NAME-base. Downloaded packages and ccache's cache
# are kept, too.
chroot_fresh() { # FOLDER
  local base=$RFDN_CHROOTS/$NAME-base kept=$RFDN_CHROOTS/$NAME-kept
  if [ ! -e "$base/.complete" ]; then
    CHROOT=$base
    chroot_unpack
  fi
  mkdir -p "$kept/archives" "$kept/ccache"
  chroot_remove "$1"
  cp -a --reflink=auto "$base" "$1"
  CHROOT=$1
  mkdir -p "$CHROOT/var/cache/ccache"
  link_debs "$kept/archives" "$CHROOT/var/cache/apt/archives"
  mount --bind "$kept/ccache" "$CHROOT/var/cache/ccache"
  chroot_prepare
}

# Another test may run at the same time: apt locks its folder of packages, so each system gets its own,
# with hard links. cp may complain about existing ones.
link_debs() { # FROM TO
  find "$1" -maxdepth 1 -name '*.deb' -exec cp --link --no-clobber -t "$2" {} + 2>/dev/null || true
}

chroot_remove() { # FOLDER
  local mounted
  link_debs "$1/var/cache/apt/archives" "$RFDN_CHROOTS/$NAME-kept/archives"
  for mounted in sys dev var/cache/ccache; do
    ! mountpoint -q "$1/$mounted" || umount --recursive "$1/$mounted"
  done
  rm -rf --one-file-system "$1"
}

# A second of grey, 64x48, as raw video, which needs no tool to make.
write_grey() {
  local i
  echo 'YUV4MPEG2 W64 H48 F25:1 Ip A1:1 C420jpeg'
  for ((i = 0; i < 25; i++)); do
    echo FRAME
    head -c $((64 * 48 * 3 / 2)) /dev/zero | tr '\0' '\200'
  done
}

# If no chroot can be made, the test is skipped.
chroot_need() { # PROGRAM:PACKAGE...
  local why
  why=$(chroot_lack "$@")
  [ -z "$why" ] || checks_skip "$why"
}
