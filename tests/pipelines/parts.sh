#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Jobs in parts: stopped in all ways and resumed, planned, made part by part, joined; the result must
# equal that of one run. Prints TAP. $RFDN_BUILD is the build.
set -uo pipefail
# shellcheck source=tests/pipelines/common.sh
. "$(dirname "$0")/common.sh"

program=$RFDN_BUILD/pipelines/rfdn-transcode
options=(model=live-clean preset=ultrafast)
for tool in ffmpeg ffprobe timeout; do
  command -v "$tool" >/dev/null || skip_all "there is no $tool"
done
[ -x "$program" ] || skip_all "$program was not built"

# Pictures and times of all tracks.
content() { # FILE
  ffmpeg -v error -i "$1" -map 0 -f framemd5 - 2>&1 | grep -v '^#'
  ffprobe -v error -show_entries packet=stream_index,pts,dts,duration,size,flags -of csv "$1"
}
# A checksum that does not depend on how the packets of tracks are interleaved.
sum() { # FILE
  content "$1" | sort | md5sum
}
pictures() { # FILE: the decoded pictures and their times
  ffmpeg -v error -i "$1" -map 0:v -f framemd5 - 2>&1 | grep -v '^#' | md5sum
}
times() { # FILE
  ffprobe -v error -select_streams v:0 -show_entries packet=pts_time -of csv=p=0 "$1" | tr -d , | sort -n | md5sum
}
run() { # IN OUT...
  timeout 100 "$program" "$@" "${options[@]}" >out 2>err
}
parts_of() { # OUT: how many are finished
  find "$1.parts" -name '[0-9]*.json' 2>/dev/null | wc -l
}
# Waits until OUT has as many finished parts.
wait_for_parts() { # OUT N
  for _ in {1..600}; do
    [ "$(parts_of "$1")" -lt "$2" ] || return 0
    sleep 0.05
  done
  return 1
}

# Open groups of pictures, B-frames, and a variable frame rate.
ffmpeg -v error -f lavfi -i testsrc=s=96x64:r=15:d=8 -f lavfi -i sine=d=8 \
  -vf "select=not(eq(mod(n\,7)\,3))" -fps_mode vfr -c:v libx264 -preset ultrafast -bf 2 \
  -x264-params open-gop=1:keyint=11 -c:a aac -shortest clip.mkv || skip_all 'ffmpeg makes no clip'

# ---- the same as without parts

test_same_as_whole() {
  run clip.mkv whole.mkv part-length=0 codec=ffv1
  ok $? 'in one piece'
  run clip.mkv inparts.mkv part-length=1 codec=ffv1
  ok $? 'in parts of a second'
  same 'its pictures and times are those of one piece, bit for bit' "$(pictures whole.mkv)" "$(pictures inparts.mkv)"
  [ ! -e inparts.mkv.parts ]
  ok $? 'the parts are removed in the end'
  run clip.mkv planned.mkv --plan 7 codec=ffv1
  same 'a plan says how many parts there are' 7 "$(cat out)"
  local part status=0
  for part in 5 0 6 3 1 4 2; do
    timeout 60 "$program" clip.mkv planned.mkv --part $part >out 2>err || status=1
  done
  ok $status 'each part is made by a run of its own, in any order'
  timeout 60 "$program" clip.mkv planned.mkv --join >out 2>err
  ok $? 'and joined'
  same 'parts made apart are those of one piece, bit for bit' "$(pictures whole.mkv)" "$(pictures planned.mkv)"
  same 'the sound too' "$(ffmpeg -v error -i whole.mkv -map 0:a -c copy -f md5 -)" \
    "$(ffmpeg -v error -i planned.mkv -map 0:a -c copy -f md5 -)"
}

# Input without packets of a film is not made in parts, whatever OUT is called.
test_no_film() {
  run clip.mkv animated.mkv format=gif part-length=1
  same 'format=gif is done in one piece' 'gif gif' \
    "$(ffprobe -v error -show_entries format=format_name:stream=codec_name -of csv=p=0 animated.mkv | paste -sd ' ')"
}

