#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Tests on other processors than this machine's, by emulation (qemu-user):
#
#   ./tests/cross.sh [aarch64] [nehalem] [arguments for `meson test`]
#
# Both if none is named. Arguments (`core-int16 kernels-int16`) choose other tests than the usual ones;
# GStreamer's own tools are then left out.
#
# aarch64: builds with Debian's cross compiler, tests NEON and scalar code. The libraries for arm64
# are unpacked, not installed, into $XDG_CACHE_HOME/gst-rfdn (0.5 GB), so that the system gets
# no foreign architecture. This needs the network the first time.
# nehalem: the ordinary build on an x86-64 processor without AVX.
#
# Folders: build-aarch64 ($RFDN_BUILD-aarch64) and build. The last line counts the tests that ran.
set -euo pipefail
cd "$(dirname "$0")/.."
. pipelines/setup.sh

CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/gst-rfdn
SYSROOT=$CACHE/sysroot-arm64
ARM_LIBRARIES=$SYSROOT/usr/lib/aarch64-linux-gnu
ARM_PACKAGES=(
  libc6-dev libglib2.0-dev libjson-glib-dev libgstreamer1.0-dev
  libgstreamer-plugins-base1.0-dev gstreamer1.0-tools
  gstreamer1.0-plugins-base gstreamer1.0-plugins-good
)
# Under emulation, the other programs of tests/gst take minutes, or need decoders.
GST_TESTS=(gst-caps gst-levels gst-metas gst-models)
PIPELINE=(videotestsrc num-buffers=3 ! 'video/x-raw,format=I420,width=64,height=48'
  ! rfdnupscale ! 'video/x-raw,width=128,height=96' ! fakesink)

logs=()
status=0

