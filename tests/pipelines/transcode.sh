#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Runs rfdn-transcode on real clips and on other files, and compares results with the input. Prints TAP.
# $RFDN_BUILD is the build, $RFDN_SHARED the folder with media/, which is not part of the project.
set -uo pipefail

program=$RFDN_BUILD/pipelines/rfdn-transcode
media=$RFDN_SHARED/media
work=$(mktemp -d)
mounted=
cleanup() {
  [ -z "$mounted" ] || umount "$mounted"
  rm -rf "$work"
}
trap cleanup EXIT
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
skip_all() {
  echo "1..0 # SKIP $1"
  exit 0
}
same() { # NAME WANTED GOT
  local status=0
  [ "$2" = "$3" ] && [ -n "$2" ] || status=1
  [ "$status" -eq 0 ] || printf '# wanted: %.300s\n# got:    %.300s\n' "$2" "$3"
  ok "$status" "$1"
}
have() { # CLIP NAME: or skips the test, saying why
  [ -f "$media/$1" ] && return 0
  count=$((count + 1))
  echo "ok $count - $2 # SKIP $media/$1 is not there"
  return 1
}
run() { # IN OUT [key=value ...]
  timeout 200 "$program" "$@" preset=ultrafast >out 2>err
}
probe() { # FILE ENTRIES
  ffprobe -v error -select_streams v:0 -show_entries "$2" -of default=nw=1:nk=1 "$1" 2>/dev/null |
    paste -sd ' '
}
# Presentation times in seconds, in order, of the first N pictures (N empty: of all).
times() { # FILE [N]
  ffprobe -v error -select_streams v:0 -show_entries packet=pts_time -of csv=p=0 "$1" 2>/dev/null |
    tr -d , | sort -n | if [ -n "${2:-}" ]; then head -n "$2"; else cat; fi | paste -sd ' '
}
sound() { # FILE
  ffmpeg -v error -i "$1" -map 0:a:0 -c copy -f framemd5 - | grep -v '^#' | md5sum
}

# ---- requirements

for tool in ffmpeg ffprobe timeout; do
  command -v "$tool" >/dev/null || skip_all "there is no $tool"
done
[ -x "$program" ] || skip_all "$program was not built"
[ -d "$media" ] || skip_all "$media is not there"

# ---- good input

test_whole_clip() {
  local clip=$media/forest_h264_848x464_aac.mkv
  have forest_h264_848x464_aac.mkv 'a whole clip' || return
  run "$clip" forest.mkv
  ok $? 'a whole clip is enlarged'
  same 'its size is twice that of the input' '1696 928' "$(probe forest.mkv stream=width,height)"
  same 'every frame has its time' "$(times "$clip")" "$(times forest.mkv)"
  same 'the sound is the same packet for packet' "$(sound "$clip")" "$(sound forest.mkv)"
  same 'colour tags are those of the input' "$(probe "$clip" "$colour")" "$(probe forest.mkv "$colour")"
  grep -q '^gst-launch-1.0 .*rfdnupscale' out
  ok $? 'the launch line is printed'
  grep -q '96 frames of 1696x928' err
  ok $? 'the summary counts the frames'
}
colour=stream=color_range,color_space,color_transfer,color_primaries

test_reordered_frames() { # B-frames on both sides
  local clip=$media/ROTATE90_h264_848x464_aac.mp4 matrix=stream_side_data=displaymatrix,rotation
  have ROTATE90_h264_848x464_aac.mp4 'a rotated clip' || return
  timeout 200 "$program" "$clip" rotate.mp4 preset=veryfast >out 2>err
  ok $? 'a rotated clip is enlarged'
  same 'the display matrix is kept' "$(probe "$clip" "$matrix")" "$(probe rotate.mp4 "$matrix")"
  same 'reordered frames have their times in mp4' "$(times "$clip")" "$(times rotate.mp4)"
  same 'the sound is the same in mp4' "$(sound "$clip")" "$(sound rotate.mp4)"
  run "$clip" rotate.mkv frames=2
  grep -q rotat err
  ok $? 'a container that cannot hold the rotation is reported'
  rm rotate.mkv
  timeout 60 sh out >launch 2>&1
  same 'the launch line that was printed works' '1696 928 30' \
    "$(probe rotate.mkv stream=width,height) $(times rotate.mkv | wc -w)"
}

