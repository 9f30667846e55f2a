#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Enlarges every picture of a folder into another, as PNG: ./pipelines/pictures.sh IN OUT [key=value ...]
#   model=NAME|FILE  scale=2|3|4|auto  threads=N
# Each picture has a pipeline of its own, since sizes and formats differ. IN's subfolders are left out.
set -euo pipefail
# shellcheck source=pipelines/setup.sh
. "$(dirname "$0")/setup.sh"
# shellcheck source=pipelines/source.sh
. "$(dirname "$0")/source.sh"

[ $# -ge 2 ] || rfdn_fail "usage: pictures.sh IN OUT [key=value ...], the keys being model, scale, threads"
in=$1 out=$2 keys=()
shift 2
for option; do
  case $option in
    model=* | scale=* | threads=*) rfdn_source_option "$option" && keys+=("$option") ;;
    *) false ;;
  esac || rfdn_fail "there is no option '$option'; there are: model, scale, threads"
done
[ -d "$in" ] || rfdn_fail "the folder $in does not exist"
[ ! "$in" -ef "$out" ] || rfdn_fail "$out is the input itself"
shopt -s nullglob nocaseglob
pictures=("$in"/*.{png,jpg,jpeg,webp,bmp,gif,tif,tiff,ppm,pgm})
shopt -u nullglob nocaseglob
[ "${#pictures[@]}" -gt 0 ] || rfdn_fail "$in has no pictures"
declare -A from=()
for picture in "${pictures[@]}"; do
  name=$(basename "${picture%.*}").png
  [ -z "${from[$name]:-}" ] || rfdn_fail "$picture and ${from[$name]} would both become $name"
  from[$name]=$picture
done

rfdn_need_packages "${RFDN_RUN_PACKAGES[@]}"
rfdn_build
rfdn_environment
mkdir -p "$out" || rfdn_fail "cannot make the folder $out"
[ -w "$out" ] || rfdn_fail "the folder $out cannot be written to"

# Of formats that lose nothing the first is taken: no alpha where there was none.
middle=(decodebin ! videoflip video-direction=auto ! videoconvert ! "${rfdn_upscale[@]}" ! videoconvert !
  "video/x-raw,format=(string){RGB,RGBA,GRAY8,GRAY16_BE}" ! pngenc snapshot=true)
rfdn_show gst-launch-1.0 filesrc "location=${pictures[0]}" ! "${middle[@]}" ! \
  filesink "location=$out/$(basename "${pictures[0]%.*}").png"
part=$out/.rfdn-$$.part
log=$(mktemp)
trap 'rm -f "$part" "$part.png" "$log"' EXIT
# GStreamer's elements for these never come to an end, or take no picture that they were handed open.
program=$RFDN_BUILD/pipelines/rfdn-transcode
by_program() { # PICTURE
  case ${1,,} in *.gif | *.bmp | *.tif | *.tiff) [ -x "$program" ] ;; *) false ;; esac
}
bad=0
for picture in "${pictures[@]}"; do
  name=$(basename "${picture%.*}").png
  if by_program "$picture"; then
    if "$program" "$picture" "$part.png" frames=1 "${keys[@]}" >/dev/null 2>"$log"; then
      mv -f "$part.png" "$out/$name"
    else
      bad=$((bad + 1))
      printf '%s: %s\n' "$(basename "$0")" "$(sed -n 's/^rfdn-transcode: //p' "$log" | head -n 1)" >&2
    fi
    continue
  fi
  # Handed over open: no name, however odd, is then part of the launch line.
  if gst-launch-1.0 -q fdsrc fd=3 ! "${middle[@]}" ! fdsink fd=4 3<"$picture" 4>"$part" >"$log" 2>&1 && [ -s "$part" ]; then
    mv -f "$part" "$out/$name"
  else
    bad=$((bad + 1))
    printf '%s: %s: %s\n' "$(basename "$0")" "$picture" "$(sed -n \
      's/^ERROR: from element [^ ]*: //p; s/^WARNING: erroneous pipeline: //p' "$log" |
      head -n 1 | grep . || echo 'it cannot be decoded')" >&2
  fi
done
printf '%d pictures enlarged, %d not\n' $((${#pictures[@]} - bad)) "$bad" >&2
[ "$bad" -eq 0 ]
