/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "naive.h"

#include <math.h>
#include <string.h>

#include "safetensors.h"

Map *
map_new (guint channels, guint height, guint width)
{
  Map *map = g_new (Map, 1);
  *map = (Map){channels, height, width, g_new0 (float, (gsize) channels *height *width)};
  return map;
}

void
map_free (Map *map)
{
  if (map)
    g_free (map->values);
  g_free (map);
}

static float *
at (const Map *map, guint c, guint y, guint x)
{
  return map->values + ((gsize) c * map->height + y) * map->width + x;
}

static gsize
map_size (const Map *map)
{
  return (gsize) map->channels * map->height * map->width;
}

static Map *conv (const RfdnTensorFile *file, const Map *in, guint stride, guint padding,
                  const char *format, ...) G_GNUC_PRINTF (5, 6);

static Map *
conv (const RfdnTensorFile *file, const Map *in, guint stride, guint padding, const char *format,
      ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *prefix = g_strdup_vprintf (format, args);
  va_end (args);
  g_autofree char *weight_name = g_strconcat (prefix, ".weight", NULL);
  g_autofree char *bias_name = g_strconcat (prefix, ".bias", NULL);
  const RfdnTensor *weight = rfdn_tensor_file_get (file, weight_name);
  const RfdnTensor *bias = rfdn_tensor_file_get (file, bias_name);
  g_assert_nonnull (weight);
  g_assert_nonnull (bias);

  guint side = (guint) weight->shape[2];
  Map *out = map_new ((guint) weight->shape[0], (in->height + 2 * padding - side) / stride + 1,
                      (in->width + 2 * padding - side) / stride + 1);
  for (guint o = 0; o < out->channels; o++) {
    for (guint y = 0; y < out->height; y++) {
      for (guint x = 0; x < out->width; x++) {
        double sum = bias->values[o];
        for (guint i = 0; i < in->channels; i++) {
          for (guint k = 0; k < side * side; k++) {
            gint sy = (gint) (y * stride + k / side) - (gint) padding;
            gint sx = (gint) (x * stride + k % side) - (gint) padding;
            if (sy >= 0 && sy < (gint) in->height && sx >= 0 && sx < (gint) in->width)
              sum += (double) *at (in, i, sy, sx) *
                     weight->values[(o * in->channels + i) * side * side + k];
          }
        }
        *at (out, o, y, x) = (float) sum;
      }
    }
  }
  return out;
}

static Map *
leaky (Map *map, float slope)
{
  for (gsize i = 0; i < map_size (map); i++)
    map->values[i] *= map->values[i] < 0 ? slope : 1;
  return map;
}

static Map *
add (Map *map, const Map *other)
{
  for (gsize i = 0; i < map_size (map); i++)
    map->values[i] += other->values[i];
  return map;
}

static Map *
concatenate (Map *const *maps, guint n)
{
  Map *out = map_new (n * maps[0]->channels, maps[0]->height, maps[0]->width);
  for (guint i = 0; i < n; i++)
    memcpy (at (out, i * maps[0]->channels, 0, 0), maps[i]->values,
            map_size (maps[i]) * sizeof (float));
  return out;
}

static Map *
max_pool (const Map *in)
{
  Map *out = map_new (in->channels, (in->height - 7) / 3 + 1, (in->width - 7) / 3 + 1);
  for (guint c = 0; c < out->channels; c++) {
    for (guint y = 0; y < out->height; y++) {
      for (guint x = 0; x < out->width; x++) {
        float best = -INFINITY;
        for (guint k = 0; k < 49; k++)
          best = MAX (best, *at (in, c, 3 * y + k / 7, 3 * x + k % 7));
        *at (out, c, y, x) = best;
      }
    }
  }
  return out;
}

static Map *
upsample (const Map *in, guint height, guint width)
{
  Map *out = map_new (in->channels, height, width);
  for (guint c = 0; c < out->channels; c++) {
    for (guint y = 0; y < height; y++) {
      for (guint x = 0; x < width; x++) {
        double v = MAX ((y + 0.5) * in->height / height - 0.5, 0);
        double u = MAX ((x + 0.5) * in->width / width - 0.5, 0);
        guint y0 = (guint) v, x0 = (guint) u;
        guint y1 = MIN (y0 + 1, in->height - 1), x1 = MIN (x0 + 1, in->width - 1);
        double fy = v - y0, fx = u - x0;
        *at (out, c, y, x) =
            (float) ((1 - fy) * ((1 - fx) * *at (in, c, y0, x0) + fx * *at (in, c, y0, x1)) +
                     fy * ((1 - fx) * *at (in, c, y1, x0) + fx * *at (in, c, y1, x1)));
      }
    }
  }
  return out;
}

