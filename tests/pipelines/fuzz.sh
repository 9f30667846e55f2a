#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Gives rfdn-transcode damaged media files: it must neither crash nor hang, and if OUT exists, it must be
# complete. $RFDN_FUZZ is the number of files (30; with sanitizers 100), $RFDN_FUZZ_SEED their random seed,
# $RFDN_FUZZ_SECONDS how long each may take. Prints TAP.
set -uo pipefail
# shellcheck source=tests/pipelines/common.sh
. "$(dirname "$0")/common.sh"

program=$RFDN_BUILD/pipelines/rfdn-transcode
maker=$scripts/../tests/pipelines/fuzz.py
number=${RFDN_FUZZ:-30}
seed=${RFDN_FUZZ_SEED:-15}
seconds=${RFDN_FUZZ_SECONDS:-30}
# GStreamer's plugin scanner has no sanitizer, so it cannot load the plugin.
export GST_REGISTRY_FORK=no

for tool in ffmpeg ffprobe timeout python3; do
  command -v "$tool" >/dev/null || skip_all "there is no $tool"
done
[ -x "$program" ] || skip_all "$program was not built"

make() { ffmpeg -v error -nostdin -y "$@"; }

# Small ones of every kind: reordered pictures, sound to copy and to encode, subtitles, a cover, chapters,
# a font.
mkdir whole broken
printf '1\n00:00:00,000 --> 00:00:00,100\none\n\n2\n00:00:00,100 --> 00:00:00,300\ntwo\n' >a.srt
printf ';FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=200\ntitle=one\n' >chapters.txt
make -f lavfi -i testsrc=size=32x32 -frames:v 1 cover.jpg
head -c 500 /dev/zero >font.ttf
in=(-f lavfi -i testsrc=size=64x48:rate=25:duration=0.32 -f lavfi -i sine=sample_rate=48000:duration=0.32)
x264=(-c:v libx264 -preset veryfast -g 5)
make "${in[@]}" -i a.srt -i chapters.txt -map 0 -map 1 -map 2 "${x264[@]}" -c:a aac -c:s mov_text whole/a.mp4
make "${in[@]}" -i a.srt -i chapters.txt -map 0 -map 1 -map 2 "${x264[@]}" -c:a flac -c:s ass -attach font.ttf \
  -metadata:s:t mimetype=application/x-truetype-font -attach cover.jpg -metadata:s:t:1 mimetype=image/jpeg \
  whole/b.mkv
make "${in[@]}" "${x264[@]}" -c:a mp2 whole/c.ts
make "${in[@]}" -c:v mpeg4 -c:a pcm_s16le whole/d.avi
make "${in[@]}" -c:v libvpx-vp9 -deadline realtime -c:a libopus whole/e.webm
make "${in[@]}" -c:v mpeg2video -c:a ac3 -f vob whole/f.mpg
make "${in[@]}" "${x264[@]}" -c:a eac3 whole/g.mov
make "${in[@]}" -c:v flv1 -c:a aac whole/h.flv
python3 "$maker" "$seed" "$number" broken whole/* || exit 1

# Every file goes to another container in turn, so that all tracks are copied and converted somewhere.
containers=(mkv mp4 ts webm mov avi)
n_done=0 n_refused=0 i=0
for file in broken/*; do
  out=out-$i.${containers[i % ${#containers[@]}]}
  i=$((i + 1))
  name="$(basename "$file") to ${out##*.}"
  timeout -k 5 "$seconds" "$program" "$file" "$out" preset=ultrafast model=live-clean frames=12 >log 2>err
  status=$?
  wrong=
  case $status in
  0)
    n_done=$((n_done + 1))
    [ -s "$out" ] || wrong='done, and nothing is there'
    pictures=$(ffprobe -v error -select_streams v -count_packets -show_entries stream=nb_read_packets \
      -of csv=p=0 "$out" 2>problems) || wrong='what is there cannot be read'
    [[ $pictures =~ [1-9] ]] || wrong="${wrong:-what is there has no pictures}"
    ;;
  1)
    n_refused=$((n_refused + 1))
    [ ! -e "$out" ] || wrong='failed, and something is there'
    grep -q '^rfdn-transcode: ' err || wrong='failed without a word'
    ;;
  124 | 137) wrong='hangs' ;;
  *) wrong="status $status" ;;
  esac
  # A sanitizer's report, whatever the exit status.
  grep -qE 'Sanitizer|runtime error' err && wrong='a sanitizer complains'
  [ -z "$(find . -maxdepth 1 -name '.*.part')" ] || wrong="${wrong:-something is left}"
  if [ -n "$wrong" ]; then
    echo "# $wrong"
    cp "$file" "${RFDN_FUZZ_KEEP:-.}/" 2>/dev/null
    ok 1 "$name"
  else
    ok 0 "$name"
  fi
  rm -f "$out"
done
[ "$n_done" -gt 0 ] && [ "$n_refused" -gt 0 ]
ok $? "some are done ($n_done), some are refused ($n_refused)"
echo "1..$count"
