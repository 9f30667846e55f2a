#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Runs play.sh and compare.sh on real clips and on other files. Prints TAP. $RFDN_BUILD is the build,
# $RFDN_SHARED the folder with media/, which is not part of the project.
set -uo pipefail

scripts=$(cd "$(dirname "$0")/../../pipelines" && pwd)
media=$RFDN_SHARED/media
clip=$media/bear_vp9_320x240.webm
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

count=0
ok() { # STATUS NAME
  count=$((count + 1))
  if [ "$1" -eq 0 ]; then
    echo "ok $count - $2"
  else
    echo "not ok $count - $2"
    sed 's/^/# /' err 2>/dev/null
  fi
}
# Passes if the command fails with one line that contains WORDS, and leaves no files.
fails() { # NAME WORDS COMMAND...
  local name=$1 words=$2 status=0
  shift 2
  rm -f x.* .x.*
  "$@" >out 2>err && status=1
  [ "$(grep -vc '^gst-launch-1.0 ' err)" -eq 1 ] || status=1
  grep -qF -- "$words" err || status=1
  [ -z "$(find . -name '*x.*')" ] || status=1
  ok "$status" "$name"
}
frames() { # FILE
  ffprobe -v error -count_frames -select_streams v:0 -show_entries stream=nb_read_frames \
    -of default=nw=1:nk=1 "$1"
}
# Decibels between the luma of two streams, frame by frame, in a part W:H:X:Y of the picture.
psnr() { # FILE FILE CROP
  ffmpeg -v info -i "$1" -i "$2" \
    -lavfi "[0:v]settb=1/25,setpts=N,crop=$3,format=gray[a];[1:v]settb=1/25,setpts=N,crop=$3,format=gray[b];[a][b]psnr" -f null - 2>&1 |
    sed -n 's/.*psnr_avg[: ]*\|.*average:\([0-9.inf]*\).*/\1/p' | tail -n 1
}
at_least() { # VALUE BOUND
  [ "$1" = inf ] || awk -v v="$1" -v b="$2" 'BEGIN { exit !(v >= b) }'
}

if [ ! -f "$clip" ]; then
  echo "1..0 # SKIP $clip is not there"
  exit 0
fi

# A package that has to be installed would print another line.
# shellcheck source=pipelines/setup.sh
(. "$scripts/setup.sh" && rfdn_need_packages "${RFDN_RUN_PACKAGES[@]}" python3-gi gir1.2-gstreamer-1.0) >/dev/null 2>&1
"$scripts/play.sh" "$clip" sink=fakesink >out 2>err
ok $? "play.sh plays a clip"
grep -q '^gst-launch-1.0 playbin .*rfdnupscale' err
ok $? "play.sh prints the line it runs"
fails "play.sh: no such file" "nothing.mkv does not exist" "$scripts/play.sh" nothing.mkv sink=fakesink
fails "play.sh: a folder" "is not a file" "$scripts/play.sh" "$work" sink=fakesink
fails "play.sh: an unknown key lists the keys" "model, scale, threads" "$scripts/play.sh" "$clip" colour=red
# playbin ignores a filter that it cannot parse and plays the clip unchanged.
cp "$scripts/../models/live-clean_x2.safetensors" "a model.safetensors"
"$scripts/play.sh" "$clip" sink=fakesink "model=a model.safetensors" >out 2>err && ! grep -q WARNING out err
ok $? "play.sh: a model with a blank in its name"
fails "play.sh: no such scale" "scale is auto, 2, 3 or 4" "$scripts/play.sh" "$clip" sink=fakesink scale=zz
fails "play.sh: no such number of threads" "threads is" "$scripts/play.sh" "$clip" sink=fakesink threads=x
fails "play.sh: no display" "no display" env -u DISPLAY -u WAYLAND_DISPLAY "$scripts/play.sh" "$clip"

"$scripts/compare.sh" "$clip" both.mkv >out 2>err
ok $? "compare.sh compares a clip"
grep -q '^gst-launch-1.0 filesrc ' err
ok $? "compare.sh prints the line it runs"
size=$(ffprobe -v error -show_entries stream=width,height -of csv=p=0 both.mkv)
[ "$size" = 640,480 ]
ok $? "compare.sh: twice the size ($size)"
[ "$(frames both.mkv)" = "$(frames "$clip")" ]
ok $? "compare.sh: as many frames as the clip"

