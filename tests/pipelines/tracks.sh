#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# How rfdn-transcode treats timestamps and the other tracks. Prints TAP. $RFDN_BUILD is the build,
# $RFDN_SHARED the folder with media/ and cases/, which are not part of the project.
set -uo pipefail
# shellcheck source=tests/pipelines/common.sh
. "$(dirname "$0")/common.sh"

program=$RFDN_BUILD/pipelines/rfdn-transcode
cases=$RFDN_SHARED/cases
kept=$scripts/../tests/pipelines/kept.py

for tool in ffmpeg ffprobe timeout python3; do
  command -v "$tool" >/dev/null || skip_all "there is no $tool"
done
[ -x "$program" ] || skip_all "$program was not built"

run() { # NAME IN OUT [key=value ...]
  local name=$1 status=0
  shift
  rm -f "$2"
  timeout 100 "$program" "$@" preset=ultrafast model=live-clean >out 2>err || status=1
  ok "$status" "$name"
}
says() { # NAME PATTERN
  local status=0
  grep -qe "$2" err || status=1
  ok "$status" "$1"
}
silent() { # NAME PATTERN: no line matches
  local status=0
  grep -qe "$2" err && status=1
  ok "$status" "$1"
}
case_of() { # FILE NAME: sets $case, or skips the test, saying why
  case=$cases/$1
  [ -f "$case" ] && return 0
  skip "$2" "$case is not there"
  return 1
}
make() { # FFMPEG ARGUMENTS...
  ffmpeg -v error -nostdin -y "$@"
}
# Entries of a track, or of the file.
entries() { # FILE TRACK ENTRIES
  ffprobe -v error -select_streams "$2" -show_entries "$3" -of default=nw=1:nk=1 "$1" 2>/dev/null |
    paste -sd ' '
}
times() { # FILE TRACK
  ffprobe -v error -select_streams "$2" -show_entries packet=pts_time -of csv=p=0 "$1" 2>/dev/null |
    tr -d , | grep . | sort -n
}
# A histogram of the distances between packets, in steps of 5 ms.
distances() { # FILE TRACK
  times "$1" "$2" | awk 'NR > 1 { d[int(($1 - last) * 200 + 0.5) * 5]++ } { last = $1 }
    END { for (i in d) printf "%d ms: %d\n", i, d[i] }' | sort -n | paste -sd ' '
}
between() { # NAME LEAST VALUE MOST
  local status=0
  awk -v l="$2" -v v="${3:-x}" -v m="$4" 'BEGIN { exit !(v != "x" && v >= l && v <= m) }' || status=1
  [ "$status" -eq 0 ] || echo "# wanted: $2 to $4, got: ${3:-}"
  ok "$status" "$1"
}
first() { times "$1" "$2" | head -n 1; }
last() { times "$1" "$2" | tail -n 1; }
duration() { entries "$1" v format=duration; }
video=(-f lavfi -i 'testsrc=size=64x48:rate=25')
tone=(-f lavfi -i 'sine=frequency=440:sample_rate=48000')
x264=(-c:v libx264 -preset ultrafast -g 12)

# ---- time ---------------------------------------------------------------------------------------

test_start() {
  if case_of 03-starts-at-50000s.ts 'a late start'; then
    run 'a file that starts at 50000 s passes' "$case" start.mkv
    between 'a late start becomes 0' 0 "$(entries start.mkv v format=start_time)" 0.001
    between 'and the end comes after 2 s' 1.95 "$(duration start.mkv)" 2.1
    same 'sound and pictures lie as they did' 0.023 "$(first start.mkv v:0 | cut -c1-5)"
  fi
  # Chapters have the same offset, as in ffmpeg's copy.
  cat >chapters.txt <<'END'
;FFMETADATA1
[CHAPTER]
TIMEBASE=1/1000
START=100000
END=100400
title=one
[CHAPTER]
TIMEBASE=1/1000
START=100400
END=101000
title=two
END
  make -f lavfi -i testsrc=size=64x48:duration=1 -f lavfi -i sine=sample_rate=48000:duration=1 \
    -i chapters.txt -map 0 -map 1 -map_chapters 2 "${x264[@]}" -c:a aac -output_ts_offset 100 late.mkv
  run 'a film with chapters that starts at 100 s passes' late.mkv late-out.mkv
  between 'chapters begin with the film' 0 \
    "$(ffprobe -v error -show_chapters -of csv=p=0 late-out.mkv | head -n 1 | cut -d, -f4)" 0.03
  between 'and lie as they did' 0.39 \
    "$(ffprobe -v error -show_chapters -of csv=p=0 late-out.mkv | sed -n 2p | cut -d, -f4)" 0.43
  between 'the film begins at 0' 0 "$(entries late-out.mkv v format=start_time)" 0.001
}

