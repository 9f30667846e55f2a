# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the scripts of this folder share, to be sourced: farm_plan IN OUT [parts=N] [key=value ...] has the program
# built, plans the job unless it is planned already, and sets
#
#   farm_program   the program; farm_in, farm_out: absolute paths
#   farm_command   the three of them, quoted for any shell
#   farm_n         how many parts there are; farm_missing: the numbers of the parts that are yet to be made
#   farm_keys      what was given of the script's own keys, whose names $farm_own has, by name
#
# $farm_packages are what the script needs itself.
# shellcheck source-path=SCRIPTDIR source=../setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/../setup.sh"
: "${farm_own=}"
[ -n "${farm_packages+set}" ] || farm_packages=()

# Whoever carries out the line, bash, dash or a user's own shell, and in whatever locale, reads the same words.
farm_quote() {
  local word text=
  for word; do text+="'${word//\'/\'\\\'\'}' "; done
  printf '%s' "${text% }"
}

declare -A farm_keys=()
farm_plan() {
  local k options=() planned
  [ $# -ge 2 ] || rfdn_fail "usage: $(basename "$0") IN OUT [parts=N] [key=value ...]"
  farm_in=$(realpath -- "$1") farm_out=$(realpath -m -- "$2")
  shift 2
  farm_keys[parts]=12
  for k; do
    case " parts $farm_own " in
      *" ${k%%=*} "*) farm_keys[${k%%=*}]=${k#*=} ;;
      *) options+=("$k") ;;
    esac
  done
  rfdn_need_packages "${RFDN_RUN_PACKAGES[@]}" "${farm_packages[@]}"
  # shellcheck disable=SC2119  # its arguments are options of meson, not of this script
  rfdn_build
  rfdn_environment
  # shellcheck disable=SC2034  # for those who source this
  farm_program=$RFDN_BUILD/pipelines/rfdn-transcode
  # shellcheck disable=SC2034
  farm_command=$(farm_quote "$farm_program" "$farm_in" "$farm_out")
  planned=$("$farm_program" "$farm_in" "$farm_out" --plan "${farm_keys[parts]}" "${options[@]}") || exit 1
  farm_n=${planned##*$'\n'}
  farm_missing=()
  for ((k = 0; k < farm_n; k++)); do
    [ -e "$farm_out.parts/$(printf %05d "$k").json" ] || farm_missing+=("$k")
  done
}
