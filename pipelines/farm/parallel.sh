#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Enlarges a video file by GNU parallel, on this machine or over ssh:
#
#   parallel.sh IN OUT [parts=N] [jobs=N] [hosts=HOST,HOST] [key=value ...]
#
# Run again after a failure, it makes what is missing. On the hosts, all paths have to be the same as here.
set -euo pipefail
farm_own="jobs hosts" farm_packages=(parallel)
# shellcheck source-path=SCRIPTDIR source=farm.sh
. "$(dirname "${BASH_SOURCE[0]}")/farm.sh"

farm_plan "$@"
log=$farm_out.parts/joblog
more=(--jobs "${farm_keys[jobs]:-1}")
[ -z "${farm_keys[hosts]:-}" ] || more+=(--sshlogin "${farm_keys[hosts]}" --env GST_PLUGIN_PATH)
if [ "${#farm_missing[@]}" -gt 0 ]; then
  # Whole lines, as parallel would put its own into a name that has {} or {.}.
  for ((k = 0; k < farm_n; k++)); do printf '%s\0' "$farm_command --part $k"; done |
    parallel --will-cite --null --joblog "$log" --resume-failed --retries 3 "${more[@]}" >/dev/null ||
    rfdn_fail "some parts failed, see $log; run this again"
fi
rm -f "$log"
exec "$farm_program" "$farm_in" "$farm_out" --join
