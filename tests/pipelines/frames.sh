#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# How rfdn-transcode treats pictures: pixel formats, colours, transparency, captions, fields. Results
# are decoded and measured. Prints TAP.
set -uo pipefail

# shellcheck source=tests/pipelines/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
program=$RFDN_BUILD/pipelines/rfdn-transcode
cases=$RFDN_SHARED/cases

for tool in ffmpeg ffprobe timeout gst-launch-1.0; do
  command -v "$tool" >/dev/null || skip_all "there is no $tool"
done
[ -x "$program" ] || skip_all "$program was not built"

run() { # IN OUT [key=value ...]
  timeout 100 "$program" "$@" preset=ultrafast scale=2 >out 2>err
}
have() { # CASE
  [ -f "$cases/$1" ] && return 0
  skip "$1" "$cases/$1 is not there"
  return 1
}
probe() { # FILE ENTRIES
  ffprobe -v error -select_streams v:0 -show_entries "$2" -of default=nw=1:nk=1 "$1" 2>/dev/null |
    paste -sd ' '
}
says() { # NAME WORDS: the last run printed them
  grep -qF -- "$2" err
  ok $? "$1"
}
tags=stream=color_range,color_space
# To RGB as in a player.
shown="scale=flags=accurate_rnd+full_chroma_int+full_chroma_inp"

