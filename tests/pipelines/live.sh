#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Runs the live pipelines and checks their output. Prints TAP. $RFDN_BUILD is the build,
# $RFDN_SHARED the folder with media/, which is not part of the project.
set -uo pipefail
# shellcheck source=tests/pipelines/common.sh
. "$(dirname "$0")/common.sh"
# Tests of what cannot be installed are skipped below.
# shellcheck source=pipelines/setup.sh
(. "$scripts/setup.sh" && rfdn_need_packages "${RFDN_RUN_PACKAGES[@]}" gstreamer1.0-x gstreamer1.0-gl xvfb \
  python3-gi gir1.2-gst-rtsp-server-1.0) >/dev/null 2>&1
for tool in ffmpeg ffprobe timeout; do
  command -v "$tool" >/dev/null || skip_all "there is no $tool"
done

# ---- camera.sh

frames_psnr() { # FILE FILE: of each frame, the worst first
  ffmpeg -v error -i "$1" -i "$2" -lavfi \
    "[0:v]settb=1/25,setpts=N,format=gray[a];[1:v]settb=1/25,setpts=N,format=gray[b];[a][b]psnr=stats_file=-:shortest=1" \
    -f null - | sed -n 's/.*psnr_avg:\([0-9.inf]*\).*/\1/p' | sort -g
}
enlarge() { # OUT SOURCE...: the network's result for the source, for comparison
  local out=$1
  shift
  gst-launch-1.0 -q "$@" ! rfdnupscale ! videoconvert ! video/x-raw,format=I420 ! y4menc ! filesink "location=$out"
}
y4m='video/x-raw,format=I420 ! y4menc ! filesink location'

test_camera() {
  local db=() ms tracer=(GST_TRACERS='latency(flags=pipeline)' GST_DEBUG=GST_TRACER:7 GST_DEBUG_FILE=trace
    GST_DEBUG_NO_COLOR=1)
  # With this tracer in GStreamer 1.26.2 no pipeline passes a single frame.
  env "${tracer[@]}" timeout 20 gst-launch-1.0 -q videotestsrc num-buffers=2 ! fakesink >out 2>err || tracer=()
  check 'camera.sh: a test source, live' env "${tracer[@]}" timeout 30 \
    "$scripts/camera.sh" source=test size=160x120 rate=10 frames=20 "sink=$y4m=test.y4m"
  grep -q '^gst-launch-1.0 .*videotestsrc .*rfdnupscale' err
  ok $? 'camera.sh prints the line it runs'
  enlarge wanted.y4m videotestsrc num-buffers=20 ! video/x-raw,format=I420,width=160,height=120
  same 'camera.sh: twice the size, every frame' 320,240,20 "$(shape test.y4m)"
  # On a busy machine some frames, or parts of them, are made in a cheaper way.
  mapfile -t db < <(frames_psnr test.y4m wanted.y4m)
  at_least "${db[${#db[@]} / 2]}" 60
  ok $? "camera.sh: the pictures are the network's (${db[*]} dB)"
  at_least "${db[0]}" 25
  ok $? "camera.sh: the worst frame shows the right picture, too (${db[0]} dB)"
  if [ "${#tracer[@]}" -eq 0 ]; then
    skip 'camera.sh: under half a second from source to sink' "GStreamer's latency tracer hangs"
    return
  fi
  # Leave out the first second, in which the model is loaded.
  ms=$(sed -n 's/.*latency, .*time=(guint64)\([0-9]*\).*/\1/p' trace | tail -n +11 | sort -n | tail -n 1)
  ! at_least "${ms:-1e12}" 500000000
  ok $? "camera.sh: under half a second from source to sink (${ms:-no} ns)"
}

