#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# One distribution, for distributions.sh, which checks what is needed, unshares the mounts and exports
# RFDN_CHROOTS, RFDN_SHARED and RFDN_ROWS. Writes the row of the table to $RFDN_ROWS/NAME.
# shellcheck disable=SC2016,SC2317  # scripts for the chroot's shell; what quietly() calls
set -euo pipefail
cd "$(dirname "$0")/.."
. pipelines/setup.sh
. tests/chroot.sh

: "${RFDN_CHROOTS:?}" "${RFDN_SHARED:?}" "${RFDN_ROWS:?}"
NAME=$1
shift
CHROOT=$RFDN_CHROOTS/$NAME
SOURCE="$USER_HOME/Mes vidéos/gst-rfdn" # in the chroot
ENTER_IN=$SOURCE
ENTER_ENV=(CCACHE_DIR=/var/cache/ccache-rfdn RFDN_SHARED="$RFDN_SHARED")
# Packages that tests and this script need in addition to those that `run.sh` installs.
EXTRA=(git ca-certificates ccache clang man-db xvfb gstreamer1.0-opencv)

work=$(mktemp -d)
versions='-|-|-|-|-|-'
result=
leave() {
  local status=$?
  trap '' INT TERM HUP
  if [ "$status" -ne 0 ] && [ -z "$result" ]; then
    result="failed: $step"
    printf '%s: %s\n' "$NAME" "$result" >&2
  fi
  printf '%s|%s\n' "$versions" "$result" >"$RFDN_ROWS/$NAME"
  end_steps "$status"
}
trap leave EXIT
trap 'result=interrupted; exit 130' INT TERM HUP

prepare() {
  chroot_prepare
  if [ -d "$RFDN_SHARED" ]; then
    mkdir -p "$CHROOT$RFDN_SHARED"
    mount --bind -o ro "$RFDN_SHARED" "$CHROOT$RFDN_SHARED"
  fi
  mkdir -p "$CHROOT/var/cache/ccache-rfdn"
  enter root chown rfdn: /var/cache/ccache-rfdn
}
clone() {
  # Lets root's git read the project, whoever owns it, and ignore that files change owner.
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
  local in="$USER_HOME/un été.y4m" out="$USER_HOME/plus grand.mkv"
  write_grey >"$CHROOT$in"
  rm -f "$CHROOT$out"
  enter rfdn ./pipelines/transcode.sh "$in" "$out"
  enter rfdn ffprobe -v error -count_frames -show_entries stream=width,height,nb_read_frames \
    -of csv=p=0 "$out" >"$work/frames"
  cat "$work/frames"
  grep -qx '128,96,25' "$work/frames"
}
# The installed files work without the clone, and can be uninstalled.
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

# A function, which bash reads completely: the file may change while it runs.
main() { # arguments for `meson test`
  local lock status=0
  exec {lock}>"$CHROOT.lock"
  flock --nonblock "$lock" || rfdn_fail "another distributions.sh works in $CHROOT"
  [ -e "$CHROOT/.complete" ] || quietly "unpacking in $CHROOT" chroot_unpack
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
