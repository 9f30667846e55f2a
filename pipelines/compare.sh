#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Shows what the network adds: ./pipelines/compare.sh IN OUT [key=value ...]
#   model=NAME|FILE  scale=2|3|4|auto  threads=N
#   frames=N         stop after so many
# The left half of OUT is enlarged by Lanczos, the right half by the network, with a dark line in
# between. OUT ends in .mkv, .mp4 or .webm; it has no sound and a constant frame rate.
set -euo pipefail
# shellcheck source=pipelines/setup.sh
. "$(dirname "$0")/setup.sh"

keys="model, scale, threads, frames"
[ $# -ge 2 ] || rfdn_fail "usage: compare.sh IN OUT [key=value ...], the keys being $keys"
in=$1 out=$2
shift 2
upscale=(rfdnupscale) frames=()
for option; do
  value=${option#*=}
  case $option in
    model=?*) upscale+=("model=$value") ;;
    scale=?*) upscale+=("scale=$value") ;;
    threads=?*) upscale+=("n-threads=$value") ;;
    frames=?*)
      [[ $value =~ ^[1-9][0-9]{0,8}$ ]] || rfdn_fail "frames is a number from 1 on, not '$value'"
      # The identity element lets one less than its number pass.
      frames=(! identity "eos-after=$((value + 1))")
      ;;
    *) rfdn_fail "there is no option '$option'; there are: $keys" ;;
  esac
done
rfdn_need_file "$in"
[ ! -d "$out" ] || rfdn_fail "$out is a folder"
[ ! "$in" -ef "$out" ] || rfdn_fail "$out is the input itself"
folder=$(dirname "$out")
[ -d "$folder" ] || rfdn_fail "the folder $folder does not exist"
[ -w "$folder" ] || rfdn_fail "the folder $folder cannot be written to"
case $out in
  *.mkv) encode=(x264enc "pass=qual" "quantizer=16" "speed-preset=fast" ! h264parse ! matroskamux) ;;
  *.mp4) encode=(x264enc "pass=qual" "quantizer=16" "speed-preset=fast" ! h264parse ! mp4mux) ;;
  *.webm) encode=(vp9enc "end-usage=cq" "cq-level=16" "target-bitrate=0" "deadline=1" "cpu-used=6" ! webmmux) ;;
  *) rfdn_fail "$out ends in none of .mkv, .mp4, .webm" ;;
esac

rfdn_need_packages "${RFDN_RUN_PACKAGES[@]}"
rfdn_build
rfdn_environment

part="$folder/.$(basename "$out").part"
[ ! "$in" -ef "$part" ] || rfdn_fail "$in would be written over: $out has that name until it is complete"
log=$(mktemp)
# shellcheck disable=SC2317  # runs as the script ends
clean_up() { rm -f "$part" "$log"; }
# shellcheck disable=SC2317  # runs on a signal
stop() {
  [ -z "$child" ] || { kill "$child" && wait "$child"; } 2>/dev/null || true
  printf '%s: interrupted; %s was not written\n' "$(basename "$0")" "$out" >&2
  exit "$1"
}
child=
trap clean_up EXIT
trap 'stop 130' INT
trap 'stop 143' TERM

# Runs a pipeline; if it fails, its first error becomes this script's. It runs in the background because
# bash answers a signal only when nothing runs in front.
launch() {
  local status=0
  gst-launch-1.0 "$@" >"$log" 2>&1 &
  child=$!
  wait "$child" || status=$?
  child=
  if [ "$status" -ne 0 ]; then
    rfdn_fail "$in: $(sed -n 's/^ERROR: from element [^ ]*: //p; s/^WARNING: erroneous pipeline: //p' "$log" |
      head -n 1 | grep . || printf 'it cannot be decoded')"
  fi
}

# One frame through the element tells what comes out of it.
launch -v filesrc "$(rfdn_location "$in")" ! decodebin ! videoconvert ! "${upscale[@]}" name=rfdnupscale ! fakesink num-buffers=1
caps=$(sed -n 's/.*GstRfdnUpscale:rfdnupscale.GstPad:src: caps = //p' "$log" | head -n 1)
field() { sed -n "s/.*[, ]$1=([a-z]*)\([^,]*\).*/\1/p" <<<"$caps" | tr -d '\\"'; }
width=$(field width) height=$(field height) format=$(field format)
colorimetry=$(field colorimetry) site=$(field chroma-site)
[ -n "$width$height" ] || rfdn_fail "$in has no picture to enlarge"
# Columns come in pairs where chroma is subsampled. videorate puts timestamps that a container rounded
# back on their grid, or else the compositor would show some frames twice and others never.
half=$((width / 2 - width / 2 % 2))
same="video/x-raw,format=$format${colorimetry:+,colorimetry=$colorimetry}${site:+,chroma-site=$site}"

line=(filesrc "$(rfdn_location "$in")" ! decodebin ! videoconvert ! "$same" ! videorate ! tee name=frames
  compositor name=both background=black "sink_0::xpos=0" "sink_1::xpos=$half" !
  "$same,width=$width,height=$height" "${frames[@]}" ! queue ! videoconvert ! "${encode[@]}" ! filesink "$(rfdn_location "$part")"
  frames. ! queue ! videoscale method=lanczos envelope=3 ! "$same,width=$width,height=$height" !
  videocrop "right=$((width - half + 2))" ! both.sink_0
  frames. ! queue ! "${upscale[@]}" ! videocrop "left=$half" ! both.sink_1)
rfdn_show gst-launch-1.0 "${line[@]/#"$(rfdn_location "$part")"/"$(rfdn_location "$out")"}"
launch "${line[@]}"
mv -f "$part" "$out"
printf '%s: %sx%s, Lanczos on the left, the network on the right\n' "$out" "$width" "$height" >&2
