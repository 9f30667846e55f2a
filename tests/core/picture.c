/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "picture.h"

#include <math.h>

#include "synthetic.h"

RfdnModel *
make_model (const char *architecture, guint features, guint blocks, guint scale, guint channels,
            gboolean attention, GBytes **file)
{
  g_autoptr (GError) error = NULL;
  const SyntheticNetwork network = {architecture, features, blocks, scale, channels, attention, 7};
  g_autoptr (GBytes) bytes = synthetic_network_new (&network);
  RfdnModel *model = rfdn_model_new (bytes, &error);
  g_assert_no_error (error);
  if (file)
    *file = g_bytes_ref (bytes);
  return model;
}

Map *
make_picture (guint channels, guint height, guint width)
{
  Map *map = map_new (channels, height, width);
  gsize i = 0;
  for (guint c = 0; c < channels; c++) {
    for (guint y = 0; y < height; y++) {
      for (guint x = 0; x < width; x++) {
        double v = 0.5 + 0.3 * sin (0.07 * x + c) * cos (0.11 * y) + ((x / 9 + y / 7) % 3) * 0.08 +
                   g_test_rand_double_range (-0.03, 0.03);
        /* Levels of 8 bits, so that samples of both types give the network the same values. */
        map->values[i++] = (float) round (CLAMP (v, 0, 1) * 255) / 255;
      }
    }
  }
  return map;
}

Map *
upscale_float (RfdnModel *model, const RfdnUpscalerParams *params, const Map *in)
{
  g_autoptr (GError) error = NULL;
  const RfdnModelInfo *info = rfdn_model_get_info (model);
  RfdnUpscalerParams p = *params;
  p.width = in->width;
  p.height = in->height;
  p.format.samples = RFDN_SAMPLES_F32;
  g_autoptr (RfdnUpscaler) upscaler = rfdn_upscaler_new (model, &p, &error);
  g_assert_no_error (error);

  Map *out = map_new (in->channels, in->height * info->scale, in->width * info->scale);
  RfdnPlane from[3], to[3];
  for (guint c = 0; c < in->channels; c++) {
    from[c] = (RfdnPlane){in->values + (gsize) c * in->height * in->width, 4 * in->width, 4};
    to[c] = (RfdnPlane){out->values + (gsize) c * out->height * out->width, 4 * out->width, 4};
  }
  rfdn_upscaler_run (upscaler, from, to);
  return out;
}

guint8 *
upscale_bytes (RfdnModel *model, const RfdnUpscalerParams *params, const Map *in, gsize *n)
{
  g_autoptr (GError) error = NULL;
  const guint scale = rfdn_model_get_info (model)->scale;
  gsize size = (gsize) in->height * in->width;
  RfdnUpscalerParams p = *params;
  p.width = in->width;
  p.height = in->height;
  p.format = (RfdnSampleFormat){RFDN_SAMPLES_U8, 8, 0};
  g_autoptr (RfdnUpscaler) upscaler = rfdn_upscaler_new (model, &p, &error);
  g_assert_no_error (error);

  *n = in->channels * size * scale * scale;
  g_autofree guint8 *samples = g_malloc (in->channels * size);
  guint8 *out = g_malloc (*n);
  RfdnPlane from[3], to[3];
  for (gsize i = 0; i < in->channels * size; i++)
    samples[i] = (guint8) lrintf (in->values[i] * 255);
  for (guint c = 0; c < in->channels; c++) {
    from[c] = (RfdnPlane){samples + c * size, in->width, 1};
    to[c] = (RfdnPlane){out + c * size * scale * scale, in->width * scale, 1};
  }
  rfdn_upscaler_run (upscaler, from, to);
  return out;
}
