#!/usr/bin/env bash
# Builds everything and runs all tests: ./tests/run.sh [arguments for `meson test`]
# Installs missing Debian packages if it may, else names them.
# The last line counts the tests that really ran; skips are listed above it.
set -euo pipefail
cd "$(dirname "$0")/.."
. pipelines/setup.sh

rfdn_need_packages "${RFDN_RUN_PACKAGES[@]}" "${RFDN_TEST_PACKAGES[@]}"
rfdn_build

status=0
rfdn_meson test -C "$RFDN_BUILD" --no-rebuild --print-errorlogs "$@" || status=$?
python3 tests/count.py "$RFDN_BUILD/meson-logs/testlog.json" || status=1
exit "$status"
