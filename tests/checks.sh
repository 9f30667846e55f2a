# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Shared by tests that run step by step; to be sourced in the project's root folder, after
# pipelines/setup.sh:
#
#   run COMMAND...            a command that ends with the script
#   quietly WHAT COMMAND...   show only WHAT; $step is WHAT, $work/log the command's output
#   check WHAT COMMAND...     the same, but continue if it fails; counts
#   checks_help ARG...        with --help, print the script's head and end
#   checks_start              call first in a script of checks: makes $work, sets traps
#   checks_need PACKAGE...    have Debian packages, or end with 77
#   checks_skip REASON        end with 77
#   end_steps STATUS          for the trap of any other script: ends the job, shows the end of the log
#
# The script that sources this sets $NAME, with which each line begins, and $work, its own folder
# (or calls checks_start).

work=
job=
step=
passed=0
failed=0

# bash handles signals while it waits for a job; in its own session the whole job can be ended.
run() { # COMMAND...
  local status=0
  setsid "$@" </dev/null &
  job=$!
  wait "$job" || status=$?
  job=
  return "$status"
}

quietly() { # WHAT COMMAND...
  step=$1
  shift
  printf '%s: %s ...\n' "$NAME" "$step" >&2
  "$@" >"$work/log" 2>&1
  : >"$work/log"
}

# `set -e` does not apply within COMMAND: use a single command, or join several by &&.
check() { # WHAT COMMAND...
  local what=$1
  shift
  if "$@" >"$work/log" 2>&1; then
    passed=$((passed + 1))
    printf 'passed: %s: %s\n' "$NAME" "$what"
  else
    failed=$((failed + 1))
    printf 'FAILED: %s: %s\n' "$NAME" "$what"
    tail -n 30 "$work/log" | sed 's/^/  /'
  fi
  : >"$work/log"
}

end_steps() { # STATUS
  [ -z "$job" ] || kill -KILL -- "-$job" 2>/dev/null || true
  [ "$1" -eq 0 ] || [ ! -s "$work/log" ] || tail -n 30 "$work/log" >&2
  rm -rf "$work"
}

# A script's head is its comment from line 4 on.
checks_help() { # ARGUMENTS OF THE SCRIPT...
  case ${1-} in
    -h | --help) ;;
    *) return 0 ;;
  esac
  sed -n '4,/^[^#]/s/^# \{0,1\}//p' "tests/$(basename "$0")"
  exit
}

# The script's exit status becomes that of its checks.
checks_start() {
  work=$(mktemp -d)
  trap checks_end EXIT
  trap 'exit 130' INT TERM HUP
}

# shellcheck disable=SC2317  # called by the trap
checks_end() {
  local status=$?
  trap '' INT TERM HUP
  if [ "$status" -ne 0 ] && [ "$status" -ne 77 ]; then
    failed=$((failed + 1))
    printf 'FAILED: %s: %s\n' "$NAME" "${step:-?}"
  fi
  end_steps "$status"
  [ "$status" -eq 77 ] || printf '%d passed, %d failed\n' "$passed" "$failed"
  [ "$failed" -eq 0 ] || status=1
  exit "$status"
}

checks_skip() { # REASON
  printf 'skipped: %s\n' "$*"
  exit 77
}

checks_need() { # PACKAGE...
  local why
  why=$(rfdn_need_packages "$@" 2>&1) || checks_skip "$why"
}
