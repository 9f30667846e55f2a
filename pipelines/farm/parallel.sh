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
  parallel --will-cite --quote --joblog "$log" --resume-failed --retries 3 "${more[@]}" \
    "$farm_program" "$farm_in" "$farm_out" --part '{}' ::: $(seq 0 $((farm_n - 1))) >/dev/null ||
    rfdn_fail "some parts failed, see $log; run this again"
fi
rm -f "$log"
exec "$farm_program" "$farm_in" "$farm_out" --join
