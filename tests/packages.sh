#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Builds the Debian packages, installs, uses and removes them:
#
#   ./tests/packages.sh [bookworm|trixie]   bookworm, if none is named
#
# Needs root, debootstrap and the network. The last commit is built with dpkg-buildpackage in a chroot
# that has only what debian/control asks for, and checked by lintian. In another one, the packages are
# installed with only their dependencies, used, and removed; then once more together with other tools.
# Each check is a line; the last line counts them. If no chroot can be made, the test ends with 77.
#
# The chroots are in $RFDN_CHROOTS (default: ~/.cache/gst-rfdn/chroots), where the first one and the
# downloaded packages are kept for the next run. The packages built are copied to $RFDN_PACKAGES
# if that names a folder. $RFDN_DEBIAN_MIRROR names another mirror.
# shellcheck disable=SC2016,SC2317  # scripts for the chroot's shell; what check() and quietly() call
set -euo pipefail
cd "$(dirname "$0")/.."
. pipelines/setup.sh
. tests/chroot.sh

NAME=${1:-bookworm}
PACKAGES=(gstreamer1.0-rfdn rfdn-tools librfdn-core0 librfdn-core-dev)
TOOLS=(gcc libc6-dev pkg-config man-db bash-completion gstreamer1.0-tools ffmpeg)
DEBS=/home/rfdn/debs # in the chroot that tries them

checks_help "$@"
case $NAME in
  bookworm | trixie) ;;
  *) rfdn_fail "there is no '$NAME', only bookworm and trixie" ;;
esac
chroot_need git:git
chroot_own_mounts "tests/$(basename "$0")" "$NAME"
checks_start

apt_get() { # ARGUMENTS...
  enter root env DEBIAN_FRONTEND=noninteractive apt-get -y --no-install-recommends \
    -o APT::Update::Error-Mode=any "$@"
}

# ---- building ------------------------------------------------------------------------------------