joined() { # NAME FILE
  run "$1 passes" "$2" joined.mkv
  says "$1: a line says so" 'jumps by .*joined on'
  same "$1: every frame at even distances" '40 ms: 99' "$(distances joined.mkv v:0)"
  between "$1: 4 s in all" 3.95 "$(duration joined.mkv)" 4.05
}

test_joined() {
  local name
  for name in same-start back-100s; do
    case_of "03-joined-$name.ts" "joined programs ($name)" || continue
    joined "joined programs ($name)" "$case"
    # 71 packets of each program; both begin equally long after their pictures.
    between "joined programs ($name): sound in step" 3.95 "$(last joined.mkv a:0)" 4
  done
  # Sound arrives at the join before the pictures; still the pictures' distances must decide.
  make "${video[@]}" "${tone[@]}" -t 2 "${x264[@]}" -bf 0 -c:a mp2 -muxdelay 0 -muxpreload 0 \
    -pes_payload_size 0 one.ts
  make "${video[@]}" "${tone[@]}" -t 2 "${x264[@]}" -bf 0 -c:a mp2 -output_ts_offset 1000 \
    -muxdelay 0 -muxpreload 0 -pes_payload_size 0 two.ts
  cat two.ts one.ts >both.ts
  joined 'a join that the sound comes to first' both.ts
  # Both ways round: 1000 s ahead.
  cat one.ts two.ts >both.ts
  joined 'a join with a jump ahead' both.ts
  between 'a jump ahead: sound in step' 3.9 "$(last joined.mkv a:0)" 4
}

test_wrap() {
  # 2^33 / 90000 = 95443.718 s.
  make "${video[@]}" "${tone[@]}" -t 2 "${x264[@]}" -c:a mp2 -output_ts_offset 95442 wrap.ts
  run 'a clock that wraps passes' wrap.ts wrap.mkv
  same 'a wrap: every frame at even distances' '40 ms: 49' "$(distances wrap.mkv v:0)"
  between 'a wrap: 2 s in all' 1.95 "$(duration wrap.mkv)" 2.1
}

test_gaps() {
  # A pause of 15 s in the sound while pictures go on is not a jump of the clock.
  make -f lavfi -i testsrc=size=64x48:rate=2 "${tone[@]}" -t 20 -c:v libx264 -preset ultrafast -g 4 -c:a mp2 -af \
    "aselect='lt(t,2)+gte(t,17)'" gap.ts
  run 'a pause of the sound passes' gap.ts gap.mkv
  silent 'a pause is not reported as a jump' 'jumps'
  between 'what follows a pause is in step' 19.5 "$(last gap.mkv a:0)" 20.1
  # A pause in the pictures while the sound goes on.
  make -f lavfi -i testsrc=size=64x48:rate=2 "${tone[@]}" -t 20 -c:v libx264 -preset ultrafast -g 4 -c:a mp2 -vf \
    "select='lt(t,2)+gte(t,17)'" -fps_mode vfr gap.ts
  run 'a pause of the pictures passes' gap.ts gap.mkv
  silent 'that is no jump either' 'jumps'
  between 'pictures after a pause are in step' 19.3 "$(last gap.mkv v:0)" 20.1
}