# Beginnings and ends of films, in other containers and with reordered frames.
test_containers() {
  local name
  for name in b.mp4 b.mov b.mkv b.ts; do
    timeout 100 "$program" clip.mkv $name model=live-clean preset=veryfast part-length=3 >out 2>err
    ok $? "reordered frames in parts: $name"
    # Matroska stores none, so readers guess them.
    [ $name != b.mkv ] || continue
    ffprobe -v error -select_streams v -show_entries packet=dts -of csv=p=0 $name | tr -d , | grep . | sort -nuc
    ok $? "$name: decoding times grow"
  done
  same 'the times are those of the clip' "$(times clip.mkv)" "$(times b.mkv)"
  ffmpeg -v error -i clip.mkv -c copy raw.h264
  run raw.h264 raw.mkv part-length=0 codec=ffv1
  run raw.h264 raws.mkv --plan 4 codec=ffv1
  for name in 0 1 2 3; do timeout 60 "$program" raw.h264 raws.mkv --part $name >out 2>err; done
  timeout 60 "$program" raw.h264 raws.mkv --join >out 2>err
  same 'a file without timestamps' "$(pictures raw.mkv)" "$(pictures raws.mkv)"
  # Pictures made of fields depend on their neighbours.
  ffmpeg -v error -f lavfi -i testsrc=s=96x64:r=30:d=4 -vf tinterlace=interleave_top,setfield=tff -c:v libx264 \
    -preset ultrafast -flags +ildct+ilme -g 10 fields.mkv
  run fields.mkv field.mkv part-length=0 codec=ffv1 deinterlace=double
  run fields.mkv fieldss.mkv --plan 3 codec=ffv1 deinterlace=double
  for name in 1 2 0; do timeout 60 "$program" fields.mkv fieldss.mkv --part $name >out 2>err; done
  timeout 60 "$program" fields.mkv fieldss.mkv --join >out 2>err
  same 'fields' "$(pictures field.mkv)" "$(pictures fieldss.mkv)"
  # Timestamps that restart in the middle: a part cannot be found by its time.
  ffmpeg -v error -i clip.mkv -t 4 -c copy one.ts
  cat one.ts one.ts >joined.ts
  run joined.ts joined.mkv part-length=0 codec=ffv1
  run joined.ts joineds.mkv --plan 4 codec=ffv1
  for name in 3 2 1 0; do timeout 60 "$program" joined.ts joineds.mkv --part $name >out 2>err; done
  timeout 60 "$program" joined.ts joineds.mkv --join >out 2>err
  same 'timestamps that restart' "$(pictures joined.mkv)" "$(pictures joineds.mkv)"
}

# ---- stopped and resumed

test_killed() {
  local kills=0 rounds=0 bad=0 wanted pid status
  run clip.mkv once.mkv part-length=1
  ok $? 'one run'
  wanted=$(sum once.mkv)
  RANDOM=15
  while [ "$kills" -lt 20 ] && [ "$rounds" -lt 200 ]; do
    rounds=$((rounds + 1))
    "$program" clip.mkv killed.mkv --resume part-length=1 "${options[@]}" >out 2>err &
    pid=$!
    sleep "$(awk -v r=$RANDOM 'BEGIN { print 0.1 + 2.2 * r / 32768 }')"
    kill -KILL $pid 2>/dev/null
    wait $pid 2>/dev/null
    status=$?
    [ "$status" -ne 137 ] || kills=$((kills + 1))
    if [ -e killed.mkv ]; then
      [ "$(sum killed.mkv)" = "$wanted" ] || bad=$((bad + 1))
      rm killed.mkv
    elif [ "$status" -ne 137 ]; then
      bad=$((bad + 1))
    fi
  done
  run clip.mkv killed.mkv --resume part-length=1
  ok $? "resumed after the last of $kills kills"
  same 'killed at 20 random moments: the packets are those of one run' "20, $wanted 0" \
    "$kills, $(sum killed.mkv) $bad"
  [ ! -e killed.mkv.parts ]
  ok $? 'nothing is left beside it'
}

