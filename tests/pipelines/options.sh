#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The options of rfdn-transcode's command line. Prints TAP. $RFDN_BUILD is the build, $RFDN_SHARED the
# folder with media/, which is not part of the project; most clips here are made by FFmpeg.
set -uo pipefail
# shellcheck source=tests/pipelines/common.sh
. "$(dirname "$0")/common.sh"

program=$RFDN_BUILD/pipelines/rfdn-transcode
for tool in ffmpeg ffprobe timeout; do
  command -v "$tool" >/dev/null || skip_all "there is no $tool"
done
[ -x "$program" ] || skip_all "$program was not built"

# Small and quick: only the effect of options is tested.
run() { # ARGUMENT...
  timeout 200 "$program" "$@" >out 2>err
}
clip() { # FILE FRAMES [OPTION OF FFMPEG...]
  local file=$1 frames=$2
  shift 2
  ffmpeg -v error -y -f lavfi -i "testsrc2=size=64x48:rate=25" -frames:v "$frames" "$@" "$file"
}
# Checksums of all pictures, in order.
pictures() { # FILE [OPTION OF FFMPEG...]
  local file=$1
  shift
  ffmpeg -v error "$@" -i "$file" -map 0:v:0 -f framemd5 - | awk -F', *' '!/^#/ { print $NF }' | paste -sd ' '
}
video() { # FILE ENTRIES
  ffprobe -v error -select_streams v:0 -show_entries "$2" -of default=nw=1:nk=1 "$1" 2>/dev/null | paste -sd ' '
}

# ---- one table

# The environment variables that the program, the element and the engine read. GStreamer reads its own (GST_...)
# itself, so they are not in our code.
variables_read() {
  find "$scripts" "$scripts/../core" "$scripts/../gst" -name '*.c' \
    -exec grep -hoE '"(RFDN|SLURM|PARALLEL)_[A-Z_]+"' {} + | tr -d '"' | sort -u | paste -sd ' '
}

test_table() {
  local readme=$scripts/README.md table names name missing=''
  table=$("$program" --table)
  [ -n "$table" ] && [[ "$(<"$readme")" == *"$table"* ]]
  ok $? "README.md has the table that the program prints"
  "$program" --help >help
  "$program" --man >manual
  "$program" --completion >completion
  names=$(sed -n 's/^| `\(-*[a-z-]*\).*/\1/p' <<<"$table")
  same 'the table has keys and flags' 'model --version' "$(grep -x -e model -e --version <<<"$names" | paste -sd ' ')"
  for name in $names; do
    grep -qE -- "^  $name(=| |\$)" help || missing+=" help:$name"
    grep -qF -- "${name//-/\\-}" manual || missing+=" manual:$name"
    grep -qE -- "[' ]$name(=| |')" completion || missing+=" completion:$name"
  done
  same 'every option is in --help, manual and completion' 'none' "none$missing"
  awk 'length > 80' help >err
  [ ! -s err ]
  ok $? "--help is no wider than 80 characters"
  if command -v groff >/dev/null; then
    check 'the manual is a manual' bash -c 'groff -ww -man -Tascii -z manual 2>&1 | (! grep .)'
  else
    skip 'the manual is a manual' 'there is no groff'
  fi
  same 'the sections of the manual' \
    'NAME SYNOPSIS DESCRIPTION OPTIONS EXIT STATUS OUTPUT ENVIRONMENT FILES EXAMPLES SEE ALSO' \
    "$(sed -n 's/^\.SH //p' manual | paste -sd ' ')"
  same 'the variables that are read are in the manual' "$(variables_read)" \
    "$(sed -n '/^\.SH ENVIRONMENT/,/^\.SH FILES/s/^\.B //p' manual | grep -v ^GST_ | sort | paste -sd ' ')"
  check '--version prints the version' bash -c "'$program' --version | grep -qx 'rfdn-transcode [0-9.]*'"
  fails 'an unknown flag' '--version' "$program" --colour=red
  fails 'a flag with a value that it does not take' 'takes no value' "$program" a.mkv b.mkv --join=yes
  fails 'a flag without its value' '--plan: N is wanted' "$program" a.mkv b.mkv --plan
  fails 'a flag with a wrong value' 'a number from 1' "$program" a.mkv b.mkv --plan x
  fails 'the words of a flag' 'text|json' "$program" a.mkv b.mkv --progress=xml
  fails 'no OUT' 'IN OUT' "$program" a.mkv
}

