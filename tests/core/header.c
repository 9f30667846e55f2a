/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rfdn.h"

int
main (void)
{
  RfdnUpscalerParams params = RFDN_UPSCALER_PARAMS_INIT;
  return params.tile_overlap != RFDN_TILE_OVERLAP_AUTO;
}