# Lets root's git read the project, whoever owns it.
export_source() { # FOLDER
  mkdir -p "$CHROOT$1"
  git -c safe.directory="$PWD" archive HEAD | tar -x -C "$CHROOT$1"
  enter root chown -R rfdn: "$USER_HOME"
}
install_build_dependencies() {
  apt_get update
  apt_get install build-essential fakeroot ccache
  enter root chown rfdn: /var/cache/ccache
  ENTER_IN=$USER_HOME/gst-rfdn
  apt_get build-dep .
}
build_packages() {
  enter rfdn env PATH=/usr/lib/ccache:/usr/sbin:/usr/bin:/sbin:/bin CCACHE_DIR=/var/cache/ccache \
    dpkg-buildpackage -us -uc -rfakeroot
}
run_lintian() {
  enter rfdn lintian --fail-on error,warning --display-info --show-overrides --tag-display-limit 0 \
    "../$1"
}
build() {
  local changes
  quietly 'a chroot to build in' chroot_fresh "$RFDN_CHROOTS/$NAME-build"
  quietly 'the source' export_source "$USER_HOME/gst-rfdn"
  quietly 'what building depends on' install_build_dependencies
  quietly 'dpkg-buildpackage' build_packages
  passed=$((passed + 1))
  printf 'passed: %s: dpkg-buildpackage\n' "$NAME"
  quietly 'lintian' apt_get install lintian
  changes=$(cd "$CHROOT$USER_HOME" && echo ./*.changes)
  check 'lintian: no error, no warning' run_lintian "$changes"
  mkdir -p "$work/debs"
  cp "$CHROOT$USER_HOME"/*.deb "$work/debs/"
  if [ -n "${RFDN_PACKAGES-}" ]; then
    mkdir -p "$RFDN_PACKAGES"
    find "$CHROOT$USER_HOME" -maxdepth 1 -type f -name '*_*' -exec cp -t "$RFDN_PACKAGES" {} +
  fi
  chroot_remove "$CHROOT"
}

# ---- using ---------------------------------------------------------------------------------------

deb_files() {
  local package
  for package in "${PACKAGES[@]}"; do
    (cd "$CHROOT" && printf '/%s\n' "${DEBS#/}/${package}"_*.deb)
  done
}
# Names of the packages that apt would install with ours.
list_dependencies() {
  local debs
  mapfile -t debs < <(deb_files)
  apt_get install --simulate "${debs[@]}" | awk '$1 == "Inst" { print $2 }' |
    grep -vxF -f <(printf '%s\n' "${PACKAGES[@]}")
}
install_dependencies() {
  local names
  apt_get update
  mapfile -t names < <(list_dependencies)
  [ "${#names[@]}" -gt 0 ]
  apt_get install "${names[@]}"
}
install_packages() {
  local debs
  mapfile -t debs < <(deb_files)
  apt_get install "${debs[@]}"
}
# All files of the system except users' files, logs, caches, and dpkg's and apt's own lists.
list_files() { # FILE
  enter root find / -xdev \( -path /home -o -path /root -o -path /tmp -o -path /var/log -o -path /var/cache \
    -o -path /var/lib/dpkg -o -path /var/lib/apt -o -path /etc/ld.so.cache \) -prune \
    -o -type f -printf '%p %m %u:%g %s\n' -o -printf '%p %y%m %u:%g %l\n' | sort >"$1"
}
purge_packages() {
  apt_get purge "${PACKAGES[@]}"
}
nothing_left() {
  list_files "$work/after" && diff -u "$work/before" "$work/after" &&
    [ -z "$(enter root dpkg-query -W -f '${Package}\n' "${PACKAGES[@]}" 2>/dev/null)" ]
}

use_alone() {
  write_grey >"$CHROOT$USER_HOME/grey.y4m"
  check 'rfdn-transcode with only its dependencies' \
    enter rfdn rfdn-transcode grey.y4m grey.mkv
  check 'the result is a file' test -s "$CHROOT$USER_HOME/grey.mkv"
}
use_with_tools() {
  cp tests/packages.c "$CHROOT$USER_HOME/"
  check 'gst-inspect-1.0 rfdnupscale' enter rfdn gst-inspect-1.0 rfdnupscale
  check "the plugin is in the architecture's folder" enter rfdn sh -euc '
    test -f "/usr/lib/$(gcc -print-multiarch)/gstreamer-1.0/libgstrfdn.so"'
  check 'a pipeline' enter rfdn gst-launch-1.0 -q videotestsrc num-buffers=2 \
    ! video/x-raw,width=64,height=48 ! rfdnupscale ! video/x-raw,width=128,height=96 ! fakesink
  check 'rfdn-transcode --help' enter rfdn rfdn-transcode --help
  check 'man rfdn-transcode' enter rfdn sh -euc 'man rfdn-transcode | grep -q "rfdn-transcode IN OUT"'
  check 'completion of rfdn-transcode' enter rfdn bash -euc '
    . /usr/share/bash-completion/bash_completion
    _completion_loader rfdn-transcode || [ "$?" -eq 124 ]
    complete -p rfdn-transcode'
  check 'a clip of videotestsrc' enter rfdn gst-launch-1.0 -q videotestsrc num-buffers=25 \
    ! video/x-raw,width=64,height=48,framerate=25/1 ! theoraenc ! oggmux ! filesink location=clip.ogg
  check 'rfdn-transcode enlarges it' enter rfdn rfdn-transcode clip.ogg clip.mkv
  check 'twice as large, frame for frame' enter rfdn sh -euc '
    size=$(ffprobe -v error -count_frames -show_entries stream=width,height,nb_read_frames -of csv=p=0 clip.mkv)
    echo "$size"
    [ "$size" = 128,96,25 ]'
  check 'a program with librfdn-core' enter rfdn sh -euc '
    gcc -Wall -Werror packages.c -o packages $(pkg-config --cflags --libs rfdn-core)
    ./packages'
}

try() {
  quietly 'a chroot to install in' chroot_fresh "$RFDN_CHROOTS/$NAME-fresh"
  ENTER_IN=$USER_HOME
  cp -r "$work/debs" "$CHROOT$DEBS"
  quietly 'what the packages depend on' install_dependencies
  quietly 'what there is' list_files "$work/before"
  check 'installing' install_packages
  [ "$failed" -eq 0 ] || exit 1
  use_alone
  check 'purging' purge_packages
  check 'nothing is left' nothing_left

  quietly 'other tools' apt_get install "${TOOLS[@]}"
  list_files "$work/before"
  check 'installing together with other tools' install_packages
  use_with_tools
  check 'purging again' purge_packages
  check 'again nothing is left' nothing_left
  chroot_remove "$CHROOT"
}

# A function, which bash reads completely: the file may change while it runs.
main() {
  local lock
  mkdir -p "$RFDN_CHROOTS"
  exec {lock}>"$RFDN_CHROOTS/$NAME-fresh.lock"
  flock --nonblock "$lock" || rfdn_fail "another test works in $RFDN_CHROOTS/$NAME-fresh"
  build
  try
}
main
exit
