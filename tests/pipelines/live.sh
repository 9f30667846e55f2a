#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Runs the live pipelines and looks at what comes out of them. Prints TAP. $RFDN_BUILD is the build,
# $RFDN_SHARED the folder with media/, which is no part of the project.
set -uo pipefail
# shellcheck source=tests/pipelines/common.sh
. "$(dirname "$0")/common.sh"
for tool in ffmpeg ffprobe timeout; do
  command -v "$tool" >/dev/null || skip_all "there is no $tool"
done

# ---- camera.sh

enlarge() { # OUT SOURCE...: what the network makes of the source, made apart
  local out=$1
  shift
  gst-launch-1.0 -q "$@" ! rfdnupscale ! videoconvert ! video/x-raw,format=I420 ! y4menc ! filesink "location=$out"
}
y4m='video/x-raw,format=I420 ! y4menc ! filesink location'

test_camera() {
  GST_TRACERS='latency(flags=pipeline)' GST_DEBUG=GST_TRACER:7 GST_DEBUG_FILE=trace GST_DEBUG_NO_COLOR=1 \
    check 'camera.sh: a test source, live' timeout 30 \
    "$scripts/camera.sh" source=test size=160x120 rate=10 frames=20 "sink=$y4m=test.y4m"
  grep -q '^gst-launch-1.0 .*videotestsrc .*rfdnupscale' err
  ok $? 'camera.sh prints the line it runs'
  enlarge wanted.y4m videotestsrc num-buffers=20 ! video/x-raw,format=I420,width=160,height=120
  same 'camera.sh: twice the size, every frame' 320,240,20 "$(shape test.y4m)"
  local db ms
  db=$(psnr test.y4m wanted.y4m)
  at_least "$db" 60
  ok $? "camera.sh: the picture is the network's ($db dB)"
  # Without the first second, in which the model is loaded.
  ms=$(sed -n 's/.*latency, .*time=(guint64)\([0-9]*\).*/\1/p' trace | tail -n +11 | sort -n | tail -n 1)
  ! at_least "${ms:-1e12}" 500000000
  ok $? "camera.sh: under half a second from source to sink (${ms:-no} ns)"
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
  # A window with something in it, which is the test picture enlarged in turn.
  DISPLAY=$display timeout 60 "$scripts/camera.sh" source=test size=160x120 rate=5 sink=ximagesink >window 2>&1 &
  started+=($!)
  sleep 4
  DISPLAY=$display check 'camera.sh: the screen, with a window on it' timeout 30 \
    "$scripts/camera.sh" source=screen size=320x240 rate=5 frames=5 "sink=$y4m=screen.y4m"
  same 'camera.sh: twice the size of the screen' 640,480,5 "$(shape screen.y4m)"
  # White is the first of the test picture's bars, magenta its fifth; the screen's own ground is black.
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

test_camera
test_screen
test_bad_camera
echo "1..$count"
