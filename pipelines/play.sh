#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Plays IN enlarged, as fast as the machine can: ./pipelines/play.sh IN [key=value ...]
#   model=NAME|FILE  scale=2|3|4|auto  threads=N
#   sink=ELEMENT     where the picture goes (autovideosink; fakesink to see nothing)
#   audio-sink=ELEMENT
set -euo pipefail
# shellcheck source=pipelines/setup.sh
. "$(dirname "$0")/setup.sh"

keys="model, scale, threads, sink, audio-sink"
[ $# -ge 1 ] || rfdn_fail "usage: play.sh IN [key=value ...], the keys being $keys"
in=$1
shift
upscale="rfdnupscale"
sink="" audio_sink=""
for option; do
  value=${option#*=}
  case $option in
    # playbin plays without a filter that it cannot read, so values must be right before it sees them.
    model=?*)
      case $value in *[\"\\]*) rfdn_fail "a model with quotes or backslashes in its name cannot be played: $value" ;; esac
      upscale+=" model=\"${value// /\\ }\""
      ;;
    scale=auto | scale=[234]) upscale+=" scale=$value" ;;
    scale=*) rfdn_fail "scale is auto, 2, 3 or 4, not '$value'" ;;
    threads=?*)
      [[ $value =~ ^[0-9]{1,4}$ ]] || rfdn_fail "threads is a number, 0 for all, not '$value'"
      upscale+=" n-threads=$value"
      ;;
    sink=?*) sink=$value ;;
    audio-sink=?*) audio_sink=$value ;;
    *) rfdn_fail "there is no option '$option'; there are: $keys" ;;
  esac
done
rfdn_need_file "$in"
if [ -z "$sink" ] && [ -z "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
  rfdn_fail "there is no display; sink=fakesink plays without one"
fi
[ -n "$audio_sink" ] || { [ "$sink" = fakesink ] && audio_sink="fakesink sync=true" || audio_sink=autoaudiosink; }

rfdn_need_packages "${RFDN_RUN_PACKAGES[@]}" gstreamer1.0-x gstreamer1.0-gl gstreamer1.0-alsa
rfdn_build
rfdn_environment

line=(gst-launch-1.0 playbin "uri=$(rfdn_uri "$in")"
  "video-filter=videoconvert ! $upscale" "video-sink=${sink:-autovideosink}"
  "audio-sink=$audio_sink")
rfdn_show "${line[@]}"
exec "${line[@]}"