test_high_dynamic_range() {
  local clip=$media/HLG_hevc10_848x464_dogsnow_vorbis.mkv
  local entries=stream=pix_fmt,color_range,color_space,color_transfer,color_primaries
  if have HLG_hevc10_848x464_dogsnow_vorbis.mkv 'HLG'; then
    run "$clip" hlg.mkv frames=8 codec=hevc
    ok $? 'an HLG clip is enlarged'
    same 'HLG stays 10 bit with its tags' "$(probe "$clip" $entries)" "$(probe hlg.mkv $entries)"
    same 'HLG frames have their times' "$(times "$clip" 8)" "$(times hlg.mkv)"
  fi
  clip=$media/PQ_av1_10bit_1920x1080_mdcv_clli_aac.mp4
  have "$(basename "$clip")" 'PQ' || return
  run "$clip" pq.mp4 frames=4 codec=hevc
  ok $? 'a PQ clip is enlarged'
  same 'PQ stays 10 bit with its tags' "$(probe "$clip" $entries)" "$(probe pq.mp4 $entries)"
  same 'the light levels are kept' "$(light "$clip")" "$(light pq.mp4)"
  # In the bitstream, not only in the container.
  ffmpeg -v error -i pq.mp4 -map 0:v:0 -c copy -f hevc pq.hevc
  ffprobe -v error -show_frames -read_intervals '%+#1' pq.hevc | grep -q 'max_content=1100'
  ok $? 'the light levels are in the stream as well'
}
light() {
  probe "$1" stream_side_data=red_x,green_y,white_point_x,max_luminance,max_content,max_average
}

test_sizes() {
  if have ODD_bear_vp9_161x121.webm 'an odd size'; then
    run "$media/ODD_bear_vp9_161x121.webm" odd.webm frames=10
    ok $? 'an odd size in webm'
    same 'odd: VP9 of twice the size' 'vp9 322 242' "$(probe odd.webm stream=codec_name,width,height)"
    same 'odd: times' "$(times "$media/ODD_bear_vp9_161x121.webm" 10)" "$(times odd.webm)"
  fi
  if have RESCHANGE_h264_848x464_to_424x232.h264 'a change of size'; then
    run "$media/RESCHANGE_h264_848x464_to_424x232.h264" change.mkv
    ok $? 'a change of size in the middle passes'
    same 'the first size stays' '1696 928' "$(probe change.mkv stream=width,height)"
    same 'no frame is lost on the way' 96 "$(times change.mkv | wc -w)"
  fi
  have bbb_h264_800x640_sar64x45.mp4 'anamorphic video' || return
  run "$media/bbb_h264_800x640_sar64x45.mp4" sar.mp4 frames=6
  same 'the aspect ratio of pixels is kept' '1600 1280 64:45' \
    "$(probe sar.mp4 stream=width,height,sample_aspect_ratio)"
  grep -q bt709 <<<"$(probe sar.mp4 "$colour")"
  ok $? 'untagged colours are resolved'
}

test_interlaced() {
  local clip=$media/INTERLACED_tff_h264_640x360.mp4
  have INTERLACED_tff_h264_640x360.mp4 'interlaced video' || return
  bad 'interlaced video is refused' deinterlace "$clip" interlaced.mp4
  run "$clip" deinterlaced.mp4 deinterlace=yes frames=20
  ok $? 'deinterlace=yes takes it'
  same 'deinterlaced: times' "$(times "$clip" 20)" "$(times deinterlaced.mp4)"
}

# OUT MD5: of the pictures alone, since no two files of Matroska are the same.
pictures() {
  ffmpeg -v error -y -i "$1" -map 0:v -f md5 "$2"
}

# Luma is the same with either, chroma is not.
test_chroma() {
  local clip=$media/bear_vp9_320x240.webm chroma
  have bear_vp9_320x240.webm 'ways to enlarge chroma' || return
  for chroma in guided plain; do
    run "$clip" "$chroma.mkv" codec=ffv1 frames=3 chroma=$chroma
    ok $? "chroma=$chroma"
    ffmpeg -v error -y -i "$chroma.mkv" -vf extractplanes=y -f md5 "luma-$chroma"
    ffmpeg -v error -y -i "$chroma.mkv" -vf extractplanes=u -f md5 "colours-$chroma"
  done
  cmp -s luma-guided luma-plain
  ok $? 'the luma is the same'
  ! cmp -s colours-guided colours-plain
  ok $? 'the chroma is not'
}

