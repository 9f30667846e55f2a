#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Enlarges a video file: transcode.sh IN OUT [key=value ...]; --help tells the keys.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

rfdn_need_packages "${RFDN_RUN_PACKAGES[@]}"
# shellcheck disable=SC2119  # its arguments are options of meson, not of this script
rfdn_build
rfdn_environment
[ -x "$RFDN_BUILD/pipelines/rfdn-transcode" ] ||
  rfdn_fail "$RFDN_BUILD was configured without rfdn-transcode; why, tells: meson setup --reconfigure '$RFDN_BUILD'"
exec "$RFDN_BUILD/pipelines/rfdn-transcode" "$@"