# The mean colours in the middle of N patches side by side, frame F (from 0 on), as RGBA.
colours() { # FILE N [F [FFMPEG'S OPTIONS]]
  local file=$1 n=$2 frame=${3:-0}
  shift $(($# < 3 ? $# : 3))
  ffmpeg -v error "$@" -i "$file" \
    -vf "select=eq(n\\,$frame),$shown,format=rgba,scale=$((n * 3)):1:flags=area+accurate_rnd+full_chroma_int+full_chroma_inp" -frames:v 1 -f rawvideo - |
    od -An -v -tu1 -w4 | awk 'NR % 3 == 2 { print $1, $2, $3, $4 }' | paste -sd ' '
}
# The largest difference between two lists of numbers.
apart() { # LIST LIST
  paste <(tr ' ' '\n' <<<"$1") <(tr ' ' '\n' <<<"$2") |
    awk 'NF != 2 { bad = 1 } { d = $1 - $2; if (d < 0) d = -d; if (d > max) max = d }
      END { print bad || NR < 3 ? 999 : max + 0 }'
}
near() { # NAME WANTED GOT [BOUND]
  local status=0
  [ "$(apart "$2" "$3")" -le "${4:-2}" ] || status=1
  [ "$status" -eq 0 ] || printf '# wanted: %.300s\n# got:    %.300s\n' "$2" "$3"
  ok "$status" "$1"
}
# The mean colours of all frames in a coarse grid, which can be compared for any content.
grid() { # FILE [FFMPEG'S OPTIONS]
  local file=$1
  shift
  ffmpeg -v error "$@" -i "$file" -vf "$shown,format=rgba,scale=2:2:flags=area+accurate_rnd+full_chroma_int+full_chroma_inp" -f rawvideo - |
    od -An -v -tu1 -w1 | tr -d ' ' | paste -sd ' '
}

# Red, green, blue, white, black, gray, a dark and a light colour.
# Results are compared with the input as decoded by the same FFmpeg, which also rounds.
patches=(c81e1e 1ec81e 1e1ec8 ffffff 000000 808080 402010 f0e0c0)
patches_end= # filters that come last
make_patches() { # OUT [FFMPEG'S OPTIONS ...]
  local out=$1 inputs=() links=
  shift
  for i in "${!patches[@]}"; do
    inputs+=(-f lavfi -i "color=c=0x${patches[i]}:s=24x32:r=5:d=0.4")
    # With explicit options: by default FFmpeg 7.1 converts YUV to RGB in steps of 16 columns and omits the rest.
    links+="[$i:v]$shown,format=gbrp[p$i];"
  done
  for i in "${!patches[@]}"; do links+="[p$i]"; done
  ffmpeg -v error -y "${inputs[@]}" -filter_complex "${links}hstack=8,$shown${patches_end}[v]" -map '[v]' "$@" "$out"
}

# ---- 01: colours given by the file

test_told_colours() {
  if have 01-hd-pq10.mp4; then
    timeout 120 gst-launch-1.0 -v filesrc location="$cases/01-hd-pq10.mp4" ! decodebin ! videoconvert ! \
      video/x-raw,format=I420_10LE ! rfdnupscale scale=2 name=up ! fakesink >caps 2>err
    grep -o 'up.GstPad:src: caps = .*' caps | grep -q 'colorimetry=(string)bt2100-pq'
    ok $? '01: PQ stays PQ in a pipeline'
    run "$cases/01-hd-pq10.mp4" pq.mkv codec=ffv1
    same '01: PQ keeps its tags' "$(probe "$cases/01-hd-pq10.mp4" $tags,color_transfer,color_primaries)" \
      "$(probe pq.mkv $tags,color_transfer,color_primaries)"
    near '01: the luma of the four bars is that of the input' "$(bars "$cases/01-hd-pq10.mp4")" \
      "$(bars pq.mkv)"
  fi
  if have 01-sd-bt709.mp4; then
    timeout 120 gst-launch-1.0 -v filesrc location="$cases/01-sd-bt709.mp4" ! decodebin ! videoconvert ! \
      video/x-raw,format=I420 ! rfdnupscale scale=2 name=up ! fakesink >caps 2>err
    grep -o 'up.GstPad:src: caps = .*' caps | grep -q 'colorimetry=(string)bt709'
    ok $? '01: a small BT.709 picture stays BT.709 in a pipeline'
  fi
  if have 01-sd-bt709-uyvy.mov; then
    run "$cases/01-sd-bt709-uyvy.mov" uyvy.mkv crf=4
    near '01: UYVY keeps its colours' '200 30 30 255 30 200 30 255 30 30 200 255 200 200 200 255' \
      "$(colours uyvy.mkv 4)"
  fi
}
bars() { # FILE: ten-bit luma in the middle of four bars
  ffmpeg -v error -i "$1" -vf 'extractplanes=y,crop=iw:1:0:ih/2' -frames:v 1 -pix_fmt gray10le -f rawvideo - |
    od -An -v -tu2 -w2 | awk '{ at[NR] = $1 } END { for (i = 0; i < 4; i++) print at[int((i + .5) * NR / 4) + 1] }' |
    paste -sd ' '
}

# ---- 02: RGB

test_rgb() {
  local file codec
  for file in 02-rgb-png.mov 02-rgb-x264.mkv; do
    have "$file" || continue
    run "$cases/$file" rgb.mp4 crf=4
    near "$file: the colours that a player shows" "$(colours "$cases/$file" 4)" "$(colours rgb.mp4 4)"
    same "$file: and tags that are true" 'yuv420p tv smpte170m' "$(probe rgb.mp4 stream=pix_fmt,color_range,color_space)"
  done
  make_patches rgb.mkv -c:v ffv1
  rgb=$(colours rgb.mkv 8)
  near 'the patches are what they are to be' \
    '200 30 30 255 30 200 30 255 30 30 200 255 255 255 255 255 0 0 0 255 128 128 128 255 64 32 16 255 240 224 192 255' \
    "$rgb" 1
  same 'and nothing else' 8 "$(ffmpeg -v error -i rgb.mkv -frames:v 1 -f rawvideo -pix_fmt rgb24 - |
    od -An -v -tu1 -w3 | sort -u | wc -l)"
  for codec in h264 hevc vp9 av1; do
    run rgb.mkv "$codec.mkv" codec=$codec crf=4
    near "RGB as $codec: black is 0 and white 255" "$rgb" "$(colours $codec.mkv 8)"
  done
  ffmpeg -v error -i rgb.mkv -vf scale=1280:720:flags=neighbor -frames:v 1 -c:v ffv1 hd.mkv
  run hd.mkv hd.mp4 crf=4
  near 'a large RGB picture' "$(colours hd.mkv 8)" "$(colours hd.mp4 8)"
  same 'is made BT.709' 'tv bt709' "$(probe hd.mp4 $tags)"
  run rgb.mkv asked.mkv crf=4 pixel-format=yuv444p
  same 'pixel-format= chooses the format for RGB' yuv444p "$(probe asked.mkv stream=pix_fmt)"
  near 'and the colours stay' "$rgb" "$(colours asked.mkv 8)"
  run rgb.mkv asked.mkv crf=4 codec=hevc pixel-format=gbrp
  same 'also RGB itself' gbrp "$(probe asked.mkv stream=pix_fmt)"
  near 'whose colours stay' "$rgb" "$(colours asked.mkv 8)"
  run rgb.mkv asked.mkv crf=4 pixel-format=yuvj420p
  same 'and full range' pc "$(probe asked.mkv stream=color_range)"
  near 'whose colours stay, too' "$rgb" "$(colours asked.mkv 8)"
  fails 'a format that the encoder does not take' 'takes yuv420p' "$program" rgb.mkv a.mkv pixel-format=rgb565le
  fails 'no format at all' 'pixel-format' "$program" rgb.mkv a.mkv pixel-format=mauve
}

# ---- 05: pixel formats

test_cases_of_formats() {
  local file
  for file in 05-pal8.avi 05-rgb565.avi 05-gray10.mkv 05-yuv440.webm; do
    have "$file" || continue
    run "$cases/$file" format.mkv codec=ffv1
    ok $? "$file is taken"
    near "$file: its colours stay" "$(grid "$cases/$file")" "$(grid format.mkv)" 5
  done
}

# Every pixel format that these codecs of FFmpeg's store: planar, half-planar and packed ones of all
# depths, palettes, bits, big-endian ones, floats, with alpha and without.
test_all_formats() {
  local codec format name refused='' wrong='' want bound tried=' ' n=0
  for codec in ffv1 ffvhuff png tiff qtrle zmbv jpeg2000 dpx exr libvpx-vp9 mjpeg rawvideo; do
    for format in $(ffmpeg -v quiet -h encoder=$codec | sed -n 's/.*Supported pixel formats: //p') \
      $([ $codec = rawvideo ] && echo yuyv422 uyvy422 yvyu422 nv12 nv21 bgr24 rgb0 abgr 0rgb rgb444le bgr555le); do
      [[ $tried == *" $format "* ]] && continue
      name=raw.mkv
      [ $codec = rawvideo ] && name=raw.nut
      [ $codec = qtrle ] && name=raw.mov # from Matroska, FFmpeg 9 does not read its depth
      # Float gray is made with full range and tagged so: by default FFmpeg 7.1 makes the other range
      # without a tag. The palette is FFmpeg's of 256 colours, or the picture's own.
      patches_end=
      [ "$format" = grayf32le ] && patches_end=,format=gray,format=grayf32le,setparams=range=pc
      make_patches $name -frames:v 1 -strict experimental -c:v $codec -pix_fmt "$format" 2>/dev/null || continue
      [ "$(probe $name stream=pix_fmt)" = "$format" ] || continue
      tried+="$format "
      n=$((n + 1))
      want=$(colours $name 8)
      bound=2
      [[ $format == pal8 || $format == mono* ]] && bound=5 # FFmpeg's dither is enlarged too
      if ! run $name format.mkv codec=ffv1; then
        refused+=" $format"
      elif [ "$(apart "$want" "$(colours format.mkv 8)")" -gt "$bound" ]; then
        wrong+=" $format"
      fi
    done
  done
  same 'every pixel format is taken' none "none$refused"
  same 'with the colours that it has' none "none$wrong"
  [ "$n" -ge 70 ]
  ok $? "$n formats were tried"
  patches_end=
}

# 1 is white in a file without a range, as in the programs that write such files.
test_float_gray() {
  make_patches gray.mkv -frames:v 1 -c:v ffv1 -pix_fmt gray
  ffmpeg -v error -i gray.mkv -vf format=gray,format=grayf32le -c:v exr float.exr
  run float.exr float.mkv codec=ffv1
  same 'gray of floats becomes 16 bits' gray16le "$(probe float.mkv stream=pix_fmt)"
  near 'from black to white' "$(colours gray.mkv 8)" "$(colours float.mkv 8)"
}

test_depth_is_kept() {
  local format
  for format in gray10le yuv440p yuv444p12le gbrp10le yuv411p yuv420p14le ya8; do
    make_patches raw.mkv -frames:v 1 -c:v ffv1 -pix_fmt $format
    run raw.mkv depth.mkv codec=ffv1
    same "$format does not change" $format "$(probe depth.mkv stream=pix_fmt)"
  done
}

# ---- 05: transparency

# Alpha falls from left to right.
test_alpha() {
  local file decoder
  for file in 05-prores4444.mov 05-alpha.webm 05-rgba-png.mov; do
    have "$file" || continue
    decoder=()
    [ "$file" = 05-alpha.webm ] && decoder=(-c:v libvpx-vp9)
    for out in a.webm a.mkv:codec=ffv1 a.mov:codec=prores a.mov:codec=png; do
      local name=${out%%:*} option=() decoder_of=()
      [ "$name" = "$out" ] || option=("${out#*:}")
      [ "$name" != a.webm ] || decoder_of=(-c:v libvpx-vp9)
      run "$cases/$file" "$name" crf=4 "${option[@]}"
      # Only the transparency: colours of transparent pixels may differ.
      near "$file: transparency in $out" "$(alpha "$cases/$file" "${decoder[@]}")" \
        "$(alpha "$name" "${decoder_of[@]}")"
    done
    run "$cases/$file" opaque.mkv
    ok $? "$file is also encoded in h264"
    says 'with a line' 'the transparency is lost'
    same 'and no tag that claims it' none "none$(probe opaque.mkv stream_tags=alpha_mode)"
  done
}
alpha() { # FILE [OPTIONS]
  local file=$1
  shift
  ffmpeg -v error "$@" -i "$file" -vf 'format=rgba,scale=6:1:flags=area+accurate_rnd+full_chroma_int+full_chroma_inp' -frames:v 3 -f rawvideo - |
    od -An -v -tu1 -w4 | awk '{ print $4 }' | paste -sd ' '
}

# ---- other encoders

test_encoders() {
  make_patches rgb.mkv -c:v ffv1
  rgb=$(colours rgb.mkv 8)
  run rgb.mkv master.mov codec=prores
  same 'ProRes without transparency is 422 HQ' 'prores HQ yuv422p10le' \
    "$(probe master.mov stream=codec_name,profile,pix_fmt)"
  near 'its colours' "$rgb" "$(colours master.mov 8)"
  run rgb.mkv lossless.mkv codec=ffv1
  near 'FFV1 of RGB' "$rgb" "$(colours lossless.mkv 8)"
  run rgb.mkv named.mkv codec=mpeg4
  same "an encoder by FFmpeg's name" mpeg4 "$(probe named.mkv stream=codec_name)"
  near 'and its colours' "$rgb" "$(colours named.mkv 8)" 4
  run rgb.mkv named.mkv codec=mjpeg
  same 'JPEG is of full range' 'yuvj420p pc' "$(probe named.mkv stream=pix_fmt,color_range)"
  near 'with its colours' "$rgb" "$(colours named.mkv 8)" 4
  fails 'ProRes in a container without it' 'cannot hold prores' "$program" rgb.mkv a.mp4 codec=prores
  fails 'an encoder that is none' 'codec=aac' "$program" rgb.mkv a.mkv codec=aac
  if ! grep -q h264_vaapi <<<"$(ffmpeg -v quiet -encoders)"; then
    skip 'no device' 'this FFmpeg has no VA-API'
  elif [ -e /dev/dri/renderD128 ]; then
    run rgb.mkv vaapi.mkv codec=h264_vaapi
    near 'VA-API' "$rgb" "$(colours vaapi.mkv 8)"
  else
    fails 'an encoder without its device' 'no vaapi device' "$program" rgb.mkv a.mkv codec=h264_vaapi
  fi
}

# ---- 06: what changes in mid-stream

luma() { # FILE [FFMPEG'S OPTIONS]: all frames in a grid, as it would be shown
  local file=$1
  shift
  ffmpeg -v error -i "$file" -vf "$shown,format=rgb24,scale=4:2:flags=area+accurate_rnd+full_chroma_int+full_chroma_inp" -s 4x2 -pix_fmt rgb24 -fps_mode passthrough "$@" -f rawvideo - |
    od -An -v -tu1 -w1 | tr -d ' ' | paste -sd ' '
}
test_changes() {
  local first
  if have 06-range-pc-tv.h264; then
    run "$cases/06-range-pc-tv.h264" range.mkv crf=4
    ok $? '06: the range may change'
    says 'with a line' 'change on the way'
    same 'the first range stays' pc "$(probe range.mkv stream=color_range)"
    # It is one picture with two different tags; of FFmpeg's versions only 5.1 follows a change of range.
    first=$(luma "$cases/06-range-pc-tv.h264" -frames:v 1)
    near 'all frames look as they did' "$(for _ in {1..50}; do echo "$first"; done | paste -sd ' ')" "$(luma range.mkv)"
  fi
  if have 06-8bit-10bit.h264; then
    run "$cases/06-8bit-10bit.h264" depth.mkv crf=4
    ok $? '06: the depth may change'
    same 'to the first depth' 'yuv420p 50' "$(probe depth.mkv stream=pix_fmt) $(shape depth.mkv | cut -d, -f3)"
    near 'all frames look as they did' "$(luma "$cases/06-8bit-10bit.h264")" "$(luma depth.mkv)" 5
  fi
  # The same patches in one matrix and then in another.
  make_patches rgb.mkv -c:v ffv1
  rgb=$(colours rgb.mkv 8)
  for matrix in bt709 smpte170m; do
    ffmpeg -v error -i rgb.mkv -vf "$shown:out_color_matrix=$matrix:out_range=tv,format=yuv420p" \
      -c:v libx264 -qp 2 -preset ultrafast -colorspace $matrix -color_range tv $matrix.h264
  done
  cat bt709.h264 smpte170m.h264 >matrix.h264
  run matrix.h264 matrix.mkv crf=4
  ok $? 'the matrix may change'
  same 'the first one stays' bt709 "$(probe matrix.mkv stream=color_space)"
  near 'the first picture looks as it did' "$(colours bt709.h264 8)" "$(colours matrix.mkv 8 0)" 3
  near 'and the last, too' "$(colours smpte170m.h264 8)" "$(colours matrix.mkv 8 3)" 3
  test_primaries
}
# The same patches in BT.709, and then in the colours of BT.2020.
test_primaries() {
  local tags=stream=color_space,color_primaries,color_transfer
  ffmpeg -v error -i bt709.h264 -vf colorspace=iall=bt709:all=bt2020:fast=0 -c:v libx264 -qp 2 -preset ultrafast \
    -colorspace bt2020nc -color_primaries bt2020 -color_trc bt2020-10 -color_range tv bt2020.h264
  ffmpeg -v error -i bt709.h264 -c:v copy -bsf:v \
    h264_metadata=colour_primaries=1:transfer_characteristics=1:matrix_coefficients=1 tagged.h264
  cat tagged.h264 bt2020.h264 >primaries.h264
  run primaries.h264 primaries.mkv crf=4
  ok $? 'the primaries may change'
  same 'with a line, and no more' 1 "$(grep -c 'change on the way' err)"
  same 'the first ones stay' 'bt709 bt709 bt709' "$(probe primaries.mkv "$tags")"
  near 'the first picture looks as it did' "$(colours tagged.h264 8)" "$(colours primaries.mkv 8 0)" 3
  near 'and the last, which would not by another name' "$(colours tagged.h264 8)" "$(colours primaries.mkv 8 3)" 8
  ffmpeg -v error -i bt2020.h264 -c:v copy -bsf:v h264_metadata=transfer_characteristics=16 pq.h264
  cat tagged.h264 pq.h264 >transfer.h264
  run transfer.h264 transfer.mkv crf=4
  same 'a change to PQ is not an error' 0 $?
  says 'a message says that it is not followed' 'not followed'
}

# ---- 06: fields

test_fields() {
  if have 06-progressive-then-interlaced.ts; then
    run "$cases/06-progressive-then-interlaced.ts" fields.mkv
    ok $? '06: interlacing that begins in mid-stream is not an error'
    says 'with a line that names the option' 'deinterlace='
    same 'no frame is lost' "320,192,50" "$(shape fields.mkv)"
  fi
  have 06-still-interlaced.ts || return
  fails '06: fields from the beginning are refused' 'deinterlace=yes' "$program" "$cases/06-still-interlaced.ts" a.mkv
  run "$cases/06-still-interlaced.ts" still.mkv deinterlace=yes codec=ffv1 model=live-clean
  ok $? '06: deinterlace=yes'
  # It is still, so both fields belong together: the right result is the same as without deinterlacing.
  # (The first picture has none before it to compare with.)
  run "$cases/06-still-interlaced.ts" woven.mkv deinterlace=no codec=ffv1 model=live-clean
  ok $? '06: deinterlace=no'
  decibels=$(still still.mkv woven.mkv)
  at_least "$decibels" 40
  ok $? "06: a still picture keeps its lines ($decibels dB)"
  ffmpeg -v error -i "$cases/06-still-interlaced.ts" -vf yadif -c:v ffv1 yadif.mkv
  run yadif.mkv enlarged.mkv codec=ffv1 model=live-clean
  at_least "$(psnr still.mkv enlarged.mkv)" 60
  ok $? "06: as with FFmpeg's yadif"
  run "$cases/06-still-interlaced.ts" double.mkv deinterlace=double
  same '06: deinterlace=double makes a frame of each field' '704,576,20 50/1' \
    "$(shape double.mkv) $(probe double.mkv stream=avg_frame_rate)"
  same '06: at even distances' '0.02' "$(distances double.mkv)"
}
still() { # FILE FILE: the mean of the frames' decibels
  ffmpeg -v error -i "$1" -i "$2" -lavfi \
    "[0:v]settb=1/25,setpts=N,format=gray[a];[1:v]settb=1/25,setpts=N,format=gray[b];[a][b]psnr=shortest=1:stats_file=frames.log" \
    -f null - && sed 's/.*psnr_y:\([0-9.]*\).*/\1/' frames.log | awk '{ sum += $1 } END { print sum / NR }'
}
distances() { # FILE: between pictures, in seconds, each once
  ffprobe -v error -select_streams v:0 -show_entries packet=pts_time -of csv=p=0 "$1" | tr -d , | sort -n |
    awk 'NR > 1 { printf "%.2f\n", $1 - last } { last = $1 }' | sort -u | paste -sd ' '
}

# For each frame of the second file, which frame of the first has the most similar luma.
which() { # FILE FILE
  ffmpeg -v error -y -i "$1" -pix_fmt gray -f rawvideo one.raw
  ffmpeg -v error -y -i "$2" -vf scale=160:96 -pix_fmt gray -f rawvideo two.raw
  python3 -c '
import array
def frames(name):
    data = open(name, "rb").read()
    return [data[i:i + 15360:7] for i in range(0, len(data), 15360)]
one = frames("one.raw")
for frame in frames("two.raw"):
    print(min(range(len(one)), key=lambda i: sum((a - b) ** 2 for a, b in zip(one[i], frame))), end=" ")'
}
# Film of 24 frames a second telecined to 30, and back. The whole picture moves, because FFmpeg's pullup
# mistakes frames of a mostly still picture for the one before. FFmpeg's telecine does not tag which
# field of each frame is first, and what encoders do then depends on their version.
test_pullup() {
  ffmpeg -v error -f lavfi -i testsrc2=s=160x96:r=24000/1001:d=2,scroll=h=0.05 -c:v ffv1 film.mkv
  ffmpeg -v error -i film.mkv -vf telecine=pattern=23,setfield=tff -c:v mpeg2video -q:v 2 -flags +ilme+ildct telecine.ts
  run telecine.ts film2.mkv deinterlace=pullup codec=ffv1
  ok $? 'deinterlace=pullup'
  same 'makes 24 frames a second of 30' '24000/1001' "$(probe film2.mkv stream=avg_frame_rate)"
  same 'all of them, each in its place' "$(seq -s ' ' 0 47) " "$(which film.mkv film2.mkv)"
  same 'at even distances' 0.04 "$(distances film2.mkv)"
  same 'from the very start' 0.000000 "$(probe film2.mkv packet=pts_time | awk '{ printf "%.6f", $1 }')"
  # Its length is not a multiple of five frames, and it begins elsewhere in the pattern.
  ffmpeg -v error -i film.mkv -vf telecine=pattern=32 -frames:v 59 -c:v ffv1 short.mkv
  run short.mkv short2.mkv deinterlace=pullup codec=ffv1
  same 'and of a film with another pattern, cut off' "$(seq -s ' ' 0 46) " "$(which film.mkv short2.mkv)"
}

# ---- 07: side data of pictures

side_data() { # FILE NAME: how many frames have it
  ffprobe -v error -select_streams v:0 -show_frames "$1" 2>/dev/null | grep -c "side_data_type=$2"
}
captions() { # FILE: a checksum of texts and times
  ffmpeg -v error -f lavfi -i "movie=$1[out0+subcc]" -map 0:1 -c copy -f framemd5 - | grep -v '^#' | md5sum
}
test_side_data() {
  local codec file
  if have 07-captions.mp4; then
    for codec in h264 hevc; do
      run "$cases/07-captions.mp4" captions.mp4 codec=$codec
      same "07: captions of all frames with $codec" 25 "$(side_data captions.mp4 'ATSC A53')"
      same "07: captions say the same with $codec" "$(captions "$cases/07-captions.mp4")" "$(captions captions.mp4)"
    done
    for codec in vp9 av1; do
      run "$cases/07-captions.mp4" captions.mkv codec=$codec
      says "07: a line with $codec" 'closed captions in the video are lost'
    done
  fi
  if have 07-hdr10plus.mp4; then
    run "$cases/07-hdr10plus.mp4" plus.mp4 codec=hevc
    same '07: HDR10+ of all frames' "$(plus "$cases/07-hdr10plus.mp4")" "$(plus plus.mp4)"
    run "$cases/07-hdr10plus.mp4" plus.mkv codec=h264
    says '07: a line where it is lost' 'HDR10+ is lost'
  fi
  if have 07-dolby-vision-profile5.mp4; then
    run "$cases/07-dolby-vision-profile5.mp4" dolby.mp4 codec=hevc
    says '07: Dolby Vision is warned of' 'Dolby Vision decoder'
  fi
}
plus() { # FILE: all HDR10+ values
  ffprobe -v error -select_streams v:0 -show_frames "$1" |
    sed -n '/2094-40/,/SIDE_DATA\]/p'
}

test_told_colours
test_rgb
test_cases_of_formats
test_all_formats
test_float_gray
test_depth_is_kept
test_alpha
test_encoders
test_changes
test_fields
test_pullup
test_side_data
echo "1..$count"