test_growth() {
  if case_of 03-one-audio-packet-late.mkv 'a late packet'; then
    run 'a packet that comes late passes to mp4' "$case" late.mp4
    says 'and is counted in a line' '^track 1: the times of 1 packets were not monotonic'
    same 'no packet of it is lost' "$(times "$case" a:0 | wc -l)" "$(times late.mp4 a:0 | wc -l)"
    run 'the same passes to mkv' "$case" late.mkv
    silent 'where equal times are no fault' 'not monotonic'
  fi
}

test_frame_rate() {
  case_of 08-to-avi.mkv 'avi' || return
  run 'a film passes to avi' "$case" rate.avi
  same 'avi has the rate of the source' '24000/1001 24000/1001 24' \
    "$(entries rate.avi v:0 stream=r_frame_rate,avg_frame_rate,nb_frames)"
  # With a variable rate every frame keeps its own time.
  make "${video[@]}" -t 1 -vf "select='not(between(n,5,14))'" -fps_mode vfr "${x264[@]}" vary.mkv
  run 'a rate that varies passes to avi' vary.mkv vary.avi
  between 'and lasts as long' 0.95 "$(duration vary.avi)" 1.05
}

# ---- tracks -------------------------------------------------------------------------------------

codec() { entries "$1" "$2" stream=codec_name; }

test_sound() {
  local name
  for name in pcm flac; do
    case_of "04-$name.mkv" "$name to ts" || continue
    run "$name passes to ts" "$case" sound.ts
    # ffprobe lists tracks of ts twice: alone and in their program.
    same "$name is converted to a codec that ts players know" 'aac aac' "$(codec sound.ts a:0)"
    says "$name: a line says so" 'encoded as aac'
  done
  for name in truehd flac; do
    case_of "04-$name.mkv" "$name to mp4" || continue
    run "$name passes to mp4" "$case" sound.mp4
    if ffmpeg -v error -i "$case" -map 0:a -c copy -f mp4 -y copy.mp4 2>/dev/null; then
      same "$name is kept, for the muxer takes it" "$name" "$(codec sound.mp4 a:0)"
    else
      same "$name becomes AAC" aac "$(codec sound.mp4 a:0)"
      says "$name to mp4: a line says so" 'encoded as aac'
    fi
  done
  if case_of 04-opus.mkv 'opus to mov'; then
    run 'Opus passes to mov' "$case" sound.mov
    same 'and becomes AAC' aac "$(codec sound.mov a:0)"
    run 'Opus passes to mkv' "$case" opus.mkv
    same 'its priming stays before 0' "$(times "$case" a:0 | head -n 3)" "$(times opus.mkv a:0 | head -n 3)"
    same 'and the pictures where they were' "$(times "$case" v:0)" "$(times opus.mkv v:0)"
  fi
  # The number of channels changes midway.
  make "${video[@]}" -f lavfi -i sine=sample_rate=48000 -t 1 "${x264[@]}" -c:a ac3 -ac 2 one.ts
  make "${video[@]}" -f lavfi -i sine=sample_rate=48000 -t 1 "${x264[@]}" -c:a ac3 -ac 6 two.ts
  cat one.ts two.ts >both.ts
  run 'sound whose channels change passes' both.ts change.webm
  between 'and goes on after that' 1.9 "$(last change.webm a:0)" 2.1
}

test_sound_without_decoder() {
  make "${video[@]}" "${tone[@]}" -t 0.4 "${x264[@]}" -c:a aac plain.mp4
  # MPEG-H and AC-4; mp4 cannot hold the latter either.
  sed 's/mp4a/mhm1/;s/esds/none/' plain.mp4 >mpegh.mp4
  sed 's/mp4a/ac-4/;s/esds/none/' plain.mp4 >ac4.mp4
  run 'sound that cannot be decoded is not an error (mp4)' mpegh.mp4 undecoded.mp4
  [ -n "$(entries undecoded.mp4 a stream=index)" ] || grep -q '^track 1 (audio.*left out' err
  ok $? 'it is copied, or left out with a line'
  run 'sound that cannot be decoded is not an error (webm)' mpegh.mp4 undecoded.webm
  says 'sound that can be neither copied nor encoded is reported' '^track 1 (.*left out'
  run 'sound of an unknown codec is not an error' ac4.mp4 undecoded.mkv audio=aac
  says 'audio=aac: it is reported' '^track 1.* \(left out\|copied\)'
}

