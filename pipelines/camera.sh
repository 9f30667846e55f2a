#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Shows a camera, the screen or a test picture enlarged, live: ./pipelines/camera.sh [key=value ...]
#   sink=ELEMENT     where the picture goes (autovideosink; several elements with ! in between, too)
# and the keys of source.sh: source=camera|test|screen|FILE, device=/dev/video0, size=WxH, ...
set -euo pipefail
# shellcheck source=pipelines/setup.sh
. "$(dirname "$0")/setup.sh"
# shellcheck source=pipelines/source.sh
. "$(dirname "$0")/source.sh"

sink=()
for option; do
  case $option in
    sink=?*) read -ra sink <<<"${option#*=}" ;;
    *) rfdn_source_option "$option" ||
      rfdn_fail "there is no option '$option'; there are: sink, $RFDN_SOURCE_KEYS" ;;
  esac
done
if [ "${#sink[@]}" -eq 0 ]; then
  [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] || rfdn_fail "there is no display; sink=fakesink shows nothing"
  sink=(autovideosink)
fi
rfdn_source

rfdn_need_packages "${RFDN_RUN_PACKAGES[@]}" gstreamer1.0-x gstreamer1.0-gl
rfdn_build
rfdn_environment

line=(gst-launch-1.0 -e "${RFDN_SOURCE[@]}" ! videoconvert ! "${sink[@]}")
rfdn_show "${line[@]}"
exec "${line[@]}"