complete_words() { # WORD...: completions of the last one
  bash -c '
    compopt() { :; }
    . ./completion
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    _rfdn_transcode
    echo "${COMPREPLY[*]}"' bash "$@"
}

test_completion() {
  same 'completes flags' '--progress=' "$(complete_words rfdn-transcode --prog)"
  same 'completes keys' 'model=' "$(complete_words rfdn-transcode a.mkv b.mkv mod)"
  same 'completes values' 'h264 hevc' "$(complete_words rfdn-transcode a.mkv b.mkv codec = h)"
  same 'completes all values' 'auto 2 3 4' "$(complete_words rfdn-transcode a.mkv b.mkv scale =)"
  same 'leaves files to bash' 'none' "none$(complete_words rfdn-transcode a)"
}

# ---- how large, how encoded, how many threads

test_size() {
  local size
  clip size.mkv 2
  for size in '1920x1080 1920 1080 3:4' '180p 240 180 1:1' '250% 160 120 1:1' '50% 32 24 1:1' '99x77 99 77 28:27'; do
    run size.mkv size.mkv.mkv codec=ffv1 "size=${size%% *}"
    same "size=${size%% *}" "${size#* }" "$(video size.mkv.mkv stream=width,height,sample_aspect_ratio)"
  done
  grep -q 'rfdnupscale ! video/x-raw,width=99,height=77' out
  ok $? 'the launch line has the size'
  clip wide.mkv 2 -vf setsar=64/45
  run wide.mkv wide.mkv.mkv codec=ffv1 size=90p
  same 'size=90p of wide samples' '120 90 64:45' "$(video wide.mkv.mkv stream=width,height,sample_aspect_ratio)"
  for size in 0p 5 5x x5 1080pp 50%% 0% 99999x2 -5%; do
    fails "size=$size" 'WIDTHxHEIGHT|HEIGHTp|N%' "$program" size.mkv none.mkv "size=$size"
  done
}

test_encoder_options() {
  clip keys.mkv 4
  run keys.mkv keys.mp4 preset=ultrafast encoder-options=g=2:bf=0
  same 'encoder-options reach the encoder' 'K _ K _' "$(video keys.mp4 packet=flags | sed 's/_[_D]*/_/g; s/K_/K/g')"
  run keys.mkv keys.mp4 codec=hevc preset=ultrafast encoder-options=x265-params=keyint=1
  same "an encoder's own options reach it" 'K K K K' "$(video keys.mp4 packet=flags | sed 's/_[_D]*/_/g; s/K_/K/g')"
  fails 'unknown ones are named' 'no option foo, bar' "$program" keys.mkv none.mkv encoder-options=foo=1:g=2:bar=3
  fails "x264's own unknown ones are named" bogus "$program" keys.mkv none.mkv encoder-options=x264-params=bogus=1
  fails "x265's own unknown ones are named" bogus "$program" keys.mkv none.mkv codec=hevc encoder-options=x265-params=bogus=1
  fails 'wrong values are named' abc "$program" keys.mkv none.mkv encoder-options=crf=abc
  fails 'no pairs at all' 'key=value:key=value' "$program" keys.mkv none.mkv encoder-options=nonsense
}

# The most threads that the program had at once.
most_threads() { # ARGUMENT...
  local pid most=0 now
  "$program" "$@" >out 2>err &
  pid=$!
  while now=$(sed -n 's/^Threads:\t//p' "/proc/$pid/status" 2>/dev/null) && [ -n "$now" ]; do
    [ "$now" -le "$most" ] || most=$now
  done
  wait "$pid" && echo "$most"
}

test_threads() {
  local few many
  clip threads.mkv 30 -vf scale=320:240
  few=$(most_threads threads.mkv threads.mkv.mkv preset=ultrafast model=live-clean threads=1)
  many=$(most_threads threads.mkv threads.mkv.mkv preset=ultrafast model=live-clean threads=9)
  # 8 more of each: decoder, element, encoder.
  [ "${many:-0}" -ge $((${few:-1000} + 24)) ]
  ok $? "threads= holds for decoder and encoder, too ($few threads, $many)"
}

# ---- folders, and what programs read