test_signals() {
  local pid wanted
  wanted=$(sum once.mkv)
  "$program" clip.mkv term.mkv part-length=1 "${options[@]}" >out 2>err &
  pid=$!
  wait_for_parts term.mkv 2
  kill -TERM $pid
  wait $pid
  same 'SIGTERM: status 75' 75 $?
  grep -q -- '--resume' err && [ ! -e term.mkv ] && [ "$(parts_of term.mkv)" -ge 2 ]
  ok $? 'it says how to go on'
  [ -z "$(find term.mkv.parts -name '.making*')" ]
  ok $? 'and leaves no half part'
  fails 'without --resume finished parts are not thrown away' '--resume goes on' \
    "$program" clip.mkv term.mkv part-length=1 "${options[@]}"
  fails 'resumed with another option' 'crf=30' \
    "$program" clip.mkv term.mkv part-length=1 "${options[@]}" crf=30 --resume
  cp clip.mkv other.mkv
  printf x | dd of=other.mkv bs=1 seek=3000 conv=notrunc status=none
  fails 'resumed with another input' 'input: ' "$program" other.mkv term.mkv --resume
  timeout 100 "$program" clip.mkv term.mkv --resume >out 2>err
  same 'resumed, with the options that it was begun with' "$wanted" "$(sum term.mkv)"
  grep -q 'are there already' err
  ok $? 'finished parts are not made again'

  "$program" clip.mkv int.mkv part-length=1 "${options[@]}" >out 2>err &
  pid=$!
  wait_for_parts int.mkv 1
  # A shell starts background jobs with SIGINT ignored; the program must handle it anyway.
  kill -INT $pid
  wait $pid
  same 'SIGINT ends it at once' 130 $?
  grep -q -- '--resume' err && [ "$(parts_of int.mkv)" -ge 1 ]
  ok $? 'keeps finished parts, and says how to go on'
  run clip.mkv int.mkv --resume part-length=1
  same 'resumed after SIGINT' "$wanted" "$(sum int.mkv)"
}

# ---- bad parts

test_refused() {
  local part
  run clip.mkv farm.mkv --plan 5
  for part in 0 1 3 4; do timeout 60 "$program" clip.mkv farm.mkv --part $part >out 2>err; done
  fails 'a part is missing' 'part 2 is missing' "$program" clip.mkv farm.mkv --join
  [ ! -e farm.mkv ] && [ ! -e .farm.mkv.part ]
  ok $? 'nothing is written then'
  timeout 60 "$program" clip.mkv far.mkv --plan 5 model=live preset=ultrafast >out 2>err
  timeout 60 "$program" clip.mkv far.mkv --part 2 >out 2>err
  cp far.mkv.parts/00002.* farm.mkv.parts/
  fails 'a part of another model' 'model=live ' "$program" clip.mkv farm.mkv --join
  SLURM_ARRAY_TASK_ID=2 timeout 60 "$program" clip.mkv farm.mkv --part auto >out 2>err
  ok $? 'it is made again; Slurm says which'
  printf x | dd of=farm.mkv.parts/00003.nut bs=1 seek=2000 conv=notrunc status=none
  fails 'a part is damaged' 'part 3 is damaged' "$program" clip.mkv farm.mkv --join
  PARALLEL_SEQ=4 timeout 60 "$program" clip.mkv farm.mkv --part auto >out 2>err
  ok $? 'it is made again; GNU parallel, which counts from 1, says which'
  timeout 60 "$program" clip.mkv farm.mkv --part 3 >out 2>err
  grep -q 'is already complete' err
  ok $? 'a part that is whole is left alone'
  fails 'there is no such part' 'counted from 0' "$program" clip.mkv farm.mkv --part 5
  fails 'no engine says which' 'neither Slurm' "$program" clip.mkv farm.mkv --part auto
  timeout 60 "$program" clip.mkv farm.mkv --join >out 2>err
  same 'joined in the end' "$(times clip.mkv)" "$(times farm.mkv)"
  fails 'there is no plan' 'no such plan' "$program" clip.mkv nothing.mkv --part 0
}

test_same_as_whole
test_no_film
test_containers
test_killed
test_signals
test_refused
echo "1..$count"
