#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Builds the Python wheel, installs, uses and removes it:
#
#   ./tests/wheel.sh [aarch64]
#
# With `aarch64` on another processor: by Debian's cross compiler, and the rest by Debian's Python for arm64
# under qemu-user (tests/sysroot.sh).
# Needs the packages to build the plugin, python3-venv and python3-gi (installed if possible), and
# meson-python from pip's index. Each check is a line; the last line counts them. If something is
# missing, the test ends with 77.
# shellcheck disable=SC2317  # what check() and quietly() call
set -euo pipefail
cd "$(dirname "$0")/.."
. pipelines/setup.sh
. tests/checks.sh
. tests/sysroot.sh

NAME=wheel
PYTHON=/usr/bin/python3
project=$PWD

checks_help "$@"
machine=${1-$(uname -m)}
[ "$#" -eq 0 ] || [ "$*" = aarch64 ] || rfdn_fail "usage: ./tests/wheel.sh [aarch64]"
checks_start
checks_need "${RFDN_RUN_PACKAGES[@]}" git python3 python3-venv python3-gi gir1.2-gstreamer-1.0
"$PYTHON" -c 'import gi, venv' 2>/dev/null || checks_skip "$PYTHON lacks PyGObject or venv"

emulator=()
settings=()
if [ "$machine" != "$(uname -m)" ]; then
  sysroot_add python3 python3-gi gir1.2-gstreamer-1.0 python3-pip-whl
  sysroot_make
  emulator=(qemu-aarch64 -L "$SYSROOT")
  sysroot_cross_file "$work/cross.ini"
  settings=("--config-settings=setup-args=--cross-file=$work/cross.ini")
  export GST_PLUGIN_SYSTEM_PATH=$ARM_LIBRARIES/gstreamer-1.0
  # GStreamer's plugin scanner would run without the emulator.
  export GST_REGISTRY_FORK=no
fi

# Builds the last commit in a copy, so that a `build` folder of the user's is not touched. Reads the
# project whoever owns it.
export_source() {
  mkdir "$work/source"
  git -c safe.directory="$PWD" archive HEAD | tar -x -C "$work/source"
}
make_venvs() {
  "$PYTHON" -m venv "$work/builder"
  if [ "${#emulator[@]}" -eq 0 ]; then
    "$PYTHON" -m venv --system-site-packages "$work/venv"
  else # where venv cannot start Python to install pip
    local pip=("$SYSROOT"/usr/share/python-wheels/pip-*.whl)
    "${emulator[@]}" "$SYSROOT/usr/bin/python3" -m venv --system-site-packages --without-pip "$work/venv"
    "${emulator[@]}" "$work/venv/bin/python" "${pip[0]}/pip" install --no-index "${pip[0]}"
  fi
}
list_files() { # FILE
  find "$work/venv" ! -name '*.pyc' ! -name __pycache__ | sort >"$1"
}
python_in_venv() { # ARGUMENT...
  (cd / && GST_REGISTRY=$work/registry.bin exec "${emulator[@]}" "$work/venv/bin/python" "$@")
}
build_wheel() {
  _PYTHON_HOST_PLATFORM=linux-$machine "$work/builder/bin/pip" wheel --no-deps -w "$work/wheels" \
    "${settings[@]}" "$work/source"
}
tag_is_honest() {
  [[ $1 == *-linux_"$machine".whl ]]
}
# Only Python's files, the plugin and presets; no libraries or headers.
holds_the_plugin_alone() { # WHEEL
  "$PYTHON" -m zipfile -l "$1" | awk 'NR > 1 { print $1 }' | grep -v '\.dist-info/' | sort >"$work/held"
  printf '%s\n' gst_rfdn.pth gst_rfdn/{__init__,__main__}.py gst_rfdn/gstreamer-1.0/libgstrfdn.so \
    gst_rfdn/presets/GstRfdnUpscale.prs | sort | diff -u - "$work/held"
}
prints_the_folder() {
  test -f "$(python_in_venv -m gst_rfdn)/libgstrfdn.so"
}
# The value of VARIABLE in a Python started by another one.
in_second_python() { # VARIABLE
  python_in_venv -c 'import subprocess, sys
subprocess.run([*sys.argv[2:], sys.executable, "-c", "import os, sys; print(os.environ[sys.argv[1]])", sys.argv[1]],
               check=True)' "$1" "${emulator[@]}"
}
# The user's own folders stay, and ours is added once.
keeps_what_was_set() {
  [ "$(GST_PLUGIN_PATH=/a:/b in_second_python GST_PLUGIN_PATH)" = "$folder:/a:/b" ] &&
    [ "$(GST_PLUGIN_PATH_1_0=/c in_second_python GST_PLUGIN_PATH_1_0)" = "$folder:/c" ]
}
nothing_left() {
  list_files "$work/after" && diff -u "$work/before" "$work/after"
}
pipeline() {
  (unset GST_PLUGIN_PATH GST_PLUGIN_PATH_1_0 && python_in_venv "$project/tests/wheel.py")
}

main() {
  local wheel folder
  quietly 'the source' export_source
  quietly 'virtual environments' make_venvs
  # pip would install what pyproject.toml requires; doing it here tells missing packages from a failed build.
  "$work/builder/bin/pip" download --no-deps -d "$work/try" 'meson-python>=0.15' >"$work/log" 2>&1 ||
    checks_skip 'meson-python cannot be downloaded'
  check 'pip wheel' build_wheel
  [ "$failed" -eq 0 ] || exit
  wheel=$(find "$work/wheels" -name 'gst_rfdn-*.whl')
  check "its tag: ${wheel##*/}" tag_is_honest "$wheel"
  check 'it holds the plugin alone' holds_the_plugin_alone "$wheel"
  list_files "$work/before"
  check 'installing' python_in_venv -m pip install --no-index "$wheel"
  [ "$failed" -eq 0 ] || exit
  check 'python -m gst_rfdn' prints_the_folder
  folder=$(python_in_venv -m gst_rfdn)
  check 'a pipeline from Python' pipeline
  check 'GST_PLUGIN_PATH keeps earlier folders' keeps_what_was_set
  check 'uninstalling' python_in_venv -m pip uninstall --yes gst-rfdn
  check 'nothing is left' nothing_left
}
main
exit
