#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Builds the plugin as an archive, installs it, and links a program with it by pkg-config:
#
#   ./tests/static.sh
#
# Needs the packages to build the plugin (installed if possible). Builds in build-static
# ($RFDN_BUILD-static), and installs into a folder there. Each check is a line; the last line counts them.
# shellcheck disable=SC2317  # what check() and quietly() call
set -euo pipefail
cd "$(dirname "$0")/.."
. pipelines/setup.sh
. tests/checks.sh

NAME=static

checks_help "$@"
checks_start
checks_need "${RFDN_RUN_PACKAGES[@]}"
RFDN_BUILD=$RFDN_BUILD-static

build() {
  rfdn_build -Ddefault_library=static -Dprefix="$RFDN_BUILD/installed" -Dtests=false -Dpipelines=disabled
}
install_plugin() {
  rm -rf "$RFDN_BUILD/installed"
  rfdn_meson install -C "$RFDN_BUILD" --no-rebuild
}
link_program() { # [OPTION OF pkg-config]
  local flags pc
  pc=$(find "$RFDN_BUILD/installed" -name gstrfdn.pc)
  read -ra flags < <(PKG_CONFIG_PATH=${pc%/*} pkg-config "$@" --cflags --libs gstrfdn)
  [ "${#flags[@]}" -gt 0 ] && gcc -Wall -Werror tests/static.c -o "$work/program" "${flags[@]}"
}
no_module() {
  [ -z "$(find "$RFDN_BUILD/installed" -name '*.so*')" ]
}
run_program() {
  GST_PLUGIN_PATH='' GST_REGISTRY=$work/registry.bin "$work/program"
}

main() {
  quietly 'building' build
  quietly 'installing' install_plugin
  check 'no module is installed' no_module
  check 'a program is linked' link_program
  check 'the program enlarges video' run_program
  check 'a program is linked, by pkg-config --static' link_program --static
  check 'the program enlarges video' run_program
}
main
exit
