#!/usr/bin/env bash
# Builds everything and runs all tests: ./tests/run.sh [arguments for `meson test`]
# Installs the Debian packages that are missing when it may, else says which they are.
# The last line counts the tests that really ran; skips are listed above it.
set -euo pipefail
cd "$(dirname "$0")/.."
. pipelines/setup.sh

# Python's packages but python3-gi are for the tests of models/. From exiv2 on they are what scripts under
# pipelines/ would else install within the time that their tests give them.
rfdn_need_packages "${RFDN_RUN_PACKAGES[@]}" ffmpeg \
  python3 python3-numpy python3-pil python3-av \
  exiv2 fonts-dejavu-core python3-gi gir1.2-gstreamer-1.0 \
  gstreamer1.0-x gstreamer1.0-gl gstreamer1.0-alsa
rfdn_build

status=0
rfdn_meson test -C "$RFDN_BUILD" --no-rebuild --print-errorlogs "$@" || status=$?
python3 tests/count.py "$RFDN_BUILD/meson-logs/testlog.json" || status=1
exit "$status"