# A sink that waits for the clock must get all frames of the source; a busy machine gets some more tries. The error
# that this looks for loses half of the frames.
test_camera_rates() {
  local rate attempt got
  for rate in 15 24 25 30 50 60; do
    for attempt in 1 2 3 4; do
      timeout 30 "$scripts/camera.sh" source=test size=320x240 "rate=$rate" "frames=$((2 * rate))" \
        "sink=video/x-raw,format=I420 ! y4menc ! filesink sync=true location=rate.y4m" >out 2>err
      got=$(shape rate.y4m)
      got=${got##*,}
      [ "$((100 * ${got:-0}))" -lt "$((99 * 2 * rate))" ] || break
    done
    echo "# $rate frames a second: $got of $((2 * rate)), try $attempt"
    [ "$((10 * ${got:-0}))" -ge "$((9 * 2 * rate))" ]
    ok $? "camera.sh: $rate frames a second, all shown"
  done
}

test_screen() {
  local display
  if ! command -v Xvfb >/dev/null; then
    skip 'camera.sh: the screen' 'there is no Xvfb'
    return
  fi
  Xvfb -displayfd 3 -screen 0 320x240x24 3>display >/dev/null 2>&1 &
  started+=($!)
  for _ in {1..100}; do [ ! -s display ] || break; sleep 0.1; done
  display=:$(cat display)
  # A window with something in it: the test picture, itself enlarged.
  DISPLAY=$display timeout 60 "$scripts/camera.sh" source=test size=160x120 rate=5 sink=ximagesink >window 2>&1 &
  started+=($!)
  sleep 4
  DISPLAY=$display check 'camera.sh: the screen, with a window on it' timeout 30 \
    "$scripts/camera.sh" source=screen size=320x240 rate=5 frames=5 "sink=$y4m=screen.y4m"
  same 'camera.sh: twice the size of the screen' 640,480,5 "$(shape screen.y4m)"
  # White is the first of the test picture's bars, magenta its fifth; the screen's background is black.
  same 'camera.sh: both are to be seen' 'ok' "$(bars screen.y4m)"
}
# Whether the picture has pixels near the 235 and the 16 of luma.
bars() {
  ffmpeg -v error -i "$1" -vf 'select=eq(n\,4),format=gray' -f rawvideo - |
    od -An -v -tu1 -w1 | sort -n | uniq -c | awk '$2 < 30 { dark += $1 } $2 > 60 { light += $1 }
      END { if (dark > 1000 && light > 20000) print "ok"; else print dark, light }'
}

test_bad_camera() {
  fails 'camera.sh: no camera' 'there is no camera /dev/nothing' "$scripts/camera.sh" device=/dev/nothing sink=fakesink
  fails 'camera.sh: an unknown key' 'source, device' "$scripts/camera.sh" colour=red
  fails 'camera.sh: no such size' 'size is' "$scripts/camera.sh" size=big
  fails 'camera.sh: no such file' 'nix.mkv does not exist' "$scripts/camera.sh" source=nix.mkv sink=fakesink
  fails 'camera.sh: no display' 'no display' env -u DISPLAY -u WAYLAND_DISPLAY "$scripts/camera.sh" source=test
}

# ---- senders and receivers

# The highest PSNR between frame N of a received video and any frame of its source: a stream received
# over a network may begin late.
likeness() { # FILE N FILE
  ffmpeg -v error -i "$1" -i "$3" -lavfi \
    "[0:v]select=eq(n\\,$2),format=gray,loop=-1:1,settb=1/25,setpts=N[a];[1:v]format=gray,settb=1/25,setpts=N[b];[b][a]psnr=stats_file=-:shortest=1" \
    -f null - | sed -n 's/.*psnr_avg:\([0-9.inf]*\).*/\1/p' | sort -g | tail -n 1
}
like() { # NAME FILE N FILE
  local db
  db=$(likeness "$2" "$3" "$4")
  at_least "$db" 33
  ok $? "$1 ($db dB)"
}
frames_are() { # NAME SIZE AT-LEAST FILE
  local status=0 got
  got=$(shape "$4")
  [ "${got%,*}" = "$2" ] && [ "${got##*,}" -ge "$3" ] || status=1
  ok "$status" "$1 ($got)"
}
clip=$media/bear_vp9_320x240.webm
port=$((20000 + $$ % 20000))

prepare() {
  ffmpeg -v error -stream_loop 1 -i "$clip" -vf scale=160:120 -an -c:v libx264 -crf 12 -g 15 small.mkv &&
    enlarge small.y4m filesrc location=small.mkv ! decodebin ! videoconvert
}
receive() { # IN FILE: fifteen frames, by a receiver that shares nothing with the sender
  timeout 25 ffmpeg -v error -protocol_whitelist file,udp,rtp,tcp -analyzeduration 1000000 -i "$1" \
    -frames:v 15 -pix_fmt yuv420p "$2" >/dev/null 2>&1
}
receive_rtp() { # PORT FILE
  printf '%s\n' v=0 'o=- 0 0 IN IP4 127.0.0.1' s=test 'c=IN IP4 127.0.0.1' 't=0 0' "m=video $1 RTP/AVP 96" \
    'a=rtpmap:96 H264/90000' >"$2.sdp"
  receive "$2.sdp" "$2"
}

test_hls() {
  mkdir hls
  check 'live.sh: HLS' timeout 60 "$scripts/live.sh" hls hls source=small.mkv
  same 'live.sh: the playlist plays, with every frame' "320,240,$(shape small.mkv | cut -d, -f3)" "$(shape hls/live.m3u8)"
  grep -q '^#EXT-X-ENDLIST' hls/live.m3u8 && [ "$(grep -c '^segment' hls/live.m3u8)" -ge 2 ]
  ok $? 'live.sh: segments, and an end'
  like 'live.sh: HLS shows the enlarged clip' hls/live.m3u8 20 small.y4m
}
test_udp() {
  local sender
  timeout 40 "$scripts/live.sh" udp "127.0.0.1:$port" source=test size=160x120 rate=15 >out 2>err &
  sender=$!
  started+=("$sender")
  receive "udp://127.0.0.1:$port?timeout=20000000" udp.y4m
  kill "$sender"
  wait "$sender" 2>/dev/null
  frames_are 'live.sh: MPEG-TS over UDP' 320,240 15 udp.y4m
  enlarge bars.y4m videotestsrc num-buffers=20 ! video/x-raw,format=I420,width=160,height=120
  like 'live.sh: UDP shows the enlarged test picture' udp.y4m 10 bars.y4m
}
test_rtp() {
  local relay receiver
  receive_rtp $((port + 2)) rtp.y4m &
  receiver=$!
  timeout 30 "$scripts/rtp.sh" relay $((port + 1)) 127.0.0.1:$((port + 2)) >out 2>err &
  relay=$!
  started+=("$receiver" "$relay")
  sleep 3
  check 'rtp.sh: send' timeout 20 "$scripts/rtp.sh" send small.mkv 127.0.0.1:$((port + 1))
  wait "$receiver"
  kill "$relay"
  wait "$relay" 2>/dev/null
  frames_are 'rtp.sh: relay, RTP to RTP' 320,240 15 rtp.y4m
  like 'rtp.sh: relay shows the enlarged clip' rtp.y4m 5 small.y4m
}
test_rtsp() {
  local server relay
  if ! /usr/bin/python3 -c 'import gi; gi.require_version("GstRtspServer", "1.0")' 2>/dev/null; then
    skip 'rtp.sh: RTSP' 'gir1.2-gst-rtsp-server-1.0 or python3-gi is not installed'
    return
  fi
  timeout 60 "$scripts/rtp.sh" serve small.mkv $((port + 3)) >./served 2>err &
  server=$!
  started+=("$server")
  for _ in {1..100}; do grep -q rtsp served 2>/dev/null && break; sleep 0.1; done
  receive "rtsp://127.0.0.1:$((port + 3))/live" rtsp.y4m
  frames_are 'rtp.sh: serve, RTSP out' 320,240 15 rtsp.y4m
  like 'rtp.sh: RTSP shows the enlarged clip' rtsp.y4m 5 small.y4m
  receive_rtp $((port + 4)) relay.y4m &
  started+=($!)
  relay=$!
  sleep 1
  timeout 25 "$scripts/rtp.sh" relay "rtsp://127.0.0.1:$((port + 3))/live" 127.0.0.1:$((port + 4)) frames=90 >out 2>err
  ok $? 'rtp.sh: relay ends after frames=90'
  wait "$relay"
  frames_are 'rtp.sh: relay, RTSP in' 640,480 15 relay.y4m
  kill "$server"
}

# ---- example.py, pictures.sh

test_example() {
  if ! /usr/bin/python3 -c 'import gi; gi.require_version("Gst", "1.0")' 2>/dev/null; then
    skip 'example.py' 'python3-gi is not installed'
    return
  fi
  check 'example.py enlarges a clip' timeout 60 "$scripts/example.sh" small.mkv example.mkv
  same 'example.py: twice the size, every frame' "320,240,$(shape small.mkv | cut -d, -f3)" "$(shape example.mkv)"
  like 'example.py: the picture is the network'"'"'s' example.mkv 20 small.y4m
  timeout 30 "$scripts/example.sh" nothing.mkv a.mkv >out 2>err
  [ $? -eq 1 ] && grep -q 'nothing.mkv does not exist' err
  ok $? 'example.py: no such file'
  # A file that is not a clip, with an OUT that already exists.
  echo precious >kept.mkv
  head -c 3000 /dev/urandom >noise.mkv
  timeout 60 "$scripts/example.sh" noise.mkv kept.mkv >out 2>err
  [ $? -eq 1 ] && [ "$(cat kept.mkv)" = precious ] && [ ! -e kept.mkv.part ]
  ok $? 'example.py: a failure keeps the old file'
}

red_alpha() { # FILE: their means
  ffmpeg -v error -f png_pipe -i "$1" -f rawvideo -pix_fmt rgba - | od -An -v -tu1 -w4 |
    awk '{ r += $1; a += $4 } END { printf "%.0f %.0f", r / NR, a / NR }'
}
test_pictures() {
  local name
  mkdir in
  ffmpeg -v error -f lavfi -i testsrc=s=40x30 -frames:v 1 -update 1 "in/it's \"odd\" %.png"
  ffmpeg -v error -f lavfi -i testsrc=s=33x21 -frames:v 1 in/small.JPG
  ffmpeg -v error -f lavfi -i 'color=red@0.5:s=24x24,format=rgba' -frames:v 1 in/alpha.png
  check 'pictures.sh: a folder' timeout 60 "$scripts/pictures.sh" in large
  same 'pictures.sh: sizes, alpha kept' '48,48,rgba 80,60,rgb24 66,42,rgb24' "$(
    for name in alpha "it's \"odd\" %" small; do
      ffprobe -v error -show_entries stream=width,height,pix_fmt -of csv=p=0 -f png_pipe "large/$name.png"
    done | paste -sd ' ')"
  same 'pictures.sh: the red and the alpha are those of the input' "$(red_alpha in/alpha.png)" "$(red_alpha large/alpha.png)"
  mkdir both
  cp in/alpha.png both/a.png
  cp in/small.JPG both/a.jpg
  echo 'no picture' >in/words.png
  fails 'pictures.sh: two that would become one' 'would both become' "$scripts/pictures.sh" both large
  timeout 60 "$scripts/pictures.sh" in again >out 2>err
  [ $? -eq 1 ] && grep -q 'words.png: ' err && [ "$(find again -type f | wc -l)" -eq 3 ]
  ok $? 'pictures.sh: a file that is not a picture is reported, the others are made, nothing else is left'
  fails 'pictures.sh: no such folder' 'nowhere does not exist' "$scripts/pictures.sh" nowhere large
  mkdir empty
  fails 'pictures.sh: no pictures' 'no pictures' "$scripts/pictures.sh" empty large
}

test_bad_sending() {
  fails 'live.sh: neither hls nor udp' 'hls or udp' "$scripts/live.sh" smoke x
  fails 'live.sh: no such folder' 'nowhere does not exist' "$scripts/live.sh" hls nowhere
  fails 'live.sh: no port' 'HOST:PORT' "$scripts/live.sh" udp 127.0.0.1
  fails 'rtp.sh: no such file' 'nix does not exist' "$scripts/rtp.sh" send nix 127.0.0.1:5004
  fails 'rtp.sh: no such port' '1 to 65535' "$scripts/rtp.sh" relay 99999 127.0.0.1:5004
  fails 'rtp.sh: an unknown key' 'model, scale' "$scripts/rtp.sh" relay 5004 127.0.0.1:5006 colour=red
}

test_camera
test_camera_rates
test_screen
test_bad_camera
test_pictures
test_bad_sending
if [ -f "$clip" ] && prepare; then
  test_hls
  test_udp
  test_rtp
  test_rtsp
  test_example
else
  skip 'live.sh, rtp.sh, example.py' "$clip is not there"
fi
echo "1..$count"
