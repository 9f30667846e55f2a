# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# In which direction a camera was held, to be sourced: GStreamer 1.22 tells of it for no picture, later
# ones for JPEG only.
#
#   rfdn_direction FILE   print it as videoflip's video-direction has it; identity where a file does not tell

# A whole number out of a file, 0 where it ends before.
rfdn_exif_number() { # FILE OFFSET BYTES [II], which stands for the least significant byte first
  local value=0 i bytes
  read -ra bytes < <(od -An -v -tu1 -j "$2" -N "$3" "$1" 2>/dev/null)
  for ((i = 0; i < ${#bytes[@]}; i++)); do
    case ${4-} in
      II) value=$((value + (bytes[i] << 8 * i))) ;;
      *) value=$((value << 8 | bytes[i])) ;;
    esac
  done
  echo "$value"
}

# The orientation, from 1 to 8, that the header of TIFF at OFFSET leads to, or 0.
rfdn_exif_orientation() { # FILE OFFSET
  local order directory n i
  case $(rfdn_exif_number "$1" "$2" 2) in
    $((0x4949))) order=II ;;
    $((0x4d4d))) order=MM ;;
    *) echo 0 && return ;;
  esac
  directory=$(($2 + $(rfdn_exif_number "$1" $(($2 + 4)) 4 $order)))
  n=$(rfdn_exif_number "$1" $directory 2 $order)
  for ((i = 0; i < n && i < 100; i++)); do
    [ "$(rfdn_exif_number "$1" $((directory + 2 + 12 * i)) 2 $order)" -eq $((0x112)) ] || continue
    rfdn_exif_number "$1" $((directory + 10 + 12 * i)) 2 $order
    return
  done
  echo 0
}

# Where that header is, or -1. Each kind of file is a row of pieces, of which few come before the one.
rfdn_exif_find() { # FILE
  local exif=$((0x45786966)) at i mark size
  case $(rfdn_exif_number "$1" 0 4) in
    $((0xffd8ff00 | $(rfdn_exif_number "$1" 3 1)))) # JPEG
      for ((at = 2, i = 0; i < 50; i++, at += 2 + size)); do
        mark=$(rfdn_exif_number "$1" $at 2) size=$(rfdn_exif_number "$1" $((at + 2)) 2)
        [ "$mark" -ne $((0xffe1)) ] || [ "$(rfdn_exif_number "$1" $((at + 4)) 4)" -ne $exif ] ||
          { echo $((at + 10)) && return; }
        ((mark >= 0xffc0 && mark != 0xffda)) || break
        ((mark != 0xffff)) || size=-1 # a byte that fills
      done
      ;;
    $((0x52494646))) # WebP
      for ((at = 12, i = 0; i < 20; i++, at += 8 + size + size % 2)); do
        mark=$(rfdn_exif_number "$1" $at 4) size=$(rfdn_exif_number "$1" $((at + 4)) 4 II)
        [ "$mark" -ne 0 ] || break
        [ "$mark" -eq $((0x45584946)) ] || continue
        [ "$(rfdn_exif_number "$1" $((at + 8)) 4)" -ne $exif ] || at=$((at + 6))
        echo $((at + 8)) && return
      done
      ;;
    $((0x89504e47))) # PNG
      for ((at = 8, i = 0; i < 50; i++, at += 12 + size)); do
        size=$(rfdn_exif_number "$1" $at 4) mark=$(rfdn_exif_number "$1" $((at + 4)) 4)
        [ "$mark" -ne $((0x65584966)) ] || { echo $((at + 8)) && return; }
        ((mark != 0 && mark != 0x49444154)) || break
      done
      ;;
    $((0x49492a00)) | $((0x4d4d002a))) echo 0 && return ;; # TIFF
  esac
  echo -1
}

rfdn_direction() {
  local names=(identity identity horiz 180 vert ul-lr 90r ur-ll 90l) at=-1 orientation=0
  [ ! -f "$1" ] || at=$(rfdn_exif_find "$1")
  [ "$at" -lt 0 ] || orientation=$(rfdn_exif_orientation "$1" "$at")
  echo "${names[orientation]:-identity}"
}
