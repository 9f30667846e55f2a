# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What every script needs before it can do its work, to be sourced from the project's root folder or
# anywhere else:
#
#   rfdn_need_packages PACKAGE...   have Debian packages, installing what is missing when possible
#   rfdn_build                      have the plugin and the programs built
#   rfdn_environment                let GStreamer find the plugin that was built
#   rfdn_fail MESSAGE               end with one clear line
#   rfdn_need_file FILE             fail unless it is a file that can be read
#   rfdn_uri FILE                   print a file's URI
#   rfdn_location PATH              print it as location=, with which gst-launch-1.0 means that very file
#   rfdn_show COMMAND...            print a command so that it can be pasted into a shell
#
# $RFDN_BUILD names the folder that is built in, $RFDN_RUN_PACKAGES lists what building and running
# take, $RFDN_TEST_PACKAGES what the tests take besides. All of it is quiet when there is nothing to do.

RFDN_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
RFDN_BUILD=${RFDN_BUILD:-$RFDN_ROOT/build}

# shellcheck disable=SC2034  # for those who source this
RFDN_RUN_PACKAGES=(
  gcc libc6-dev meson ninja-build pkg-config
  libglib2.0-dev libglib2.0-dev-bin libjson-glib-dev
  libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev
  libavformat-dev libavcodec-dev libavutil-dev libavfilter-dev libswscale-dev
  gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good
  gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly gstreamer1.0-libav
)
# Python's packages but python3-gi are for the tests of models/. From exiv2 on they are what scripts under
# pipelines/ would else install within the time that their tests give them.
# shellcheck disable=SC2034  # for those who source this
RFDN_TEST_PACKAGES=(
  ffmpeg python3 python3-numpy python3-pil python3-av
  exiv2 fonts-dejavu-core python3-gi gir1.2-gstreamer-1.0
  gstreamer1.0-x gstreamer1.0-gl gstreamer1.0-alsa
)

rfdn_fail() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

rfdn_need_file() {
  [ -e "$1" ] || rfdn_fail "$1 does not exist"
  [ -f "$1" ] || rfdn_fail "$1 is not a file"
  [ -r "$1" ] || rfdn_fail "$1 cannot be read"
}

rfdn_missing_packages() {
  local package
  for package; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
      printf '%s\n' "$package"
  done
}

rfdn_need_packages() {
  local missing as_root=() log
  # On another distribution the build says what it does not find.
  command -v dpkg-query >/dev/null && command -v apt-get >/dev/null || return 0
  mapfile -t missing < <(rfdn_missing_packages "$@")
  [ "${#missing[@]}" -gt 0 ] || return 0

  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null; then
      rfdn_fail "these packages are missing: sudo apt-get install --no-install-recommends ${missing[*]}"
    fi
    as_root=(sudo -n)
  fi
  printf 'Installing %d Debian packages: %s\n' "${#missing[@]}" "${missing[*]}" >&2
  log=$(mktemp)
  if ! {
    "${as_root[@]}" apt-get update &&
      "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends "${missing[@]}"
  } >"$log" 2>&1 </dev/null; then
    tail -n 20 "$log" >&2
    rm -f "$log"
    rfdn_fail "installing the packages failed: ${missing[*]}"
  fi
  rm -f "$log"
}

# Debian's meson, also where another one lies earlier in the path.
rfdn_meson() {
  if [ -x /usr/bin/meson ]; then
    /usr/bin/meson "$@"
  else
    meson "$@"
  fi
}

# Further arguments go to `meson setup`.
# shellcheck disable=SC2120
rfdn_build() {
  local log=$RFDN_BUILD/rfdn-build.log
  mkdir -p "$RFDN_BUILD" || rfdn_fail "cannot make the folder $RFDN_BUILD"
  if [ ! -f "$RFDN_BUILD/build.ninja" ]; then
    printf 'Building in %s ...\n' "$RFDN_BUILD" >&2
    if ! rfdn_meson setup "$RFDN_BUILD" "$RFDN_ROOT" --buildtype=release -Db_ndebug=false "$@" \
      >"$log" 2>&1; then
      tail -n 20 "$log" >&2
      rfdn_fail "configuring failed; the whole log is $log"
    fi
  fi
  if ! ninja -C "$RFDN_BUILD" >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    rfdn_fail "building failed; the whole log is $log"
  fi
}

rfdn_environment() {
  export GST_PLUGIN_PATH="$RFDN_BUILD/gst${GST_PLUGIN_PATH:+:$GST_PLUGIN_PATH}"
  export GST_REGISTRY="$RFDN_BUILD/registry.bin"
}

rfdn_uri() {
  local LC_ALL=C path i c
  path=$(realpath "$1")
  printf 'file://'
  for ((i = 0; i < ${#path}; i++)); do
    c=${path:i:1}
    case $c in
      [a-zA-Z0-9/._~-]) printf '%s' "$c" ;;
      *) printf '%%%02X' "'$c" ;;
    esac
  done
}

rfdn_location() {
  local path=${1//\\/\\\\}
  case $1 in
    \"*) printf 'location="./%s"' "${path//\"/\\\"}" ;;
    ' '* | *[\"\'\\$'\t\n\v\f\r']*) printf 'location="%s"' "${path//\"/\\\"}" ;;
    *) printf 'location=%s' "$1" ;;
  esac
}

rfdn_show() {
  local word text=
  for word; do
    case $word in
      *[!a-zA-Z0-9/._~=,:@%+!-]*) text+=" '${word//\'/\'\\\'\'}'" ;;
      *) text+=" $word" ;;
    esac
  done
  printf '%s\n' "${text# }" >&2
}