test_subtitles() {
  if case_of 04-mov_text.mp4 'mov_text'; then
    run 'mov_text passes to mp4' "$case" text.mp4
    same 'and is kept' mov_text "$(codec text.mp4 s:0)"
    silent 'without a line' 'track 1'
    run 'mov_text passes to mkv' "$case" text.mkv
    same 'as SRT' subrip "$(codec text.mkv s:0)"
    says 'a line says so' 'track 1: .*converted to subrip'
    same 'with its words' "$(make -i "$case" -map 0:s -f srt - | tr -d '\r')" \
      "$(make -i text.mkv -map 0:s -f srt - | tr -d '\r')"
    run 'mov_text passes to webm' "$case" text.webm
    same 'as WebVTT' webvtt "$(codec text.webm s:0)"
    run 'mov_text and ts' "$case" text.ts
    says 'a codec that ts cannot hold is reported' 'track 1 .*left out'
  fi
  printf '1\n00:00:00,100 --> 00:00:00,500\nfirst <i>line</i>\n\n2\n00:00:00,600 --> 00:00:00,900\nsecond\n' >a.srt
  make "${video[@]}" -i a.srt -map 0 -map 1 -map 1 -t 1 "${x264[@]}" -c:s:0 ass -c:s:1 srt \
    -metadata:s:s:0 language=ger -disposition:s:1 forced subs.mkv
  run 'ASS and SRT pass to mp4' subs.mkv subs.mp4
  same 'as two tracks of mov_text' 'mov_text mov_text' "$(codec subs.mp4 s)"
  same 'with their language' ger "$(entries subs.mp4 s:0 stream_tags=language)"
  same 'and their words' "$(make -i subs.mkv -map 0:s:0 -f srt - | sed 's/<[^>]*>//g')" \
    "$(make -i subs.mp4 -map 0:s:0 -f srt - | sed 's/<[^>]*>//g')"
}

test_cover() {
  if case_of 04-cover.mkv 'a cover'; then
    run 'a cover passes from mkv to mkv' "$case" cover.mkv
    same 'and stays one' 'mjpeg 1' "$(entries cover.mkv v:1 stream=codec_name:stream_disposition=attached_pic)"
    same 'the very picture' "$(make -i "$case" -map 0:v:1 -c copy -f md5 -)" \
      "$(make -i cover.mkv -map 0:v:1 -c copy -f md5 -)"
    run 'a cover passes from mkv to mp4' "$case" cover.mp4
    same 'and stays one in mp4' 'mjpeg 1' "$(entries cover.mp4 v:1 stream=codec_name:stream_disposition=attached_pic)"
    run 'a cover and mov' "$case" cover.mov
    says 'where it has no place, a line says so' 'track 1 (cover.*left out'
  fi
  if case_of 04-cover.mp4 'a cover of mp4'; then
    run 'a cover passes from mp4 to mkv' "$case" cover.mkv
    same 'and is an attached picture there' 'mjpeg 1' \
      "$(entries cover.mkv v:1 stream=codec_name:stream_disposition=attached_pic)"
    run 'a cover passes from mp4 to mp4' "$case" cover.mp4
    same 'and is a cover there' 'mjpeg 1' "$(entries cover.mp4 v:1 stream=codec_name:stream_disposition=attached_pic)"
  fi
}

