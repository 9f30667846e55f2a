# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What jobs share; sourced in the project's root folder, with $RFDN_BUILD set by .ci/run.
set -euo pipefail
. pipelines/setup.sh

# Logs, and what else jobs leave.
# shellcheck disable=SC2034  # for those who source this
ci_work=$RFDN_BUILD-ci

ci_skip() { # REASON
  printf '%s\n' "$*"
  exit 77
}

# Skips the job unless Debian packages are there or can be installed.
ci_need() { # PACKAGE...
  local why
  why=$(rfdn_need_packages "$@" 2>&1) || ci_skip "not installed: $(tail -n 1 <<<"$why")"
}

# Files below the root folder but in builds, each ended by a 0 byte.
ci_find() { # NAME-PATTERN...
  local pattern names=()
  for pattern; do
    names+=(-o -name "$pattern")
  done
  find . \( -path './build*' -o -path "$RFDN_BUILD*" -o -path ./venv -o -path ./.git \) -prune -o \
    -type f \( "${names[@]:1}" \) -print0
}

# Builds with -Dwerror=true. Where that fails, warnings are allowed from then on: later jobs test what is
# in the folder all the same.
ci_build_strict() { # FOLDER [arguments for `meson setup`]
  local folder=$1
  shift
  [ ! -f "$folder/build.ninja" ] || rfdn_meson configure "$folder" -Dwerror=true
  (RFDN_BUILD=$folder && rfdn_build -Dwerror=true "$@") && return
  [ ! -f "$folder/build.ninja" ] || rfdn_meson configure "$folder" -Dwerror=false
  return 1
}

ci_build() { # FOLDER [arguments for `meson setup`]
  local RFDN_BUILD=$1
  shift
  rfdn_build "$@"
}

# Programs take seconds to minutes; one that hangs is stopped after MINUTES.
ci_test() { # FOLDER MINUTES [arguments for `meson test`]
  local folder=$1 minutes=$2
  shift 2
  rfdn_meson test -C "$folder" --no-rebuild --print-errorlogs \
    --timeout-multiplier "$(awk "BEGIN { print $minutes / 30 }")" "$@"
}

# One build for three jobs: clang's warnings, the sanitizers, the fuzz targets. Kernels are not checked: with
# them clang takes many times as long.
ci_build_clang() { # ci_build or ci_build_strict
  ci_need "${RFDN_RUN_PACKAGES[@]}" clang-14 libclang-rt-14-dev llvm-14
  CC=clang-14 "$1" "$RFDN_BUILD-clang" --buildtype=debugoptimized -Dfuzz=true \
    -Db_sanitize=address,undefined -Db_lundef=false -Dsanitize_kernels=false
}
