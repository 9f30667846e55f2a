#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Runs a Python test of models/: python.sh FILE [ARGUMENT...]
# Uses $RFDN_PYTHON, else the Python of venv/ in the project's folder, else Debian's, whose packages
# run.sh installs, else the first in PATH.
if [ -z "$RFDN_PYTHON" ]; then
  RFDN_PYTHON=python3
  for python in "$(dirname "$0")/../../venv/bin/python" /usr/bin/python3; do
    if [ -x "$python" ]; then
      RFDN_PYTHON=$python
      break
    fi
  done
fi
exec "$RFDN_PYTHON" "$@"