test_stabilized() {
  local clip=$media/bear_vp9_320x240.webm amount
  have bear_vp9_320x240.webm 'stabilizing' || return
  for amount in 0 0.7; do
    run "$clip" "steady-$amount.mkv" codec=ffv1 frames=3 stabilize=$amount
    ok $? "stabilize=$amount"
    pictures "steady-$amount.mkv" "steady-$amount"
  done
  ! cmp -s steady-0 steady-0.7
  ok $? 'which makes another picture'
}

test_sharpness() {
  local clip=$media/bear_vp9_320x240.webm amount
  have bear_vp9_320x240.webm 'sharpness' || return
  for amount in -1 0 1; do
    run "$clip" "sharp$amount.mkv" codec=ffv1 frames=2 sharpness=$amount
    ok $? "sharpness=$amount"
    pictures "sharp$amount.mkv" "sharp$amount"
  done
  run "$clip" usual.mkv codec=ffv1 frames=2
  pictures usual.mkv usual
  cmp -s sharp0 usual
  ok $? 'it is 0 unless told'
  ! cmp -s sharp0 sharp1
  ok $? 'sharper is another picture'
  ! cmp -s sharp0 sharp-1
  ok $? 'softer is another picture'
  run "$clip" none.mkv codec=ffv1 frames=1 model=rfdn sharpness=1
  ok $? 'a model without siblings is used as it is'
  grep -q "as it was trained, without 'sharpness'" err
  ok $? 'which a line says'
}

test_variable_rate() {
  local clip=$media/traffic_h264_1280x720_VFR.mp4
  have traffic_h264_1280x720_VFR.mp4 'a variable frame rate' || return
  run "$clip" traffic.mp4 frames=60
  ok $? 'a variable frame rate passes'
  same 'variable: times' "$(times "$clip" 60)" "$(times traffic.mp4)"
  same 'the time base is kept' "$(probe "$clip" stream=time_base)" \
    "$(probe traffic.mp4 stream=time_base)"
}

test_damaged() {
  local clip=TRUNCATED_elephantsdream_h264_1024x576_matroskatest7_aac.mkv
  have "$clip" 'a truncated file' || return
  run "$media/$clip" truncated.mkv
  ok $? 'a truncated file is not an error'
  same 'one line says that it is cut off' 1 "$(grep -c 'cut off' err)"
  same 'decodable frames are kept' \
    "$(ffprobe -v quiet -select_streams v:0 -count_frames -show_entries stream=nb_read_frames \
      -of csv=p=0 "$media/$clip")" "$(times truncated.mkv | wc -w)"
}

test_sound() {
  local clip=$media/forest_h264_848x464_aac.mkv
  have forest_h264_848x464_aac.mkv 'sound' || return
  run "$clip" sound.webm frames=10
  ok $? 'sound that webm does not take is encoded'
  same 'as Opus' opus \
    "$(ffprobe -v error -select_streams a:0 -show_entries stream=codec_name -of csv=p=0 sound.webm)"
  grep -q 'encoded as opus' err
  ok $? 'and one line says so'
  run "$clip" silent.mkv frames=3 audio=none
  same 'audio=none leaves it out' none \
    "none$(ffprobe -v error -select_streams a -show_entries stream=index -of csv=p=0 silent.mkv)"
}

# ---- bad input: one line, no OUT, nothing else left

listing() { # FOLDER
  find "$1" -mindepth 1 ! -name out ! -name err 2>/dev/null | sort
}
bad() { # NAME PATTERN IN OUT [key=value ...]
  local name=$1 pattern=$2 out=$4 before status=0
  shift 2
  before=$(listing .)
  : >out
  : >err
  timeout 100 "$program" "$@" >out 2>err
  status=$?
  if [ "$status" -eq 0 ] || [ "$status" -ge 124 ]; then
    echo "# status $status"
    status=1
  elif [ "$(grep -c '^rfdn-transcode: ' err)" -ne 1 ]; then
    echo '# not exactly one error line'
    status=1
  elif ! grep -q -e "$pattern" err || [ "$(grep -vcE '^(frame|track) ' err)" -ne 1 ]; then
    echo "# the message does not match $pattern"
    status=1
  elif [ "$before" != "$(listing .)" ] || listing "$(dirname "$out")" | grep -q '\.part$'; then
    echo '# a file was left behind'
    status=1
  else
    status=0
  fi
  ok "$status" "$name"
}

