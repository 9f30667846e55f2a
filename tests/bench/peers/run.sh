#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Our engine against MNN, ONNX Runtime, OpenVINO, ncnn and PyTorch: one table. See README.md here.
#
#   tests/bench/peers/run.sh [--model NAME|FILE] [--size WxH...] [--threads N...] [--json FILE] ...
#
# Installs the Debian packages that are missing, builds, and makes a virtual environment with the
# peers; all of that in build-peers, or in the folder that $RFDN_PEERS names.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
peers=${RFDN_PEERS:-$(cd "$here/../../.." && pwd)/build-peers}
RFDN_BUILD=$peers/engine
. "$here/../../../pipelines/setup.sh"

pip() {
  "$peers/venv/bin/python" -m pip --quiet --disable-pip-version-check "$@" 2>>"$peers/pip.log"
}

# PyPI's own PyTorch has the same CPU code plus gigabytes for GPUs.
install_peers() {
  local packages
  while read -r -a packages; do
    case ${packages[0]:-#} in '#'*) continue ;; esac
    printf 'Installing %s ...\n' "${packages[*]}" >&2
    pip install --retries 1 --extra-index-url https://download.pytorch.org/whl/cpu "${packages[@]}" ||
      pip install "${packages[@]/+cpu/}" ||
      printf '%s: cannot be installed; see %s\n' "${packages[*]}" "$peers/pip.log" >&2
  done <"$here/requirements.txt"
}

# torch.compile needs g++.
rfdn_need_packages "${RFDN_RUN_PACKAGES[@]}" python3 python3-venv g++
rfdn_build -Dbench=true
if ! cmp -s "$here/requirements.txt" "$peers/installed.txt"; then
  python3 -m venv "$peers/venv"
  install_peers
  cp "$here/requirements.txt" "$peers/installed.txt"
fi
"$peers/venv/bin/python" -c 'import torch, onnx' 2>/dev/null ||
  rfdn_fail "without PyTorch and onnx nothing can be compared; see $peers/pip.log"

export PYTHONWARNINGS=ignore RFDN_PEERS=$peers
exec "$peers/venv/bin/python" "$here/bench.py" "$@"
