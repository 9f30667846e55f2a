#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# One distribution, for distributions.sh, which checks what is needed, unshares the mounts and exports
# RFDN_CHROOTS, RFDN_SHARED and RFDN_ROWS. Writes the row of the table to $RFDN_ROWS/NAME.
# shellcheck disable=SC2016,SC2317  # scripts for the chroot's shell; what quietly() calls
set -euo pipefail
cd "$(dirname "$0")/.."
. pipelines/setup.sh

: "${RFDN_CHROOTS:?}" "${RFDN_SHARED:?}" "${RFDN_ROWS:?}"
NAME=$1
shift
CHROOT=$RFDN_CHROOTS/$NAME
USER_HOME=/home/rfdn # in the chroot
SOURCE="$USER_HOME/Mes vidéos/gst-rfdn"
# More for tests and for this script than those that `run.sh` asks for.
EXTRA=(git ca-certificates ccache clang man-db xvfb gstreamer1.0-opencv)

work=$(mktemp -d)
job=
step=
versions='-|-|-|-|-|-'
result=
leave() {
  local status=$?
  trap '' INT TERM HUP
  [ -z "$job" ] || kill -KILL -- "-$job" 2>/dev/null || true
  if [ "$status" -ne 0 ] && [ -z "$result" ]; then
    result="failed: $step"
    [ ! -s "$work/log" ] || tail -n 30 "$work/log" >&2
    printf '%s: %s\n' "$NAME" "$result" >&2
  fi
  printf '%s|%s\n' "$versions" "$result" >"$RFDN_ROWS/$NAME"
  rm -rf "$work"
}
trap leave EXIT
trap 'result=interrupted; exit 130' INT TERM HUP

# While it waits for a job, bash hears of signals; in a session of its own the job ends as a whole.
run() { # COMMAND...
  local status=0
  setsid "$@" </dev/null &
  job=$!
  wait "$job" || status=$?
  job=
  return "$status"
}
# In the clone; what it starts and leaves behind ends with it.
enter() { # USER COMMAND...
  local user=$1 home=$USER_HOME
  shift
  [ "$user" != root ] || home=/root
  run unshare --mount --pid --fork --kill-child --mount-proc="$CHROOT/proc" \
    chroot --userspec="$user:$user" "$CHROOT" \
    env -i HOME="$home" USER="$user" TERM="${TERM:-dumb}" LANG=C.UTF-8 \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    CCACHE_DIR="/var/cache/ccache-$user" RFDN_SHARED="$RFDN_SHARED" \
    sh -c 'cd "$0" 2>/dev/null || cd /; exec "$@"' "$SOURCE" "$@"
}
quietly() { # WHAT COMMAND...
  step=$1
  shift
  printf '%s: %s ...\n' "$NAME" "$step" >&2
  "$@" >"$work/log" 2>&1
  : >"$work/log"
}

