#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# H.264 over RTP and RTSP, in and out:
#   ./pipelines/rtp.sh send FILE HOST:PORT        sends a file as it is, at its own pace
#   ./pipelines/rtp.sh relay IN HOST:PORT [...]   enlarges what comes in and sends it on by RTP;
#                                                 IN is a port for RTP, or rtsp://...
#   ./pipelines/rtp.sh serve FILE PORT [...]      serves a file enlarged, as rtsp://127.0.0.1:PORT/live
#   model=NAME|FILE  scale=2|3|4|auto  threads=N  frames=N (relay: end after so many)
set -euo pipefail
# shellcheck source=pipelines/setup.sh
. "$(dirname "$0")/setup.sh"
# shellcheck source=pipelines/source.sh
. "$(dirname "$0")/source.sh"

[ $# -ge 3 ] || rfdn_fail "usage: rtp.sh send FILE HOST:PORT | relay PORT|rtsp://... HOST:PORT | serve FILE PORT"
kind=$1 in=$2 out=$3
shift 3
for option; do
  case $option in
    model=* | scale=* | threads=* | frames=*) rfdn_source_option "$option" ;;
    *) false ;;
  esac || rfdn_fail "there is no option '$option'; there are: model, scale, threads, frames"
done
# Decoders hand frames out in bursts; what has waited for longer than a fifth of a second, because even without
# the network the machine is too slow, is left out.
enlarge=(queue "leaky=downstream" "max-size-buffers=0" "max-size-bytes=0" "max-size-time=200000000" ! videoconvert ! "${rfdn_upscale[@]}")
# One slice a frame: of several, as zerolatency makes them, FFmpeg's receiver shows half a picture (13 dB).
encode=(videoconvert ! "video/x-raw,format=I420" ! x264enc "tune=zerolatency" "sliced-threads=false" "speed-preset=superfast"
  "bitrate=4000" "key-int-max=30" ! rtph264pay "config-interval=-1")
case $kind in
  send | serve) rfdn_need_file "$in" ;;&
  send)
    rfdn_host_port "$out"
    line=(gst-launch-1.0 filesrc "$(rfdn_location "$in")" ! decodebin ! "${encode[@]}" !
      udpsink "host=$RFDN_HOST" "port=$RFDN_PORT")
    ;;
  relay)
    rfdn_host_port "$out"
    case $in in
      rtsp://*) source=(rtspsrc "location=$in" "latency=200") ;;
      *)
        rfdn_port "$in"
        source=(udpsrc "port=$in"
          "caps=application/x-rtp,media=video,clock-rate=90000,encoding-name=H264,payload=96" !
          rtpjitterbuffer "latency=200")
        ;;
    esac
    limit=()
    # The identity element lets one less than its number pass.
    [ -z "$rfdn_frames" ] || limit=(! identity "eos-after=$((rfdn_frames + 1))")
    line=(gst-launch-1.0 -e "${source[@]}" ! rtph264depay ! decodebin "${limit[@]}" ! "${enlarge[@]}" ! "${encode[@]}" !
      udpsink "host=$RFDN_HOST" "port=$RFDN_PORT")
    ;;
  serve)
    rfdn_port "$out"
    # What GStreamer's server makes its pipelines of is one text, quoted as gst-launch-1.0 takes it.
    case $in in *[\"\\]*) rfdn_fail "a file with quotes or backslashes in its name cannot be served: $in" ;; esac
    launch="filesrc location=\"$(realpath "$in")\" ! decodebin ! queue ! videoconvert ! ${rfdn_upscale[*]} ! ${encode[*]} name=pay0"
    ;;
  *) rfdn_fail "the first word is send, relay or serve, not '$kind'" ;;
esac

packages=("${RFDN_RUN_PACKAGES[@]}")
[ "$kind" != serve ] || packages+=(python3-gi gir1.2-gst-rtsp-server-1.0)
rfdn_need_packages "${packages[@]}"
rfdn_build
rfdn_environment

if [ "$kind" = serve ]; then
  rfdn_show gst-launch-1.0 "$launch ! fakesink"
  exec /usr/bin/python3 "$(dirname "$0")/rtsp-server.py" "$out" "( $launch )"
fi
rfdn_show "${line[@]}"
exec "${line[@]}"