test_attachments() {
  head -c 3000 /dev/urandom >font.ttf
  make "${video[@]}" -t 0.2 "${x264[@]}" -attach font.ttf -metadata:s:t mimetype=application/x-truetype-font font.mkv
  run 'an attachment passes to mkv' font.mkv font-out.mkv
  same 'with its name' 'font.ttf' "$(entries font-out.mkv t:0 stream_tags=filename)"
  ffmpeg -v quiet -y -dump_attachment:t:0 dumped.ttf -i font-out.mkv
  cmp -s font.ttf dumped.ttf
  ok $? 'and its bytes'
  run 'an attachment and mp4' font.mkv font.mp4
  says 'where it has no place, a line says so' 'track 1 (attachment.*left out'
}

test_statistics() {
  case_of 04-statistics.mkv 'statistics' || return
  run 'stale statistics pass' "$case" stat.mkv
  same 'and are gone' none "none$(entries stat.mkv v:0 stream_tags=BPS,NUMBER_OF_BYTES,ENCODER)"
}

test_poster() {
  make -f lavfi -i color=red:size=640x480 -frames:v 1 -c:v libx264 poster.mp4
  make -i poster.mp4 "${video[@]}" -map 0 -map 1 -t 1 -c:v:0 copy -c:v:1 libx264 -disposition:v:0 default \
    -disposition:v:1 0 poster.mkv
  run 'a poster that is flagged default passes' poster.mkv poster-out.mkv
  same 'the film was enlarged' '128 96 25' \
    "$(ffprobe -v error -count_packets -select_streams v:1 -show_entries stream=width,height,nb_read_packets -of csv=p=0 poster-out.mkv | tr , ' ')"
  same 'and the poster is as it was' '640 480' "$(entries poster-out.mkv v:0 stream=width,height)"
  says 'a line says so' '^track 0 (video.*copied as it is'
}

test_late_track() {
  make -f lavfi -i testsrc=size=64x48:rate=1 -t 100 "${x264[@]}" -muxrate 1M one.ts
  make -f lavfi -i testsrc=size=64x48:rate=1 "${tone[@]}" -t 3 "${x264[@]}" -c:a mp2 two.ts
  cat one.ts two.ts >both.ts
  run 'a track that appears midway is not an error' both.ts both.mkv
  says 'a line reports it' 'track 1 (audio.*the beginning of the file tells neither'
  # From a pipe, whose end cannot be read in advance.
  run 'nor is one that could not be known in advance' <(cat both.ts) both.mkv
  says 'a line reports it, too' 'track 1 (audio.*shows up only at'
}

# ---- all together -------------------------------------------------------------------------------