# Downloads and unpacks $ARM_PACKAGES and all their dependencies, with an apt that neither knows nor
# changes this system's packages.
make_sysroot() {
  local wanted="$suite ${ARM_PACKAGES[*]}" new=$SYSROOT.new deb
  [ "$(cat "$SYSROOT/.packages" 2>/dev/null)" != "$wanted" ] || return 0

  printf 'Unpacking libraries for arm64 in %s ...\n' "$SYSROOT" >&2
  rm -rf "$new" "$new".apt
  mkdir -p "$new".apt/{empty,lists/partial,archives/partial} "$new"
  : >"$new".apt/status
  printf 'deb [arch=arm64 signed-by=%s] %s %s main\n' /usr/share/keyrings/debian-archive-keyring.gpg \
    "${RFDN_DEBIAN_MIRROR:-http://deb.debian.org/debian}" "$suite" >"$new".apt/sources.list
  cat >"$new".apt/apt.conf <<EOF
APT::Architecture "arm64";
APT::Sandbox::User "";
Dir::State "$new.apt";
Dir::State::status "$new.apt/status";
Dir::Cache "$new.apt";
Dir::Etc::SourceList "$new.apt/sources.list";
Dir::Etc::SourceParts "$new.apt/empty";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "$new.apt/empty";
EOF
  if ! { APT_CONFIG=$new.apt/apt.conf apt-get update -o APT::Update::Error-Mode=any &&
    APT_CONFIG=$new.apt/apt.conf apt-get install -y --download-only --no-install-recommends \
      "${ARM_PACKAGES[@]}"; } >"$new".apt/log 2>&1 </dev/null; then
    tail -n 20 "$new".apt/log >&2
    rfdn_fail "the packages for arm64 could not be downloaded; the whole log is $new.apt/log"
  fi
  for deb in "$new".apt/archives/*.deb; do
    dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$new" --no-same-owner --keep-directory-symlink \
      --exclude='./usr/share/doc' --exclude='./usr/share/man' --exclude='./usr/share/locale'
  done
  printf '%s\n' "$wanted" >"$new/.packages"
  rm -rf "$SYSROOT" "$new".apt
  mv "$new" "$SYSROOT"
}

# Writes meson's description of the machine; deletes a build for another sysroot.
make_cross_file() {
  local file=$RFDN_BUILD/cross.ini text
  text=$(
    cat <<EOF
[binaries]
c = 'aarch64-linux-gnu-gcc'
ar = 'aarch64-linux-gnu-gcc-ar'
strip = 'aarch64-linux-gnu-strip'
pkgconfig = 'pkg-config'
exe_wrapper = ['qemu-aarch64', '-L', '$SYSROOT']
[built-in options]
c_args = ['--sysroot=$SYSROOT']
c_link_args = ['--sysroot=$SYSROOT']
[properties]
sys_root = '$SYSROOT'
pkg_config_libdir = '$ARM_LIBRARIES/pkgconfig:$SYSROOT/usr/share/pkgconfig'
[host_machine]
system = 'linux'
cpu_family = 'aarch64'
cpu = 'aarch64'
endian = 'little'
EOF
  )
  if [ "$(cat "$file" 2>/dev/null)" != "$text" ]; then
    rm -rf "$RFDN_BUILD"
    mkdir -p "$RFDN_BUILD"
    printf '%s\n' "$text" >"$file"
  fi
}

# run_tests NAME [arguments for `meson test`]: leaves a log for tests/count.py.
run_tests() {
  local name=$1 log=$RFDN_BUILD/meson-logs/cross-$1
  shift
  printf '== %s\n' "$name" >&2
  rm -f "$log"*
  rfdn_meson test -C "$RFDN_BUILD" --no-rebuild --print-errorlogs --timeout-multiplier 10 \
    --logbase "cross-$name" "$@" >&2 || status=1
  # meson appends the name of a wrapper.
  logs+=("$log"*.json)
}

# point WHAT WANTED COMMAND...: one line of TAP. The command must fail with the message WANTED, or
# succeed if WANTED is empty.
point() {
  local what=$1 wanted=$2 output result=ok
  shift 2
  if output=$("$@" 2>&1); then
    [ -z "$wanted" ] || result='not ok'
  else
    [ -n "$wanted" ] && grep -q "$wanted" <<<"$output" || result='not ok'
  fi
  printf '%s - %s\n' "$result" "$what"
  [ "$result" = ok ] || printf '%s\n' "$output" | sed 's/^/# /'
}

# run_tools NAME FOLDER EMULATOR...: GStreamer's own tools, which find the plugin in the registry.
# $refused lists the CPU levels that must be refused.
run_tools() {
  local name=$1 bin=$2 level log
  shift 2
  log=$RFDN_BUILD/meson-logs/cross-tools-$name.tap
  {
    point "gst-inspect-1.0 rfdnupscale" '' "$@" "$bin/gst-inspect-1.0" rfdnupscale
    point "gst-launch-1.0" '' "$@" "$bin/gst-launch-1.0" -q "${PIPELINE[@]}"
    for level in $refused; do
      RFDN_CPU=$level point "gst-launch-1.0 refuses $level" "CPU level '$level'" \
        "$@" "$bin/gst-launch-1.0" -q "${PIPELINE[@]}"
    done
  } >"$log"
  cat "$log" >&2
  logs+=("$log")
}

test_aarch64() {
  local RFDN_BUILD=$RFDN_BUILD-aarch64 refused='sse2 avx2 avx-vnni avx512 avx512-vnni'
  local -x GST_PLUGIN_SYSTEM_PATH=$ARM_LIBRARIES/gstreamer-1.0 RFDN_TEST_LEVELS=scalar,neon
  # For scalar code, leave out the parts of core-upscaler that test both levels anyway, and those that
  # take minutes.
  local test skip=
  for test in {naive,tiles}/{scalar,neon} tiles/attention threads; do
    skip+=" -s /upscaler/$test"
  done
  [ "$suite" ] || rfdn_fail "aarch64 needs Debian's cross compiler, but this is not Debian"
  rfdn_need_packages gcc-aarch64-linux-gnu debian-archive-keyring
  make_sysroot
  make_cross_file
  rfdn_build --cross-file "$RFDN_BUILD/cross.ini" -Dpipelines=disabled
  rfdn_environment
  if [ "${#chosen[@]}" -gt 0 ]; then
    run_tests aarch64 "${chosen[@]}"
    return
  fi
  run_tests core-neon --suite kernels --suite core
  run_tests gst-neon "${GST_TESTS[@]}"
  RFDN_CPU=scalar run_tests core-scalar --suite core --test-args "$skip"
  run_tools aarch64 "$SYSROOT/usr/bin" qemu-aarch64 -L "$SYSROOT"
}

test_nehalem() {
  local emulator=(qemu-x86_64 -cpu Nehalem) refused='avx2 avx-vnni avx512 avx512-vnni neon'
  local -x RFDN_TEST_LEVELS=scalar,sse2
  [ "$(uname -m)" = x86_64 ] || rfdn_fail "nehalem needs a build for x86-64"
  rfdn_build
  rfdn_environment
  if [ "${#chosen[@]}" -gt 0 ]; then
    run_tests nehalem --wrapper "${emulator[*]}" "${chosen[@]}"
    return
  fi
  run_tests core-nehalem --wrapper "${emulator[*]}" --suite kernels --suite core
  run_tests gst-nehalem --wrapper "${emulator[*]}" "${GST_TESTS[@]}"
  run_tools nehalem "$(dirname "$(command -v gst-launch-1.0)")" "${emulator[@]}"
}

machines=()
while [ "$#" -gt 0 ] && [[ $1 == aarch64 || $1 == nehalem ]]; do
  machines+=("$1")
  shift
done
[ "${#machines[@]}" -gt 0 ] || machines=(aarch64 nehalem)
chosen=("$@")

suite=$(. /etc/os-release && [ "$ID" = debian ] && echo "$VERSION_CODENAME") || suite=
unset RFDN_CPU
# GStreamer's plugin scanner would run without the emulator.
export GST_REGISTRY_FORK=no
rfdn_need_packages "${RFDN_RUN_PACKAGES[@]}" python3 qemu-user
for machine in "${machines[@]}"; do
  case $machine in
    aarch64) test_aarch64 ;;
    nehalem) test_nehalem ;;
  esac
done
python3 tests/count.py "${logs[@]}" || status=1
exit "$status"