test_folder() {
  local i kinds=(mkv mp4 mov webm ts avi h264) kind
  mkdir films
  for i in {1..27}; do
    kind=${kinds[i % 7]}
    case $kind in
      webm) clip "films/$i $kind.$kind" 3 -c:v libvpx -deadline realtime ;;
      *) clip "films/$i $kind.$kind" 3 -c:v libx264 -preset ultrafast ;;
    esac
  done
  echo 'no video at all, but some words' >films/words.mkv
  : >films/empty.mp4
  ffmpeg -v error -f lavfi -i sine=duration=1 -c:a flac films/sound.mkv
  timeout 300 "$program" films large preset=ultrafast model=live-clean >out 2>err
  same 'a folder with broken files ends with 1' 1 $?
  same 'all the others are done' 27 "$(find large -type f ! -name '.*' | wc -l)"
  same 'with one line each' '27 of 30' "$(grep -c ': 3 frames of 128x96' err) of $(wc -l <err)"
  same 'and the broken ones with one each' 'empty.mp4 sound.mkv words.mkv' \
    "$(sed -n 's/^rfdn-transcode: films\/\([^:]*\):.*/\1/p' err | paste -sd ' ')"
  same 'no launch line a file' 'none' "none$(<out)"
  same 'a raw stream becomes a file with times' 'matroska,webm' \
    "$(ffprobe -v error -show_entries format=format_name -of csv=p=0 'large/6 h264.h264.mkv' | tr -d '"')"
  rm films/words.mkv films/empty.mp4 films/sound.mkv large/1\ * large/2\ *
  run films large preset=ultrafast model=live-clean --resume
  same '--resume makes the missing ones' '0, 2 made, 25 there' \
    "$?, $(grep -c ' frames of ' err) made, $(grep -c 'is there already' err) there"
  fails 'a folder onto itself' 'same folder' "$program" films films
  fails 'a folder into a file' 'is a folder, but' "$program" films films.mkv
  mkdir nothing
  fails 'an empty folder' 'has no files' "$program" nothing large
}