static Map *
attend (const RfdnTensorFile *file, const Map *in, const char *prefix, gboolean three)
{
  g_autoptr (Map) squeezed = conv (file, in, 1, 0, "%s.conv1", prefix);
  g_autoptr (Map) half = conv (file, squeezed, 2, 0, "%s.conv2", prefix);
  g_autoptr (Map) low = max_pool (half);
  if (three) {
    Map *next = leaky (conv (file, low, 1, 1, "%s.conv_max", prefix), 0);
    map_free (low);
    low = leaky (conv (file, next, 1, 1, "%s.conv3", prefix), 0);
    map_free (next);
  }
  g_autoptr (Map) last = conv (file, low, 1, 1, three ? "%s.conv3_" : "%s.conv3", prefix);
  g_autoptr (Map) up = upsample (last, in->height, in->width);
  g_autoptr (Map) skip = conv (file, squeezed, 1, 0, "%s.conv_f", prefix);
  Map *out = conv (file, add (up, skip), 1, 0, "%s.conv4", prefix);
  for (gsize i = 0; i < map_size (out); i++)
    out->values[i] = in->values[i] / (1 + expf (-out->values[i]));
  return out;
}

static Map *
rfdn_block (const RfdnTensorFile *file, guint k, const Map *in)
{
  Map *parts[4];
  g_autoptr (Map) x = NULL;
  for (guint i = 1; i <= 3; i++) {
    const Map *from = x ? x : in;
    parts[i - 1] = leaky (conv (file, from, 1, 0, "B%u.c%u_d", k, i), 0.05f);
    Map *next = leaky (add (conv (file, from, 1, 1, "B%u.c%u_r", k, i), from), 0.05f);
    map_free (x);
    x = next;
  }
  parts[3] = leaky (conv (file, x, 1, 1, "B%u.c4", k), 0.05f);
  g_autoptr (Map) all = concatenate (parts, 4);
  g_autoptr (Map) fused = conv (file, all, 1, 0, "B%u.c5", k);
  g_autofree char *esa = g_strdup_printf ("B%u.esa", k);
  for (guint i = 0; i < 4; i++)
    map_free (parts[i]);
  return attend (file, fused, esa, TRUE);
}

static Map *
reprfn_block (const RfdnTensorFile *file, guint k, const Map *in)
{
  g_autoptr (Map) x = NULL;
  for (guint i = 1; i <= 3; i++) {
    Map *next =
        leaky (conv (file, x ? x : in, 1, 1, "reprfb%u.repblock%u.rbr_reparam", k, i), 0.05f);
    map_free (x);
    x = next;
  }
  Map *out = add (leaky (conv (file, x, 1, 1, "reprfb%u.conv3", k), 0.05f), in);
  g_autofree char *esa = g_strdup_printf ("reprfb%u.esa", k);
  g_autofree char *probe = g_strconcat (esa, ".conv1.weight", NULL);
  if (rfdn_tensor_file_get (file, probe) == NULL)
    return out;
  Map *attended = attend (file, out, esa, FALSE);
  map_free (out);
  return attended;
}

static Map *
pixel_shuffle (const Map *in, guint channels)
{
  guint scale = (guint) (sqrt (in->channels / channels) + 0.5);
  Map *out = map_new (channels, in->height * scale, in->width * scale);
  for (guint c = 0; c < channels; c++) {
    for (guint y = 0; y < out->height; y++) {
      for (guint x = 0; x < out->width; x++)
        *at (out, c, y, x) =
            *at (in, (c * scale + y % scale) * scale + x % scale, y / scale, x / scale);
    }
  }
  return out;
}

Map *
naive_run (GBytes *bytes, const Map *in)
{
  g_autoptr (RfdnTensorFile) file = rfdn_tensor_file_new (bytes, NULL);
  g_assert_nonnull (file);
  gboolean rfdn = rfdn_tensor_file_get (file, "c.0.weight") != NULL;
  g_autoptr (Map) features = conv (file, in, 1, 1, "fea_conv");
  g_autoptr (GPtrArray) blocks = g_ptr_array_new_with_free_func ((GDestroyNotify) map_free);
  const Map *x = features;

  for (guint k = 1;; k++) {
    g_autofree char *probe = g_strdup_printf (rfdn ? "B%u.c5.weight" : "reprfb%u.conv3.weight", k);
    if (rfdn_tensor_file_get (file, probe) == NULL)
      break;
    g_ptr_array_add (blocks, rfdn ? rfdn_block (file, k, x) : reprfn_block (file, k, x));
    x = g_ptr_array_index (blocks, k - 1);
  }

  g_autoptr (Map) collected = NULL;
  if (rfdn) {
    g_autoptr (Map) all = concatenate ((Map *const *) blocks->pdata, blocks->len);
    collected = leaky (conv (file, all, 1, 0, "c.0"), 0.05f);
    x = collected;
  }
  g_autoptr (Map) sum = add (conv (file, x, 1, 1, rfdn ? "LR_conv" : "lr_conv"), features);
  g_autoptr (Map) last = conv (file, sum, 1, 1, rfdn ? "upsampler.0" : "upsampler.conv");
  return pixel_shuffle (last, in->channels);
}