# For every clip, whether OUT has everything that a copy by ffmpeg has.
test_kept() {
  local clip name extension out settings
  for clip in "$media"/* "$cases"/0[1-8]*; do
    [ -f "$clip" ] || continue
    name=$(basename "$clip")
    extension=${name##*.}
    settings=(frames=3)
    case $name in
    *.h264 | *.y4m) extension=mkv ;;
    CORRUPT*) continue ;; # nothing to decode
    esac
    case $name in
    INTERLACED* | *interlaced*) settings+=(deinterlace=yes) ;;
    [0-9]*) settings=() ;; # short: whole
    esac
    case $name in
    *.webm) settings+=(codec=vp9) ;;
    esac
    if ! ffmpeg -v quiet -nostdin -y -i "$clip" -map 0 -c copy "copy.$extension" ||
      [ ! -s "copy.$extension" ]; then
      # ffmpeg refuses this clip: compare with the clip itself.
      cp "$clip" "copy.$extension"
    fi
    out=ours.$extension
    rm -f "$out"
    # shellcheck disable=SC2094  # out is not $out
    timeout 100 "$program" "$clip" "$out" preset=ultrafast model=live-clean "${settings[@]}" >out 2>err
    python3 "$kept" "$clip" "copy.$extension" "$out" err >lost
    same "nothing of $name is lost" 'lost:' "lost:$(cat lost)"
  done
}

# Bitmap subtitles: begin and end of each in seconds.
boxes() { # FILE
  ffprobe -v error -select_streams s -show_frames "$1" 2>/dev/null | python3 -c '
import sys
shown, events = None, []
for frame in sys.stdin.read().split("[/SUBTITLE]")[:-1]:
    value = dict(line.split("=", 1) for line in frame.splitlines() if "=" in line)
    at = float(value["pts_time"])
    if shown is not None:
        events[-1][1] = min(events[-1][1], at)
    shown = int(value["num_rects"]) > 0 or None
    if shown:
        events.append([at, at + int(value["end_display_time"]) / 1000])
print(*("%.1f-%.1f" % (a, min(b, 9)) for a, b in events))'
}
# Checks the brightness of each box at its place and time, and that it is gone later; prints "yes" if right.
seen() { # FILE
  local look time w h x y want got
  for look in 0.4:60:10:40:15:255 1.2:80:20:110:65:76 1.8:40:10:50:103:150 0.8:60:10:40:15:0; do
    IFS=: read -r time w h x y want <<<"$look"
    got=$(timeout 30 ffmpeg -nostdin -v error -i "$1" -filter_complex \
      "[0:v]scale=320:240[v];[0:s]scale=320:240[s];[v][s]overlay,crop=$w:$h:$x:$y,scale=1:1:flags=area,format=gray" \
      -t 2 -f rawvideo seen.raw -y && od -An -v -tu1 -j "$(awk "BEGIN { print int($time * 25) }")" -N 1 seen.raw)
    [ "${got:-1000}" -ge $((want - 4)) ] && [ "${got:-1000}" -le $((want + 4)) ] && got=yes
    echo "$got"
  done | paste -sd ' '
}
test_picture_subtitles() {
  local kind
  python3 "$scripts/../tests/pipelines/pgs.py" boxes.sup 320 240
  make -f lavfi -i color=black:size=320x240:rate=25 -itsoffset 0.2 -i boxes.sup -map 0 -map 1 -t 2 -c:v libx264 \
    -preset ultrafast -c:s copy boxes.mkv
  run 'PGS stays PGS in mkv' boxes.mkv boxes2.mkv
  same 'packet for packet' "$(times boxes.mkv s)" "$(times boxes2.mkv s)"
  run 'and in m2ts, which holds no other' boxes.mkv boxes.m2ts
  same 'as it was' hdmv_pgs_subtitle "$(entries boxes.m2ts s stream=codec_name | cut -d ' ' -f 1)"
  run 'PGS in mp4' boxes.mkv boxes.mp4
  says 'a line says what it became' 'track 1: mp4 cannot hold hdmv_pgs_subtitle subtitles, they are converted to dvd_subtitle'
  same 'each is shown when it was' '0.2-0.6 1.0-1.4 1.6-6.6' "$(boxes boxes.mp4)"
  run 'PGS in ts' boxes.mkv boxes.ts
  says 'a line says what it became' 'converted to dvb_subtitle'
  run 'DVB in mkv' boxes.ts dvb.mkv
  same 'is kept' dvb_subtitle "$(entries dvb.mkv s stream=codec_name)"
  run 'DVD in ts' boxes.mp4 dvd.ts
  same 'is converted' dvb_subtitle "$(entries dvd.ts s stream=codec_name | cut -d ' ' -f 1)"
  run 'DVB in m2ts' boxes.ts dvb.m2ts
  says 'has no place, and a line says so' 'is left out: m2ts holds no subtitles but those of Blu-ray'
  for kind in mov avi webm; do
    run "PGS in $kind" boxes.mkv "boxes.$kind"
    says 'has no place, and a line says so' "track 1 .* is left out: $kind holds no subtitles that are pictures"
  done
  same 'the test recognises the boxes' 'yes yes yes yes' "$(seen boxes.mkv)"
  for kind in mp4 ts; do
    same "each is to be seen in $kind, in its place" 'yes yes yes yes' "$(seen "boxes.$kind")"
  done
}

test_start
test_joined
test_wrap
test_gaps
test_growth
test_frame_rate
test_sound
test_sound_without_decoder
test_subtitles
test_picture_subtitles
test_cover
test_attachments
test_statistics
test_poster
test_late_track
test_kept
echo "1..$count"