# The keys that the archive's lists are signed with.
find_keys() {
  local keys=/usr/share/keyrings/debian-archive-keyring.gpg
  if [ "$NAME" != noble ]; then
    [ -e "$keys" ] || rfdn_fail "$keys is missing: apt-get install debian-archive-keyring"
  else
    keys=/usr/share/keyrings/ubuntu-archive-keyring.gpg
    # Debian 12 has no package of them, Debian 13 has.
    [ -e "$keys" ] || keys=$RFDN_CHROOTS/trixie$keys
    [ -e "$keys" ] || rfdn_fail "Ubuntu's keys are missing: apt-get install ubuntu-keyring;" \
      "where there is no such package, run 'distributions.sh trixie' first, which has them"
  fi
  printf '%s\n' "$keys"
}
unpack() {
  local mirror=${RFDN_DEBIAN_MIRROR:-http://deb.debian.org/debian} script=sid components=main keys
  keys=$(find_keys)
  if [ "$NAME" = noble ]; then
    mirror=${RFDN_UBUNTU_MIRROR:-http://archive.ubuntu.com/ubuntu} script=gutsy
    components=main,universe
  fi
  # Those of releases newer than this debootstrap are links to one of these two.
  [ ! -e "/usr/share/debootstrap/scripts/$NAME" ] || script=$NAME
  rm -rf "$CHROOT"
  mkdir -p "$CHROOT"
  run debootstrap --variant=minbase --keyring="$keys" --components="$components" \
    "$NAME" "$CHROOT" "$mirror" "$script"
  touch "$CHROOT/.complete"
}
mount_system() {
  mount --rbind --make-rslave /sys "$CHROOT/sys"
  mount --rbind --make-rslave /dev "$CHROOT/dev"
  if [ -d "$RFDN_SHARED" ]; then
    mkdir -p "$CHROOT$RFDN_SHARED"
    mount --bind -o ro "$RFDN_SHARED" "$CHROOT$RFDN_SHARED"
  fi
}
# A user, no services, and a dpkg that does not wait for the disk.
prepare() {
  mount_system
  printf '#!/bin/sh\nexit 101\n' >"$CHROOT/usr/sbin/policy-rc.d"
  chmod 755 "$CHROOT/usr/sbin/policy-rc.d"
  echo force-unsafe-io >"$CHROOT/etc/dpkg/dpkg.cfg.d/quick"
  # A mirror that stands still for some weeks is signed all the same.
  echo 'Acquire::Check-Valid-Until "false";' >"$CHROOT/etc/apt/apt.conf.d/old"
  [ -d "$CHROOT$USER_HOME" ] || enter root useradd --create-home --shell /bin/bash rfdn
  mkdir -p "$CHROOT/var/cache/ccache-rfdn"
  enter root chown rfdn: /var/cache/ccache-rfdn
}
clone() {
  # Whoever owns the project, root may read it. That the files get another owner is no change.
  printf '[safe]\n\tdirectory = *\n[core]\n\tcheckStat = minimal\n\ttrustctime = false\n' >"$work/.gitconfig"
  mkdir -p "$CHROOT$SOURCE"
  HOME=$work git init -q "$CHROOT$SOURCE"
  HOME=$work git -C "$CHROOT$SOURCE" fetch -q "$PWD" HEAD
  HOME=$work git -C "$CHROOT$SOURCE" reset -q --hard FETCH_HEAD
  enter root chown -R rfdn: "$(dirname "$SOURCE")"
}
install_packages() {
  local extra=("${EXTRA[@]}")
  [ "$NAME" != trixie ] || extra+=(ubuntu-keyring) # see find_keys()
  enter root dpkg --configure -a
  enter root bash -euc '. pipelines/setup.sh
    rfdn_need_packages "${RFDN_RUN_PACKAGES[@]}" "${RFDN_TEST_PACKAGES[@]}" "$@"' sh "${extra[@]}"
}
describe() {
  enter rfdn bash -euc '. /etc/os-release
    ffmpeg=$(ffmpeg -version)
    printf "%s|" "$ID ${VERSION_ID:-testing}" "$(gcc -dumpfullversion)" "$(clang -dumpversion)" \
      "$(pkg-config --modversion gstreamer-1.0)"
    printf "%s|%s" "$(sed -n "1s/^ffmpeg version \([0-9.]*\).*/\1/p" <<<"$ffmpeg")" "$(meson --version)"'
}
build() { # FOLDER COMPILER
  [ -f "$CHROOT$SOURCE/$1/build.ninja" ] ||
    enter rfdn env CC="ccache $2" meson setup "$1" --buildtype=release -Db_ndebug=false \
      -Dwerror=true -Dpipelines=enabled -Dbench=true
  enter rfdn ninja -C "$1"
}
# The first command of README.md, on a second of grey.
transcode() {
  local in="$USER_HOME/un été.y4m" out="$USER_HOME/plus grand.mkv" i
  {
    echo 'YUV4MPEG2 W64 H48 F25:1 Ip A1:1 C420jpeg'
    for ((i = 0; i < 25; i++)); do
      echo FRAME
      head -c $((64 * 48 * 3 / 2)) /dev/zero | tr '\0' '\200'
    done
  } >"$CHROOT$in"
  rm -f "$CHROOT$out"
  enter rfdn ./pipelines/transcode.sh "$in" "$out"
  enter rfdn ffprobe -v error -count_frames -show_entries stream=width,height,nb_read_frames \
    -of csv=p=0 "$out" >"$work/frames"
  cat "$work/frames"
  grep -qx '128,96,25' "$work/frames"
}
# What is installed works without the clone, and can be taken out.
try_install() {
  local left
  enter root meson install -C build --no-rebuild
  enter rfdn sh -euc 'cd /
    plugin=$(find /usr/local -name libgstrfdn.so)
    export GST_PLUGIN_PATH="${plugin%/*}"
    gst-inspect-1.0 rfdnupscale
    gst-launch-1.0 -q videotestsrc num-buffers=2 ! rfdnupscale ! fakesink
    rfdn-transcode --help
    rfdn-transcode "$HOME/un été.y4m" "$HOME/plus grand.mp4"
    rm "$HOME/plus grand.mp4"
    man -w rfdn-transcode'
  enter root ninja -C build uninstall
  left=$(find "$CHROOT/usr/local" -name '*rfdn*')
  if [ -n "$left" ]; then
    printf 'these files stay behind:\n%s\n' "$left"
    return 1
  fi
}

# As a function, which bash reads whole: the file may change while it runs.
main() { # arguments for `meson test`
  local lock status=0
  exec {lock}>"$CHROOT.lock"
  flock --nonblock "$lock" || rfdn_fail "another distributions.sh works in $CHROOT"
  [ -e "$CHROOT/.complete" ] || quietly "unpacking in $CHROOT" unpack
  quietly 'preparing' prepare
  quietly 'cloning' clone
  quietly 'installing packages' install_packages
  versions=$(describe)
  quietly 'building with gcc' build build gcc
  quietly 'building with clang' build build-clang clang
  quietly 'transcode.sh' transcode
  quietly 'installing' try_install

  printf '%s: run.sh %s\n' "$NAME" "$*" >&2
  step=run.sh
  rm -f "$CHROOT$SOURCE/build/meson-logs/testlog.json"
  enter rfdn ./tests/run.sh "$@" || status=1
  result=$(python3 tests/count.py "$CHROOT$SOURCE/build/meson-logs/testlog.json" | tail -n 1)
  exit "$status"
}
main "$@"
