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
# aarch64: builds with Debian's cross compiler, tests NEON and scalar code. The libraries for arm64 are
# those of tests/sysroot.sh.
# nehalem: the ordinary build on an x86-64 processor without AVX. On another machine than x86-64 name
# `aarch64`: nehalem cannot be built there, and the script ends before the first test.
#
# Folders: build-aarch64 ($RFDN_BUILD-aarch64) and build. The last line counts the tests that ran. The
# script ends with 77 if a machine cannot be emulated here.
set -euo pipefail
cd "$(dirname "$0")/.."
. pipelines/setup.sh
. tests/sysroot.sh

# Under emulation, the other programs of tests/gst take minutes, or need decoders.
GST_TESTS=(gst-caps gst-levels gst-metas gst-models)
PIPELINE=(videotestsrc num-buffers=3 ! 'video/x-raw,format=I420,width=64,height=48'
  ! rfdnupscale ! 'video/x-raw,width=128,height=96' ! fakesink)

logs=()
status=0

# Writes meson's description of the machine; deletes a build for another sysroot.
make_cross_file() {
  local file=$RFDN_BUILD/cross.ini new
  new=$(mktemp)
  sysroot_cross_file "$new"
  if ! cmp -s "$new" "$file"; then
    rm -rf "$RFDN_BUILD"
    mkdir -p "$RFDN_BUILD"
    cp "$new" "$file"
  fi
  rm "$new"
}

# meson ignores a name that no test has. A word after an option is not checked: it may be its value.
check_names() { # [arguments for `meson test`]
  local argument before=''
  for argument; do
    if [[ $argument != -* && $before != -* ]] &&
      ! rfdn_meson test -C "$RFDN_BUILD" --no-rebuild --list "$argument" | grep ' / ' >/dev/null; then
      rfdn_fail "there is no test '$argument'; meson test -C $RFDN_BUILD --list shows them all"
    fi
    before=$argument
  done
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
  compgen -G "$log*.json" >/dev/null || rfdn_fail "$name has no such test: $*"
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
  make_cross_file
  rfdn_build --cross-file "$RFDN_BUILD/cross.ini" -Dpipelines=disabled
  rfdn_environment
  if [ "${#chosen[@]}" -gt 0 ]; then
    check_names "${chosen[@]}"
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
  rfdn_build
  rfdn_environment
  if [ "${#chosen[@]}" -gt 0 ]; then
    check_names "${chosen[@]}"
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

unset RFDN_CPU
# GStreamer's plugin scanner would run without the emulator.
export GST_REGISTRY_FORK=no
rfdn_need_packages "${RFDN_RUN_PACKAGES[@]}" python3 qemu-user
# All of what may end the script with 77 before the first test: later it would hide a failure.
for machine in "${machines[@]}"; do
  case $machine in
    aarch64) sysroot_make ;;
    nehalem) [ "$(uname -m)" = x86_64 ] || sysroot_skip "nehalem needs a build for x86-64" ;;
  esac
done
for machine in "${machines[@]}"; do
  case $machine in
    aarch64) test_aarch64 ;;
    nehalem) test_nehalem ;;
  esac
done
python3 tests/count.py "${logs[@]}" || status=1
exit "$status"
