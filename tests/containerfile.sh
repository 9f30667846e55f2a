#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Does what Containerfile says, without podman or docker: each stage in a chroot of its own.
#
#   ./tests/containerfile.sh
#
# Needs root, debootstrap and the network. The last commit is built; then the last stage enlarges a clip.
# Each check is a line; the last line counts them. If no chroot can be made, the test ends with 77.
#
# The instructions FROM, RUN, COPY, ENV, WORKDIR and ENTRYPOINT are supported in the forms that
# Containerfile uses; any other fails. The chroots are in $RFDN_CHROOTS (default:
# ~/.cache/gst-rfdn/chroots). $RFDN_DEBIAN_MIRROR names another mirror.
# shellcheck disable=SC2317  # what check() and quietly() call
set -euo pipefail
cd "$(dirname "$0")/.."
. pipelines/setup.sh
. tests/chroot.sh

NAME=bookworm
checks_help "$@"
chroot_need git:git python3:python3
chroot_own_mounts "tests/$(basename "$0")"
checks_start

declare -A stages=() # the folders of stages that have a name
folders=()           # of all stages
entrypoint=()

in_stage() { # COMMAND...
  enter root "$@"
}
# The image's settings: no documentation, no recommended packages.
slim() {
  printf 'path-exclude /usr/share/%s/*\n' doc man info locale >"$CHROOT/etc/dpkg/dpkg.cfg.d/slim"
}

do_from() { # IMAGE [AS NAME]
  local folder=$RFDN_CHROOTS/$NAME-stage${#folders[@]}
  [ "$1" = debian:bookworm-slim ] || rfdn_fail "FROM $1 is not supported"
  quietly "stage ${#folders[@]}" chroot_fresh "$folder"
  folders+=("$folder")
  [ "${2-}" != AS ] || stages[$3]=$folder
  ENTER_IN=/
  ENTER_ENV=()
  slim
}
do_copy() { # [--from=STAGE] SOURCE... TARGET
  local from=$work/context target source
  if [[ $1 == --from=* ]]; then
    from=${stages[${1#--from=}]}
    shift
  fi
  target=${!#}
  [[ $target == /* ]] || target=$ENTER_IN/$target
  for source in "${@:1:$#-1}"; do
    if [ -d "$from/$source" ]; then
      mkdir -p "$CHROOT$target"
      cp -a --no-preserve=ownership "$from/$source/." "$CHROOT$target"
    else
      [[ $target == */ ]] || [ "$#" -eq 2 ] || rfdn_fail "COPY: $target must end with a /"
      cp --no-target-directory "$from/$source" "$CHROOT$target$([[ $target != */ ]] || basename "$source")"
    fi
  done
}
do_workdir() { # FOLDER
  ENTER_IN=$1
  mkdir -p "$CHROOT$1"
}
do_entrypoint() { # JSON
  mapfile -t entrypoint < <(python3 -c 'import json, sys; print("\n".join(json.loads(sys.argv[1])))' "$1")
}
instruction() { # LINE
  local word=${1%% *} rest=${1#* } words
  read -ra words <<<"$rest"
  case $word in
    FROM) do_from "${words[@]}" ;;
    RUN) quietly "RUN ${rest:0:60}" in_stage sh -c "$rest" ;;
    COPY) quietly "$1" do_copy "${words[@]}" ;;
    ENV) ENTER_ENV+=("${words[@]}") ;;
    WORKDIR) do_workdir "$rest" ;;
    ENTRYPOINT) do_entrypoint "$rest" ;;
    *) rfdn_fail "the instruction $word is not supported" ;;
  esac
}

# The lines without comments, joined where one ends with a backslash.
build() {
  local line whole=
  while IFS= read -r line; do
    [[ $line != '#'* ]] || continue
    whole+=${line%\\}
    [[ $line != *\\ ]] || continue
    [ -z "$whole" ] || instruction "$whole"
    whole=
  done <Containerfile
}

start_image() { # ARGUMENTS...
  in_stage "${entrypoint[@]}" "$@"
}
# Frames of 128x96 must become 256x192: checked as raw video, whose header shows the size and whose
# length shows the number of frames.
as_raw_video() {
  local header
  start_image clip.mkv - format=y4m >"$work/raw" || return
  header=$(head -n 1 "$work/raw")
  printf '%s\n' "$header"
  [[ $header == 'YUV4MPEG2 W256 H192 '* ]] &&
    [ "$(stat -c %s "$work/raw")" -eq $((${#header} + 1 + 25 * (6 + 256 * 192 * 3 / 2))) ]
}
absent() { # PROGRAM
  ! in_stage sh -c "command -v $1"
}

# A function, which bash reads completely: the file may change while it runs.
main() {
  local lock
  mkdir -p "$RFDN_CHROOTS" "$work/context"
  exec {lock}>"$RFDN_CHROOTS/$NAME-stage.lock"
  flock --nonblock "$lock" || rfdn_fail "another test works in $RFDN_CHROOTS/$NAME-stage"
  # Lets root's git read the project, whoever owns it.
  git -c safe.directory="$PWD" archive HEAD | tar -x -C "$work/context"
  build
  passed=$((passed + 1))
  printf 'passed: %s: all instructions\n' "$NAME"
  check 'the entrypoint is set' test "${#entrypoint[@]}" -gt 0
  check 'the entrypoint with --help' start_image --help
  write_grey >"$CHROOT$ENTER_IN/grey.y4m"
  check 'the entrypoint enlarges a clip' start_image grey.y4m clip.mkv
  check 'it is twice as large, frame for frame' as_raw_video
  check 'no compiler is left' absent gcc
  check 'no headers are left' test ! -d "$CHROOT/usr/include/gstreamer-1.0"
  printf 'the image: %s\n' "$(du --one-file-system --exclude=archives -sh "$CHROOT" | cut -f 1)"
  for CHROOT in "${folders[@]}"; do
    chroot_remove "$CHROOT"
  done
}
main
exit
