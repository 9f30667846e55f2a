#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Enlarges a camera live, and sends it out as H.264:
#   ./pipelines/live.sh hls FOLDER [key=value ...]     a playlist, FOLDER/live.m3u8, and its segments
#   ./pipelines/live.sh udp HOST:PORT [key=value ...]  MPEG-TS over UDP
#   bitrate=N        kilobits a second (4000)
# and the keys of source.sh: source=camera|test|screen|FILE, device=/dev/video0, size=WxH, ...
set -euo pipefail
# shellcheck source=pipelines/setup.sh
. "$(dirname "$0")/setup.sh"
# shellcheck source=pipelines/source.sh
. "$(dirname "$0")/source.sh"

[ $# -ge 2 ] || rfdn_fail "usage: live.sh hls FOLDER | udp HOST:PORT, and [key=value ...]"
kind=$1 out=$2 bitrate=4000
shift 2
for option; do
  case $option in
    bitrate=?*)
      bitrate=${option#*=}
      [[ $bitrate =~ ^[1-9][0-9]{0,5}$ ]] || rfdn_fail "bitrate is kilobits a second from 1 on, not '$bitrate'"
      ;;
    *) rfdn_source_option "$option" ||
      rfdn_fail "there is no option '$option'; there are: bitrate, $RFDN_SOURCE_KEYS" ;;
  esac
done
case $kind in
  hls)
    [ -d "$out" ] || rfdn_fail "the folder $out does not exist"
    [ -w "$out" ] || rfdn_fail "the folder $out cannot be written to"
    # printf's signs in a folder's name would be taken for the segment's number.
    case $out in *%*) rfdn_fail "a folder with % in its name cannot hold segments: $out" ;; esac
    send=(hlssink2 "target-duration=2" "playlist-length=5" "max-files=8"
      "$(rfdn_location "$out/segment%05d.ts")" "playlist-$(rfdn_location "$out/live.m3u8")")
    ;;
  udp)
    rfdn_host_port "$out"
    # Seven packets of 188 bytes are what fits into one of Ethernet's.
    send=(mpegtsmux alignment=7 ! udpsink "host=$RFDN_HOST" "port=$RFDN_PORT")
    ;;
  *) rfdn_fail "the first word is hls or udp, not '$kind'" ;;
esac
rfdn_source

rfdn_need_packages "${RFDN_RUN_PACKAGES[@]}"
rfdn_build
rfdn_environment

# Segments begin with key frames, of which a second has one or two.
line=(gst-launch-1.0 -e "${RFDN_SOURCE[@]}" ! videoconvert ! "video/x-raw,format=I420" !
  x264enc "tune=zerolatency" "speed-preset=superfast" "bitrate=$bitrate" "key-int-max=30" ! h264parse "config-interval=-1" !
  queue ! "${send[@]}")
rfdn_show "${line[@]}"
exec "${line[@]}"
