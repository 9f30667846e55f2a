#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Makes the picture of the README: ./pipelines/picture.sh OUT.png
# picture.svg is drawn, made small, and enlarged twice: by Lanczos on the left, by the built-in model on
# the right. Both are then doubled pixel by pixel, so that they can be told apart. (envelope=3: Lanczos of
# three lobes; GStreamer's own default of two is blurrier, and would flatter us.)
set -euo pipefail
# shellcheck source=pipelines/setup.sh
. "$(dirname "$0")/setup.sh"

[ $# -eq 1 ] || rfdn_fail "usage: picture.sh OUT.png"
rfdn_need_packages "${RFDN_RUN_PACKAGES[@]}" fonts-dejavu-core
rfdn_build
rfdn_environment

folder=$RFDN_ROOT/pipelines
double=(videoscale method=nearest-neighbour ! "video/x-raw,width=448,height=384")
line=(filesrc "location=$folder/picture.svg" ! rsvgdec ! videoconvert ! "video/x-raw,format=RGB" !
  videoscale method=bilinear2 ! "video/x-raw,width=112,height=96" ! videoconvert !
  "video/x-raw,format=Y444,colorimetry=bt601" ! tee name=small
  compositor name=both background=black "sink_1::xpos=452" ! "video/x-raw,width=900,height=384" ! videoconvert !
  rsvgoverlay "location=$folder/picture-labels.svg" ! videoconvert ! "video/x-raw,format=RGB" !
  pngenc snapshot=true ! filesink "location=$1"
  small. ! queue ! videoscale method=lanczos envelope=3 ! "video/x-raw,width=224,height=192" ! "${double[@]}" !
  both.sink_0
  small. ! queue ! rfdnupscale ! "${double[@]}" ! both.sink_1)
rfdn_show gst-launch-1.0 "${line[@]}"
gst-launch-1.0 -q "${line[@]}" || rfdn_fail "the picture could not be made"
