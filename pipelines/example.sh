#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Runs example.py with what it needs: ./pipelines/example.sh IN OUT.mkv
set -euo pipefail
# shellcheck source=pipelines/setup.sh
. "$(dirname "$0")/setup.sh"

rfdn_need_packages "${RFDN_RUN_PACKAGES[@]}" python3-gi gir1.2-gstreamer-1.0
rfdn_build
rfdn_environment
exec /usr/bin/python3 "$RFDN_ROOT/pipelines/example.py" "$@"
