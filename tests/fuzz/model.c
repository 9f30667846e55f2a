/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any bytes as a model file; where they make a small network, a picture goes through it, mixed with
 * a sibling if it has any.
 * With libFuzzer: fuzz-model CORPUS. Without: fuzz-model FILE ... replays files (replay.c). */

#include <stdlib.h>

#include "replay.h"
#include "rfdn.h"

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GBytes) bytes = g_bytes_new (data, size);
  g_autoptr (GError) error = NULL;
  g_autoptr (RfdnModel) own = rfdn_model_new (bytes, &error);
  g_autoptr (RfdnModel) model = NULL;

  if ((own == NULL) == (error == NULL))
    abort ();
  if (own == NULL)
    return 0;
  const float sharpness = size % 2 ? 0.25f : -0.5f;
  model = rfdn_model_sharpen (own, rfdn_model_get_info (own)->has_siblings ? sharpness : 0, NULL);
  if (model == NULL || rfdn_model_get_info (model)->macs > 100000)
    return 0;

  guint8 in[3][5][4] = {{{1, 2, 3, 250}}}, out[3][5 * RFDN_MAX_SCALE][4 * RFDN_MAX_SCALE];
  const guint scale = rfdn_model_get_info (model)->scale;
  RfdnUpscalerParams params = RFDN_UPSCALER_PARAMS_INIT;
  RfdnPlane from[3], to[3];
  params.width = 4;
  params.height = 5;
  params.n_threads = 1;
  g_autoptr (RfdnUpscaler) upscaler = rfdn_upscaler_new (model, &params, NULL);
  for (guint c = 0; c < 3; c++) {
    from[c] = (RfdnPlane){in[c], 4, 1};
    to[c] = (RfdnPlane){out[c], 4 * scale, 1};
  }
  rfdn_upscaler_run (upscaler, from, to);
  return 0;
}
