#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Enlarges a video file on a Slurm cluster: slurm.sh IN OUT [parts=N] [key=value ...]
#
# Plans the job, submits its parts as an array and their joining as a job that depends on it. Run again, it submits what
# is missing. $RFDN_SBATCH has further options of sbatch (--partition=..., --cpus-per-task=...).
set -euo pipefail
farm_own="" farm_packages=(slurm-client)
# shellcheck source-path=SCRIPTDIR source=farm.sh
. "$(dirname "${BASH_SOURCE[0]}")/farm.sh"

farm_plan "$@"
read -ra more <<<"${RFDN_SBATCH:-}"
more+=(--parsable --requeue "--chdir=$(dirname "$farm_out")")
logs=${farm_out//%/%%} # sbatch has a % of its own
after=()
if [ "${#farm_missing[@]}" -gt 0 ]; then
  array=$(IFS=, && echo "${farm_missing[*]}")
  # SIGTERM comes before the limit of time, so that the part in work can be finished.
  id=$(sbatch "${more[@]}" --job-name=rfdn-part --array="$array" --signal=B:TERM@120 \
    --output="$logs.parts/slurm-%a.log" --wrap "exec $farm_command --part auto")
  after=("--dependency=afterok:${id%%;*}" --kill-on-invalid-dep=yes)
  printf 'Parts %s: job %s\n' "$array" "${id%%;*}"
fi
id=$(sbatch "${more[@]}" --job-name=rfdn-join "${after[@]}" --output="$logs.log" --wrap "exec $farm_command --join")
printf 'Joining: job %s; what it says is in %s.log\n' "${id%%;*}" "$farm_out"