# Other files in a folder are not films, even if libav can read them: name and content decide.
test_folder_of_more() {
  local name
  mkdir mixed
  clip 'mixed/a film.mkv' 3 -c:v libx264 -preset ultrafast
  cp 'mixed/a film.mkv' mixed/film-without-extension
  printf '1\n00:00:00,000 --> 00:00:01,000\nHello\n' >mixed/film.srt
  echo 'about the film' | tee mixed/film.nfo mixed/film.txt mixed/film.json mixed/damaged.ogg >mixed/film.xml
  : >mixed/empty
  for name in poster.jpg poster.png poster.webp; do clip "mixed/$name" 1; done
  ffmpeg -v error -f lavfi -i sine=duration=1 -i mixed/poster.jpg -map 0 -map 1 -c:v copy -disposition:v attached_pic mixed/song.mp3
  ffmpeg -v error -f lavfi -i sine=duration=1 -c:a aac mixed/song.m4a
  run mixed mixed-large preset=ultrafast model=live-clean
  same 'other files next to films are not an error' 0 $?
  same 'films are recognised by content and made' 'a film.mkv film-without-extension.mkv' \
    "$(find mixed-large -type f -printf '%f\n' | sort | paste -sd ' ')"
  same 'a line a film, and one for all else' '2 of 3' "$(grep -c ': 3 frames of 128x96' err) of $(wc -l <err)"
  same 'which names some and counts the rest' \
    'mixed: left alone, being no videos: damaged.ogg, empty, film.json, film.nfo, film.srt and 7 more' "$(grep alone err)"
  echo junk >mixed/film.avi
  run mixed mixed-large preset=ultrafast model=live-clean --resume
  same 'but a film that is broken is one' "1 rfdn-transcode: mixed/film.avi" "$? $(grep -o 'rfdn-transcode: [^:]*' err)"
  rm mixed/*film* mixed/song.mp3
  run mixed mixed-large
  same 'no film at all is one, too' 1 $?
  grep -q 'mixed: has no videos' err
  ok $? 'with a line that says so'
}

test_json() {
  clip json.mkv 60 -vf scale=480:360
  run json.mkv json.mkv.mkv preset=veryslow model=live-clean threads=1 --progress=json
  ok $? '--progress=json'
  cp err said
  check 'every line is an object' python3 -c '
import json, statistics
lines = [json.loads(line) for line in open("said")]
steps = [line for line in lines if line["type"] == "progress"]
assert lines[-1]["type"] == "done" and lines[-1]["frames"] == 60, lines[-1]
assert steps[-1]["frame"] == 60 and steps[-1]["frames"] == 60, steps
# A line a second, by the clock: a late line does not delay the next. The total time may end in between.
assert abs(len(steps) - 0.5 - lines[-1]["seconds"]) < 1.5, (len(steps), lines[-1]["seconds"])
behind = [step["seconds"] - i - 1 for i, step in enumerate(steps[:-1])]
# One may be late on a busy machine.
assert min(behind) >= 0 and statistics.median(behind) < 0.5 and max(behind) < 5, steps
'
  run json.mkv nowhere/json.mkv --progress=json
  same 'an error is an object, too' error "$(python3 -c '
import json
print(json.loads(open("err").read())["type"])')"
}

# Types and texts of all lines of err; other text between them would not be JSON.
objects() {
  python3 -c '
import json
lines = [json.loads(line) for line in open("err")]
print("; ".join(line["type"] + " " + line.get("text", "") for line in lines if line["type"] not in ("progress", "log")))'
}
# Sends a signal once the program has reported progress.
interrupt() { # SIGNAL ARGUMENT...
  local signal=$1 pid
  shift
  : >err
  "$program" "$@" --progress=json >out 2>err &
  pid=$!
  for _ in {1..100}; do
    grep -q '"frame":[1-9]' err && break
    sleep 0.1
  done
  kill "-$signal" "$pid"
  wait "$pid"
}

test_json_always() {
  clip long.mkv 500 -vf scale=480:360 -c:v libx264 -preset ultrafast
  interrupt INT long.mkv long.mkv.mkv preset=veryslow threads=1 part-length=0
  same 'Ctrl-C is reported as JSON, in the last line' '130, error stopped by SIGINT, nothing was kept' "$?, $(objects)"
  interrupt TERM long.mkv long.mkv.mkv preset=ultrafast model=live-clean part-length=1
  same 'SIGTERM, too' "75, note SIGTERM: stops as soon as the part in work is finished; error" "$?, $(objects | cut -d ' ' -f 1-13)"
  clip json.y4m 3
  run long.mkv none.mkv crf=x --progress=json
  same 'an error in an option before --progress=json is JSON, too' '1, error crf=x:' "$?, $(objects | cut -d ' ' -f 1,2)"
  run long.mkv none.mkv --progres json --progress json
  same 'and with a flag' '1, error unknown' "$?, $(objects | cut -d ' ' -f 1,2)"
  "$program" json.y4m - model=live-clean --progress=json 2>err | cat >through.y4m
  same 'the launch line, where stdout is taken, too' 'launch gst-launch-1.0 -q; done ' "$(objects | sed 's/ filesrc.*;/;/')"
  GST_DEBUG='*:3,GST_INIT:4' G_MESSAGES_DEBUG=all run json.y4m json.mkv model=live-clean preset=ultrafast --progress=json
  same 'messages of libraries are JSON, too' 'done ' "$(objects)"
  [ "$(grep -c '^{"type":"log","text":".' err)" -gt 1 ]
  ok $? 'line by line'
  "$program" --man >manual
  same 'the manual has all types' 'done error launch log note progress' \
    "$(sed -n '/^.SH OUTPUT/,/^.SH EN/s/^\.B \([a-z]*\)$/\1/p' manual | sort | paste -sd ' ')"
}

# ---- pictures, pipes, dry runs

test_pictures() {
  local kind
  mkdir frames large-frames
  ffmpeg -v error -f lavfi -i testsrc2=size=64x48 -frames:v 5 -start_number 1001 frames/%04d.png
  run frames/%04d.png large-frames/%05d.png model=live-clean
  ok $? 'numbered pictures become numbered pictures'
  same 'all of them, and nothing else' '00001.png 00002.png 00003.png 00004.png 00005.png' \
    "$(find large-frames -mindepth 1 -printf '%f\n' | sort | paste -sd ' ')"
  same 'in colour, of twice the size' '128 96 rgb24' "$(video large-frames/00003.png stream=width,height,pix_fmt)"
  run frames/%04d.png numbered.mkv codec=ffv1 rate=10 model=live-clean
  same 'rate= holds for them' '0.400000' "$(video numbered.mkv packet=pts_time | awk '{ printf "%.6f", $NF }')"
  cp -r frames gaps && rm gaps/1003.png
  fails 'a missing number is reported before any work' 'number 1003 is missing, and 2 pictures come after it; frames=2' \
    "$program" gaps/%04d.png none.mkv
  run gaps/%04d.png before.mkv frames=2 preset=ultrafast model=live-clean
  same 'those before it can be taken' '0 128,96,2' "$? $(shape before.mkv)"
  fails 'no such pictures' 'no pictures of such names' "$program" none/%04d.png none.mkv
  fails 'a film is more than one picture' '%05d' "$program" numbered.mkv one.png
  run numbered.mkv one.png frames=1
  same 'one picture is one' '256 192' "$(video one.png stream=width,height)"
  same 'and nothing is left' 'none' "none$(find . -name '.*.part')"
  clip animated.mkv 6
  run animated.mkv animated.mkv.mkv codec=ffv1 model=live-clean
  for kind in gif apng; do
    run animated.mkv "animated.$kind" model=live-clean
    same "animated: $kind" '128 96 6' \
      "$(ffprobe -v error -count_frames -show_entries stream=width,height,nb_read_frames -of csv=p=0 "animated.$kind" | tr , ' ')"
  done
  at_least "$(psnr animated.gif animated.mkv.mkv)" 30
  ok $? 'each frame of a GIF has colours of its own'
  at_least "$(psnr_rgb animated.apng animated.mkv.mkv)" 60
  ok $? 'APNG has all colours'
  run animated.mkv animated.webp model=live-clean
  # A frame equal to the one before extends its duration.
  same 'animated: webp' 'True, loop 0' "$(python3 -c '
data = open("animated.webp", "rb").read()
at = data.index(b"ANIM")
print(data.count(b"ANMF") > 1, end=", loop ")
print(int.from_bytes(data[at + 12:at + 14], "little"))')"
}

test_folder_of_pictures() {
  mkdir photos
  ffmpeg -v error -f lavfi -i testsrc2=size=64x48 -frames:v 1 photos/still.gif
  ffmpeg -v error -f lavfi -i testsrc2=size=64x48 -frames:v 4 photos/animated.gif
  ffmpeg -v error -f lavfi -i testsrc2=size=64x48 -frames:v 1 photos/a.bmp
  ffmpeg -v error -f lavfi -i testsrc2=size=64x48 -frames:v 1 photos/b.tif
  check 'pictures.sh takes gif, bmp and tif' timeout 60 "$scripts/pictures.sh" photos drawn
  same 'twice as large each' '128,96 128,96 128,96 128,96' \
    "$(for name in a animated b still; do video "drawn/$name.png" stream=width,height | tr ' ' ,; done | paste -sd ' ')"
  mkdir animations && cp photos/animated.gif animations/
  timeout 60 "$scripts/pictures.sh" animations drawn model=live-clean >out 2>err
  same 'if no launch line can make a picture, a message says so' '0 # gst-launch-1.0 cannot do this' "$? $(grep gst-launch err | cut -d : -f 1)"
  mkdir -p ./-odd/folder.png
  cp photos/animated.gif ./-odd/gif.png
  cp photos/b.tif ./-odd/b%03d.tif
  ln -s nowhere ./-odd/none.png
  : >./-odd/void.jpg
  timeout 60 "$scripts/pictures.sh" -odd -drawn model=live-clean >out 2>err
  same 'an unreadable file is reported in one line' '1 pictures.sh: ./-odd/none.png: it cannot be read' "$? $(grep none err)"
  same 'an empty file is reported, too' 'pictures.sh: ./-odd/void.jpg: it is empty' "$(grep void err)"
  same 'names that lie, patterns, dashes: the others are made' 'b%03d.png gif.png' \
    "$(find ./-drawn -mindepth 1 -printf '%f\n' | sort | paste -sd ' ')"
}

# EXIF data with an orientation, in either byte order.
exif() { # ORIENTATION MM|II
  # shellcheck disable=SC2059  # the number is part of an escape
  if [ "$2" = MM ]; then
    printf 'MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x0'"$1"'\0\0\0\0\0\0'
  else
    printf 'II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x0'"$1"'\0\0\0\0\0\0\0'
  fi
}
test_orientation() {
  local i filters=('' null hflip 'hflip,vflip' vflip transpose=0 transpose=1 transpose=3 transpose=2)
  mkdir held plain
  # Square, so that a wrong orientation keeps the size, and with four different corners.
  ffmpeg -v error -f lavfi -i testsrc=size=64x64 -frames:v 1 -q:v 1 upright.jpg
  ffmpeg -v error -i upright.jpg upright.png
  ffmpeg -v error -i upright.jpg -c:v libwebp -lossless 1 upright.webp
  ffmpeg -v error -i upright.jpg -compression_algo raw upright.tif
  for i in {1..8}; do
    { head -c 2 upright.jpg; printf '\xff\xe1\0\x22Exif\0\0'; exif "$i" "$([ $((i % 2)) = 1 ] && echo MM || echo II)"; tail -c +3 upright.jpg; } >"held/jpg$i.jpg"
  done
  # A fill byte, which may precede any marker.
  { head -c 2 held/jpg6.jpg; printf '\xff'; tail -c +3 held/jpg6.jpg; } >held/filled6.jpg
  # A chunk before the pixels, with a checksum; a chunk after them; an IFD entry of the file itself.
  python3 - <<'END'
import struct, subprocess, zlib
data = lambda name: open(name, "rb").read()
exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
png, webp, tif = data("upright.png"), data("upright.webp"), data("upright.tif")
chunk = struct.pack(">I", len(exif)) + b"eXIf" + exif + struct.pack(">I", zlib.crc32(b"eXIf" + exif))
open("held/png6.png", "wb").write(png[:33] + chunk + png[33:])
body = webp[12:]
flags = b"VP8X" + struct.pack("<I", 10) + b"\x08\0\0\0" + struct.pack("<I", 63)[:3] * 2
body = (b"" if body[:4] == b"VP8X" else flags) + body + b"EXIF" + struct.pack("<I", len(exif)) + exif
open("held/webp6.webp", "wb").write(b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body)
at = struct.unpack("<I", tif[4:8])[0]
n = struct.unpack("<H", tif[at:at + 2])[0]
entries = [tif[at + 2 + 12 * i:at + 14 + 12 * i] for i in range(n)]
entries = [e for e in entries if e[:2] != b"\x12\x01"] + [struct.pack("<HHIHH", 0x112, 3, 1, 6, 0)]
entries.sort(key=lambda e: struct.unpack("<H", e[:2]))
ifd = struct.pack("<H", len(entries)) + b"".join(entries) + b"\0\0\0\0"
open("held/tif6.tif", "wb").write(tif[:4] + struct.pack("<I", len(tif)) + tif[8:] + ifd)
END
  check 'pictures.sh takes pictures of a camera that was not held upright' timeout 200 "$scripts/pictures.sh" held upright model=live-clean
  for i in {1..8}; do
    ffmpeg -v error -y -i upright.jpg -vf "${filters[i]},format=gray" wanted.png
    at_least "$(psnr_half "upright/jpg$i.png" wanted.png)" 25
    ok $? "JPEG: orientation $i is applied ($(psnr_half "upright/jpg$i.png" wanted.png) dB)"
  done
  ffmpeg -v error -y -i upright.jpg -vf "transpose=1,format=gray" wanted.png
  for i in png webp tif filled; do
    at_least "$(psnr_half "upright/${i}6.png" wanted.png)" 25
    ok $? "$i: orientation is applied ($(psnr_half "upright/${i}6.png" wanted.png) dB)"
  done
}
# Decibels between the luma of two pictures, of which the first is twice as large.
psnr_half() { # FILE FILE
  ffmpeg -noautorotate -v info -i "$1" -noautorotate -i "$2" -lavfi \
    "[0:v]scale=iw/2:-1:flags=area,format=gray[a];[1:v]format=gray[b];[a][b]psnr" -f null - 2>&1 |
    sed -n 's/.*PSNR.*average:\([0-9.inf]*\).*/\1/p' | tail -n 1
}