"$scripts/compare.sh" "$clip" first.mkv frames=5 >out 2>err && [ "$(frames first.mkv)" = 5 ]
ok $? "compare.sh: frames=5"
ln -s "$clip" 'an "odd" \name.mkv'
"$scripts/compare.sh" 'an "odd" \name.mkv' 'to "odd" \.mkv' frames=5 >out 2>err && [ "$(frames 'to "odd" \.mkv')" = 5 ]
ok $? "compare.sh: names with characters special to gst-launch-1.0"

# Each half compared with the whole picture made the same way.
gst-launch-1.0 -q filesrc location="$clip" ! decodebin ! videoscale method=lanczos envelope=3 ! \
  video/x-raw,width=640,height=480 ! y4menc ! filesink location=lanczos.y4m
gst-launch-1.0 -q filesrc location="$clip" ! decodebin ! rfdnupscale ! y4menc ! filesink location=network.y4m

# playbin's video-filter is our element.
"$scripts/play.sh" "$clip" "sink=video/x-raw,format=I420 ! y4menc ! filesink location=played.y4m" audio-sink=fakesink >out 2>err
ok $? "play.sh plays into a file"
db=$(psnr played.y4m network.y4m 640:480:0:0)
at_least "$db" 60
ok $? "play.sh shows the network's result ($db dB)"
[ "$(frames played.y4m)" = "$(frames "$clip")" ]
ok $? "play.sh shows every frame"

left=312:480:0:0 right=312:480:324:0
db=$(psnr both.mkv lanczos.y4m $left)
at_least "$db" 42
ok $? "compare.sh: the left half is Lanczos ($db dB)"
db=$(psnr both.mkv network.y4m $right)
at_least "$db" 42
ok $? "compare.sh: the right half is the network ($db dB)"
db=$(psnr both.mkv lanczos.y4m $right)
! at_least "$db" 42
ok $? "compare.sh: the right half is not Lanczos ($db dB)"

fails "compare.sh: no such file" "nothing.mkv does not exist" "$scripts/compare.sh" nothing.mkv x.mkv
fails "compare.sh: no such folder" "the folder nowhere" "$scripts/compare.sh" "$clip" nowhere/x.mkv
fails "compare.sh: unknown container" "x.avi" "$scripts/compare.sh" "$clip" x.avi
fails "compare.sh: unknown key" "model, scale, threads" "$scripts/compare.sh" "$clip" x.mkv colour=red
fails "compare.sh: no such model" "nix" "$scripts/compare.sh" "$clip" x.mkv model=nix
fails "compare.sh: no such scale" "made for x2" "$scripts/compare.sh" "$clip" x.mkv "model=a model.safetensors" scale=3
fails "compare.sh: no such number of frames" "frames is" "$scripts/compare.sh" "$clip" x.mkv frames=0
mkdir folder.mkv
fails "compare.sh: onto a folder" "folder.mkv is a folder" "$scripts/compare.sh" "$clip" folder.mkv
[ -z "$(ls -A folder.mkv)" ]
ok $? "compare.sh: nothing is left in the folder"
# Only the script gets the signal; it must stop its child processes.
interrupted() {
  local i pid
  "$scripts/compare.sh" "$media/bbb_h264_1280x720_aac.mp4" x.mkv &
  pid=$!
  for ((i = 0; i < 200; i++)); do
    [ ! -s .x.mkv.part ] || break
    sleep 0.1
  done
  kill -TERM "$pid"
  wait "$pid"
}
fails "compare.sh: interrupted" "interrupted" interrupted
echo "no video" >text
fails "compare.sh: no video" "text: " "$scripts/compare.sh" text x.mkv
cp "$clip" in.webm
fails "compare.sh: onto itself" "is the input itself" "$scripts/compare.sh" in.webm ./in.webm
fails "example.sh: onto itself" "is the input itself" "$scripts/example.sh" in.webm ./in.webm
ln in.webm again.mkv
fails "example.sh: onto itself by another name" "is the input itself" "$scripts/example.sh" in.webm again.mkv
cmp -s "$clip" in.webm
ok $? "example.sh: the input does not change"
# The output has another name until it is complete; that name may be the input's.
cp in.webm next.mkv.part
cp in.webm .next.webm.part
fails "example.sh: onto itself by the name of its unfinished output" "is the input itself" \
  "$scripts/example.sh" next.mkv.part next.mkv
for script in compare transcode; do
  fails "$script.sh: onto itself by the name of its unfinished output" "would be written over" \
    "$scripts/$script.sh" .next.webm.part next.webm
done
cmp -s in.webm next.mkv.part && cmp -s in.webm .next.webm.part
ok $? "and these inputs stay as they are"
rm next.mkv.part .next.webm.part
echo "1..$count"