test_bad_input() {
  local clip=$media/bear_vp9_320x240.webm
  have bear_vp9_320x240.webm 'bad input' || return
  echo 'no video at all, but some words' >words.mkv
  : >empty.mkv
  ffmpeg -v error -f lavfi -i sine=duration=1 -c:a flac sound.mkv
  cp "$clip" same.webm
  bad 'no IN' 'No such file' missing.mkv a.mkv
  bad 'IN is a folder' 'folder' / a.mkv
  bad 'IN is not a media file' 'not a media file' words.mkv a.mkv
  bad 'IN is empty' 'empty' empty.mkv a.mkv
  bad 'no video track' 'no video track' sound.mkv a.mkv
  [ ! -f "$media/CORRUPT_invalid_vp9.webm" ] ||
    bad 'nothing can be decoded' 'decoded' "$media/CORRUPT_invalid_vp9.webm" a.mkv
  bad 'no such container' 'extension' "$clip" a.xyz
  bad 'no folder' 'no folder' "$clip" nowhere/a.mkv
  bad 'OUT is IN' 'same file' same.webm same.webm
  cmp -s same.webm "$clip"
  ok $? 'OUT that is IN is left alone'
  bad 'an unknown key' 'tile-overlap' "$clip" a.mkv colour=blue
  bad 'a bad value' 'keys:' "$clip" a.mkv scale=5
  bad 'no way to enlarge chroma' 'chroma=sharp: guided' "$clip" a.mkv chroma=sharp
  bad 'a share above 1' 'stabilize=1.5: 0..1' "$clip" a.mkv stabilize=1.5
  bad 'a share that is none' 'stabilize=0.5x' "$clip" a.mkv stabilize=0.5x
  bad 'too sharp' 'sharpness=1.5: -1..1' "$clip" a.mkv sharpness=1.5
  bad 'a sharpness that is none' 'sharpness=--1: -1..1' "$clip" a.mkv sharpness=--1
  bad 'a bad preset' 'preset' "$clip" a.mkv preset=quick
  bad 'a codec that the container does not hold' 'cannot hold' "$clip" a.webm codec=h264
  bad 'no model file' 'nothing.safetensors' "$clip" a.mkv model=./nothing.safetensors
  bad 'not a model file' 'not a usable model' "$clip" a.mkv model=./words.mkv
}

test_full_disk() {
  local clip=$media/forest_h264_848x464_aac.mkv where=.
  have forest_h264_848x464_aac.mkv 'a full disk' || return
  mkdir small
  if mount -t tmpfs -o size=400k tmpfs small 2>/dev/null; then
    mounted=$work/small
    where=small
    bad 'a full disk (mkv)' 'No space' "$clip" $where/a.mkv preset=ultrafast frames=40
    bad 'a full disk (mp4)' 'No space' "$clip" $where/a.mp4 preset=ultrafast frames=40
    # Full only at the end, when the index is written.
    head -c 330k /dev/zero >small/ballast
    bad 'a full disk at the end' 'No space' "$clip" $where/a.mp4 preset=ultrafast frames=2 crf=18
    umount small
    mounted=
  else
    # Another user than root, as with a quota.
    ulimit -f 300
    bad 'no room for the file' 'too large' "$clip" a.mkv preset=ultrafast frames=40
  fi
}

test_interrupt() {
  local clip=$media/highway_cif_mpeg4_352x288_2000f.mp4 pid
  have highway_cif_mpeg4_352x288_2000f.mp4 'an interruption' || return
  "$program" "$clip" stopped.mkv >out 2>err &
  pid=$!
  for _ in {1..100}; do
    [ -s .stopped.mkv.part ] && break
    sleep 0.1
  done
  kill -TERM $pid
  wait $pid
  same 'a signal ends it' 143 $?
  [ ! -e stopped.mkv ] && [ ! -e .stopped.mkv.part ]
  ok $? 'and nothing is left'
}

test_whole_clip
test_reordered_frames
test_high_dynamic_range
test_sizes
test_interlaced
test_chroma
test_stabilized
test_sharpness
test_variable_rate
test_damaged
test_sound
test_bad_input
test_interrupt
test_full_disk
echo "1..$count"
