/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "floats.h"

#include <math.h>

float *
upscale_float (RfdnModel *model, const Picture *picture, RfdnCpu cpu, guint tile_size)
{
  const RfdnModelInfo *info = rfdn_model_get_info (model);
  const guint width = picture_width (picture, 0), height = picture_height (picture, 0);
  const gsize plane = (gsize) width * height, scaled = plane * info->scale * info->scale;
  g_autofree float *in = g_new (float, info->channels *plane);
  float *out = g_new (float, info->channels *scaled);
  RfdnUpscalerParams params = RFDN_UPSCALER_PARAMS_INIT;
  g_autoptr (GError) error = NULL;
  RfdnPlane from[3], to[3];

  params.width = width;
  params.height = height;
  params.format.samples = RFDN_SAMPLES_F32;
  params.cpu = cpu;
  params.tile_size = tile_size;
  g_autoptr (RfdnUpscaler) upscaler = rfdn_upscaler_new (model, &params, &error);
  g_assert_no_error (error);
  for (guint c = 0; c < info->channels; c++) {
    for (gsize i = 0; i < plane; i++)
      in[c * plane + i] =
          (float) picture_get (picture, c, (guint) (i % width), (guint) (i / width)) *
          info->input_range / 255;
    from[c] = (RfdnPlane){in + c * plane, 4 * (gssize) width, 4};
    to[c] = (RfdnPlane){out + c * scaled, 4 * (gssize) (width * info->scale), 4};
  }
  rfdn_upscaler_run (upscaler, from, to);
  return out;
}

double
worst_difference (const float *a, const float *b, gsize n, float range)
{
  double worst = 0;

  for (gsize i = 0; i < n; i++) {
    const double d = fabs ((double) a[i] - b[i]) * 255 / range;
    worst = d <= worst ? worst : d; /* a NaN becomes the worst */
  }
  return worst;
}
