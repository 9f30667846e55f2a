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
# No name is to be taken for an option.
case $in in -*) in=./$in ;; esac
case $out in -*) out=./$out ;; esac
[ -d "$in" ] || rfdn_fail "the folder $in does not exist"
[ ! "$in" -ef "$out" ] || rfdn_fail "$out is the input itself"
shopt -s nullglob nocaseglob
found=("$in"/*.{png,jpg,jpeg,webp,bmp,gif,tif,tiff,ppm,pgm}) pictures=()
shopt -u nullglob nocaseglob
for picture in "${found[@]}"; do [ -d "$picture" ] || pictures+=("$picture"); done
[ "${#pictures[@]}" -gt 0 ] || rfdn_fail "$in has no pictures"
declare -A from=()
for picture in "${pictures[@]}"; do
  name=$(basename "${picture%.*}").png
  [ -z "${from[$name]:-}" ] || rfdn_fail "$picture and ${from[$name]} would both become $name"
  from[$name]=$picture
done

rfdn_need_packages "${RFDN_RUN_PACKAGES[@]}" exiv2
command -v exiv2 >/dev/null || rfdn_fail "this needs exiv2, which tells in which direction a camera was held"
rfdn_build
rfdn_environment
mkdir -p "$out" || rfdn_fail "cannot make the folder $out"
[ -w "$out" ] || rfdn_fail "the folder $out cannot be written to"

# Of formats that lose nothing the first is taken: no alpha where there was none.
to_png=(videoconvert ! "video/x-raw,format=(string){RGB,RGBA,GRAY8,GRAY16_BE}" ! pngenc snapshot=true)
elements() { # VIDEO-DIRECTION: sets middle
  middle=(decodebin ! videoflip "video-direction=$1" ! videoconvert ! "${rfdn_upscale[@]}" ! "${to_png[@]}")
}
# As videoflip has it. GStreamer 1.22 tells it for no picture, later ones for JPEG only.
direction_of() { # PICTURE
  local names=(identity identity horiz 180 vert ul-lr 90r ur-ll 90l) orientation
  orientation=$(exiv2 -q -K Exif.Image.Orientation -P v print "$1" 2>/dev/null) || true
  [[ $orientation = [1-8] ]] || orientation=1
  echo "${names[orientation]}"
}
part=$out/.rfdn-$$.part
log=$(mktemp)
trap 'rm -f "$part" "$part.png" "$part.webp" "$log"' EXIT
program=$RFDN_BUILD/pipelines/rfdn-transcode
# Handed over open: no name, however odd, is then part of the launch line.
launch() { # FROM TO ELEMENT...
  gst-launch-1.0 -q fdsrc fd=3 ! "${@:3}" ! fdsink fd=4 3<"$1" 4>"$2" >"$log" 2>&1 && [ -s "$2" ]
}

# Each of these makes $part of a picture, or prints why not.

# For GIF, BMP and TIFF: GStreamer's elements never come to an end, or take no picture that they were handed open.
by_program() { # PICTURE
  local direction
  if ! "$program" "$1" "$part.png" frames=1 "${keys[@]}" >/dev/null 2>"$log"; then
    sed -n 's/^rfdn-transcode: //p' "$log" | head -n 1
    return 1
  fi
  direction=$(direction_of "$1")
  if [ "$direction" = identity ]; then
    mv -f "$part.png" "$part"
  else
    launch "$part.png" "$part" pngdec ! videoflip "video-direction=$direction" ! "${to_png[@]}" || why "$1"
  fi
}
why() { # PICTURE
  printf '%s: %s\n' "$1" "$(sed -n 's/^ERROR: from element [^ ]*: //p; s/^WARNING: erroneous pipeline: //p' "$log" |
    head -n 1 | grep . || echo 'it cannot be decoded')"
  return 1
}
by_elements() { # PICTURE [ANOTHER THAT STANDS FOR IT]
  elements "$(direction_of "$1")"
  launch "${2:-$1}" "$part" "${middle[@]}" || why "$1"
}
bytes() { # FILE OFFSET NUMBER: as digits of base 16
  od -An -v -tx1 -j "$2" -N "$3" "$1" 2>/dev/null | tr -d ' \n'
}
# Neither GStreamer nor FFmpeg takes one apart, up to Debian 13.
is_animated_webp() { # PICTURE
  [ "$(bytes "$1" 0 4)$(bytes "$1" 12 4)" = 5249464656503858 ] && ((0x0$(bytes "$1" 20 1) & 2))
}
by_webpmux() { # PICTURE
  local canvas_width canvas_height width height x y
  if ! command -v webpmux >/dev/null && ! (rfdn_need_packages webp && command -v webpmux) >"$log" 2>&1; then
    printf '%s: it is an animated WebP, whose first frame is taken out by webpmux: apt-get install webp\n' "$1"
    return 1
  fi
  if ! webpmux -get frame 1 "$1" -o "$part.webp" >"$log" 2>&1; then
    printf '%s: it is an animated WebP, of which webpmux takes no frame\n' "$1"
    return 1
  fi
  read -r canvas_width canvas_height width height x y < <(webpmux -info "$1" | awk '
    /^Canvas size/ { printf "%d %d ", $3, $5 } $1 == "1:" { print $2, $3, $5, $6 }')
  if [ "$width $height" = "$canvas_width $canvas_height" ]; then
    by_elements "$1" "$part.webp"
    return
  fi
  # What the first frame leaves open is transparent.
  launch "$part.webp" "$part.png" decodebin ! videoconvert ! video/x-raw,format=RGBA ! videobox border-alpha=0 \
    left=-"$x" top=-"$y" right=$((width + x - canvas_width)) bottom=$((height + y - canvas_height)) ! "${to_png[@]}" &&
    by_elements "$1" "$part.png"
}

is_gif() { # PICTURE
  [ "$(bytes "$1" 0 4)" = 47494638 ]
}
# By what it holds, whatever it is called.
any() { # PICTURE
  if [ ! -f "$1" ] || [ ! -r "$1" ]; then
    printf '%s: it cannot be read\n' "$1"
    return 1
  elif [ ! -s "$1" ]; then # which gst-launch-1.0 may wait for ever with
    printf '%s: it is empty\n' "$1"
    return 1
  fi
  if is_gif "$1" || [[ $(bytes "$1" 0 4) =~ ^(424d|49492a00|4d4d002a) && -x $program ]]; then
    by_program "$1"
  elif is_animated_webp "$1"; then
    by_webpmux "$1"
  else
    by_elements "$1"
  fi
}

# The line of the first picture of which a line makes one.
for picture in "${pictures[@]}"; do
  if [ -f "$picture" ] && [ -s "$picture" ] && ! is_gif "$picture" && ! is_animated_webp "$picture"; then
    elements "$(direction_of "$picture")"
    rfdn_show gst-launch-1.0 filesrc "$(rfdn_location "$picture")" ! "${middle[@]}" ! \
      filesink "$(rfdn_location "$out/$(basename "${picture%.*}").png")"
    break
  fi
  [ "$picture" != "${pictures[-1]}" ] || echo '# gst-launch-1.0 cannot do this: GStreamer reads no animated pictures' >&2
done

bad=0
for picture in "${pictures[@]}"; do
  if said=$(any "$picture"); then
    mv -f "$part" "$out/$(basename "${picture%.*}").png"
  else
    bad=$((bad + 1))
    printf '%s: %s\n' "$(basename "$0")" "$said" >&2
  fi
done
printf '%d pictures enlarged, %d not\n' $((${#pictures[@]} - bad)) "$bad" >&2
[ "$bad" -eq 0 ]