test_animated_webp() {
  local folder
  mkdir webps tools
  clip webps/moving.webp 3 -vf "hflip=enable='mod(n,2)'" -c:v libwebp_anim -lossless 1
  if ffmpeg -v error -i webps/moving.webp -f null - 2>&1 | grep -q .; then
    fails 'an animated WebP that FFmpeg does not decode is refused' 'animated WebP, which webpmux' "$program" webps/moving.webp none.mkv
  else
    skip 'an animated WebP that FFmpeg does not decode is refused' 'this FFmpeg decodes it'
  fi
  # The whole PATH, except the tool that splits such files and the one that would install it.
  (IFS=: && for folder in $PATH; do ln -s "$folder"/* tools/ 2>/dev/null; done)
  rm -f tools/webpmux tools/apt-get
  PATH=$work/tools timeout 60 "$scripts/pictures.sh" webps webps-large model=live-clean >out 2>err
  same 'without webpmux an animated WebP is reported, with a remedy' \
    '1 pictures.sh: webps/moving.webp: it is an animated WebP, whose first frame is taken out by webpmux: apt-get install webp' \
    "$? $(grep WebP err)"
  if ! command -v webpmux >/dev/null; then
    skip 'its first frame is enlarged' 'there is no webpmux'
    return
  fi
  ffmpeg -v error -y -f lavfi -i testsrc2=size=32x24 -frames:v 1 -c:v libwebp -lossless 1 small.webp
  ffmpeg -v error -y -f lavfi -i testsrc2=size=64x48 -frames:v 1 -c:v libwebp -lossless 1 large.webp
  webpmux -frame small.webp +100+20+10 -frame large.webp +100+0+0 -o webps/smaller.webp >/dev/null 2>&1
  check 'pictures.sh takes an animated WebP' timeout 60 "$scripts/pictures.sh" webps webps-large model=live-clean
  ffmpeg -v error -y -i large.webp -pix_fmt gray wanted.png
  at_least "$(psnr_half webps-large/moving.png wanted.png)" 25
  ok $? "its first frame is enlarged ($(psnr_half webps-large/moving.png wanted.png) dB)"
  same 'and one that is smaller than the whole lies where it belongs, the rest being transparent' '128 96 rgba True True True' \
    "$(video webps-large/smaller.png stream=width,height,pix_fmt) $(ffmpeg -v error -i webps-large/smaller.png \
      -vf alphaextract,format=gray,scale=64:48:flags=neighbor -f rawvideo - | python3 -c '
import sys
rows = sys.stdin.buffer.read()
print(rows[22 * 64 + 17] < 3, rows[22 * 64 + 36] > 252, rows[22 * 64 + 55] < 3)')"
}

test_pipes() {
  ffmpeg -v error -f lavfi -i testsrc2=size=64x48 -frames:v 5 -pix_fmt yuv420p pipe.y4m
  ffmpeg -v error -f lavfi -i testsrc2=size=64x48 -frames:v 5 -pix_fmt yuv420p10 -strict -1 deep.y4m
  ffmpeg -v error -f lavfi -i testsrc2=size=64x48 -f lavfi -i sine -t 0.2 -c:v rawvideo -pix_fmt yuv420p -c:a pcm_s16le pipe.nut
  local name
  for name in pipe.y4m deep.y4m pipe.nut; do
    run "$name" direct.mkv codec=ffv1 model=live-clean
    # shellcheck disable=SC2002  # the test is of a pipe
    cat "$name" | timeout 100 "$program" - - model=live-clean 2>err | cat >"through.${name##*.}"
    same "$name through pipes is $name as a file, bit for bit" "$(pictures direct.mkv)" "$(pictures "through.${name##*.}")"
    grep -q 'frames of 128x96' err && grep -q 'gst-launch-1.0 ' err
    ok $? "$name: messages are on stderr"
  done
  same 'NUT has its sound' pcm_s16le \
    "$(ffprobe -v error -select_streams a -show_entries stream=codec_name -of csv=p=0 through.nut | tr -d ,)"
  timeout 100 "$program" pipe.y4m - format=mkv preset=ultrafast model=live-clean 2>err | cat >through.mkv
  same 'format= for a pipe' h264 "$(video through.mkv stream=codec_name)"
  fails 'mp4 through a pipe' 'cannot be written to a pipe' "$program" pipe.y4m - format=mp4
}

# The gst-launch-1.0 line that is printed gives the same result.
launches() { # NAME FIRST IN OUT [key=value...]; FIRST: of its files
  local name=$1 first=$2 in=$3 wanted
  timeout 200 "$program" "${@:3}" model=live-clean <"$([ "$in" = - ] && echo launch.y4m || echo /dev/null)" >out 2>err
  wanted=$(shape "$first")
  case $first in */*) rm "${first%/*}"/* ;; *) rm "$first" ;; esac
  timeout 100 sh ./out <launch.y4m >launched 2>&1 || cp launched err
  same "the launch line of $name works" "$wanted" "$(shape "$first")"
}
launches_nothing() { # NAME IN OUT [key=value...]
  local name=$1
  run "${@:2}" model=live-clean
  same "$name: a message says that no launch line can do it" 1 "$(grep -c '^# gst-launch-1.0 cannot do this: ' out)"
  check 'and nothing runs' sh ./out
}

test_launch() {
  local kind
  mkdir in out-frames
  command -v gst-launch-1.0 >/dev/null || { skip 'launch lines' 'there is no gst-launch-1.0' && return; }
  ffmpeg -v error -f lavfi -i testsrc2=size=64x48 -f lavfi -i sine -t 0.4 -c:v libx264 -preset ultrafast -c:a aac launch.mkv
  ffmpeg -v error -f lavfi -i testsrc2=size=64x48 -frames:v 4 -start_number 3 'in/a picture %03d.png'
  ffmpeg -v error -f lavfi -i testsrc2=size=64x48 -frames:v 4 in/%03d.jpg
  clip launch.gif 4
  clip launch.y4m 4 -pix_fmt yuv420p
  for kind in mkv mp4 m4v mov ts avi webm y4m; do
    launches "$kind" "launched.$kind" launch.mkv "launched.$kind" preset=ultrafast
  done
  launches 'JPEG pictures' seq.mkv in/%03d.jpg seq.mkv preset=ultrafast rate=10
  same 'at their rate' 10/1 "$(video seq.mkv stream=r_frame_rate)"
  launches 'PNG pictures' out-frames/004.png 'in/a picture %03d.png' out-frames/%03d.png
  same 'with all of them' '001.png 002.png 003.png 004.png' "$(find out-frames -type f -printf '%f\n' | sort | paste -sd ' ')"
  launches 'JPEG pictures to be' out-frames/04.jpg launch.mkv out-frames/%02d.jpg frames=4
  launches 'one picture' one-launched.png launch.mkv one-launched.png frames=1
  launches 'a pipe' piped.mkv - piped.mkv preset=ultrafast
  "$program" launch.y4m - model=live-clean 2>err >direct.y4m
  sed -n '/^gst-launch/p' err >out
  sh ./out >launched.y4m
  same 'and to one' "$(shape direct.y4m)" "$(shape launched.y4m)"
  cp launch.mkv $'"in" \'s\' \\\n.mkv'
  launches 'names with all that has a meaning' $'"out" \'s\' \\\n.mkv' $'"in" \'s\' \\\n.mkv' $'"out" \'s\' \\\n.mkv' preset=ultrafast
  launches_nothing 'a name that is no text' launch.mkv $'no\xfftext\nfalse .mkv' preset=ultrafast
  for kind in gif apng webp; do launches_nothing "$kind" launch.mkv "animation.$kind"; done
  launches_nothing 'a GIF that is read' launch.gif animation.mkv preset=ultrafast
  launches_nothing 'a film from fields' launch.mkv film.mkv deinterlace=pullup preset=ultrafast
  launches_nothing 'a picture of another kind' launch.mkv one.bmp frames=1
  launches_nothing 'a container without a muxer' launch.mkv launched.nut preset=ultrafast
}

test_dry_run() {
  ffmpeg -v error -f lavfi -i testsrc2=size=64x48 -f lavfi -i sine -t 4 -c:v libx264 -c:a aac dry.mp4
  run dry.mp4 dry.mkv audio=opus --dry-run model=live-clean
  ok $? '--dry-run'
  grep -q '^track 0 (video, h264 64x48) is enlarged to 128x96 and encoded by libx264$' err &&
    grep -q '^track 1 (audio, aac) is encoded as opus$' err
  ok $? 'says how each track would be treated'
  grep -qE '^dry.mkv: about 0:00:[0-9]+ for 100 frames' err
  ok $? 'and how long it would take'
  [ -z "$(find . -name '*dry.mkv*')" ]
  ok $? 'and writes nothing'
  mkdir dry && mv dry.mp4 dry/
  run dry dries --dry-run model=live-clean
  [ ! -e dries ] && ! grep -q '0 frames of' err && grep -qE '^dries/dry.mp4: about 0:00:[0-9]+ for 100 frames' err
  ok $? 'nor of a folder'
}

test_table
test_completion
test_pictures
test_folder_of_pictures
test_orientation
test_animated_webp
test_pipes
test_launch
test_dry_run
test_folder
test_folder_of_more
test_json
test_json_always
test_size
test_encoder_options
test_threads
echo "1..$count"
