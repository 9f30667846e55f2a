# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Where a live pipeline's frames come from, and how they are enlarged; to be sourced after setup.sh:
#
#   rfdn_source_option KEY=VALUE   take an option; false if it is none of $RFDN_SOURCE_KEYS
#   rfdn_source                    put the beginning of a launch line, to what follows rfdnupscale, into RFDN_SOURCE
#   rfdn_host_port HOST:PORT       take it apart into RFDN_HOST and RFDN_PORT
#   rfdn_port PORT                 fail if it is none
#
#   source=camera|test|screen|FILE   device=/dev/video0   size=WxH   rate=N   frames=N
#   model=NAME|FILE   scale=2|3|4|auto   threads=N
#
# shellcheck disable=SC2034  # for those who source this
RFDN_SOURCE_KEYS="source, device, size, rate, frames, model, scale, threads"
rfdn_from=camera rfdn_device=/dev/video0 rfdn_size="" rfdn_rate="" rfdn_frames=""
rfdn_upscale=(rfdnupscale)

rfdn_source_option() {
  local value=${1#*=}
  case $1 in
    source=?*) rfdn_from=$value ;;
    device=?*) rfdn_device=$value ;;
    size=?*)
      [[ $value =~ ^([1-9][0-9]{0,4})x([1-9][0-9]{0,4})$ ]] || rfdn_fail "size is WIDTHxHEIGHT, not '$value'"
      rfdn_size=",width=${BASH_REMATCH[1]},height=${BASH_REMATCH[2]}"
      ;;
    rate=?*)
      [[ $value =~ ^[1-9][0-9]{0,2}$ ]] || rfdn_fail "rate is frames a second from 1 to 999, not '$value'"
      rfdn_rate=",framerate=$value/1"
      ;;
    frames=?*)
      [[ $value =~ ^[1-9][0-9]{0,8}$ ]] || rfdn_fail "frames is a number from 1 on, not '$value'"
      rfdn_frames=$value
      ;;
    model=?*) rfdn_upscale+=("model=$value") ;;
    scale=auto | scale=[234]) rfdn_upscale+=("$1") ;;
    scale=*) rfdn_fail "scale is auto, 2, 3 or 4, not '$value'" ;;
    threads=?*)
      [[ $value =~ ^[0-9]{1,4}$ ]] || rfdn_fail "threads is a number, 0 for all, not '$value'"
      rfdn_upscale+=("n-threads=$value")
      ;;
    *) return 1 ;;
  esac
}

rfdn_source() {
  local caps=$rfdn_size$rfdn_rate hold=("max-size-buffers=0" "max-size-bytes=0" "max-size-time=200000000")
  case $rfdn_from in
    camera)
      [ -c "$rfdn_device" ] || rfdn_fail "there is no camera $rfdn_device; source=test does without"
      # Most cameras send larger pictures as JPEG only.
      RFDN_SOURCE=(v4l2src "device=$rfdn_device")
      [ -z "$caps" ] || RFDN_SOURCE+=(! "video/x-raw$caps;image/jpeg$caps")
      RFDN_SOURCE+=(! decodebin)
      ;;
    test) RFDN_SOURCE=(videotestsrc is-live=true "pattern=smpte" ! "video/x-raw,format=I420$caps") ;;
    screen)
      [ -n "${DISPLAY:-}" ] || rfdn_fail "there is no X display to take the screen from"
      # The upper left corner of it, if a size is given.
      RFDN_SOURCE=(ximagesrc use-damage=false)
      [ -z "$rfdn_size" ] || {
        local width=${rfdn_size#*=} height=${rfdn_size##*=}
        RFDN_SOURCE+=("endx=$((${width%,*} - 1))" "endy=$((height - 1))")
      }
      [ -z "$rfdn_rate" ] || RFDN_SOURCE+=(! "video/x-raw$rfdn_rate")
      ;;
    *)
      rfdn_need_file "$rfdn_from"
      RFDN_SOURCE=(filesrc "$(rfdn_location "$rfdn_from")" ! decodebin ! clocksync)
      [ -z "$caps" ] || RFDN_SOURCE+=(! videoscale ! videorate ! "video/x-raw$caps")
      ;;
  esac
  # The identity element lets one less than its number pass.
  [ -z "$rfdn_frames" ] || RFDN_SOURCE+=(! identity "eos-after=$((rfdn_frames + 1))")
  # On a machine that is too slow the network does less of each frame; should even that take too long, frames are left
  # out here, so that delay does not pile up. A file's frames all pass.
  if [ -f "$rfdn_from" ]; then
    RFDN_SOURCE+=(! queue)
  else
    RFDN_SOURCE+=(! queue leaky=downstream "${hold[@]}")
  fi
  # A sink holds each frame until the latency of all has passed, which may be that of several frames. They wait in a
  # queue of their own, or nobody would take those that come meanwhile, and the first one would leave them out.
  RFDN_SOURCE+=(! videoconvert ! "${rfdn_upscale[@]}" ! queue "${hold[@]}")
}

# HOST:PORT into RFDN_HOST and RFDN_PORT.
rfdn_host_port() {
  [[ $1 =~ ^(.+):([0-9]+)$ ]] || rfdn_fail "where to is HOST:PORT, not '$1'"
  RFDN_HOST=${BASH_REMATCH[1]} RFDN_PORT=${BASH_REMATCH[2]}
  rfdn_port "$RFDN_PORT"
}

rfdn_port() {
  if ! [[ $1 =~ ^[1-9][0-9]{0,4}$ ]] || [ "$1" -gt 65535 ]; then
    rfdn_fail "a port is a number from 1 to 65535, not '$1'"
  fi
}
